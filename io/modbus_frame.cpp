#include "io/modbus_frame.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/modbus_rtu.hpp"

namespace marrowlink {
namespace {
using wire::modbus::exception_bit;
constexpr std::uint16_t coil_on = 0xFF00;  // 6.5

void put(std::vector<std::uint8_t>& out, std::uint16_t word) {
    out.push_back(static_cast<std::uint8_t>(word >> 8));
    out.push_back(static_cast<std::uint8_t>(word & 0xFF));
}

void put_many(std::vector<std::uint8_t>& out, ModbusRequest const& request) {
    put(out, static_cast<std::uint16_t>(request.values.size()));
    if (!is_of_bits(request.function)) {
        out.push_back(static_cast<std::uint8_t>(request.values.size() * 2));
        for (std::uint16_t const value : request.values) put(out, value);
        return;
    }
    std::size_t const bytes = (request.values.size() + 7) / 8;
    out.push_back(static_cast<std::uint8_t>(bytes));
    std::size_t const begin = out.size();
    out.resize(begin + bytes);
    for (std::size_t i = 0; i < request.values.size(); ++i)
        if (request.values[i]) out[begin + i / 8] = static_cast<std::uint8_t>(out[begin + i / 8] | 1u << i % 8);
}

ModbusVerdict otherwise(std::string words) { return {std::nullopt, std::move(words)}; }

ModbusVerdict values_of(ModbusRequest const& request, std::span<std::uint8_t const> frame) {
    bool const bits = is_of_bits(request.function);
    std::size_t const bytes = bits ? (request.count + 7u) / 8 : request.count * 2u;
    if (frame.size() != bytes + 3 || frame[2] != bytes)
        return otherwise(fmt::format("it carries {} bytes where {} were asked for", frame.size() < 3 ? 0 : frame.size() - 3, bytes));
    ModbusVerdict verdict;
    ModbusAnswer& answer = verdict.answer.emplace();
    answer.values.reserve(request.count);
    for (std::size_t i = 0; i < request.count; ++i)
        answer.values.push_back(bits ? static_cast<std::uint16_t>(frame[3 + i / 8] >> i % 8 & 1) : wire::load_u16(frame, 3 + 2 * i));
    return verdict;
}
}  // namespace

std::vector<std::uint8_t> encode(ModbusRequest const& request) {
    std::vector<std::uint8_t> out{request.unit, static_cast<std::uint8_t>(request.function)};
    put(out, request.address);
    if (reads(request.function)) {
        put(out, request.count);
    } else if (request.function == ModbusFunction::read_write_multiple_registers) {
        put(out, request.count);
        put(out, request.write_address);
        put_many(out, request);
    } else if (request.function == ModbusFunction::write_single_coil) {
        put(out, request.values[0] ? coil_on : 0);
    } else if (request.function == ModbusFunction::write_single_register) {
        put(out, request.values[0]);
    } else {
        put_many(out, request);
    }
    return out;
}

ModbusVerdict judge(ModbusRequest const& request, std::span<std::uint8_t const> frame) {
    auto const function = static_cast<std::uint8_t>(request.function);
    if (frame.size() < 3) return otherwise("it is too short");
    if (frame[0] != request.unit) return otherwise(fmt::format("it comes from unit {}", frame[0]));
    if (frame[1] == (function | exception_bit)) {
        if (frame.size() != 3 || frame[2] == 0) return otherwise("it is an exception without a code");
        ModbusVerdict verdict;
        verdict.answer.emplace().exception = frame[2];
        return verdict;
    }
    if (frame[1] != function) return otherwise(fmt::format("it answers function {}", frame[1] & ~exception_bit));
    if (answers_values(request.function)) return values_of(request, frame);
    // The answer to a request that writes repeats its first six bytes (6.5, 6.6, 6.11, 6.12).
    auto const sent = encode(request);
    if (frame.size() != 6 || !std::equal(frame.begin(), frame.end(), sent.begin()))
        return otherwise("it confirms another address, value or count than was sent");
    ModbusVerdict verdict;
    verdict.answer.emplace();
    return verdict;
}

}  // namespace marrowlink
