// The record: its attributes are encoded once, in the order the chain hashes them; topics and keys are what the wire contract says.
#include "core/record.hpp"

#include <catch2/catch.hpp>

using namespace marrowlink;

namespace {
Draft draft() {
    Draft made;
    made.type = type::run_readings;
    made.instrument = "reader-1";
    made.run = "run-1";
    made.sourcekey = "key-1";
    made.part = "0";
    made.data = "{}";
    return made;
}
Origin const origin{"paris", "gw1", "5a3c0000-0000-4000-8000-000000000001"};
Stamp const stamp{"2026-11-25T02:30:00.000Z", "boot", 42, true};
}  // namespace

TEST_CASE("attributes are sorted by name, and read back as they were") {
    std::string const encoded = encode_attributes({{"type", "b"}, {"id", "a"}, {"empty", ""}});
    CHECK(encoded == std::string("\0\0\0\5empty\0\0\0\0\0\0\0\2id\0\0\0\1a\0\0\0\4type\0\0\0\1b", 37));
    auto const decoded = decode_attributes(encoded);
    REQUIRE(decoded);
    CHECK(*decoded == Attributes{{"empty", ""}, {"id", "a"}, {"type", "b"}});
    CHECK(find_attribute(encoded, "type") == "b");
    CHECK(find_attribute(encoded, "absent").empty());
}

TEST_CASE("damaged attributes are no attributes") {
    std::string const encoded = encode_attributes({{"a", "1"}, {"b", "2"}});
    for (std::size_t cut = 1; cut < encoded.size(); ++cut) {
        auto const decoded = decode_attributes(std::string_view{encoded}.substr(0, cut));
        if (decoded) CHECK(decoded->size() == 1);  // cut exactly between two attributes
    }
    CHECK_FALSE(decode_attributes(std::string("\xff\xff\xff\xff", 4)));
    std::string const twice = encode_attributes({{"a", "1"}}) + encode_attributes({{"a", "2"}});
    CHECK_FALSE(decode_attributes(twice));
    std::string const unsorted = encode_attributes({{"b", "1"}}) + encode_attributes({{"a", "2"}});
    CHECK_FALSE(decode_attributes(unsorted));
}

TEST_CASE("a record says where it stands and whence it comes") {
    Record record;
    record.attributes = attributes_of(draft(), origin, stamp, 7);
    CHECK(record.attribute("id") == origin.stream + "/7");
    CHECK(record.attribute("sequence") == "00000000000000000007");
    CHECK(record.attribute("source") == "/paris/gw1/reader-1");
    CHECK(record.attribute("type") == "org.marrowlink.run.readings");
    CHECK(record.type() == "run.readings");
    CHECK(record.attribute("subject") == "run-1");
    CHECK(record.attribute("clocksync") == "true");
    CHECK(record.attribute("chain").empty());
}

TEST_CASE("identity is the place in the stream, never a time (field 9)") {
    std::string const first = attributes_of(draft(), origin, stamp, 1);
    std::string const second = attributes_of(draft(), origin, stamp, 2);
    CHECK(find_attribute(first, "time") == find_attribute(second, "time"));
    CHECK(find_attribute(first, "id") != find_attribute(second, "id"));
}

TEST_CASE("the same part of the same run has the same key, anything else another") {
    Sha256 hash;
    std::string const key = idempotency_key(draft(), hash);
    CHECK(key.size() == 16);
    Draft other = draft();
    other.data = "{\"later\":1}";
    other.content_type = "text/plain";
    CHECK(idempotency_key(other, hash) == key);
    for (auto const change : {&Draft::instrument, &Draft::run, &Draft::part}) {
        other = draft();
        other.*change += "x";
        CHECK(idempotency_key(other, hash) != key);
    }
    other = draft();
    other.type = type::run_finished;
    CHECK(idempotency_key(other, hash) != key);
    Draft shifted = draft();  // the parts are delimited: no text can slide from one into the next
    shifted.instrument = "reader-1r";
    shifted.run = "un-1";
    CHECK(idempotency_key(shifted, hash) != key);
}

TEST_CASE("the chain binds every byte to all that came before") {
    Sha256 hash;
    Digest const start = chain_start(origin.stream);
    CHECK(start == sha256(origin.stream));
    std::string const attributes = attributes_of(draft(), origin, stamp, 1);
    Digest const one = chain_next(hash, start, attributes, "data");
    CHECK(one == sha256(std::string{as_bytes(start)} + attributes + std::string{as_bytes(sha256("data"))}));
    CHECK(chain_next(hash, start, attributes, "dat\x01") != one);
    CHECK(chain_next(hash, one, attributes, "data") != one);
}

TEST_CASE("sequence text is exactly twenty digits") {
    CHECK(sequence_from(sequence_text(0)) == 0);
    CHECK(sequence_from(sequence_text(18446744073709551615ull)) == 18446744073709551615ull);
    for (char const* const wrong :
         {"", "7", "0000000000000000000", "000000000000000000007", "0000000000000000000x", "-0000000000000000007", "99999999999999999999"})
        CHECK_FALSE(sequence_from(wrong));
}

TEST_CASE("topics hold ids only, and are read back or refused") {
    std::string const text = topic::record("paris", "gw1", "reader-1", "run.file");
    auto const parsed = topic::parse_record(text);  // views into `text`
    REQUIRE(parsed);
    CHECK(parsed->site == "paris");
    CHECK(parsed->gateway == "gw1");
    CHECK(parsed->instrument == "reader-1");
    CHECK(parsed->type == "run.file");
    for (char const* const wrong :
         {"", "marrowlink/1/paris/gw1/reader-1", "marrowlink/1/paris/gw1/reader-1/", "marrowlink/1/Paris/gw1/reader-1/t",
          "marrowlink/2/a/b/c/d", "marrowlink/1/a/b/c/d/e", "marrowlink/1/a//c/d"})
        CHECK_FALSE(topic::parse_record(wrong));
    CHECK(is_identifier("a-1"));
    CHECK(is_identifier(std::string(32, 'a')));
    for (std::string const& wrong : {std::string{}, std::string(33, 'a'), std::string{"a_b"}, std::string{"A"}, std::string{"é"}})
        CHECK_FALSE(is_identifier(wrong));
}
