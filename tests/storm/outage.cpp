#include "outage.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>
#include <map>

#include "core/json.hpp"
#include "world.hpp"

namespace marrowlink::storm {
namespace {
namespace asio = boost::asio;
using namespace std::chrono_literals;
constexpr std::uint64_t said_at_once = 32;
constexpr auto answer_time = 30s;

// Measures at a steady pace; any line can be made again from its number, so that a gigabyte of truth needs no memory.
class SteadyLine final : public Instrument {
 public:
    SteadyLine(Bench& bench, std::string id, std::uint64_t bytes) : Instrument(bench, std::move(id)), bytes_(bytes) {}

    InstrumentConfig config() const override {
        LineConfig line;
        line.transport = TcpConnectConfig{{id_, 1}};
        line.key_field = 2;
        line.acknowledgement = "ACK {key}\n";
        return named(line);
    }
    void measure() override {
        ++measured_;
        more_.announce();
    }
    bool done() const override { return acknowledged_ == measured_; }
    void plugged(std::unique_ptr<sim::MemoryTransport> far) override {
        unplug();
        line_ = std::move(far);
        asio::co_spawn(bench_.outside.loop, talk(line_), asio::detached);
    }
    void unplug() override {
        if (line_) line_->cut();
        line_.reset();
        more_.announce();
    }

    std::string text(std::uint64_t number) const {
        std::string text = fmt::format("REC {}-{} ", id_, number);
        sim::SeededEntropy letters{number * 1'000'003 + id_.back()};
        while (text.size() < bytes_) {
            std::uint64_t word = letters.next();
            for (int i = 0; i < 12; ++i, word >>= 5) text += static_cast<char>('A' + word % 26);
        }
        text.resize(bytes_);
        return text;
    }
    std::uint64_t measured() const { return measured_; }
    std::uint64_t refused() const { return refused_; }

 private:
    Task<void> talk(std::shared_ptr<sim::MemoryTransport> line) {
        std::string heard;
        std::array<std::byte, 2048> buffer;
        std::uint64_t said = acknowledged_;
        while (line == line_) {
            auto const seen = more_.count();
            if (acknowledged_ == measured_) {
                co_await more_.beyond(seen);
                continue;
            }
            std::string text_due;
            while (said < std::min(measured_, acknowledged_ + said_at_once)) text_due += text(++said) + '\n';
            if (!text_due.empty()) {
                auto const sent = co_await line->write(sim::bytes_of(text_due));
                if (!sent) co_return;
            }
            auto const got = co_await line->read_some(buffer, bench_.outside.clock.now() + answer_time);
            if (!got && got.error().fault != Fault::timed_out) co_return;
            if (!got) {
                refused_ += said - acknowledged_;
                said = acknowledged_;  // said again, as such instruments do
                continue;
            }
            heard.append(reinterpret_cast<char const*>(buffer.data()), *got);
            for (std::size_t end = heard.find('\n'); end != std::string::npos; end = heard.find('\n')) {
                if (heard.substr(0, end) == fmt::format("ACK {}-{}", id_, acknowledged_ + 1)) ++acknowledged_;
                heard.erase(0, end + 1);
            }
        }
    }

    std::uint64_t bytes_, measured_ = 0, acknowledged_ = 0, refused_ = 0;
    std::shared_ptr<sim::MemoryTransport> line_;
    Wake more_;
};

std::uint64_t status_bytes(char const* field) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(field)) return std::stoull(line.substr(line.find_first_of("0123456789"))) * 1024;
    return 0;
}

void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

class Outage {
 public:
    Outage(OutageOptions const& options, std::filesystem::path const& folder) : options_(options), world_(1, folder) {}

    OutageResult run() {
        auto& gateway = *world_.gateways.emplace_back(std::make_unique<GatewayMachine>(world_, "lyon", "gw1", 2));
        gateway.budget_bytes = options_.budget_bytes;
        gateway.disk.forget_writes();
        world_.centre->disk.forget_writes();
        std::uint64_t const each = options_.records / static_cast<std::uint64_t>(options_.instruments);
        std::uint64_t const bytes = options_.bytes / options_.records;
        auto const pause =
            std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::hours(options_.hours)) / static_cast<long>(each + 1);
        for (int i = 0; i < options_.instruments; ++i) {
            auto line = std::make_unique<SteadyLine>(gateway.bench, fmt::format("counter-{}", static_cast<char>('a' + i)), bytes);
            lines_.push_back(line.get());
            gateway.instruments.push_back(std::move(line));
        }
        world_.announce("outbox.not_writable", Clock::Instant::max());  // the budget
        world_.centre->start();
        gateway.start();
        world_.run_until(world_.now() + 10min);
        forget_peak();
        result_.memory_before_bytes = status_bytes("VmRSS");

        world_.broker.isolate(gateway.client_id(), true);
        Clock::Instant const end = world_.now() + std::chrono::hours(options_.hours);
        for (SteadyLine* const line : lines_) measure_every(pause, *line, end);
        for (int hour = 1; hour <= options_.hours; ++hour) {
            world_.run_until(end - std::chrono::hours(options_.hours - hour));
            note_budget(gateway);
            if (hour % 12 == 0) say(fmt::format("hour {}: {} records wait", hour, gateway.gateway()->waiting()));
        }
        recover(gateway);
        compare();
        for (SteadyLine const* const line : lines_) result_.refused_lines += line->refused();
        for (std::string& line : world_.faults()) result_.faults.push_back(std::move(line));
        return std::move(result_);
    }

 private:
    void say(std::string const& text) {
        if (options_.tell) options_.tell(text);
    }
    void measure_every(std::chrono::nanoseconds pause, SteadyLine& line, Clock::Instant end) {
        world_.timeline->after(pause, [=, this, &line] {
            if (world_.now() > end) return;
            line.measure();
            measure_every(pause, line, end);
        });
    }
    void note_budget(GatewayMachine& gateway) {
        std::string const board = json::serialize(gateway.gateway()->board().json());
        result_.budget_reached = result_.budget_reached || board.find("outbox.full") != std::string::npos;
    }

    void recover(GatewayMachine& gateway) {
        result_.waiting_at_end_of_outage = gateway.gateway()->waiting();
        say(fmt::format("the link is back: {} records wait", result_.waiting_at_end_of_outage));
        world_.broker.isolate(gateway.client_id(), false);
        Clock::Instant const back = world_.now();
        std::uint64_t const half = result_.waiting_at_end_of_outage / 2;
        Clock::Instant at_half{};
        bool const empty = world_.run_until_true(
            [&] {
                if (at_half == Clock::Instant{} && gateway.gateway()->waiting() <= half) at_half = world_.now();
                return gateway.drained();
            },
            back + 24h);
        if (!empty)
            result_.faults.push_back(fmt::format("a day after the link's return {} records still wait", gateway.gateway()->waiting()));
        auto const seconds = [](auto span) { return std::chrono::duration<double>(span).count(); };
        result_.drain_seconds = seconds(world_.now() - back);
        result_.first_half_per_s = static_cast<double>(half) / seconds(at_half - back);
        result_.second_half_per_s = static_cast<double>(half) / seconds(world_.now() - at_half);
        result_.memory_peak_bytes = status_bytes("VmHWM");
        world_.run_until(world_.now() + 1min);
        if (json::serialize(gateway.gateway()->board().json()).find("outbox.full") != std::string::npos)
            result_.faults.push_back("the outbox is still said to be full");
    }

    // Every line of every instrument is at the centre, as it was said, and counted once.
    void compare() {
        std::filesystem::path const file = world_.centre->database();
        world_.centre->end(Death::crash);
        std::map<std::string, SteadyLine const*> by_id;
        for (SteadyLine const* const line : lines_) by_id[line->id()] = line;
        std::map<std::string, std::uint64_t> whole;
        sqlite3* database = nullptr;
        sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr);
        sqlite3_stmt* rows = nullptr;
        sqlite3_prepare_v2(
            database,
            "SELECT source.instrument, run.sourcekey, record.data, run.revision FROM run JOIN source ON source.id = run.source "
            "JOIN record ON record.id = run.message",
            -1, &rows, nullptr);
        while (rows && sqlite3_step(rows) == SQLITE_ROW) {
            auto const text = [rows](int column) {
                return std::string{static_cast<char const*>(sqlite3_column_blob(rows, column)),
                                   static_cast<std::size_t>(sqlite3_column_bytes(rows, column))};
            };
            std::string const instrument = text(0), key = text(1);
            auto const parsed = json::parse(text(2), key);
            std::string const message{parsed ? json::string_of(parsed->get_object(), "message") : ""};
            std::uint64_t const number = std::stoull(key.substr(key.rfind('-') + 1));
            bool const right = by_id.contains(instrument) && number >= 1 && number <= by_id[instrument]->measured() &&
                               sqlite3_column_int64(rows, 3) == 0 && message == by_id[instrument]->text(number);
            if (right)
                ++whole[instrument];
            else if (result_.faults.size() < 10)
                result_.faults.push_back(fmt::format("{} {}: not what was said, or counted again", instrument, key));
        }
        sqlite3_finalize(rows);
        sqlite3_close(database);
        for (auto const& [id, line] : by_id)
            if (whole[id] != line->measured())
                result_.faults.push_back(fmt::format("{}: {} lines said, {} at the centre", id, line->measured(), whole[id]));
    }

    OutageOptions options_;
    OutageResult result_;
    World world_;
    std::vector<SteadyLine*> lines_;
};
}  // namespace

OutageResult run_outage(OutageOptions const& options, std::filesystem::path const& folder) { return Outage{options, folder}.run(); }

}  // namespace marrowlink::storm
