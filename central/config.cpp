#include "central/config.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace marrowlink::central {
namespace {
using settings::Section;

MqttTls read_tls(Section section) {
    MqttTls out;
    out.ca = section.require("ca", section.path("ca"), "the file with the certificate of whoever signed the broker's");
    out.certificate = section.path("certificate").value_or("");
    out.key = section.path("key").value_or("");
    if (section.has("certificate") != section.has("key")) {
        std::string_view const given = section.has("key") ? "key" : "certificate";
        std::string_view const other = section.has("key") ? "certificate" : "key";
        section.mistake(given, fmt::format("{} needs {} beside it; a client certificate is the two together.", section.name(given),
                                           section.name(other)));
    }
    section.finish();
    return out;
}

void read_broker(Section section, Config& out) {
    MqttOptions& broker = out.broker;
    broker.host = section.require("host", section.text("host", 253), "the name or address of the MQTT broker");
    if (auto tls = section.table("tls")) {
        broker.tls = read_tls(*tls);
        broker.port = 8883;
    }
    if (auto const port = section.integer("port", 1, 65535)) broker.port = static_cast<std::uint16_t>(*port);
    broker.client_id = section.text("client_id", 128).value_or("marrowlink-central");
    broker.username = section.text("username").value_or("");
    if (auto const file = section.path("password_file")) out.password_file = *file;
    if (section.has("password_file") && !section.has("username"))
        section.mistake("password_file", fmt::format("{} needs {} beside it.", section.name("password_file"), section.name("username")));
    if (auto const keepalive = section.integer("keepalive_s", 5, 600)) broker.keepalive_s = static_cast<int>(*keepalive);
    section.finish();
}

void read_page(Section section, Config& out) {
    if (auto const listen = section.address("listen", true)) out.listen = *listen;
    if (auto const name = section.text("host_name", 253)) out.host_names.push_back(*name);
    section.finish();
}

Result<std::string> whole_file(std::filesystem::path const& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file)
        return fail(Fault::configuration, fmt::format("{} could not be read: {}.", path.string(), std::generic_category().message(errno)));
    return std::string{std::istreambuf_iterator<char>{file}, {}};
}
}  // namespace

Result<Config> parse_config(std::string text, std::string filename) {
    std::vector<settings::SourceText> texts;
    texts.push_back({std::move(filename), std::move(text)});
    settings::Document document{std::move(texts)};
    Section root = document.root();
    Config out;
    if (auto const database = root.path("database")) out.database = *database;
    auto broker = root.table("broker");
    root.require("broker", broker ? std::optional{true} : std::nullopt, "[broker] with its host says where records come from");
    if (broker) read_broker(*broker, out);
    if (auto page = root.table("page")) read_page(*page, out);
    root.finish();
    if (auto const verdict = document.verdict(); !verdict) return fail(verdict.error());
    out.warnings = document.warnings();
    return out;
}

Result<Config> read_config(std::filesystem::path const& path) {
    auto text = whole_file(path);
    if (!text) return fail(text.error());
    auto config = parse_config(std::move(*text), path.string());
    if (!config || !config->password_file) return config;
    auto password = whole_file(*config->password_file);
    if (!password) return fail(password.error());
    config->broker.password = password->substr(0, password->find_first_of("\r\n"));
    return config;
}

}  // namespace marrowlink::central
