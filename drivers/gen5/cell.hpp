// What stands in a number's place in a Gen5 table. Words and their meaning: notes.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "drivers/decimal.hpp"

namespace marrowlink::gen5 {

enum class CellKind : std::uint8_t {
    blank,  // not read
    number,
    word,     // known: OVRFLW, MISSED, a run of ? or *, a one-sided bound like >40.000
    unknown,  // stops the file
};

struct Cell {
    CellKind kind = CellKind::blank;
    Decimal number;  // a bound's too
};

Cell classify(std::string_view text);

// "1:02:03" or "0:00:22.5": seconds as decimal text with '.'. Refused with the text when it is no such time.
Result<std::string> seconds_of(std::string_view text);

}  // namespace marrowlink::gen5
