#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "central/intake.hpp"
#include "central/schema.hpp"
#include "central/store.hpp"
#include "core/version.hpp"
#include "sender.hpp"
#include "tests/sim/temporary_folder.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
std::string whole_file(std::string const& path) {
    std::ifstream file{path, std::ios::binary};
    REQUIRE(file);
    return std::string{std::istreambuf_iterator<char>{file}, {}};
}
std::string const docs = std::string{MARROWLINK_SOURCE_DIR} + "/docs/";

json::value parsed(std::string_view text) {
    auto value = json::parse(text, "text");
    if (!value) FAIL(value.error().message);
    return std::move(*value);
}

// The schemas leave objects open, so that an older centre takes what a newer gateway adds. What we send ourselves is described to the last
// member.
void only_described(json::value const& schema, json::value const& value, std::string const& where) {
    if (auto const* const object = value.if_object()) {
        auto const* const properties = schema.as_object().if_contains("properties");
        if (!properties) return;
        for (auto const& [name, member] : *object) {
            INFO(where << "/" << std::string_view{name});
            auto const* const inner = properties->as_object().if_contains(name);
            REQUIRE(inner);
            only_described(*inner, member, where + "/" + std::string{name});
        }
    }
    if (auto const* const array = value.if_array())
        if (auto const* const items = schema.as_object().if_contains("items"))
            for (auto const& item : *array) only_described(*items, item, where);
}

std::vector<Draft> one_of_each() {
    RunIdentity const id = identity("key-1");
    std::vector<Draft> drafts = plate_run(id, std::string(70'000, 'f'), 600);
    Reading flagged;
    flagged.plate = "P1";
    flagged.read = "OD600:600";
    flagged.well = "AA24";
    flagged.time_s = "30";
    flagged.wavelength_nm = "600";
    flagged.excitation_nm = "485";
    flagged.unit = "OD";
    flagged.flag = "OVRFLW";
    std::vector<Reading> const readings{flagged};
    for (Draft& draft : run_readings(identity("key-2"), readings)) drafts.push_back(std::move(draft));
    RunManifest manifest;
    manifest.state = "unreadable";
    manifest.reason = "No parser knows this file.";
    manifest.started = "2026-11-25T02:30:00.000Z";
    manifest.started_as_written = "25/11/2026 03:30";
    manifest.arrived = "2026-11-25T02:31:00.000Z";
    manifest.readings = &readings;
    manifest.notes = {"The encoding was guessed."};
    manifest.datasets.push_back(
        json::object{{"version", "FCS3.1"}, {"events", 3}, {"parameters", json::array{json::object{{"n", "FSC-A"}, {"bits", 32}}}}});
    drafts.push_back(run_finished(identity("key-2"), manifest));
    drafts.push_back(run_started(id, "P1", "page", json::object{{"mode", "endpoint"}}));
    drafts.push_back(run_labelled(id, "P2", "Ada", "typed the wrong plate", "1"));
    drafts.push_back(run_aborted(id, "The reader was switched off."));
    drafts.push_back(line_message("k1", "a line"));
    return drafts;
}
}  // namespace

TEST_CASE("the schemas are valid, closed under their own keywords, and one stands for each record type") {
    auto const schemas = Schemas::from(wire_schemas());
    if (!schemas) FAIL(schemas.error().message);
    for (std::string_view const type : record_types()) {
        INFO(type);
        CHECK(schemas->knows(type));
    }
    for (EmbeddedFile const& file : wire_schemas()) CHECK(file.bytes == whole_file(docs + "schema/" + std::string{file.name}));
}

TEST_CASE("what our own code sends fits its schema, to the last member") {
    Sender sender{stream_a};
    std::set<std::string> seen;
    for (Draft const& draft : one_of_each()) {
        Message const message = sender.send(draft);
        Record const& record = sender.outbox.back();
        INFO(draft.type << " " << draft.data.substr(0, 300));
        json::object attributes;
        auto const list = decode_attributes(record.attributes);
        REQUIRE(list);
        for (auto const& [name, value] : *list) attributes[name] = value;
        auto const of_attributes = Schemas::of_wire().mismatch("attributes", attributes);
        CHECK_FALSE(of_attributes);
        only_described(parsed(whole_file(docs + "schema/attributes.json")), attributes, "attributes");
        json::value const body = draft.type == type::run_file ? json::value(attributes) : parsed(draft.data);
        auto const problem = Schemas::of_wire().mismatch(draft.type, body);
        if (problem) FAIL(*problem);
        if (draft.type != type::run_file)
            only_described(parsed(whole_file(docs + "schema/" + std::string{draft.type} + ".json")), body, std::string{draft.type});
        seen.emplace(draft.type);
    }
    CHECK(seen.size() == 6);
    Acknowledgement const acknowledgement{"lyon", "gw1", stream_a, 7, sha256("x"), 3};
    CHECK_FALSE(Schemas::of_wire().mismatch("acknowledgement", parsed(acknowledgement.json())));
    Answer const answer{"lyon", "gw1", "run", "reader-1", "key", "complete", "counted", ""};
    CHECK_FALSE(Schemas::of_wire().mismatch("answer", parsed(answer.json())));
    CHECK_FALSE(Schemas::of_wire().mismatch("birth", parsed(sender.birth().payload)));
}

TEST_CASE("each rule of the schemas refuses what breaks it, with the place") {
    auto const says = [](std::string_view schema, std::string_view text) {
        return Schemas::of_wire().mismatch(schema, parsed(text)).value_or("fits");
    };
    CHECK(says("run.aborted", R"({"run":"r","instrument":"i","reason":"x"})") == "fits");
    CHECK(says("run.aborted", R"({"run":"r","instrument":"i"})") == "It has no member reason");
    CHECK(says("run.aborted", R"({"run":"r","instrument":"i","reason":""})") == "reason is empty, expected a text");
    CHECK(says("run.aborted", R"({"run":"r","instrument":"I","reason":"x"})").starts_with("instrument is \"I\", expected "));
    CHECK(says("run.aborted", R"([])") == "It is a value of kind array, expected object");
    CHECK(says("run.readings", R"({"run":"r","block":-1,"message":""})") == "block is -1, expected at least 0");
    CHECK(says("run.readings", R"({"run":"r","block":0.5,"message":""})") == "block is a value of kind number, expected integer");
    CHECK(says("run.readings", R"({"run":"r","block":0})").starts_with("It fits 0 of "));
    CHECK(says("run.readings", R"({"run":"r","block":0,"message":"","readings":[{"well":"A1"}]})").starts_with("It fits 2 of "));
    CHECK(says("run.readings", R"({"run":"r","block":0,"readings":[]})") == "readings has 0 items, expected at least 1");
    CHECK(says("run.readings", R"({"run":"r","block":0,"readings":[{"well":"A1"},{"well":"A2","value":0.5}]})") ==
          "readings/1/value is a value of kind number, expected string");
    CHECK(says("answer", R"({"run":"r","instrument":"i","sourcekey":"k","state":"lost","verdict":"counted","reason":""})")
              .starts_with("state is \"lost\", expected one of"));
    CHECK(says("acknowledgement", R"({"through":1,"chain":"00","more":1})").starts_with("chain is \"00\", expected"));
    CHECK(says("telemetry", R"({"anything":[1,2,{"goes":null}]})") == "fits");
    CHECK(says("telemetry",
               R"({"instrument":"freezer-1","values":[{"name":"t","value":"-80.1","unit":"°C"},{"name":"d","flag":"no answer"}]})") ==
          "fits");
    CHECK(says("telemetry", R"({"values":[{"name":"t","value":-80.1}]})") != "fits");
    // Letters are counted, not bytes: 64 of two bytes each fit where 64 are allowed.
    std::string letters;
    for (int i = 0; i < 64; ++i) letters += "é";
    CHECK(says("instrument.state", fmt::format(R"({{"state":"{}"}})", letters)) == "fits");
    CHECK(says("instrument.state", fmt::format(R"({{"state":"{}e"}})", letters)) == "state has 65 letters, expected at most 64");
    EmbeddedFile const foreign[] = {{"x.json", R"({"type":"object","dependentRequired":{}})"}};
    auto const refused = Schemas::from(foreign);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("dependentRequired") != std::string::npos);
}

// docs/wire-contract.md shows these very values; whoever writes another gateway or centre checks against them.
TEST_CASE("the test vector of the wire contract is what this code computes") {
    std::string const document = whole_file(docs + "wire-contract.md");
    auto const begin = document.find("```text test vector\n");
    REQUIRE(begin != std::string::npos);
    auto const start = begin + std::string_view{"```text test vector\n"}.size();
    std::string const shown = document.substr(start, document.find("```", start) - start);

    Origin const origin{"lyon", "gw1", "00000000-0000-4000-8000-000000000001"};
    Sha256 hash;
    Digest chain = chain_start(origin.stream);
    std::string out = fmt::format("stream     {}\nchain(0)   {}\n", origin.stream, hex(chain));
    Draft opened;
    opened.type = type::stream_opened;
    opened.instrument = "gateway";
    opened.data = R"({"previous":"","reason":"first start"})";
    RunIdentity const id{"line-1", "line", run_id_of("line-1", "k1", hex(sha256("0.1234"))), "k1"};
    std::uint64_t seq = 0;
    for (Draft const& draft : {opened, run_message(id, "0.1234")}) {
        ++seq;
        std::string const attributes = attributes_of(draft, origin, {"2026-11-25T02:30:00.000Z", "boot-1", 1000 * seq, true}, seq);
        out += fmt::format("\nseq        {}\n", seq);
        auto const list = decode_attributes(attributes);
        REQUIRE(list);
        for (auto const& [name, value] : *list) out += fmt::format("  {:<15} {}\n", name, value);
        chain = chain_next(hash, chain, attributes, draft.data);
        out += fmt::format("data       {}\nattributes {} bytes, SHA-256 {}\nSHA-256 of data {}\nchain({})   {}\n", draft.data,
                           attributes.size(), hex(sha256(attributes)), hex(sha256(draft.data)), seq, hex(chain));
    }
    INFO("computed:\n" << out);
    CHECK(shown == out);
}

}  // namespace marrowlink
