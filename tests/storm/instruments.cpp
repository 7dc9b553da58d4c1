#include "instruments.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "core/sha256.hpp"
#include "tests/drivers/fcs/file.hpp"

namespace marrowlink::storm {
namespace {
namespace asio = boost::asio;
using namespace std::chrono_literals;
constexpr std::size_t said_at_once = 8;
constexpr auto answer_time = 20s;  // then a line is said again

std::string random_text(sim::SeededEntropy& dice, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += fmt::format("{:x} ", dice.next());
    text.resize(bytes);
    if (text.back() == ' ') text.back() = '.';
    return text;
}
}  // namespace

InstrumentConfig Instrument::named(InstrumentDriver driver) const { return {id_, id_, std::nullopt, std::move(driver)}; }

sim::ModbusLine::Trouble Instrument::bus_trouble(sim::SeededEntropy& dice, bool stormy) const {
    using enum sim::ModbusLine::Trouble;
    if (away_) return question_lost;
    if (!stormy || !dice.one_in(40)) return none;
    return dice.one_in(3) ? question_lost : dice.one_in(2) ? answer_lost : answer_damaged;
}

Measured Instrument::measured(Measured::Kind kind, std::string key, std::string text) const {
    return {kind, bench_.site, bench_.gateway, id_, std::move(key), std::move(text), true, bench_.timeline->now(), {}};
}

void Instrument::said_once(Measured& what) {
    what.owed = false;
    bench_.timeline->after(swallow_time, [this, &what, troubles = bench_.troubles()] {
        if (bench_.troubles() != troubles) return;
        what.owed = true;
        what.acknowledged = bench_.timeline->now();
    });
}

InstrumentConfig AnsweredLine::config() const {
    LineConfig line;
    line.transport = TcpConnectConfig{{id_, 1}};
    line.key_field = 2;
    line.acknowledgement = "ACK {key}\n";
    return named(line);
}

void AnsweredLine::measure() {
    for (std::uint64_t n = 1 + bench_.dice.below(12); n > 0; --n) {
        std::string const key = fmt::format("{}-{}", id_, ++count_);
        std::string const text = fmt::format("REC {} {}", key, random_text(bench_.dice, 1 + bench_.dice.below(300)));
        waiting_.push_back({&bench_.truth.add(measured(Measured::Kind::keyed_line, key, text))});
    }
    more_.announce();
}

void AnsweredLine::plugged(std::unique_ptr<sim::MemoryTransport> far) {
    unplug();
    line_ = std::move(far);
    for (Waiting& one : waiting_) one.said = false;
    asio::co_spawn(bench_.outside.loop, talk(line_), asio::detached);
}

void AnsweredLine::unplug() {
    if (line_) line_->cut();
    line_.reset();
    more_.announce();
}

std::string AnsweredLine::due() {
    std::string text;
    std::size_t outstanding = 0;
    for (Waiting& one : waiting_) {
        if (++outstanding > said_at_once) break;
        if (!std::exchange(one.said, true)) text += one.what->text + '\n';
    }
    if (!repeated_.empty() && bench_.dice.one_in(20)) text += repeated_ + '\n';
    return text;
}

Task<void> AnsweredLine::talk(std::shared_ptr<sim::MemoryTransport> line) {
    std::string heard;
    std::array<std::byte, 512> buffer;
    while (line == line_) {
        auto const seen = more_.count();
        if (waiting_.empty()) {
            co_await more_.beyond(seen);
            continue;
        }
        std::string const text = due();
        if (!text.empty()) {
            // Wherever it pleases the network, a line is cut in two.
            std::size_t const cut = bench_.dice.below(text.size());
            auto const first = co_await line->write(sim::bytes_of(std::string_view{text}.substr(0, cut)));
            if (!first) co_return;
            auto const second = co_await line->write(sim::bytes_of(std::string_view{text}.substr(cut)));
            if (!second) co_return;
        }
        auto const got = co_await line->read_some(buffer, bench_.outside.clock.now() + answer_time);
        if (!got && got.error().fault != Fault::timed_out) co_return;
        if (!got) {
            for (Waiting& one : waiting_) one.said = false;
            continue;
        }
        heard.append(reinterpret_cast<char const*>(buffer.data()), *got);
        for (std::size_t end = heard.find('\n'); end != std::string::npos; end = heard.find('\n')) {
            hear(std::string_view{heard}.substr(0, end));
            heard.erase(0, end + 1);
        }
    }
}

void AnsweredLine::hear(std::string_view answer) {
    for (auto one = waiting_.begin(); one != waiting_.end(); ++one) {
        if (answer != "ACK " + one->what->key) continue;
        one->what->acknowledged = bench_.timeline->now();
        repeated_ = one->what->text;
        waiting_.erase(one);
        return;
    }
}

InstrumentConfig UnansweredLine::config() const {
    LineConfig line;
    line.transport = TcpConnectConfig{{id_, 1}};
    return named(line);
}

void UnansweredLine::measure() {
    if (!line_ || line_->is_cut()) return;  // said into the air
    std::string all;
    for (std::uint64_t n = 1 + bench_.dice.below(6); n > 0; --n) {
        std::string const text = fmt::format("{} {} {}", id_, ++count_, random_text(bench_.dice, 1 + bench_.dice.below(120)));
        said_once(bench_.truth.add(measured(Measured::Kind::line, "", text)));
        all += text + '\n';
    }
    asio::co_spawn(
        bench_.outside.loop,
        [this, all]() -> Task<void> {
            if (line_) co_await line_->write(sim::bytes_of(all));
        },
        asio::detached);
}

AdaptedLine::AdaptedLine(Bench& bench, std::string id, std::uint64_t seed)
    : Instrument(bench, std::move(id)), dice_(seed), box_(bench.outside.clock, 16u << 10) {
    box_.next_trouble = [this] { return bus_trouble(dice_, stormy_); };
    box_.answered = [this] { note_freed(); };
}

InstrumentConfig AdaptedLine::config() const {
    AdapterConfig adapter;
    ModbusSerial bus;
    bus.path = id_;
    adapter.bus = bus;
    adapter.poll = 10s;
    adapter.answers_astm = true;
    LineConfig line;
    line.transport = adapter;
    line.terminator = "\r\n";
    line.key_field = 2;
    return named(line);
}

void AdaptedLine::measure() {
    for (std::uint64_t n = 1 + dice_.below(8); n > 0; --n) {
        std::string const key = fmt::format("{}-{}", id_, ++count_);
        std::string text = fmt::format("\x02{} {} {}\x03", count_ % 8, key, random_text(dice_, 1 + dice_.below(150)));
        unsigned sum = 0;
        for (char const c : text.substr(1)) sum += static_cast<unsigned char>(c);
        text += fmt::format("{:02X}", sum % 256);
        waiting_.push_back(&bench_.truth.add(measured(Measured::Kind::keyed_line, key, std::move(text))));
    }
    if (!std::exchange(talking_, true)) say();
}

// One frame after the other, as the standard has it: the next one when this one was answered.
void AdaptedLine::say() {
    if (waiting_.empty()) {
        talking_ = false;
        return;
    }
    bool const again = !repeated_.empty() && dice_.one_in(20);
    box_.said();  // an answer that came too late belongs to nothing
    box_.hear((again ? repeated_ : waiting_.front()->text) + "\r\n");
    bench_.timeline->after(100ms, [this, again] { hear(again); });
}

void AdaptedLine::hear(bool again) {
    bool const accepted = box_.said().find('\x06') != std::string::npos;
    if (accepted && !again) {
        repeated_ = waiting_.front()->text;
        kept_.push_back({waiting_.front(), {}});
        waiting_.pop_front();
        note_freed();
    }
    bench_.timeline->after(accepted ? std::chrono::milliseconds{1s} : answer_time, [this] { say(); });
}

void AdaptedLine::note_freed() {
    if (!box_.powered()) return;
    auto const& log = box_.adapter().log();
    for (Kept& one : kept_)
        if (!one.end) one.end = log.written();  // at the latest
    while (!kept_.empty() && *kept_.front().end <= log.freed()) {
        kept_.front().what->acknowledged = bench_.timeline->now();
        kept_.pop_front();
    }
}

void AdaptedLine::cut_power(std::chrono::milliseconds off_for) {
    if (dice_.one_in(2))
        box_.power_off();
    else
        box_.power_off_after(dice_.below(400));
    bench_.timeline->after(off_for, [this] { restore_power(); });
}

void AdaptedLine::calm() {
    stormy_ = false;
    restore_power();
}

void AdaptedLine::restore_power() {
    box_.memory.power_bytes.reset();
    if (!box_.powered()) box_.power_on();
}

ExportFolder::ExportFolder(Bench& bench, std::string id)
    : Instrument(bench, std::move(id)), folder_(std::make_shared<sim::MemoryFolder>(bench.outside.clock)) {
    folder_->set_announces(true);
}

InstrumentConfig ExportFolder::config() const {
    FolderConfig folder;
    folder.path = id_;
    folder.settle = 5s;
    folder.poll = 10min;
    return named(folder);
}

std::string ExportFolder::gen5(std::uint64_t number) {
    std::string text = fmt::format(
        "\r\n\r\nSoftware Version\t3.12.08\r\n\r\n\r\n\r\nExperiment File Path:\tC:\\Data\\J. Doe\\screen.xpt\r\n"
        "Protocol File Path:\tC:\\Protocols\\screen.prt\r\n\r\n\r\n\r\nPlate Number\tPlate {}\r\nDate\t9/15/2025\r\nTime\t2:05:09 PM\r\n"
        "Reader Type:\tSynergy H1\r\nReader Serial Number:\t20031\r\nReading Type\tReader\r\n\r\nProcedure Details\r\n\r\n"
        "Plate Type\t6 WELL PLATE\r\nWell Mode\t\r\n    Read\tLuminescence Endpoint\r\n\tFull Plate\r\n\tFilter Set 1\r\n"
        "\t    Emission: Full light\r\n\t    Optics: Top,  Gain: 135\r\nEnd Mode\t\r\n\r\nLum\r\n\t1\t2\t3\r\n",
        number);
    for (char const* const row : {"A", "B"})
        text += fmt::format("{}\t{}\t{}\t{}\tLum{}", row, bench_.dice.below(99'999), bench_.dice.below(99'999), bench_.dice.below(99'999),
                            *row == 'A' ? "\r\n" : "\r\n");
    return text;
}

std::string ExportFolder::fcs(std::uint64_t number) {
    fcs_test::File file = fcs_test::two_parameters("F", 32, "4,3,2,1");
    std::uint64_t const events = 1 + bench_.dice.below(200);
    file.set("$TOT", std::to_string(events)).set("$FIL", fmt::format("tube-{}.fcs", number)).set("$OP", "J. Doe");
    for (std::uint64_t n = 0; n < 2 * events; ++n) file.data += fcs_test::float32(static_cast<float>(bench_.dice.below(262'144)), true);
    return file.bytes();
}

void ExportFolder::measure() {
    std::uint64_t const number = ++count_;
    bool const cytometer = bench_.dice.one_in(3);
    std::string const name = fmt::format("{}-{}.{}", cytometer ? "tube" : "plate", number, cytometer ? "fcs" : "txt");
    std::string const bytes = cytometer ? fcs(number) : gen5(number);
    if (bench_.dice.one_in(3)) {
        // Without its last line break it is whole already.
        folder_->write(name, bytes.substr(0, bench_.dice.below(bytes.size() - 4)));
        write_after(std::chrono::seconds(1 + bench_.dice.below(60)), name, bytes);
    } else {
        write(name, bytes);
    }
    if (bench_.dice.one_in(6)) {
        std::string const other = cytometer ? fcs(number) : gen5(number);
        write_after(std::chrono::minutes(2 + bench_.dice.below(120)), name, other);
    }
}

void ExportFolder::write_after(std::chrono::seconds span, std::string const& name, std::string bytes) {
    ++unwritten_;
    bench_.timeline->after(span, [this, name, bytes = std::move(bytes)] {
        --unwritten_;
        write(name, bytes);
    });
}

void ExportFolder::write(std::string const& name, std::string bytes) {
    folder_->write(name, bytes);
    Measured*& latest = latest_[name];
    if (latest) latest->owed = false;  // nobody knows whether it was seen before it was written over
    std::string key = hex(sha256(bytes));
    latest = &bench_.truth.add(measured(Measured::Kind::original, std::move(key), std::move(bytes)));
}

PlateReader::PlateReader(Bench& bench, std::string id, std::uint64_t seed) : Instrument(bench, std::move(id)) {
    spectramax::SimulatorOptions options;
    options.seed = seed;
    options.read_duration = 90s;
    if (bench.dice.one_in(3)) options.bytes_per_second = 960;
    reader_ = std::make_shared<spectramax::SpectraMaxSimulator>(options, bench.timeline->now());
}

InstrumentConfig PlateReader::config() const {
    SpectramaxConfig reader;
    SerialConfig serial;
    serial.port = id_;
    reader.line = serial;
    reader.poll = 60s;
    return named(reader);
}

void PlateReader::measure() { reader_->press_read(bench_.timeline->now()); }

void PlateReader::plugged(std::unique_ptr<sim::MemoryTransport> far) {
    unplug();
    line_ = std::move(far);
    asio::co_spawn(
        bench_.outside.loop,
        [this, reader = reader_, line = line_]() -> Task<void> {
            std::function<void(spectramax::SpectraMaxSimulator::Event const&)> const log = [this](auto const& event) { note(event); };
            co_await spectramax::play(*reader, *line, bench_.outside.clock, log);
            line->cut();
        },
        asio::detached);
}

void PlateReader::unplug() {
    if (line_) line_->cut();
    line_.reset();
}

void PlateReader::note(spectramax::SpectraMaxSimulator::Event const& event) {
    using Kind = spectramax::SpectraMaxSimulator::Event::Kind;
    if (event.kind == Kind::measured)
        held_ = &bench_.truth.add(measured(Measured::Kind::original, hex(sha256(event.transfer)), event.transfer));
    if (event.kind == Kind::cleared && held_) held_->acknowledged = bench_.timeline->now();
}

}  // namespace marrowlink::storm
