#include "core/modbus.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace marrowlink {

bool reads(ModbusFunction function) { return static_cast<std::uint8_t>(function) <= 4; }

bool answers_values(ModbusFunction function) { return reads(function) || function == ModbusFunction::read_write_multiple_registers; }

bool is_of_bits(ModbusFunction function) {
    return function == ModbusFunction::read_coils || function == ModbusFunction::read_discrete_inputs ||
           function == ModbusFunction::write_single_coil || function == ModbusFunction::write_multiple_coils;
}

std::string_view words_of(ModbusFunction function) {
    switch (function) {
        case ModbusFunction::read_coils: return "read coils";
        case ModbusFunction::read_discrete_inputs: return "read discrete inputs";
        case ModbusFunction::read_holding_registers: return "read holding registers";
        case ModbusFunction::read_input_registers: return "read input registers";
        case ModbusFunction::write_single_coil: return "write single coil";
        case ModbusFunction::write_single_register: return "write single register";
        case ModbusFunction::write_multiple_coils: return "write multiple coils";
        case ModbusFunction::write_multiple_registers: return "write multiple registers";
        case ModbusFunction::read_write_multiple_registers: return "read/write multiple registers";
    }
    return "unknown function";
}

std::string words_of_exception(std::uint8_t code) {
    constexpr std::string_view words[] = {"",
                                          "it does not know this function",
                                          "it has no such address",
                                          "it does not accept this value or count",
                                          "it failed while carrying it out",
                                          "it has accepted and is still working; ask again",
                                          "it is busy; ask again",
                                          "it cannot carry this out now",
                                          "its memory has a parity error",
                                          "a code that the specification leaves free",
                                          "the Modbus gateway has no path to it",
                                          "the Modbus gateway got no answer from it"};
    return fmt::format("exception {}, {}", code,
                       code > 0 && code < std::size(words) ? words[code] : "which the specification does not name");
}

namespace {
Result<void> check_span(ModbusFunction function, std::size_t address, std::size_t count, std::size_t max) {
    if (count < 1 || count > max)
        return fail(Fault::refused, fmt::format("\"{}\" takes 1 to {} at a time; {} were asked for.", words_of(function), max, count));
    if (address + count > 65'536)
        return fail(Fault::refused, fmt::format("Addresses end at 65535; {} from {} on were asked for.", count, address));
    return {};
}
}  // namespace

Result<void> check(ModbusRequest const& request) {
    bool const bits = is_of_bits(request.function);
    std::size_t max = 1;
    if (answers_values(request.function))
        max = bits ? modbus_bits_read_max : modbus_registers_read_max;
    else if (request.function == ModbusFunction::write_multiple_coils)
        max = modbus_bits_written_max;
    else if (request.function == ModbusFunction::write_multiple_registers)
        max = modbus_registers_written_max;
    std::size_t const count = answers_values(request.function) ? request.count : request.values.size();
    if (auto const fit = check_span(request.function, request.address, count, max); !fit) return fit;
    if (request.function == ModbusFunction::read_write_multiple_registers) {
        auto const fit = check_span(request.function, request.write_address, request.values.size(), modbus_registers_read_and_written_max);
        if (!fit) return fit;
    }
    if (bits && std::any_of(request.values.begin(), request.values.end(), [](std::uint16_t value) { return value > 1; }))
        return fail(Fault::refused, "A coil is 0 or 1; another value was to be written.");
    if (request.response_timeout.count() < 1 || request.response_timeout > modbus_response_timeout_max)
        return fail(Fault::refused, fmt::format("A response timeout is 1 to {} ms; {} ms was asked for.",
                                                modbus_response_timeout_max.count(), request.response_timeout.count()));
    return {};
}

}  // namespace marrowlink
