#include "gateway/plate.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

namespace marrowlink {
namespace {

struct PlateSize {
    std::uint32_t rows, columns;
};
constexpr std::array<PlateSize, 8> usual_sizes{{{2, 3}, {3, 4}, {4, 6}, {6, 8}, {8, 12}, {16, 24}, {32, 48}, {702, 999}}};

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string quoted = "\"";
    for (char const c : text) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

json::object frame_json(PlateFrame const& frame) {
    json::object out;
    json::put_text(out, "plate", frame.plate);
    json::put_text(out, "read", frame.read);
    json::put_text(out, "time_s", frame.time_s);
    json::put_text(out, "wavelength_nm", frame.wavelength_nm);
    json::put_text(out, "excitation_nm", frame.excitation_nm);
    json::put_text(out, "unit", frame.unit);
    return out;
}

}  // namespace

bool well_position(std::string_view well, std::uint32_t& row, std::uint32_t& column) {
    std::size_t letters = 0;
    std::uint32_t row_number = 0;
    while (letters < well.size() && well[letters] >= 'A' && well[letters] <= 'Z')
        row_number = row_number * 26 + (well[letters++] - 'A' + 1);
    std::string_view const digits = well.substr(letters);
    if (letters == 0 || letters > 2 || digits.empty() || digits.size() > 3) return false;
    std::uint32_t column_number = 0;
    for (char const c : digits) {
        if (c < '0' || c > '9') return false;
        column_number = column_number * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (column_number == 0) return false;
    row = row_number - 1;
    column = column_number - 1;
    return true;
}

Plate plate_of(std::vector<Reading> readings) {
    Plate plate;
    plate.readings = std::move(readings);
    using Key = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view, std::string_view>;
    std::map<Key, std::size_t> known;
    std::uint32_t rows = 0, columns = 0;
    for (std::size_t i = 0; i < plate.readings.size(); ++i) {
        Reading const& reading = plate.readings[i];
        std::uint32_t row = 0, column = 0;
        if (!well_position(reading.well, row, column)) continue;
        rows = std::max(rows, row + 1);
        columns = std::max(columns, column + 1);
        auto const [found, added] = known.try_emplace(
            Key{reading.plate, reading.read, reading.time_s, reading.wavelength_nm, reading.excitation_nm}, plate.frames.size());
        if (added)
            plate.frames.push_back(
                {reading.plate, reading.read, reading.time_s, reading.wavelength_nm, reading.excitation_nm, reading.unit, {}});
        plate.frames[found->second].readings.push_back(i);
    }
    if (rows > 0) {
        auto const size = std::find_if(usual_sizes.begin(), usual_sizes.end(),
                                       [&](PlateSize const& usual) { return usual.rows >= rows && usual.columns >= columns; });
        bool const unusual = size == std::prev(usual_sizes.end());
        plate.rows = unusual ? rows : size->rows;
        plate.columns = unusual ? columns : size->columns;
    }
    return plate;
}

json::object plate_json(Plate const& plate, std::size_t frame) {
    json::object out;
    out["rows"] = plate.rows;
    out["columns"] = plate.columns;
    json::array frames, wells;
    for (PlateFrame const& each : plate.frames) frames.push_back(frame_json(each));
    if (!plate.frames.empty()) {
        frame = std::min(frame, plate.frames.size() - 1);
        out["frame"] = frame;
        for (auto& member : frame_json(plate.frames[frame])) out[member.key()] = member.value();
        for (std::size_t const i : plate.frames[frame].readings) {
            Reading const& reading = plate.readings[i];
            json::object well;
            well["well"] = reading.well;
            json::put_text(well, "value", reading.value);
            json::put_text(well, "flag", reading.flag);
            wells.push_back(std::move(well));
        }
    }
    out["frames"] = std::move(frames);
    out["wells"] = std::move(wells);
    return out;
}

std::string readings_csv(std::string_view file, std::vector<Reading> const& readings) {
    std::string out = "file";
    for (auto const& [column, member] : reading_fields) (out += ',') += column;
    out += "\r\n";
    std::string const name = csv_field(file);
    for (Reading const& reading : readings) {
        out += name;
        for (auto const& [column, member] : reading_fields) (out += ',') += csv_field(reading.*member);
        out += "\r\n";
    }
    return out;
}

}  // namespace marrowlink
