#include "gateway/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <ostream>

#include "core/json.hpp"
#include "gateway/plan.hpp"
#include "gateway/replay_clock.hpp"
#include "io/whole_file.hpp"

namespace marrowlink {
namespace {

// For plan_for, which asks a port its name; the capture is opened elsewhere.
class NoPort final : public TransportFactory {
 public:
    Task<Result<std::unique_ptr<Transport>>> open() override { co_return fail(Fault::broken, "A replay opens no port."); }
    std::string name() const override { return "a capture"; }
};

Result<InstrumentConfig> config_of(ReplayOptions const& options) {
    InstrumentConfig config;
    config.id = "replay";
    if (options.driver == "line") {
        LineConfig line;
        line.terminator = options.terminator;
        config.driver = line;
    } else if (options.driver == "astm") {
        config.driver = AstmConfig{};
    } else if (options.driver == "biorad") {
        BioradConfig reader;
        reader.read = options.read;
        config.driver = reader;
    } else if (options.driver == "biotek") {
        config.driver = BiotekConfig{};
    } else if (options.driver == "hl7") {
        config.driver = Hl7Config{};
    } else if (options.driver == "spectramax") {
        config.driver = SpectramaxConfig{};
    } else {
        return fail(Fault::usage,
                    fmt::format("No driver \"{}\" reads from a wire; there are: {}.", options.driver, fmt::join(replayed_drivers(), ", ")));
    }
    return config;
}

Result<Capture> capture_in(std::filesystem::path const& file) {
    auto const text = whole_file(file, capture_bytes_max);
    if (!text) return fail(text.error());
    auto capture = parse_capture(*text);
    if (!capture) return fail(capture.error().fault, fmt::format("{}: {}", file.string(), capture.error().message));
    return capture;
}

class Replay {
 public:
    Replay(Capture const& capture, ReplayOptions const& options, InstrumentConfig const& config, std::string file, std::ostream& out,
           std::ostream& err)
        : options_(options), file_(std::move(file)), err_(err), printer_(options.format, out) {
        PlanWorld world{loop_.get_executor(), clock_, nullptr, nullptr, nullptr};
        world.transport = [](InstrumentLine const&) { return std::make_unique<NoPort>(); };
        plan_ = plan_for(config, world);
        // Whoever cannot say it again speaks by itself.
        line_.emplace(capture, clock_, options.pace,
                      plan_.journalled ? CaptureTransport::DriverSpeech::answers : CaptureTransport::DriverSpeech::asks);
        InstrumentPlan::Connection connection;
        connection.transport = &*line_;
        driver_ = plan_.driver(std::move(connection));
    }

    Result<void> run() {
        std::optional<Error> ended;
        std::exception_ptr broken;
        boost::asio::co_spawn(loop_, serve(), [&](std::exception_ptr thrown, Error error) {
            broken = thrown;
            ended = std::move(error);
        });
        while (!ended && !broken) {
            loop_.restart();
            if (loop_.poll() == 0 && !clock_.jump()) break;
        }
        if (broken) std::rethrow_exception(broken);
        if (!ended) return fail(Fault::broken, "The replay stands still although the capture has not ended.");
        if (line_->differed()) return fail(Fault::refused, fmt::format("{}: {}", file_, line_->difference()));
        if (ended->fault != Fault::closed) return fail(Fault::refused, fmt::format("{}: {}", file_, ended->message));
        if (line_->unread() > 0)
            return fail(Fault::refused, fmt::format("{}: {} bytes of the instrument were not read.", file_, line_->unread()));
        if (unreadable_ > 0)
            return fail(Fault::refused, fmt::format("{}: {} runs could not be read; the reasons are above.", file_, unreadable_));
        return {};
    }

 private:
    Task<void> start() {
        StartRequest request{"replay-run", options_.plate};
        auto const begun = co_await driver_->start(std::move(request));
        if (!begun) err_ << file_ << ": " << begun.error().message << '\n';
    }

    // Ends with whatever ends the line.
    Task<Error> serve() {
        auto const identity = co_await driver_->identify();
        if (!identity) co_return identity.error();
        err_ << file_ << ": " << *identity << '\n';
        if (!options_.plate.empty()) boost::asio::co_spawn(loop_, start(), [](std::exception_ptr) {});
        for (;;) {
            auto const batch = co_await driver_->next();
            if (!batch) co_return batch.error();
            for (Draft const& draft : batch->records) print(draft);
            auto const told = co_await driver_->acknowledge(batch->receipt);
            if (!told) co_return told.error();
        }
    }

    void print(Draft const& draft) {
        if (draft.type == type::run_file) return;
        auto const parsed = json::parse(draft.data, "record");
        if (!parsed || !parsed->is_object()) return;
        json::object const& data = parsed->as_object();
        if (draft.type == type::run_aborted || (draft.type == type::run_finished && json::string_of(data, "state") == "unreadable")) {
            ++unreadable_;
            err_ << file_ << ": " << json::string_of(data, "reason") << '\n';
        }
        if (draft.type != type::run_readings) return;
        if (data.contains("message")) return printer_.print_message(file_, json::string_of(data, "message"));
        auto const* const rows = data.if_contains("readings");
        if (!rows || !rows->is_array()) return;
        std::vector<Reading> readings;
        for (auto const& row : rows->get_array()) {
            Reading& reading = readings.emplace_back();
            for (auto const& [name, member] : reading_fields) reading.*member = json::string_of(row.as_object(), name);
        }
        printer_.print(file_, readings);
    }

    ReplayOptions const& options_;
    std::string file_;
    std::ostream& err_;
    ReadingPrinter printer_;
    ReplayClock clock_;  // outlives who sleeps on the loop
    boost::asio::io_context loop_{1};
    std::optional<CaptureTransport> line_;
    InstrumentPlan plan_;
    std::unique_ptr<Driver> driver_;
    std::size_t unreadable_ = 0;
};

}  // namespace

std::vector<std::string> const& replayed_drivers() {
    static std::vector<std::string> const names{"astm", "biorad", "biotek", "hl7", "line", "spectramax"};
    return names;
}

Result<void> replay_capture(std::filesystem::path const& file, ReplayOptions const& options, std::ostream& out, std::ostream& err) {
    auto const config = config_of(options);
    if (!config) return fail(config.error());
    auto const capture = capture_in(file);
    if (!capture) return fail(capture.error());
    Replay replay{*capture, options, *config, file.string(), out, err};
    auto const done = replay.run();
    out.flush();
    if (!out) return fail(Fault::unavailable, "The output could not be written.");
    if (!done) return fail(done.error());
    if (!capture->complete)
        return fail(Fault::refused,
                    fmt::format("{}: the capture has no end: whoever wrote it was stopped, and more may have been said.", file.string()));
    return {};
}

}  // namespace marrowlink
