// By clause of "MODBUS over Serial Line V1.02" (SL) and "MODBUS Application Protocol V1.1b3" (AP).
#include "firmware/modbus_server.hpp"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <map>
#include <random>
#include <vector>

using namespace marrowlink;
using namespace marrowlink::firmware;
using wire::modbus::Exception;

namespace {
using Frame = std::vector<std::uint8_t>;

Frame sealed(std::initializer_list<int> bytes) {
    Frame frame;
    for (int const byte : bytes) frame.push_back(static_cast<std::uint8_t>(byte));
    frame.resize(frame.size() + 2);
    wire::modbus::seal(frame, frame.size() - 2);
    return frame;
}

// Registers 0 to 199 hold their own address until they are written; 300 is broken.
struct Bank final : RegisterBank {
    bool readable(std::uint16_t address, std::uint16_t count) const override { return address + count <= 200 || address == 300; }
    Exception read(std::uint16_t address, wire::MutableBytes out) override {
        if (address == 300) return Exception::server_device_failure;
        for (std::size_t i = 0; i < out.size() / 2; ++i) {
            auto const at = static_cast<std::uint16_t>(address + i);
            wire::store_u16(out, 2 * i, written.contains(at) ? written[at] : at);
        }
        return Exception::none;
    }
    Exception write(std::uint16_t address, wire::Bytes values) override {
        if (address + values.size() / 2 > 200) return Exception::illegal_data_address;
        if (busy) return Exception::server_device_busy;
        for (std::size_t i = 0; i < values.size() / 2; ++i)
            written[static_cast<std::uint16_t>(address + i)] = wire::load_u16(values, 2 * i);
        return Exception::none;
    }
    std::map<std::uint16_t, std::uint16_t> written;
    bool busy = false;
};

struct Line {
    Bank bank;
    ModbusServer server{bank};
    std::uint64_t now_us = 1'000'000;
    Line() { server.configure(0x11, 19'200); }  // silence: 2,006 µs, a character: 573 µs

    void send(Frame const& frame, std::uint64_t character_us = 573) {
        for (std::uint8_t const byte : frame) server.receive(byte, now_us += character_us);
    }
    Frame answer_after(std::uint64_t silence_us) {
        now_us += silence_us;
        auto const bytes = server.poll(now_us);
        return {bytes.begin(), bytes.end()};
    }
    Frame ask(Frame const& frame) {
        send(frame);
        return answer_after(3'000);
    }
};
}  // namespace

TEST_CASE("AP 6.3: read holding registers; the example's addresses and its form of answer") {
    Line line;
    CHECK(line.ask(sealed({0x11, 3, 0x00, 0x6B, 0x00, 0x03})) == sealed({0x11, 3, 6, 0x00, 0x6B, 0x00, 0x6C, 0x00, 0x6D}));
    CHECK(line.ask(sealed({0x11, 4, 0x00, 0x08, 0x00, 0x01})) == sealed({0x11, 4, 2, 0x00, 0x08}));  // AP 6.4
}

TEST_CASE("AP 6.3: the most that may be read, and one more (limit + 1); none at all") {
    Line line;
    CHECK(line.ask(sealed({0x11, 3, 0, 0, 0, 125})).size() == 255);
    CHECK(line.ask(sealed({0x11, 3, 0, 0, 0, 126})) == sealed({0x11, 0x83, 3}));
    CHECK(line.ask(sealed({0x11, 3, 0, 0, 0, 0})) == sealed({0x11, 0x83, 3}));
    CHECK(line.ask(sealed({0x11, 3, 0, 199, 0, 1})) == sealed({0x11, 3, 2, 0, 199}));
    CHECK(line.ask(sealed({0x11, 3, 0, 199, 0, 2})) == sealed({0x11, 0x83, 2}));
    CHECK(line.ask(sealed({0x11, 3, 0xFF, 0xFF, 0, 2})) == sealed({0x11, 0x83, 2}));
}

TEST_CASE("AP 6.6 and 6.12: writing one and several registers echoes what was asked") {
    Line line;
    CHECK(line.ask(sealed({0x11, 6, 0, 1, 0x12, 0x34})) == sealed({0x11, 6, 0, 1, 0x12, 0x34}));
    CHECK(line.bank.written[1] == 0x1234);
    CHECK(line.ask(sealed({0x11, 16, 0, 2, 0, 2, 4, 0, 10, 1, 2})) == sealed({0x11, 16, 0, 2, 0, 2}));
    CHECK(line.bank.written[3] == 0x0102);
    CHECK(line.ask(sealed({0x11, 16, 0, 2, 0, 2, 3, 0, 10, 1})) == sealed({0x11, 0x90, 3}));  // a byte count that is not twice the quantity
    CHECK(line.ask(sealed({0x11, 16, 0, 2, 0, 0, 0})) == sealed({0x11, 0x90, 3}));
    CHECK(line.ask(sealed({0x11, 16, 0, 250, 0, 1, 2, 0, 1})) == sealed({0x11, 0x90, 2}));
    Frame most{0x11, 16, 0, 0, 0, 123, 246};
    most.resize(7 + 246 + 2);
    wire::modbus::seal(most, most.size() - 2);
    CHECK(line.ask(most) == sealed({0x11, 16, 0, 0, 0, 123}));
}

TEST_CASE("AP 6.17: read/write writes first, and neither happens when one cannot") {
    Line line;
    CHECK(line.ask(sealed({0x11, 23, 0, 5, 0, 2, 0, 5, 0, 1, 2, 0xAB, 0xCD})) == sealed({0x11, 23, 4, 0xAB, 0xCD, 0, 6}));
    CHECK(line.ask(sealed({0x11, 23, 0, 250, 0, 2, 0, 7, 0, 1, 2, 9, 9})) == sealed({0x11, 0x97, 2}));
    CHECK_FALSE(line.bank.written.contains(7));
    CHECK(line.ask(sealed({0x11, 23, 0, 5, 0, 126, 0, 7, 0, 1, 2, 9, 9})) == sealed({0x11, 0x97, 3}));
    CHECK(line.ask(sealed({0x11, 23, 0, 5, 0, 1, 0, 250, 0, 1, 2, 9, 9})) == sealed({0x11, 0x97, 2}));
}

TEST_CASE("AP 6.8 and 7: return query data, a function that is not there, a device that fails, one that is busy") {
    Line line;
    CHECK(line.ask(sealed({0x11, 8, 0, 0, 0xA5, 0x37})) == sealed({0x11, 8, 0, 0, 0xA5, 0x37}));
    CHECK(line.ask(sealed({0x11, 8, 0, 10, 0, 0})) == sealed({0x11, 0x88, 1}));
    CHECK(line.ask(sealed({0x11, 1, 0, 0, 0, 1})) == sealed({0x11, 0x81, 1}));
    CHECK(line.ask(sealed({0x11, 0x2B, 14, 1, 0})) == sealed({0x11, 0xAB, 1}));
    CHECK(line.ask(sealed({0x11, 3, 1, 44, 0, 1})) == sealed({0x11, 0x83, 4}));
    line.bank.busy = true;
    CHECK(line.ask(sealed({0x11, 6, 0, 1, 0, 1})) == sealed({0x11, 0x86, 6}));
}

TEST_CASE("SL 2.2: other units are not answered, nor a broadcast; after them the line is heard again") {
    Line line;
    CHECK(line.ask(sealed({0x12, 3, 0, 1, 0, 1})).empty());
    CHECK(line.ask(sealed({0x00, 6, 0, 1, 0x55, 0x55})).empty());
    CHECK_FALSE(line.bank.written.contains(1));
    CHECK(line.ask(sealed({0x11, 3, 0, 1, 0, 1})) == sealed({0x11, 3, 2, 0, 1}));
    CHECK(line.server.bad_frames() == 0);
}

TEST_CASE("SL 2.3 and 6.2: a frame with a wrong bit is not answered and is counted, whichever bit it is") {
    Frame const good = sealed({0x11, 3, 0, 1, 0, 1});
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        Line line;
        Frame bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1u << bit % 8);
        INFO("bit " << bit);
        line.send(bad);
        CHECK(line.answer_after(3'000).empty());
        CHECK(line.answer_after(50'000).empty());
        CHECK(line.ask(good) == sealed({0x11, 3, 2, 0, 1}));
    }
}

TEST_CASE("SL 2.5.1.1: an answer comes after 3.5 characters of silence, not before") {
    Line line;
    line.send(sealed({0x11, 3, 0, 1, 0, 1}));
    CHECK(line.answer_after(2'000).empty());
    CHECK(line.answer_after(10).size() == 7);
    CHECK(line.answer_after(10'000).empty());  // once
}

TEST_CASE("SL 2.5.1.1: gaps inside a frame that USB adapters make are borne; longer ones end it (field 44)") {
    Line line;
    Frame const good = sealed({0x11, 3, 0, 1, 0, 1});
    line.send(good, 16'000);
    CHECK(line.answer_after(3'000).size() == 7);
    line.send({good.begin(), good.begin() + 5});
    line.now_us += 20'000;
    line.send(good);
    CHECK(line.answer_after(3'000).size() == 7);
    CHECK(line.server.bad_frames() == 1);
    line.send({good.begin(), good.begin() + 5});
    CHECK(line.answer_after(30'000).empty());
    CHECK(line.ask(good).size() == 7);
}

TEST_CASE("SL 2.5.1.1: bytes that follow a request without silence make it void") {
    Line line;
    line.send(sealed({0x11, 6, 0, 1, 0x12, 0x34}));
    line.send({0x00});
    CHECK(line.answer_after(3'000).empty());
    CHECK_FALSE(line.bank.written.contains(1));
    CHECK(line.ask(sealed({0x11, 3, 0, 1, 0, 1})).size() == 7);
}

TEST_CASE("SL 2.5.1: a character that could not be read makes its frame void") {
    Line line;
    Frame const good = sealed({0x11, 6, 0, 1, 0x12, 0x34});
    line.send({good.begin(), good.begin() + 4});
    line.server.damaged(line.now_us += 573);
    line.send({good.begin() + 5, good.end()});
    CHECK(line.answer_after(30'000).empty());
    CHECK_FALSE(line.bank.written.contains(1));
    CHECK(line.server.bad_frames() == 1);
}

TEST_CASE("a master's request that comes while another unit's answer is awaited is not taken for it (field 44)") {
    Line line;
    line.send(sealed({0x12, 3, 0, 1, 0, 1}));  // an absent unit: nobody answers
    line.now_us += 200'000;
    CHECK(line.ask(sealed({0x11, 3, 0, 1, 0, 1})).size() == 7);
    // The answer of another unit, whose data look like a request to this one.
    Frame const inner = sealed({0x11, 6, 0, 1, 0x66, 0x66});
    Frame answer{0x12, 3, static_cast<std::uint8_t>(inner.size())};
    answer.insert(answer.end(), inner.begin(), inner.end());
    answer.resize(answer.size() + 2);
    wire::modbus::seal(answer, answer.size() - 2);
    CHECK(line.ask(answer).empty());
    CHECK_FALSE(line.bank.written.contains(1));
}

TEST_CASE("whatever is on the line, the server goes on, and a request after silence is answered (field 46)") {
    Line line;
    std::mt19937 dice(46);
    Frame const good = sealed({0x11, 3, 0, 1, 0, 1});
    for (int round = 0; round < 20'000; ++round) {
        for (unsigned n = dice() % 40; n > 0; --n) {
            bool const like = dice() % 3 == 0;
            std::uint8_t const byte = like ? static_cast<std::uint8_t>(dice() % 24) : static_cast<std::uint8_t>(dice());
            line.server.receive(byte, line.now_us += dice() % 3'000);
            if (dice() % 4 == 0) line.server.poll(line.now_us += dice() % 5'000);
        }
        line.answer_after(25'000);
        REQUIRE(line.ask(good).size() == 7);
    }
}
