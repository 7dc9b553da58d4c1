// A plate as the page draws it, and the same readings as the CSV that `read` prints. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/reading.hpp"

namespace marrowlink {

// The readings of one look at the plate: same read, wavelengths and time.
struct PlateFrame {
    std::string plate, read, time_s, wavelength_nm, excitation_nm, unit;
    std::vector<std::size_t> readings;  // indices, one a well
};

struct Plate {
    std::vector<Reading> readings;
    std::vector<PlateFrame> frames;       // in the order in which they appear
    std::uint32_t rows = 0, columns = 0;  // the smallest usual plate (6 … 1536 wells) that holds every well; 0 when there is no well in it
};

Plate plate_of(std::vector<Reading> readings);

// Zero-based; false for what is no well name. "A1" → 0, 0; "AF48" → 31, 47.
bool well_position(std::string_view well, std::uint32_t& row, std::uint32_t& column);

// {"rows", "columns", "frame", "frames": [{"plate","read","time_s","wavelength_nm","excitation_nm","unit"}], the shown frame's own members,
//  "wells": [{"well","value","flag"}]}. Without a number in a value's place "value" is absent. `frame` past the end: the last.
json::object plate_json(Plate const& plate, std::size_t frame);

// RFC 4180, columns in the order of `marrowlink-gateway read`: file,plate,read,well,time_s,wavelength_nm,excitation_nm,value,unit,flag.
std::string readings_csv(std::string_view file, std::vector<Reading> const& readings);

}  // namespace marrowlink
