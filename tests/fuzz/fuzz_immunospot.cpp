// Seeds: tests/data/immunospot.
#include "drivers/immunospot/parse.hpp"
#include "export_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return marrowlink::fuzz_export(marrowlink::immunospot_format(), data, size);
}
