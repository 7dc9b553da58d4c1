#include "central/bundle.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "central/subjects.hpp"
#include "central/tar.hpp"
#include "drivers/biorad/simulator.hpp"
#include "drivers/biotek/simulator.hpp"
#include "drivers/hl7/simulator.hpp"
#include "tests/central/evaluated_store.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
class World : public EvaluatedStore {
 public:
    void plate(std::string const& barcode, std::string const& timepoint, std::map<std::string, double> const& midpoints) {
        EvaluatedStore::plate(sender, barcode, screen_sample("ALL-0042", timepoint), midpoints);
    }
    void take(std::vector<Draft> const& drafts) { EvaluatedStore::take(sender.send(drafts)); }
    // Two plates that can be compared, one without a layout, and two that stand under one barcode.
    void fill() {
        plate("ALL-P1", "diagnosis", {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
        plate("ALL-P2", "relapse", {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
        annotate(AnnotationKind::sample, "ALL-P3", screen_sample("ALL-0042", "relapse"));
        take(screen_run(identity("ALL-P3"), "ALL-P3", {{"dasatinib", 3.2}, {"venetoclax", 2.4}}));
        plate("ALL-P4", "relapse", {{"dasatinib", 3.0}, {"venetoclax", 2.0}});
        take(screen_run(identity("again"), "ALL-P4", {{"dasatinib", 3.1}, {"venetoclax", 2.1}}));
        evaluate();
    }
    Bundle bundle() {
        auto made = bundle_of(database(), "ALL-0042");
        if (!made) FAIL(made.error().message);
        return std::move(*made);
    }
    std::string refusal(std::string const& subject = "ALL-0042") {
        auto const made = bundle_of(database(), subject);
        REQUIRE_FALSE(made);
        CHECK(made.error().fault == Fault::refused);
        return made.error().message;
    }
    Sender sender{stream_a};
};

std::string file_of(Bundle const& bundle) {
    auto made = bundle_file(bundle);
    if (!made) FAIL(made.error().message);
    return std::move(*made);
}

BundleProof proof_of(std::string const& tar, bool recompute) {
    auto proof = check_bundle(tar, recompute);
    if (!proof) FAIL(proof.error().message);
    return std::move(*proof);
}

// Some of a member replaced by other text of any length, and the sums made to agree, as someone would who knows how.
std::string forged(std::string const& tar, std::string const& name, std::string const& from, std::string const& to) {
    auto members = members_in(tar);
    REQUIRE(members);
    std::string sums;
    for (TarMember& member : *members) {
        if (member.name == name) {
            auto const at = member.bytes.find(from);
            REQUIRE(at != std::string::npos);
            member.bytes.replace(at, from.size(), to);
        }
        if (member.name == "SHA256SUMS")
            member.bytes = sums;
        else
            sums += hex(sha256(member.bytes)) + "  " + member.name + "\n";
    }
    return tar_of(*members);
}
}  // namespace

TEST_CASE("a bundle holds what a subject's comparison rests on, and all of it can be made again from the instruments' bytes") {
    World world;
    world.fill();
    std::string const tar = file_of(world.bundle());
    BundleProof const proof = proof_of(tar, true);
    CHECK(proof.findings.empty());
    CHECK(proof.subject == "ALL-0042");
    CHECK(proof.plates == 5);
    CHECK(proof.drugs == 2);
    CHECK(proof.recomputed);
    auto const members = members_in(tar);
    REQUIRE(members);
    auto const bytes_of = [&](std::string_view name) -> std::string {
        for (TarMember const& member : *members)
            if (member.name == name) return member.bytes;
        FAIL("no " << name);
        return {};
    };
    CHECK(bytes_of("plates/1/original-1") == screen_export(screen_readings({{"dasatinib", 1.0}, {"venetoclax", 2.5}})));
    CHECK(bytes_of("plates/2/layout.csv") == screen_layout());
    CHECK(bytes_of("plates/3/result.json").find("no layout has been given") != std::string::npos);
    CHECK(bytes_of("plates/5/result.json").find("2 runs stand under one barcode") != std::string::npos);
    // What the page says and what the bundle says are the same numbers.
    auto const shown = comparison_of(world.database(), "ALL-0042");
    REQUIRE(shown);
    CHECK(bytes_of("comparison.json").find(json::serialize(shown->at("drugs"))) != std::string::npos);
    std::string const report = bytes_of("report.html");
    CHECK(report.find("src=") == std::string::npos);
    CHECK(report.find("href=\"central.css\"") == std::string::npos);
    CHECK(report.find("\"lost effect\"") != std::string::npos);
}

TEST_CASE("any bit of a bundle that is not as it was written is found") {
    World world;
    world.plate("ALL-P1", "diagnosis", {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
    world.plate("ALL-P2", "relapse", {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
    std::string tar = file_of(world.bundle());
    REQUIRE(proof_of(tar, false).findings.empty());
    std::size_t unseen = 0;
    auto const flip = [&](std::size_t bit) {
        tar[bit / 8] = static_cast<char>(tar[bit / 8] ^ (1 << bit % 8));
        auto const proof = check_bundle(tar, false);
        if (proof && proof->findings.empty()) {
            ++unseen;
            UNSCOPED_INFO("bit " << bit % 8 << " of byte " << bit / 8);
        }
        tar[bit / 8] = static_cast<char>(tar[bit / 8] ^ (1 << bit % 8));
    };
    constexpr unsigned seed = 42, flips = 10'000;
    std::mt19937 dice{seed};
    std::uniform_int_distribution<std::size_t> bits{0, 8 * tar.size() - 1};
    for (unsigned i = 0; i < flips; ++i) flip(bits(dice));
    // Headers and padding are a small part of it: all bits of the first header and of the two closing blocks.
    for (std::size_t bit = 0; bit < 8 * 512; ++bit) flip(bit);
    for (std::size_t bit = 8 * (tar.size() - 1024); bit < 8 * tar.size(); ++bit) flip(bit);
    WARN(flips << " random flips (seed " << seed << ") in " << tar.size() << " bytes, and 12288 of headers and padding: " << unseen
               << " unseen");
    CHECK(unseen == 0);
    for (std::size_t const size : {tar.size() - 1, tar.size() - 512, tar.size() - 1024, tar.size() / 2, std::size_t{511}, std::size_t{0}})
        CHECK_FALSE(check_bundle(tar.substr(0, size), false));
    CHECK_FALSE(check_bundle(tar + std::string(512, '\0'), false));
}

TEST_CASE("a bundle whose sums were made to agree with other numbers is found by making the numbers again") {
    World world;
    world.plate("ALL-P1", "diagnosis", {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
    world.plate("ALL-P2", "relapse", {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
    std::string const tar = file_of(world.bundle());
    auto const finds = [](std::string const& changed, std::string_view where) {
        CHECK(proof_of(changed, false).findings.empty());
        auto const proof = proof_of(changed, true);
        REQUIRE_FALSE(proof.findings.empty());
        INFO(proof.findings.front());
        CHECK(proof.findings.front().starts_with(where));
    };
    finds(forged(tar, "plates/1/result.json", "\"zprime\":", "\"zprime\":1"), "plates/1/result.json at byte ");
    finds(forged(tar, "comparison.json", "lost effect", "gained effect"), "comparison.json at byte ");
    finds(forged(tar, "report.html", "lost effect", "gained effect"), "report.html at byte ");
    finds(forged(tar, "plates/2/layout.csv", "dasatinib", "dasatinob"), "plates/2/result.json at byte ");
    finds(forged(tar, "README.txt", "Research use only. ", ""), "README.txt at byte ");
    finds(forged(tar, "subject.json", "\"site\":\"lyon\"", "\"site\":\"paris\""), "comparison.json at byte ");
    // An original is named by its SHA-256 twice.
    auto const original = check_bundle(forged(tar, "plates/1/original-1", "\t60", "\t50"), true);
    REQUIRE_FALSE(original);
    CHECK(original.error().message.starts_with("plates/1/original-1 has the SHA-256 "));
    auto const renamed = check_bundle(forged(tar, "subject.json", "\"layout_version\":1,", ""), true);
    REQUIRE_FALSE(renamed);
    CHECK(renamed.error().message == "File 4 of the bundle is plates/1/layout.csv, expected plates/1/sample.csv.");
}

TEST_CASE("a bundle of another version is held to its sums, and is not called made again") {
    World world;
    world.plate("ALL-P1", "diagnosis", {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
    Bundle bundle = world.bundle();
    bundle.software = "0.0.1";
    BundleProof const proof = proof_of(file_of(bundle), true);
    CHECK(proof.findings.empty());
    CHECK_FALSE(proof.recomputed);
    CHECK(proof.software == "0.0.1");
}

TEST_CASE("a bundle that is not whole, has a stray file, names another subject or what cannot be printed is refused") {
    World world;
    world.plate("ALL-P1", "diagnosis", {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
    std::string const tar = file_of(world.bundle());
    auto const with_members = [&](auto change) {
        auto members = members_in(tar);
        REQUIRE(members);
        members->pop_back();
        change(*members);
        std::string sums;
        for (TarMember const& member : *members) sums += hex(sha256(member.bytes)) + "  " + member.name + "\n";
        members->push_back({"SHA256SUMS", sums});
        return tar_of(*members);
    };
    auto const refusal = [](std::string const& changed, bool recompute) {
        auto const proof = check_bundle(changed, recompute);
        return proof ? (proof->findings.empty() ? "it is good" : proof->findings.front()) : proof.error().message;
    };
    CHECK(refusal(with_members([](auto& members) { members.pop_back(); }), false) ==
          "File 8 of the bundle is not there, expected report.html.");
    CHECK(refusal(with_members([](auto& members) {
                      members.push_back({"more.txt", "x"});
                  }),
                  false) == "more.txt stands in the bundle and has no place there.");
    CHECK(refusal(forged(tar, "subject.json", "\"ALL-0042\"", "\"ALL-0007\""), true) ==
          "Plate ALL-P1: by its sample sheet the subject is \"ALL-0042\", the bundle is of ALL-0007.");
    CHECK(refusal(forged(tar, "subject.json", "\"ALL-0042\"", "\"ALL\\n0042\""), false) ==
          "subject.json: subject is not 1 to 64 printable characters.");
    CHECK(refusal(forged(tar, "subject.json", "marrowlink-bundle/1", "marrowlink-bundle/9"), false) ==
          "subject.json: the format is \"marrowlink-bundle/9\", expected \"marrowlink-bundle/1\".");
    CHECK(refusal(forged(tar, "subject.json", "{", std::string(2u << 20, ' ') + "{"), false).starts_with("subject.json has "));
    CHECK(refusal(forged(tar, "subject.json", "\"plates\":[", "\"plates\":[1,"), false) == "subject.json: plate 1 has no members.");
}

TEST_CASE("readings are made again from what came over a wire, as its driver made them") {
    SimulatorOptions options;
    options.period = std::chrono::milliseconds{0};
    auto const said = [](SimulatedInstrument& instrument) {
        for (int minute = 0; minute < 2; ++minute) instrument.send(Clock::Instant{} + std::chrono::minutes{minute});
        for (SimulatedEvent const& event : instrument.take_events())
            if (event.kind == SimulatedEvent::Kind::measured) return event.text;
        FAIL("it measured nothing");
        return std::string{};
    };
    auto const readings_of = [](std::string const& format, std::string const& bytes) {
        auto readings = readings_in({{{"transcript", format, "", "", bytes.size(), 0}, bytes}});
        if (!readings) FAIL(readings.error().message);
        return *readings;
    };
    biotek::BiotekSimulator biotek{options, {}};
    biotek.measure({});
    CHECK(readings_of("biotek", said(biotek)).size() == 96);
    biorad::BioradSimulator biorad{options, {}};
    biorad.receive("EIA.READER AQ\r", {});
    biorad.measure({});
    CHECK(readings_of("biorad", said(biorad)).size() == 96);
    hl7::Hl7Simulator hl7{options, {}};
    hl7.measure({});
    std::string message = said(hl7);
    CHECK(readings_of("hl7", message).size() == 4);
    // A message that says nothing of its characters, with a letter that is no UTF-8.
    message.erase(message.find("||||||8859/1"), 12);
    message.replace(message.find("|LAB|"), 5, "|L\xC9|");
    CHECK(readings_of("hl7", message).size() == 4);
    CHECK(readings_of("astm", "H|\\^&\rL|1|N\r").empty());
    CHECK_FALSE(readings_in({{{"transcript", "spectramax", "", "", 1, 0}, "x"}}));
}

TEST_CASE("no bundle is written of what cannot be made again") {
    World world;
    CHECK(world.refusal("ALL-0007") == "The centre has no plate of a subject \"ALL-0007\".");
    world.annotate(AnnotationKind::layout, "ALL-P1", screen_layout());
    world.annotate(AnnotationKind::sample, "ALL-P1", screen_sample("ALL-0042", "diagnosis"));
    auto readings = screen_readings({{"dasatinib", 1.0}, {"venetoclax", 2.5}});
    SECTION("an original that its parser refuses") {
        world.take(readings_run(identity("k1"), "ALL-P1", readings));
        world.evaluate();
        CHECK(world.refusal().starts_with("Plate ALL-P1 (run "));
    }
    SECTION("readings that are not the original's") {
        world.take(readings_run(identity("k1"), "ALL-P1", readings, screen_export(readings), "agilent-gen5"));
        world.evaluate();
        CHECK(world.refusal().ends_with("its original bytes do not give the readings that were sent with them."));
    }
    SECTION("a transcript that says nothing without its driver") {
        world.take(readings_run(identity("k1"), "ALL-P1", readings, "registers", "modbus"));
        world.evaluate();
        CHECK(world.refusal().ends_with("The export of format \"modbus\" cannot be read without the instrument's own settings."));
    }
    SECTION("a result that is due to be made again") {
        world.take(screen_run(identity("k1"), "ALL-P1", {{"dasatinib", 1.0}, {"venetoclax", 2.5}}));
        world.evaluate();
        std::string other = screen_layout();
        other.replace(other.find(",1,nM"), 5, ",2,nM");
        world.annotate(AnnotationKind::layout, "ALL-P1", other);
        CHECK(world.refusal().find("run `marrowlink-central recompute`") != std::string::npos);
        world.evaluate();
        CHECK(proof_of(file_of(world.bundle()), true).findings.empty());
    }
}

TEST_CASE("what is no canonical tar is refused with the byte at which it ceases to be one") {
    std::vector<TarMember> const members{{"a.txt", "text"}, {"b/c", std::string(512, 'x')}, {"empty", ""}};
    std::string const tar = tar_of(members);
    CHECK(tar.size() == 6 * 512 + 512);
    auto const read = members_in(tar);
    REQUIRE(read);
    REQUIRE(read->size() == 3);
    CHECK(read->at(1).bytes == members[1].bytes);
    auto const refusal = [](std::string bytes) {
        auto const found = members_in(bytes);
        REQUIRE_FALSE(found);
        return found.error().message;
    };
    auto const with = [&](std::size_t at, char byte) {
        std::string out = tar;
        out[at] = byte;
        return out;
    };
    CHECK(refusal("text") == "At byte 0: a header or the archive's end was expected.");
    CHECK(refusal(with(136, '1')) == "At byte 136: the header of a.txt is not what its name and size give.");
    CHECK(refusal(with(124, 'x')) == "At byte 124: the size of a.txt was expected in 11 octal digits.");
    CHECK(refusal(with(124, '7')) == "At byte 153: the header of a.txt is not what its name and size give.");
    CHECK(refusal(with(600, '1')) == "At byte 600: only zeros were expected after a.txt.");
    CHECK(refusal(tar.substr(0, 1024)) == "At byte 1024: 1024 zero bytes were expected to end the archive, and 0 follow.");
    CHECK(refusal(tar.substr(0, 1700)) == "At byte 1536: b/c has 512 bytes by its header, and only 164 follow.");
}

}  // namespace marrowlink
