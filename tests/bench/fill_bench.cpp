// Fills the outbox directory of a gateway that is not running with records that wait for central, as fast as the store takes them.
//
// usage: bench_fill DIRECTORY SITE GATEWAY RECORDS BYTES
#include <cstdlib>
#include <filesystem>

#include "gateway/outbox_directory.hpp"
#include "io/system.hpp"
#include "samples.hpp"

using namespace marrowlink;

int main(int argc, char** argv) {
    if (argc != 6) {
        fmt::print(stderr, "usage: bench_fill DIRECTORY SITE GATEWAY RECORDS BYTES\n");
        return 64;
    }
    std::uint64_t const records = std::strtoull(argv[4], nullptr, 10);
    std::size_t const bytes = std::strtoull(argv[5], nullptr, 10);
    SystemClock clock;
    SystemEntropy entropy;
    OutboxPlace place;
    place.directory = argv[1];
    place.site = argv[2];
    place.gateway = argv[3];
    place.boot_id = boot_id();
    auto opened = OutboxDirectory::open(std::move(place), entropy, clock);
    if (!opened) {
        fmt::print(stderr, "bench_fill: {}\n", opened.error().message);
        return 70;
    }
    OutboxStore& store = *opened->store;
    // What it costs to make these durable one by one is measured elsewhere; here they only have to be there.
    if (auto relaxed = store.database().exec("PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"); !relaxed) return 70;
    Stamp const stamp{rfc3339(clock.utc()), boot_id(), 1, true};
    std::int64_t const now_ms = clock.utc().time_since_epoch().count();
    std::uint64_t next = 1;
    while (next <= records) {
        std::vector<Append> group;
        for (; next <= records && group.size() < 2000; ++next) group.emplace_back().drafts.push_back(bench::draft(next, bytes));
        if (auto kept = store.append(group, stamp, now_ms, 0); !kept) {
            fmt::print(stderr, "bench_fill: {}\n", kept.error().message);
            return 70;
        }
    }
    fmt::print("{}\n", store.position().appended);
    return 0;
}
