// What the page and the command line can ask of a running gateway. JSON members: gateway/status.hpp and docs/gateway-api.md.
//
//   GET  /api/status                      the whole board
//   GET  /api/events                      the board as server-sent events: whole at first, then what changed, at most 4 times a second;
//   "beat" every 2 s GET  /api/runs/<run>/plate?frame=N    one look at the plate, the last without `frame` GET  /api/runs/<run>.csv its
//   readings, as `marrowlink-gateway read` prints them POST /api/instruments/<id>/start      {"plate"} → {"run"} POST /api/runs/<run>/label
//   {"plate","who","why"} GET  /healthz /readyz /metrics        and the page itself under /
//
//   GET  /api/instruments/<id>/registers  {"registers"}: a Modbus instrument's, raw and in every interpretation (gateway/registers.hpp)
//
//   GET  /api/instruments/<id>/adapter    what the adapter on its line says of itself (gateway/adapter.hpp)
//
//   GET, POST, DELETE /api/rehearsal      an outage on purpose: how it stands, {"minutes"} begins one, its early end
//   (gateway/rehearsal.hpp)
//
// Errors are {"error": sentence}: 400 the request is wrong, 404 no such thing, 409 not now (the instrument said no), 503 try again.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/embedded.hpp"
#include "core/reading.hpp"
#include "gateway/status.hpp"
#include "io/http.hpp"

namespace marrowlink {

inline constexpr std::size_t plate_text_bytes_max = 64;        // of a plate's name
inline constexpr std::size_t reason_text_bytes_max = 256;      // of who and why
inline constexpr std::chrono::seconds adapter_patience{10};    // an adapter's answer must come within it
inline constexpr std::chrono::milliseconds event_gap{250};     // between two pushes to one page
inline constexpr std::chrono::milliseconds event_beat{2'000};  // the page calls itself stale after 5 s of silence

std::span<EmbeddedFile const> gateway_web();  // gateway/web, compiled in

class GatewayCommands {
 public:
    virtual ~GatewayCommands() = default;
    // The run's id, once `run.started` is durable and the instrument was told.
    virtual Task<Result<std::string>> start(std::string instrument, std::string plate) = 0;
    virtual Task<Result<void>> label(std::string run, std::string plate, std::string who, std::string why) = 0;  // run.labelled is durable
    virtual Task<Result<std::vector<Reading>>> readings(std::string run) = 0;  // `unavailable` when the run is not kept here
    // What its driver last read of each; `usage` when it has none, `unavailable` while it is not connected.
    virtual Result<std::vector<RegisterView>> registers(std::string const& instrument) {
        return fail(Fault::usage, "There is no instrument \"" + instrument + "\" with registers.");
    }
    // What the adapter on its line says of itself, asked now; `usage` when there is none.
    virtual Task<Result<json::object>> adapter(std::string instrument) {
        co_return fail(Fault::usage, "There is no instrument \"" + instrument + "\" behind an adapter.");
    }
    // As in gateway/rehearsal.hpp.
    virtual Result<json::object> rehearse(std::chrono::milliseconds length, std::string who) = 0;
    virtual Result<json::object> end_rehearsal(std::string who) = 0;
    virtual json::object rehearsal() const = 0;
};

class GatewayApi {
 public:
    GatewayApi(boost::asio::any_io_executor loop, Clock& clock, StatusBoard& board, GatewayCommands& commands);
    ~GatewayApi();

    Task<HttpResponse> handle(HttpRequest const& request);
    HttpHandler handler() {
        return [this](HttpRequest const& request) { return handle(request); };
    }

 private:
    class Events;
    struct Pages;
    Task<HttpResponse> run_part(std::string run, std::string part, HttpRequest const& request);
    HttpResponse registers(std::string const& instrument, HttpRequest const& request);
    Task<HttpResponse> adapter(std::string instrument, HttpRequest const& request);
    Task<HttpResponse> start(std::string instrument, HttpRequest const& request);
    Task<HttpResponse> label(std::string run, HttpRequest const& request);
    HttpResponse rehearsal(HttpRequest const& request);

    StatusBoard& board_;
    GatewayCommands& commands_;
    std::shared_ptr<Pages> pages_;
};

}  // namespace marrowlink
