#include "gateway/api.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cmath>
#include <set>

#include "gateway/registers.hpp"
#include "gateway/rehearsal.hpp"

namespace marrowlink {
namespace {

namespace asio = boost::asio;

HttpResponse json_response(json::object const& body, unsigned status = 200) {
    HttpResponse response;
    response.status = status;
    response.body = json::serialize(body);
    return response;
}

HttpResponse error_response(unsigned status, std::string_view sentence) {
    json::object body;
    body["error"] = sentence;
    return json_response(body, status);
}

HttpResponse error_response(Error const& error) {
    switch (error.fault) {
        case Fault::usage:
        case Fault::refused: return error_response(409, error.message);
        case Fault::full:
        case Fault::closed:
        case Fault::timed_out:
        case Fault::unavailable: return error_response(503, error.message);
        case Fault::broken:
        case Fault::configuration: break;
    }
    return error_response(500, error.message);
}

HttpResponse not_allowed(std::string_view allowed) {
    HttpResponse response = error_response(405, "This address answers " + std::string(allowed) + " only.");
    response.headers.emplace_back("Allow", allowed);
    return response;
}

HttpResponse plain_text(std::string text, std::string_view content_type) {
    HttpResponse response;
    response.content_type = content_type;
    response.body = std::move(text);
    return response;
}

bool is_read(HttpRequest const& request) { return request.method == "GET" || request.method == "HEAD"; }

std::string_view content_type_of(std::string_view name) {
    constexpr std::pair<std::string_view, std::string_view> types[] = {{".html", "text/html; charset=utf-8"},
                                                                       {".css", "text/css; charset=utf-8"},
                                                                       {".js", "text/javascript; charset=utf-8"},
                                                                       {".svg", "image/svg+xml"}};
    for (auto const& [ending, type] : types)
        if (name.ends_with(ending)) return type;
    return "text/plain; charset=utf-8";
}

HttpResponse web_file(std::string_view name) {
    auto const files = gateway_web();
    auto const found = std::find_if(files.begin(), files.end(), [&](EmbeddedFile const& file) { return file.name == name; });
    if (found == files.end()) return error_response(404, "There is nothing at this address.");
    HttpResponse response;
    response.content_type = content_type_of(name);
    response.fixed_body = found->bytes;
    response.headers.emplace_back("Cache-Control", "no-cache");
    return response;
}

// A text that a person typed: trimmed, without control characters, within its limit. The error is the sentence for that person.
Result<std::string> typed(json::object const& body, std::string_view name, std::size_t bytes_max, bool required) {
    std::string_view text = json::string_of(body, name);
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    std::string const label = "\"" + std::string(name) + "\"";
    if (text.empty() && required) return fail(Fault::usage, label + " is missing or empty; a text is expected.");
    if (text.size() > bytes_max)
        return fail(Fault::usage,
                    label + " is " + std::to_string(text.size()) + " bytes long; at most " + std::to_string(bytes_max) + " are taken.");
    auto const control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    if (std::any_of(text.begin(), text.end(), control))
        return fail(Fault::usage, label + " contains a line break or another control character.");
    return std::string(text);
}

Result<json::object> body_of(HttpRequest const& request) {
    if (!request.content_type.starts_with("application/json"))
        return fail(Fault::usage, "The request's content type must be application/json.");
    auto parsed = json::parse(request.body, "the request's body");
    if (!parsed) return fail(parsed.error());
    if (!parsed->is_object()) return fail(Fault::usage, "The request's body must be a JSON object.");
    return std::move(parsed->get_object());
}

std::string file_name_of(std::string_view text) {
    std::string name;
    for (char const c : text) {
        bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        name += plain ? c : '_';
    }
    return name;
}

}  // namespace

// The open pages: one watcher on the board and one beat for all of them, and neither while none is open.
struct GatewayApi::Pages : std::enable_shared_from_this<GatewayApi::Pages> {
    Pages(asio::any_io_executor executor, Clock& time, StatusBoard& shown) : loop(std::move(executor)), clock(time), board(shown) {}

    void wake() {
        for (asio::steady_timer* const waiting : waiting_pages) waiting->cancel();
    }
    void watch() {
        if (watching) return;
        watching = true;
        board.watch_once([weak = weak_from_this()] {
            auto const pages = weak.lock();
            if (!pages) return;
            pages->watching = false;
            pages->wake();
        });
    }
    void beat() {
        if (beating) return;
        beating = true;
        asio::co_spawn(loop, beats(shared_from_this()), asio::detached);
    }
    Task<void> beats(std::shared_ptr<Pages> /*keeps_alive*/) {
        while (open > 0) {
            co_await clock.sleep_for(event_beat);
            wake();
        }
        beating = false;
    }
    // Until the board changes or the next beat.
    Task<void> something() {
        Waiting waiting{shared_from_this(), asio::steady_timer{loop, asio::steady_timer::time_point::max()}};
        waiting_pages.insert(&waiting.timer);
        watch();
        beat();
        boost::system::error_code woken;
        co_await waiting.timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    // Leaves the set also when its coroutine is destroyed with the loop.
    struct Waiting {
        std::shared_ptr<Pages> pages;
        asio::steady_timer timer;
        ~Waiting() { pages->waiting_pages.erase(&timer); }
    };

    asio::any_io_executor loop;
    Clock& clock;
    StatusBoard& board;
    std::set<asio::steady_timer*> waiting_pages;
    std::size_t open = 0;
    bool watching = false;
    bool beating = false;
};

// What one page has seen. A slow page gets what is newest when it is ready again, so nothing piles up for it.
class GatewayApi::Events final : public HttpStream {
 public:
    explicit Events(std::shared_ptr<Pages> pages) : pages_(std::move(pages)) { ++pages_->open; }
    ~Events() override { --pages_->open; }
    Events(Events const&) = delete;
    Events& operator=(Events const&) = delete;

    Task<std::optional<std::string>> next() override {
        Clock& clock = pages_->clock;
        StatusBoard const& board = pages_->board;
        if (seen_ > 0) {
            co_await clock.sleep_until(sent_at_ + event_gap);
            if (board.change() == seen_) co_await pages_->something();
        }
        sent_at_ = clock.now();
        std::string event = "event: beat\ndata: {}\n\n";
        if (board.change() != seen_) event = "retry: 2000\nevent: status\ndata: " + json::serialize(board.json(seen_)) + "\n\n";
        seen_ = board.change();
        co_return event;
    }

 private:
    std::shared_ptr<Pages> pages_;
    std::uint64_t seen_ = 0;
    Clock::Instant sent_at_{};
};

GatewayApi::GatewayApi(asio::any_io_executor loop, Clock& clock, StatusBoard& board, GatewayCommands& commands)
    : board_(board), commands_(commands), pages_(std::make_shared<Pages>(std::move(loop), clock, board)) {}

GatewayApi::~GatewayApi() = default;

HttpResponse GatewayApi::registers(std::string const& instrument, HttpRequest const& request) {
    if (!is_read(request)) return not_allowed("GET");
    auto const registers = commands_.registers(instrument);
    if (!registers) return error_response(registers.error());
    return json_response(registers_json(*registers, pages_->clock.now()));
}

Task<HttpResponse> GatewayApi::adapter(std::string instrument, HttpRequest const& request) {
    if (!is_read(request)) co_return not_allowed("GET");
    auto const answer = co_await commands_.adapter(std::move(instrument));
    if (!answer) co_return error_response(answer.error());
    co_return json_response(*answer);
}

Task<HttpResponse> GatewayApi::handle(HttpRequest const& request) {
    std::string_view const path = request.path;
    constexpr std::string_view runs = "/api/runs/", instruments = "/api/instruments/", start_suffix = "/start", csv_suffix = ".csv",
                               registers_suffix = "/registers", adapter_suffix = "/adapter";
    if (path.starts_with(instruments) && path.ends_with(start_suffix) && path.size() > instruments.size() + start_suffix.size()) {
        if (request.method != "POST") co_return not_allowed("POST");
        std::string id(path.substr(instruments.size(), path.size() - instruments.size() - start_suffix.size()));
        co_return co_await start(std::move(id), request);
    }
    if (path.starts_with(instruments) && path.ends_with(registers_suffix) && path.size() > instruments.size() + registers_suffix.size())
        co_return registers(std::string(path.substr(instruments.size(), path.size() - instruments.size() - registers_suffix.size())),
                            request);
    if (path.starts_with(instruments) && path.ends_with(adapter_suffix) && path.size() > instruments.size() + adapter_suffix.size()) {
        std::string id(path.substr(instruments.size(), path.size() - instruments.size() - adapter_suffix.size()));
        co_return co_await adapter(std::move(id), request);
    }
    if (path.starts_with(runs)) {
        std::string_view const rest = path.substr(runs.size());
        std::size_t const slash = rest.find('/');
        std::string id(rest.substr(0, slash)), part;
        if (slash != std::string_view::npos) {
            part = rest.substr(slash + 1);
        } else if (rest.ends_with(csv_suffix)) {
            id.resize(id.size() - csv_suffix.size());
            part = "csv";
        }
        if (!id.empty()) co_return co_await run_part(std::move(id), std::move(part), request);
    }
    if (path == "/api/rehearsal") co_return rehearsal(request);
    if (!is_read(request)) co_return not_allowed("GET");
    if (path == "/api/status") co_return json_response(board_.json());
    if (path == "/api/events") {
        HttpResponse response;
        response.content_type = "text/event-stream";
        response.stream = std::make_shared<Events>(pages_);
        co_return response;
    }
    if (path == "/healthz") co_return plain_text("ok\n", "text/plain; charset=utf-8");
    if (path == "/metrics") co_return plain_text(board_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    if (path == "/readyz") {
        json::object body;
        json::array reasons;
        for (std::string const& reason : board_.why_not_ready()) reasons.emplace_back(reason);
        bool const ready = reasons.empty();
        body["ready"] = ready;
        body["reasons"] = std::move(reasons);
        co_return json_response(body, ready ? 200 : 503);
    }
    co_return web_file(path == "/" ? "index.html" : path.substr(1));
}

Task<HttpResponse> GatewayApi::run_part(std::string run, std::string part, HttpRequest const& request) {
    if (part == "label") {
        if (request.method != "POST") co_return not_allowed("POST");
        co_return co_await label(std::move(run), request);
    }
    if (part != "csv" && part != "plate") co_return error_response(404, "There is nothing at this address.");
    if (!is_read(request)) co_return not_allowed("GET");
    std::size_t frame = std::string::npos;
    if (auto const asked = request.query.find("frame"); asked != request.query.end()) {
        auto const [end, wrong] = std::from_chars(asked->second.data(), asked->second.data() + asked->second.size(), frame);
        if (wrong != std::errc{} || end != asked->second.data() + asked->second.size())
            co_return error_response(400, "\"frame\" is \"" + asked->second + "\"; a number from 0 on is expected.");
    }
    if (part == "plate")
        if (Plate const* const measuring = board_.find_plate(run)) co_return json_response(plate_json(*measuring, frame));
    auto readings = co_await commands_.readings(run);
    if (!readings)
        co_return readings.error().fault == Fault::unavailable ? error_response(404, readings.error().message)
                                                               : error_response(readings.error());
    if (part == "plate") co_return json_response(plate_json(plate_of(*std::move(readings)), frame));
    RunCard const* const card = board_.find_run(run);
    std::string const file = card && !card->files.empty() ? card->files.front() : run;
    std::string const name = card && !card->plate.empty() ? card->plate : run;
    HttpResponse response = plain_text(readings_csv(file, *readings), "text/csv; charset=utf-8; header=present");
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + file_name_of(name) + ".csv\"");
    co_return response;
}

Task<HttpResponse> GatewayApi::start(std::string instrument, HttpRequest const& request) {
    auto const body = body_of(request);
    if (!body) co_return error_response(400, body.error().message);
    auto plate = typed(*body, "plate", plate_text_bytes_max, true);
    if (!plate) co_return error_response(400, plate.error().message);
    if (!board_.has_instrument(instrument))
        co_return error_response(404, "There is no instrument \"" + instrument + "\" in the configuration.");
    auto run = co_await commands_.start(std::move(instrument), *std::move(plate));
    if (!run) co_return error_response(run.error());
    json::object started;
    started["run"] = *run;
    co_return json_response(started, 201);
}

Task<HttpResponse> GatewayApi::label(std::string run, HttpRequest const& request) {
    auto const body = body_of(request);
    if (!body) co_return error_response(400, body.error().message);
    auto plate = typed(*body, "plate", plate_text_bytes_max, true);
    auto who = typed(*body, "who", reason_text_bytes_max, true);
    auto why = typed(*body, "why", reason_text_bytes_max, true);
    for (auto const* const each : {&plate, &who, &why})
        if (!*each) co_return error_response(400, each->error().message);
    auto labelled = co_await commands_.label(std::move(run), *std::move(plate), *std::move(who), *std::move(why));
    if (!labelled) co_return error_response(labelled.error());
    json::object done;
    done["labelled"] = true;
    co_return json_response(done, 201);
}

HttpResponse GatewayApi::rehearsal(HttpRequest const& request) {
    if (is_read(request)) return json_response(commands_.rehearsal());
    std::string const who = request.local ? "command" : "page";
    if (request.method == "DELETE") {
        auto const ended = commands_.end_rehearsal(who);
        return ended ? json_response(*ended) : error_response(ended.error());
    }
    if (request.method != "POST") return not_allowed("GET, POST and DELETE");
    auto const body = body_of(request);
    if (!body) return error_response(400, body.error().message);
    auto const* const asked = body->if_contains("minutes");
    double const length_ms = asked && asked->is_number() ? asked->to_number<double>() * 60'000 : NAN;
    if (!(length_ms >= static_cast<double>(rehearsal_min.count()) && length_ms <= static_cast<double>(rehearsal_max.count())))
        return error_response(
            400, "\"minutes\" is " + (asked ? json::serialize(*asked) : std::string("missing")) + "; a number from 0.1 to 60 is expected.");
    auto const began = commands_.rehearse(std::chrono::milliseconds(std::llround(length_ms)), who);
    return began ? json_response(*began, 201) : error_response(began.error());
}

}  // namespace marrowlink
