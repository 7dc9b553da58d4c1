// HL7 over a cable in memory: the case of the shared samples, what is answered when, and a sender that is not there.
#include "drivers/hl7/driver.hpp"

#include <boost/asio/detached.hpp>
#include <iostream>
#include <map>

#include "drivers/hl7/simulator.hpp"
#include "tests/drivers/cable_bench.hpp"
#include "tests/drivers/hl7/sample.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using hl7_test::sample;

namespace {

struct Bench : CableBench {
    hl7::Options options{"analyser", TextEncoding::latin_1};
    std::unique_ptr<hl7::Hl7Driver> driver;

    Result<Batch> next() {
        if (!driver) driver = std::make_unique<hl7::Hl7Driver>(options, *cable.near, clock);
        return clock.finish(driver->next());
    }
    // Committed and told.
    std::string answer_to(Batch const& batch) {
        REQUIRE(clock.finish(driver->acknowledge(batch.receipt)));
        return heard();
    }
};

std::string whole(Batch const& batch) {
    std::string out;
    for (Draft const& draft : batch.records) out += draft.data;
    return out;
}

bool says(Batch const& batch, std::string_view words) { return batch.records.back().data.find(words) != std::string::npos; }

std::string unhex(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) out += static_cast<char>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16));
    return out;
}

}  // namespace

TEST_CASE("a message in fragments, two in one segment and a repetition are answered and kept as their case says") {
    auto const folder = plate_test::shared_folder() / "instruments/cases/mllp-fragments";
    if (!std::filesystem::is_directory(folder)) {
        std::cout << "hl7: no shared case in " << plate_test::shared_folder() << "\n";
        return;
    }
    auto const stream = plate_test::json_of(folder / "stream.json");
    auto const expected = plate_test::json_of(folder / "expected.json");
    Bench bench;
    auto const feed = [&]() -> Task<void> {
        for (auto const& segment : stream.at("segments").as_array()) {
            std::string const bytes = unhex(segment.as_string());
            co_await bench.cable.far->write(sim::bytes_of(bytes));
            co_await bench.clock.sleep_for(1s);
        }
    };
    auto feeding = feed();
    boost::asio::co_spawn(bench.loop, std::move(feeding), boost::asio::detached);
    std::map<std::string, std::string> kept;  // by run: the key
    for (auto const& answer : expected.at("acks").as_array()) {
        auto const batch = bench.next();
        REQUIRE(batch);
        CHECK(bench.heard().empty());  // not before the commit
        kept.emplace(batch->records.back().run, batch->records.back().sourcekey);
        std::string words{answer.as_string()};
        words[2] = '|';
        CHECK(bench.answer_to(*batch).find("MSA|" + words + "\r\x1C\r") != std::string::npos);
    }
    REQUIRE(kept.size() == expected.at("kept").as_array().size());
    for (auto const& id : expected.at("kept").as_array())
        CHECK(std::count_if(kept.begin(), kept.end(),
                            [&](auto const& one) { return one.second == "AQ|LAB|" + std::string{id.as_string()}; }) == 1);
    std::cout << "hl7: 1 case, " << expected.at("acks").as_array().size() << " answers compared\n";
}

TEST_CASE("the same message is the same run whenever it was sent; another content under its id is a revision") {
    Bench bench;
    std::string const text = sample();
    std::string later = text, other = text, patient = text;
    later.replace(later.find("20260304090807"), 14, "20260305111111");
    other.replace(other.find("0.91"), 4, "0.92");
    patient.replace(patient.find("S-0001"), 6, "S-0002");
    std::vector<Batch> batches;
    for (std::string const& message : {text, text, later, other, patient}) {
        bench.say(hl7::framed(message));
        auto const batch = bench.next();
        REQUIRE(batch);
        CHECK(bench.answer_to(*batch).find("MSA|AA|M1\r") != std::string::npos);
        batches.push_back(*batch);
    }
    auto const run = [&](std::size_t n) { return batches[n].records.back().run; };
    for (Batch const& batch : batches) CHECK(batch.records.back().sourcekey == "AQ|LAB|M1");
    CHECK(run(0) == run(1));
    CHECK(run(0) == run(2));
    // Not one record more than the first time, or the repetition would add to a run that is whole.
    for (std::size_t i = 0; i < batches[0].records.size(); ++i) CHECK(batches[0].records[i].part == batches[2].records[i].part);
    CHECK(run(3) != run(0));
    CHECK(run(4) != run(0));
    CHECK(batches[0].consumed < batches[1].consumed);
}

TEST_CASE("no name leaves the site, and what is blanked is kept there") {
    Bench bench;
    bench.say(hl7::framed(sample()));
    auto const batch = bench.next();
    REQUIRE(batch);
    for (std::string_view const name : {"Doe", "S-0001", "19990101", "Nurse", "Physician", "told the parents"})
        CHECK(whole(*batch).find(name) == std::string::npos);
    REQUIRE(batch->records[0].type == type::run_file);
    std::string original = batch->records[0].data;
    for (BlankedBytes const& piece : batch->blanked) original.replace(piece.offset, piece.bytes.size(), piece.bytes);
    CHECK(original == sample());
}

TEST_CASE("what is no result is kept and answered by name, and the next message is read") {
    Bench bench;
    std::string comma = sample(), query = sample(), nameless = sample();
    comma.replace(comma.find("0.91"), 4, "0,91");
    query.replace(query.find("ORU^R01"), 7, "QRY^R02");
    nameless.replace(nameless.find("|M1|"), 4, "||");
    auto const exchange = [&](std::string const& bytes, std::string_view reason) {
        bench.say(bytes);
        auto const batch = bench.next();
        REQUIRE(batch);
        INFO(batch->records.back().data);
        CHECK(says(*batch, "unreadable"));
        CHECK(says(*batch, reason));
        CHECK(whole(*batch).find("Doe") == std::string::npos);
        return bench.answer_to(*batch);
    };
    CHECK(exchange(hl7::framed(comma), "OBX-5").find("MSA|AA|M1\r") != std::string::npos);
    CHECK(exchange(hl7::framed(query), "MSH-9").find("MSA|AR|M1\r") != std::string::npos);
    CHECK(exchange(hl7::framed(nameless), "MSH-10").find("MSA|AR|\r") != std::string::npos);
    CHECK(exchange(hl7::framed("Doe"), "does not begin with MSH").find("MSA|AR|\r") != std::string::npos);
    CHECK(exchange("\x0B" + sample().substr(0, 80) + hl7::framed(sample()), "began anew").empty());
    auto const good = bench.next();
    REQUIRE(good);
    CHECK(says(*good, "complete"));
}

TEST_CASE("silence, bytes without a frame and a cut connection are named, and cost no byte") {
    Bench bench;
    bench.say("\r\n\x0B" + sample().substr(0, 50));
    auto const stopped = bench.next();
    REQUIRE(stopped);
    CHECK(says(*stopped, "stopped inside a message"));
    CHECK(stopped->consumed == 53);
    bench.say(sample());
    auto const bare = bench.next();
    REQUIRE(bare);
    CHECK(says(*bare, "without the frame of MLLP"));
    bench.say("noise" + hl7::framed(sample()));
    auto const noise = bench.next();
    REQUIRE(noise);
    CHECK(says(*noise, "the first is 6E"));
    auto const good = bench.next();
    REQUIRE(good);
    CHECK(says(*good, "complete"));
    bench.say("\x0BMSH|");
    bench.cable.far->cut();
    auto const cut = bench.next();
    REQUIRE(cut);
    CHECK(says(*cut, "connection ended inside a message"));
    CHECK_FALSE(bench.next());
}

TEST_CASE("a message at its limit is taken whole, and one byte more is kept as unreadable") {
    std::string const head = sample() + "OBX|9|ED|PDF||";
    for (std::size_t const more : {0, 1}) {
        std::string const text = head + std::string(hl7::message_bytes_max - head.size() - 6 + more, 'A') + "|||||F";
        hl7::Event const event = hl7::next_event(hl7::framed(text));
        CHECK(event.heard == (more == 0 ? hl7::Heard::message : hl7::Heard::too_long));
        CHECK(event.bytes == text.size() + 3);
    }
    Bench bench;
    bench.say(std::string(hl7::Hl7Driver::noise_bytes_max + 1, 'x'));
    auto const noise = bench.next();
    REQUIRE(noise);
    CHECK(noise->consumed == hl7::Hl7Driver::noise_bytes_max + 1);
}

TEST_CASE("a sender that is not there: slow, begins anew, repeats what was taken; each result is one run") {
    LineFaults const faults = GENERATE(LineFaults{}, LineFaults{960, 0, 0, 0, 4}, LineFaults{0, 0, 0, 3, 4}, LineFaults{0, 0, 5, 0, 0});
    SimulatorOptions const options{1, 2s, faults};
    Bench bench;
    hl7::Hl7Simulator sender{options, bench.clock.now()};
    std::map<std::string, std::string> truth, found;
    auto playing = play(sender, *bench.cable.far, bench.clock, [&](SimulatedEvent const& event) {
        if (event.kind == SimulatedEvent::Kind::delivered) truth[event.key] = event.text;
    });
    boost::asio::co_spawn(bench.loop, std::move(playing), boost::asio::detached);
    std::size_t const wanted = faults.silent_after != 0 ? faults.silent_after : 20;
    while (truth.size() < wanted) {
        auto const batch = bench.next();
        REQUIRE(batch);
        if (says(*batch, "complete")) {
            std::string original = batch->records[0].data;
            for (BlankedBytes const& piece : batch->blanked) original.replace(piece.offset, piece.bytes.size(), piece.bytes);
            auto const [place, is_new] = found.emplace(batch->records.back().sourcekey, original);
            CHECK(place->second == original);
        }
        REQUIRE(bench.clock.finish(bench.driver->acknowledge(batch->receipt)));
        bench.clock.run_for(20s);
    }
    for (auto const& [id, text] : truth) CHECK(found["SIMULATOR|LAB|" + id] == text);
}
