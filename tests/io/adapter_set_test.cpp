#include "io/adapter_set.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "core/log.hpp"
#include "io/adapter_log.hpp"
#include "io/adapter_transport.hpp"
#include "tests/sim/adapter_box.hpp"
#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using sim::AdapterBox;

namespace {
struct Bench {
    Bench() : box(std::make_shared<AdapterBox>(clock)) {
        log::set_sink([](log::Level, std::string_view) {});
        place.owner = "lyon/gw1/reader";
        place.instrument = "reader";
        place.settings.baud = 19'200;
        other = place;
        other.owner = "lyon/gw2/balance";
        other.instrument = "balance";
        clock.run_for(1s);
    }
    ~Bench() {
        log::set_sink([](log::Level, std::string_view) {});
    }
    Result<std::string> set(AdapterPlace const& whose, AdapterWish wish = {}) {
        auto const done = clock.finish(set_adapter(*box, whose, dice, wish));
        if (!done) return fail(done.error());
        std::string out;
        for (auto const& sentence : *done) out += sentence + '\n';
        return out;
    }
    // What a gateway that has `had` of the line gets within a second, and where it says that it went on.
    Result<std::string> serve(AdapterPlace const& whose, std::uint64_t had = 0) {
        AdapterLine line{box, whose, clock, dice};
        auto opened = clock.finish(line.open());
        if (!opened) return fail(opened.error());
        LinePlace from{had, count};
        auto const resumed = clock.finish((*opened)->resume(std::move(from)));
        if (!resumed) return fail(resumed.error());
        count = resumed->count;
        position = resumed->position;
        std::string out;
        std::array<std::byte, 300> buffer;
        for (;;) {
            auto const got = clock.finish((*opened)->read_some(buffer, clock.now() + 1s));
            if (!got) return out;
            out.append(reinterpret_cast<char const*>(buffer.data()), *got);
            (*opened)->release(out.size());
        }
    }
    AdapterState state() { return clock.finish(read_adapter(*box, place)).value(); }
    std::vector<AdapterSlot> slots() { return clock.finish(read_adapter_log(*box, place, state())).value(); }
    void carry() {
        box->power_off();
        box->power_on();
        clock.run_for(1s);
    }

    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{3};
    std::shared_ptr<AdapterBox> box;
    AdapterPlace place, other;
    std::string count;
    std::uint64_t position = 0;
};

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("the log is read slot by slot and stays as it is, whatever is lost on the bus") {
    Bench bench;
    bench.box->hear("one\n");
    bench.box->hear(std::string(900, 'x') + "\n");
    int questions = 0;
    bench.box->next_trouble = [&] {
        return ++questions % 3 == 0 ? AdapterBox::Trouble::answer_lost
               : questions % 5 == 0 ? AdapterBox::Trouble::answer_damaged
                                    : AdapterBox::Trouble::none;
    };
    auto const before = bench.state();
    auto const log = bench.clock.finish(read_adapter_log(*bench.box, bench.place, before));
    bench.box->next_trouble = nullptr;
    REQUIRE(log);
    REQUIRE(log->size() == 3);
    CHECK(words_of_gap(log->at(0)) ==
          "The adapter began anew here (its power came back): what the instrument said while it was off was not heard.");
    CHECK(log->at(1).payload == "one\n");
    CHECK(log->at(2).payload == std::string(900, 'x') + "\n");
    CHECK(log->at(1).position == log->at(0).end());
    CHECK(log->at(2).end() == before.written);
    CHECK(bench.state().freed == before.freed);
    CHECK(bench.state().written == before.written);
}

TEST_CASE("a new adapter is made this gateway's, with what it has, and set as the configuration asks") {
    Bench bench;
    bench.box->hear("heard before\n");
    auto const done = bench.set(bench.place);
    REQUIRE(done);
    CHECK(has(*done, "It was nobody's and keeps for \"lyon/gw1/reader\" now, with 1 message of 13 bytes that it had already."));
    CHECK(has(*done, "baud: 19200, before: 9600"));
    CHECK(bench.state().owner_id == adapter_owner_id(bench.place.owner));
    CHECK(bench.box->adapter().settings().baud == 19'200);
    CHECK(bench.box->adapter().settings().bus_baud == 115'200);
    auto const again = bench.set(bench.place);
    REQUIRE(again);
    CHECK(*again == "It keeps for \"lyon/gw1/reader\" as before.\nIts settings are those of the configuration already.\n");
    CHECK(bench.serve(bench.place).value() == "heard before\n");
}

TEST_CASE("what waits for another owner is named, and lost only when that is asked for (field 41)") {
    Bench bench;
    REQUIRE(bench.set(bench.other));
    bench.box->hear("12.01 g\n");
    bench.box->hear("12.02 g\n");
    auto const before = bench.state();
    auto const refused = bench.set(bench.place);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::refused);
    CHECK(has(refused.error().message, "keeps 2 messages of 16 bytes for another owner, \"balance\""));
    CHECK(has(refused.error().message, "--take-over"));
    CHECK(bench.state().owner_id == before.owner_id);
    CHECK(bench.state().freed == before.freed);
    auto const done = bench.set(bench.place, {true, false});
    REQUIRE(done);
    CHECK(has(*done, "It was \"balance\"'s and keeps for \"lyon/gw1/reader\" now; 2 messages of 16 bytes were thrown away."));
    CHECK(bench.slots().empty());
    bench.box->hear("of the reader\n");
    CHECK(bench.serve(bench.place).value() == "of the reader\n");
    CHECK(bench.position == 0);  // nothing of the balance is counted
}

TEST_CASE("an adapter that was emptied and carried to another place is taken over, though its start waits to be told") {
    Bench bench;
    REQUIRE(bench.set(bench.other));
    bench.box->hear("12.01 g\n");
    CHECK(bench.serve(bench.other).value() == "12.01 g\n");
    bench.carry();
    CHECK(bench.slots().size() == 1);
    auto const swapped = bench.serve(bench.place);
    REQUIRE_FALSE(swapped);
    CHECK(has(swapped.error().message, "marrowlink-gateway adapter set reader"));
    auto const done = bench.set(bench.place);
    REQUIRE(done);
    CHECK(has(*done, "nothing was lost"));
    bench.box->hear("of the reader\n");
    CHECK(bench.serve(bench.place, 500).value() == "of the reader\n");
    CHECK(bench.position == 500);  // behind what this gateway has
}

TEST_CASE("counts that differ since one side was restored are begun anew, and nothing that waits is lost") {
    Bench bench;
    REQUIRE(bench.set(bench.place));
    bench.box->hear("one\n");
    CHECK(bench.serve(bench.place).value() == "one\n");
    auto const restored = bench.box->memory.memory;
    bench.box->hear("two\n");
    CHECK(bench.serve(bench.place, 4).value() == "two\n");
    bench.box->power_off();
    bench.box->memory.memory = restored;
    bench.box->power_on();
    bench.clock.run_for(1s);
    auto const differs = bench.serve(bench.place, 8);
    REQUIRE_FALSE(differs);
    CHECK(has(differs.error().message, "marrowlink-gateway adapter set reader --count-anew"));
    auto const done = bench.set(bench.place, {false, true});
    REQUIRE(done);
    bench.box->hear("three\n");
    CHECK(bench.serve(bench.place, 8).value() == "three\n");
    CHECK(bench.position == 8);
}
