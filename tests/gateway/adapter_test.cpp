// What people are told of an adapter.
#include "gateway/adapter.hpp"

#include <catch2/catch.hpp>

#include "gateway/adapter_slots.hpp"
#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {
bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Told {
    Told() {
        place.owner = "lyon/gw1/reader";
        place.instrument = "reader";
        auto& state = report.state;
        state.firmware_minor = 1;
        state.firmware_patch = 2;
        state.board = wire::adapter::Board::stm32f405;
        state.storage = wire::adapter::Storage::fram;
        state.reset_cause = wire::adapter::ResetCause::power;
        state.boots = 3;
        state.uptime_ms = 61'500;
        state.capacity_kib = 508;
        state.freed = 100;
        state.written = 140;
        state.freed_data = 30;
        state.data_base = 1'000;
        state.heard = 38;
    }
    json::object json() const { return adapter_json(report, place); }
    std::string in_short() const { return adapter_in_short(json()); }
    std::string text() const { return adapter_text(json()); }

    AdapterPlace place;
    AdapterReport report;
};

AdapterSlot slot(std::uint64_t position, std::string payload, std::uint32_t boot, std::uint32_t arrived_ms) {
    AdapterSlot out;
    out.position = position;
    out.slot.boot = boot;
    out.slot.arrived_ms = arrived_ms;
    out.slot.payload_bytes = static_cast<std::uint16_t>(payload.size());
    out.payload = std::move(payload);
    return out;
}
}  // namespace

TEST_CASE("an adapter is told of in one line, with whose it is and what waits") {
    Told told;
    CHECK(told.in_short() == "firmware 0.1.2, FRAM, 3 starts, nobody's, 40 bytes wait");
    told.report.state.owner_id = adapter_owner_id(told.place.owner);
    told.report.state.owner_name = "reader";
    CHECK(has(told.in_short(), ", this gateway's, "));
    told.report.state.owner_id = 7;
    told.report.state.owner_name = "balance";
    told.report.state.flags = 1 + 32;
    CHECK(told.in_short() ==
          "firmware 0.1.2, FRAM, 3 starts, another owner's, \"balance\", 40 bytes wait; the log is full: nothing more is taken until some "
          "is freed; many of the last characters were damaged: is the baud rate or parity wrong?");
}

TEST_CASE("everything that an adapter says is told in words, with what the configuration asks for beside what is in force") {
    Told told;
    std::string const text = told.text();
    CHECK(has(text, "  firmware              0.1.2 on the STM32F405 board\n"));
    CHECK(has(text, "  memory                FRAM, 520192 bytes for the log\n"));
    CHECK(has(text, "  started               61.5 s ago (its power came back); 3 starts in all\n"));
    CHECK(has(text, "  waits                 40 bytes, positions 100 to 140 of the log\n"));
    CHECK(has(text, "  given before          30 bytes of data; the next is byte 1030 of its owner's count\n"));
    CHECK(has(text, "  a message ends        behind 0Ah\n"));
    CHECK_FALSE(has(text, "hardware id"));
    CHECK_FALSE(has(text, "binding"));
    CHECK_FALSE(has(text, "configuration asks"));
    told.report.state.hardware_id = {1, 2, 3, 4, 5, 6};
    told.report.state.settings_refused = 4;
    told.report.fault.number = 2;
    told.report.fault.pc = 0x0800'1234;
    told.place.settings.baud = 19'200;
    told.place.settings.unit = 9;  // of the bus: as the adapter has it
    std::string const other = told.text();
    CHECK(has(other, "  hardware id           000100020003000400050006\n"));
    CHECK(has(other, "  last fault            number 2 since power came: pc 08001234 lr 00000000 psr 00000000 cfsr 00000000 hfsr"));
    CHECK(has(other, "  settings refused      the last ones written, for their baud\n"));
    CHECK(has(other, "  baud                  9600   <- the configuration asks for 19200\n"));
    CHECK(has(other, "  unit                  1\n"));
}

TEST_CASE("slots are told one a line: printable, cut, with a time where it is known") {
    Told told;
    Clock::Utc const now = sim::default_utc;
    auto lost = slot(60, "ABCD", 2, 1'500);
    lost.holds = false;
    auto const text = slots_text({slot(0, "12.01 g\r\n", 2, 61'500), lost, slot(100, "\x02\xE9" + std::string(80, 'x'), 3, 1'500)},
                                 told.report.state, now);
    CHECK(text ==
          "  position  start  bytes  time                      data\n"
          "         0      2      9  61.5 s after that start   12.01 g\\r\\n\n"
          "        60      2      4  1.5 s after that start    The adapter's memory of 4 bytes went bad; they are lost.\n"
          "       100      3     82  2026-11-25T02:29:00.000Z  \\x02\\xE9" +
              std::string(slot_text_bytes_max - 8, 'x') + "…\n");
    auto const exact = slots_text({slot(0, std::string(slot_text_bytes_max, 'y'), 3, 0)}, told.report.state, now);
    CHECK_FALSE(has(exact, "…"));
}
