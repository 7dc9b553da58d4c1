// From registers as they came over the wire to a value as decimal text. Pure. What is no number never becomes one (field 51).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "drivers/driver.hpp"
#include "drivers/modbus/map.hpp"

namespace marrowlink::modbus {

struct Value {
    std::string text;  // decimal, with '.'; empty when there is none, and `flag` says why
    std::string
        flag;  // in words: out of the valid range, not a number, the names of set bits, the letters of a text; empty: nothing to say
    friend bool operator==(Value const&, Value const&) = default;
};

// `words`: as many as the register's count.
Value value_of(Register const& reg, std::span<std::uint16_t const> words);

// What should make a person look: set bits by their names, a value out of its range. Without the value itself, so that it changes only when
// the condition does.
std::vector<std::string> conditions_of(Register const& reg, std::span<std::uint16_t const> words);

// Everything that these registers may mean, for comparing with a display: each order and type (field 49).
// Numbers are scaled as the map says.
std::vector<RegisterView::Interpretation> interpretations_of(Register const& reg, std::span<std::uint16_t const> words);

}  // namespace marrowlink::modbus
