#include "cytometry_samples.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>
#include <string_view>
#include <vector>

#include "drivers/fcs/parse.hpp"

using namespace marrowlink;

namespace plate_test {

namespace {

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

std::size_t same_as_datasets(std::string const& bytes, json::value const& expected) {
    auto const document = fcs_format().parse(bytes);
    if (expected.as_object().contains("refuse")) {
        REQUIRE_FALSE(document);
        CHECK(document.error().fault == Fault::refused);
        CHECK_FALSE(fcs_format().recognises(bytes));
        return 0;
    }
    json::array const& datasets = expected.at("datasets").as_array();
    bool const cut = datasets.at(0).at("bytes_missing").to_number<std::int64_t>() > 0;
    CHECK(fcs_format().completeness(bytes).complete == !cut);
    REQUIRE(document.has_value() == !cut);
    if (!cut) {
        CHECK(fcs_format().recognises(bytes));
        compare(document->datasets, datasets);
    } else {
        CHECK(document.error().message.find("$TOT") != std::string::npos);
        auto const present = fcs_format().present(bytes);
        REQUIRE(present);
        compare(present->datasets, datasets);
    }
    return datasets.size();
}

std::size_t same_as_cytometry_case(std::string const& bytes, json::value const& of_case) {
    json::object const& expected = of_case.as_object();
    auto const document = fcs_format().parse(bytes);
    REQUIRE(document.has_value() == expected.at("accept").as_bool());
    if (!document) {
        std::string_view const sentence = json::string_of(expected, "refuse");
        CHECK(document.error().message.find(sentence.substr(0, sentence.find(';'))) == 0);
        CHECK_FALSE(fcs_format().completeness(bytes).complete);
        return 0;
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
    return values.size();
}

}  // namespace plate_test
