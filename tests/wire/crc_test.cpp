#include "wire/crc.hpp"

#include <catch2/catch.hpp>
#include <string_view>

#include "wire/astm_link.hpp"
#include "wire/modbus_rtu.hpp"
#include "wire/ring.hpp"

using namespace marrowlink::wire;

namespace {
Bytes bytes_of(std::string_view text) { return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()}; }
}  // namespace

TEST_CASE("check sums have the values that their catalogues give for \"123456789\"") {
    CHECK(crc16_modbus(bytes_of("123456789")) == 0x4B37);
    CHECK(crc32(bytes_of("123456789")) == 0xCBF43926);
    CHECK(crc32(bytes_of("6789"), crc32(bytes_of("12345"))) == 0xCBF43926);
}

TEST_CASE("the example of a request in the Modbus documents has the CRC that masters send") {
    std::uint8_t frame[8] = {0x11, 0x03, 0x00, 0x6B, 0x00, 0x03};
    CHECK(modbus::seal(frame, 6) == 8);
    CHECK(frame[6] == 0x76);
    CHECK(frame[7] == 0x87);
    CHECK(modbus::whole(frame));
    for (std::size_t bit = 0; bit < 64; ++bit) {
        frame[bit / 8] = static_cast<std::uint8_t>(frame[bit / 8] ^ 1u << bit % 8);
        CHECK_FALSE(modbus::whole(frame));
        frame[bit / 8] = static_cast<std::uint8_t>(frame[bit / 8] ^ 1u << bit % 8);
    }
}

TEST_CASE("numbers come back from where they were stored, the high byte first") {
    std::uint8_t out[8];
    store_u64(out, 0, 0x0102030405060708);
    for (unsigned i = 0; i < 8; ++i) CHECK(out[i] == i + 1);
    CHECK(load_u64(out, 0) == 0x0102030405060708);
    CHECK(load_u32(out, 4) == 0x05060708);
    CHECK(load_u16(out, 1) == 0x0203);
}

TEST_CASE("silence between frames: 3.5 characters, and 1.75 ms above 19,200 baud (Serial Line 2.5.1.1)") {
    CHECK(modbus::frame_silence_us(9'600) == 4'011);
    CHECK(modbus::frame_silence_us(19'200) == 2'006);
    CHECK(modbus::frame_silence_us(38'400) == 1'750);
    CHECK(modbus::frame_silence_us(115'200) == 1'750);
}

TEST_CASE("an ASTM frame is whole when its two digits are the sum of what stands before them") {
    std::string frame =
        "\x02"
        "1H|\\^&\r\x03";
    unsigned sum = 0;
    for (char const c : frame.substr(1)) sum += static_cast<unsigned char>(c);
    constexpr char digits[] = "0123456789ABCDEF";
    frame += {digits[sum >> 4 & 15], digits[sum & 15], '\r', '\n'};
    CHECK(astm::whole(bytes_of(frame)));
    for (std::size_t i = 0; i < frame.size(); ++i) {
        std::string altered = frame;
        altered[i] = static_cast<char>(altered[i] ^ 1);
        INFO("byte " << i);
        CHECK_FALSE(astm::whole(bytes_of(altered)));
    }
    CHECK_FALSE(astm::whole(bytes_of(frame.substr(0, frame.size() - 1))));
}

TEST_CASE("a ring gives what it was given, in order, and takes nothing when it is full") {
    Ring<int, 4> ring;
    int out = 0, next = 0, expected = 0;
    CHECK_FALSE(ring.pop(out));
    for (int round = 0; round < 10; ++round) {
        while (ring.push(next)) ++next;
        CHECK(ring.room() == 0);
        for (int i = 0; i < 3; ++i) {
            REQUIRE(ring.pop(out));
            CHECK(out == expected++);
        }
    }
    CHECK(ring.size() == 1);
}
