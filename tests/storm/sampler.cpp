#include "sampler.hpp"

#include <fmt/format.h>

#include "core/sha256.hpp"
#include "drivers/modbus/map.hpp"

namespace marrowlink::storm {
namespace {
using namespace std::chrono_literals;
constexpr std::uint8_t unit = 7;
constexpr auto look = 60s;  // a storm has two days: what a map asks for every few seconds would be most of its work

modbus::SimulatorOptions sampler(std::uint64_t seed) {
    modbus::SimulatorOptions options;
    options.device = "minicapt";
    options.seed = seed;
    options.unit = unit;
    return options;
}

// The registers of a sample, 215 to 224, as chapter 5 of the device's manual lays them out; the status words say that all is good.
std::string registers_of(modbus::ModbusSimulator::Sample const& sample) {
    std::string text = "read input registers 215 10:";
    for (std::uint32_t const wide : {sample.time_stamp, sample.sample_time, 7u, sample.flow_rate, sample.volume})
        text += fmt::format(" {:04X} {:04X}", wide >> 16, wide & 0xFFFF);
    return text + '\n';
}
}  // namespace

Sampler::Sampler(Bench& bench, std::string id, std::uint64_t seed)
    : Instrument(bench, std::move(id)),
      dice_(seed),
      device_(sampler(seed), bench.timeline->now()),
      line_(bench.outside.clock, device_.bank()),
      told_always_(dice_.one_in(8)) {
    line_.next_trouble = [this] { return bus_trouble(dice_, stormy_); };
    line_.answered = [this] { note_deleted(); };
}

InstrumentConfig Sampler::config() const {
    ModbusConfig config;
    ModbusSerial bus;
    bus.path = id_;
    config.bus = bus;
    config.unit = unit;
    config.map_name = "minicapt";
    auto const file = modbus::bundled_map(config.map_name);
    config.map = *modbus::parse_map(std::string{file->bytes}, std::string{file->name});
    for (modbus::Register& reg : config.map.registers) reg.poll = look;
    bool const status_is_last = !config.map.registers.back().queued;
    if (status_is_last && !told_always_) config.map.registers.pop_back();
    return named(std::move(config));
}

// Several in a row, so that a sample waits behind the one that is read.
void Sampler::measure() {
    for (std::uint64_t n = 1 + dice_.below(3); n > 0; --n) {
        device_.take_sample();
        std::string const text = registers_of(device_.taken().back());
        waiting_.push_back(&bench_.truth.add(measured(Measured::Kind::original, hex(sha256(text)), text)));
    }
}

void Sampler::note_deleted() {
    for (; waiting_.size() > device_.waiting().size(); waiting_.pop_front()) waiting_.front()->acknowledged = bench_.timeline->now();
}

Task<std::string> Sampler::Line::answer_to(std::string question, Clock& clock) {
    std::string answer;
    if (static_cast<std::uint8_t>(question.front()) == unit) {
        answer = question.front() + bank_.answer(std::string_view{question}.substr(1, question.size() - 3)) + std::string(2, '\0');
        wire::modbus::seal({reinterpret_cast<std::uint8_t*>(answer.data()), answer.size()}, answer.size() - 2);
    }
    co_await clock.sleep_for(line_time);
    co_return answer;
}

}  // namespace marrowlink::storm
