// A Gen5 export cut into plates, and each plate into its head and its sections, before any value is read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "drivers/document.hpp"
#include "drivers/gen5/tables.hpp"

namespace marrowlink::gen5 {

// The lines before Procedure Details, as written.
struct Head {
    std::string software, number, barcode, date, time, reader, serial, reading_type;
};

struct Outline {
    struct Plate {
        Head head;
        std::size_t first_line = 1;
        Section procedure;  // no lines: none
        std::vector<Section> layouts;
        std::vector<Section> values;  // matrices and series
        std::vector<Section> temperatures;
    };
    std::vector<Plate> plates;
    std::vector<NameBearing> name_bearing;
    std::vector<std::string> unknown_head;  // keys of head lines not known here; their values count as name-bearing
};

// A section of unknown form is refused by its name. `unavailable`: the file ends where more must come.
Result<Outline> outline_of(TextTable const& table);

}  // namespace marrowlink::gen5
