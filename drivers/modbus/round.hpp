// Which registers are asked for together, and what was last heard of each. Whole values only: the words of one value never come from two
// requests, or it tears.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "drivers/modbus/map.hpp"
#include "drivers/modbus/value.hpp"

namespace marrowlink::modbus {

// Registers of one kind that follow one another without a gap, in one request. Gaps are not read over: many devices refuse addresses that
// they do not have.
struct Block {
    ModbusFunction function = ModbusFunction::read_input_registers;
    std::uint16_t address = 0, count = 0;
    std::vector<std::size_t> registers;  // indices into the map, in the order of their addresses
    std::chrono::milliseconds poll{0};
    Clock::Instant due{};
};

// Of the registers in `indices`; those of one block have one poll period.
std::vector<Block> blocks_of(RegisterMap const& map, std::vector<std::size_t> indices);

// What was last heard of one register. Nothing is known of it before the first answer and after a failed one (field 50, 51).
struct Heard {
    std::vector<std::uint16_t> words;  // empty: no value
    std::string why;                   // there is none
    std::optional<Clock::Instant> at;  // of the last answer that had it

    Value value(Register const& reg) const { return words.empty() ? Value{{}, why} : value_of(reg, words); }
};

}  // namespace marrowlink::modbus
