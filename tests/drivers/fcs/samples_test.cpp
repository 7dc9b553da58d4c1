// Every FCS file of the shared samples against the table beside it, which a separate reader wrote.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/json.hpp"
#include "drivers/fcs/parse.hpp"
#include "drivers/fcs/text.hpp"

using namespace marrowlink;
namespace fs = std::filesystem;

namespace {

fs::path shared_folder() {
    if (char const* const set = std::getenv("MARROWLINK_SHARED")) return set;
    return fs::path{MARROWLINK_SOURCE_DIR}.parent_path() / "shared";
}

std::string slurp(fs::path const& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<fs::path> sample_files() {
    std::vector<fs::path> found;
    fs::path const files = shared_folder() / "instruments" / "files";
    if (!fs::is_directory(files)) return found;
    for (auto const& entry : fs::recursive_directory_iterator{files}) {
        std::string extension = entry.path().extension().string();
        for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        std::string const folder = entry.path().parent_path().filename().string();
        if ((extension == ".fcs" || extension == ".lmd") && folder.rfind("fcs-", 0) == 0) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

json::value expected_of(fs::path file) {
    std::string const text = slurp(file.replace_extension(".expected.json"));
    REQUIRE_FALSE(text.empty());
    auto parsed = json::parse(text, file.string());
    REQUIRE(parsed);
    return *parsed;
}

// Boost.JSON 1.81 reads a decimal up to a unit in the last place off; two 32-bit floats or integers are never this close to one another.
constexpr double reading_error = 5e-16;
// Sums may differ in the last digits with the order of addition.
constexpr double adding_error = 1e-12;

// NaN stands for null.
bool same(double ours, json::value const& theirs, double relative) {
    if (theirs.is_null()) return std::isnan(ours);
    double const number = theirs.to_number<double>();
    return ours == number || std::fabs(ours - number) <= relative * std::fabs(number);
}

bool same(std::vector<double> const& ours, json::array const& theirs, double relative = reading_error) {
    if (ours.size() != theirs.size()) return false;
    for (std::size_t i = 0; i < ours.size(); ++i)
        if (!same(ours[i], theirs[i], relative)) return false;
    return true;
}

// The tables decode every file as Latin-1, so a name in UTF-8 (G11.fcs, FCS 3.1: "Alexa Fluor™ 405-A") stands there byte by byte.
std::string as_latin1(std::string_view utf8_text) {
    std::string result;
    for (std::size_t i = 0; i < utf8_text.size(); ++i) {
        auto const lead = static_cast<unsigned char>(utf8_text[i]);
        if ((lead & 0xE0) == 0xC0 && i + 1 < utf8_text.size())
            result.push_back(static_cast<char>((lead << 6) | (static_cast<unsigned char>(utf8_text[++i]) & 0x3F)));
        else
            result.push_back(utf8_text[i]);
    }
    return result;
}

bool same_name(std::string const& ours, std::string_view theirs) { return ours == theirs || ours == as_latin1(theirs); }

void compare(std::vector<CytometryDataset> const& ours, json::array const& theirs) {
    REQUIRE(ours.size() == theirs.size());
    for (std::size_t d = 0; d < ours.size(); ++d) {
        CytometryDataset const& set = ours[d];
        json::object const& table = theirs[d].as_object();
        CHECK(set.version == json::string_of(table, "version"));
        CHECK(set.events == static_cast<std::uint64_t>(json::integer_of(table, "events")));
        json::array const& parameters = table.at("parameters").as_array();
        REQUIRE(set.parameters.size() == parameters.size());
        for (std::size_t p = 0; p < parameters.size(); ++p) {
            json::object const& parameter = parameters[p].as_object();
            CHECK(same_name(set.parameters[p].n, json::string_of(parameter, "n")));
            CHECK(same_name(set.parameters[p].s, json::string_of(parameter, "s")));
            CHECK(std::to_string(set.parameters[p].bits) == json::string_of(parameter, "bits"));
            CHECK(set.parameters[p].range == json::string_of(parameter, "range"));
        }
        for (auto const& [name, events] : {std::pair{"first", &set.first}, std::pair{"last", &set.last}}) {
            INFO(name);
            json::array const& rows = table.at(name).as_array();
            REQUIRE(events->size() == rows.size());
            for (std::size_t i = 0; i < rows.size(); ++i) CHECK(same((*events)[i], rows[i].as_array()));
        }
        CHECK(same(set.sum, table.at("sum").as_array(), adding_error));
        CHECK(same(set.min, table.at("min").as_array()));
        CHECK(same(set.max, table.at("max").as_array()));
    }
}

}  // namespace

TEST_CASE("every FCS sample gives the values of its table") {
    auto const files = sample_files();
    if (files.empty()) {
        WARN("no samples in " << shared_folder() << ": set MARROWLINK_SHARED to compare with them");
        return;
    }
    std::size_t compared = 0, refused = 0;
    for (fs::path const& file : files) {
        std::string const name = file.parent_path().filename().string() + "/" + file.filename().string();
        INFO(name);
        std::string const bytes = slurp(file);
        auto const expected = expected_of(file);
        auto const document = fcs_format().parse(bytes);
        std::cout << "  " << name << (document ? "" : ": " + document.error().message) << "\n";
        if (expected.as_object().contains("refuse")) {
            REQUIRE_FALSE(document);
            CHECK(document.error().fault == Fault::refused);
            CHECK_FALSE(fcs_format().recognises(bytes));
            ++refused;
        } else if (expected.at("datasets").at(0).at("bytes_missing").to_number<std::int64_t>() > 0) {
            REQUIRE_FALSE(document);
            CHECK(document.error().message.find("$TOT") != std::string::npos);
            CHECK_FALSE(fcs_format().completeness(bytes).complete);
            auto const present = fcs_format().present(bytes);
            REQUIRE(present);
            compare(present->datasets, expected.at("datasets").as_array());
            ++compared;
        } else {
            REQUIRE(document);
            CHECK(fcs_format().recognises(bytes));
            CHECK(fcs_format().completeness(bytes).complete);
            compare(document->datasets, expected.at("datasets").as_array());
            ++compared;
        }
    }
    std::cout << compared << " of " << files.size() << " FCS samples compared with their tables, " << refused << " refused by name\n";
}

TEST_CASE("every FCS sample reads the same once its names are blanked") {
    std::size_t blanked = 0;
    for (fs::path const& file : sample_files()) {
        INFO(file);
        std::string bytes = slurp(file);
        auto const document = fcs_format().present(bytes);
        if (!document) continue;
        for (auto const& range : document->name_bearing) bytes.replace(range.offset, range.length, std::string(range.length, ' '));
        auto const again = fcs_format().present(bytes);
        REQUIRE(again);
        CHECK(again->name_bearing.empty());
        REQUIRE(again->datasets.size() == document->datasets.size());
        for (std::size_t d = 0; d < again->datasets.size(); ++d) {
            CHECK(again->datasets[d].events == document->datasets[d].events);
            CHECK(again->datasets[d].sum == document->datasets[d].sum);
        }
        ++blanked;
    }
    std::cout << blanked << " FCS samples read again with their names blanked\n";
}

TEST_CASE("every FCS case is accepted with its values or refused with its sentence") {
    fs::path const cases = shared_folder() / "instruments" / "cases";
    if (!fs::is_directory(cases)) {
        WARN("no cases in " << cases << ": set MARROWLINK_SHARED to compare with them");
        return;
    }
    std::size_t compared = 0;
    for (auto const& entry : fs::directory_iterator{cases}) {
        std::string const name = entry.path().filename().string();
        if (name.rfind("fcs-", 0) != 0) continue;
        INFO(name);
        std::string const bytes = slurp(entry.path() / "input.fcs");
        auto const parsed = json::parse(slurp(entry.path() / "expected.json"), name);
        REQUIRE(parsed);
        json::object const& expected = parsed->as_object();
        auto const document = fcs_format().parse(bytes);
        REQUIRE(document.has_value() == expected.at("accept").as_bool());
        ++compared;
        if (!document) {
            // The sentence up to its advice on what to do, which depends on who asks.
            std::string_view const sentence = json::string_of(expected, "refuse");
            CHECK(document.error().message.find(sentence.substr(0, sentence.find(';'))) == 0);
            CHECK_FALSE(fcs_format().completeness(bytes).complete);
            continue;
        }
        json::array const& names = expected.at("parameters").as_array();
        json::array const& values = expected.at("values").as_array();
        std::string table;
        for (std::size_t i = 0; i < names.size(); ++i) table += (i ? "," : "") + std::string{names[i].as_string()};
        std::string events;
        REQUIRE(fcs_format().events(
            bytes, [](void* to, std::string_view line) { *static_cast<std::string*>(to) += std::string{line} + "\n"; }, &events));
        std::istringstream lines{events};
        std::string line;
        REQUIRE(std::getline(lines, line));
        CHECK(line == table);
        for (json::value const& event : values) {
            REQUIRE(std::getline(lines, line));
            std::istringstream cells{line};
            for (json::value const& value : event.as_array()) {
                std::string cell;
                REQUIRE(std::getline(cells, cell, ','));
                CHECK(std::stod(cell) == value.to_number<double>());
            }
        }
        CHECK_FALSE(std::getline(lines, line));
        std::cout << "  " << name << "\n";
    }
    std::cout << compared << " FCS cases compared\n";
}
