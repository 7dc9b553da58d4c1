#include "gateway/instrument.hpp"

#include <boost/asio/co_spawn.hpp>

#include "cabled_instrument.hpp"
#include "drivers/line/driver.hpp"
#include "io/system.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {
// A printer that never repeats itself, on a cable that the test holds.
struct Bench : CabledInstrument {
    Bench() {
        InstrumentPlan plan;
        plan.id = "printer";
        plan.driver_name = "line";
        plan.transport = port();
        plan.journalled = true;
        plan.messages = true;
        plan.driver = [this](InstrumentPlan::Connection connection) {
            LineSettings settings;
            settings.instrument = "printer";
            settings.position = connection.position;
            return std::make_unique<LineDriver>(settings, *connection.transport, clock);
        };
        start(std::move(plan));
    }
    void say(std::string_view text) {
        REQUIRE(far);
        REQUIRE(clock.finish(far->write(std::as_bytes(std::span(text)))));
        clock.run_for(1s);
    }
    std::vector<std::string> kept() {
        auto const all = clock.finish(outbox->peek(1, 100, 1u << 20));
        REQUIRE(all);
        std::vector<std::string> out;
        for (Record const& record : *all)
            if (record.data.find("message") != std::string::npos) out.push_back(record.data);
        return out;
    }
};
}  // namespace

TEST_CASE("a port is not opened while what was kept of its bytes cannot be read, and then no byte is lost (storm 90)") {
    Bench bench;
    bench.clock.run_for(1s);
    bench.say("first\n");
    CHECK(bench.ear.messages == 1);
    auto retired = false;
    asio::co_spawn(
        bench.loop,
        [&]() -> Task<void> {
            co_await bench.outbox->retire();
            retired = true;
        },
        asio::detached);
    bench.clock.run_for(1s);
    REQUIRE(retired);
    bench.far.reset();  // the cable is pulled while the outbox is being exchanged
    int const before = bench.opened;
    bench.clock.run_for(1min);
    CHECK(bench.opened == before);
    REQUIRE_FALSE(bench.ear.states.empty());
    CHECK(bench.ear.states.back().state == ConnectionState::failed);
    CHECK(bench.ear.states.back().detail.find("being set aside") != std::string::npos);

    bench.outbox->replace(open_store(bench.folder.path()));
    bench.clock.run_for(30s);
    REQUIRE(bench.opened == before + 1);
    bench.say("last\n");
    auto const kept = bench.kept();
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].find("first") != std::string::npos);
    CHECK(kept[1].find("last") != std::string::npos);
}

namespace {
std::string logged;

// Nobody is there, for one reason or another, until somebody is.
class Absent final : public Driver {
 public:
    explicit Absent(std::string const& reason) : reason_(reason) {}
    Task<Result<std::string>> identify() override {
        if (!reason_.empty()) co_return fail(Fault::unavailable, reason_);
        co_return std::string{"here"};
    }
    Task<Result<Batch>> next() override { co_return fail(Fault::closed, "The cable was pulled."); }
    Task<Result<void>> acknowledge(Receipt) override { co_return Result<void>{}; }

 private:
    std::string const& reason_;
};
}  // namespace

TEST_CASE("what keeps an instrument away is in the log once, however long it is tried again, and again when it had been there") {
    CabledInstrument bench;
    logged.clear();
    log::set_sink([](log::Level level, std::string_view line) {
        if (level == log::Level::warn) logged += std::string{line} + '\n';
    });
    std::string reason = "The share is away.";
    InstrumentPlan plan;
    plan.id = "exports";
    plan.driver_name = "folder";
    plan.driver = [&](InstrumentPlan::Connection) { return std::make_unique<Absent>(reason); };
    bench.start(std::move(plan));
    auto const lines = [&](std::string_view about) {
        std::size_t count = 0;
        for (std::size_t at = logged.find(about); at != std::string::npos; at = logged.find(about, at + 1)) ++count;
        return count;
    };
    bench.clock.run_for(8h);
    CHECK(lines("event=instrument.unreachable instrument=exports reason=\"The share is away.\"") == 1);
    reason = "The share asks for a password.";
    bench.clock.run_for(8h);
    CHECK(lines("password") == 1);
    CHECK(lines("unreachable") == 2);
    reason.clear();
    bench.clock.run_for(15s);
    reason = "The share is away.";
    bench.clock.run_for(8h);
    CHECK(lines("The share is away.") == 2);
    log::set_sink([](log::Level, std::string_view) {});
}
