// Small things that everything leans on: text encodings, log lines, times, hexadecimal digests, JSON limits.
#include "core/text.hpp"

#include <catch2/catch.hpp>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "core/sha256.hpp"

using namespace marrowlink;

TEST_CASE("UTF-8 is well-formed or it is not UTF-8") {
    for (char const* const good : {"", "plain", "h\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBD"}) CHECK(is_utf8(good));
    for (char const* const bad :
         {"\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xFF", "a\xE2\x82"})
        CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("text comes to UTF-8 without guessing, and the first wrong byte is named") {
    CHECK(to_utf8("36,9 \xB0"
                  "C",
                  TextEncoding::latin_1) == std::string("36,9 °C"));
    CHECK(to_utf8("\x80 5", TextEncoding::cp1252) == std::string("€ 5"));
    CHECK(to_utf8("\xE9", TextEncoding::cp1252) == std::string("é"));
    auto const undefined = to_utf8("ab\x81", TextEncoding::cp1252);
    REQUIRE_FALSE(undefined);
    CHECK(undefined.error().message == "Byte 2 is 81, which Windows-1252 does not define.");
    auto const wrong = to_utf8("ab\xE9", TextEncoding::utf_8);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().fault == Fault::refused);
    CHECK(wrong.error().message.find("Byte 2 is e9") != std::string::npos);
}

TEST_CASE("a log line is logfmt whatever stands in it") {
    CHECK(log::logfmt(log::Level::warn, "port.closed",
                      {{"port", "/dev/ttyS0"}, {"count", 3}, {"empty", ""}, {"text", "say \"no\"\nnow\x01"}}) ==
          "level=warn event=port.closed port=/dev/ttyS0 count=3 empty=\"\" text=\"say \\\"no\\\"\\nnow\\x01\"");
}

TEST_CASE("times and ids are written one way") {
    CHECK(rfc3339(Clock::Utc{std::chrono::milliseconds{0}}) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339(Clock::Utc{std::chrono::milliseconds{1'795'573'800'123}}) == "2026-11-25T02:30:00.123Z");
    CHECK(rfc3339(Clock::Utc{std::chrono::milliseconds{-1}}) == "1969-12-31T23:59:59.999Z");
    struct Zeros final : Entropy {
        void fill(std::span<std::byte> out) override { std::fill(out.begin(), out.end(), std::byte{0xFF}); }
    } entropy;
    CHECK(random_uuid(entropy) == "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST_CASE("what is quoted ends between two letters") {
    CHECK(beginning_of("abc", 3) == "abc");
    CHECK(beginning_of("abcd", 3) == "abc");
    std::string const letters = "a\u00e9\u20ac\U0001F9EA";  // 1, 2, 3 and 4 bytes
    std::size_t const ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (std::size_t bytes = 0; bytes < std::size(ends); ++bytes) CHECK(beginning_of(letters, bytes).size() == ends[bytes]);
    CHECK(beginning_of("\xA9\xA9\xA9", 2).empty());  // no letter begins there
}

TEST_CASE("digests are read back only from what we write") {
    Digest const digest = sha256("abc");  // FIPS 180-4, example
    CHECK(hex(digest) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Digest back{};
    CHECK(digest_from_hex(hex(digest), back));
    CHECK(back == digest);
    CHECK_FALSE(digest_from_hex(hex(digest).substr(1), back));
    CHECK_FALSE(digest_from_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", back));
    Sha256 again;
    again.update("x").finish();
    CHECK(again.update("abc").finish() == digest);
}

TEST_CASE("JSON has a depth limit and its errors name the text") {
    CHECK(json::parse(std::string(32, '[') + std::string(32, ']'), "nested"));
    auto const deep = json::parse(std::string(33, '[') + std::string(33, ']'), "the acknowledgement");
    REQUIRE_FALSE(deep);
    CHECK(deep.error().message.starts_with("the acknowledgement is not JSON"));
}
