// What a SpectraMax reader measured, from the bytes of one !TRANSFER. Pure. Layout and how sure it is: notes.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/reading.hpp"

namespace marrowlink::spectramax {

inline constexpr int rows_max = 16;  // 384 wells; a larger table is refused
inline constexpr int columns_max = 24;

struct Transfer {
    std::string seconds;            // the reader's own clock, as written; the only thing that tells two reads apart
    std::string temperature_c;      // as written
    std::string plate;              // the plate's kind as the reader names it: "96-well"
    int rows = 0, columns = 0;      // of every block
    std::vector<Reading> readings;  // block after block, row after row: A1, A2, …; time_s is left empty
};

// The second field of a !TRANSFER reply, without its '>'. Refuses, naming line and word, what is not understood whole:
// a word that is neither a number, "#SAT" nor "-"; columns of unequal length or out of order; an announced wavelength that is missing.
Result<Transfer> parse_transfer(std::string_view body);

// The same from the whole reply as it is stored with a run, "OK>" and both '>' included.
Result<Transfer> parse_transfer_reply(std::string_view reply);

}  // namespace marrowlink::spectramax
