// A register map: what a Modbus instrument holds where, as a person copied it from the maker's manual into TOML. How to write one:
// docs/how-to-write-a-register-map.md. Pure: text in, a map or its mistakes out.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/embedded.hpp"
#include "core/error.hpp"
#include "core/modbus.hpp"

namespace marrowlink {
std::span<EmbeddedFile const> register_maps();  // drivers/modbus/maps, compiled in: "hettich.toml"
}

namespace marrowlink::modbus {

inline constexpr std::size_t registers_max = 100;  // of one map
inline constexpr std::size_t name_bytes_max = 64;  // of a register
inline constexpr std::size_t unit_bytes_max = 32;
inline constexpr std::size_t bit_name_bytes_max = 32;
inline constexpr unsigned text_registers_max = 60;  // of one text: 120 bytes

enum class Type : std::uint8_t { bit, bits, u16, i16, u32, i32, f32, text };
// In which order the bytes of a value stand on the wire, A the most significant; of 16 bits and of texts only AB and BA.
enum class Order : std::uint8_t { ab, ba, abcd, cdab, badc, dcba };
std::string_view text_of(Type type);
std::string_view text_of(Order order);

// 0.05 is 5 and 2 decimals: values are multiplied as whole numbers, so that 215 tenths are "21.5" and not "21.500000000000004".
struct Scale {
    std::int64_t factor = 1;
    int decimals = 0;
    friend bool operator==(Scale const&, Scale const&) = default;
};

struct Register {
    std::string name;
    ModbusFunction function = ModbusFunction::read_input_registers;  // one that reads
    std::uint16_t address = 0;                                       // on the wire, from 0
    std::uint16_t count = 1;                                         // registers; 1 for a bit
    std::string written;                                             // "input 30216": as in the map, for people
    Type type = Type::u16;
    Order order = Order::ab;
    Scale scale;
    std::string unit;
    std::optional<double> min, max;      // valid values, after scaling
    std::optional<std::int64_t> absent;  // raw value that means that there is none
    std::array<std::string, 16> bits;    // what a set bit means; of a bit the first
    std::chrono::milliseconds poll{10'000};
    bool queued = false;  // part of a result that waits in the device's queue; read when there is one
    friend bool operator==(Register const&, Register const&) = default;
};

// A device that keeps results until it is told that they were taken.
struct Queue {
    std::size_t count = 0;  // index of the register that says how many results wait
    std::size_t key = 0;    // index of the register that tells one result from the next; part of the result
    ModbusFunction next = ModbusFunction::write_single_coil;  // what advances the queue: a coil or a holding register,
    std::uint16_t next_address = 0;
    std::uint16_t next_value = 1;  // and what is written to it
    friend bool operator==(Queue const&, Queue const&) = default;
};

struct RegisterMap {
    std::string title;   // "Hettich incubator (Hettcube)"
    std::string source;  // where the facts come from
    bool tried_on_hardware = false;
    std::vector<std::string> warnings;  // with their place; nothing is refused for them
    std::vector<Register> registers;
    std::optional<std::size_t> guard;  // index of a register that must be the same before and after a round, or the round is read again
    std::optional<Queue> queue;
    friend bool operator==(RegisterMap const&, RegisterMap const&) = default;
};

// Every mistake in one error (Fault::configuration), a line each: "maps/x.toml:12:3: sentence" with what was found and what was expected.
Result<RegisterMap> parse_map(std::string text, std::string filename);

std::optional<EmbeddedFile> bundled_map(std::string_view name);  // "hettich"
std::string bundled_map_names();                                 // for people: "hettich", "julabo"

}  // namespace marrowlink::modbus
