// Seeds: tests/data/matrix.
#include "drivers/matrix/parse.hpp"
#include "export_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return marrowlink::fuzz_export(marrowlink::matrix_format(), data, size);
}
