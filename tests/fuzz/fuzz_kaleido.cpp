// Seeds: tests/data/kaleido.
#include "drivers/kaleido/parse.hpp"
#include "export_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return marrowlink::fuzz_export(marrowlink::kaleido_format(), data, size);
}
