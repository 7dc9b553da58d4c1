#include "central/verify.hpp"

#include <catch2/catch.hpp>

#include "central/intake.hpp"
#include "central/store.hpp"
#include "sender.hpp"
#include "tests/sim/temporary_folder.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
// 20 records of one stream, and one of another.
void fill(std::filesystem::path const& path) {
    auto intake = Intake::open(path);
    REQUIRE(intake);
    Sender sender{stream_a};
    Sender other{stream_b, "paris", "gw2"};
    std::vector<Draft> drafts;
    for (int i = 0; i < 20; ++i) drafts.push_back(line_message(fmt::format("k{}", i), "text"));
    (*intake)->add(sender.send(drafts));
    (*intake)->add({other.send(line_message("k", "text"))});
    REQUIRE((*intake)->commit(1));
}

void change(std::filesystem::path const& path, std::string const& sql) {
    auto database = Database::open(path, Database::Mode::read_write);
    REQUIRE(database);
    auto const done = database->exec(sql.c_str());
    if (!done) FAIL(done.error().message);
}

Proof proof_of(std::filesystem::path const& path) {
    auto proof = verify(path);
    if (!proof) FAIL(proof.error().message);
    return std::move(*proof);
}

StreamProof const& first(Proof const& proof) { return proof.streams.at(0); }
}  // namespace

TEST_CASE("an untouched database proves itself, record by record") {
    sim::TemporaryFolder folder;
    fill(folder / "c.db");
    Proof const proof = proof_of(folder / "c.db");
    CHECK(proof.good());
    REQUIRE(proof.streams.size() == 2);
    CHECK(first(proof).line() ==
          fmt::format("lyon/bench-1/{} records=20 through=20 missing=0 doubled=0 altered=0 refused=0 lost=0", stream_a));
    CHECK(proof.total() == "total streams=2 records=21 missing=0 doubled=0 altered=0 refused=0 lost=0 stray=0");
}

TEST_CASE("every byte of a stored record counts: whatever is altered is named, and only that") {
    sim::TemporaryFolder folder;
    for (char const* sql :
         {"UPDATE record SET data = CAST(replace(CAST(data AS TEXT), 'text', 'tExt') AS BLOB) WHERE id & 1048575 = 7",
          "UPDATE record SET attributes = CAST(replace(CAST(attributes AS TEXT), 'x', 'y') || 'z' AS BLOB) WHERE id & 1048575 = 7",
          "UPDATE record SET chain = zeroblob(32) WHERE id & 1048575 = 7", "UPDATE record SET chain = x'00' WHERE id & 1048575 = 7",
          "UPDATE record SET data = x'' WHERE id & 1048575 = 7"}) {
        auto const path = folder / fmt::format("{}.db", hex(sha256(sql)).substr(0, 8));
        fill(path);
        change(path, std::string{sql} + " AND id >> 40 = 1");
        Proof const proof = proof_of(path);
        INFO(sql);
        CHECK_FALSE(proof.good());
        CHECK(first(proof).altered == 1);
        CHECK(first(proof).missing == 0);
        REQUIRE(first(proof).findings.size() == 1);
        CHECK(first(proof).findings[0].first == 7);
    }
}

TEST_CASE("missing rows are named as one range, at the start, in the middle and at the end") {
    sim::TemporaryFolder folder;
    fill(folder / "c.db");
    change(folder / "c.db",
           "DELETE FROM record WHERE id IN (SELECT id FROM record WHERE id >> 40 = 1 AND (id & 1048575 IN (1, 9, 10, 11, 20)))");
    Proof const proof = proof_of(folder / "c.db");
    CHECK(first(proof).missing == 5);
    CHECK(first(proof).altered == 0);
    REQUIRE(first(proof).findings.size() == 3);
    CHECK(first(proof).findings[1].first == 9);
    CHECK(first(proof).findings[1].last == 11);
    CHECK(first(proof).findings[2].first == 20);
}

TEST_CASE("a row that holds another record is a doubled one, and the one it stands for is missing") {
    sim::TemporaryFolder folder;
    fill(folder / "c.db");
    change(folder / "c.db",
           "UPDATE record SET (attributes, data, chain) = (SELECT attributes, data, chain FROM record WHERE id = (1 << 40) + 5) WHERE id = "
           "(1 << 40) + 9");
    Proof const proof = proof_of(folder / "c.db");
    CHECK(first(proof).doubled == 1);
    CHECK(first(proof).missing == 1);
    CHECK(first(proof).altered == 0);
}

TEST_CASE("a ledger that was set back, rows beyond it and rows of no stream are all findings") {
    sim::TemporaryFolder folder;
    fill(folder / "c.db");
    change(folder / "c.db", "UPDATE stream SET through = 18 WHERE id = 1; DELETE FROM stream WHERE id = 2");
    Proof const proof = proof_of(folder / "c.db");
    CHECK(first(proof).altered == 2);
    CHECK(proof.stray == 1);
    CHECK_FALSE(proof.good());
}

TEST_CASE("what stream.closed named is lost, not missing, and what follows is proved by the chain it named") {
    sim::TemporaryFolder folder;
    auto const path = folder / "c.db";
    Sender damaged{stream_a};
    damaged.send(std::vector<Draft>(10, plain(type::telemetry, "{}")));
    for (bool const with_chain : {false, true}) {
        auto const file = folder / (with_chain ? "with.db" : "without.db");
        {
            auto intake = Intake::open(file);
            REQUIRE(intake);
            Sender next{stream_b};
            std::string const chain = with_chain ? fmt::format(R"(,"chain":"{}")", hex(damaged.outbox[5].chain)) : "";
            (*intake)->add(damaged.again(1, 3));
            (*intake)->add({next.send(
                plain(type::stream_closed,
                      fmt::format(R"({{"stream":"{}","lost":[{{"first":4,"last":6{}}}],"reason":"damaged"}})", stream_a, chain)))});
            (*intake)->add(damaged.again(7, 10));
            REQUIRE((*intake)->commit(1));
        }
        Proof const proof = proof_of(file);
        CHECK(proof.good());
        CHECK(first(proof).lost == 3);
        CHECK(first(proof).unproved == (with_chain ? 0 : 1));
    }
}

TEST_CASE("an export is one file without a WAL that verifies offline, also beside a running centre") {
    sim::TemporaryFolder folder;
    fill(folder / "c.db");
    auto intake = Intake::open(folder / "c.db");
    REQUIRE(intake);
    {
        auto database = open_for_reading(folder / "c.db", store_schema(), Database::Mode::read_only);
        REQUIRE(database);
        REQUIRE(database->vacuum_into(folder / "export.marrowlink"));
        auto const again = database->vacuum_into(folder / "export.marrowlink");
        REQUIRE_FALSE(again);
        CHECK(again.error().fault == Fault::refused);
    }
    CHECK(proof_of(folder / "export.marrowlink").good());
    CHECK_FALSE(std::filesystem::exists(folder / "export.marrowlink-wal"));
    change(folder / "export.marrowlink", "UPDATE record SET data = x'00' WHERE id & 1048575 = 3");
    CHECK(first(proof_of(folder / "export.marrowlink")).altered == 1);
}

TEST_CASE("a backup taken while records come in is a whole database: it verifies, opens, and takes what came later") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    auto intake = Intake::open(folder / "c.db");
    REQUIRE(intake);
    auto const send = [&](int count) {
        for (int i = 0; i < count; ++i) (*intake)->add({sender.send(line_message(fmt::format("k{}", sender.outbox.size()), "text"))});
        REQUIRE((*intake)->commit(1));
    };
    send(50);
    auto reader = open_for_reading(folder / "c.db", store_schema(), Database::Mode::read_only);
    REQUIRE(reader);
    REQUIRE(reader->backup_to(folder / "backup.db"));
    send(50);
    Proof const proof = proof_of(folder / "backup.db");
    CHECK(proof.good());
    CHECK(first(proof).through == 50);
    auto restored = Intake::open(folder / "backup.db");
    REQUIRE(restored);
    (*restored)->add(sender.again(51, 100));
    auto const taken = (*restored)->commit(1);
    REQUIRE(taken);
    CHECK(taken->acknowledgements.at(0).through == 100);
    CHECK(taken->acknowledgements.at(0).chain == sender.outbox.back().chain);
}

TEST_CASE("flipped bytes in the file are found or refused, never a crash and never called good") {
    sim::TemporaryFolder folder;
    fill(folder / "c.db");
    {
        auto database = Database::open(folder / "c.db", Database::Mode::read_write);
        REQUIRE(database);
        REQUIRE(database->exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE"));
    }
    std::string bytes(std::filesystem::file_size(folder / "c.db"), '\0');
    {
        FILE* file = fopen((folder / "c.db").c_str(), "rb");
        REQUIRE(fread(bytes.data(), 1, bytes.size(), file) == bytes.size());
        fclose(file);
    }
    int noticed = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        std::string damaged = bytes;
        std::size_t const at = (seed * 2654435761u) % damaged.size();
        for (std::size_t i = at; i < std::min(at + 64, damaged.size()); ++i) damaged[i] = static_cast<char>(~damaged[i]);
        auto const path = folder / "damaged.db";
        FILE* file = fopen(path.c_str(), "wb");
        REQUIRE(fwrite(damaged.data(), 1, damaged.size(), file) == damaged.size());
        fclose(file);
        auto const proof = verify(path);
        bool const good = proof && proof->good() && proof->streams.size() == 2;
        if (!good) ++noticed;
        // Unused parts of pages and the other tables' indexes may be hit without a record being touched.
        if (good) {
            auto before = Database::open(folder / "c.db", Database::Mode::read_only);
            auto after = Database::open(path, Database::Mode::read_only);
            REQUIRE(before);
            REQUIRE(after);
            auto one = before->prepare("SELECT id, attributes, data, chain FROM record ORDER BY id");
            auto two = after->prepare("SELECT id, attributes, data, chain FROM record ORDER BY id");
            REQUIRE(one);
            REQUIRE(two);
            while (one->step().value()) {
                REQUIRE(two->step().value());
                for (int column = 0; column < 4; ++column) REQUIRE(one->blob(column) == two->blob(column));
            }
        }
    }
    CHECK(noticed > 20);
}

}  // namespace marrowlink
