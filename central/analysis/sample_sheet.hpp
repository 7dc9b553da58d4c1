// Whose cells are on a plate, without saying who that is: CSV with a heading and one row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::analysis {

enum class Timepoint : unsigned char { unknown, diagnosis, relapse };
std::string_view name_of(Timepoint timepoint);  // "" of unknown

struct SampleSheet {
    std::string subject;  // a pseudonym: capitals, digits and hyphens, at least one digit, 2 to 32 bytes: "ALL-0042"
    Timepoint timepoint = Timepoint::unknown;
    std::string compartment;    // "bone marrow" or "blood"
    std::string medium;         // the culture medium, in the laboratory's words
    std::string hours_to_test;  // between sampling and the drugs, decimal text
    std::string readout;        // which read of the run counts; needed where a run has several

    // Mandatory for any comparison between plates: subject, timepoint, compartment, medium, hours_to_test. What is missing, by column.
    std::vector<std::string_view> missing() const;

    // An item that is not known is left empty, or its column out. Refused, naming file, line and column: an unknown column, timepoint or
    // compartment, a subject that is no pseudonym, hours that are no number, other than one row, and whatever identifies a person.
    static Result<SampleSheet> read(std::string_view bytes, std::string name);
};

}  // namespace marrowlink::analysis
