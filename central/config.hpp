// What the centre's configuration says, checked. Every key is described in packaging/central.toml.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/settings.hpp"
#include "io/mqtt.hpp"

namespace marrowlink::central {

struct Config {
    std::filesystem::path database = "/var/lib/marrowlink-central/central.db";
    MqttOptions broker;  // without subscriptions and will
    std::optional<std::filesystem::path> password_file;
    settings::HostPort listen{"127.0.0.1", 8090};  // port 0: any free one
    std::vector<std::string> host_names;           // names under which the page may be opened, besides addresses and localhost
    std::vector<std::string> warnings;             // with their place; nothing is refused for them
};

// Every mistake in one error (Fault::configuration), a line each: "central.toml:12:3: sentence".
Result<Config> parse_config(std::string text, std::string filename);
Result<Config> read_config(std::filesystem::path const& path);  // and the password file, when one is named

}  // namespace marrowlink::central
