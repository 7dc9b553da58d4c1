#include "central/service.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "central/api.hpp"
#include "central/config.hpp"
#include "core/log.hpp"
#include "core/version.hpp"
#include "io/notify.hpp"
#include "io/system.hpp"
#include "io/work_thread.hpp"

namespace marrowlink::central {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::milliseconds stop_time{200};  // for the will's DISCONNECT to leave

class Service {
 public:
    Service(std::filesystem::path config_file, asio::io_context& loop)
        : config_file_(std::move(config_file)), loop_(loop), signals_(loop) {}

    Result<void> run() {
        auto config = read_config(config_file_);
        if (!config) return fail(config.error());
        for (std::string const& warning : config->warnings) log::warn("configuration.doubtful", {{"text", warning}});
        auto intake = Intake::open(config->database);
        if (!intake) return fail(intake.error());
        log::info("store.opened", {{"database", config->database.string()}, {"streams", (*intake)->acknowledgements().size()}});

        config->broker.subscriptions = subscriptions();
        config->broker.will = centre_will();
        MqttUplink uplink{loop_.get_executor(), config->broker};
        // The store ends before what it works on, and finishes what was posted to it.
        std::optional<WorkThread> store{std::in_place};
        Ingest ingest{uplink, loop_.get_executor(), store->executor(), clock_, **intake};
        Api api{loop_.get_executor(), store->executor(), clock_, ingest, (*intake)->database()};
        HttpOptions http;
        http.tcp = config->listen;
        http.host_names = config->host_names;
        HttpServer server{loop_.get_executor(), clock_, std::move(http), api.handler()};
        if (auto listening = server.start(); !listening) return fail(listening.error());
        log::info("page.listening", {{"address", server.address()}, {"version", version}});
        ingest_ = &ingest;
        ingest.start();

        auto notify = Notify::from_environment();
        if (!notify) return fail(notify.error());
        notify_.emplace(std::move(*notify));
        for (int const signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
        wait_for_signal();
        asio::co_spawn(loop_, keep_watchdog(), asio::detached);
        tell(notify_->status(fmt::format("page on {}", server.address())));
        tell(notify_->ready());
        loop_.run();
        server.stop();
        store.reset();
        return {};
    }

 private:
    void wait_for_signal() {
        signals_.async_wait([this](boost::system::error_code error, int signal) {
            if (error) return;
            if (signal == SIGHUP) {
                reload();
            } else if (std::exchange(stopping_, true)) {
                loop_.stop();
            } else {
                asio::co_spawn(loop_, stop(), asio::detached);
            }
            wait_for_signal();
        });
    }

    // Certificates are read again at each connect; everything else in the file needs a restart, and saying so is better than half of it.
    void reload() {
        auto const config = read_config(config_file_);
        if (!config)
            log::error("configuration.refused", {{"detail", config.error().message}, {"do", "The running configuration stays in force."}});
        else
            log::info("configuration.read", {{"effect", "certificate files are read at the next connect; other changes need a restart"}});
    }

    Task<void> stop() {
        tell(notify_->stopping());
        ingest_->stop();
        co_await clock_.sleep_for(stop_time);
        loop_.stop();
    }

    // The loop itself proves that it turns; a centre that hangs is started again.
    Task<void> keep_watchdog() {
        auto const period = notify_->alive_period();
        if (!period) co_return;
        for (;;) {
            co_await clock_.sleep_for(*period);
            tell(notify_->alive());
        }
    }

    static void tell(Result<void> const& told) {
        if (!told) log::warn("service_manager.not_told", {{"reason", told.error().message}});
    }

    std::filesystem::path config_file_;
    asio::io_context& loop_;
    asio::signal_set signals_;
    SystemClock clock_;
    std::optional<Notify> notify_;
    Ingest* ingest_ = nullptr;
    bool stopping_ = false;
};
}  // namespace

Result<void> run_service(std::filesystem::path const& config_file) {
    asio::io_context loop{1};
    return Service{config_file, loop}.run();
}

}  // namespace marrowlink::central
