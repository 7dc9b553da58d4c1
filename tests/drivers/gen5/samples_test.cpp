// Every Gen5 file of the shared samples and of our own against the table beside it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include "core/json.hpp"
#include "drivers/catalog.hpp"
#include "drivers/gen5/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;
namespace fs = std::filesystem;

namespace {

// The table's plate is taken from the file's name by the parser that made it; a file name is never an identity. The bytes decide.
struct PlateFromFileName {
    std::string_view file, table_says, file_says;
};
constexpr PlateFromFileName plate_from_file_name[] = {
    {"240411_172731_BNCH2345883_abs450_96well_non_numeric_values.txt", "BNCH2345883", "Plate 1"},
};

// Each value stands in the file as it is.
void values_are_verbatim(std::string const& bytes, Document const& document) {
    std::set<std::string> cells;
    std::string cell;
    for (char c : bytes) {
        if (c != '\t' && c != '\n' && c != '\r') {
            cell += c;
            continue;
        }
        cells.insert(std::move(cell));
        cell.clear();
    }
    for (auto const& reading : document.readings) {
        INFO(reading.well << " " << reading.value << reading.flag);
        CHECK(cells.contains(reading.value.empty() ? reading.flag : reading.value));
    }
}

void same_rows(std::vector<std::string> const& ours, std::vector<std::string> const& theirs) {
    CHECK(ours.size() == theirs.size());
    std::vector<std::string> missing, beyond;
    std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(), std::back_inserter(missing));
    std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(beyond));
    CHECK(missing == std::vector<std::string>{});
    CHECK(beyond == std::vector<std::string>{});
}

std::string_view meaning(std::string_view flag) {
    if (flag == "OVRFLW" || flag.starts_with('>')) return "overflow";
    if (flag.starts_with('?') || flag.starts_with('*')) return "no value";
    return flag;
}

bool shared_absent() {
    if (fs::is_directory(shared_folder() / "instruments")) return false;
    std::cout << "gen5: no shared samples in " << shared_folder() << ", only our own small inputs were compared\n";
    return true;
}

}  // namespace

TEST_CASE("every shared Gen5 file reads as its table says") {
    if (shared_absent()) return;
    std::size_t files = 0, readings = 0;
    for (auto const& file : files_of(shared_folder() / "instruments/files/agilent-gen5", ".txt")) {
        std::string const name = file.filename().string();
        fs::path const csv = fs::path{file}.replace_extension(".expected.csv");
        if (!fs::exists(csv)) continue;
        INFO(name);
        std::string const bytes = slurp(file);
        auto const format = recognise(bytes);
        REQUIRE(format);
        CHECK((*format)->name == "agilent-gen5");
        CHECK((*format)->completeness(bytes).missing == "");
        auto const document = (*format)->parse(bytes);
        if (!document) FAIL(document.error().message);
        std::string plate;
        for (auto const& known : plate_from_file_name)
            if (known.file == name) {
                REQUIRE(bytes.find(known.table_says) == std::string::npos);
                REQUIRE(bytes.find("Plate Number\t" + std::string{known.file_says}) != std::string::npos);
                plate = known.file_says;
            }
        Columns columns;
        auto const expected = rows_expected(csv, columns, plate);
        same_rows(rows_of(document->readings, columns), expected);
        values_are_verbatim(bytes, *document);
        std::cout << "gen5: " << name << ": " << document->readings.size() << " readings\n";
        ++files;
        readings += expected.size();
    }
    std::cout << "gen5: " << files << " shared files, " << readings << " readings compared\n";
    CHECK(files == 13);
    CHECK(readings == 4308);
}

TEST_CASE("a Gen5 file without results is refused by name") {
    if (shared_absent()) return;
    fs::path const folder = shared_folder() / "instruments/files/agilent-gen5";
    std::size_t files = 0;
    for (auto const& expected : files_of(folder, ".expected.json")) {
        std::string name = expected.filename().string();
        name.resize(name.size() - std::string_view{".expected.json"}.size());
        INFO(name);
        auto const document = gen5_format().parse(slurp(folder / (name + ".txt")));
        REQUIRE_FALSE(document);
        CHECK(document.error().fault == Fault::refused);
        std::string const behaviour{json_of(expected).at("right behaviour").as_string()};
        CHECK(document.error().message.find(behaviour) != std::string::npos);
        ++files;
    }
    CHECK(files == 1);
}

TEST_CASE("a decimal comma in CP1252 reads as its case says (field 63)") {
    if (shared_absent()) return;
    fs::path const folder = shared_folder() / "instruments/cases/gen5-decimal-comma";
    auto const expected = json_of(folder / "expected.json");
    auto const document = gen5_format().parse(slurp(folder / "input.txt"));
    REQUIRE(document);
    same_as_case(document->readings, expected, meaning);
    CHECK(document->started == "03/04/2026 14:05:09");
}

TEST_CASE("a growing Gen5 file waits until it is whole (field 62)") {
    if (shared_absent()) return;
    fs::path const folder = shared_folder() / "instruments/cases/gen5-growing-file";
    auto const expected = json_of(folder / "expected.json");
    std::size_t steps = 0;
    for (auto const& step : expected.at("steps").as_array()) {
        std::string const file{step.at("file").as_string()};
        std::string_view const then{step.at("then").as_string()};
        INFO(file);
        auto const completeness = gen5_format().completeness(slurp(folder / file));
        CHECK(completeness.complete == then.starts_with("take"));
        CHECK(completeness.missing.empty() == completeness.complete);
        CHECK(gen5_format().parse(slurp(folder / file)).has_value() == completeness.complete);
        ++steps;
    }
    CHECK(steps == 4);
}

TEST_CASE("our own Gen5 files read as their tables say (field 64)") { CHECK(own_files_hold(gen5_format(), "gen5", ".txt") >= 5); }

TEST_CASE("what cannot be read is refused with its reason (field 63, 64)") { CHECK(refusals_hold(gen5_format(), "gen5", ".txt") >= 10); }
