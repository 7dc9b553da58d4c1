// Seeds: tests/data/qubit.
#include "drivers/qubit/parse.hpp"
#include "export_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return marrowlink::fuzz_export(marrowlink::qubit_format(), data, size);
}
