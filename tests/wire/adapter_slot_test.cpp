#include "wire/adapter_slot.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace marrowlink::wire;

namespace {
std::string hexadecimal(Bytes bytes) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0) out += i % 16 == 0 ? '\n' : ' ';
        out += digits[bytes[i] >> 4];
        out += digits[bytes[i] & 15];
    }
    return out;
}
}  // namespace

TEST_CASE("the document's example is what this code writes") {
    std::string const text = "12.01 g\n";
    Slot slot;
    slot.sequence = 4;
    slot.offset = 30;
    slot.boot = 3;
    slot.arrived_ms = 61'500;
    slot.lasted_ms = 8;
    slot.end = SlotEnd::terminator;
    slot.payload_bytes = static_cast<std::uint16_t>(text.size());
    std::vector<std::uint8_t> bytes(slot_bytes(slot));
    write_header(slot, bytes);
    std::copy(text.begin(), text.end(), bytes.begin() + slot_header_bytes);
    store_u32(bytes, bytes.size() - slot_sum_bytes, crc32(Bytes(bytes).first(bytes.size() - slot_sum_bytes)));

    std::ifstream in(MARROWLINK_SOURCE_DIR "/docs/adapter-registers.md");
    std::string const document{std::istreambuf_iterator<char>(in), {}};
    std::string const wanted = "```text\n" + hexadecimal(bytes) + "\n```";
    CAPTURE(wanted);
    CHECK(document.find(wanted) != std::string::npos);

    auto const read = read_header(bytes);
    REQUIRE(read);
    CHECK(read->offset == 30);
    CHECK(read->end == SlotEnd::terminator);
}

TEST_CASE("bytes that cannot be a header are none") {
    std::vector<std::uint8_t> header(slot_header_bytes);
    write_header({}, header);
    REQUIRE(read_header(header));
    CHECK_FALSE(read_header(Bytes(header).first(slot_header_bytes - 1)));
    auto const with = [&](std::size_t at, std::uint8_t value) {
        auto changed = header;
        changed[at] = value;
        return read_header(changed).has_value();
    };
    CHECK_FALSE(with(0, 0));
    CHECK_FALSE(with(26, 0));
    CHECK_FALSE(with(26, 4));
    CHECK_FALSE(with(27, 6));
    CHECK(with(2, 4));        // a payload of 1,024 bytes
    CHECK_FALSE(with(2, 5));  // and one of 1,280
    store_u16(header, 2, slot_payload_bytes_max + 1);
    CHECK_FALSE(read_header(header));
}
