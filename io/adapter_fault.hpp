// The processor's registers at the last fault of an adapter's program.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "io/adapter.hpp"

namespace marrowlink {

struct AdapterFault {
    std::uint16_t number = 0;  // of faults since power came; 0: there was none, and the rest is zero
    std::uint32_t pc = 0, lr = 0, psr = 0, cfsr = 0, hfsr = 0, bfar = 0;

    std::array<std::pair<std::string_view, std::uint32_t>, 6> registers() const {
        return {{{"pc", pc}, {"lr", lr}, {"psr", psr}, {"cfsr", cfsr}, {"hfsr", hfsr}, {"bfar", bfar}}};
    }
};

Task<Result<AdapterFault>> read_adapter_fault(ModbusMaster& bus, AdapterPlace const& place);

}  // namespace marrowlink
