#include "drivers/allotrope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <utility>
#include <vector>

#include "core/plate_shape.hpp"
#include "core/text.hpp"
#include "core/version.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink {
namespace {

// What the model calls a detection and its results.
struct Detection {
    std::string_view name, feature, unit, profile, spectrum;  // spectrum: empty where the model has none
    int decimal_shift = 0;                                    // from the unit of the reading to the model's
};
constexpr Detection absorbance{"Absorbance", "absorbance", "mAU", "absorption profile data cube", "absorption spectrum data cube", 3};
constexpr Detection fluorescence{"Fluorescence", "fluorescence", "RFU", "fluorescence emission profile data cube",
                                 "fluorescence emission spectrum data cube"};
constexpr Detection luminescence{"Luminescence", "luminescence", "RLU", "luminescence profile data cube", ""};
constexpr Detection counted_light{"Luminescence", "luminescence", "Counts/s", "", ""};
constexpr int exponent_max = 400;  // of ten; a double has less
constexpr std::string_view excitation_spectrum = "fluorescence excitation spectrum data cube";

using Series = std::vector<Reading const*>;  // of one well and read: a point, or all of a kinetic or a spectrum

std::string name_of(Reading const& reading) { return fmt::format("{}, {}", in_quotes(reading.read), reading.well); }

Result<Detection> detection_of(Reading const& reading) {
    if (reading.unit == "OD") return absorbance;
    if (reading.unit == "RFU") return fluorescence;
    if (reading.unit == "RLU") return luminescence;
    if (reading.unit == "CPS") return counted_light;
    // Light that is excited is fluorescence, for which the model has one unit; what the file says stands beside it.
    if (!reading.excitation_nm.empty() && (reading.unit.empty() || reading.unit == "Counts")) return fluorescence;
    return fail(Fault::refused, fmt::format("{} is in {}; the Allotrope model of plate readers has absorbance (OD), fluorescence (RFU) and "
                                            "luminescence (RLU, CPS).",
                                            name_of(reading), reading.unit.empty() ? "no unit" : in_quotes(reading.unit)));
}

// The number that a decimal text stands for, times 10^shift, rounded once.
Result<json::value> number_of(std::string_view decimal, int shift, Reading const& reading) {
    std::size_t const e = std::min(decimal.find_first_of("eE"), decimal.size());
    int exponent = 0;
    if (e < decimal.size()) {
        std::size_t const digits = e + 1 + (decimal.substr(e + 1).starts_with('+') ? 1 : 0);
        auto const [end, error] = std::from_chars(decimal.data() + digits, decimal.data() + decimal.size(), exponent);
        if (error != std::errc{} || exponent < -exponent_max || exponent > exponent_max)
            return fail(Fault::refused, fmt::format("{}: {} is no number that JSON holds.", name_of(reading), in_quotes(decimal)));
    }
    std::string const shifted = fmt::format("{}e{}", decimal.substr(decimal.starts_with('+') ? 1 : 0, e), exponent + shift);
    double value = 0;
    auto const [end, error] = std::from_chars(shifted.data(), shifted.data() + shifted.size(), value);
    if (error != std::errc{} || end != shifted.data() + shifted.size() || !std::isfinite(value))
        return fail(Fault::refused, fmt::format("{}: {} is no number that JSON holds.", name_of(reading), in_quotes(decimal)));
    if (value == std::floor(value) && std::fabs(value) < 9e15) return static_cast<std::int64_t>(value);
    return value;
}

json::object quantity(json::value value, std::string_view unit) { return {{"value", std::move(value)}, {"unit", unit}}; }
json::object custom(std::string_view label, std::string_view text) {
    return {{"datum label", label}, {"scalar string datum", utf8_of(text)}};
}

// Where there is a wavelength: a filter that lets all light through is written as 0 by some.
Result<void> set_wavelength(json::object& control, std::string_view name, std::string const& nm, Reading const& reading) {
    if (nm.empty() || nm == "0") return {};
    auto const value = number_of(nm, 0, reading);
    if (!value) return fail(value.error());
    control[name] = quantity(*value, "nm");
    return {};
}

// All of them say it; otherwise it is an axis.
bool same(Series const& series, std::string Reading::*member) {
    return std::all_of(series.begin(), series.end(), [&](Reading const* one) { return one->*member == series.front()->*member; });
}

struct Axis {
    std::string_view cube, concept_name, unit;
    std::string Reading::*member;
};

std::optional<Axis> axis_of(Series const& series, Detection const& detection) {
    if (!series.front()->time_s.empty()) return Axis{detection.profile, "elapsed time", "s", &Reading::time_s};
    if (series.size() == 1) return {};
    if (same(series, &Reading::excitation_nm)) return Axis{detection.spectrum, "wavelength", "nm", &Reading::wavelength_nm};
    return Axis{excitation_spectrum, "wavelength", "nm", &Reading::excitation_nm};
}

json::object component(std::string_view concept_name, std::string_view unit) {
    return {{"@componentDatatype", "double"}, {"concept", concept_name}, {"unit", unit}};
}

// Several readings of a well under one name are one series in time or over wavelengths, or else points.
std::vector<Series> series_of(Series const& all) {
    std::vector<std::pair<std::string, Series>> by_name;
    for (Reading const* const one : all) {
        std::string key = one->read + '\n' + one->unit;
        if (!one->time_s.empty()) key += '\n' + one->wavelength_nm + '\n' + one->excitation_nm + "\nt";
        auto found = std::find_if(by_name.begin(), by_name.end(), [&](auto const& known) { return known.first == key; });
        if (found == by_name.end()) found = by_name.insert(found, {std::move(key), {}});
        found->second.push_back(one);
    }
    std::vector<Series> out;
    for (auto& [name, series] : by_name) {
        auto const different = [&](std::string Reading::*member) {
            std::set<std::string> values;
            for (Reading const* const one : series) values.insert(one->*member);
            return values.size() == series.size();
        };
        bool const in_time = !series.front()->time_s.empty() && different(&Reading::time_s);
        bool const over_light = series.front()->time_s.empty() && series.front()->unit != "RLU" && series.front()->unit != "CPS" &&
                                ((different(&Reading::wavelength_nm) && same(series, &Reading::excitation_nm)) ||
                                 (different(&Reading::excitation_nm) && same(series, &Reading::wavelength_nm)));
        if (in_time || (series.size() > 1 && over_light)) {
            out.push_back(std::move(series));
            continue;
        }
        for (Reading const* const one : series) out.push_back({one});
    }
    return out;
}

class Writer {
 public:
    explicit Writer(AllotropeSource const& source) : source_(source) {}

    Result<json::object> measurement(Series const& series) {
        Reading const& first = *series.front();
        auto const detection = detection_of(first);
        if (!detection) return fail(detection.error());
        auto const axis = axis_of(series, *detection);
        if (axis && axis->cube.empty())
            return fail(Fault::refused,
                        fmt::format("{}: the Allotrope model has no series of luminescence in counts a second.", name_of(first)));

        json::object out{{"measurement identifier", fmt::format("{}/{}", source_.sha256, ++measurements_)}};
        std::string const plate = utf8_of(first.plate);
        json::object sample{{"sample identifier", plate.empty() ? first.well : plate + ' ' + first.well},
                            {"location identifier", first.well}};
        if (!plate.empty()) sample["well plate identifier"] = plate;
        out["sample document"] = std::move(sample);

        json::object control{{"device type", "plate reader"}, {"detection type", detection->name}};
        bool const emission_varies = axis && axis->member == &Reading::wavelength_nm;
        bool const excitation_varies = axis && axis->member == &Reading::excitation_nm;
        if (!emission_varies)
            if (auto const done = set_wavelength(control, "detector wavelength setting", first.wavelength_nm, first); !done)
                return fail(done.error());
        if (!excitation_varies && detection->feature == fluorescence.feature)
            if (auto const done = set_wavelength(control, "excitation wavelength setting", first.excitation_nm, first); !done)
                return fail(done.error());
        out["device control aggregate document"] = {{"device control document", json::array{std::move(control)}}};

        json::array errors;
        auto const result = axis ? cube(series, *detection, *axis, errors) : point(first, *detection, errors);
        if (!result) return fail(result.error());
        if (!result->is_null()) out[axis ? axis->cube : detection->feature] = *result;
        if (!errors.empty()) out["error aggregate document"] = {{"error document", std::move(errors)}};
        json::array own{custom("read as exported", first.read)};
        if (first.unit != detection->unit) own.push_back(custom("unit as exported", first.unit));
        out["custom information aggregate document"] = {{"custom information document", std::move(own)}};
        return out;
    }

 private:
    static Result<json::value> point(Reading const& reading, Detection const& detection, json::array& errors) {
        if (!reading.flag.empty()) errors.push_back(json::object{{"error", utf8_of(reading.flag)}, {"error feature", detection.feature}});
        if (reading.value.empty()) return json::value{};
        auto const value = number_of(reading.value, detection.decimal_shift, reading);
        if (!value) return fail(value.error());
        return json::value(quantity(*value, detection.unit));
    }

    static Result<json::value> cube(Series const& series, Detection const& detection, Axis const& axis, json::array& errors) {
        json::array places, values;
        bool any = false;
        for (Reading const* const one : series) {
            auto const place = number_of(one->*axis.member, 0, *one);
            if (!place) return fail(place.error());
            places.push_back(*place);
            if (!one->flag.empty())
                errors.push_back(json::object{{"error", fmt::format("{} at {} {}", utf8_of(one->flag), one->*axis.member, axis.unit)},
                                              {"error feature", detection.feature}});
            if (one->value.empty()) {
                values.push_back(nullptr);
                continue;
            }
            any = true;
            auto const value = number_of(one->value, detection.decimal_shift, *one);
            if (!value) return fail(value.error());
            values.push_back(*value);
        }
        if (!any) return json::value{};  // a series of nulls is none to the model
        json::array dimensions, measures;
        dimensions.emplace_back(std::move(places));
        measures.emplace_back(std::move(values));
        return json::value(json::object{{"label", detection.feature},
                                        {"cube-structure",
                                         {{"dimensions", json::array{component(axis.concept_name, axis.unit)}},
                                          {"measures", json::array{component(detection.feature, detection.unit)}}}},
                                        {"data", {{"dimensions", std::move(dimensions)}, {"measures", std::move(measures)}}}});
    }

    AllotropeSource const& source_;
    std::size_t measurements_ = 0;
};

bool is_time(std::string const& text) {
    static std::regex const form{
        R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))"};
    return std::regex_match(text, form);
}

// Of each plate the smallest that holds its wells.
Result<std::map<std::string, PlateShape>> plates_of(std::vector<Reading> const& readings) {
    std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> corners;
    for (Reading const& reading : readings) {
        auto const place = well_place(reading.well);
        if (!place)
            return fail(Fault::refused, fmt::format("{}: this is no well of a plate, and the Allotrope model of plate readers needs one.",
                                                    name_of(reading)));
        auto& corner = corners[reading.plate];
        corner = {std::max(corner.first, place->first), std::max(corner.second, place->second)};
    }
    std::map<std::string, PlateShape> out;
    for (auto const& [plate, corner] : corners) out[plate] = plate_that_holds(corner.first, corner.second);
    return out;
}

}  // namespace

Result<json::object> allotrope_of(Document const& document, AllotropeSource const& source) {
    if (!document.datasets.empty())
        return fail(Fault::refused, "It holds events of a cytometer; the Allotrope model that is written here is that of plate readers.");
    if (!is_time(source.measured))
        return fail(Fault::usage,
                    fmt::format("The Allotrope model asks when the plate was measured, with the offset of the time zone. {}; expected "
                                "--measured with a time such as 2026-03-04T14:05:09+01:00.{}",
                                source.measured.empty() ? "None was given" : fmt::format("{} is none", in_quotes(source.measured)),
                                document.started.empty() ? "" : fmt::format(" The file says {}.", in_quotes(document.started))));
    auto const plates = plates_of(document.readings);
    if (!plates) return fail(plates.error());

    std::vector<std::pair<Reading const*, Series>> wells;  // in the order of the file
    std::map<std::pair<std::string, std::string>, std::size_t> known;
    for (Reading const& reading : document.readings) {
        auto const [at, fresh] = known.emplace(std::pair{reading.plate, reading.well}, wells.size());
        if (fresh) wells.push_back({&reading, {}});
        wells[at->second].second.push_back(&reading);
    }

    Writer writer{source};
    json::array documents;
    for (auto const& [first, readings] : wells) {
        json::array measurements;
        for (Series const& series : series_of(readings)) {
            auto one = writer.measurement(series);
            if (!one) return fail(one.error());
            measurements.push_back(*std::move(one));
        }
        json::object aggregate{{"measurement time", source.measured},
                               {"plate well count", quantity(plates->at(first->plate).wells(), "#")},
                               {"container type", "well plate"},
                               {"measurement document", std::move(measurements)}};
        if (!document.started.empty())
            aggregate["custom information aggregate document"] = {
                {"custom information document", json::array{custom("started as exported", document.started)}}};
        documents.push_back(json::object{{"measurement aggregate document", std::move(aggregate)}});
    }
    if (documents.empty()) return fail(Fault::refused, "It holds no readings.");
    return json::object{{"$asm.manifest", allotrope_manifest},
                        {"plate reader aggregate document",
                         {{"data system document",
                           {{"ASM file identifier", source.sha256 + ".json"},
                            {"data system instance identifier", "N/A"},
                            {"database primary key", source.sha256},
                            {"software name", source.title},
                            {"ASM converter name", "marrowlink"},
                            {"ASM converter version", version}}},
                          {"plate reader document", std::move(documents)}}}};
}

}  // namespace marrowlink
