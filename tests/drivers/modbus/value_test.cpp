#include "drivers/modbus/value.hpp"

#include <bit>
#include <catch2/catch.hpp>

using namespace marrowlink;
using namespace marrowlink::modbus;

namespace {
using Words = std::vector<std::uint16_t>;

Register number(Type type, Order order = Order::ab, Scale scale = {}) {
    Register reg;
    reg.name = "t";
    reg.type = type;
    reg.order = order;
    reg.scale = scale;
    reg.count = type == Type::u32 || type == Type::i32 || type == Type::f32 ? 2 : 1;
    return reg;
}
std::string text(Register const& reg, Words const& words) { return value_of(reg, words).text; }
}  // namespace

TEST_CASE("a known constant reads the same in each of the four orders, and as nothing like it in the others (field 49)") {
    // 0x42168000 is 37.625; the bytes A B C D are 42 16 80 00.
    Words const wire[] = {{0x4216, 0x8000}, {0x8000, 0x4216}, {0x1642, 0x0080}, {0x0080, 0x1642}};
    Order const orders[] = {Order::abcd, Order::cdab, Order::badc, Order::dcba};
    for (std::size_t as = 0; as < 4; ++as) {
        for (std::size_t is = 0; is < 4; ++is) CHECK((text(number(Type::f32, orders[as]), wire[is]) == "37.625") == (as == is));
        CHECK(text(number(Type::u32, orders[as]), wire[as]) == "1108770816");
    }
    CHECK(text(number(Type::i32, Order::abcd), {0xFFFF, 0xFF38}) == "-200");
    CHECK(text(number(Type::i32, Order::cdab, {1, 1}), {0xFF38, 0xFFFF}) == "-20.0");
    CHECK(text(number(Type::u32, Order::abcd), {0xFFFF, 0xFFFF}) == "4294967295");
    CHECK(text(number(Type::u16, Order::ba), {0x0102}) == "513");
}

TEST_CASE("scaled values are exact decimal text") {
    CHECK(text(number(Type::u16, Order::ab, {1, 1}), {215}) == "21.5");
    CHECK(text(number(Type::i16, Order::ab, {1, 1}), {0xFFFF}) == "-0.1");
    CHECK(text(number(Type::i16, Order::ab, {1, 2}), {0}) == "0.00");
    CHECK(text(number(Type::i16, Order::ab, {5, 2}), {3}) == "0.15");
    CHECK(text(number(Type::u32, Order::abcd, {1, 5}), {0, 7}) == "0.00007");
    CHECK(text(number(Type::u16, Order::ab, {10, 0}), {65'535}) == "655350");
    CHECK(text(number(Type::f32, Order::abcd), {0x3DCC, 0xCCCD}) == "0.1");
}

TEST_CASE("what is no number never becomes one (field 51)") {
    for (std::uint32_t const bits : {0x7FC00000u, 0x7F800001u, 0xFFFFFFFFu, 0x7F800000u, 0xFF800000u}) {
        Value const value =
            value_of(number(Type::f32, Order::abcd), Words{static_cast<std::uint16_t>(bits >> 16), static_cast<std::uint16_t>(bits)});
        CHECK(value.text.empty());
        CHECK(value.flag.starts_with("no value"));
    }
    Register broken_sensor = number(Type::u16, Order::ab, {1, 1});
    broken_sensor.absent = 65'535;
    CHECK(value_of(broken_sensor, Words{65'535}) == Value{"", "no value (65535)"});
    CHECK(value_of(broken_sensor, Words{65'534}) == Value{"6553.4", ""});
    broken_sensor.type = Type::i16;
    broken_sensor.absent = -32'768;
    CHECK(value_of(broken_sensor, Words{0x8000}).text.empty());
}

TEST_CASE("a value out of its valid range is kept, with its flag in words") {
    Register reg = number(Type::i16, Order::ab, {1, 1});
    reg.unit = "°C";
    reg.min = 2;
    reg.max = 8;
    CHECK(value_of(reg, Words{50}) == Value{"5.0", ""});
    CHECK(value_of(reg, Words{20}) == Value{"2.0", ""});
    CHECK(value_of(reg, Words{19}) == Value{"1.9", "below the valid range 2 to 8 °C"});
    CHECK(value_of(reg, Words{81}) == Value{"8.1", "above the valid range 2 to 8 °C"});
    CHECK(conditions_of(reg, Words{81}) == std::vector<std::string>{"t above the valid range 2 to 8 °C"});
    reg.min.reset();
    CHECK(value_of(reg, Words{81}).flag == "above the valid range up to 8 °C");
}

TEST_CASE("bits are a number and the names of those that are set; a text is its letters") {
    Register reg = number(Type::bits);
    reg.bits[0] = "door open";
    reg.bits[10] = "hardware fault";
    CHECK(value_of(reg, Words{0}) == Value{"0", ""});
    CHECK(value_of(reg, Words{0x0403}) == Value{"1027", "door open, hardware fault"});
    CHECK(conditions_of(reg, Words{0x0402}) == std::vector<std::string>{"hardware fault"});
    Register letters = number(Type::text);
    letters.count = 3;
    CHECK(value_of(letters, Words{0x4D43, 0x2D31, 0x3020}) == Value{"", "MC-10"});
    letters.order = Order::ba;
    CHECK(value_of(letters, Words{0x434D, 0x312D, 0x0030}) == Value{"", "MC-10"});
}

TEST_CASE("every interpretation of a register is listed (field 49)") {
    auto const of = [](Register const& reg, Words const& words, std::string_view as) {
        for (auto const& one : interpretations_of(reg, words))
            if (one.as == as) return one.value;
        return std::string{"not listed"};
    };
    Words const wire{0x8000, 0x4216};
    Register const wide = number(Type::f32, Order::abcd);
    CHECK(interpretations_of(wide, wire).size() == 12);
    CHECK(of(wide, wire, "f32 CDAB") == "37.625");
    CHECK(of(wide, wire, "u32 ABCD") == "2147500566");
    CHECK(of(wide, wire, "i32 ABCD") == "-2147466730");
    Register const narrow = number(Type::i16, Order::ab, {1, 1});
    CHECK(of(narrow, {0xFFFE}, "i16 AB") == "-0.2");
    CHECK(of(narrow, {0xFFFE}, "u16 AB") == "6553.4");
    CHECK(of(narrow, {0xFFFE}, "u16 BA") == "6527.9");
}
