#include "workbook_properties.hpp"

#include <catch2/catch.hpp>
#include <iostream>

#include "drivers/workbook.hpp"
#include "plate_properties.hpp"
#include "plate_samples.hpp"

namespace workbook_test {

using marrowlink::ExportFormat;

namespace {
std::vector<std::string> whole_texts(ExportFormat const& format, std::string_view folder) {
    std::vector<std::string> texts;
    for (auto const& file : plate_test::files_of(plate_test::own_folder(folder), ".sheets")) {
        std::string text = plate_test::slurp(file);
        if (format.parse(workbook_of(text))) texts.push_back(std::move(text));
    }
    REQUIRE_FALSE(texts.empty());
    return texts;
}
}  // namespace

void every_writing_reads_the_same(ExportFormat const& format, std::string_view folder) {
    for (auto const& text : whole_texts(format, folder)) {
        auto const expected = format.parse(workbook_of(text));
        bool const ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
        for (auto const& making :
             {Making{.inline_strings = true}, Making{.prefixed = true}, Making{.utf16 = ascii}, Making{.rows_unnumbered = true},
              Making{.descriptors = true}, Making{.core = "<creator>Doe</creator>"}}) {
            std::string const bytes = workbook_of(text, making);
            CHECK(format.recognises(bytes));
            auto const read = format.parse(bytes);
            if (!read) FAIL(read.error().message);
            CHECK(read->readings == expected->readings);
            CHECK(read->identity == expected->identity);
            CHECK(read->notes == expected->notes);
        }
    }
}

void no_part_of_a_workbook_passes(ExportFormat const& format, std::string_view folder, std::string_view shared) {
    std::vector<std::string> files;
    for (auto const& text : whole_texts(format, folder)) files.push_back(workbook_of(text));
    for (auto const& file : plate_test::files_of(plate_test::shared_folder() / "instruments/files" / shared, ".xlsx"))
        if (std::string bytes = plate_test::slurp(file); format.parse(bytes)) files.push_back(std::move(bytes));
    plate_test::no_beginning_passes(format, files, [](std::string_view) { return false; });
    std::size_t changes = 0;
    for (auto const& bytes : files) {
        auto const directory = marrowlink::zip_directory(bytes);
        auto const whole = format.parse(bytes);
        REQUIRE(directory);
        for (auto const& part : directory->parts) {
            std::uint64_t const step = 1 + part.packed / 20;
            for (std::uint64_t at = 0; at < part.packed; at += step) {
                std::string changed = bytes;
                changed[part.data + at] = static_cast<char>(changed[part.data + at] ^ 1);
                ++changes;
                INFO(part.name << " byte " << at);
                auto const read = format.parse(changed);
                // The bit that calls a packed block the last is no content.
                if (read && at == 0 && read->readings == whole->readings) continue;
                CHECK_FALSE(read);
                CHECK_FALSE(format.completeness(changed).complete);
            }
        }
    }
    std::cout << format.name << ": " << changes << " bits of parts changed\n";
}

void changed_digits_of_sheets_move_no_well(ExportFormat const& format, std::string_view folder) {
    plate_test::each_changed_digit(format, whole_texts(format, folder), 0, workbook_of, plate_test::no_well_moved);
}

void names_do_not_leave(ExportFormat const& format, std::string bytes, std::string_view name) {
    auto const before = format.parse(bytes);
    if (!before) FAIL(before.error().message);
    REQUIRE_FALSE(before->name_bearing.empty());
    bool const whole = std::all_of(before->name_bearing.begin(), before->name_bearing.end(),
                                   [](auto const& bears) { return !bears.instead.empty() || bears.field == "comment of the archive"; });
    CHECK(whole);  // no part was lost
    std::size_t const size = bytes.size();
    for (auto const& bears : before->name_bearing)
        bytes.replace(bears.offset, bears.length, bears.instead.empty() ? std::string(bears.length, ' ') : bears.instead);
    CHECK(bytes.size() == size);
    CHECK(bytes.find(name) == std::string::npos);
    auto const book = marrowlink::Workbook::read(bytes);
    REQUIRE(book);
    for (auto const& sheet : book->sheets())
        for (auto const& cell : sheet.cells) CHECK(cell.text.find(name) == std::string::npos);
    auto const after = format.parse(bytes);
    if (!after) FAIL(after.error().message);
    CHECK(after->readings == before->readings);
    CHECK(after->identity == before->identity);
    for (auto const& reading : before->readings)
        for (auto const& [field, member] : marrowlink::reading_fields) CHECK((reading.*member).find(name) == std::string::npos);
    CHECK(before->identity.find(name) == std::string::npos);
}

}  // namespace workbook_test
