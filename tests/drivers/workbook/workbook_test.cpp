// What every workbook goes through: the zip archive, its parts, the cells.
#include "drivers/workbook.hpp"

#include <catch2/catch.hpp>

#include "drivers/catalog.hpp"
#include "drivers/folder/examine.hpp"
#include "drivers/smartcontrol/parse.hpp"
#include "tests/drivers/plate_samples.hpp"
#include "tests/drivers/workbook_properties.hpp"

using namespace marrowlink;
using namespace workbook_test;

namespace {

constexpr std::string_view kinds =
    "== First\n"
    "A word\t12.5\t@45835.458333333336\t#N/A\t?1\t=7\t'8.5\n"
    "\n"
    "\t0.44450000000000001\t\t-1.0E-05\n"
    "== Second & last\n"
    "\"<&\n";

std::string refusal(std::string const& bytes) {
    auto const book = Workbook::read(bytes);
    REQUIRE_FALSE(book);
    return book.error().message;
}

// The directory's entry of a part says that it unpacks to so many bytes.
std::string saying_unpacked(std::string bytes, std::string_view part, std::uint32_t size) {
    std::size_t const name = bytes.rfind(part), entry = bytes.rfind("PK\x01\x02", name);
    std::string value;
    put32(value, size);
    return bytes.replace(entry + 24, 4, value);
}

}  // namespace

TEST_CASE("cells are read as they are stored, whatever wrote them") {
    std::string const plain = workbook_of(kinds);
    for (auto const& making : {Making{}, Making{.inline_strings = true}, Making{.prefixed = true}, Making{.utf16 = true},
                               Making{.rows_unnumbered = true}, Making{.descriptors = true}}) {
        auto const book = Workbook::read(workbook_of(kinds, making));
        if (!book) FAIL(book.error().message);
        REQUIRE(book->sheets().size() == 2);
        Sheet const& first = book->sheets()[0];
        CHECK(first.name == "First");
        CHECK(book->sheets()[1].name == "Second & last");
        CHECK(book->sheets()[1].text(1, 1) == "\"<&");
        std::vector<std::pair<CellKind, std::string>> row;
        for (Cell const& cell : first.row(1)) row.emplace_back(cell.kind, cell.text);
        CHECK(row == std::vector<std::pair<CellKind, std::string>>{{CellKind::text, "A word"},
                                                                   {CellKind::number, "12.5"},
                                                                   {CellKind::date, "45835.458333333336"},
                                                                   {CellKind::error, "#N/A"},
                                                                   {CellKind::boolean, "1"},
                                                                   {CellKind::number, "7"},
                                                                   {CellKind::text, "8.5"}});
        CHECK(first.at(1, 6)->formula);
        CHECK_FALSE(first.at(1, 2)->formula);
        CHECK(first.text(3, 2) == "0.44450000000000001");
        CHECK(first.text(3, 4) == "-1.0E-05");
        CHECK(first.at(2, 1) == nullptr);
        CHECK(first.rows() == 3);
    }
}

TEST_CASE("a serial number is the day that the spreadsheet shows") {
    CHECK(date_of("45835.458333333336", false) == "2025-06-27 11:00:00");
    CHECK(date_of("44373.458333333336", true) == "2025-06-27 11:00:00");
    CHECK(date_of("61", false) == "1900-03-01 00:00:00");
    CHECK(date_of("60", false).empty());  // a 29th of February that was none
    CHECK(date_of("0.75", false) == "18:00:00");
    CHECK(date_of("45835.999999", false) == "2025-06-28 00:00:00");
    for (auto const* none : {"", "-1", "2958466", "nan", "1e99", "45835x"}) CHECK(date_of(none, false).empty());
    for (auto const* code : {"yyyy\\-mm\\-dd", "d/m/yy h:mm;@", "[h]:mm", "[$-409]m/d/yy h:mm AM/PM", "\"on \"dd"})
        CHECK(is_date_format(code));
    for (auto const* code : {"General", "0.00", "0.00E+00", "#,##0.0_);[Red](#,##0.0)", "0.0\" days\"", "0\\d", "[>=1000]0"})
        CHECK_FALSE(is_date_format(code));
    CHECK(is_date_format(14));
    CHECK_FALSE(is_date_format(2));
}

TEST_CASE("a cell has one place") {
    CHECK(row_and_column("B12") == std::pair{12u, 2u});
    CHECK(row_and_column("XFD1048576") == std::pair{sheet_rows_max, sheet_columns_max});
    for (auto const* none : {"XFE1", "A1048577", "A0", "12", "B", "b2", "AAAA1", ""}) CHECK_FALSE(row_and_column(none));
    for (auto const& [row, column, name] :
         {std::tuple{1u, 1u, "A1"}, {2u, 26u, "Z2"}, {3u, 27u, "AA3"}, {4u, 702u, "ZZ4"}, {5u, 703u, "AAA5"}}) {
        CHECK(place_of(row, column) == name);
        CHECK(row_and_column(name) == std::pair{row, column});
    }
    auto const with = [](std::string const& rows) {
        Parts parts = Maker{Making{}}.parts_of("== S\n1\n");
        for (auto& [name, content] : parts)
            if (name.ends_with("sheet1.xml")) content = "<worksheet><sheetData>" + rows + "</sheetData></worksheet>";
        return zip_of(parts);
    };
    CHECK(Workbook::read(with("<row r=\"2\"><c r=\"B2\"><v>1</v></c><c r=\"C2\"><v>2</v></c></row>")));
    CHECK(refusal(with("<row r=\"2\"/><row r=\"2\"/>")).find("the row '2' stands behind row 2") != std::string::npos);
    CHECK(refusal(with("<row r=\"2\"><c r=\"B3\"><v>1</v></c></row>")).find("the cell 'B3' does not stand in its place") !=
          std::string::npos);
    CHECK(refusal(with("<row r=\"2\"><c r=\"B2\"/><c r=\"B2\"/></row>")).find("the cell 'B2' does not stand in its place") !=
          std::string::npos);
    CHECK(refusal(with("<row r=\"1048577\"/>")).find("the row '1048577'") != std::string::npos);
    CHECK(refusal(with("<row><c r=\"XFD1\"/><c/></row>")).find("does not stand in its place") != std::string::npos);
    CHECK(refusal(with("<row><c><v>1,5</v></c></row>")).find("cell A1: '1,5' is no number") != std::string::npos);
    CHECK(refusal(with("<row><c t=\"s\"><v>7</v></c></row>")).find("cell A1: there is no shared string '7'") != std::string::npos);
    CHECK(refusal(with("<row><c t=\"z\"><v>7</v></c></row>")).find("a cell of the type 'z'") != std::string::npos);
    CHECK(refusal(with("<row><c>")).find("it is no XML") != std::string::npos);
}

TEST_CASE("a cut or changed workbook is never read (fields 62 and 63)") {
    for (auto const& bytes :
         {workbook_of(kinds), workbook_of(kinds, {.descriptors = true, .core = "<x>Jane Doe</x>", .comment = "of Jane"}),
          plate_test::slurp(plate_test::own_folder("workbook") / "packed.xlsx")}) {
        REQUIRE(Workbook::read(bytes));
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
            auto const book = Workbook::read(std::string_view{bytes}.substr(0, cut));
            if (book || book.error().fault != Fault::unavailable) FAIL_CHECK("cut after byte " << cut);
        }
        auto const whole = Workbook::read(bytes);
        std::size_t same = 0;
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            std::string changed = bytes;
            changed[at] = static_cast<char>(changed[at] ^ 1);
            auto const book = Workbook::read(changed);
            if (!book) continue;
            // A time, a version, or a byte of the comment.
            ++same;
            REQUIRE(book->sheets().size() == whole->sheets().size());
            for (std::size_t i = 0; i < book->sheets().size(); ++i)
                for (Cell const& cell : whole->sheets()[i].cells)
                    CHECK(book->sheets()[i].text(cell.row, cell.column) == whole->sheets()[i].text(cell.row, cell.column));
        }
        CHECK(same < bytes.size() / 4);
    }
    std::string const bytes = workbook_of(kinds);
    CHECK(Workbook::read(bytes + '\0').error().fault == Fault::unavailable);  // space that is reserved and not written
}

TEST_CASE("what only looks like a workbook is called what it is") {
    using namespace std::literals;
    std::string const ole = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"s + std::string(600, '\0');
    std::string const locked = ole + "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"s;
    std::string lock(165, ' ');
    lock.replace(0, 9, "\x08Jane Doe");
    lock.replace(55, 18, "\x08\0J\0a\0n\0e\0 \0D\0o\0e\0"s);
    std::string const whole = workbook_of(kinds);
    std::string const cut = whole.substr(0, 400);
    std::string encrypted = whole;
    encrypted[encrypted.rfind("PK\x01\x02") + 8] |= 1;
    struct {
        std::string bytes;
        Fault fault;
        std::string words;
    } const cases[] = {
        {ole, Fault::refused, "It is an OLE file, perhaps an old .xls workbook"},
        {locked, Fault::refused, "a password encrypts"},
        {lock, Fault::refused, "It is the file that Excel writes beside a workbook that is open"},
        {cut, Fault::unavailable, "It begins as an .xlsx workbook does; the directory at the zip archive's end is missing"},
        {zip_of({{"letter.txt", "x"}}).substr(0, 60), Fault::refused, "it is a zip archive"},
        {encrypted, Fault::refused, "is encrypted"},
        {whole, Fault::refused, "it is a zip archive, perhaps an .xlsx workbook of other software"},
        {zip_of({{"readme.txt", "x"}}), Fault::refused, "The zip archive is no workbook"},
        {zip_of({{"_rels/.rels", "<R><r Type=\"x/officeDocument\" Target=\"xl/workbook.bin\"/></R>"}, {"xl/workbook.bin", "x"}}),
         Fault::refused, "a binary workbook (.xlsb)"}};
    for (auto const& one : cases) {
        INFO(one.words);
        auto const format = recognise(one.bytes);
        REQUIRE_FALSE(format);
        CHECK(format.error().fault == one.fault);
        CHECK(format.error().message.find(one.words) != std::string::npos);
        CHECK(format.error().message.find("Jane") == std::string::npos);
        CHECK(examine(one.bytes, "", recognise).verdict == (one.fault == Fault::unavailable ? Verdict::incomplete : Verdict::unknown));
    }
}

TEST_CASE("a zip archive hides nothing") {
    std::string const bytes = workbook_of(kinds);
    auto const directory = zip_directory(bytes);
    REQUIRE(directory);
    CHECK(directory->parts.front().header == 0);
    std::string prefixed = "x" + bytes;
    CHECK(zip_directory(prefixed).error().message.find("does not end where the end record begins") != std::string::npos);
    CHECK(zip_directory(zip_of({{"a", "1"}, {"a", "2"}})).error().message.find("two parts 'a'") != std::string::npos);
    std::string moved = zip_of({{"a", "1"}, {"b", "2"}});
    moved[moved.find("PK\x01\x02") + 42] = 1;
    CHECK(zip_directory(moved).error().message.find("'a' is not where its directory says") != std::string::npos);
    std::string shorter = zip_of({{"a", "12"}, {"b", "2"}});
    shorter[shorter.find("PK\x01\x02") + 20] = 1;
    CHECK(zip_directory(shorter).error().message.find("what stands before the part 'b' belongs to none") != std::string::npos);
}

TEST_CASE("the limits of a workbook, at and beyond") {
    // What says at the limit that it unpacks to so much does not, and is found out by that alone.
    Parts parts = Maker{Making{}}.parts_of(kinds);
    std::string const pad = "docProps/pad.bin";
    parts.emplace_back(pad, std::string(512u << 10, 'x'));
    std::string bytes = zip_of(parts);
    auto room = static_cast<std::uint32_t>(workbook_unpacked_bytes_max);
    auto const directory = zip_directory(bytes);
    for (ZipPart const& one : directory->parts)
        if (one.name != pad) room -= static_cast<std::uint32_t>(one.unpacked);
    CHECK(refusal(saying_unpacked(bytes, pad, room)).find("does not check") != std::string::npos);
    CHECK(refusal(saying_unpacked(bytes, pad, room + 1)).find("The workbook unpacks to") != std::string::npos);

    constexpr std::uint32_t packed = 5'000;
    parts.back().second.resize(packed);
    bytes = zip_of(parts);
    auto const most = packed * static_cast<std::uint32_t>(workbook_part_ratio_max);
    CHECK(refusal(saying_unpacked(bytes, pad, most)).find("does not check") != std::string::npos);
    CHECK(refusal(saying_unpacked(bytes, pad, most + 1)).find("more than 250 times as many") != std::string::npos);

    CHECK(refusal(std::string(workbook_bytes_max, 'x')).find("directory") != std::string::npos);
    CHECK(refusal(std::string(workbook_bytes_max + 1, 'x')).find("The workbook has 16777217 bytes") != std::string::npos);

    std::string sheets;
    for (std::size_t i = 0; i < workbook_sheets_max; ++i) sheets += "== " + std::to_string(i) + "\n1\n";
    CHECK(Workbook::read(workbook_of(sheets)));
    CHECK(refusal(workbook_of(sheets + "== more\n1\n")).find("more than 256 sheets") != std::string::npos);

    Parts many;
    for (std::size_t i = 0; i < zip_parts_max; ++i) many.emplace_back(std::to_string(i), "");
    CHECK(zip_directory(zip_of(many)));
    many.emplace_back("more", "");
    CHECK(zip_directory(zip_of(many)).error().message.find("has 4097 parts; at most 4096") != std::string::npos);

    std::string cells;
    for (std::size_t i = 0; i < workbook_cells_max / 10'000; ++i) {
        cells += "<row>";
        for (int column = 0; column < 10'000; ++column) cells += "<c><v>1</v></c>";
        cells += "</row>";
    }
    for (bool const beyond : {false, true}) {
        Parts full = Maker{Making{}}.parts_of("== S\n1\n");
        for (auto& [name, content] : full)
            if (name.ends_with("sheet1.xml"))
                content = "<worksheet><sheetData>" + cells + (beyond ? "<row><c><v>1</v></c></row>" : "") + "</sheetData></worksheet>";
        auto const book = Workbook::read(zip_of(full));
        CHECK(book.has_value() != beyond);
        if (!book) CHECK(book.error().message == "The workbook has more than 1000000 cells.");
    }
}

TEST_CASE("parts in which names may stand are named, and the others are not") {
    auto const parts_with = [](Making const& making, std::vector<std::pair<std::uint32_t, std::uint32_t>> const& places) {
        std::string const bytes = workbook_of(kinds, making);
        auto const book = Workbook::read(bytes);
        REQUIRE(book);
        std::vector<NamedCell> cells;
        for (auto const& [row, column] : places) cells.push_back({book->sheets()[0].at(row, column)});
        std::string fields;
        for (NameBearing const& one : book->name_bearing(bytes, cells))
            if (!fields.ends_with(one.field + ';')) fields += one.field + ';';
        return fields;
    };
    CHECK(parts_with({}, {}) == "");
    CHECK(parts_with({}, {{1, 1}}) == "xl/sharedStrings.xml;");
    CHECK(parts_with({}, {{1, 2}}) == "xl/worksheets/sheet1.xml;");
    CHECK(parts_with({.inline_strings = true}, {{1, 1}}) == "xl/worksheets/sheet1.xml;");
    CHECK(parts_with({.core = "<c>Jane Doe</c>"}, {}) == "docProps/core.xml;");
    CHECK(parts_with({.workbook_more = "<a><absPath url=\"C:/Users/doe\"/></a>"}, {}) == "xl/workbook.xml;");
    CHECK(parts_with({.sheet_more = "<headerFooter><oddHeader>Jane Doe</oddHeader></headerFooter>"}, {}) ==
          "xl/worksheets/sheet1.xml;xl/worksheets/sheet2.xml;");
    CHECK(parts_with({.comment = "by Jane Doe"}, {}) == "comment of the archive;");
}

TEST_CASE("what leaves the site of a packed workbook has no names, reads the same, and with what stays is the original") {
    std::string const bytes = plate_test::slurp(plate_test::own_folder("workbook") / "packed-names.xlsx");
    names_do_not_leave(smart_control_format(), bytes, "oe");
    Examination const examined = examine(bytes, "", recognise);
    REQUIRE(examined.verdict == Verdict::readable);
    CHECK(examined.copy.size() == bytes.size());
    auto const copy = Workbook::read(examined.copy);
    REQUIRE(copy);
    // Nothing that may name someone is left in it, so nothing more would be taken out.
    CHECK(copy->sheets()[0].text(1, 1) == "User:");
    auto const again = copy->name_bearing(examined.copy, {});
    for (NameBearing const& one : again) CHECK(one.field == "docProps/core.xml");
    std::string original = examined.copy;
    for (BlankedPiece const& piece : examined.blanked) original.replace(piece.offset, piece.bytes.size(), piece.bytes);
    CHECK(original == bytes);
}

TEST_CASE("a part that is stored is made as long as it was, whatever its name had") {
    for (std::size_t name = 3; name < 60; ++name) {
        std::string const text = "== S\n" + std::string(name, 'Q') + "\n1\n";
        std::string const bytes = workbook_of(text, {.core = std::string(name, 'Q')});
        auto const book = Workbook::read(bytes);
        REQUIRE(book);
        std::string copy = bytes;
        for (NameBearing const& one : book->name_bearing(bytes, std::vector<NamedCell>{{book->sheets()[0].at(1, 1), "-"}}))
            copy.replace(one.offset, one.length, one.instead.empty() ? std::string(one.length, ' ') : one.instead);
        CHECK(copy.size() == bytes.size());
        auto const read = Workbook::read(copy);
        if (!read) FAIL(read.error().message);
        CHECK(read->sheets()[0].text(1, 1) == "-");
        CHECK(read->sheets()[0].text(2, 1) == "1");
        CHECK(copy.find("QQQ") == std::string::npos);
    }
}
