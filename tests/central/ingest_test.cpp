#include "central/ingest.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <deque>

#include "central/annotations.hpp"
#include "central/store.hpp"
#include "core/log.hpp"
#include "sender.hpp"
#include "tests/central/screen.hpp"
#include "tests/sim/temporary_folder.hpp"
#include "tests/sim/virtual_clock.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
// The broker as one client sees it, played by the test.
class ScriptedUplink final : public Uplink {
 public:
    void listen(UplinkListener* listener) override { listener_ = listener; }
    void open() override { ++opens; }
    void close() override { listener_->on_closed(LinkEnd::asked, ""); }
    void publish(std::uint64_t token, Message message) override {
        unanswered.push_back(token);
        published.push_back(std::move(message));
    }
    void connect(std::uint32_t receive_maximum = 20) {
        unanswered.clear();
        listener_->on_connected({receive_maximum, 0});
    }
    void puback(std::uint8_t reason = 0) {
        std::uint64_t const token = unanswered.front();
        unanswered.pop_front();
        listener_->on_puback(token, reason);
    }
    void puback_all() {
        while (!unanswered.empty()) puback();
    }
    void deliver(std::vector<Message> messages) { listener_->on_messages(std::move(messages)); }
    void cut(LinkEnd end = LinkEnd::lost) { listener_->on_closed(end, "cut"); }

    // Payloads published on `topic` since the last call of this kind, latest last.
    std::vector<std::string> payloads(std::string_view topic) const {
        std::vector<std::string> out;
        for (Message const& message : published)
            if (message.topic == topic) out.push_back(message.payload);
        return out;
    }

    int opens = 0;
    std::deque<std::uint64_t> unanswered;
    std::vector<Message> published;

 private:
    UplinkListener* listener_ = nullptr;
};

std::vector<std::string>* logged = nullptr;

class Centre {
 public:
    explicit Centre(std::filesystem::path const& path, IngestLimits limits = {}) {
        logged = &lines;
        log::set_sink([](log::Level, std::string_view line) {
            if (logged) logged->emplace_back(line);
        });
        auto opened = Intake::open(path);
        if (!opened) FAIL(opened.error().message);
        intake = std::move(*opened);
        ingest = std::make_unique<Ingest>(uplink, loop.get_executor(), store.get_executor(), clock, *intake, limits);
        ingest->start();
    }
    ~Centre() {
        logged = nullptr;
        log::set_sink(nullptr);
    }
    // The store's thread gets to run; the loop has not heard of it yet.
    void run_store() {
        store.restart();
        store.poll();
    }
    void settle() {
        for (int i = 0; i < 8; ++i) {
            clock.settle();
            run_store();
            uplink.puback_all();
        }
        clock.settle();
    }
    bool has_logged(std::string_view event) const {
        return std::any_of(lines.begin(), lines.end(), [&](std::string const& line) { return line.find(event) != std::string::npos; });
    }

    boost::asio::io_context loop, store;
    sim::VirtualClock clock{loop};
    ScriptedUplink uplink;
    std::vector<std::string> lines;
    std::unique_ptr<Intake> intake;
    std::unique_ptr<Ingest> ingest;
};

std::string ack_of(Sender const& sender, std::uint64_t through) {
    Digest const chain = through == 0 ? chain_start(sender.origin.stream) : sender.outbox.at(through - 1).chain;
    return fmt::format(R"({{"through":{},"chain":"{}"}})", through, hex(chain));
}
std::string const ack_topic = topic::acknowledgement("lyon", "bench-1", stream_a);

std::vector<Draft> lines_of(int count) {
    std::vector<Draft> drafts;
    for (int i = 0; i < count; ++i) drafts.push_back(line_message(fmt::format("k{}", i), "text"));
    return drafts;
}
}  // namespace

TEST_CASE("the acknowledgement is published only after the commit, retained, once per batch and stream (field 8)") {
    sim::TemporaryFolder folder;
    Centre centre{folder / "central.db"};
    centre.uplink.connect();
    centre.settle();
    REQUIRE(centre.uplink.published.size() == 1);
    CHECK(centre.uplink.published[0].topic == topic::centre_state);
    CHECK(centre.uplink.published[0].retain);
    CHECK(json::string_of(json::parse(centre.uplink.published[0].payload, "birth")->get_object(), "state") == "online");

    Sender sender{stream_a};
    centre.uplink.deliver(sender.send(lines_of(50)));
    centre.clock.settle();
    CHECK(centre.uplink.payloads(ack_topic).empty());
    centre.run_store();
    CHECK(centre.uplink.payloads(ack_topic).empty());
    centre.settle();
    REQUIRE(centre.uplink.payloads(ack_topic) == std::vector{ack_of(sender, 50)});
    CHECK(centre.uplink.published.back().retain);
}

TEST_CASE("what arrives while a commit runs shares the next one") {
    sim::TemporaryFolder folder;
    Centre centre{folder / "central.db"};
    centre.uplink.connect();
    centre.settle();
    auto const before = centre.ingest->status().commits;
    Sender sender{stream_a};
    for (Draft const& draft : lines_of(100)) centre.uplink.deliver({sender.send(draft)});
    centre.settle();
    CHECK(centre.ingest->status().commits - before == 2);
    CHECK(centre.ingest->status().outcomes[0] == 100);
    CHECK(centre.uplink.payloads(ack_topic).back() == ack_of(sender, 100));
    CHECK(centre.ingest->status().held_bytes == 0);
}

TEST_CASE("killed between commit and acknowledgement: the next start acknowledges what is stored") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    {
        Centre centre{folder / "central.db"};
        centre.uplink.connect();
        centre.settle();
        centre.uplink.deliver(sender.send(lines_of(7)));
        centre.run_store();
        CHECK(centre.uplink.payloads(ack_topic).empty());
    }
    Centre centre{folder / "central.db"};
    centre.uplink.connect();
    centre.settle();
    CHECK(centre.uplink.payloads(ack_topic) == std::vector{ack_of(sender, 7)});
    centre.uplink.deliver(sender.again(1, 7));
    centre.settle();
    CHECK(centre.ingest->status().outcomes[static_cast<std::size_t>(Outcome::duplicate)] == 7);
}

TEST_CASE("a centre restored from an older backup acknowledges less, and is sent again what it forgot") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    Sender later{stream_b};
    {
        Centre centre{folder / "central.db"};
        centre.uplink.connect();
        centre.uplink.deliver(sender.send(lines_of(10)));
        centre.settle();
        REQUIRE(centre.intake->database().backup_to(folder / "backup.db"));
        centre.uplink.deliver(sender.send(lines_of(5)));
        centre.uplink.deliver(later.send(lines_of(3)));
        centre.settle();
        CHECK(centre.uplink.payloads(ack_topic).back() == ack_of(sender, 15));
    }
    Centre centre{folder / "backup.db"};
    centre.uplink.connect();
    // The broker still keeps the acknowledgement of a stream that this backup has never seen.
    Message retained;
    retained.topic = topic::acknowledgement("lyon", "bench-1", stream_b);
    retained.payload = ack_of(later, 3);
    retained.retain = true;
    centre.uplink.deliver({retained});
    centre.settle();
    CHECK(centre.uplink.payloads(ack_topic).back() == ack_of(sender, 10));
    CHECK(centre.uplink.payloads(retained.topic).back() == ack_of(later, 0));
    centre.uplink.deliver(sender.again(11, 15));
    centre.uplink.deliver(later.again(1, 3));
    centre.settle();
    CHECK(centre.uplink.payloads(ack_topic).back() == ack_of(sender, 15));
    CHECK(centre.uplink.payloads(retained.topic).back() == ack_of(later, 3));
}

TEST_CASE("publishes without PUBACK stay within the broker's receive maximum, and the latest acknowledgement replaces one not yet sent") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    Centre centre{folder / "central.db"};
    centre.uplink.connect(2);
    std::vector<std::unique_ptr<Sender>> others;
    std::vector<Message> messages;
    for (int i = 0; i < 20; ++i) {
        others.push_back(std::make_unique<Sender>(fmt::format("aaaaaaaa-0000-4000-8000-0000000001{:02}", i)));
        messages.push_back(others.back()->send(line_message(fmt::format("o{}", i), "x")));
    }
    centre.uplink.deliver(std::move(messages));
    for (int i = 0; i < 4; ++i) centre.clock.settle(), centre.run_store();
    CHECK(centre.uplink.unanswered.size() == 2);
    for (Draft const& draft : lines_of(30)) {
        centre.uplink.deliver({sender.send(draft)});
        centre.clock.settle();
        centre.run_store();
        centre.clock.settle();
        CHECK(centre.uplink.unanswered.size() == 2);
    }
    centre.settle();
    CHECK(centre.uplink.payloads(ack_topic).size() < 30);
    CHECK(centre.uplink.payloads(ack_topic).back() == ack_of(sender, 30));
}

// Storm seed 569: each PUBACK that never came took a place in the window, until no acknowledgement could leave any more.
TEST_CASE("a broker that keeps PUBACKs to itself is left, and everything is acknowledged on the next connection (field 19)") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    Centre centre{folder / "central.db"};
    centre.uplink.connect(4);
    centre.uplink.deliver({sender.send(line_message("a", "x"))});
    for (int i = 0; i < 4; ++i) centre.clock.settle(), centre.run_store();
    REQUIRE(centre.uplink.unanswered.size() == 2);
    centre.clock.run_for(std::chrono::seconds(29));
    CHECK(centre.uplink.opens == 1);
    centre.uplink.puback();
    centre.clock.run_for(std::chrono::seconds(29));
    CHECK(centre.uplink.opens == 1);
    centre.clock.run_for(std::chrono::seconds(5));
    CHECK(centre.has_logged("link.stalled"));
    REQUIRE(centre.uplink.opens == 2);
    centre.uplink.published.clear();
    centre.uplink.connect(4);
    centre.settle();
    CHECK(centre.uplink.payloads(ack_topic) == std::vector{ack_of(sender, 1)});
    centre.clock.run_for(std::chrono::hours(1));
    CHECK(centre.uplink.opens == 2);
}

TEST_CASE("a store that cannot write acknowledges nothing, says so once, and heals by itself") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    Centre centre{folder / "central.db"};
    centre.uplink.connect();
    centre.settle();
    auto other = Database::open(folder / "central.db", Database::Mode::read_write);
    REQUIRE(other);
    REQUIRE(centre.intake->database().exec("PRAGMA busy_timeout=1"));
    REQUIRE(other->exec("BEGIN IMMEDIATE"));
    for (int i = 0; i < 3; ++i) {
        centre.uplink.deliver({sender.send(line_message(fmt::format("k{}", i), "x"))});
        centre.settle();
        centre.clock.run_for(std::chrono::seconds{6});
        centre.settle();
    }
    CHECK(centre.uplink.payloads(ack_topic).empty());
    CHECK_FALSE(centre.ingest->status().storing);
    CHECK(std::count_if(centre.lines.begin(), centre.lines.end(),
                        [](std::string const& l) { return l.find("store.failed") != std::string::npos; }) == 1);
    REQUIRE(other->exec("ROLLBACK"));
    centre.clock.run_for(std::chrono::seconds{6});
    centre.settle();
    CHECK(centre.uplink.payloads(ack_topic).back() == ack_of(sender, 3));
    CHECK(centre.has_logged("store.recovered"));
    CHECK(centre.ingest->status().held_bytes == 0);
}

TEST_CASE("messages beyond held_bytes are let go, counted, and sent again by the gateway") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    IngestLimits limits;
    limits.held_bytes = 20'000;
    Centre centre{folder / "central.db", limits};
    centre.uplink.connect();
    centre.settle();
    centre.uplink.deliver(sender.send(lines_of(100)));
    centre.settle();
    std::uint64_t const let_go = centre.ingest->status().let_go;
    CHECK(let_go > 0);
    CHECK(centre.uplink.payloads(ack_topic).back() == ack_of(sender, 100 - let_go));
    std::uint64_t through = 100 - let_go;
    while (through < 100) {
        centre.uplink.deliver(sender.again(through + 1, 100));
        centre.settle();
        std::uint64_t const now = centre.intake->acknowledgements().at(0).through;
        REQUIRE(now > through);
        through = now;
    }
    CHECK(centre.uplink.payloads(ack_topic).back() == ack_of(sender, 100));
}

TEST_CASE("the link is opened again with a growing pause that ends at its limit; each cause is logged once (field 58)") {
    sim::TemporaryFolder folder;
    Centre centre{folder / "central.db"};
    for (int i = 0; i < 100; ++i) {
        centre.uplink.cut(LinkEnd::refused);
        int const opens = centre.uplink.opens;
        centre.clock.run_for(std::chrono::seconds{30});
        REQUIRE(centre.uplink.opens == opens + 1);
    }
    CHECK(centre.lines.size() == 1);
    centre.uplink.connect();
    centre.settle();
    centre.uplink.cut();
    int const opens = centre.uplink.opens;
    centre.clock.run_for(std::chrono::milliseconds{500});
    CHECK(centre.uplink.opens == opens + 1);
    centre.ingest->stop();
    centre.clock.run_for(std::chrono::minutes{5});
    CHECK(centre.uplink.opens == opens + 1);
}

TEST_CASE("each run's answer goes to its gateway, and a birth brings acknowledgement and answers again") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    Centre centre{folder / "central.db"};
    centre.uplink.connect();
    centre.uplink.deliver(sender.send(plate_run(identity("key-1"), "bytes", 8)));
    centre.settle();
    std::string const answers = topic::answer("lyon", "bench-1");
    REQUIRE(centre.uplink.payloads(answers).size() == 1);
    CHECK(json::string_of(json::parse(centre.uplink.payloads(answers)[0], "answer")->get_object(), "state") == "complete");
    centre.uplink.deliver({sender.birth()});
    centre.settle();
    CHECK(centre.uplink.payloads(answers).size() == 2);
    CHECK(centre.uplink.payloads(ack_topic).size() == 2);
    CHECK(centre.ingest->gateways().at({"lyon", "bench-1"}).online);
    Message will = sender.birth();
    will.payload = R"({"state":"offline"})";
    centre.uplink.deliver({will});
    centre.settle();
    CHECK_FALSE(centre.ingest->gateways().at({"lyon", "bench-1"}).online);
}

TEST_CASE("a run is answered again with its plate's verdict, and again when a layout comes by a command beside the centre") {
    sim::TemporaryFolder folder;
    Sender sender{stream_a};
    Centre centre{folder / "central.db"};
    centre.uplink.connect();
    centre.uplink.deliver(sender.send(screen_run(identity("key-1"), "ALL-P1", {{"dasatinib", 1.0}, {"venetoclax", 2.5}})));
    centre.settle();
    std::string const answers = topic::answer("lyon", "bench-1");
    REQUIRE(centre.uplink.payloads(answers).size() == 1);
    CHECK(centre.uplink.payloads(answers)[0].find("plate_quality") == std::string::npos);
    auto beside = open_for_reading(folder / "central.db", store_schema(), Database::Mode::read_write);
    REQUIRE(beside);
    REQUIRE(add_annotation(*beside, AnnotationKind::layout, "ALL-P1", screen_layout(), "l.csv", 1));
    centre.clock.run_for(std::chrono::seconds{1});
    centre.settle();
    REQUIRE(centre.uplink.payloads(answers).size() == 2);
    CHECK(centre.uplink.payloads(answers)[1].find(R"("plate_quality":{"verdict":"pass","reason":"no sample sheet)") != std::string::npos);
    centre.uplink.deliver(sender.send(plate_run(identity("key-2"), "bytes", 8, "ALL-P1")));
    centre.settle();
    CHECK(centre.uplink.payloads(answers).size() == 5);  // that it is counted, and that neither of the two is evaluated
}

TEST_CASE("a broker that forbids the centre's publishes is one alarm") {
    sim::TemporaryFolder folder;
    Centre centre{folder / "central.db"};
    centre.uplink.connect();
    centre.uplink.puback(135);
    Sender sender{stream_a};
    centre.uplink.deliver(sender.send(lines_of(1)));
    for (int i = 0; i < 4; ++i) centre.clock.settle(), centre.run_store();
    centre.uplink.puback(135);
    CHECK(std::count_if(centre.lines.begin(), centre.lines.end(),
                        [](std::string const& l) { return l.find("link.publish_forbidden") != std::string::npos; }) == 1);
}

}  // namespace marrowlink
