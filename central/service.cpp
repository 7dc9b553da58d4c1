#include "central/service.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>

#include "central/api.hpp"
#include "central/config.hpp"
#include "core/log.hpp"
#include "core/version.hpp"
#include "io/daemon.hpp"
#include "io/system.hpp"
#include "io/work_thread.hpp"

namespace marrowlink::central {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::milliseconds stop_time{200};  // for the will's DISCONNECT to leave

class Service {
 public:
    Service(std::filesystem::path config_file, asio::io_context& loop)
        : config_file_(std::move(config_file)), loop_(loop), daemon_(loop, clock_, {[this] { reload(); }, [this] { return end(); }, {}}) {}

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
        daemon_.hear_signals();
        if (auto listening = server.start(); !listening) return fail(listening.error());
        log::info("page.listening", {{"address", server.address()}, {"version", version}});
        ingest_ = &ingest;
        ingest.start();
        if (auto told = daemon_.ready(fmt::format("page on {}", server.address())); !told) return told;
        loop_.run();
        server.stop();
        store.reset();
        return {};
    }

 private:
    // Certificates are read again at each connect; everything else in the file needs a restart, and saying so is better than half of it.
    void reload() {
        auto const config = read_config(config_file_);
        if (!config)
            log::error("configuration.refused", {{"detail", config.error().message}, {"do", "The running configuration stays in force."}});
        else
            log::info("configuration.read", {{"effect", "certificate files are read at the next connect; other changes need a restart"}});
    }

    Task<void> end() {
        ingest_->stop();
        co_await clock_.sleep_for(stop_time);
    }

    std::filesystem::path config_file_;
    asio::io_context& loop_;
    SystemClock clock_;
    Daemon daemon_;
    Ingest* ingest_ = nullptr;
};
}  // namespace

Result<void> run_service(std::filesystem::path const& config_file) {
    asio::io_context loop{1};
    return Service{config_file, loop}.run();
}

}  // namespace marrowlink::central
