#include "gateway/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

#include "gateway/config_instrument.hpp"

namespace marrowlink {
namespace {

using settings::Document;
using settings::Position;
using settings::Section;

constexpr std::size_t instruments_max = 64;
constexpr std::size_t socket_path_bytes_max = 107;  // sockaddr_un.sun_path, less its end
constexpr std::size_t fragments_max = 64;

OutboxConfig read_outbox(Section section) {
    OutboxConfig out;
    put(out.directory, section.path("directory"));
    put(out.budget_bytes, section.bytes("budget", 1ull << 20, 16ull << 40));
    if (auto days = section.integer("retention_days", 0, 3650)) out.retention = std::chrono::days(*days);
    section.finish();
    return out;
}

TlsConfig read_tls(Section section) {
    TlsConfig out;
    out.ca = section.require("ca", section.path("ca"), "the file with the certificate of whoever signed the broker's");
    put(out.certificate, section.path("certificate"));
    put(out.key, section.path("key"));
    if (section.has("certificate") != section.has("key"))
        section.mistake(section.has("key") ? "key" : "certificate",
                        fmt::format("{} needs {} beside it; a client certificate is the two together.",
                                    section.name(section.has("key") ? "key" : "certificate"),
                                    section.name(section.has("key") ? "certificate" : "key")));
    section.finish();
    return out;
}

BrokerConfig read_broker(Section section) {
    BrokerConfig out;
    out.host = section.require("host", section.text("host", 253), "the name or address of the MQTT broker");
    if (auto tls = section.table("tls")) {
        out.tls = read_tls(*tls);
        out.port = 8883;
    }
    if (auto port = section.integer("port", 1, 65535)) out.port = static_cast<std::uint16_t>(*port);
    put(out.client_id, section.text("client_id", 128));
    out.username = section.text("username");
    if (auto file = section.path("password_file")) out.password_file = *file;
    if (section.has("password_file") && !section.has("username"))
        section.mistake("password_file", fmt::format("{} needs {} beside it.", section.name("password_file"), section.name("username")));
    if (auto keepalive = section.integer("keepalive_s", 5, 600)) out.keepalive = std::chrono::seconds(*keepalive);
    section.finish();
    return out;
}

WindowConfig read_window(Section section) {
    WindowConfig out;
    if (auto records = section.integer("records", 1, 800)) out.records = static_cast<std::uint32_t>(*records);
    put(out.bytes, section.bytes("bytes", 64ull << 10, 8ull << 20));
    section.finish();
    return out;
}

PageConfig read_page(Section section) {
    PageConfig out;
    put(out.listen, section.address("listen", true));
    if (auto file = section.path("token_file")) out.token_file = *file;
    put(out.socket, section.path("socket"));
    if (out.socket.native().size() > socket_path_bytes_max)
        section.mistake("socket", fmt::format("{} is {} bytes long; a socket's path has at most {}.", section.name("socket"),
                                              out.socket.native().size(), socket_path_bytes_max));
    bool const loopback = out.listen.host == "localhost" || out.listen.host == "::1" || out.listen.host.starts_with("127.");
    if (!loopback && !section.has("token_file"))
        section.warning("listen", fmt::format("{} is not a loopback address and there is no {}: the page will be read-only.",
                                              section.name("listen"), section.name("token_file")));
    section.finish();
    return out;
}

tl::unexpected<Error> unreadable(std::filesystem::path const& path) {
    return fail(Fault::configuration,
                fmt::format("{}:1:1: the file cannot be read; expected a readable file of TOML text.", path.string()));
}

}  // namespace

std::string InstrumentConfig::driver_name() const {
    if (std::holds_alternative<LineConfig>(driver)) return "line";
    if (std::holds_alternative<FolderConfig>(driver)) return "folder";
    if (std::holds_alternative<ModbusConfig>(driver)) return "modbus";
    if (std::holds_alternative<AstmConfig>(driver)) return "astm";
    if (std::holds_alternative<Hl7Config>(driver)) return "hl7";
    if (std::holds_alternative<BiotekConfig>(driver)) return "biotek";
    if (std::holds_alternative<BioradConfig>(driver)) return "biorad";
    return "spectramax";
}

TransportConfig const* transport_of(InstrumentConfig const& instrument) {
    if (auto const* const line = std::get_if<LineConfig>(&instrument.driver)) return &line->transport;
    if (auto const* const astm = std::get_if<AstmConfig>(&instrument.driver)) return &astm->transport;
    if (auto const* const hl7 = std::get_if<Hl7Config>(&instrument.driver)) return &hl7->transport;
    if (auto const* const biotek = std::get_if<BiotekConfig>(&instrument.driver)) return &biotek->transport;
    if (auto const* const biorad = std::get_if<BioradConfig>(&instrument.driver)) return &biorad->transport;
    auto const* const reader = std::get_if<SpectramaxConfig>(&instrument.driver);
    return reader ? &reader->line : nullptr;
}

AdapterConfig const* adapter_of(InstrumentConfig const& instrument) {
    auto const* const transport = transport_of(instrument);
    return transport ? std::get_if<AdapterConfig>(transport) : nullptr;
}

Result<Config> parse_config(std::string text, std::string filename) {
    return parse_config(std::vector<settings::SourceText>{{std::move(filename), std::move(text)}});
}

Result<Config> parse_config(std::vector<settings::SourceText> texts) {
    Document document(std::move(texts));
    Section root = document.root();
    Config out;
    out.site = root.require("site", read_id(root, "site", {"ack", "answer", "centre"}), "the study centre, such as \"paris\"");
    out.gateway = root.require("gateway", read_id(root, "gateway", {}), "this gateway's name within its site, such as \"gw1\"");
    if (auto section = root.table("outbox")) out.outbox = read_outbox(*section);
    if (auto section = root.table("window")) out.window = read_window(*section);
    if (auto section = root.table("page")) out.page = read_page(*section);
    auto broker = root.table("broker");
    root.require("broker", broker ? std::optional(true) : std::nullopt, "[broker] with its host says where records are sent");
    if (broker) out.broker = read_broker(*broker);
    if (out.broker.client_id.empty()) out.broker.client_id = out.site + "-" + out.gateway;

    std::map<std::pair<std::string_view, std::string>, Position> claimed;
    std::map<std::string, ModbusSerial> buses;
    for (Section& section : root.tables("instrument")) {
        if (out.instruments.size() == instruments_max) {
            section.mistake(
                fmt::format("this is instrument number {}; one gateway serves at most {}.", instruments_max + 1, instruments_max));
            break;
        }
        out.instruments.push_back(read_instrument(section));
        for (auto& [key, value] : claims(out.instruments.back())) {
            auto const [first, is_new] = claimed.try_emplace({key, value}, section.where(key));
            if (!is_new)
                section.mistake(key, fmt::format("{} is \"{}\", which is taken by the instrument at {}; each needs its own.",
                                                 section.name(key), value, document.place(first->second)));
        }
        // A bus is shared, but not with what is no bus, and all on it agree on its rate and parity.
        auto const* const place = bus_of(out.instruments.back());
        auto const* const serial = place ? std::get_if<ModbusSerial>(place) : nullptr;
        std::string_view const key = section.has("adapter") ? "adapter" : "bus";
        if (!serial || serial->path.empty()) continue;
        auto const [first, is_new] = claimed.try_emplace({"port", serial->path}, section.where(key));
        auto const [bus, is_new_bus] = buses.try_emplace(serial->path, *serial);
        if (!is_new && is_new_bus)
            section.mistake(key, fmt::format("{}.port is \"{}\", which is taken by the instrument at {}; only Modbus devices share one.",
                                             section.name(key), serial->path, document.place(first->second)));
        else if (bus->second != *serial)
            section.mistake(key, fmt::format("{} has another rate, parity or stop bits than at {}; a bus has one.", section.name(key),
                                             document.place(first->second)));
    }
    root.finish();
    if (auto verdict = document.verdict(); !verdict) return fail(std::move(verdict.error()));
    out.warnings = document.warnings();
    return out;
}

Result<Config> read_config(std::filesystem::path const& path) {
    std::vector<std::filesystem::path> paths;
    std::error_code code;
    for (std::filesystem::directory_iterator at(path.parent_path() / "conf.d", code), end; !code && at != end; at.increment(code))
        if (at->path().extension() == ".toml") paths.push_back(at->path());
    if (code && code != std::errc::no_such_file_or_directory) return unreadable(path.parent_path() / "conf.d");
    if (paths.size() > fragments_max)
        return fail(Fault::configuration, fmt::format("{}: {} files end in .toml; at most {} are read.",
                                                      (path.parent_path() / "conf.d").string(), paths.size(), fragments_max));
    std::sort(paths.begin(), paths.end());
    paths.insert(paths.begin(), path);
    std::vector<settings::SourceText> texts;
    for (auto const& each : paths) {
        auto text = file_text(each);
        if (!text) return unreadable(each);
        texts.push_back({each.string(), *std::move(text)});
    }
    return parse_config(std::move(texts));
}

}  // namespace marrowlink
