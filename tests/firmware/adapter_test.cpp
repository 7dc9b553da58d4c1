#include "firmware/adapter.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/adapter_parts.hpp"
#include "wire/astm_link.hpp"

using namespace marrowlink;
using namespace marrowlink::firmware;
namespace map = wire::adapter;
using wire::modbus::Exception;

namespace {
std::string astm_frame(std::string const& text) {
    std::string frame = "\x02" + text + "\x03";
    unsigned sum = 0;
    for (char const c : frame.substr(1)) sum += static_cast<unsigned char>(c);
    constexpr char digits[] = "0123456789ABCDEF";
    return frame + digits[sum >> 4 & 15] + digits[sum & 15] + "\r\n";
}

struct Kept {
    wire::Slot slot;
    std::string payload;
};

struct Bench {
    explicit Bench(std::uint32_t memory_bytes = 64 << 10, map::Storage kind = map::Storage::fram) : memory(memory_bytes, kind) { start(); }

    void start() {
        instrument = std::make_unique<sim::AdapterUart>();
        bus = std::make_unique<sim::AdapterUart>();
        Identity identity;
        identity.version = {1, 2};
        identity.reset_cause = map::ResetCause::power;
        adapter = std::make_unique<Adapter>(memory, *instrument, *bus, identity);
        adapter->begin(now_us);
    }
    void run(std::uint64_t us) {
        for (std::uint64_t const end = now_us + us; now_us < end; now_us += 250) adapter->poll(now_us);
    }
    void say(std::string_view text, std::uint64_t then_us = 300'000) {
        instrument->say(text, now_us);
        run(then_us);
    }
    // One request of the master; the answer without address and CRC.
    std::vector<std::uint8_t> ask(std::vector<std::uint8_t> pdu) {
        pdu.insert(pdu.begin(), adapter->settings().unit);
        pdu.resize(pdu.size() + 2);
        wire::modbus::seal(pdu, pdu.size() - 2);
        bus->heard.clear();
        for (std::uint8_t const byte : pdu) bus->say(byte, now_us);
        run(10'000);
        std::vector<std::uint8_t> answer(bus->heard.begin(), bus->heard.end());
        REQUIRE(wire::modbus::whole(answer));
        return {answer.begin() + 1, answer.end() - 2};
    }
    std::vector<std::uint16_t> read(std::uint16_t address, std::uint16_t count) {
        std::vector<std::uint8_t> request(5, 3);
        wire::store_u16(request, 1, address);
        wire::store_u16(request, 3, count);
        auto const answer = ask(request);
        REQUIRE(answer.size() == 2u + 2u * count);
        std::vector<std::uint16_t> out;
        for (std::size_t i = 0; i < count; ++i) out.push_back(wire::load_u16(answer, 2 + 2 * i));
        return out;
    }
    Exception write(std::uint16_t address, std::vector<std::uint16_t> const& values) {
        std::vector<std::uint8_t> request(6 + 2 * values.size(), 16);
        wire::store_u16(request, 1, address);
        wire::store_u16(request, 3, static_cast<std::uint16_t>(values.size()));
        request[5] = static_cast<std::uint8_t>(2 * values.size());
        for (std::size_t i = 0; i < values.size(); ++i) wire::store_u16(request, 6 + 2 * i, values[i]);
        auto const answer = ask(request);
        return answer[0] == 16 ? Exception::none : static_cast<Exception>(answer[1]);
    }
    static std::vector<std::uint16_t> words(std::initializer_list<std::uint64_t> values) {
        std::vector<std::uint16_t> out;
        for (std::uint64_t const value : values)
            for (int shift = 48; shift >= 0; shift -= 16) out.push_back(static_cast<std::uint16_t>(value >> shift));
        return out;
    }
    Exception set(map::Settings const& settings) {
        auto const registers = map::encode(settings);
        auto const why = write(map::settings::base, {registers.begin(), registers.end()});
        run(1'000);
        return why;
    }
    Exception own(std::uint64_t id) {
        auto registers = words({id, id, 0});
        registers.resize(map::owner::count);
        registers[map::owner::name] = 'r' << 8 | 'e';
        return write(map::owner::base, registers);
    }
    std::uint64_t state(std::uint16_t at, std::uint16_t registers) {
        std::uint64_t out = 0;
        for (std::uint16_t const word : std::vector(read(map::state::base, map::state::count)))
            if (at > 0)
                --at;
            else if (registers-- > 0)
                out = out << 16 | word;
            else
                break;
        return out;
    }
    bool flag(map::Flag flag) { return (state(map::state::flags, 1) & static_cast<std::uint16_t>(flag)) != 0; }
    // Everything in the log, through the window alone.
    std::vector<Kept> kept() {
        std::string bytes;
        std::uint64_t cursor = state(map::state::freed, 4);
        for (;;) {
            REQUIRE(write(map::control::base + map::control::cursor, words({cursor})) == Exception::none);
            auto const window = read(map::window::base, map::window::count);
            CHECK(window[map::window::guard_first] == window[map::window::guard_last]);
            CHECK((window[1] << 16 | window[2]) == static_cast<int>(cursor));
            std::size_t const shown = window[map::window::bytes];
            if (shown == 0) break;
            for (std::size_t i = 0; i < shown; ++i)
                bytes += static_cast<char>(i % 2 == 0 ? window[map::window::data + i / 2] >> 8 : window[map::window::data + i / 2]);
            cursor += shown;
        }
        std::vector<Kept> out;
        wire::Bytes rest(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
        while (!rest.empty()) {
            auto const slot = wire::read_header(rest);
            REQUIRE(slot);
            std::size_t const size = wire::slot_bytes(*slot);
            REQUIRE(wire::load_u32(rest, size - 4) == wire::crc32(rest.first(size - 4)));
            out.push_back({*slot, {reinterpret_cast<char const*>(rest.data()) + wire::slot_header_bytes, slot->payload_bytes}});
            rest = rest.subspan(size);
        }
        return out;
    }
    std::vector<std::string> data() {
        std::vector<std::string> out;
        for (Kept const& one : kept())
            if (one.slot.kind == wire::SlotKind::data) out.push_back(one.payload);
        return out;
    }

    sim::AdapterMemory memory;
    std::uint64_t now_us = 10'000'000;
    std::unique_ptr<sim::AdapterUart> instrument, bus;
    std::unique_ptr<Adapter> adapter;
};
using Texts = std::vector<std::string>;

map::Settings astm_settings() {
    map::Settings settings;
    settings.framing = map::Framing::astm;
    settings.answer = map::Answer::astm;
    return settings;
}
}  // namespace

TEST_CASE("what an instrument says is read through the window, and goes when its owner has acknowledged it") {
    Bench bench;
    bench.say("first\nsecond\nunfinished");
    CHECK(bench.data() == Texts{"first\n", "second\n", "unfinished"});
    auto const kept = bench.kept();
    CHECK(kept[0].slot.kind == wire::SlotKind::restart);
    CHECK(bench.read(0, 2) == std::vector<std::uint16_t>{map::magic, map::map_version});
    std::uint64_t const written = bench.state(map::state::written, 4);
    // Nobody's data, or a stranger's word, frees nothing.
    CHECK(bench.write(map::control::base, Bench::words({0, written, written})) == Exception::illegal_data_value);
    REQUIRE(bench.own(77) == Exception::none);
    CHECK(bench.write(map::control::base, Bench::words({78, written, written})) == Exception::illegal_data_value);
    CHECK(bench.data().size() == 3);
    CHECK(bench.write(map::control::base, Bench::words({77, written - 1, written})) == Exception::illegal_data_value);
    CHECK(bench.write(map::control::base, Bench::words({77, written + 1, written})) == Exception::illegal_data_value);
    CHECK(bench.write(map::control::base, Bench::words({77, written, written})) == Exception::none);
    CHECK(bench.data().empty());
    CHECK(bench.state(map::state::freed, 4) == written);
    CHECK(bench.state(map::state::freed_data, 4) == 23);
}

TEST_CASE("characters that an interrupt brings after the clock was read are of a later moment, not of an earlier age") {
    Bench bench;
    bench.now_us = (std::uint64_t{3} << 32) - 100;  // the kept half of the time goes round meanwhile
    for (int later_us : {0, 90, 110, 400}) {
        for (char const c : std::string("line ") + std::to_string(later_us) + "\n")
            bench.instrument->say(static_cast<std::uint8_t>(c), bench.now_us + static_cast<std::uint64_t>(later_us));
        bench.adapter->poll(bench.now_us);
    }
    std::uint8_t request[8] = {1, 3, 0, 0, 0, 2};
    wire::modbus::seal(request, 6);
    for (std::uint8_t const byte : request) {
        bench.bus->say(byte, bench.now_us + 50);
        bench.adapter->poll(bench.now_us);
    }
    CHECK(bench.bus->heard.empty());  // silence has not begun
    bench.run(10'000);
    CHECK(bench.bus->heard.size() == 9);
    CHECK(bench.data().size() == 4);
}

TEST_CASE("an adapter that is emptied can be nobody's again; one that keeps something cannot") {
    Bench bench;
    REQUIRE(bench.own(77) == Exception::none);
    std::vector<std::uint16_t> const nobody(map::owner::count, 0);
    CHECK(bench.write(map::owner::base, nobody) == Exception::illegal_data_value);
    std::uint64_t const written = bench.state(map::state::written, 4);
    REQUIRE(bench.write(map::control::base, Bench::words({77, written, written})) == Exception::none);
    CHECK(bench.write(map::owner::base, nobody) == Exception::none);
    CHECK(bench.state(map::state::owner_id, 4) == 0);
    bench.say("heard meanwhile\n");
    // Nobody may acknowledge, with whatever number.
    std::uint64_t const end = bench.state(map::state::written, 4);
    CHECK(bench.write(map::control::base, Bench::words({0, end, end})) == Exception::illegal_data_value);
    CHECK(bench.own(78) == Exception::none);
    CHECK(bench.data() == Texts{"heard meanwhile\n"});
}

TEST_CASE("read and acknowledged in one request: function 23") {
    Bench bench;
    bench.say("hello\n");
    std::vector<std::uint8_t> request{23, 0x01, 0x00, 0, 125, 0x02, 0x08, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0};
    auto const answer = bench.ask(request);
    REQUIRE(answer.size() == 252);
    CHECK(wire::load_u16(answer, 2 + 2 * map::window::bytes) == 34 + 38);
}

TEST_CASE("a slot is written before the instrument hears ACK, and RAM never lets it hear one") {
    auto const kind = GENERATE(map::Storage::fram, map::Storage::semihosting, map::Storage::ram);
    Bench bench(64 << 10, kind);
    REQUIRE(bench.set(astm_settings()) == Exception::none);
    std::string const frame = astm_frame("1R|1|value|42\r");
    std::size_t slots_at_answer = 0;
    bench.instrument->on_send = [&] { slots_at_answer = bench.adapter->log().written() / wire::slot_header_bytes; };
    std::uint64_t const before = bench.adapter->log().written();
    bench.say("\x05", 1'000);
    if (kind == map::Storage::ram) {
        bench.say(frame, 300'000);
        CHECK(bench.instrument->heard.empty());
        CHECK(bench.data() == Texts{"\x05", frame});
        return;
    }
    CHECK(bench.instrument->heard == "\x06");
    bool written_first = false;
    bench.instrument->on_send = [&] { written_first = bench.adapter->log().written() >= before + 33 + 32 + frame.size(); };
    bench.say(frame, 1'000);
    CHECK(written_first);
    CHECK(bench.instrument->heard == "\x06\x06");
    bench.say("\x04", 1'000);
    CHECK(bench.instrument->heard == "\x06\x06");
    CHECK(bench.data() == Texts{"\x05", frame, "\x04"});
    // A frame whose sum does not hold is asked for again and not kept.
    std::string bad = frame;
    bad[5] ^= 1;
    bench.say(bad, 1'000);
    CHECK(bench.instrument->heard == "\x06\x06\x15");
    CHECK(bench.data().size() == 3);
}

TEST_CASE("a full log refuses the instrument that can be refused, and takes it again by itself") {
    Bench bench(SlotLog::storage_bytes_min);
    REQUIRE(bench.set(astm_settings()) == Exception::none);
    REQUIRE(bench.own(5) == Exception::none);
    std::string const frame = astm_frame("1" + std::string(230, 'x') + "\r");
    int taken = 0;
    while (bench.instrument->heard.find('\x15') == std::string::npos) {
        bench.say(frame, 1'000);
        ++taken;
        REQUIRE(taken < 100);
    }
    CHECK(bench.data().size() == static_cast<std::size_t>(taken - 1));
    CHECK(bench.flag(map::Flag::log_full));
    bench.instrument->heard.clear();
    bench.say("\x05", 1'000);
    CHECK(bench.instrument->heard == "\x15");
    std::uint64_t const written = bench.state(map::state::written, 4);
    REQUIRE(bench.write(map::control::base, Bench::words({5, written, written})) == Exception::none);
    bench.instrument->heard.clear();
    bench.say("\x05", 1'000);
    CHECK(bench.instrument->heard == "\x06");
    CHECK_FALSE(bench.flag(map::Flag::log_full));
}

TEST_CASE("an instrument that cannot be refused is held, and what is lost all the same is told at its place, with its count") {
    auto const flow = GENERATE(map::Flow::none, map::Flow::rts, map::Flow::xoff);
    Bench bench(SlotLog::storage_bytes_min);
    map::Settings settings;
    settings.flow = flow;
    REQUIRE(bench.set(settings) == Exception::none);
    REQUIRE(bench.own(5) == Exception::none);
    std::string said;
    std::size_t const line_bytes = 100;
    for (int n = 0; n < 200; ++n) {
        std::string line = std::to_string(1'000 + n) + std::string(line_bytes - 5, '.') + "\n";
        said += line;
        bench.instrument->say(line, bench.now_us);
        bench.run(2'000);
    }
    std::uint64_t const refused = bench.state(map::state::refused, 2);
    REQUIRE(refused > 0);
    CHECK(bench.flag(map::Flag::log_full));
    CHECK(bench.flag(map::Flag::stopped) == (flow != map::Flow::none));
    if (flow == map::Flow::rts) CHECK_FALSE(bench.instrument->ready);
    if (flow == map::Flow::xoff) CHECK(bench.instrument->heard == "\x13");
    // The gateway comes back.
    std::string got;
    std::uint32_t told = 0;
    std::size_t place = 0;
    for (int round = 0; round < 20; ++round) {
        for (Kept const& one : bench.kept()) {
            if (one.slot.kind == wire::SlotKind::data) got += one.payload;
            if (one.slot.kind == wire::SlotKind::loss) {
                wire::Bytes const payload(reinterpret_cast<std::uint8_t const*>(one.payload.data()), one.payload.size());
                told += wire::load_u32(payload, 0);
                place = got.size();
            }
        }
        std::uint64_t const written = bench.state(map::state::written, 4);
        REQUIRE(bench.write(map::control::base, Bench::words({5, written, written})) == Exception::none);
        if (round == 10) bench.say("and on\n");
    }
    CHECK(told == refused);
    CHECK(got == said.substr(0, place) + said.substr(place + told) + "and on\n");
    CHECK_FALSE(bench.flag(map::Flag::log_full));
    CHECK_FALSE(bench.flag(map::Flag::stopped));
    if (flow == map::Flow::rts) CHECK(bench.instrument->ready);
    if (flow == map::Flow::xoff) CHECK(bench.instrument->heard.back() == '\x11');
}

TEST_CASE("a damaged character is no value: it is left out, told at its place, and many of them are called a wrong line") {
    Bench bench;
    bench.instrument->say("12", bench.now_us);
    bench.instrument->say(std::uint8_t{0xFF}, bench.now_us, true);
    bench.instrument->say("34\n", bench.now_us);
    bench.run(300'000);
    auto const kept = bench.kept();
    REQUIRE(kept.size() == 4);
    CHECK(kept[1].payload == "12");
    CHECK(kept[2].slot.kind == wire::SlotKind::loss);
    CHECK(kept[3].payload == "34\n");
    CHECK_FALSE(bench.flag(map::Flag::wrong_line));
    for (int i = 0; i < 64; ++i) bench.instrument->say(std::uint8_t{0}, bench.now_us, i % 3 == 0);
    bench.run(300'000);
    CHECK(bench.flag(map::Flag::wrong_line));
    CHECK(bench.state(map::state::damaged, 1) == 23);
}

TEST_CASE("a command reaches the instrument once, however often its request is repeated") {
    Bench bench;
    std::vector<std::uint16_t> const command{9, 3, 'G' << 8 | 'O', '\r' << 8};
    bench.instrument->send_bytes_max = 2;
    CHECK(bench.write(map::command::base, command) == Exception::none);
    CHECK(bench.write(map::command::base, command) == Exception::none);
    CHECK(bench.instrument->heard == "GO\r");
    CHECK(bench.state(map::state::command_token, 1) == 9);
    bench.instrument->send_bytes_max = 0;
    CHECK(bench.write(map::command::base, {10, 1, 'X' << 8}) == Exception::none);
    CHECK(bench.write(map::command::base, {11, 1, 'Y' << 8}) == Exception::server_device_busy);
    bench.instrument->send_bytes_max = 10;
    bench.run(1'000);
    CHECK(bench.instrument->heard == "GO\rX");
    CHECK(bench.write(map::command::base, {12, 241, 0}) == Exception::illegal_data_value);
    CHECK(bench.write(map::command::base, {12, 4, 0}) == Exception::illegal_data_value);
    CHECK(bench.write(map::command::base, {0, 1, 0}) == Exception::illegal_data_value);
}

TEST_CASE("settings are refused as a whole by the name of the first that cannot be, and kept over a restart") {
    Bench bench;
    CHECK(bench.flag(map::Flag::settings_default));
    map::Settings settings = bench.adapter->settings();
    settings.baud = 19'200;
    settings.unit = 9;
    auto registers = map::encode(settings);
    registers[static_cast<std::size_t>(map::Setting::stop_bits)] = 3;
    CHECK(bench.write(map::settings::base, {registers.begin(), registers.end()}) == Exception::illegal_data_value);
    CHECK(bench.state(map::state::settings_refused, 1) == static_cast<std::uint16_t>(map::Setting::stop_bits) + 1);
    CHECK(bench.adapter->settings().unit == 1);
    CHECK(bench.write(map::settings::base, {9}) == Exception::illegal_data_address);  // not one alone
    CHECK(bench.set(settings) == Exception::none);
    CHECK(bench.adapter->settings() == settings);
    CHECK(bench.instrument->line.baud == 19'200);
    CHECK_FALSE(bench.flag(map::Flag::settings_default));
    bench.start();
    CHECK(bench.adapter->settings() == settings);
    CHECK(bench.instrument->line.baud == 19'200);
    CHECK(bench.state(map::state::boots, 2) == 2);
}

TEST_CASE("settings that change while an instrument speaks cost no byte") {
    Bench bench;
    bench.instrument->say("begun under the old ", bench.now_us);
    bench.run(1'000);
    map::Settings settings;
    settings.framing = map::Framing::idle;
    REQUIRE(bench.set(settings) == Exception::none);
    CHECK(bench.instrument->configured == 1);  // the line is as it was, and a port that is set anew loses a character
    bench.say("and ended under the new\n");
    CHECK(bench.data() == Texts{"begun under the old ", "and ended under the new\n"});
}

TEST_CASE("a memory that fails is said, takes nothing, and is tried again") {
    Bench bench;
    REQUIRE(bench.set(astm_settings()) == Exception::none);
    bench.memory.write_fails = true;
    bench.say("\x05", 1'000);
    CHECK(bench.instrument->heard == "\x15");
    CHECK(bench.flag(map::Flag::storage_failed));
    bench.memory.write_fails = false;
    bench.say("\x05", 1'000);
    CHECK(bench.instrument->heard == "\x15\x06");
    CHECK_FALSE(bench.flag(map::Flag::storage_failed));

    bench.memory.read_fails = true;
    bench.start();
    CHECK(bench.flag(map::Flag::storage_failed));
    bench.memory.read_fails = false;
    bench.run(1'100'000);
    CHECK_FALSE(bench.flag(map::Flag::storage_failed));
    CHECK(bench.data().size() == 1);
}

TEST_CASE("state and window are of one moment, also for a tool that reads them in pieces") {
    Bench bench;
    bench.say("one\n");
    auto first = bench.read(map::state::base, 30);
    bench.say("two\n");
    auto const rest = bench.read(map::state::base + 30, map::state::count - 30);
    first.insert(first.end(), rest.begin(), rest.end());
    CHECK(first[map::state::guard_first] == first[map::state::guard_last]);
    CHECK(first[map::state::heard + 1] == 4);
    auto window = bench.read(map::window::base, 60);
    bench.say("three\n");
    auto const end = bench.read(map::window::base + 60, 65);
    CHECK(window[map::window::guard_first] == end.back());
    CHECK(window[map::window::bytes] == 34 + 36 + 36);
    CHECK(bench.ask({3, 0, 71, 0, 2})[0] == 0x83);  // over the end of a block
}
