#include <catch2/catch.hpp>

#include "central/intake.hpp"
#include "central/store.hpp"
#include "sender.hpp"
#include "tests/sim/temporary_folder.hpp"

namespace marrowlink {
using central::Intake;
using central::Outcome;
using central::Taken;
using namespace test;

namespace {
std::unique_ptr<Intake> opened(std::filesystem::path const& path) {
    auto intake = Intake::open(path);
    if (!intake) FAIL(intake.error().message);
    return std::move(*intake);
}

Taken take(Intake& intake, std::vector<Message> messages, std::int64_t now_ms = 1'000'000) {
    intake.add(std::move(messages));
    auto taken = intake.commit(now_ms);
    if (!taken) FAIL(taken.error().message);
    return std::move(*taken);
}
Taken take(Intake& intake, Message message) {
    std::vector<Message> one;
    one.push_back(std::move(message));
    return take(intake, std::move(one));
}

std::uint64_t count(Taken const& taken, Outcome outcome) { return taken.outcomes[static_cast<std::size_t>(outcome)]; }

std::int64_t number(Intake& intake, std::string_view sql) {
    auto statement = intake.database().prepare(sql);
    if (!statement) FAIL(statement.error().message);
    auto const row = statement->step();
    REQUIRE(row);
    return statement->integer(0);
}
std::string word(Intake& intake, std::string_view sql) {
    auto statement = intake.database().prepare(sql);
    if (!statement) FAIL(statement.error().message);
    auto const row = statement->step();
    REQUIRE(row);
    return std::string{statement->text(0)};
}

Draft opening() { return plain(type::stream_opened, R"({"previous":"","reason":"first start"})"); }
}  // namespace

TEST_CASE("records are stored in order, byte for byte, and acknowledged through the last one with its chain") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    std::vector<Draft> drafts{opening()};
    for (int i = 0; i < 20; ++i) drafts.push_back(line_message(fmt::format("k{}", i), "payload"));
    Taken const taken = take(*intake, sender.send(drafts));
    CHECK(count(taken, Outcome::stored) == 21);
    REQUIRE(taken.acknowledgements.size() == 1);
    CHECK(taken.acknowledgements[0].through == 21);
    CHECK(taken.acknowledgements[0].chain == sender.outbox.back().chain);
    CHECK(taken.acknowledgements[0].json() == fmt::format(R"({{"through":21,"chain":"{}"}})", hex(sender.outbox.back().chain)));

    auto rows = intake->database().prepare("SELECT id, attributes, data, chain FROM record ORDER BY id");
    REQUIRE(rows);
    for (Record const& record : sender.outbox) {
        REQUIRE(rows->step().value());
        CHECK(central::seq_of(rows->integer(0)) == record.seq);
        CHECK(rows->blob(1) == record.attributes);
        CHECK(rows->blob(2) == record.data);
        CHECK(rows->blob(3) == as_bytes(record.chain));
    }
}

TEST_CASE("a repeat is passed over and counted, also after a restart (field 17)") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    {
        auto intake = opened(folder / "central.db");
        std::vector<Draft> drafts{opening()};
        for (int i = 0; i < 1000; ++i) drafts.push_back(line_message(fmt::format("k{}", i), "payload"));
        CHECK(count(take(*intake, sender.send(drafts)), Outcome::stored) == 1001);
        CHECK(count(take(*intake, sender.again(2, 1001)), Outcome::duplicate) == 1000);
    }
    auto intake = opened(folder / "central.db");
    CHECK(intake->acknowledgements().at(0).through == 1001);
    Taken const taken = take(*intake, sender.again(2, 1001));
    CHECK(count(taken, Outcome::duplicate) == 1000);
    CHECK(taken.acknowledgements.at(0).through == 1001);
    CHECK(number(*intake, "SELECT count(*) FROM record") == 1001);
    CHECK(number(*intake, "SELECT sum(runs) FROM tally") == 1000);
}

TEST_CASE("10,000 messages of one millisecond are all counted: identity is never a time (field 9)") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    std::vector<Draft> drafts;
    for (int i = 0; i < 10'000; ++i) drafts.push_back(line_message(fmt::format("k{}", i), "the same text"));
    CHECK(count(take(*intake, sender.send(drafts)), Outcome::stored) == 10'000);
    CHECK(number(*intake, "SELECT count(*) FROM run WHERE state='complete' AND revision=0") == 10'000);
}

TEST_CASE("a gap is not stored, is named once, and heals when the gateway goes back") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    std::vector<Draft> drafts(1, opening());
    for (int i = 0; i < 9; ++i) drafts.push_back(line_message(fmt::format("k{}", i), "x"));
    sender.send(drafts);
    take(*intake, sender.again(1, 3));
    Taken const gap = take(*intake, sender.again(5, 10));
    CHECK(count(gap, Outcome::gap) == 6);
    REQUIRE(gap.notices.size() == 1);
    CHECK(gap.notices[0].detail == "Record 5 came after 3; those between are missing.");
    CHECK(gap.acknowledgements.at(0).through == 3);
    Taken const healed = take(*intake, sender.again(4, 10));
    CHECK(count(healed, Outcome::stored) == 7);
    CHECK(healed.acknowledgements.at(0).through == 10);
}

TEST_CASE("an unknown stream that does not begin at 1 is a gap, and through 0 is acknowledged for it") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    sender.send(std::vector<Draft>(3, opening()));
    Taken const taken = take(*intake, sender.again(2));
    CHECK(count(taken, Outcome::gap) == 1);
    CHECK(taken.acknowledgements.at(0).through == 0);
    CHECK(taken.acknowledgements.at(0).chain == sha256(stream_a));
}

TEST_CASE("a gap is passed only when stream.closed of another stream of the same gateway names it") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender damaged{stream_a};
    damaged.send(std::vector<Draft>(10, opening()));
    take(*intake, damaged.again(1, 3));

    auto const closing = [&](std::string const& stream, int first, int last, std::string const& chain = {}) {
        std::string const also = chain.empty() ? "" : fmt::format(R"(,"chain":"{}")", chain);
        return plain(type::stream_closed,
                     fmt::format(R"({{"stream":"{}","lost":[{{"first":{},"last":{}{}}}],"reason":"The outbox was damaged."}})", stream,
                                 first, last, also));
    };

    SECTION("its own stream cannot") {
        Sender own{stream_b};
        Taken const taken = take(*intake, own.send(std::vector<Draft>{closing(stream_b, 5, 6)}));
        CHECK(count(taken, Outcome::refused) == 1);
        CHECK(taken.acknowledgements.at(0).through == 1);
        CHECK(number(*intake, "SELECT count(*) FROM lost") == 0);
    }
    SECTION("another gateway cannot") {
        Sender other{stream_b, "lyon", "bench-2"};
        take(*intake, other.send(std::vector<Draft>{closing(stream_a, 4, 6)}));
        CHECK(count(take(*intake, damaged.again(7, 10)), Outcome::gap) == 4);
    }
    SECTION("a part of the gap is not enough") {
        Sender next{stream_b};
        take(*intake, next.send(std::vector<Draft>{closing(stream_a, 4, 5)}));
        CHECK(count(take(*intake, damaged.again(7, 10)), Outcome::gap) == 4);
    }
    SECTION("the whole gap, in two records") {
        Sender next{stream_b};
        take(*intake, next.send(std::vector<Draft>{closing(stream_a, 4, 5), closing(stream_a, 6, 6)}));
        Taken const taken = take(*intake, damaged.again(7, 10));
        CHECK(count(taken, Outcome::stored) == 4);
        CHECK(taken.acknowledgements.at(0).through == 10);
    }
    SECTION("more was lost than was named at first") {
        Sender next{stream_b};
        take(*intake, next.send(std::vector<Draft>{closing(stream_a, 4, 4), closing(stream_a, 4, 6), closing(stream_a, 4, 5)}));
        CHECK(count(take(*intake, damaged.again(7, 10)), Outcome::stored) == 4);
    }
    SECTION("with the chain of the last lost record, what follows is proved at once") {
        Sender next{stream_b};
        take(*intake, next.send(std::vector<Draft>{closing(stream_a, 4, 6, hex(damaged.outbox[5].chain))}));
        Message altered = damaged.again(7);
        altered.payload = R"({"previous":"","reason":"other"})";
        CHECK(count(take(*intake, altered), Outcome::broken) == 1);
        CHECK(count(take(*intake, damaged.again(7, 10)), Outcome::stored) == 4);
        // What was named as lost and comes after all is stored when the record before it proves its place.
        CHECK(count(take(*intake, damaged.again(5)), Outcome::gap) == 1);
        CHECK(count(take(*intake, damaged.again(4, 6)), Outcome::stored) == 3);
    }
    SECTION("nonsense ranges are refused, not believed") {
        Sender next{stream_b};
        for (auto const& [first, last] : {std::pair{6, 4}, std::pair{0, 3}})
            take(*intake, next.send(std::vector<Draft>{closing(stream_a, first, last)}));
        take(*intake,
             next.send(std::vector<Draft>{
                 plain(type::stream_closed,
                       fmt::format(R"({{"stream":"{}","lost":[{{"first":9223372036854775808,"last":18446744073709551615}}],"reason":"r"}})",
                                   stream_a))}));
        CHECK(number(*intake, "SELECT count(*) FROM refusal") == 3);
        CHECK(number(*intake, "SELECT count(*) FROM lost") == 0);
    }
}

TEST_CASE("a fork keeps the first record, says so once, and survives a restart") {
    sim::TemporaryFolder folder;
    Sender first{stream_a};
    Sender clone{stream_a};
    {
        auto intake = opened(folder / "central.db");
        take(*intake, first.send(std::vector<Draft>{opening(), line_message("k1", "one"), line_message("k2", "two")}));
        Taken const taken =
            take(*intake, clone.send(std::vector<Draft>{opening(), line_message("k9", "nine"), line_message("k10", "ten")}));
        CHECK(count(taken, Outcome::duplicate) == 1);
        CHECK(count(taken, Outcome::fork) == 2);
        REQUIRE(taken.notices.size() == 1);
        CHECK(taken.notices[0].seq == 2);
        CHECK(taken.acknowledgements.at(0).fork == 2);
        CHECK(taken.acknowledgements.at(0).chain == first.outbox[2].chain);
    }
    auto intake = opened(folder / "central.db");
    CHECK(intake->acknowledgements().at(0).fork == 2);
    CHECK(take(*intake, clone.again(2, 3)).notices.empty());
    CHECK(number(*intake, "SELECT count(*) FROM record") == 3);
}

TEST_CASE("a record that does not follow from the one before it is neither stored nor acknowledged") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    sender.send(std::vector<Draft>{opening(), line_message("k1", "one"), line_message("k2", "two")});
    take(*intake, sender.again(1));
    Message altered = sender.again(2);
    altered.payload.back() = ' ';
    Taken const taken = take(*intake, altered);
    CHECK(count(taken, Outcome::broken) == 1);
    CHECK(taken.acknowledgements.at(0).through == 1);
    CHECK(taken.notices.size() == 1);
    CHECK(take(*intake, altered).notices.empty());
    CHECK(count(take(*intake, sender.again(2, 3)), Outcome::stored) == 2);
}

TEST_CASE("a record that cannot be understood is stored as refused and acknowledged; later ones flow (field 5)") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    Draft bad_json = line_message("k1", "x");
    bad_json.data = "{\"run\":";
    Draft bad_shape = line_message("k2", "x");
    bad_shape.data = R"({"run":"r","block":"0","message":"x"})";
    Draft bad_utf8 = line_message("k3", "x");
    bad_utf8.data = "{\"run\":\"r\",\"block\":0,\"message\":\"\xFF\"}";
    Draft too_large = line_message("k4", std::string(block_bytes_max, 'x'));
    Draft unknown = plain("run.exploded", "{}");
    Draft no_key = line_message("", "x");
    Draft bad_chunk = run_file(identity("f"), "abc", hex(sha256("abc"))).at(0);
    bad_chunk.extensions[0].second = "1";
    std::vector<Draft> const drafts{
        opening(), bad_json, bad_shape, bad_utf8, too_large, unknown, no_key, bad_chunk, line_message("k5", "good")};
    Taken const taken = take(*intake, sender.send(drafts));
    CHECK(count(taken, Outcome::stored) == 2);
    CHECK(count(taken, Outcome::refused) == 7);
    CHECK(taken.acknowledgements.at(0).through == 9);
    CHECK(taken.notices.size() == 7);
    CHECK(number(*intake, "SELECT count(*) FROM record") == 9);
    CHECK(word(*intake, "SELECT reason FROM refusal WHERE record % 1000 = (SELECT min(record) % 1000 + 1 FROM refusal)") ==
          "block is a value of kind string, expected integer.");
    // The run of k1 exists and is shown as refused.
    CHECK(word(*intake, "SELECT state FROM run WHERE sourcekey='k1'") == "refused");
    CHECK(word(*intake, "SELECT state FROM run WHERE sourcekey='k5'") == "complete");
}

TEST_CASE("block_bytes_max is taken, one byte more is refused and kept (field 23)") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    for (std::size_t const size : {block_bytes_max - 1, block_bytes_max, block_bytes_max + 1}) {
        std::string const bytes(size, 'b');
        RunIdentity const id = identity(fmt::format("size{}", size));
        Draft chunk = run_file(id, "x", hex(sha256(bytes))).at(0);
        chunk.data = bytes;
        chunk.extensions = {{"fileoffset", "0"}, {"filesha256", hex(sha256(bytes))}, {"filesize", std::to_string(size)}};
        Taken const taken = take(*intake, sender.send(std::vector<Draft>{chunk}));
        CHECK(count(taken, size <= block_bytes_max ? Outcome::stored : Outcome::refused) == 1);
    }
    CHECK(number(*intake, "SELECT count(*) FROM record") == 3);
}

TEST_CASE("what has no place is rejected by name and stores nothing") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    Message const good = sender.send(opening());
    auto const with = [&](auto change) {
        Message message = good;
        change(message);
        Taken const taken = take(*intake, message);
        CHECK(taken.rejected == 1);
        REQUIRE(taken.rejections.size() == 1);
        return taken.rejections[0];
    };
    auto const set = [](Message& m, std::string_view name, std::string value) {
        for (auto& [n, v] : m.properties)
            if (n == name) v = value;
    };
    CHECK(with([](Message& m) { m.properties.emplace_back("time", "again"); }).ends_with("property time appears twice."));
    CHECK(with([](Message& m) {
              m.properties.emplace_back("datacontenttype", "text/plain");
          }).ends_with("property datacontenttype appears twice."));
    CHECK(with([&](Message& m) { set(m, "chain", "AB"); }).ends_with("it has no chain of 64 hexadecimal digits."));
    CHECK(with([&](Message& m) { set(m, "sequence", "1"); }).find("sequence is not 20 digits") != std::string::npos);
    CHECK(with([&](Message& m) { set(m, "sequence", sequence_text(0)); }).find("sequence is not 20 digits") != std::string::npos);
    CHECK(with([&](Message& m) { set(m, "sequence", sequence_text(central::seq_max + 1)); }).find("sequence is not 20 digits") !=
          std::string::npos);
    CHECK(with([&](Message& m) { set(m, "stream", "not-a-uuid"); }).find("its stream is not a UUID") != std::string::npos);
    CHECK(with([](Message& m) { m.topic = "marrowlink/1/centre/bench-1/gateway/stream.opened"; }).find("not a name that a site can have") !=
          std::string::npos);
    CHECK(with([](Message& m) { m.topic = "marrowlink/1/answer/bench-1/gateway/stream.opened"; }).find("not a name that a site can have") !=
          std::string::npos);
    CHECK(with([](Message& m) { m.topic = "marrowlink/1/Lyon/bench-1/gateway/stream.opened"; }).find("its topic is not") !=
          std::string::npos);
    CHECK(with([](Message& m) { m.topic = "marrowlink/1/ack/lyon/bench-1/gateway"; }).find("no acknowledgement of this centre") !=
          std::string::npos);
    CHECK(with([](Message& m) { m.payload.assign(central::message_bytes_max, 'x'); }).find("expected at most") != std::string::npos);
    CHECK(number(*intake, "SELECT count(*) FROM record") == 0);
    CHECK(number(*intake, "SELECT count(*) FROM stream") == 0);
}

TEST_CASE("attributes that contradict the topic are stored as refused, so that a renamed site does not jam its stream") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a, "lyon"};
    sender.send(std::vector<Draft>{opening(), line_message("k1", "x")});
    std::vector<Message> messages = sender.again(1, 2);
    for (Message& message : messages) message.topic.replace(message.topic.find("lyon"), 4, "paris");
    Taken const taken = take(*intake, std::move(messages));
    CHECK(count(taken, Outcome::refused) == 2);
    CHECK(taken.acknowledgements.at(0).through == 2);
}

TEST_CASE("a birth is answered with every stream of its gateway, the one it names included") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender old_stream{stream_a};
    Sender other_gateway{"cccccccc-0000-4000-8000-000000000003", "lyon", "bench-2"};
    take(*intake, old_stream.send(std::vector<Draft>(2, opening())));
    take(*intake, other_gateway.send(std::vector<Draft>(1, opening())));
    Sender now{stream_b};
    Taken const taken = take(*intake, now.birth());
    REQUIRE(taken.acknowledgements.size() == 2);
    for (auto const& ack : taken.acknowledgements) {
        CHECK(ack.gateway == "bench-1");
        CHECK(ack.through == (ack.stream == stream_a ? 2 : 0));
    }
    Message will = now.birth();
    will.payload = R"({"state":"offline"})";
    CHECK(take(*intake, will).acknowledgements.empty());
    will.payload = "{\"state\":";
    CHECK(take(*intake, will).rejected == 1);
}

TEST_CASE("a retained acknowledgement that claims more than the centre knows is set right, one that does not is left alone") {
    sim::TemporaryFolder folder;
    auto intake = opened(folder / "central.db");
    Sender sender{stream_a};
    Message claim;
    claim.topic = topic::acknowledgement("lyon", "bench-1", stream_a);
    claim.payload = fmt::format(R"({{"through":7,"chain":"{}"}})", hex(sha256("x")));
    claim.retain = true;
    Taken const unknown = take(*intake, claim);
    REQUIRE(unknown.acknowledgements.size() == 1);
    CHECK(unknown.acknowledgements[0].through == 0);
    // The centre hears its own correction too, and must not correct that for ever.
    Message own = claim;
    own.payload = unknown.acknowledgements[0].json();
    CHECK(take(*intake, own).acknowledgements.empty());
    take(*intake, sender.send(std::vector<Draft>(7, opening())));
    CHECK(take(*intake, claim).acknowledgements.empty());
}

TEST_CASE("records of a transaction that never committed are not known after a restart, and are taken again") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    sender.send(std::vector<Draft>(6, opening()));
    {
        auto intake = opened(folder / "central.db");
        take(*intake, sender.again(1, 2));
        // Another process holds the writer's lock past the busy timeout: the commit fails, and everything is still there for the next
        // attempt.
        auto other = Database::open(folder / "central.db", Database::Mode::read_write);
        REQUIRE(other);
        REQUIRE(intake->database().exec("PRAGMA busy_timeout=1"));
        REQUIRE(other->exec("BEGIN IMMEDIATE"));
        intake->add(sender.again(3, 4));
        auto const failed = intake->commit(1);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().fault == Fault::unavailable);
        CHECK(intake->acknowledgements().at(0).through == 2);
        REQUIRE(other->exec("ROLLBACK"));
        auto const again = intake->commit(1);
        REQUIRE(again);
        CHECK(again->acknowledgements.at(0).through == 4);
        // Killed here, with records given to it that no commit covered.
        intake->add(sender.again(5, 6));
    }
    auto intake = opened(folder / "central.db");
    CHECK(intake->acknowledgements().at(0).through == 4);
    Taken const taken = take(*intake, sender.again(1, 6));
    CHECK(count(taken, Outcome::duplicate) == 4);
    CHECK(count(taken, Outcome::stored) == 2);
}

}  // namespace marrowlink
