// Durable appends per second, and the limit beside them in the same rounds: a plain SQLite loop on the same disk.
//
// usage: bench_store DIRECTORY ROUNDS SECONDS
//
// Each round measures every cell for SECONDS, in turns, each turn in a fresh file that is removed again. One JSON object per line:
//   {"round":0,"bytes":1024,"group":32,"sqlite":…,"outbox":…}     records per second
// The plain loop stores the same columns as the outbox, attributes included, with bytes prepared before the clock starts.
#include <sqlite3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "gateway/outbox.hpp"
#include "io/system.hpp"
#include "io/work_thread.hpp"
#include "samples.hpp"

using namespace marrowlink;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {
constexpr int turns = 4;
Stamp const stamp{"2026-11-25T02:30:00.000Z", "4b1c7a52-7c0e-4b52-9d0b-6a1f4f1f2f11", 123'456'789, true};

[[noreturn]] void give_up(std::string const& why) {
    fmt::print(stderr, "bench_store: {}\n", why);
    std::exit(70);
}

// Records, and how long they took.
struct Pace {
    double records = 0, seconds = 0;
    Pace& operator+=(Pace const& more) {
        records += more.records;
        seconds += more.seconds;
        return *this;
    }
    double per_s() const { return records / seconds; }
};

// The C interface itself: what a loop with nothing around it reaches.
Pace plain_sqlite(fs::path const& directory, std::size_t bytes, std::size_t group, double span_s) {
    fs::path const file = directory / "plain.db";
    sqlite3* db = nullptr;
    auto const must = [&](int code) {
        if (code != SQLITE_OK && code != SQLITE_DONE) give_up(fmt::format("plain loop: {}", sqlite3_errmsg(db)));
    };
    must(sqlite3_open(file.c_str(), &db));
    must(sqlite3_exec(
        db,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE record(seq INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, "
        "attributes BLOB NOT NULL, data BLOB NOT NULL, chain BLOB NOT NULL) STRICT;",
        nullptr, nullptr, nullptr));
    sqlite3_stmt *insert = nullptr, *begin = nullptr, *commit = nullptr;
    must(sqlite3_prepare_v2(db, "INSERT INTO record VALUES(?,?,?,?,?)", -1, &insert, nullptr));
    must(sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, nullptr));
    must(sqlite3_prepare_v2(db, "COMMIT", -1, &commit, nullptr));
    Origin const origin{"paris", "gw1", "0a000000-0000-4000-8000-00000000000a"};
    Draft const draft = bench::draft(1, bytes);
    std::string const attributes = attributes_of(draft, origin, stamp, 1);
    Digest const chain = chain_start(origin.stream);
    Sha256 hash;
    std::uint64_t seq = 0;
    auto const began = bench::now();
    while (bench::seconds(bench::now() - began) < span_s) {
        must(sqlite3_step(begin));
        sqlite3_reset(begin);
        for (std::size_t i = 0; i < group; ++i) {
            ++seq;
            Digest const key = hash.update(std::to_string(seq)).finish();  // scattered, as keys are
            sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(seq));
            sqlite3_bind_blob(insert, 2, key.data(), 16, SQLITE_STATIC);
            sqlite3_bind_blob(insert, 3, attributes.data(), static_cast<int>(attributes.size()), SQLITE_STATIC);
            sqlite3_bind_blob(insert, 4, draft.data.data(), static_cast<int>(draft.data.size()), SQLITE_STATIC);
            sqlite3_bind_blob(insert, 5, chain.data(), static_cast<int>(chain.size()), SQLITE_STATIC);
            must(sqlite3_step(insert));
            sqlite3_reset(insert);
        }
        must(sqlite3_step(commit));
        sqlite3_reset(commit);
    }
    Pace const pace{static_cast<double>(seq), bench::seconds(bench::now() - began)};
    for (auto* statement : {insert, begin, commit}) sqlite3_finalize(statement);
    sqlite3_close(db);
    for (auto const* suffix : {"", "-wal", "-shm"}) fs::remove(file.string() + suffix);
    return pace;
}

// The product's own: a loop thread, a store thread, and `waiting` sources that each wait for their append before the next one.
class Sources {
 public:
    Sources(fs::path const& directory, std::size_t bytes) : directory_(directory / "outbox"), bytes_(bytes) {
        fs::create_directory(directory_);
        SystemEntropy entropy;
        auto store = OutboxStore::open(directory_, {"paris", "gw1", random_uuid(entropy)}, {});
        if (!store) give_up(store.error().message);
        outbox_ = std::make_unique<Outbox>(std::move(*store), clock_, boot_id(), loop_.get_executor(), thread_->executor());
    }
    ~Sources() {
        thread_.reset();
        outbox_.reset();
        fs::remove_all(directory_);
    }

    Pace run(std::size_t waiting, double span_s) {
        auto const began = bench::now();
        auto const end = began + std::chrono::duration_cast<bench::Span>(std::chrono::duration<double>(span_s));
        for (std::size_t i = 0; i < waiting; ++i) asio::co_spawn(loop_, source(end), asio::detached);
        loop_.run();
        return {static_cast<double>(appended_), bench::seconds(bench::now() - began)};
    }

 private:
    Task<void> source(std::chrono::steady_clock::time_point end) {
        auto const work = asio::make_work_guard(loop_);
        while (bench::now() < end) {
            Append append;
            append.drafts.push_back(bench::draft(next_++, bytes_));
            auto const kept = co_await outbox_->append(std::move(append));
            if (!kept) give_up(kept.error().message);
            ++appended_;
        }
    }

    fs::path directory_;
    std::size_t bytes_;
    SystemClock clock_;
    asio::io_context loop_{1};
    std::optional<WorkThread> thread_{std::in_place};
    std::unique_ptr<Outbox> outbox_;
    std::uint64_t next_ = 1, appended_ = 0;
};
}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        fmt::print(stderr, "usage: bench_store DIRECTORY ROUNDS SECONDS\n");
        return 64;
    }
    fs::path const directory = argv[1];
    int const rounds = std::atoi(argv[2]);
    double const span_s = std::atof(argv[3]);
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t const bytes : {1024u, 16'384u, 65'536u}) {
            for (std::size_t const group : {1u, 8u, 32u, 128u}) {
                // In turns, so that a stall of the disk or of the machine meets both.
                Pace sqlite, outbox;
                for (int turn = 0; turn < turns; ++turn) {
                    sqlite += plain_sqlite(directory, bytes, group, span_s / turns);
                    outbox += Sources{directory, bytes}.run(group, span_s / turns);
                }
                fmt::print("{{\"round\":{},\"bytes\":{},\"group\":{},\"sqlite\":{:.0f},\"outbox\":{:.0f}}}\n", round, bytes, group,
                           sqlite.per_s(), outbox.per_s());
                std::fflush(stdout);
            }
        }
    }
    return 0;
}
