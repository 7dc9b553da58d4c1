// A small export format of our own, so that the folder's tests depend on no vendor's:
//   TEST EXPORT / id=… / plate=… / operator=… / "A1 0.5" lines / END
// A line "BAD …" makes the parser refuse the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drivers/document.hpp"

namespace marrowlink::sim {

namespace test_format {
inline bool recognises(std::string_view bytes) { return bytes.substr(0, 12) == "TEST EXPORT\n"; }

inline Completeness completeness(std::string_view bytes) {
    if (bytes.size() >= 5 && bytes.substr(bytes.size() - 5) == "\nEND\n") return {true, {}};
    return {false, "The line END is missing."};
}

template <class Line>
void for_each_line(std::string_view bytes, Line line) {
    for (std::size_t at = 0; at < bytes.size();) {
        std::size_t const end = std::min(bytes.find('\n', at), bytes.size());
        line(at, bytes.substr(at, end - at));
        at = end + 1;
    }
}

inline std::vector<NameBearing> names(std::string_view bytes) {
    std::vector<NameBearing> out;
    for_each_line(bytes, [&](std::size_t at, std::string_view line) {
        if (line.substr(0, 9) == "operator=") out.push_back({at + 9, line.size() - 9, "operator"});
    });
    return out;
}

inline Result<Document> parse(std::string_view bytes) {
    Document out;
    out.format = "test-export";
    std::string refusal;
    for_each_line(bytes, [&](std::size_t, std::string_view line) {
        auto const value = [&](std::string_view key) { return std::string{line.substr(key.size())}; };
        if (line.substr(0, 3) == "id=")
            out.identity = value("id=");
        else if (line.substr(0, 6) == "plate=")
            out.plate = value("plate=");
        else if (line.substr(0, 4) == "BAD ")
            refusal = "The line \"" + std::string{line} + "\" is no reading.";
        else if (auto const blank = line.find(' '); blank != line.npos && line.substr(0, 4) != "TEST" && line.find('=') == line.npos) {
            Reading reading;
            reading.plate = out.plate;
            reading.well = line.substr(0, blank);
            reading.value = line.substr(blank + 1);
            out.readings.push_back(std::move(reading));
        }
    });
    if (!refusal.empty()) return fail(Fault::refused, refusal);
    out.name_bearing = names(bytes);
    return out;
}

inline constexpr ExportFormat format{"test-export", "Test export", recognises, completeness, parse, nullptr};
inline constexpr ExportFormat format_with_names{"test-export", "Test export", recognises, completeness, parse, nullptr, nullptr, names};
}  // namespace test_format

inline Result<ExportFormat const*> recognise_test_format(std::string_view bytes) {
    if (test_format::recognises(bytes)) return &test_format::format;
    return fail(Fault::refused, "No known format begins like this.");
}
inline Result<ExportFormat const*> recognise_test_format_with_names(std::string_view bytes) {
    if (test_format::recognises(bytes)) return &test_format::format_with_names;
    return fail(Fault::refused, "No known format begins like this.");
}

// `wells` readings under `id`; `value` tells two contents apart.
inline std::string test_export(std::string const& id, std::size_t wells = 3, std::string const& value = "0.125") {
    std::string out = "TEST EXPORT\nid=" + id + "\nplate=PL-7\noperator=Jeanne Martin\n";
    for (std::size_t i = 1; i <= wells; ++i) out += "A" + std::to_string(i) + " " + value + "\n";
    return out + "END\n";
}

}  // namespace marrowlink::sim
