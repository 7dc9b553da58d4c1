#include "gateway/reading_text.hpp"

#include <ostream>
#include <utility>

#include "core/json.hpp"
#include "core/text.hpp"

namespace marrowlink {

namespace {

void append_field(std::string& line, std::string_view field) {
    if (field.find_first_of(",\"\r\n") == field.npos) {
        line += field;
        return;
    }
    line += '"';
    for (char const c : field) {
        if (c == '"') line += '"';
        line += c;
    }
    line += '"';
}

}  // namespace

void ReadingPrinter::print(std::string_view file, std::vector<Reading> const& readings) {
    std::string line;
    if (format_ == ReadFormat::csv && !std::exchange(header_printed_, true)) {
        line = "file";
        for (auto const& [column, member] : reading_fields) (line += ',') += column;
        out_ << line << '\n';
    }
    for (Reading const& reading : readings) {
        if (format_ == ReadFormat::json) {
            json::object object;
            object["file"] = utf8_of(file);
            for (auto const& [column, member] : reading_fields) object[column] = utf8_of(reading.*member);
            out_ << json::serialize(object) << '\n';
            continue;
        }
        line.clear();
        append_field(line, file);
        for (auto const& [column, member] : reading_fields) append_field(line += ',', reading.*member);
        out_ << line << '\n';
    }
}

void ReadingPrinter::print_message(std::string_view file, std::string_view message) {
    if (format_ == ReadFormat::json) {
        out_ << json::serialize(json::object{{"file", utf8_of(file)}, {"message", utf8_of(message)}}) << '\n';
        return;
    }
    if (!std::exchange(header_printed_, true)) out_ << "file,message\n";
    std::string line;
    append_field(line, file);
    append_field(line += ',', message);
    out_ << line << '\n';
}

}  // namespace marrowlink
