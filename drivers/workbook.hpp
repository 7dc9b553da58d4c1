// Workbooks (.xlsx: Office Open XML, ECMA-376 part 1, chapter 18) as sheets of cells. Whatever software wrote one, it comes through here.
//
// A number is the text that the file stores, which is the shortest or the 17-digit decimal of a double, as the writer pleased:
// 0.44450000000000001 stays so. Strings are whole, whether shared, inline or of several formats. Cells without a value are not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "drivers/document.hpp"
#include "drivers/sheet.hpp"
#include "drivers/zip_directory.hpp"

namespace marrowlink {

constexpr std::size_t workbook_bytes_max = 16u << 20;             // of the file; one more: refused
constexpr std::uint64_t workbook_unpacked_bytes_max = 32u << 20;  // of all parts; one more: refused
constexpr std::uint64_t workbook_part_ratio_max = 250;            // unpacked to packed, of a part beyond 1 MiB; more: refused
constexpr std::size_t workbook_sheets_max = 256;                  // one more: refused
constexpr std::size_t workbook_cells_max = 1'000'000;             // of all sheets, with a value; one more: refused

// A cell in which a name may stand, and the text that a copy has instead; empty: the cell has no value there.
struct NamedCell {
    Cell const* cell = nullptr;
    std::string instead = {};
};

class Workbook {
 public:
    // `unavailable`: the file's end is missing, or a part differs from its checksum, as in a file that is still written. Refused: a limit,
    // a part that is no XML, cells out of order, a number that is none; the message names the part, or the sheet and the cell.
    static Result<Workbook> read(std::string_view bytes);

    // For telling formats apart: of each sheet only what its first bytes say, and nothing checked. Without sheets when it is no workbook.
    static Workbook head(std::string_view bytes);

    std::span<Sheet const> sheets() const { return sheets_; }

    bool since_1904() const { return since_1904_; }  // which day its serial numbers count from

    // How a copy of `bytes`, of which this was read, is made that has no names: parts that are not read here are emptied, and so are
    // comments, paths and the cells that are named. It reads as before but for those. A part that cannot be made as long as it was goes
    // whole.
    std::vector<NameBearing> name_bearing(std::string_view bytes, std::span<NamedCell const> cells) const;

 private:
    friend class WorkbookReader;
    ZipDirectory directory_;
    std::vector<bool> nameless_, read_;  // of each part
    std::size_t strings_ = 0;            // the part of shared strings; as many as there are parts: none
    std::vector<Sheet> sheets_;
    bool since_1904_ = false;
};

}  // namespace marrowlink
