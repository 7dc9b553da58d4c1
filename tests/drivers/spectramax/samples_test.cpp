// The dialogue that nobody here wrote, where the samples are at hand.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/json.hpp"
#include "drivers/spectramax/parse.hpp"
#include "drivers/spectramax/protocol.hpp"

using namespace marrowlink;
using namespace marrowlink::spectramax;

namespace {
std::string text_of_file(std::filesystem::path const& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
        bytes += static_cast<char>(std::stoi(std::string{hex.substr(at, 2)}, nullptr, 16));
    return bytes;
}
}  // namespace

TEST_CASE("the sample dialogue: commands as we send them, replies as we read them") {
    char const* const given = std::getenv("MARROWLINK_SHARED");
    std::filesystem::path const shared = given ? std::filesystem::path{given} : std::filesystem::path{MARROWLINK_SOURCE_DIR} / "../shared";
    auto const folder = shared / "instruments/files/serial-byte-examples";
    if (!std::filesystem::exists(folder)) {
        std::cout << "spectramax samples: 0 compared, " << folder << " is not there\n";
        return;
    }
    auto const dialogues = json::parse(text_of_file(folder / "dialogues.json"), "dialogues.json");
    auto const expected = json::parse(text_of_file(folder / "dialogues.expected.json"), "dialogues.expected.json");
    REQUIRE(dialogues);
    REQUIRE(expected);
    json::object const& values = expected->as_object().at("spectramax").as_object();
    std::string command;
    int commands = 0;
    int wells = 0;
    for (json::value const& step : dialogues->as_object().at("spectramax").as_array()) {
        std::string_view const way = step.as_array().at(0).as_string();
        if (way == "note") continue;
        std::string const bytes = from_hex(step.as_array().at(1).as_string());
        if (way == ">") {
            command = bytes.substr(0, bytes.size() - 1);
            CHECK(encode(command) == bytes);
            ++commands;
            continue;
        }
        ReplyDecoder decoder{fields_of(command)};
        auto const reply = decoder.feed(bytes);
        if (command != "!TRANSFER") {
            // The sample holds the first field of !STATUS only; the second was not recorded.
            CHECK(reply.has_value() == (fields_of(command) == 1));
            continue;
        }
        REQUIRE(reply);
        REQUIRE(*reply);
        auto const transfer = parse_transfer((*reply)->body);
        REQUIRE(transfer);
        CHECK(std::stod(transfer->temperature_c) == values.at("temperature_c").as_double());
        for (Reading const& reading : transfer->readings) {
            json::value const& value = values.at(reading.well);
            if (value.is_double())
                CHECK(std::stod(reading.value) == value.as_double());
            else
                CHECK(reading.flag == (value.as_string() == "saturated" ? "#SAT" : "-"));
            ++wells;
        }
    }
    CHECK(commands > 0);
    CHECK(wells > 0);
    std::cout << "spectramax samples: " << commands << " commands and " << wells << " wells compared\n";
}
