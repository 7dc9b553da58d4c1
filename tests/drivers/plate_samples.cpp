#include "plate_samples.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace plate_test {

namespace fs = std::filesystem;

namespace {

// "450.0" and "450" are one number.
std::string number(std::string const& text) {
    if (text.empty()) return {};
    char out[40];
    std::snprintf(out, sizeof out, "%.12g", std::strtod(text.c_str(), nullptr));
    return out;
}

std::string seconds(std::string const& index) {
    int h = 0, m = 0, s = 0;
    if (std::sscanf(index.c_str(), "%d:%d:%d", &h, &m, &s) == 3) return std::to_string(h * 3600 + m * 60 + s);
    return number(index);
}

}  // namespace

fs::path shared_folder() {
    if (char const* const set = std::getenv("MARROWLINK_SHARED")) return set;
    return fs::path{MARROWLINK_SOURCE_DIR}.parent_path() / "shared";
}

fs::path own_folder(std::string_view name) { return fs::path{MARROWLINK_SOURCE_DIR} / "tests/data" / name; }

std::string slurp(fs::path const& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

marrowlink::json::value json_of(fs::path const& path) {
    auto parsed = marrowlink::json::parse(slurp(path), path.string());
    REQUIRE(parsed);
    return *parsed;
}

std::vector<fs::path> files_of(fs::path const& folder, std::string_view ending) {
    std::vector<fs::path> found;
    if (!fs::is_directory(folder)) return found;
    for (auto const& entry : fs::directory_iterator{folder})
        if (entry.path().filename().string().ends_with(ending)) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<TableRow> table_of(fs::path const& csv) {
    std::ifstream in{csv};
    std::string line;
    std::vector<std::string> heads;
    std::vector<TableRow> rows;
    while (std::getline(in, line)) {
        if (line.ends_with('\r')) line.pop_back();
        std::vector<std::string> cells(1);
        for (char c : line)
            if (c == ',')
                cells.emplace_back();
            else
                cells.back() += c;
        if (heads.empty()) {
            heads = cells;
            continue;
        }
        REQUIRE(cells.size() == heads.size());
        auto& row = rows.emplace_back();
        for (std::size_t i = 0; i < heads.size(); ++i) row[heads[i]] = cells[i];
    }
    return rows;
}

std::vector<std::string> rows_of(std::vector<marrowlink::Reading> const& readings, Columns columns) {
    std::vector<std::string> rows;
    for (auto const& r : readings) {
        std::string read = columns.read ? " | " + r.read : "";
        std::replace(read.begin(), read.end(), ',', ';');
        rows.push_back(r.plate + " | " + r.well + " | " + number(r.time_s) + " s | " + (columns.wavelength ? number(r.wavelength_nm) : "") +
                       " nm | " + (columns.excitation ? number(r.excitation_nm) : "") + " nm | " + number(r.value) + " | " + r.flag + read);
    }
    std::sort(rows.begin(), rows.end());
    return rows;
}

std::vector<std::string> rows_expected(fs::path const& csv, Columns& columns, Correct const& correct) {
    std::vector<std::string> rows;
    for (auto& r : table_of(csv)) {
        if (correct && !correct(r)) continue;
        columns = {r.contains("detector_nm"), r.contains("excitation_nm"), r.contains("read")};
        if (std::string& well = r["well"]; well.size() == 3 && well[1] == '0') well.erase(1, 1);  // some tables write A01
        bool const spectrum = r["quantity"].find("[nm]") != std::string::npos;
        std::string const wavelength = spectrum ? number(r["index"]) : columns.wavelength ? number(r["detector_nm"]) : "";
        rows.push_back(r["plate"] + " | " + r["well"] + " | " + (spectrum ? "" : seconds(r["index"])) + " s | " + wavelength + " nm | " +
                       number(r["excitation_nm"]) + " nm | " + number(r["value"]) + " | " + r["flag"] +
                       (columns.read ? " | " + r["read"] : ""));
    }
    std::sort(rows.begin(), rows.end());
    return rows;
}

}  // namespace plate_test
