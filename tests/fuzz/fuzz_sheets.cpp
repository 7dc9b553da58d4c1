// Layouts and sample sheets as anyone may give them.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "central/analysis/layout.hpp"
#include "central/analysis/sample_sheet.hpp"
#include "central/analysis/screened_plate.hpp"

using namespace marrowlink::analysis;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const input{reinterpret_cast<char const*>(data), size};
    if (auto const layout = PlateLayout::read(input, "layout.csv")) {
        // Every well of the plate, each once, and nothing can be said of a plate without a reading.
        if (layout->wells.size() != layout->shape.wells()) std::abort();
        if (ScreenedPlate::of({}, *layout, {}, "id").not_evaluable.empty()) std::abort();
    }
    (void)SampleSheet::read(input, "sample.csv");
    return 0;
}
