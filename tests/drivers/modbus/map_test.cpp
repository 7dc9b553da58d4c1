#include "drivers/modbus/map.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "drivers/modbus/round.hpp"

using namespace marrowlink;
using namespace marrowlink::modbus;

namespace {
constexpr std::string_view least = R"(title = "Freezer"
source = "manual 3"
base = 0
[[register]]
name = "temperature"
function = "input"
address = 7
type = "i16"
)";

std::string said(std::string text) {
    auto const map = parse_map(std::move(text), "m.toml");
    REQUIRE_FALSE(map);
    CHECK(map.error().fault == Fault::configuration);
    return map.error().message;
}
std::string with(std::string_view more) { return std::string{least} + std::string{more}; }
std::string another(std::string_view keys) { return with("[[register]]\nname = \"other\"\nfunction = \"input\"\n" + std::string{keys}); }
}  // namespace

TEST_CASE("seven lines are a map") {
    auto const map = parse_map(std::string{least}, "m.toml");
    INFO((map ? std::string() : map.error().message));
    REQUIRE(map);
    REQUIRE(map->registers.size() == 1);
    CHECK(map->registers[0].function == ModbusFunction::read_input_registers);
    CHECK(map->registers[0].address == 7);
    CHECK(map->registers[0].written == "input 7");
    CHECK(map->registers[0].poll == std::chrono::seconds{10});
    CHECK_FALSE(map->tried_on_hardware);
}

TEST_CASE("a manual's number less its first number is the address on the wire, and without a base nothing is assumed (field 49)") {
    auto const address = [](std::string const& keys) {
        auto const map = parse_map(another(keys + "type = \"u16\"\n"), "m.toml");
        REQUIRE(map);
        return map->registers[1].address;
    };
    CHECK(address("base = 30001\naddress = 30216\n") == 215);
    CHECK(address("base = 300001\naddress = 300216\n") == 215);
    CHECK(address("base = 1\naddress = 216\n") == 215);
    CHECK(address("address = 0x530\n") == 0x530);
    CHECK(
        said("title = \"a\"\nsource = \"b\"\n[[register]]\nname = \"x\"\nfunction = \"input\"\naddress = 1\ntype = \"u16\"\n") ==
        "m.toml:3:1: register.base is missing, here and at the top of the map: which number does the manual give to the first register of "
        "this kind? 0, 1, 30001, 40001 …");
    CHECK(said(another("base = 30001\naddress = 215\ntype = \"u16\"\n")) ==
          "m.toml:13:11: register.address is 215; with base 30001 it must be 30001 to 95536.");
    auto const doubtful = parse_map(another("address = 30216\ntype = \"u16\"\n"), "m.toml");
    REQUIRE(doubtful);
    REQUIRE(doubtful->warnings.size() == 1);
    CHECK(doubtful->warnings[0] ==
          "m.toml:12:11: register.address is 30216 with base 0; if the manual counts from 30001 on, the base is 30001.");
}

TEST_CASE("the order of a value of 32 bits is never assumed (field 49)") {
    for (std::string const type : {"u32", "i32", "f32"})
        CHECK(said(another("address = 20\ntype = \"" + type + "\"\n")) ==
              "m.toml:9:1: register.order is missing: in which order the four bytes come, A the most significant; devices differ, so it is "
              "never assumed.");
    CHECK(said(another("address = 20\ntype = \"f32\"\norder = \"AB\"\n")) ==
          "m.toml:14:9: register.order is the text \"AB\"; expected \"ABCD\", \"CDAB\", \"BADC\" or \"DCBA\".");
}

TEST_CASE("registers that overlap, share a name or lie beyond the end are refused with both places") {
    CHECK(said(another("address = 7\ntype = \"bits\"\n")) ==
          "m.toml:12:11: \"other\" takes one of the registers of \"temperature\" at m.toml:4:1; expected ranges that do not overlap.");
    CHECK(said(another("address = 6\ntype = \"u32\"\norder = \"ABCD\"\n")).find("\"other\" takes one of the registers") !=
          std::string::npos);
    CHECK(parse_map(another("address = 5\ntype = \"u32\"\norder = \"ABCD\"\n"), "m.toml"));
    CHECK(said(with("[[register]]\nname = \"temperature\"\nfunction = \"holding\"\naddress = 7\ntype = \"u16\"\n")) ==
          "m.toml:10:8: register.name is \"temperature\", which is the register at m.toml:4:1 already.");
    CHECK(said(another("address = 65535\ntype = \"f32\"\norder = \"ABCD\"\n")) ==
          "m.toml:12:11: register.address has no room for 2 registers: addresses end at 65535.");
}

TEST_CASE("what does not belong to a type is refused, with what was found and expected") {
    CHECK(said(another("address = 9\ntype = \"f64\"\n")).find("register.type is the text \"f64\"; expected \"bits\", \"u16\"") !=
          std::string::npos);
    CHECK(said(another("address = 9\ntype = \"u16\"\nscal = 0.1\n")).find("unknown key \"scal\" in [register]; did you mean \"scale\"?") !=
          std::string::npos);
    CHECK(said(another("address = \"9\"\ntype = \"u16\"\n")).find("register.address is the text \"9\"; expected a whole number") !=
          std::string::npos);
    CHECK(said(another("address = 9\ntype = \"f32\"\norder = \"ABCD\"\nscale = 0.1\n")).find("scale has no effect here") !=
          std::string::npos);
    CHECK(said(another("address = 9\ntype = \"bits\"\nunit = \"V\"\n")).find("the type is \"bits\", which is no number") !=
          std::string::npos);
    CHECK(said(another("address = 9\ntype = \"u16\"\nabsent = 65536\n")).find("expected a whole number from 0 to 65535") !=
          std::string::npos);
    CHECK(said(another("address = 9\ntype = \"u16\"\nmin = 3\nmax = 2\n")).find("register.max is 2, which is not above min, 3") !=
          std::string::npos);
    CHECK(said(another("address = 9\ntype = \"bits\"\nbits = { 16 = \"x\" }\n")).find("unknown key \"16\"") != std::string::npos);
    CHECK(said(another("address = 9\ntype = \"text\"\norder = \"AB\"\nlength = 61\n")).find("expected a whole number from 1 to 60") !=
          std::string::npos);
    CHECK(said(with("[[register]]\nname = \"door\"\nfunction = \"coil\"\naddress = 0\ntype = \"u16\"\n")).find("expected \"bit\"") !=
          std::string::npos);
    CHECK(said(another("address = 9\ntype = \"u16\"\nscale = 0.0000000001\n")).find("register.scale is") != std::string::npos);
    CHECK(said("title = \"a\"\nsource = \"b\"\n") == "m.toml:1:1: there is no [[register]]; a map has at least one.");
    CHECK(said(with("").insert(0, "guard = \"time\"\n")) ==
          "m.toml:1:9: guard is \"time\"; expected the name of a [[register]] of this map.");
}

TEST_CASE("a queue names its count, its key and what advances it") {
    std::string const registers =
        "[[register]]\nname = \"n\"\nfunction = \"input\"\naddress = 0\ntype = \"u16\"\n"
        "[[register]]\nname = \"t\"\nfunction = \"input\"\naddress = 1\ntype = \"u32\"\norder = \"ABCD\"\n"
        "[[register]]\nname = \"x\"\nfunction = \"input\"\naddress = 8\ntype = \"u16\"\npoll_s = 3\n";
    std::string const head = "title = \"a\"\nsource = \"b\"\nbase = 0\n";
    std::string const next = "next = { function = \"coil\", address = 2, value = 0 }\n";
    auto const map = parse_map(head + "[queue]\ncount = \"n\"\nkey = \"t\"\n" + next + registers, "m.toml");
    INFO((map ? std::string() : map.error().message));
    REQUIRE(map);
    REQUIRE(map->queue);
    CHECK_FALSE(map->registers[map->queue->count].queued);
    CHECK(map->registers[map->queue->key].queued);
    CHECK_FALSE(map->registers[2].queued);
    CHECK(map->queue->next == ModbusFunction::write_single_coil);
    CHECK(map->queue->next_address == 2);
    CHECK(map->queue->next_value == 0);
    CHECK(said(head + "[queue]\ncount = \"n\"\nkey = \"x\"\n" + next + registers).find("is no part of a result") != std::string::npos);
    CHECK(said(head + "[queue]\ncount = \"n\"\nkey = \"t\"\n" + registers).find("queue.next is missing") != std::string::npos);
    CHECK(said(head + "[queue]\ncount = \"t2\"\nkey = \"t\"\n" + next + registers).find("queue.count is \"t2\"") != std::string::npos);
}

TEST_CASE("a map holds so many registers and not one more") {
    auto const registers = [](std::size_t count) {
        std::string text = "title = \"a\"\nsource = \"b\"\nbase = 0\n";
        for (std::size_t i = 0; i < count; ++i)
            text += fmt::format("[[register]]\nname = \"r{0}\"\nfunction = \"input\"\naddress = {0}\ntype = \"u16\"\n", i);
        return text;
    };
    CHECK(parse_map(registers(registers_max), "m.toml"));
    CHECK(said(registers(registers_max + 1)) == "m.toml:504:1: this is register number 101; a map has at most 100.");
}

TEST_CASE("every bundled map can be used, but the freezer that speaks ASCII, which is refused by name; none claims to have been tried") {
    int usable = 0;
    for (EmbeddedFile const& file : register_maps()) {
        auto const map = parse_map(std::string{file.bytes}, std::string{file.name});
        if (file.name == "thermo-tde.toml") {
            REQUIRE_FALSE(map);
            CHECK(map.error().message.find("Modbus ASCII is not spoken here") != std::string::npos);
            continue;
        }
        INFO(file.name << ": " << (map ? std::string() : map.error().message));
        REQUIRE(map);
        CHECK_FALSE(map->tried_on_hardware);
        CHECK(map->warnings.empty());
        CHECK(map->source.find("not tried on a device by us") != std::string::npos);
        ++usable;
    }
    CHECK(usable == 3);
    CHECK(bundled_map("hettich"));
    CHECK_FALSE(bundled_map("hettich.toml"));
    CHECK(bundled_map_names() == "\"hettich\", \"julabo\", \"minicapt\", \"thermo-tde\"");
}

TEST_CASE("neighbours are asked for together, gaps are not read over, and no value is cut in two") {
    std::string text = "title = \"a\"\nsource = \"b\"\nbase = 0\n";
    for (int i = 0; i < 80; ++i)
        text += fmt::format("[[register]]\nname = \"r{0}\"\nfunction = \"input\"\naddress = {1}\ntype = \"u32\"\norder = \"ABCD\"\n", i,
                            2 * i + (i >= 70 ? 5 : 0));
    auto const map = parse_map(text, "m.toml");
    REQUIRE(map);
    std::vector<std::size_t> all(map->registers.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = all.size() - 1 - i;
    auto const blocks = blocks_of(*map, all);
    REQUIRE(blocks.size() == 3);
    CHECK(blocks[0].count == 124);  // 62 values; a 63rd would pass 125 registers
    CHECK(blocks[1].address == 124);
    CHECK(blocks[1].count == 16);
    CHECK(blocks[2].address == 145);
    CHECK(blocks[2].registers.front() == 70);
}
