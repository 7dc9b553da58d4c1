// Seeds: tests/data/magellan, texts of which workbooks are made, so that what is changed is what stands in the cells.
#include "drivers/magellan/parse.hpp"
#include "export_format.hpp"
#include "tests/drivers/workbook_maker.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string const book = workbook_test::workbook_of({reinterpret_cast<char const*>(data), size});
    return marrowlink::fuzz_export(marrowlink::magellan_format(), reinterpret_cast<std::uint8_t const*>(book.data()), book.size());
}
