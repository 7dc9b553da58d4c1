#include "cabled.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "core/sha256.hpp"
#include "drivers/astm/simulator.hpp"
#include "drivers/biorad/simulator.hpp"
#include "drivers/biotek/simulator.hpp"
#include "drivers/hl7/simulator.hpp"

namespace marrowlink::storm {
namespace {
namespace asio = boost::asio;
using namespace std::chrono_literals;
constexpr auto look = 5min;  // at the latest then it does what it was told to

std::unique_ptr<SimulatedInstrument> made(Cabled::Kind kind, std::uint64_t seed, Clock::Instant now) {
    SimulatorOptions options;
    options.seed = seed;
    options.period = 0ms;
    if (seed % 3 == 0) options.faults.bytes_per_second = 960;
    switch (kind) {
        case Cabled::Kind::astm:
            options.faults.repeat_every = 10;
            options.faults.break_off_every = 10;
            return std::make_unique<astm::AstmSimulator>(options, now);
        case Cabled::Kind::hl7:
            options.faults.repeat_every = 10;
            options.faults.break_off_every = 10;
            return std::make_unique<hl7::Hl7Simulator>(options, now);
        case Cabled::Kind::biotek: return std::make_unique<biotek::BiotekSimulator>(options, now);
        case Cabled::Kind::biorad: break;
    }
    options.faults.break_off_every = 5;
    return std::make_unique<biorad::BioradSimulator>(options, now);
}

// What of an analyser's result leaves the site: of a patient only the record's number.
std::string without_patient(std::string const& records) { return "P|1" + records.substr(records.find('\r')); }
}  // namespace

Cabled::Cabled(Bench& bench, std::string id, Kind kind, std::uint64_t seed)
    : Instrument(bench, std::move(id)), kind_(kind), instrument_(made(kind, seed, bench.timeline->now())) {}

InstrumentConfig Cabled::config() const {
    TransportConfig const transport = TcpConnectConfig{{id_, 1}};
    switch (kind_) {
        case Kind::astm: return named(AstmConfig{transport});
        case Kind::hl7: return named(Hl7Config{transport});
        case Kind::biotek: return named(BiotekConfig{transport});
        case Kind::biorad: break;
    }
    return named(BioradConfig{transport, "1 0"});
}

void Cabled::measure() {
    if (kind_ == Kind::biorad) return;                                 // only when a person starts it
    if (kind_ == Kind::biotek && (!line_ || line_->is_cut())) return;  // said into the air
    ++to_measure_;
}

void Cabled::plugged(std::unique_ptr<sim::MemoryTransport> far) {
    unplug();
    line_ = std::move(far);
    asio::co_spawn(bench_.outside.loop, talk(line_), asio::detached);
}

void Cabled::unplug() {
    if (!line_) return;
    line_->cut();
    line_.reset();
    instrument_->unplugged();
    if (kind_ == Kind::biotek) to_measure_ = 0;
}

Task<void> Cabled::talk(std::shared_ptr<sim::MemoryTransport> line) {
    std::array<std::byte, 512> buffer;
    while (line == line_) {
        auto const now = bench_.outside.clock.now();
        for (; to_measure_ > 0; --to_measure_) instrument_->measure(now);
        std::string const bytes = instrument_->send(now);
        for (SimulatedEvent const& event : instrument_->take_events()) note(event);
        if (!bytes.empty()) {
            auto const sent = co_await line->write(sim::bytes_of(bytes));
            if (!sent) break;
        }
        auto const limit = std::min(instrument_->next_event(now).value_or(Clock::Instant::max()), now + look);
        auto const got = co_await line->read_some(buffer, limit);
        if (!got && got.error().fault != Fault::timed_out) break;
        if (got && line == line_) instrument_->receive({reinterpret_cast<char const*>(buffer.data()), *got}, bench_.outside.clock.now());
    }
    if (line == line_) unplug();
}

void Cabled::note(SimulatedEvent const& event) {
    if (event.kind == SimulatedEvent::Kind::measured) {
        Measured one = kind_ == Kind::astm ? measured(Measured::Kind::line, "", without_patient(event.text))
                                           : measured(Measured::Kind::original, hex(sha256(event.text)), event.text);
        one.owed = kind_ != Kind::biotek;
        Measured* const known = measured_[event.key] = &bench_.truth.add(std::move(one));
        if (kind_ == Kind::astm || kind_ == Kind::hl7) waiting_[event.key] = known;
        return;
    }
    Measured& what = *measured_.at(event.key);
    waiting_.erase(event.key);
    if (event.kind == SimulatedEvent::Kind::given_up) return;
    if (kind_ == Kind::biotek) return said_once(what);
    what.acknowledged = bench_.timeline->now();
}

}  // namespace marrowlink::storm
