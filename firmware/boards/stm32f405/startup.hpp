// What runs before main, and when something has gone wrong.
#pragma once

#include <array>
#include <cstdint>

#include "wire/adapter_map.hpp"

namespace marrowlink::stm32f405 {

// The word at `address`, or `otherwise` where there is nothing: the fault it causes is stepped over.
std::uint32_t probe(std::uintptr_t address, std::uint32_t otherwise);

// Of the faults since power came; the block of the register map. Kept in RAM that no reset clears.
std::array<std::uint16_t, wire::adapter::fault::count> fault_block();

// True: this start was caused by a fault; asked once.
bool after_fault();

}  // namespace marrowlink::stm32f405
