// What stands in a number's place in a Gen5 table, and which decimal separator the file uses. Words and their meaning: notes.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace marrowlink::gen5 {

enum class CellKind : std::uint8_t {
    blank,  // not read
    number,
    word,     // known: OVRFLW, MISSED, a run of ? or *, a one-sided bound like >40.000
    unknown,  // stops the file
};

struct Cell {
    CellKind kind = CellKind::blank;
    char separator = 0;     // '.' or ',' where a number has one
    bool decisive = false;  // a comma that cannot part thousands: 0,5 or 36,9 or 1234,567
};

Cell classify(std::string_view text);

// The separator of a whole file, from every number in it. A table of 1,234 alone may hold thousands or decimals: refused.
class DecimalSeparator {
 public:
    void see(Cell const& cell, std::string_view text, std::size_t line);
    Result<char> decide() const;  // '.' when no number has one

 private:
    struct Witness {
        std::string text;
        std::size_t line = 0;
    };
    Witness point_, comma_;  // the first of each; line 0: none
    bool decisive_ = false;
};

// "1:02:03" or "0:00:22.5": seconds as decimal text with '.'. Refused with the text when it is no such time.
Result<std::string> seconds_of(std::string_view text);

}  // namespace marrowlink::gen5
