// An HL7 sender, the outbox and what it is told: acknowledged after the commit, kept once however often it sends.
#include "cabled_instrument.hpp"
#include "gateway/config.hpp"
#include "gateway/plan.hpp"
#include "tests/drivers/cable_bench.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;

namespace {

struct Bench : CabledInstrument {
    Bench() {
        InstrumentConfig config;
        config.id = "analyser";
        config.driver = Hl7Config{};
        PlanWorld world{loop.get_executor(), clock, nullptr, [this](InstrumentLine const&) { return port(); }, nullptr};
        start(plan_for(config, world));
        clock.run_for(1s);
    }
    std::string exchange(std::string const& bytes) {
        REQUIRE(clock.finish(far->write(sim::bytes_of(bytes))));
        std::array<std::byte, 4096> into;
        auto const got = clock.finish(far->read_some(into, clock.now() + 5s));
        return got ? std::string(reinterpret_cast<char const*>(into.data()), *got) : "";
    }
    std::size_t records() {
        auto const all = clock.finish(outbox->peek(1, 1000, 1u << 20));
        REQUIRE(all);
        return all->size();
    }
};

std::string message(std::string_view value) {
    return "\x0BMSH|^~\\&|AQ|LAB|||20260304||ORU^R01|M1|P|2.5\rPID|1||S-1||Doe\rOBR|1||PLT-1\rOBX|1|NM|VIAB||" + std::string{value} +
           "|ratio|||||F\r\x1C\r";
}

}  // namespace

TEST_CASE("an HL7 message is acknowledged when its records are durable, and sent again adds none") {
    Bench bench;
    auto const before = bench.records();
    CHECK(bench.exchange(message("0.91")).find("MSA|AA|M1\r") != std::string::npos);
    auto const once = bench.records();
    CHECK(once == before + 3);  // bytes, readings, manifest
    CHECK(bench.exchange(message("0.91")).find("MSA|AA|M1\r") != std::string::npos);
    CHECK(bench.records() == once);
    // A connection that ends behind the message: the next one finds nothing to keep.
    bench.far->cut();
    bench.clock.run_for(30s);
    CHECK(bench.exchange(message("0.91")).find("MSA|AA|M1\r") != std::string::npos);
    CHECK(bench.records() == once);
    CHECK(bench.exchange(message("0.92")).find("MSA|AA|M1\r") != std::string::npos);
    CHECK(bench.records() == once + 3);
}

TEST_CASE("an HL7 message whose sender left before it was answered is kept") {
    Bench bench;
    auto const before = bench.records();
    REQUIRE(bench.clock.finish(bench.far->write(sim::bytes_of(message("0.91") + message("0.91")))));
    bench.far->cut();
    bench.clock.run_for(1min);
    CHECK(bench.records() == before + 3);
}
