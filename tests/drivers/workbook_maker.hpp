// Workbooks from a text that a person reads: "== name" begins a sheet, each further line is a row, tabs part its cells.
//   12.5   a number       '12.5  text, as is all that is no number      @45835.5  a date
//   =12.5  of a formula   #N/A   an error of the spreadsheet            ?1        a truth value
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/decimal.hpp"
#include "drivers/sheet.hpp"

namespace workbook_test {

struct Making {
    bool inline_strings = false;     // each string in its cell, instead of all in one part
    bool prefixed = false;           // <x:row>, as some libraries write
    bool utf16 = false;              // each part, but the archive's names
    bool rows_unnumbered = false;    // and cells: where they stand says it
    bool descriptors = false;        // sizes behind the data, as those write who do not know them before
    std::string core = {};           // docProps/core.xml, where people stand
    std::string workbook_more = {};  // in <workbook>
    std::string sheet_more = {};     // in each <worksheet>, behind the cells
    std::string comment = {};        // of the archive
};

inline void put16(std::string& to, std::uint32_t value) {
    to.append({static_cast<char>(value & 0xFF), static_cast<char>(value >> 8 & 0xFF)});
}
inline void put32(std::string& to, std::uint32_t value) {
    put16(to, value & 0xFFFF);
    put16(to, value >> 16);
}

inline std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (char const c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

using Parts = std::vector<std::pair<std::string, std::string>>;  // name, content

// Stored, not packed.
inline std::string zip_of(Parts const& parts, Making const& making = {}) {
    std::string out, directory;
    for (auto const& part : parts) {
        std::string const &name = part.first, &content = part.second;
        std::size_t const header = out.size();
        std::uint32_t const flags = making.descriptors ? 8 : 0;
        auto const sizes = [&](std::string& to, bool told) {
            put32(to, told ? crc32(content) : 0);
            put32(to, told ? static_cast<std::uint32_t>(content.size()) : 0);
            put32(to, told ? static_cast<std::uint32_t>(content.size()) : 0);
        };
        auto const common = [&](std::string& to, bool told) {
            put16(to, 20);
            put16(to, flags);
            put16(to, 0);           // stored
            put32(to, 0x5A210000);  // 2025-01-01
            sizes(to, told);
            put16(to, static_cast<std::uint32_t>(name.size()));
            put16(to, 0);
        };
        out += "PK\x03\x04";
        common(out, !making.descriptors);
        out += name + content;
        if (making.descriptors) {
            out += "PK\x07\x08";
            sizes(out, true);
        }
        directory += "PK\x01\x02";
        put16(directory, 20);
        common(directory, true);
        directory.append(10, '\0');
        put32(directory, static_cast<std::uint32_t>(header));
        directory += name;
    }
    std::size_t const first = out.size();
    out += directory;
    out += "PK\x05\x06";
    put32(out, 0);
    put16(out, static_cast<std::uint32_t>(parts.size()));
    put16(out, static_cast<std::uint32_t>(parts.size()));
    put32(out, static_cast<std::uint32_t>(directory.size()));
    put32(out, static_cast<std::uint32_t>(first));
    put16(out, static_cast<std::uint32_t>(making.comment.size()));
    return out + making.comment;
}

inline std::string escaped(std::string_view text) {
    std::string out;
    for (char const c : text) {
        if (c == '<')
            out += "&lt;";
        else if (c == '&')
            out += "&amp;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

class Maker {
 public:
    explicit Maker(Making const& making) : making_(making) {}

    Parts parts_of(std::string_view text) {
        while (!text.empty()) {
            std::string_view line = text.substr(0, text.find('\n'));
            text.remove_prefix(std::min(text.size(), line.size() + 1));
            if (line.ends_with('\r')) line.remove_suffix(1);
            if (line.starts_with("== ")) {
                names_.emplace_back(line.substr(3));
                rows_.emplace_back();
                row_ = 0;
            } else if (!names_.empty()) {
                add_row(line);
            }
        }
        return written();
    }

 private:
    void add_row(std::string_view line) {
        std::string cells;
        std::uint32_t column = 0;
        ++row_;
        for (bool more = true; more;) {
            std::size_t const tab = line.find('\t');
            ++column;
            cells += cell(line.substr(0, tab), making_.rows_unnumbered ? "" : " r=\"" + marrowlink::place_of(row_, column) + '"');
            more = tab != std::string_view::npos;
            if (more) line.remove_prefix(tab + 1);
        }
        std::string const number = making_.rows_unnumbered ? "" : " r=\"" + std::to_string(row_) + '"';
        if (!cells.empty()) rows_.back() += "<row" + number + ">" + cells + "</row>";
    }

    std::string cell(std::string_view text, std::string const& place) {
        auto const value = [&](std::string_view with) { return "<v>" + escaped(with) + "</v></c>"; };
        if (text.empty()) return making_.rows_unnumbered ? "<c/>" : "";
        std::string_view const rest = text.substr(1);
        if (text[0] == '@') return "<c" + place + " s=\"1\">" + value(rest);
        if (text[0] == '#') return "<c" + place + " t=\"e\">" + value(text);
        if (text[0] == '?') return "<c" + place + " t=\"b\">" + value(rest);
        if (text[0] == '=') return "<c" + place + "><f>A1</f>" + value(rest);
        if (auto const number = marrowlink::decimal_of(text); number && number->separator != ',') return "<c" + place + ">" + value(text);
        std::string_view const string = text[0] == '\'' ? rest : text;
        auto const run = [](std::string_view part) { return "<t xml:space=\"preserve\">" + escaped(part) + "</t>"; };
        if (making_.inline_strings) return "<c" + place + " t=\"inlineStr\"><is>" + run(string) + "</is></c>";
        // Words of two formats, as a bold one makes it.
        std::size_t const space = string.find(' ');
        strings_ += space == std::string_view::npos
                        ? "<si>" + run(string) + "</si>"
                        : "<si><r>" + run(string.substr(0, space)) + "</r><r>" + run(string.substr(space)) + "</r></si>";
        return "<c" + place + " t=\"s\">" + value(std::to_string(strings_count_++));
    }

    std::string xml(std::string const& root, std::string const& attributes, std::string const& inside) const {
        std::string body = "<" + root + attributes + ">" + inside + "</" + root + ">";
        if (making_.prefixed)
            for (std::size_t at = 0; (at = body.find('<', at)) != std::string::npos; ++at)
                body.insert(body[at + 1] == '/' ? at + 2 : at + 1, "x:");
        std::string out = "<?xml version=\"1.0\" standalone=\"yes\"?>" + body;
        if (!making_.utf16) return out;
        std::string wide = "\xFF\xFE";
        for (char const c : out) wide.append(1, c).append(1, '\0');
        return wide;
    }

    Parts written() const {
        std::string const type = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
        auto const relation = [&](std::string const& id, std::string const& kind, std::string const& target) {
            return "<Relationship Id=\"" + id + "\" Type=\"" + type + kind + "\" Target=\"" + target + "\"/>";
        };
        std::string sheets, related = relation("rStyles", "styles", "styles.xml");
        if (!making_.inline_strings) related += relation("rStrings", "sharedStrings", "/xl/sharedStrings.xml");
        Parts parts{{"[Content_Types].xml", xml("Types", "", "")},
                    {"_rels/.rels", xml("Relationships", "", relation("r1", "officeDocument", "xl/workbook.xml"))}};
        for (std::size_t i = 0; i < names_.size(); ++i) {
            std::string const number = std::to_string(i + 1);
            sheets += "<sheet name=\"" + escaped(names_[i]) + "\" sheetId=\"" + number + "\" r:id=\"rSheet" + number + "\"/>";
            related += relation("rSheet" + number, "worksheet", "worksheets/sheet" + number + ".xml");
            parts.emplace_back("xl/worksheets/sheet" + number + ".xml",
                               xml("worksheet", "", "<sheetData>" + rows_[i] + "</sheetData>" + making_.sheet_more));
        }
        parts.emplace_back("xl/workbook.xml", xml("workbook", "", making_.workbook_more + "<sheets>" + sheets + "</sheets>"));
        parts.emplace_back("xl/_rels/workbook.xml.rels", xml("Relationships", "", related));
        parts.emplace_back("xl/styles.xml", xml("styleSheet", "",
                                                "<numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/></numFmts>"
                                                "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/></cellXfs>"));
        if (!making_.inline_strings) parts.emplace_back("xl/sharedStrings.xml", xml("sst", "", strings_));
        if (!making_.core.empty()) parts.emplace_back("docProps/core.xml", making_.core);
        return parts;
    }

    Making making_;
    std::vector<std::string> names_, rows_;
    std::string strings_;
    std::size_t strings_count_ = 0;
    std::uint32_t row_ = 0;
};

inline std::string workbook_of(std::string_view text, Making const& making) { return zip_of(Maker{making}.parts_of(text), making); }
inline std::string workbook_of(std::string_view text) { return workbook_of(text, Making{}); }

}  // namespace workbook_test
