#include "drivers/modbus/simulator.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace marrowlink::modbus {
namespace {
using std::chrono::seconds;
constexpr std::size_t queue_max = 100;  // older samples are lost, as in a device that nobody reads
constexpr std::size_t header_bytes = 7;
constexpr std::uint32_t first_time_stamp = 1'795'573'800;
constexpr int illegal_function = 1, illegal_address = 2, illegal_value = 3;

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }
std::uint16_t word_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}
void put(std::string& out, std::uint16_t word) {
    out += static_cast<char>(word >> 8);
    out += static_cast<char>(word & 0xFF);
}
std::string exception(std::string_view request, int code) {
    return {static_cast<char>(byte_at(request, 0) | 0x80), static_cast<char>(code)};
}

template <class Table>
bool holds(Table const& table, unsigned first, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
        if (!table.contains(static_cast<std::uint16_t>(first + i))) return false;
    return first + count <= 65'536;
}

std::string read_registers(std::string_view request, std::map<std::uint16_t, std::uint16_t> const& table) {
    unsigned const first = word_at(request, 1), count = word_at(request, 3);
    if (count < 1 || count > 125) return exception(request, illegal_value);
    if (!holds(table, first, count)) return exception(request, illegal_address);
    std::string out{request[0], static_cast<char>(2 * count)};
    for (unsigned i = 0; i < count; ++i) put(out, table.at(static_cast<std::uint16_t>(first + i)));
    return out;
}

std::string read_bits(std::string_view request, std::map<std::uint16_t, bool> const& table) {
    unsigned const first = word_at(request, 1), count = word_at(request, 3);
    if (count < 1 || count > 2'000) return exception(request, illegal_value);
    if (!holds(table, first, count)) return exception(request, illegal_address);
    std::string out{request[0], static_cast<char>((count + 7) / 8)};
    for (unsigned i = 0; i < count; ++i) {
        if (i % 8 == 0) out += '\0';
        if (table.at(static_cast<std::uint16_t>(first + i))) out.back() = static_cast<char>(out.back() | 1 << i % 8);
    }
    return out;
}

// A value of 32 bits, high word first.
void set_wide(std::map<std::uint16_t, std::uint16_t>& table, std::uint16_t address, std::uint32_t value) {
    table[address] = static_cast<std::uint16_t>(value >> 16);
    table[static_cast<std::uint16_t>(address + 1)] = static_cast<std::uint16_t>(value & 0xFFFF);
}
}  // namespace

std::string Bank::answer(std::string_view request) {
    if (request.empty()) return {};
    unsigned const function = byte_at(request, 0);
    if (function < 1 || function > 6) return exception(request, illegal_function);
    if (request.size() != 5) return exception(request, illegal_value);
    std::uint16_t const address = word_at(request, 1), value = word_at(request, 3);
    switch (function) {
        case 1: return read_bits(request, coils);
        case 2: return read_bits(request, discrete);
        case 3: return read_registers(request, holding);
        case 4: return read_registers(request, input);
        case 5:
            if (!coils.contains(address)) return exception(request, illegal_address);
            if (value != 0 && value != 0xFF00) return exception(request, illegal_value);
            coils[address] = value != 0;
            if (on_coil) on_coil(address, value != 0);
            break;
        default:
            if (!holding.contains(address)) return exception(request, illegal_address);
            holding[address] = value;
            if (on_register) on_register(address, value);
    }
    return std::string{request};
}

AnswerFaults faults_of(SimulatedVariant variant) {
    AnswerFaults faults;
    switch (variant) {
        case SimulatedVariant::normal: break;
        case SimulatedVariant::slow: faults.late = std::chrono::milliseconds{700}; break;
        case SimulatedVariant::damaged: faults.garble_every = 10; break;
        case SimulatedVariant::silent: faults.silent_after = 60; break;
        case SimulatedVariant::repeating: faults.repeat_every = 4; break;
    }
    return faults;
}

bool ModbusSimulator::knows(std::string_view device) { return device == "hettich" || device == "julabo" || device == "minicapt"; }

ModbusSimulator::ModbusSimulator(SimulatorOptions options, Instant now)
    : options_(std::move(options)), random_(options_.seed * 0x9E3779B97F4A7C15ULL + 1), wandered_(now), sampled_(now) {
    if (options_.device == "hettich") {
        for (std::uint16_t address = 0; address < 10; ++address) bank_.input[address] = 0;
        bank_.input[0] = static_cast<std::uint16_t>(tenths_);
    }
    if (options_.device == "julabo") {
        for (std::uint16_t address = 0; address < 27; ++address) bank_.input[address] = 0;
        tenths_ = -200;
        set_wide(bank_.input, 10, std::bit_cast<std::uint32_t>(-20.0f));
        set_wide(bank_.input, 12, 0x7FC00000);  // no external sensor: not a number
    }
    if (options_.device == "minicapt") {
        for (std::uint16_t address = 200; address < 234; ++address) bank_.input[address] = 0;
        for (std::uint16_t address = 0; address < 9; ++address) bank_.coils[address] = false;
        bank_.on_coil = [this](std::uint16_t address, bool value) {
            if (address == 1 && !value && !waiting_.empty()) {
                deleted_.push_back(waiting_.front());
                waiting_.pop_front();
            }
            if (address == 2 && value) waiting_.clear();
            show_front();
        };
    }
}

std::uint32_t ModbusSimulator::random(std::uint32_t bound) {
    random_ = random_ * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return static_cast<std::uint32_t>(random_ >> 33) % bound;
}

void ModbusSimulator::advance(Instant now) {
    for (; wandered_ + seconds{10} <= now; wandered_ += seconds{10}) tenths_ += static_cast<std::int32_t>(random(3)) - 1;
    if (options_.device == "hettich") bank_.input[0] = static_cast<std::uint16_t>(tenths_);
    if (options_.device == "julabo") set_wide(bank_.input, 10, std::bit_cast<std::uint32_t>(static_cast<float>(tenths_) / 10));
    if (options_.device != "minicapt") return;
    for (; sampled_ + options_.sample_period <= now; sampled_ += options_.sample_period) take_sample();
}

void ModbusSimulator::take_sample() {
    if (options_.device != "minicapt") return;
    Sample sample;
    sample.time_stamp = first_time_stamp + static_cast<std::uint32_t>(60 * taken_.size());
    sample.sample_time = 6'000;
    sample.flow_rate = 9'900 + random(200);
    sample.volume = 9'990'000 + random(20'000);
    taken_.push_back(sample);
    waiting_.push_back(sample);
    if (waiting_.size() > queue_max) waiting_.pop_front();
    show_front();
}

void ModbusSimulator::show_front() {
    bank_.input[214] = static_cast<std::uint16_t>(waiting_.size());
    bank_.coils[1] = !waiting_.empty();
    if (waiting_.empty()) return;  // the last packet stays in its registers
    Sample const& front = waiting_.front();
    set_wide(bank_.input, 215, front.time_stamp);
    set_wide(bank_.input, 217, front.sample_time);
    set_wide(bank_.input, 219, 7);  // laser, flow and hardware good
    set_wide(bank_.input, 221, front.flow_rate);
    set_wide(bank_.input, 223, front.volume);
}

std::string ModbusSimulator::receive_tcp(std::string_view bytes) {
    pending_ += bytes;
    std::string out;
    while (pending_.size() >= header_bytes) {
        std::size_t const length = word_at(pending_, 4);
        if (word_at(pending_, 2) != 0 || length < 2 || length > 254) {
            pending_.clear();
            break;
        }
        if (pending_.size() < 6 + length) break;
        std::string const answer = bank_.answer(std::string_view{pending_}.substr(header_bytes, length - 1));
        std::string frame = pending_.substr(0, 4);
        put(frame, static_cast<std::uint16_t>(answer.size() + 1));
        frame += pending_[6];
        frame += answer;
        pending_.erase(0, 6 + length);
        out += spoilt(std::move(frame));
    }
    return out;
}

std::string ModbusSimulator::spoilt(std::string answer) {
    AnswerFaults const& faults = options_.faults;
    auto const one_in = [this](std::uint64_t n) { return n != 0 && random(static_cast<std::uint32_t>(n)) == 0; };
    if (faults.silent_after != 0 && ++requests_ > faults.silent_after) return {};
    if (one_in(faults.garble_every)) {
        if (one_in(2)) return answer.substr(0, answer.size() / 2);
        answer[1] = static_cast<char>(answer[1] ^ 0x55);  // of the transaction's number
        return answer;
    }
    return one_in(faults.repeat_every) ? answer + answer : answer;
}

Task<void> play_tcp(ModbusSimulator& device, Transport& line, Clock& clock) {
    std::array<std::byte, 512> buffer;
    for (;;) {
        auto const got = co_await line.read_some(buffer, Clock::Instant::max());
        if (!got) co_return;
        device.advance(clock.now());
        std::string const reply = device.receive_tcp({reinterpret_cast<char const*>(buffer.data()), *got});
        if (reply.empty()) continue;
        co_await clock.sleep_for(device.faults().late);
        auto const sent = co_await line.write(std::as_bytes(std::span{reply}));
        if (!sent) co_return;
    }
}

}  // namespace marrowlink::modbus
