// Any text as a register map: it is refused with a message, or every register of it can be asked for and read, whatever the device says.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "drivers/modbus/round.hpp"

using namespace marrowlink;
using namespace marrowlink::modbus;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size > 16 << 10) return 0;  // every damaged line costs a parse of the whole text
    auto const map = parse_map(std::string(reinterpret_cast<char const*>(data), size), "fuzz.toml");
    if (!map) {
        if (map.error().message.empty()) std::abort();
        return 0;
    }
    std::vector<std::size_t> all(map->registers.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    std::size_t asked = 0;
    for (Block const& block : blocks_of(*map, all)) {
        ModbusRequest request;
        request.function = block.function;
        request.address = block.address;
        request.count = block.count;
        if (!check(request)) std::abort();
        asked += block.registers.size();
    }
    if (asked != all.size()) std::abort();
    for (Register const& reg : map->registers) {
        for (std::uint16_t const word : {0x0000, 0x8000, 0xFFFF, 0x7FC0, static_cast<int>(size)}) {
            std::vector<std::uint16_t> const words(reg.count, is_of_bits(reg.function) ? word & 1 : word);
            Value const value = value_of(reg, words);
            if (value.text.size() > 128 || value.flag.size() > 256) std::abort();  // docs/schema/telemetry.json
            conditions_of(reg, words);
            interpretations_of(reg, words);
        }
    }
    if (map->queue && (map->queue->count >= all.size() || map->queue->key >= all.size())) std::abort();
    return 0;
}
