#include "central/config.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/sim/temporary_folder.hpp"

namespace marrowlink {
using namespace central;

namespace {
constexpr char const* good = R"(database = "/tmp/c.db"
[broker]
host = "broker.lab"
client_id = "centre-1"
username = "central"
keepalive_s = 30
[broker.tls]
ca = "/etc/ca.pem"
certificate = "/etc/c.pem"
key = "/etc/c.key"
[page]
listen = "127.0.0.1:0"
host_name = "centre.example"
)";

std::string refusal(std::string const& text) {
    auto const config = parse_config(text, "central.toml");
    REQUIRE_FALSE(config);
    CHECK(exit_code(config.error().fault) == 78);
    return config.error().message;
}
}  // namespace

TEST_CASE("the whole configuration is read") {
    auto const config = parse_config(good, "central.toml");
    if (!config) FAIL(config.error().message);
    CHECK(config->database == "/tmp/c.db");
    CHECK(config->broker.host == "broker.lab");
    CHECK(config->broker.port == 8883);
    CHECK(config->broker.client_id == "centre-1");
    CHECK(config->broker.keepalive_s == 30);
    REQUIRE(config->broker.tls);
    CHECK(config->broker.tls->key == "/etc/c.key");
    CHECK(config->listen.port == 0);
    CHECK(config->host_names == std::vector<std::string>{"centre.example"});
}

TEST_CASE("every key with one letter wrong is refused with its place and the right one (field 54)") {
    std::string const text = good;
    int keys = 0;
    std::size_t line = 0;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        ++line;
        auto const equals = text.find(" = ", at);
        if (text[at] == '[' || equals > text.find('\n', at)) continue;
        std::string const key = text.substr(at, equals - at);
        std::string mutated = text;
        std::swap(mutated[at], mutated[at + 1]);
        if (mutated == text) continue;
        std::string const message = refusal(mutated);
        INFO(message);
        CHECK(message.find(fmt::format("central.toml:{}:1: unknown key", line)) != std::string::npos);
        CHECK(message.find(fmt::format("did you mean \"{}\"?", key)) != std::string::npos);
        ++keys;
    }
    CHECK(keys == 10);
}

TEST_CASE("all mistakes are reported at once, each on its line (field 53)") {
    std::string const message = refusal(
        "database = \"relative.db\"\n[broker]\nport = 70000\npassword_file = \"/etc/p\"\n[broker.tls]\nca = \"/a\"\nkey = "
        "\"/k\"\n[page]\nlisten = \"nowhere\"\n");
    INFO(message);
    for (char const* place : {"central.toml:1:", "central.toml:3:", "central.toml:4:", "central.toml:7:", "central.toml:9:", "broker.host"})
        CHECK(message.find(place) != std::string::npos);
}

TEST_CASE("a file that is absent, and a password file that is, are configuration mistakes that name the file") {
    sim::TemporaryFolder folder;
    auto const absent = read_config(folder / "central.toml");
    REQUIRE_FALSE(absent);
    CHECK(exit_code(absent.error().fault) == 78);
    CHECK(absent.error().message.find("central.toml could not be read: No such file") != std::string::npos);
    std::ofstream(folder / "central.toml") << "[broker]\nhost = \"h\"\nusername = \"u\"\npassword_file = \"" << (folder / "secret").string()
                                           << "\"\n";
    auto const no_password = read_config(folder / "central.toml");
    REQUIRE_FALSE(no_password);
    CHECK(no_password.error().message.find("secret could not be read") != std::string::npos);
    std::ofstream(folder / "secret") << "one two\n";
    auto const config = read_config(folder / "central.toml");
    REQUIRE(config);
    CHECK(config->broker.password == "one two");
    CHECK(config->broker.port == 1883);
}

}  // namespace marrowlink
