// One gateway, each kind of instrument, ten minutes of work: every single disk operation of the gateway and of the centre fails in turn, in
// every way a disk can fail, once or from then on; then the disk is well again, and everything must have arrived.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/sim/temporary_folder.hpp"
#include "world.hpp"

using namespace marrowlink;
using namespace marrowlink::storm;
using namespace std::chrono_literals;

namespace {
struct Fault {
    bool at_centre = false;
    std::uint64_t nth = 0;
    sim::Disk::How how = sim::Disk::How::io_error;
    bool lasting = false;
};

// Whether the fault was reached.
bool live_through(Fault const& fault, std::filesystem::path const& folder) {
    World world{7, folder};
    auto& gateway = *world.gateways.emplace_back(std::make_unique<GatewayMachine>(world, "lyon", "gw1", 11));
    gateway.instruments.push_back(std::make_unique<AnsweredLine>(gateway.bench, "counter"));
    gateway.instruments.push_back(std::make_unique<ExportFolder>(gateway.bench, "exports"));
    gateway.instruments.push_back(std::make_unique<PlateReader>(gateway.bench, "reader", 3));
    for (char const* const event : {"outbox.not_writable", "store.failed", "spectramax.run.aborted"})
        world.announce(event, Clock::Instant::max());
    Machine& machine = fault.at_centre ? static_cast<Machine&>(*world.centre) : gateway;
    machine.disk.arm(fault.nth, fault.how, fault.lasting);
    world.centre->start_after(0s);
    gateway.start_after(10ms);
    for (auto const at : {1min, 4min, 5min, 7min, 8min}) {
        for (auto const& instrument : gateway.instruments) world.timeline->after(at, [one = instrument.get()] { one->measure(); });
    }
    world.timeline->after(2min, [&] { gateway.press_start(); });
    world.run_until(world.now() + 10min);
    bool const fired = machine.disk.fired() || machine.boots > 1;
    machine.disk.disarm();
    bool const drained = world.run_until_true([&] { return gateway.drained(); }, world.now() + 30min);
    CHECK(drained);
    world.run_until(world.now() + 3h);  // files that are written again come late
    for (std::string const& wrong : world.faults()) {
        CAPTURE(wrong);
        CHECK(wrong.empty());
    }
    world.centre->end(Death::crash);
    Verdict const verdict = judge(world.truth, world.now() - world.age(), world.centre->database());
    for (std::string const& wrong : verdict.faults) {
        CAPTURE(wrong);
        CHECK(wrong.empty());
    }
    CHECK(verdict.owed > 10);
    return fired;
}

// `stride` leaves out what its neighbours cover; each how begins elsewhere.
void walk(bool at_centre, std::uint64_t stride) {
    using How = sim::Disk::How;
    sim::TemporaryFolder const folder;
    std::uint64_t tried = 0, last = 0, start = 1;
    for (How const how : {How::io_error, How::short_write, How::disk_full, How::power_cut})
        for (bool const lasting : {false, true}) {
            if (how == How::power_cut && lasting) continue;  // nothing comes after it
            for (std::uint64_t nth = 1 + start++ % stride;; nth += stride) {
                CAPTURE(at_centre, nth, static_cast<int>(how), lasting);
                ++tried;
                if (!live_through({at_centre, nth, how, lasting}, folder.path())) break;
                last = std::max(last, nth);
                REQUIRE(nth < 20'000);
            }
        }
    WARN(fmt::format("{}: {} faults at up to {} operations, stride {}", at_centre ? "centre" : "gateway", tried, last, stride));
    CHECK(tried > 20);
}

std::uint64_t stride(std::uint64_t usual) {
    char const* const asked = std::getenv("MARROWLINK_STRIDE");
    return asked ? std::stoull(asked) : usual;
}
}  // namespace

TEST_CASE("whichever disk operation of the gateway fails, everything arrives once (field 30)") { walk(false, stride(7)); }

TEST_CASE("whichever disk operation of the centre fails, everything arrives once") { walk(true, stride(7)); }
