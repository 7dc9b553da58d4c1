// BioTek plates: the recorded dialogue and the case of the shared samples, every cut and changed byte, and the driver over a cable in
// memory.
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>

#include "drivers/biotek/driver.hpp"
#include "drivers/biotek/parse.hpp"
#include "drivers/biotek/simulator.hpp"
#include "tests/drivers/cable_bench.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using biotek::Heard;

namespace {

std::string summed(std::string const& body) {
    unsigned sum = 0;
    for (unsigned char const c : body) sum += c;
    return "01,1,\r" + body + std::to_string(sum % 256) +
           "\x1A"
           "0000\x03";
}

std::string const body = "000:00:00.0,228,01,01,+0.0500,01,02,*******\r\n,02,02,+1.0710,02,01,-0.0020\r\n228\x1A";
std::string const plate = summed(body);

std::string with(std::string_view found, std::string_view instead) {
    std::string text = body;
    auto const at = text.find(found);
    REQUIRE(at != std::string::npos);
    return summed(text.replace(at, found.size(), instead));
}

std::string unhex(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) out += static_cast<char>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16));
    return out;
}

struct Bench : CableBench {
    biotek::Options options{"reader", false, 0};
    std::unique_ptr<biotek::BiotekDriver> driver;

    biotek::BiotekDriver& open() {
        if (!driver) driver = std::make_unique<biotek::BiotekDriver>(options, *cable.near, clock);
        return *driver;
    }
    Result<Batch> next() { return clock.finish(open().next()); }
};

bool says(Batch const& batch, std::string_view words) { return batch.records.back().data.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("the plates of the recorded dialogue hold the readings of their table") {
    auto const folder = plate_test::shared_folder() / "instruments/files/serial-byte-examples";
    if (!std::filesystem::is_directory(folder)) {
        std::cout << "biotek: no shared samples in " << plate_test::shared_folder() << "\n";
        return;
    }
    auto const dialogues = plate_test::json_of(folder / "dialogues.json");
    auto const expected = plate_test::json_of(folder / "dialogues.expected.json");
    std::vector<std::string> plates, answers;
    std::string heard;
    for (auto const& turn : dialogues.at("biotek").as_array())
        if (turn.at(0).as_string() == "<") heard += unhex(turn.at(1).as_string());
    std::string_view rest = heard;
    for (auto event = biotek::next_event(rest); event.heard != Heard::nothing; event = biotek::next_event(rest)) {
        if (event.heard == Heard::plate) plates.emplace_back(rest.substr(0, event.bytes));
        if (event.heard == Heard::answer) answers.emplace_back(std::string{event.text} + "/" + std::string{event.status});
        CHECK((event.heard == Heard::plate || event.heard == Heard::answer));
        rest.remove_prefix(event.bytes);
    }
    CHECK(rest.empty());
    CHECK(answers == std::vector<std::string>{"1650200  Version 1.04/0000", "236/0000", "035000000000000001000000000049030/0000", "/0000"});
    REQUIRE(plates.size() == 2);
    std::size_t compared = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        auto const document = biotek::parse(plates[i]);
        INFO((document ? std::string{} : document.error().message));
        REQUIRE(document);
        auto const& table = expected.at(i == 0 ? "biotek_readings_block_1" : "biotek_readings_block_3").as_object();
        CHECK(document->readings.size() == table.size());
        for (auto const& reading : document->readings) {
            CHECK(std::stoll(reading.value) == table.at(reading.well).as_int64());
            ++compared;
        }
        CHECK(plates[i].find("\x1A" +
                             std::to_string(expected.at(i == 0 ? "biotek_checksum_block_1" : "biotek_checksum_block_3").as_int64()) +
                             "\x1A") != std::string::npos);
    }
    std::cout << "biotek: 2 recorded plates, " << compared << " readings and 4 answers compared\n";
}

TEST_CASE("the serpentine reply is read and the damaged one refused as their case says") {
    auto const folder = plate_test::shared_folder() / "instruments/cases/biotek-serpentine-reply";
    if (!std::filesystem::is_directory(folder)) return;
    auto const expected = plate_test::json_of(folder / "expected.json");
    auto const document = biotek::parse(plate_test::slurp(folder / "reply.bin"));
    INFO((document ? std::string{} : document.error().message));
    REQUIRE(document);
    auto const& reply = expected.at("reply").as_object();
    CHECK(document->readings.size() == reply.at("readings").to_number<std::size_t>());
    std::size_t values = 0, flags = 0;
    for (auto const& reading : document->readings) {
        flags += !reading.flag.empty();
        if (!reading.flag.empty()) CHECK(reply.at("flags").as_object().contains(reading.well));
        if (reading.value.empty()) continue;
        CHECK(std::stod(reading.value) == Approx(reply.at("values").at(reading.well).to_number<double>()));
        CHECK(reading.unit == "OD");
        ++values;
    }
    CHECK(values == reply.at("values").as_object().size());
    CHECK(flags == reply.at("flags").as_object().size());
    auto const damaged = biotek::parse(plate_test::slurp(folder / "damaged.bin"));
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().message == "The plate's bytes sum up to 176, and the reader says 177.");
    std::cout << "biotek: 1 case, " << values << " values and " << flags << " flags compared, 1 refusal\n";
}

TEST_CASE("values as they are written, a starred field as a flag") {
    auto const document = biotek::parse(plate);
    INFO((document ? std::string{} : document.error().message));
    REQUIRE(document);
    REQUIRE(document->readings.size() == 4);
    CHECK(document->readings[0].well == "A1");
    CHECK(document->readings[0].value == "+0.0500");
    CHECK(document->readings[1].flag == "*******");
    CHECK(document->readings[2].well == "B2");
    CHECK(document->readings[3].value == "-0.0020");
}

TEST_CASE("what is not known of a plate is refused by its place") {
    auto const refused = [](std::string const& bytes, std::string_view words) {
        auto const document = biotek::parse(bytes);
        REQUIRE_FALSE(document);
        INFO(document.error().message);
        CHECK(document.error().message.find(words) != std::string::npos);
    };
    refused(with("+0.0500", "OVERFLW"), "Well A1");
    refused(with("+0.0500", "+0,0500"), "Well A1");
    refused(with("+0.0500", "0000043"), "Well B2 holds a value of another form");
    refused(with("02,01,", "02,02,"), "one direction");
    refused(with("02,01,", "01,01,"), "one a line");
    refused(with("01,02,", "33,02,"), "no row and column");
    refused(with("01,02,", "00,02,"), "no row and column");
    refused(with(",02,02", ",000:00:10.0,229,02,02"), "several times");
    refused(with("000:00:00.0", "000:00:0.00"), "a time as in");
    refused("02,1,\r" + plate.substr(6), "\"01,1,\"");
    std::string ended = plate;
    ended.replace(ended.size() - 5, 4, "2D06");
    refused(ended, "does not accept the assay definition");
}

TEST_CASE("a plate cut at any byte is no plate, and any changed byte is refused or changes a value") {
    for (std::size_t cut = 0; cut < plate.size(); ++cut) {
        CHECK_FALSE(biotek::parse(plate.substr(0, cut)));
        CHECK(biotek::next_event(plate.substr(0, cut)).heard == Heard::nothing);
        std::string const joined = plate.substr(0, cut) + plate;
        std::string_view rest = joined;
        std::size_t good = 0;
        for (auto event = biotek::next_event(rest); event.heard != Heard::nothing; event = biotek::next_event(rest)) {
            good += event.heard == Heard::plate && biotek::parse(rest.substr(0, event.bytes)).has_value();
            rest.remove_prefix(event.bytes);
        }
        CHECK(good == 1);
    }
    for (std::size_t at = 0; at < plate.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            std::string changed = plate;
            changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
            CHECK_FALSE(biotek::parse(changed));
        }
}

TEST_CASE("equal bytes that came twice are two runs, and given again from the journal the same two") {
    std::vector<std::string> runs;
    for (int time = 0; time < 2; ++time) {
        Bench bench;
        bench.options.position = 100;
        bench.say(
            "\x06"
            "0000\x03" +
            plate + plate);
        for (int n = 0; n < 2; ++n) {
            auto const batch = bench.next();
            REQUIRE(batch);
            CHECK(says(*batch, "complete"));
            runs.push_back(batch->records.back().run);
            CHECK(batch->consumed == 6 + plate.size() * static_cast<std::size_t>(n + 1));
        }
    }
    CHECK(runs[0] != runs[1]);
    CHECK(runs[0] == runs[2]);
    CHECK(runs[1] == runs[3]);
}

TEST_CASE("stray bytes, a plate without its end and silence are kept by name, and cost no plate") {
    Bench bench;
    bench.say("xyz" + plate.substr(0, 40) + plate);
    auto const noise = bench.next();
    REQUIRE(noise);
    CHECK(says(*noise, "neither a plate nor an answer"));
    auto const cut = bench.next();
    REQUIRE(cut);
    CHECK(says(*cut, "another began"));
    auto const good = bench.next();
    REQUIRE(good);
    CHECK(says(*good, "complete"));
    bench.say(plate.substr(0, 50));
    auto const stopped = bench.next();
    REQUIRE(stopped);
    CHECK(says(*stopped, "stopped inside a plate"));
    bench.say(
        "\x06"
        "2D06\x03" +
        plate.substr(0, 50));
    bench.cable.far->cut();
    auto const ended = bench.next();
    REQUIRE(ended);
    CHECK(says(*ended, "connection ended"));
    REQUIRE(bench.open().trouble());
    CHECK(bench.open().trouble()->message.find("does not accept the assay definition") != std::string::npos);
    CHECK_FALSE(bench.next());
}

TEST_CASE("answers to others do not stay in the journal for ever") {
    Bench bench;
    std::string answers;
    while (answers.size() <= biotek::BiotekDriver::passed_bytes_max)
        answers +=
            "\x06"
            "2360000\x03";
    bench.say(answers);
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(batch->records.empty());
    CHECK(batch->consumed == answers.size());
}

TEST_CASE("the reader is asked who it is only when told so and only on a quiet line") {
    Bench bench;
    CHECK(bench.clock.finish(bench.open().identify())->find("not asked") != std::string::npos);
    CHECK(bench.heard().empty());

    Bench asking;
    asking.options.asks = true;
    biotek::BiotekSimulator reader{SimulatorOptions{1, 0s, {}}, asking.clock.now()};
    auto playing = play(reader, *asking.cable.far, asking.clock, nullptr);
    boost::asio::co_spawn(asking.loop, std::move(playing), boost::asio::detached);
    CHECK(asking.clock.finish(asking.open().identify())->find("BioTek 1650200  Version 1.04 SIM00001") == 0);

    Bench busy;
    busy.options.asks = true;
    busy.say(plate.substr(0, 30));
    CHECK(busy.clock.finish(busy.open().identify())->find("in the middle of something") != std::string::npos);
    CHECK(busy.heard().empty());
    busy.say(plate.substr(30));
    auto const batch = busy.next();
    REQUIRE(batch);
    CHECK(says(*batch, "complete"));

    Bench silent;
    silent.options.asks = true;
    CHECK(silent.clock.finish(silent.open().identify())->find("does not answer") != std::string::npos);
}

TEST_CASE("whatever the line does, a run holds exactly what the reader measured") {
    LineFaults const faults = GENERATE(LineFaults{}, LineFaults{960, 0, 0, 0, 0}, LineFaults{0, 3000, 0, 0, 0}, LineFaults{0, 0, 4, 0, 0},
                                       LineFaults{0, 0, 0, 0, 3});
    Bench bench;
    biotek::BiotekSimulator reader{SimulatorOptions{5, 60s, faults}, bench.clock.now()};
    std::vector<std::string> truth, found;
    auto playing = play(reader, *bench.cable.far, bench.clock, [&](SimulatedEvent const& event) {
        if (event.kind == SimulatedEvent::Kind::delivered) truth.push_back(event.text);
    });
    boost::asio::co_spawn(bench.loop, std::move(playing), boost::asio::detached);
    std::size_t unreadable = 0;
    std::size_t const wanted = faults.silent_after != 0 ? faults.silent_after : 20;
    while (found.size() < wanted && unreadable < 60) {
        auto const batch = bench.next();
        REQUIRE(batch);
        if (says(*batch, "unreadable"))
            ++unreadable;
        else
            found.push_back(batch->records[0].data);
    }
    CHECK(found.size() == wanted);
    std::size_t at = 0;
    for (std::string const& one : found) {
        while (at < truth.size() && truth[at] != one) ++at;
        CHECK(at++ < truth.size());
    }
    if (faults.damage_every == 0) CHECK(truth.size() - found.size() <= 1);
}
