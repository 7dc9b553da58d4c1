#include "wire/adapter_map.hpp"

#include <catch2/catch.hpp>

using namespace marrowlink::wire::adapter;

TEST_CASE("settings come back from their registers") {
    Settings settings;
    settings.unit = 17;
    settings.baud = 19'200;
    settings.data_bits = 7;
    settings.parity = Parity::odd;
    settings.stop_bits = 2;
    settings.flow = Flow::xoff;
    settings.framing = Framing::length;
    settings.idle_ms = 60'000;
    settings.terminator_bytes = 3;
    settings.terminator = {'E', 'N', 'D', 0};
    settings.length_at = 32;
    settings.length_bytes = 2;
    settings.length_little_endian = true;
    settings.length_adds = 1'024;
    Settings out;
    REQUIRE(decode(encode(settings), out) == 0);
    CHECK(out == settings);
    REQUIRE(decode(encode(Settings{}), out) == 0);
    CHECK(out == Settings{});
}

TEST_CASE("the last value that each setting may have, and the one behind it (limit + 1), by the name of what is refused") {
    struct Case {
        Setting setting;
        std::uint16_t least, most;
    };
    auto const [setting, least, most] =
        GENERATE(Case{Setting::unit, 1, 247}, Case{Setting::bus_parity, 0, 2}, Case{Setting::data_bits, 7, 8},
                 Case{Setting::stop_bits, 1, 2}, Case{Setting::flow, 0, 2}, Case{Setting::framing, 0, 3}, Case{Setting::idle_ms, 1, 60'000},
                 Case{Setting::terminator_bytes, 1, 4}, Case{Setting::length_at, 0, 32}, Case{Setting::length_bytes, 1, 2},
                 Case{Setting::length_little_endian, 0, 1}, Case{Setting::length_adds, 0, 1'024});
    auto registers = encode(Settings{});
    registers[static_cast<std::size_t>(Setting::parity)] = 2;  // seven data bits need one
    auto& one = registers[static_cast<std::size_t>(setting)];
    Settings out;
    for (std::uint16_t const good : {least, most}) {
        one = good;
        CHECK(decode(registers, out) == 0);
    }
    one = static_cast<std::uint16_t>(most + 1);
    CHECK(decode(registers, out) == static_cast<std::uint16_t>(setting) + 1);
    if (least > 0) {
        one = static_cast<std::uint16_t>(least - 1);
        CHECK(decode(registers, out) == static_cast<std::uint16_t>(setting) + 1);
    }
}

TEST_CASE("settings that cannot be together are refused") {
    Settings out;
    Settings settings;
    settings.answer = Answer::astm;
    CHECK(decode(encode(settings), out) == static_cast<std::uint16_t>(Setting::answer) + 1);
    settings.framing = Framing::astm;
    CHECK(decode(encode(settings), out) == 0);
    settings = {};
    settings.data_bits = 7;
    CHECK(decode(encode(settings), out) == static_cast<std::uint16_t>(Setting::data_bits) + 1);
    settings = {};
    settings.baud = 14'500;
    CHECK(decode(encode(settings), out) == static_cast<std::uint16_t>(Setting::baud) + 1);
    auto registers = encode(Settings{});
    registers.back() = 1;
    CHECK(decode(registers, out) == settings::count);
}
