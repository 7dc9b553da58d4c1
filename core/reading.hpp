// One measured value. Numbers are decimal text as the source wrote them, with '.', never a double: what is stored is what was said.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace marrowlink {

struct Reading {
    std::string plate;          // the plate's name or barcode as the source gives it; empty when it gives none
    std::string read;           // the source's own label of the read or data set: "OD600:600", "Lum"
    std::string well;           // "A1"; rows after Z are AA, AB, …
    std::string time_s;         // seconds since the run began (kinetic); empty elsewhere
    std::string wavelength_nm;  // detection: absorbance wavelength, fluorescence emission
    std::string excitation_nm;
    std::string value;  // empty when a word stood in the number's place; then `flag` holds the word
    std::string unit;   // "OD", "RFU", "RLU" as far as the source says; never converted
    std::string flag;   // "OVRFLW", "?????", "#SAT", … verbatim; empty for an ordinary value

    friend bool operator==(Reading const&, Reading const&) = default;
};

// By the names that they have everywhere, in the order in which they are written: members in JSON, columns in CSV.
inline constexpr std::array<std::pair<std::string_view, std::string Reading::*>, 9> reading_fields{{
    {"plate", &Reading::plate},
    {"read", &Reading::read},
    {"well", &Reading::well},
    {"time_s", &Reading::time_s},
    {"wavelength_nm", &Reading::wavelength_nm},
    {"excitation_nm", &Reading::excitation_nm},
    {"value", &Reading::value},
    {"unit", &Reading::unit},
    {"flag", &Reading::flag},
}};

}  // namespace marrowlink
