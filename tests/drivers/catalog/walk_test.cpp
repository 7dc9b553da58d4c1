// Every shared sample and case against what it expects, by whichever format recognises it; what is left out is named with its reason.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <set>

#include "drivers/catalog.hpp"
#include "drivers/modbus/value.hpp"
#include "drivers/text_table.hpp"
#include "tests/drivers/cytometry_samples.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"
#include "tests/drivers/table_corrections.hpp"
#include "wire/modbus_rtu.hpp"

using namespace marrowlink;
using namespace plate_test;
namespace fs = std::filesystem;

namespace {

struct Walk {
    std::size_t compared = 0, refused = 0, readings = 0, excepted = 0;
};

std::string relative_to(fs::path const& file, fs::path const& folder) { return fs::relative(file, folder).generic_string(); }

// The inputs: what is not an expectation or a page for people.
std::vector<fs::path> inputs_of(fs::path const& folder) {
    std::vector<fs::path> found;
    for (auto const& entry : fs::recursive_directory_iterator{folder}) {
        std::string const name = entry.path().filename().string();
        if (entry.is_regular_file() && !name.ends_with(".md") && !name.ends_with("expected.json") && !name.ends_with("expected.csv"))
            found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

bool is_excepted(std::string const& sample, std::set<std::string_view>& used) {
    for (WalkException const& one : walk_exceptions()) {
        if (!sample.starts_with(one.sample)) continue;
        std::cout << "not walked: " << sample << ": " << one.reason << "\n";
        used.insert(one.sample);
        return true;
    }
    return false;
}

ExportFormat const& format_of(std::string const& bytes) {
    auto const format = recognise(bytes);
    if (!format) FAIL(format.error().message);
    return **format;
}

// Values and words stand in the file as they are read, but for a decimal comma and a percent sign.
void values_are_verbatim(std::string const& bytes, std::vector<Reading> const& readings) {
    auto const text = TextTable::decode(bytes);
    if (!text) return;  // a workbook, whose cells are not to be seen from outside
    std::set<std::string, std::less<>> cells;
    for (TextLine const& line : text->lines())
        for (std::size_t at = 0; at < line.text.size();) {
            std::size_t const end = std::min(line.text.find_first_of("\t,; \"=%", at), line.text.size());
            cells.emplace(line.text.substr(at, end - at));
            at = end + 1;
        }
    for (auto const& reading : readings) {
        INFO(reading.well << " " << reading.value << reading.flag);
        CHECK(cells.contains(reading.value.empty() ? reading.flag : reading.value));
    }
}

std::size_t same_as_its_table(std::string const& sample, std::string const& bytes, fs::path const& csv, std::set<std::string_view>& used) {
    ExportFormat const& format = format_of(bytes);
    std::string const place = sample.substr(sample.find('/') + 1);
    CHECK(place.starts_with(format.name));
    std::vector<TableCorrection> corrections;
    for (TableCorrection const& one : table_corrections())
        if (place.starts_with(one.sample)) corrections.push_back(one);
    REQUIRE(corrections.size() <= 1);
    std::size_t corrected = 0;
    Correct correct;
    if (!corrections.empty())
        correct = [&](TableRow& row) {
            TableRow const before = row;
            bool const kept = corrections[0].correct(bytes, row);
            corrected += !kept || row != before ? 1 : 0;
            return kept;
        };
    auto const readings = same_as_table(format, place, bytes, csv, correct, corrections.empty() ? nullptr : corrections[0].beside);
    if (!corrections.empty()) {
        std::cout << "  " << corrected << " rows of the table: " << corrections[0].reason << "\n";
        CHECK(corrected > 0);
        used.insert(corrections[0].sample);
    }
    values_are_verbatim(bytes, format.parse(bytes)->readings);
    return readings;
}

void refused_with(std::string const& bytes, json::value const& expected) {
    auto const document = format_of(bytes).parse(bytes);
    REQUIRE_FALSE(document);
    CHECK(document.error().fault == Fault::refused);
    CHECK(document.error().message.find(expected.at("right behaviour").as_string().c_str()) != std::string::npos);
}

std::string_view meaning(std::string_view flag) {
    static std::map<std::string_view, std::string_view> const meanings{{"#SAT", "saturated"},
                                                                       {"#Low", "no signal (missed flash)"},
                                                                       {"Range?", "out of range"},
                                                                       {"Path?", "path length failed"},
                                                                       {"OVRFLW", "overflow"}};
    if (auto const found = meanings.find(flag); found != meanings.end()) return found->second;
    if (flag.starts_with('>')) return "overflow";
    if (flag.starts_with('?') || flag.starts_with('*')) return "no value";
    return flag;
}

// A run that was stopped is kept, and says so.
std::size_t same_as_stopped_run(Document const& document, json::value const& expected) {
    std::string_view const words = expected.at("incomplete").as_string();
    CHECK(
        std::any_of(document.notes.begin(), document.notes.end(), [&](auto const& note) { return note.find(words) != std::string::npos; }));
    CHECK(document.readings.size() == static_cast<std::size_t>(expected.at("readings").as_int64()));
    for (auto const& part : {"first", "last"})
        for (auto const& [well, values] : expected.at(part).as_object()) {
            std::vector<Reading> of_well;
            for (auto const& reading : document.readings)
                if (reading.well == std::string_view{well}) of_well.push_back(reading);
            REQUIRE(of_well.size() == values.as_array().size());
            for (std::size_t i = 0; i < of_well.size(); ++i) {
                CHECK(std::stod(of_well[i].value) == values.as_array()[i].to_number<double>());
                CHECK(of_well[i].time_s == std::to_string(expected.at("times_s").as_array()[i].to_number<std::int64_t>()));
            }
        }
    return document.readings.size();
}

// A file of one that grows: taken only once it is whole. Returns whether.
bool same_as_step(ExportFormat const& format, std::string const& name, std::string const& bytes, json::value const& expected) {
    for (auto const& step : expected.at("steps").as_array()) {
        if (step.at("file").as_string() != name) continue;
        bool const take = std::string_view{step.at("then").as_string()}.starts_with("take");
        auto const completeness = format.completeness(bytes);
        CHECK(completeness.complete == take);
        CHECK(completeness.missing.empty() == take);
        CHECK(format.parse(bytes).has_value() == take);
        return take;
    }
    FAIL("no step is of this file");
    return false;
}

std::vector<std::uint8_t> unhex(std::string_view hex) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string{hex.substr(at, 2)}, nullptr, 16)));
    return bytes;
}

// On a serial line; that a late answer over TCP is dropped is tested in io.
std::size_t same_as_modbus_case(json::value const& frames, json::value const& expected) {
    std::map<std::string_view, modbus::Order> const orders{
        {"ABCD", modbus::Order::abcd}, {"CDAB", modbus::Order::cdab}, {"BADC", modbus::Order::badc}, {"DCBA", modbus::Order::dcba}};
    for (auto const& order : expected.at("orders").as_array()) {
        std::string_view const name = order.as_string();
        auto const frame = unhex(frames.at("rtu_replies_by_order").at(name).as_string());
        REQUIRE(wire::modbus::whole(frame));
        REQUIRE(frame[2] == 4);
        modbus::Register reg;
        reg.type = modbus::Type::f32;
        reg.count = 2;
        reg.order = orders.at(name);
        std::uint16_t const words[] = {static_cast<std::uint16_t>(frame[3] << 8 | frame[4]),
                                       static_cast<std::uint16_t>(frame[5] << 8 | frame[6])};
        CHECK(std::stod(modbus::value_of(reg, words).text) == Approx(expected.at("value").to_number<double>()).epsilon(1e-7));
    }
    CHECK_FALSE(wire::modbus::whole(unhex(frames.at("rtu_bad_crc").as_string())));
    auto const busy = unhex(frames.at("rtu_exception_busy").as_string());
    CHECK(wire::modbus::whole(busy));
    CHECK((busy[1] & wire::modbus::exception_bit) != 0);
    CHECK(busy[2] == static_cast<std::uint8_t>(wire::modbus::Exception::server_device_busy));
    return orders.size();
}

void walk_file(fs::path const& file, std::string const& sample, Walk& walk, std::set<std::string_view>& used) {
    std::string const bytes = slurp(file);
    fs::path stem = file;
    if (fs::path const csv = stem.replace_extension(".expected.csv"); fs::exists(csv)) {
        walk.readings += same_as_its_table(sample, bytes, csv, used);
        ++walk.compared;
        return;
    }
    auto const expected = json_of(stem.replace_extension("").replace_extension(".expected.json"));
    if (expected.as_object().contains("right behaviour")) {
        refused_with(bytes, expected);
        ++walk.refused;
    } else {
        std::size_t const sets = same_as_datasets(bytes, expected);
        ++(sets > 0 ? walk.compared : walk.refused);
        std::cout << sample << ": " << sets << " data sets\n";
    }
}

void walk_case(fs::path const& file, std::string const& sample, Walk& walk) {
    auto const of_case = json_of(file.parent_path() / "expected.json");
    json::object const& expected = of_case.as_object();
    std::string const bytes = slurp(file);
    std::size_t values = 0;
    if (sample.starts_with("cases/fcs-")) {
        values = same_as_cytometry_case(bytes, of_case);
    } else if (expected.contains("orders")) {
        values = same_as_modbus_case(json_of(file), of_case);
    } else if (expected.contains("steps")) {
        // What is still empty is recognised by nothing; the last step is a whole file of the format.
        ExportFormat const& format =
            format_of(slurp(file.parent_path() / expected.at("steps").as_array().back().at("file").as_string().c_str()));
        values = same_as_step(format, file.filename().string(), bytes, of_case) ? 1 : 0;
    } else {
        auto const document = format_of(bytes).parse(bytes);
        if (!document) FAIL(document.error().message);
        if (expected.contains("times_s")) {
            values = same_as_stopped_run(*document, of_case);
        } else {
            same_as_case(document->readings, of_case, meaning);
            values = document->readings.size();
        }
    }
    ++(values > 0 ? walk.compared : walk.refused);
    std::cout << sample << ": " << values << " values\n";
}

}  // namespace

TEST_CASE("every shared sample gives what it expects, or is named with its reason (field 62, 63, 64)") {
    fs::path const shared = shared_folder() / "instruments";
    if (!fs::is_directory(shared / "files") || !fs::is_directory(shared / "cases")) {
        std::cout << "no shared samples in " << shared << ", only our own small inputs were compared\n";
        return;
    }
    Walk walk;
    std::set<std::string_view> used;
    for (auto const& folder : {"files", "cases"})
        for (auto const& file : inputs_of(shared / folder)) {
            std::string const sample = relative_to(file, shared);
            INFO(sample);
            if (is_excepted(sample, used)) {
                ++walk.excepted;
                continue;
            }
            if (folder == std::string_view{"files"})
                walk_file(file, sample, walk, used);
            else
                walk_case(file, sample, walk);
        }
    for (WalkException const& one : walk_exceptions()) {
        INFO(one.sample);
        CHECK(used.contains(one.sample));
    }
    for (TableCorrection const& one : table_corrections()) {
        INFO(one.sample);
        CHECK(used.contains(one.sample));
    }
    std::cout << walk.compared << " shared samples give their values, " << walk.readings << " readings of plates and lists among them; "
              << walk.refused << " are refused or held as expected; " << walk.excepted << " are not walked, each named above\n";
    CHECK(walk.compared >= 74);
    CHECK(walk.readings >= 8'832);
}
