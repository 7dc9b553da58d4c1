#include "drivers/modbus/round.hpp"

#include <algorithm>
#include <tuple>

namespace marrowlink::modbus {

std::vector<Block> blocks_of(RegisterMap const& map, std::vector<std::size_t> indices) {
    auto const place = [&](std::size_t index) {
        Register const& reg = map.registers[index];
        return std::tuple{reg.poll, reg.function, reg.address};
    };
    std::sort(indices.begin(), indices.end(), [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
    std::vector<Block> out;
    for (std::size_t const index : indices) {
        Register const& reg = map.registers[index];
        unsigned const max = is_of_bits(reg.function) ? modbus_bits_read_max : modbus_registers_read_max;
        Block* const last = out.empty() ? nullptr : &out.back();
        bool const follows = last && last->poll == reg.poll && last->function == reg.function &&
                             last->address + last->count == reg.address && last->count + reg.count <= static_cast<int>(max);
        if (follows) {
            last->count = static_cast<std::uint16_t>(last->count + reg.count);
            last->registers.push_back(index);
        } else {
            out.push_back({reg.function, reg.address, reg.count, {index}, reg.poll, {}});
        }
    }
    return out;
}

}  // namespace marrowlink::modbus
