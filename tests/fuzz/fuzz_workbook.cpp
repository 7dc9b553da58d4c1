// Seeds: tests/data/workbook. The archive, its parts and its cells, and each format that comes as a workbook.
#include "drivers/catalog.hpp"
#include "drivers/workbook.hpp"
#include "export_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const bytes{reinterpret_cast<char const*>(data), size};
    if (auto const book = marrowlink::Workbook::read(bytes))
        for (auto const& sheet : book->sheets())
            for (auto const& cell : sheet.cells)
                if (sheet.at(cell.row, cell.column) != &cell) std::abort();
    if (auto const format = marrowlink::recognise(bytes)) return marrowlink::fuzz_export(**format, data, size);
    return 0;
}
