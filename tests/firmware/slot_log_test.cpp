#include "firmware/slot_log.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>
#include <string>

#include "tests/sim/adapter_parts.hpp"

using namespace marrowlink;
using namespace marrowlink::firmware;
using sim::AdapterMemory;
using sim::PowerLost;
using Outcome = SlotLog::Outcome;

namespace {
wire::Bytes bytes_of(std::string const& text) { return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()}; }

struct Kept {
    wire::Slot slot;
    std::string payload;
    std::uint64_t end = 0;  // position
    bool holds = false;     // its CRC
};

// Read as the gateway does: the bytes from `freed` to `written`, cut into slots.
std::vector<Kept> kept(SlotLog& log) {
    std::vector<std::uint8_t> bytes(log.written() - log.freed());
    REQUIRE(log.read(log.freed(), bytes));
    std::vector<Kept> out;
    std::size_t at = 0;
    while (at < bytes.size()) {
        auto const slot = wire::read_header(wire::Bytes(bytes).subspan(at));
        REQUIRE(slot);
        std::size_t const size = wire::slot_bytes(*slot);
        REQUIRE(at + size <= bytes.size());
        auto const all = wire::Bytes(bytes).subspan(at, size);
        Kept& one = out.emplace_back();
        one.slot = *slot;
        one.payload.assign(reinterpret_cast<char const*>(all.data()) + wire::slot_header_bytes, slot->payload_bytes);
        one.holds = wire::load_u32(all, size - 4) == wire::crc32(all.first(size - 4));
        at += size;
        one.end = log.freed() + at;
    }
    return out;
}

wire::Slot data() {
    wire::Slot slot;
    slot.end = wire::SlotEnd::terminator;
    return slot;
}
OwnerName name_of(std::string const& text) {
    OwnerName out{};
    std::copy(text.begin(), text.end(), out.begin());
    return out;
}
}  // namespace

TEST_CASE("what was appended is there after a restart, in order, with its place among all bytes") {
    AdapterMemory memory(64 << 10);
    {
        SlotLog log(memory);
        REQUIRE(log.open());
        CHECK(log.empty());
        CHECK(log.boots() == 1);
        for (std::string const text : {"one", "", "three and more"}) REQUIRE(log.append(data(), bytes_of(text)) == Outcome::done);
    }
    SlotLog log(memory);
    REQUIRE(log.open());
    CHECK(log.boots() == 2);
    auto const all = kept(log);
    REQUIRE(all.size() == 3);
    CHECK(all[0].payload == "one");
    CHECK(all[2].payload == "three and more");
    CHECK(all[2].slot.sequence == 2);
    CHECK(all[2].slot.offset == 3);
    CHECK(all[2].slot.boot == 1);
    REQUIRE(log.free(all[1].end) == Outcome::done);
    CHECK(kept(log).front().payload == "three and more");
    CHECK(log.free(all[0].end) == Outcome::done);            // said again
    CHECK(log.free(all[2].end - 1) == Outcome::no_room);     // inside a slot
    CHECK(log.free(log.written() + 1) == Outcome::no_room);  // beyond the log
    CHECK(kept(log).size() == 1);
}

TEST_CASE("a full log takes nothing more and keeps what it has; room for what tells of losses is kept") {
    AdapterMemory memory(SlotLog::storage_bytes_min);
    SlotLog log(memory);
    REQUIRE(log.open());
    std::string const text(500, 'x');
    std::size_t appended = 0;
    while (log.append(data(), bytes_of(text)) == Outcome::done) ++appended;
    CHECK(appended == (log.capacity_bytes() - SlotLog::reserve_bytes) / (500 + 32));
    CHECK_FALSE(log.has_room(500));
    wire::Slot loss;
    loss.kind = wire::SlotKind::loss;
    CHECK(log.append(loss, bytes_of(std::string(12, '\0'))) == Outcome::done);
    auto const all = kept(log);
    CHECK(all.size() == appended + 1);
    for (Kept const& one : all) CHECK(one.holds);
    REQUIRE(log.free(all[0].end) == Outcome::done);
    CHECK(log.append(data(), bytes_of(text)) == Outcome::done);
}

TEST_CASE("the log goes round its ring many times and over restarts") {
    AdapterMemory memory(SlotLog::storage_bytes_min + 77);
    std::mt19937 dice(5);
    std::string expected, got;
    auto log = std::make_unique<SlotLog>(memory);
    REQUIRE(log->open());
    std::uint32_t sequence = 0;
    for (int n = 0; n < 3'000; ++n) {
        std::string const text(dice() % 300, static_cast<char>('a' + n % 26));
        if (log->append(data(), bytes_of(text)) == Outcome::done) expected += text;
        if (dice() % 4 == 0) {
            auto const all = kept(*log);
            std::size_t const take = dice() % (all.size() + 1);
            for (std::size_t i = 0; i < take; ++i) {
                CHECK(all[i].slot.sequence == sequence++);
                CHECK(all[i].slot.offset == got.size());
                got += all[i].payload;
            }
            if (take > 0) REQUIRE(log->free(all[take - 1].end) == Outcome::done);
        }
        if (dice() % 50 == 0) {
            log = std::make_unique<SlotLog>(memory);
            REQUIRE(log->open());
        }
    }
    for (Kept const& one : kept(*log)) got += one.payload;
    CHECK(got == expected);
    CHECK(log->written() > 20 * memory.bytes());
}

TEST_CASE(
    "power may go at every byte of every write: what was done stays done, what was not is whole or absent, and no sequence comes twice") {
    constexpr std::uint32_t bytes = SlotLog::storage_bytes_min;
    AdapterMemory first(bytes);
    {
        SlotLog log(first);
        REQUIRE(log.open());
    }  // formatted once: what follows is about a log in use
    std::vector<std::uint8_t> const formatted = first.memory;

    for (std::uint64_t cut = 0;; ++cut) {
        CAPTURE(cut);
        AdapterMemory memory(bytes);
        memory.memory = formatted;
        memory.power_bytes = cut;
        std::map<std::uint32_t, std::string> done;  // by sequence
        std::optional<std::string> doing;
        std::uint64_t freed = 0;
        std::uint32_t freed_sequence = 0;
        bool owned = false, kept_settings = false, lost = false;
        auto const settings = wire::adapter::encode(wire::adapter::Settings{});
        try {  // no REQUIRE around what may lose power: it would take that for a failure
            SlotLog log(memory);
            bool const opened = log.open();
            REQUIRE(opened);
            for (int n = 0; n < 60; ++n) {
                std::string const text = std::string(static_cast<std::size_t>(n * 37 % 290), static_cast<char>('A' + n % 26)) + "\n";
                doing = text;
                auto const outcome = log.append(data(), bytes_of(text));
                doing.reset();
                REQUIRE(outcome != Outcome::failed);
                if (outcome == Outcome::done) done[kept(log).back().slot.sequence] = text;
                if (n == 2) {
                    log.own({42, 42, 7, name_of("reader")});
                    owned = true;
                }
                if (n == 3) {
                    log.keep(settings);
                    kept_settings = true;
                }
                if (n % 3 == 2) {
                    auto const all = kept(log);
                    std::uint64_t const to = all[all.size() / 2].end;
                    auto const outcome_of_free = log.free(to);
                    REQUIRE(outcome_of_free == Outcome::done);
                    freed = to;
                    freed_sequence = all[all.size() / 2].slot.sequence + 1;
                }
            }
        } catch (PowerLost const&) {
            lost = true;
        }
        memory.power_bytes.reset();
        SlotLog log(memory);
        REQUIRE(log.open());
        if (log.freed() < freed) FAIL("an acknowledgement was forgotten: " << log.freed() << " < " << freed);
        auto const all = kept(log);
        std::set<std::uint32_t> seen;
        for (Kept const& one : all) {
            REQUIRE(one.holds);
            seen.insert(one.slot.sequence);
            if (done.contains(one.slot.sequence)) {
                if (one.payload != done[one.slot.sequence]) FAIL("slot " << one.slot.sequence << " is altered");
            } else if (!doing || one.payload != *doing) {
                FAIL("slot " << one.slot.sequence << " holds what nobody appended");
            }
        }
        // A free that was under way may be forgotten or done; what it did not name must be there.
        for (auto const& [sequence, text] : done)
            if (sequence >= freed_sequence && log.freed() == freed && !seen.contains(sequence)) FAIL("slot " << sequence << " is lost");
        if (owned && log.owner().id != 42) FAIL("the owner is forgotten");
        if (kept_settings && log.settings() != settings) FAIL("the settings are forgotten");
        REQUIRE(log.append(data(), bytes_of("after")) == Outcome::done);
        auto const again = kept(log);
        if (done.contains(again.back().slot.sequence)) FAIL("sequence " << again.back().slot.sequence << " is used twice");
        if (!lost) {
            CHECK(cut > 9'000);                         // the loop went through every byte of the scenario,
            CHECK(log.freed() > log.capacity_bytes());  // and the scenario round the ring
            break;
        }
    }
}

TEST_CASE("power may go at every byte while an empty memory is prepared, whatever it held before") {
    AdapterMemory old(SlotLog::storage_bytes_min);
    {
        SlotLog log(old);
        REQUIRE(log.open());
        for (int n = 0; n < 6; ++n) REQUIRE(log.append(data(), bytes_of("of an earlier life")) == Outcome::done);
    }
    // Its cells are gone: nothing says what of it is still wanted.
    std::fill_n(old.memory.begin(), SlotLog::cells * SlotLog::cell_bytes, std::uint8_t{0xFF});
    for (std::uint64_t cut = 0;; cut += 7) {
        CAPTURE(cut);
        AdapterMemory memory(SlotLog::storage_bytes_min);
        memory.memory = old.memory;
        memory.power_bytes = cut;
        bool lost = false;
        try {
            SlotLog log(memory);
            bool const opened = log.open();
            REQUIRE(opened);
        } catch (PowerLost const&) {
            lost = true;
        }
        memory.power_bytes.reset();
        SlotLog log(memory);
        REQUIRE(log.open());
        REQUIRE(log.empty());
        if (!lost) break;
    }
}

TEST_CASE("a memory that cannot be read is not taken for an empty one") {
    AdapterMemory memory(64 << 10);
    {
        SlotLog log(memory);
        REQUIRE(log.open());
        REQUIRE(log.append(data(), bytes_of("precious")) == Outcome::done);
    }
    memory.read_fails = true;
    {
        SlotLog log(memory);
        CHECK_FALSE(log.open());
    }
    memory.read_fails = false;
    SlotLog log(memory);
    REQUIRE(log.open());
    CHECK(kept(log).at(0).payload == "precious");
    memory.write_fails = true;
    CHECK(log.append(data(), bytes_of("more")) == Outcome::failed);
    CHECK(log.free(log.written()) == Outcome::failed);
    CHECK(kept(log).size() == 1);
    memory.write_fails = false;
    CHECK(log.append(data(), bytes_of("more")) == Outcome::done);
    AdapterMemory small(SlotLog::storage_bytes_min - 1);
    CHECK_FALSE(SlotLog(small).open());
}

TEST_CASE("a slot whose memory went bad hides none behind it, and does not pass for whole") {
    AdapterMemory memory(64 << 10);
    {
        SlotLog log(memory);
        REQUIRE(log.open());
        for (std::string const text : {"first", "second", "third"}) REQUIRE(log.append(data(), bytes_of(text)) == Outcome::done);
    }
    memory.memory[SlotLog::ring_at + (32 + 5) + wire::slot_header_bytes + 2] ^= 0x10;
    SlotLog log(memory);
    REQUIRE(log.open());
    auto const all = kept(log);
    REQUIRE(all.size() == 3);
    CHECK(all[0].holds);
    CHECK_FALSE(all[1].holds);
    CHECK(all[2].holds);
    CHECK(all[2].payload == "third");
}

TEST_CASE("an owner is not changed while another's slots wait") {
    AdapterMemory memory(64 << 10);
    SlotLog log(memory);
    REQUIRE(log.open());
    REQUIRE(log.append(data(), bytes_of("heard before anyone came")) == Outcome::done);
    REQUIRE(log.own({1, 1, 100, name_of("reader")}) == Outcome::done);
    CHECK(log.own({1, 1, 100, name_of("reader")}) == Outcome::done);
    CHECK(log.own({2, 2, 0, name_of("cytometer")}) == Outcome::no_room);
    CHECK(log.own({1, 1, 200, name_of("reader")}) == Outcome::done);  // it may count its own anew
    CHECK(log.owner().data_base == 200);
    REQUIRE(log.free(log.written()) == Outcome::done);
    CHECK(log.own({2, 2, 0, name_of("cytometer")}) == Outcome::done);
    SlotLog again(memory);
    REQUIRE(again.open());
    CHECK(again.owner().id == 2);
    CHECK(again.owner().name == name_of("cytometer"));
}
