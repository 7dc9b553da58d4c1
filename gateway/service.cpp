#include "gateway/service.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <fstream>

#include "core/log.hpp"
#include "core/version.hpp"
#include "gateway/api.hpp"
#include "gateway/gateway.hpp"
#include "gateway/plan.hpp"
#include "gateway/ports.hpp"
#include "io/daemon.hpp"
#include "io/http.hpp"
#include "io/mqtt.hpp"
#include "io/system.hpp"
#include "io/work_thread.hpp"

namespace marrowlink {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::seconds drain_time{5};
constexpr std::chrono::milliseconds unwind_time{50};

Result<std::string> first_line(std::filesystem::path const& file, std::string_view what) {
    std::ifstream in(file);
    std::string line;
    if (!std::getline(in, line))
        return fail(Fault::configuration, fmt::format("The {} file {} cannot be read or is empty.", what, file.string()));
    return line;
}

Result<MqttOptions> mqtt_options(Config const& config) {
    MqttOptions options;
    options.host = config.broker.host;
    options.port = config.broker.port;
    options.client_id = config.broker.client_id;
    options.keepalive_s = static_cast<int>(config.broker.keepalive.count());
    if (config.broker.username) options.username = *config.broker.username;
    if (config.broker.password_file) {
        auto password = first_line(*config.broker.password_file, "password");
        if (!password) return fail(password.error());
        options.password = std::move(*password);
    }
    if (config.broker.tls) options.tls = MqttTls{config.broker.tls->ca, config.broker.tls->certificate, config.broker.tls->key};
    options.subscriptions = gateway_subscriptions(config.site, config.gateway);
    options.will = gateway_will(config.site, config.gateway);
    return options;
}

Result<HttpOptions> http_options(Config const& config) {
    HttpOptions options;
    options.tcp = config.page.listen;
    options.socket = config.page.socket;
    if (config.page.token_file) {
        auto token = first_line(*config.page.token_file, "token");
        if (!token) return fail(token.error());
        options.token = std::move(*token);
    }
    return options;
}

class Service {
 public:
    Service(std::filesystem::path config_file, asio::io_context& loop)
        : config_file_(std::move(config_file)),
          loop_(loop),
          daemon_(loop, clock_,
                  {[this] { reload(); }, [this] { return end(); },
                   [this] { return fmt::format("{} records wait for the centre", gateway_->waiting()); }}) {}

    Result<void> run() {
        auto config = read_config(config_file_);
        if (!config) return fail(config.error());
        for (std::string const& warning : config->warnings) log::warn("configuration.doubtful", {{"text", warning}});
        auto mqtt = mqtt_options(*config);
        if (!mqtt) return fail(mqtt.error());
        auto http = http_options(*config);
        if (!http) return fail(http.error());
        OutboxPlace place;
        place.directory = config->outbox.directory;
        place.site = config->site;
        place.gateway = config->gateway;
        place.limits = outbox_limits(*config);
        place.boot_id = boot_id();
        auto opened = OutboxDirectory::open(std::move(place), entropy_, clock_);
        if (!opened) return fail(opened.error());

        MqttUplink uplink{loop_.get_executor(), std::move(*mqtt)};
        WorkThread store;
        WorkThread worker;
        auto const loop = loop_.get_executor();
        ModbusBuses buses{loop, clock_};
        PortsWorld const ports{loop, clock_, entropy_, buses, config->site, config->gateway};
        PlanWorld const world{
            worker.executor(),
            clock_,
            [this](std::string instrument, std::string sha256) { return gateway_->run_of_taken(std::move(instrument), std::move(sha256)); },
            [&ports](InstrumentLine const& line) { return transport_of(line, ports); },
            [this, loop](FolderConfig const& folder) { return folder_of(folder, clock_, loop); },
            [&buses](ModbusPlace const& bus) { return buses.at(bus); }};
        GatewayParts parts{clock_,
                           entropy_,
                           loop,
                           store.executor(),
                           uplink,
                           [&world](InstrumentConfig const& instrument) { return plan_for(instrument, world); },
                           boot_id(),
                           [] { std::exit(exit_code(Fault::broken)); },
                           [&buses](ModbusPlace const& bus) { return buses.at(bus); }};
        Gateway gateway{std::move(parts), std::move(*config), std::move(*opened)};
        gateway_ = &gateway;
        GatewayApi api{loop_.get_executor(), clock_, gateway.board(), gateway};
        daemon_.hear_signals();
        HttpServer server{loop_.get_executor(), clock_, std::move(*http), api.handler()};
        if (auto listening = server.start(); !listening) return fail(listening.error());
        log::info("page.listening", {{"address", server.address()}, {"version", version}});
        gateway.start();
        if (auto told = daemon_.ready(fmt::format("page on {}", server.address())); !told) return told;
        loop_.run();
        server.stop();
        // What is still suspended unwinds while everything it refers to is alive.
        loop_.restart();
        loop_.run_for(unwind_time);
        gateway_ = nullptr;
        return {};
    }

 private:
    static OutboxLimits outbox_limits(Config const& config) {
        OutboxLimits limits;
        limits.budget_bytes = config.outbox.budget_bytes;
        limits.retention_ms = std::chrono::duration_cast<std::chrono::milliseconds>(config.outbox.retention).count();
        return limits;
    }

    void reload() {
        auto config = read_config(config_file_);
        if (config)
            gateway_->reload(std::move(*config));
        else
            gateway_->reload_failed(config.error());
    }

    Task<void> end() {
        auto const limit = clock_.now() + drain_time;
        gateway_->stop_instruments();
        while (gateway_->draining() && clock_.now() < limit) co_await clock_.sleep_for(std::chrono::milliseconds(20));
        gateway_->stop_link();
        co_await clock_.sleep_for(std::chrono::milliseconds(100));
    }

    std::filesystem::path config_file_;
    asio::io_context& loop_;
    SystemClock clock_;
    SystemEntropy entropy_;
    Daemon daemon_;
    Gateway* gateway_ = nullptr;
};
}  // namespace

Result<void> run_service(std::filesystem::path const& config_file) {
    asio::io_context loop{1};
    return Service{config_file, loop}.run();
}

}  // namespace marrowlink
