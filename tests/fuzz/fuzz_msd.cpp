// Seeds: tests/data/msd.
#include "drivers/msd/parse.hpp"
#include "export_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return marrowlink::fuzz_export(marrowlink::msd_format(), data, size);
}
