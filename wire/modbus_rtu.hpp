// Modbus RTU frames: address, function, data, CRC. MODBUS over Serial Line V1.02 (frames) and MODBUS Application Protocol V1.1b3
// (functions).
#pragma once

#include <cstdint>
#include <optional>

#include "wire/crc.hpp"

namespace marrowlink::wire::modbus {

inline constexpr std::size_t frame_bytes_max = 256;                     // Serial Line 2.3
inline constexpr std::size_t frame_bytes_min = 4;                       // address, function, CRC
inline constexpr std::uint16_t read_registers_max = 125;                // Application Protocol 6.3
inline constexpr std::uint16_t write_registers_max = 123;               // 6.12
inline constexpr std::uint16_t read_write_written_registers_max = 121;  // 6.17
inline constexpr std::uint8_t broadcast = 0;
inline constexpr std::uint8_t unit_max = 247;

enum class Function : std::uint8_t {
    read_holding_registers = 3,
    read_input_registers = 4,
    write_single_register = 6,
    diagnostics = 8,
    write_multiple_registers = 16,
    read_write_multiple_registers = 23,
};
inline constexpr std::uint8_t exception_bit = 0x80;

// Application Protocol 7.
enum class Exception : std::uint8_t {
    none = 0,
    illegal_function = 1,
    illegal_data_address = 2,
    illegal_data_value = 3,
    server_device_failure = 4,
    acknowledge = 5,
    server_device_busy = 6,
};

// Serial Line 2.5.1.1: frames stand 3.5 characters apart, above 19,200 baud 1.75 ms. A character is 11 bits.
constexpr std::uint32_t frame_silence_us(std::uint32_t baud) { return baud > 19'200 ? 1'750 : (7 * 11 * 1'000'000u / 2 + baud - 1) / baud; }

// How long the request that begins with `begun` is, CRC included; nothing while too little of it is there, 0 for a function without a known
// length.
constexpr std::optional<std::size_t> request_bytes(Bytes begun) {
    if (begun.size() < 2) return std::nullopt;
    switch (static_cast<Function>(begun[1])) {
        case Function::read_holding_registers:
        case Function::read_input_registers:
        case Function::write_single_register:
        case Function::diagnostics: return 8;
        case Function::write_multiple_registers:
            if (begun.size() < 7) return std::nullopt;
            return 9u + begun[6];
        case Function::read_write_multiple_registers:
            if (begun.size() < 11) return std::nullopt;
            return 13u + begun[10];
    }
    return 0;
}

constexpr bool whole(Bytes frame) {
    if (frame.size() < frame_bytes_min) return false;
    std::uint16_t const sum = crc16_modbus(frame.first(frame.size() - 2));
    return frame[frame.size() - 2] == (sum & 0xFF) && frame[frame.size() - 1] == sum >> 8;
}

// Puts the CRC behind the first `bytes` of `frame`; the length with it.
constexpr std::size_t seal(MutableBytes frame, std::size_t bytes) {
    std::uint16_t const sum = crc16_modbus(frame.first(bytes));
    frame[bytes] = static_cast<std::uint8_t>(sum);
    frame[bytes + 1] = static_cast<std::uint8_t>(sum >> 8);
    return bytes + 2;
}

}  // namespace marrowlink::wire::modbus
