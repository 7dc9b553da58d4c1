// The gateway's page, API and board with no gateway behind them: the browser tests say what happens next with POST /test/<step>.
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <cmath>
#include <string>

#include "gateway/alarms.hpp"
#include "gateway/api.hpp"
#include "io/system.hpp"
#include "tests/web/scripted_server.hpp"

using namespace marrowlink;

namespace {

std::string value_at(int row, int column, int look) {
    double const dose = column / 11.0, growth = look < 0 ? 1.0 : (look + 1) / 12.0;
    return fmt::format("{:.4f}", 0.05 + growth * (1.6 - 0.12 * row) / (1 + std::exp(10 * (dose - 0.5))));
}

std::vector<Reading> looks(std::string const& plate, int count, bool kinetic) {
    std::vector<Reading> out;
    for (int look = 0; look < count; ++look)
        for (int row = 0; row < 8; ++row)
            for (int column = 0; column < 12; ++column) {
                Reading reading;
                reading.plate = plate;
                reading.read = "OD";
                reading.well = fmt::format("{}{}", static_cast<char>('A' + row), column + 1);
                reading.time_s = kinetic ? std::to_string(30 * look) : "";
                reading.wavelength_nm = "450";
                reading.unit = "OD";
                bool const saturated = row == 0 && column < 2;
                (saturated ? reading.flag : reading.value) = saturated ? "#SAT" : value_at(row, column, kinetic ? look : -1);
                out.push_back(std::move(reading));
            }
    return out;
}

class World final : public GatewayCommands {
 public:
    World(StatusBoard& board, Clock& clock) : board_(board), clock_(clock) {
        board.stream("5f0c2f1e-5a7b-4c58-9d1e-1c8f3f4a9b21");
        board.broker("broker.example:8883");
        board.link("connected", "");
        board.disk({DiskState::ok, 4ull << 30, 90ull << 30, 412.0, ""});
        instrument("spectramax", "SpectraMax M5, room 2", "spectramax", "/dev/serial/by-id/usb-FTDI_A10 9600 8N1", InstrumentState::idle)
            .commandable = true;
        instrument("gen5", "Synergy H1 exports", "folder", "/srv/exports/gen5", InstrumentState::watching);
        instrument("cytometer", "Cytometer exports", "folder", "/srv/exports/fcs", InstrumentState::watching);
        instrument("osmometer", "Osmometer", "line", "/dev/serial/by-id/usb-FTDI_B22 9600 8N1", InstrumentState::waiting_for_port).detail =
            "The port does not exist yet; it is tried again every 30 s.";
        for (char const* const id : {"spectramax", "gen5", "cytometer"}) board.heard(id);
        plate_run("run-gen5", "gen5", "DRUG-SCREEN-017", 96, 2);
        RunCard& cells = board.run("run-fcs");
        cells.instrument = "cytometer";
        cells.files = {"specimen_004.fcs"};
        cells.events = 50'000;
        cells.finished = rfc3339(clock.utc());
        board.committed("run-fcs", ++seq_);
        plate_run("run-0", "spectramax", "PLATE-0041", 96, 2);
        position(seq_, seq_);
        board.pubacked(seq_);
        for (char const* const run : {"run-gen5", "run-0"}) board.answer(run, "complete", "counted", "");
        board.plate_quality("run-gen5", "review", "Z' 0.41, wanted at least 0.5");
        board.answer("run-fcs", "complete", "revision", "the same acquisition was exported before with other values");
    }

    Task<Result<std::string>> start(std::string instrument, std::string plate) override {
        if (board_.instrument(instrument).state != InstrumentState::idle)
            co_return fail(Fault::refused, "The reader is measuring already.");
        std::string const run = fmt::format("run-{}", ++runs_);
        RunCard& card = board_.run(run);
        card.instrument = instrument;
        card.plate = plate;
        card.begun = clock_.now();
        card.started = rfc3339(clock_.utc());
        board_.committed(run, ++seq_, RunState::started);
        InstrumentCard& reader = board_.instrument(instrument);
        reader.state = InstrumentState::measuring;
        reader.activity = "reading";
        reader.run = run;
        board_.heard(instrument);
        current_ = run;
        co_return run;
    }
    Task<Result<void>> label(std::string run, std::string plate, std::string, std::string) override {
        board_.run(run).plate = plate;
        co_return Result<void>{};
    }
    Task<Result<std::vector<Reading>>> readings(std::string run) override {
        RunCard const* const card = board_.find_run(run);
        if (!card || card->events) co_return fail(Fault::unavailable, "There are no readings of this run here.");
        co_return looks(card->plate, 1, false);
    }

    Result<json::object> rehearse(std::chrono::milliseconds, std::string) override {
        return fail(Fault::refused, "There is no link here to rehearse with.");
    }
    Result<json::object> end_rehearsal(std::string) override { return fail(Fault::refused, "No rehearsal is under way."); }
    json::object rehearsal() const override { return {{"phase", "none"}}; }

    bool step(std::string_view name) {
        if (name == "look") {
            ++looks_;
            RunCard& card = board_.run(current_);
            card.state = RunState::measuring;
            board_.plate(current_, plate_of(looks(card.plate, looks_, true)));
            board_.heard("spectramax");
        } else if (name == "finish") {
            plate_run(current_, "spectramax", board_.run(current_).plate, 96u * static_cast<unsigned>(looks_), 2);
            InstrumentCard& reader = board_.instrument("spectramax");
            reader.state = InstrumentState::idle;
            reader.activity.clear();
            reader.run.clear();
            board_.heard("spectramax");
            looks_ = 0;
            position(seq_, acknowledged_);
        } else if (name == "arrive") {
            board_.pubacked(seq_);
            position(seq_, seq_);
            board_.answer(current_, "complete", "counted", "");
        } else if (name == "outage") {
            board_.link("refused", "Connection refused");
            Alarm alarm{"link.refused", "", Severity::warn, "The broker cannot be reached.", "Nothing is lost.", {}};
            board_.raise(std::move(alarm));
            seq_ += 214;
            position(seq_, acknowledged_);
        } else if (name == "rehearsal") {
            board_.link("rehearsal", "The link is closed for a rehearsal until 02:40 UTC; this is no fault.");
            board_.raise(alarms::rehearsal("2026-11-25T02:40:00.000Z"));
        } else if (name == "recovery") {
            board_.clear("link.rehearsal");
            board_.link("connected", "");
            board_.clear("link.refused");
            board_.pubacked(seq_);
            position(seq_, seq_);
        } else if (name == "due") {
            board_.instrument("spectramax").due = std::chrono::seconds(3);
            board_.heard("spectramax");
        } else if (name == "word") {
            board_.heard("spectramax");
        } else if (name == "files") {
            auto const now = clock_.now();
            std::vector<FileNotice> files;
            files.push_back({"plate 12.txt", FileStanding::incomplete, "The last section has no end.", now - std::chrono::minutes(11)});
            files.push_back({"notes.docx", FileStanding::refused, "This is no export of a known format: it begins like a ZIP archive.",
                             now - std::chrono::minutes(2)});
            files.push_back({"plate 13.txt", FileStanding::waiting, "It still grows.", now - std::chrono::seconds(4)});
            board_.files("gen5", std::move(files));
            Alarm alarm{"file.not_taken",
                        "plate 12.txt",
                        Severity::warn,
                        "The file plate 12.txt has been incomplete for ten minutes.",
                        "The last section has no end.",
                        {{"name", "plate 12.txt"}, {"reason", "The last section has no end."}}};
            board_.raise(std::move(alarm));
        } else if (name == "full") {
            board_.disk({DiskState::full, 4ull << 30, 90ull << 30, 0.0, ""});
            Alarm alarm{"outbox.full",
                        "",
                        Severity::error,
                        "The space for results is used up: instruments are no longer acknowledged.",
                        "Restore the connection to the centre, or raise the budget in the configuration.",
                        {}};
            board_.raise(std::move(alarm));
        } else if (name == "unknown-alarm") {
            Alarm alarm{"brand.new", "", Severity::error, "Something new is wrong.", "Do something about it.", {}};
            board_.raise(std::move(alarm));
        } else {
            return false;
        }
        return true;
    }

 private:
    InstrumentCard& instrument(std::string id, std::string title, std::string driver, std::string port, InstrumentState state) {
        InstrumentCard& card = board_.instrument(id);
        card.title = std::move(title);
        card.driver = std::move(driver);
        card.port = std::move(port);
        card.state = state;
        return card;
    }
    void plate_run(std::string const& run, std::string const& instrument, std::string const& plate, std::uint64_t count,
                   std::uint64_t flagged) {
        RunCard& card = board_.run(run);
        card.instrument = instrument;
        card.plate = plate;
        card.finished = rfc3339(clock_.utc());
        card.count = count;
        card.flagged = flagged;
        card.first = WellValue{"A1", "", "#SAT"};
        card.last = WellValue{"H12", value_at(7, 11, -1), ""};
        card.min = value_at(7, 11, -1);
        card.max = value_at(0, 2, -1);
        card.unit = "OD";
        if (instrument == "gen5") card.files = {"2026-11-25 drug screen 017.txt"};
        board_.committed(run, ++seq_);
    }
    void position(std::uint64_t appended, std::uint64_t acknowledged) {
        OutboxPosition out;
        out.appended = appended;
        out.acknowledged = acknowledged_ = acknowledged;
        out.backlog_bytes = (appended - acknowledged) * 1400;
        if (appended > acknowledged) out.oldest_ms = clock_.utc().time_since_epoch().count();
        out.used_bytes = 40u << 20;
        board_.position(out);
    }

    StatusBoard& board_;
    Clock& clock_;
    std::string current_;
    int runs_ = 0, looks_ = 0;
    std::uint64_t seq_ = 100, acknowledged_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    boost::asio::io_context loop(1);
    SystemClock clock;
    StatusBoard board(clock, "lyon", "gw-2");
    World world(board, clock);
    GatewayApi api(loop.get_executor(), clock, board, world);
    return test::serve_scripted(argc, argv, loop, clock, api.handler(), [&](std::string_view name) { return world.step(name); });
}
