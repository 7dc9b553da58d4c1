#include "central/config.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "core/version.hpp"

using namespace marrowlink;

TEST_CASE("the installed configuration of the centre parses as it is, and with every commented key taken in") {
    std::ifstream in(MARROWLINK_SOURCE_DIR "/packaging/central.toml");
    REQUIRE(in);
    std::string installed_text, everything_text;
    for (std::string line; std::getline(in, line);) {
        installed_text += line + "\n";
        if (line.size() > 1 && line[0] == '#' && line[1] != ' ') line.erase(0, 1);
        everything_text += line + "\n";
    }
    auto const installed = central::parse_config(installed_text, "central.toml");
    INFO((installed ? std::string() : installed.error().message));
    REQUIRE(installed);
    auto const everything = central::parse_config(everything_text, "central.toml");
    INFO((everything ? std::string() : everything.error().message));
    REQUIRE(everything);
    // What is shown as a default is the default.
    CHECK(everything->database == installed->database);
    CHECK(everything->broker.client_id == installed->broker.client_id);
    CHECK(everything->broker.keepalive_s == installed->broker.keepalive_s);
    CHECK(everything->listen == installed->listen);
    CHECK(installed->broker.port == 1883);
    REQUIRE(everything->broker.tls);
    CHECK(everything->host_names.size() == 1);
}

TEST_CASE("the centre's mistakes are reported at once, with the nearest key (field 54, 56)") {
    auto const config =
        central::parse_config("databse = \"/d\"\n[broker]\nport = 0\nkeepalive = 15\n[page]\nlisten = 8090\n", "central.toml");
    REQUIRE_FALSE(config);
    CHECK(config.error().fault == Fault::configuration);
    CHECK(
        config.error().message ==
        fmt::format(
            "central.toml:1:1: unknown key \"databse\"; did you mean \"database\"? It is misspelt, or from a newer version (this is {0}).\n"
            "central.toml:2:1: broker.host is missing: the name or address of the MQTT broker.\n"
            "central.toml:3:8: broker.port is 0; expected a whole number from 1 to 65535.\n"
            "central.toml:4:1: unknown key \"keepalive\" in [broker]; did you mean \"keepalive_s\"? It is misspelt, or from a newer "
            "version (this is {0}).\n"
            "central.toml:6:10: page.listen is 8090; expected \"host:port\" with a port from 0 to 65535, such as \"127.0.0.1:8080\" or "
            "\"[::1]:8080\".",
            version));
}
