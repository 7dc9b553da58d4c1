// The records of a run, as every driver builds them.
#include "core/run.hpp"

#include <catch2/catch.hpp>

using namespace marrowlink;

namespace {
RunIdentity const id{"reader-1", "spectramax", "run-1", "key-1"};

json::object object_of(Draft const& draft) {
    auto parsed = json::parse(draft.data, draft.type);
    REQUIRE(parsed);
    return parsed->get_object();
}
}  // namespace

TEST_CASE("run ids are made from what was measured: the same bytes are the same run") {
    std::string const one = run_id_of("reader-1", "key", "aa");
    CHECK(one.size() == 36);
    CHECK(run_id_of("reader-1", "key", "aa") == one);
    CHECK(run_id_of("reader-1", "key", "ab") != one);
    CHECK(run_id_of("reader-2", "key", "aa") != one);
    CHECK(run_id_of("reader-1k", "ey", "aa") != one);
}

TEST_CASE("original bytes are cut at the block limit, and one byte more makes one more chunk") {
    for (std::size_t const size :
         {std::size_t{0}, std::size_t{1}, block_bytes_max - 1, block_bytes_max, block_bytes_max + 1, 3 * block_bytes_max}) {
        std::string bytes(size, '\0');
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31);
        auto const chunks = run_file(id, bytes, "feed");
        CHECK(chunks.size() == std::max<std::size_t>(1, (size + block_bytes_max - 1) / block_bytes_max));
        std::string together;
        for (Draft const& chunk : chunks) {
            CHECK(chunk.data.size() <= block_bytes_max);
            CHECK(chunk.extensions[0] == std::pair<std::string, std::string>{"fileoffset", std::to_string(together.size())});
            CHECK(chunk.extensions[2].second == std::to_string(size));
            together += chunk.data;
        }
        CHECK(together == bytes);
    }
}

TEST_CASE("readings are cut into blocks that fit, in order, none lost") {
    std::vector<Reading> readings;
    for (int i = 0; i < 5'000; ++i)
        readings.push_back({"P1", "OD", "A1", std::to_string(i), "450", "", "0." + std::to_string(i), "OD", ""});
    auto const blocks = run_readings(id, readings);
    CHECK(blocks.size() > 1);
    int next = 0;
    for (std::size_t number = 0; number < blocks.size(); ++number) {
        CHECK(blocks[number].data.size() <= block_bytes_max);
        json::object const block = object_of(blocks[number]);
        CHECK(json::integer_of(block, "block") == static_cast<std::int64_t>(number));
        for (json::value const& reading : block.at("readings").get_array())
            CHECK(json::string_of(reading.get_object(), "time_s") == std::to_string(next++));
    }
    CHECK(next == 5'000);
    CHECK(run_readings(id, {}).empty());
}

TEST_CASE("what a source did not say of a reading is absent, but never its well") {
    auto const blocks = run_readings(id, {Reading{}, Reading{"P1", "OD", "A1", "0", "600", "485", "0.10", "OD", "#LOW"}});
    REQUIRE(blocks.size() == 1);
    CHECK(blocks[0].data ==
          R"({"run":"run-1","block":0,"readings":[{"well":""},{"plate":"P1","read":"OD","well":"A1","time_s":"0","wavelength_nm":"600",)"
          R"("excitation_nm":"485","value":"0.10","unit":"OD","flag":"#LOW"}]})");
}

TEST_CASE("a manifest says what a person checks: first, last, least, greatest; a word is never a number") {
    std::vector<Reading> const readings = {{"", "", "A1", "", "", "", "0.5", "OD", ""},
                                           {"", "", "A2", "", "", "", "-1e-3", "OD", ""},
                                           {"", "", "A3", "", "", "", "", "OD", "OVRFLW"},
                                           {"", "", "A4", "", "", "", "0.25", "OD", ""}};
    RunManifest manifest;
    manifest.plate = "P1";
    manifest.readings = &readings;
    json::object const data = object_of(run_finished(id, manifest));
    json::object const& summary = data.at("readings").get_object();
    CHECK(json::integer_of(summary, "count") == 4);
    CHECK(json::integer_of(summary, "flagged") == 1);
    CHECK(json::string_of(summary.at("first").get_object(), "well") == "A1");
    CHECK(json::string_of(summary.at("last").get_object(), "well") == "A4");
    CHECK(json::string_of(summary.at("min").get_object(), "value") == "-1e-3");
    CHECK(json::string_of(summary.at("max").get_object(), "well") == "A1");
}

TEST_CASE("no value is absent, never 0 (field 51)") {
    std::vector<Reading> const readings = {{"", "", "A1", "", "", "", "", "", "MISSED"}};
    json::object const block = object_of(run_readings(id, readings).front());
    json::object const& reading = block.at("readings").get_array().front().get_object();
    CHECK_FALSE(reading.contains("value"));
    CHECK(json::string_of(reading, "flag") == "MISSED");
    RunManifest manifest;
    manifest.readings = &readings;
    json::object const data = object_of(run_finished(id, manifest));
    CHECK_FALSE(data.at("readings").get_object().contains("min"));
}

TEST_CASE("a label is a fact beside the run, as often as people correct it") {
    Draft const once = run_labelled(id, "P2", "a person", "wrong label", "1");
    Draft const again = run_labelled(id, "P3", "a person", "still wrong", "2");
    Sha256 hash;
    CHECK(idempotency_key(once, hash) != idempotency_key(again, hash));
    CHECK(once.run == id.run);
    CHECK(once.sourcekey == id.sourcekey);
}
