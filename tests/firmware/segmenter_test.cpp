#include "firmware/segmenter.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

using namespace marrowlink;
using namespace marrowlink::firmware;
using wire::SlotEnd;
using wire::adapter::Framing;

namespace {
struct Bench {
    explicit Bench(wire::adapter::Settings const& settings) { segmenter.configure(settings); }
    void say(std::string_view text) {
        for (char const c : text)
            if (segmenter.push(static_cast<std::uint8_t>(c), now_us += 1'000)) take();
    }
    void wait(std::uint64_t us) {
        if (segmenter.pass(now_us += us)) take();
    }
    void take() {
        auto const payload = segmenter.payload();
        texts.emplace_back(reinterpret_cast<char const*>(payload.data()), payload.size());
        slots.push_back(segmenter.slot());
        segmenter.clear();
    }
    Segmenter segmenter;
    std::uint64_t now_us = 5'000'000;
    std::vector<std::string> texts;
    std::vector<wire::Slot> slots;
};
using Texts = std::vector<std::string>;
wire::adapter::Settings framed(Framing framing) {
    wire::adapter::Settings settings;
    settings.framing = framing;
    settings.idle_ms = 50;
    return settings;
}
}  // namespace

TEST_CASE("a terminator ends a segment, silence ends a fragment, and each knows when it came") {
    auto settings = framed(Framing::terminator);
    settings.terminator_bytes = 2;
    settings.terminator = {'\r', '\n', 0, 0};
    Bench bench(settings);
    bench.say("one\r\ntwo\n\r\nfra");
    bench.wait(49'000);
    CHECK(bench.texts == Texts{"one\r\n", "two\n\r\n"});
    bench.wait(1'000);
    CHECK(bench.texts.back() == "fra");
    CHECK(bench.slots[0].end == SlotEnd::terminator);
    CHECK(bench.slots[0].arrived_ms == 5'001);
    CHECK(bench.slots[0].lasted_ms == 4);
    CHECK(bench.slots[2].end == SlotEnd::idle);
}

TEST_CASE("silence alone makes a segment where nothing else is known") {
    Bench bench(framed(Framing::idle));
    bench.say("12.5 g\n");
    bench.wait(50'000);
    bench.wait(50'000);
    bench.say("more");
    bench.wait(50'000);
    CHECK(bench.texts == Texts{"12.5 g\n", "more"});
}

TEST_CASE("a length field says where a message ends, in either byte order, over several slots where it is long") {
    auto settings = framed(Framing::length);
    settings.length_at = 1;
    settings.length_bytes = 2;
    settings.length_adds = 4;
    Bench bench(settings);
    bench.say(std::string("A\0\2hi!B\0\0xC", 11));
    CHECK(bench.texts == Texts{std::string("A\0\2hi!", 6), std::string("B\0\0x", 4)});
    bench.wait(60'000);
    CHECK(bench.texts.back() == "C");  // cut in its middle: the next message begins anew
    std::string longest = std::string("D\x07\xD0", 3) + std::string(2'001, 'd');
    bench.texts.clear();
    bench.say(longest + std::string("E\0\0e", 4));
    REQUIRE(bench.texts.size() == 3);
    CHECK(bench.texts[0].size() == wire::slot_payload_bytes_max);
    CHECK(bench.texts[0] + bench.texts[1] == longest);
    CHECK(bench.texts[2] == std::string("E\0\0e", 4));
    CHECK(bench.slots[bench.slots.size() - 3].end == SlotEnd::full);

    settings.length_little_endian = true;
    Bench little(settings);
    little.say(std::string("A\2\0hi!", 6));
    CHECK(little.texts.size() == 1);
}

TEST_CASE("ASTM: ENQ, each frame and EOT are segments; a frame's own control characters do not end it") {
    Bench bench(framed(Framing::astm));
    std::string const frame =
        "\x02"
        "1H|\x05\x04\x02|\r\x03"
        "A5\r\n";
    bench.say("\x05" + frame + "\x04");
    CHECK(bench.texts == Texts{"\x05", frame, "\x04"});
    bench.texts.clear();
    bench.say("\x02" + std::string(400, 'x'));
    CHECK(bench.texts.at(0).size() == 247);  // no frame is longer: what is not one does not swallow the next
    bench.wait(60'000);
    bench.texts.clear();
    bench.say(frame);
    CHECK(bench.texts == Texts{frame});
}

TEST_CASE("a segment is never longer than a slot holds, and no byte is dropped") {
    for (Framing const framing : {Framing::idle, Framing::terminator, Framing::astm}) {
        Bench bench(framed(framing));
        std::string text;
        for (int i = 0; i < 5'000; ++i) text += static_cast<char>('a' + i % 7);
        bench.say(text);
        bench.wait(60'000);
        std::string all;
        for (std::string const& one : bench.texts) {
            CHECK(one.size() <= wire::slot_payload_bytes_max);
            all += one;
        }
        CHECK(all == text);
    }
}
