// The centre's page, API and ledger with no broker behind them: the browser tests say what comes in with POST /test/<step>.
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <string>

#include "central/annotations.hpp"
#include "central/api.hpp"
#include "core/log.hpp"
#include "io/system.hpp"
#include "tests/central/no_broker.hpp"
#include "tests/central/screen.hpp"
#include "tests/central/sender.hpp"
#include "tests/sim/temporary_folder.hpp"
#include "tests/web/scripted_server.hpp"

using namespace marrowlink;
using namespace marrowlink::test;

namespace {

class World {
 public:
    World(central::Ingest& ingest, Database& database) : ingest_(ingest), database_(database) { ingest.on_connected({}); }

    bool step(std::string_view name) {
        if (name == "births") {
            ingest_.on_messages({lyon_.birth(), paris_.birth()});
        } else if (name == "runs") {
            deliver(lyon_.send(plate_run(identity("key-1"), "bytes", 8, "PLATE-0041")));
            deliver({lyon_.send(run_labelled(identity("key-1"), "PLATE-0040", "Ada", "typed the wrong plate", "1"))});
            RunIdentity again = identity("key-1");
            again.run = "the-same-key";
            deliver(lyon_.send(plate_run(again, "other bytes", 8, "PLATE-0042")));
            deliver({lyon_.send(run_started(identity("key-2"), "PLATE-0043", "page", {}))});
            deliver({lyon_.send(line_message("k1", "x")), lyon_.send(line_message("k2", "x"))});
            RunIdentity const torn = identity("key-3", "cytometer");
            deliver({paris_.send(run_started(torn, "TUBE-7", "file", {})), paris_.send(run_aborted(torn, "The reader was switched off."))});
        } else if (name == "started") {
            deliver({paris_.send(run_started(identity("key-4"), "PLATE-0099", "page", {}))});
        } else if (name == "refused") {
            deliver({lyon_.send(plain("run.exploded", "{}"))});
        } else if (name == "fork") {
            Sender clone{lyon_.origin.stream, lyon_.origin.site, lyon_.origin.gateway};
            deliver({clone.send(plain(type::telemetry, R"({"cloned":true})"))});
        } else if (name == "screen") {
            plate("ALL-P1", "diagnosis", {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
            plate("ALL-P2", "relapse", {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
        } else if (name == "cohort") {
            for (int i = 0; i < 8; ++i) {
                std::string const subject = fmt::format("ALL-{:04}", 42 + i);
                double const scatter = 0.05 * (i * 5 % 8 - 3.6);
                plate(subject + "-D", "diagnosis", {{"dasatinib", 1.0 + scatter}, {"venetoclax", 2.5}}, subject);
                plate(subject + "-R", "relapse", {{"dasatinib", 2.2}, {"venetoclax", 2.5 + scatter}}, subject);
            }
        } else if (name == "broker-away") {
            ingest_.on_closed(LinkEnd::lost, "Connection refused");
        } else if (name == "broker-back") {
            ingest_.on_connected({});
        } else {
            return false;
        }
        return true;
    }

 private:
    void plate(std::string const& barcode, std::string const& timepoint, std::map<std::string, double> const& midpoints,
               std::string const& subject = "ALL-0042") {
        using central::AnnotationKind;
        for (auto const& [kind, bytes] :
             {std::pair{AnnotationKind::layout, screen_layout()}, std::pair{AnnotationKind::sample, screen_sample(subject, timepoint)}})
            if (auto const added = central::add_annotation(database_, kind, barcode, bytes, "file.csv", 1); !added)
                fmt::print(stderr, "{}\n", added.error().message);
        deliver(lyon_.send(screen_run(identity(barcode), barcode, midpoints)));
    }
    void deliver(std::vector<Message> messages) { ingest_.on_messages(std::move(messages)); }

    central::Ingest& ingest_;
    Database& database_;
    Sender lyon_{stream_a, "lyon", "gw-2"};
    Sender paris_{stream_b, "paris", "gw-1"};
};

}  // namespace

int main(int argc, char** argv) {
    log::set_sink([](log::Level, std::string_view) {});
    sim::TemporaryFolder const folder;
    auto intake = central::Intake::open(folder / "central.db");
    if (!intake) {
        fmt::print(stderr, "{}\n", intake.error().message);
        return 69;
    }
    boost::asio::io_context loop(1);
    SystemClock clock;
    NoBroker uplink;
    central::Ingest ingest(uplink, loop.get_executor(), loop.get_executor(), clock, **intake);
    World world(ingest, (*intake)->database());
    central::Api api(loop.get_executor(), loop.get_executor(), clock, ingest, (*intake)->database());
    return serve_scripted(argc, argv, loop, clock, api.handler(), [&](std::string_view name) { return world.step(name); });
}
