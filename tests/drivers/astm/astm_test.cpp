// The ASTM link: the captures and the case of the shared samples, and the driver over a cable in memory.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>
#include <deque>
#include <iostream>

#include "core/json.hpp"
#include "drivers/astm/driver.hpp"
#include "drivers/astm/message.hpp"
#include "tests/drivers/cable_bench.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using plate_test::json_of;
using plate_test::slurp;
namespace fs = std::filesystem;

namespace {

std::string frame(int number, std::string const& text, bool last = true) {
    std::string body(1, static_cast<char>('0' + number % 8));
    body += text;
    body += last ? astm::etx : astm::etb;
    unsigned sum = 0;
    for (char const c : body) sum += static_cast<unsigned char>(c);
    return astm::stx + body + fmt::format("{:02X}\r\n", sum % 256);
}

struct Bench : CableBench {
    astm::Options options;
    std::unique_ptr<astm::AstmDriver> driver;

    Bench() { options.instrument = "analyser"; }
    void listen() {
        if (!driver) driver = std::make_unique<astm::AstmDriver>(options, *cable.near, clock);
        if (std::exchange(listening, true)) return;
        auto next = driver->next();
        boost::asio::co_spawn(loop, std::move(next), [this](std::exception_ptr, Result<Batch> batch) {
            listening = false;
            came.push_back(std::move(batch));
        });
    }
    // As a sender does it: each piece when the one before was heard. What was answered.
    std::string tell(std::vector<std::string> const& pieces) {
        std::string answers;
        for (std::string const& piece : pieces) {
            listen();
            say(piece);
            answers += heard();
        }
        return answers;
    }
    Result<Batch> next() {
        listen();
        REQUIRE(clock.run_until_true([this] { return !came.empty(); }));
        auto batch = std::move(came.front());
        came.pop_front();
        return batch;
    }

    std::deque<Result<Batch>> came;
    bool listening = false;
};

std::string unhex(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) out += static_cast<char>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16));
    return out;
}

std::string const message = "H|\\^&|||X^1\rP|1|PRAX7|||Doe^Jane||19990101|F\rO|1|PLT-1||^^^V\rR|1|^^^V|0.9|ratio\rL|1|N\r";

}  // namespace

TEST_CASE("the frames of every captured ASTM link are those of its table") {
    fs::path const folder = plate_test::shared_folder() / "instruments/files/astm-e1381";
    if (!fs::is_directory(folder)) {
        std::cout << "astm: no shared captures in " << plate_test::shared_folder() << "\n";
        return;
    }
    std::size_t files = 0, frames = 0;
    for (auto const& path : plate_test::files_of(folder, ".expected.json")) {
        std::string name = path.filename().string();
        name.resize(name.size() - std::string_view{".expected.json"}.size());
        INFO(name);
        std::string const bytes = slurp(folder / (name + ".txt"));
        auto const expected = json_of(path);
        std::string_view rest = bytes;
        std::size_t found = 0, damaged = 0, of_table = 0;
        auto const* const rows = expected.as_object().if_contains("frames");
        for (astm::Event event = astm::next_event(rest); event.heard != astm::Heard::nothing; event = astm::next_event(rest)) {
            if (event.heard == astm::Heard::frame) {
                REQUIRE(rows);
                while (found < rows->as_array().size() && !rows->at(found).at("ok").as_bool()) ++found;
                REQUIRE(found < rows->as_array().size());
                auto const& row = rows->at(found++);
                CHECK(bytes.size() - rest.size() == row.at("at").to_number<std::size_t>());
                CHECK(event.number - '0' == row.at("number").to_number<int>());
                auto const text = to_utf8(event.text, TextEncoding::latin_1);
                CHECK(text.value() == std::string_view{row.at("text").as_string()});
                ++frames;
                ++of_table;
            }
            damaged += event.heard == astm::Heard::damaged;
            rest.remove_prefix(event.bytes);
        }
        if (rows)
            for (auto const& row : rows->as_array())
                if (row.at("ok").as_bool()) --of_table;
        CHECK(of_table == 0);
        std::cout << "astm: " << name << ": " << found << " frames, " << damaged << " refused\n";
        ++files;
    }
    std::cout << "astm: " << files << " captures, " << frames << " frames compared\n";
    CHECK(files == 6);
    CHECK(frames > 20);
}

TEST_CASE("lost answers, damaged frames and a text in two frames are answered and kept as their case says") {
    fs::path const folder = plate_test::shared_folder() / "instruments/cases/astm-retransmissions";
    if (!fs::is_directory(folder)) return;
    auto const dialogue = json_of(folder / "dialogue.json");
    auto const expected = json_of(folder / "expected.json");
    Bench bench;
    std::string answers, given;
    for (auto const& turn : dialogue.as_array()) {
        std::string const bytes = unhex(turn.at(1).as_string());
        if (turn.at(0).as_string() == ">")
            given += bench.tell({bytes});
        else
            answers += bytes;
    }
    auto const batch = bench.next();
    REQUIRE(batch);
    REQUIRE(batch->records.size() == 1);
    std::string records;
    for (auto const& record : expected.at("records").as_array()) (records += record.as_string()) += '\r';
    CHECK(message_of(batch->records[0]) == records);
    CHECK(given == answers);
}

TEST_CASE("a message is one run, and sent again with another time it is the same run") {
    Bench bench;
    std::string const other = "H|\\^&|||X^1|||||||||20260102\r" + message.substr(message.find("P|"));
    for (std::string const& text : {message, other}) CHECK(bench.tell({"\x05", frame(1, text), "\x04"}) == "\x06\x06");
    auto const first = bench.next();
    auto const second = bench.next();
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->records.at(0).run == second->records.at(0).run);
    CHECK(first->consumed < second->consumed);
    // What names the patient stays here.
    CHECK(message_of(first->records[0]) == "H|\\^&|||X^1\rP|1\rO|1|PLT-1||^^^V\rR|1|^^^V|0.9|ratio\rL|1|N\r");
    bench.say("\x05" + frame(1, message.substr(0, message.find("0.9")) + "0.8|ratio\rL|1|N\r") + "\x04");
    auto const third = bench.next();
    REQUIRE(third);
    CHECK(third->records.at(0).run != first->records.at(0).run);
}

TEST_CASE("a sender that begins anew inside a message does not join the two") {
    Bench bench;
    CHECK(bench.tell({"\x05", frame(1, "H|\\^&|||X^1\rR|1|^^^V|0.1|ratio\r"), "\x05", frame(1, message), "\x04"}) == "\x06\x06\x06\x06");
    auto const broken = bench.next();
    REQUIRE(broken);
    CHECK(broken->records.back().data.find("began anew inside a message") != std::string::npos);
    auto const whole = bench.next();
    REQUIRE(whole);
    CHECK(message_of(whole->records.at(0)) == "H|\\^&|||X^1\rP|1\rO|1|PLT-1||^^^V\rR|1|^^^V|0.9|ratio\rL|1|N\r");
}

TEST_CASE("delimiters are those that H names") {
    std::string const text = "H@^\\@@@GX^2\rP@1@@@@Doe\rO@1@S 7 @\rL@1@N\r";
    astm::Message const gene{text};
    CHECK(gene.field_delimiter() == '@');
    CHECK(gene.sender() == "GX^2");
    CHECK(gene.specimen() == "S 7");
    CHECK(gene.without_names() == "H@^\\@@@GX^2\rP@1\rO@1@S 7 @\rL@1@N\r");
    CHECK(gene.complete());
    CHECK_FALSE(astm::Message{"H|\\^&\rL|1|E\r"}.complete());
    CHECK_FALSE(astm::Message{"H|\\^&\rR|1\r"}.ended());
}

TEST_CASE("a frame outside a transfer is not answered, so that the sender begins again") {
    Bench bench;
    CHECK(bench.tell({frame(3, "R|1|x\r")}).empty());
    CHECK(bench.tell({"\x05", frame(1, message)}) == "\x06\x06");
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(message_of(batch->records.at(0)).starts_with("H|"));
}

TEST_CASE("a damaged frame is refused and the message goes on with its repetition") {
    Bench bench;
    std::string bad = frame(2, message.substr(20));
    bad[10] ^= 1;
    CHECK(bench.tell({"\x05", frame(1, message.substr(0, 20), false), bad, frame(2, message.substr(20)), "\x04"}) == "\x06\x06\x15\x06");
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(message_of(batch->records.at(0)).ends_with("L|1|N\r"));
}

TEST_CASE("a byte that is damaged into an enquiry does not have its frame accepted") {
    std::string const text = "H|\\^&|||X^1\rO|1|PLT-1||^^^V\rR|1|^^^V|0.9|ratio\rL|1|N\r";
    for (std::size_t at = 2; at < frame(1, text).size() - 1; ++at) {
        Bench bench;
        std::string damaged = frame(1, text);
        if (damaged[at] == '\x05') continue;
        damaged[at] = '\x05';
        INFO("byte " << at);
        CHECK(bench.tell({"\x05"}) == "\x06");
        std::string const answer = bench.tell({damaged});
        CHECK((answer.empty() || answer == "\x15"));
        // As its sender does then, at once or when it has waited.
        if (answer.empty()) CHECK(bench.tell({"\x04", "\x05"}).ends_with("\x06"));
        CHECK(bench.tell({frame(1, text), "\x04"}) == "\x06");
        auto const batch = bench.next();
        REQUIRE(batch);
        CHECK(message_of(batch->records.at(0)).find("0.9") != std::string::npos);
    }
}

TEST_CASE("what does not become a message is kept, without a word of it leaving the site") {
    Bench bench;
    bench.say("\x05" + frame(1, "H|\\^&\rP|1||||Doe\rR|1|x|1\r") + "\x04");
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(batch->records.back().data.find("unreadable") != std::string::npos);
    CHECK(batch->records.back().data.find("ended without its L record") != std::string::npos);
    REQUIRE(batch->blanked.size() == 1);
    CHECK(batch->blanked[0].bytes.find("Doe") != std::string::npos);
    for (Draft const& draft : batch->records) CHECK(draft.data.find("Doe") == std::string::npos);

    bench.say("\x05" + frame(1, "H|\\^&\rR|1|half"));
    auto const late = bench.next();  // nothing more comes for 30 s
    REQUIRE(late);
    CHECK(late->records.back().data.find("stopped inside a message") != std::string::npos);
    bench.say("\x05" + frame(1, "H|\\^&\rR|1|half"));
    bench.cable.far->cut();
    auto const cut = bench.next();
    if (cut) {
        CHECK(cut->records.back().data.find("connection ended inside a message") != std::string::npos);
        CHECK_FALSE(bench.next());
    }
}

TEST_CASE("a message with curves, larger than one record, is kept as a file") {
    Bench bench;
    bench.say("\x05" + frame(1, "H|\\^&|||X\rP|1||||Doe\rO|1|S\r"));
    for (int n = 2; n < 6; ++n) bench.say(frame(n, "M|" + std::to_string(n) + "|" + std::string(30'000, 'A') + "\r"));
    bench.say(frame(6, "L|1|N\r") + "\x04");
    auto const batch = bench.next();
    REQUIRE(batch);
    REQUIRE(batch->records.size() > 2);
    CHECK(batch->records.back().data.find("\"complete\"") != std::string::npos);
    std::string all;
    for (Draft const& draft : batch->records)
        if (&draft != &batch->records.back()) all += draft.data;
    CHECK(all.starts_with("H|\\^&|||X\rP|1\rO|1|S\rM|2|AAA"));
    CHECK(all.ends_with("A\rL|1|N\r"));
}

// Storm 535: the commits took longer than the sender's patience, and each of its enquiries was answered when it had given it up. It took
// the second and third ACK for those to its frames, of which one was here.
TEST_CASE("an answer to what the sender has given up is not sent, or it would pass for one to the next frame") {
    Bench bench;
    CHECK(bench.tell({"\x05\x04\x05\x04\x05"}) == "\x06");
    CHECK(bench.tell({frame(1, message.substr(0, 20), false)}) == "\x06");
    CHECK(bench.tell({frame(2, message.substr(20, 10), false) + "\x04"}).empty());

    // The same where they come one by one out of a slow journal.
    class Slow final : public Transport {
     public:
        Slow(Transport& line, Clock& clock) : line_(line), clock_(clock) {}
        Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override {
            auto const got = co_await line_.read_some(into.first(1), deadline);
            if (got) co_await clock_.sleep_for(20s);
            co_return got;
        }
        Task<Result<void>> write(std::span<std::byte const> bytes) override { return line_.write(bytes); }

     private:
        Transport& line_;
        Clock& clock_;
    };
    Bench other;
    Slow slow{*other.cable.near, other.clock};
    other.driver = std::make_unique<astm::AstmDriver>(other.options, slow, other.clock);
    other.listen();
    other.say("\x05");
    other.clock.run_for(15s);
    other.say("\x04\x05");
    other.clock.run_for(15s);
    other.say("\x04\x05");
    other.clock.run_for(5min);
    CHECK(other.heard() == "\x06");
}

TEST_CASE("a line check, and an adapter that answers by itself") {
    Bench bench;
    bench.options.answers = false;
    bench.say("\x05\x04\x05" + frame(1, message) + "\x04");
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(bench.heard().empty());
}

TEST_CASE("frames cut at any byte are the same frames") {
    std::string const bytes = "\x05" + frame(1, message.substr(0, 30), false) + frame(2, message.substr(30)) + "\x04";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        std::string buffer, text;
        for (std::string const& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
            buffer += part;
            for (astm::Event event = astm::next_event(buffer); event.heard != astm::Heard::nothing; event = astm::next_event(buffer)) {
                CHECK(event.heard != astm::Heard::damaged);
                if (event.heard == astm::Heard::frame) text += event.text;
                buffer.erase(0, event.bytes);
            }
        }
        CHECK(text == message);
    }
}
