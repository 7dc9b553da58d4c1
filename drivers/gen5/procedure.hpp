// What a Gen5 export announces under "Procedure Details": its reads and the names their raw data sets will carry further down.
// A data set that is not announced is derived (Blank …, NormLum, Max V …) and no reading.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"
#include "core/plate_shape.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink::gen5 {

constexpr std::size_t data_sets_max = 256;  // of one plate; one more: refused
constexpr std::size_t label_bytes_max = 256;

enum class Shape : std::uint8_t { endpoint, kinetic, spectrum };
std::string_view name_of(Shape shape);

struct DataSet {
    std::string label;  // "OD600:450", "FP Read:485/20,528/20 [Parallel]"
    std::string unit;   // "OD", "RFU", "RLU"
    Shape shape = Shape::endpoint;
    std::string wavelength_nm;  // empty: full light, or a spectrum
    std::string excitation_nm;
    bool optional = false;    // announced, yet exports without it are known
    std::uint64_t reads = 0;  // kinetic: announced number; 0 not stated
    std::string stop_nm;      // spectrum: the last wavelength
};

struct Procedure {
    std::string plate_type;
    bool full_plate = true;                     // every read says "Full Plate"
    bool chosen_at_runtime = false;             // "Well Selection  Runtime"
    std::uint32_t first_row = 0, last_row = 0;  // every read says the same range such as "C1..F12"; 0: not stated
    std::vector<DataSet> sets;

    // By any spelling of its name: with or without the read's name in front, with or without filter bandwidths. Refused when two sets could
    // be meant; null when none.
    Result<DataSet const*> find(std::string_view label) const;
    // The announced set that a derived one is made from by its name: "Blank X", "Max V [X]", "R-Squared [Blank X]".
    bool derives(std::string_view label) const;

    std::unordered_map<std::string, std::vector<std::size_t>> spellings;
};

// `lines` are the section's own, title excluded. `last`: the file ends with them, so that what is missing may still come (`unavailable`).
Result<Procedure> read_procedure(std::span<TextLine const> lines, bool last);

}  // namespace marrowlink::gen5
