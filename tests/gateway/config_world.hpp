// What the configuration's tests share: a full text, the least one, and what is said of a bad one.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/version.hpp"
#include "gateway/config.hpp"

namespace marrowlink::config_world {

inline std::string file_text(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

// Every key of the product, each with a value that is allowed.
inline constexpr char const* full = R"(site = "paris"
gateway = "gw1"
[outbox]
directory = "/var/lib/marrowlink"
budget = "4 GiB"
retention_days = 30
[broker]
host = "broker.lab"
port = 8884
client_id = "paris-first"
username = "gw"
password_file = "/etc/marrowlink/password"
keepalive_s = 20
[broker.tls]
ca = "/etc/marrowlink/ca.pem"
certificate = "/etc/marrowlink/gw.pem"
key = "/etc/marrowlink/gw.key"
[window]
records = 20
bytes = "1 MiB"
[page]
listen = "[::1]:8090"
token_file = "/etc/marrowlink/token"
socket = "/run/marrowlink/gateway.sock"
[[instrument]]
id = "reader-1"
title = "Reader in 2.14"
driver = "spectramax"
port = "/dev/serial/by-id/usb-A"
baud = 19200
data_bits = 7
parity = "even"
stop_bits = 2
flow_control = "hardware"
wavelength_nm = 562
mode = "endpoint"
poll_ms = 500
command_timeout_ms = 3000
silent_after_s = 60
[[instrument]]
id = "counter-1"
driver = "line"
connect = "counter.lab:4001"
terminator = "\r\n"
encoding = "cp1252"
key_field = 2
acknowledgement = "ACK {key}\n"
bytes_max = "32 KiB"
[[instrument]]
id = "counter-2"
driver = "line"
listen = "0.0.0.0:4002"
[[instrument]]
id = "exports"
driver = "folder"
path = "/srv/exports"
pattern = "*.txt"
settle_s = 0.5
poll_s = 1
on_taken = "move"
move_to = "/srv/taken"
[[instrument]]
id = "incubator-1"
driver = "modbus"
connect = "incubator.lab:502"
map = "hettich"
unit = 255
response_timeout_ms = 2000
[[instrument]]
id = "sampler-1"
driver = "modbus"
map = "minicapt"
bus = { port = "/dev/serial/by-id/usb-M", baud = 9600, parity = "none", stop_bits = 2 }
)";

inline constexpr char const* least = R"(site = "lyon"
gateway = "gw1"
[broker]
host = "localhost"
)";

inline std::vector<std::string> lines_of(std::string const& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

inline std::string joined(std::vector<std::string> const& lines) {
    std::string out;
    for (auto const& line : lines) out += line + "\n";
    return out;
}

// What is said about a text that must be refused.
inline std::string said(std::string text) {
    auto const config = parse_config(std::move(text), "gateway.toml");
    REQUIRE_FALSE(config);
    CHECK(config.error().fault == Fault::configuration);
    return config.error().message;
}

}  // namespace marrowlink::config_world
