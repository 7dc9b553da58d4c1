// Seeds: tests/data/gen5.
#include "drivers/gen5/parse.hpp"
#include "export_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return marrowlink::fuzz_export(marrowlink::gen5_format(), data, size);
}
