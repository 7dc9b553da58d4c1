// Modbus requests as bytes, and answers judged by their bytes: unit address, function, data (MODBUS Application Protocol V1.1b3, clauses 4
// and 6), without the CRC of a serial line or the header of TCP. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/modbus.hpp"

namespace marrowlink {

// The request passes check().
std::vector<std::uint8_t> encode(ModbusRequest const& request);

struct ModbusVerdict {
    std::optional<ModbusAnswer> answer;  // to this request
    std::string otherwise;               // what it is instead, in words: "it comes from unit 7"
};
ModbusVerdict judge(ModbusRequest const& request, std::span<std::uint8_t const> frame);

}  // namespace marrowlink
