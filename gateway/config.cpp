#include "gateway/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

namespace marrowlink {
namespace {

using settings::Document;
using settings::Position;
using settings::Section;

constexpr std::size_t instruments_max = 64;
constexpr std::size_t id_bytes_max = 32;
constexpr std::size_t socket_path_bytes_max = 107;  // sockaddr_un.sun_path, less its end
constexpr std::size_t fragments_max = 64;

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= id_bytes_max &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::optional<std::string> read_id(Section& section, std::string_view key, std::initializer_list<std::string_view> reserved) {
    auto id = section.text(key);
    if (!id) return std::nullopt;
    if (!is_id(*id)) {
        section.mistake(key, fmt::format("{} is \"{}\"; expected 1 to {} of the letters a-z, the digits 0-9 and \"-\".", section.name(key),
                                         id->substr(0, 80), id_bytes_max));
        return std::nullopt;
    }
    if (std::find(reserved.begin(), reserved.end(), *id) != reserved.end()) {
        section.mistake(key, fmt::format("{} is \"{}\", a name that the topics on the broker need for themselves; choose another.",
                                         section.name(key), *id));
        return std::nullopt;
    }
    return id;
}

template <class T>
void put(T& into, std::optional<T> found) {
    if (found) into = *std::move(found);
}
void put(std::filesystem::path& into, std::optional<std::string> found) {
    if (found) into = *std::move(found);
}

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

std::optional<std::string> file_text(std::filesystem::path const& path) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
    std::ifstream in(path, std::ios::binary);
    std::string text(settings::text_bytes_max + 1, '\0');  // one byte more than is allowed, so that a longer file is noticed
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (!in.eof() && in.fail())) return std::nullopt;
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

bool bare_port_number(std::string_view port) {
    for (std::string_view const prefix : {"/dev/ttyUSB", "/dev/ttyACM", "COM", R"(\\.\COM)"})
        if (port.starts_with(prefix) && port.size() > prefix.size() &&
            port.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos)
            return true;
    return false;
}

constexpr std::string_view serial_keys[] = {"baud", "data_bits", "parity", "stop_bits", "flow_control"};

std::optional<std::string> read_port(Section& section) {
    auto port = section.text("port");
    if (port && bare_port_number(*port))
        section.warning(
            "port",
            fmt::format(
                "{} is \"{}\", a number that adapters exchange among themselves at a restart; name the adapter by its serial number, "
                "as in \"/dev/serial/by-id/…\".",
                section.name("port"), *port));
    return port;
}

std::optional<Parity> read_parity(Section& section) {
    auto const parity = section.choice("parity", {"none", "even", "odd"});
    if (!parity) return std::nullopt;
    return parity == "even" ? Parity::even : parity == "odd" ? Parity::odd : Parity::none;
}

SerialConfig read_serial(Section& section) {
    SerialConfig out;
    put(out.port, read_port(section));
    if (auto baud = section.integer("baud", 50, 4'000'000)) out.baud = static_cast<int>(*baud);
    if (auto bits = section.integer("data_bits", 7, 8)) out.data_bits = static_cast<int>(*bits);
    if (auto bits = section.integer("stop_bits", 1, 2)) out.stop_bits = static_cast<int>(*bits);
    put(out.parity, read_parity(section));
    auto const flow_control = section.choice("flow_control", {"none", "hardware", "software"});
    if (flow_control == "hardware") out.flow_control = FlowControl::hardware;
    if (flow_control == "software") out.flow_control = FlowControl::software;
    return out;
}

TransportConfig read_transport(Section& section) {
    SerialConfig const serial = read_serial(section);
    auto const to = section.address("connect", false);
    auto const on = section.address("listen", true);
    int const given = section.has("port") + section.has("connect") + section.has("listen");
    if (given != 1)
        section.mistake(
            fmt::format("this instrument has {} of the keys port (a serial port), connect and listen (TCP); expected exactly one.",
                        given == 0 ? "none" : "more than one"));
    else if (!section.has("port"))
        for (std::string_view const key : serial_keys)
            section.refuse(key, "it belongs to a serial port, and this instrument is reached over TCP");
    if (to) return TcpConnectConfig{*to};
    if (on) return TcpListenConfig{*on};
    return serial;
}

LineConfig read_line(Section& section) {
    LineConfig out;
    out.transport = read_transport(section);
    put(out.terminator, section.text("terminator", 8));
    auto const encoding = section.choice("encoding", {"utf-8", "latin-1", "cp1252"});
    if (encoding == "latin-1") out.encoding = TextEncoding::latin_1;
    if (encoding == "cp1252") out.encoding = TextEncoding::cp1252;
    if (auto field = section.integer("key_field", 1, 64)) out.key_field = static_cast<int>(*field);
    put(out.acknowledgement, section.text("acknowledgement", 256));
    std::string rest = out.acknowledgement;
    bool const names_key = rest.find("{key}") != std::string::npos;
    for (std::size_t at; (at = rest.find("{key}")) != std::string::npos;) rest.erase(at, 5);
    if (rest.find_first_of("{}") != std::string::npos)
        section.mistake("acknowledgement",
                        fmt::format("{} holds braces that are not \"{{key}}\"; that is the only thing that can be filled in.",
                                    section.name("acknowledgement")));
    if (names_key && !section.has("key_field"))
        section.mistake("acknowledgement", fmt::format("{} holds \"{{key}}\"; {} must say which word of a line the key is.",
                                                       section.name("acknowledgement"), section.name("key_field")));
    put(out.bytes_max, section.bytes("bytes_max", 16, 64 << 10));
    return out;
}

FolderConfig read_folder(Section& section) {
    FolderConfig out;
    out.path = section.require("path", section.path("path"), "the folder that the vendor's software writes its exports to");
    put(out.pattern, section.text("pattern", 255));
    if (out.pattern.find('/') != std::string::npos)
        section.mistake("pattern", fmt::format("{} is \"{}\"; expected the pattern of a file name, without \"/\".", section.name("pattern"),
                                               out.pattern));
    put(out.settle, section.seconds("settle_s", 0.1, 3600));
    put(out.poll, section.seconds("poll_s", 0.1, 3600));
    auto const on_taken = section.choice("on_taken", {"keep", "move", "delete"});
    if (on_taken == "move") out.on_taken = WhenTaken::move;
    if (on_taken == "delete") out.on_taken = WhenTaken::delete_;
    if (out.on_taken == WhenTaken::move) {
        out.move_to = section.require("move_to", section.path("move_to"), "on_taken = \"move\" needs the folder to move files to");
        if (!out.move_to.empty() && out.move_to.lexically_normal() == out.path.lexically_normal())
            section.mistake("move_to", fmt::format("{} is the watched folder itself; expected another one.", section.name("move_to")));
    } else {
        section.refuse("move_to", "files are moved only with on_taken = \"move\"");
    }
    return out;
}

SpectramaxConfig read_spectramax(Section& section) {
    SpectramaxConfig out;
    out.serial = read_serial(section);
    section.require("port", section.has("port") ? std::optional(out.serial.port) : std::nullopt, "the serial port of the reader");
    if (auto nm = section.integer("wavelength_nm", 190, 1000)) out.wavelength_nm = static_cast<int>(*nm);
    section.choice(
        "mode", {"endpoint"});  // the only one that the driver can start; said so that asking for another is a mistake and not a surprise
    if (auto ms = section.integer("poll_ms", 100, 60'000)) out.poll = std::chrono::milliseconds(*ms);
    if (auto ms = section.integer("command_timeout_ms", 100, 300'000)) out.command_timeout = std::chrono::milliseconds(*ms);
    return out;
}

ModbusSerial read_bus(Section section) {
    ModbusSerial out;
    out.path = section.require("port", read_port(section), "the serial port that the bus is on");
    if (auto baud = section.integer("baud", 1'200, 921'600)) out.baud = static_cast<int>(*baud);
    if (!is_modbus_baud(out.baud))
        section.mistake("baud",
                        fmt::format("{} is {}; expected one of {}.", section.name("baud"), out.baud, fmt::join(modbus_bauds, ", ")));
    put(out.parity, read_parity(section));
    if (auto bits = section.integer("stop_bits", 1, 2)) out.stop_bits = static_cast<int>(*bits);
    section.finish();
    return out;
}

void read_map(Section& section, ModbusConfig& out) {
    out.map_name = section.require("map", section.text("map"), "which registers it has: the name of a bundled map, or the path of one");
    if (out.map_name.empty()) return;
    std::optional<std::string> text;
    std::string filename = out.map_name;
    if (out.map_name.starts_with('/')) {
        text = file_text(out.map_name);
        if (!text) return section.mistake("map", fmt::format("{} is \"{}\", which cannot be read.", section.name("map"), out.map_name));
    } else if (auto const bundled = modbus::bundled_map(out.map_name)) {
        text = bundled->bytes;
        filename = bundled->name;
    } else {
        return section.mistake("map", fmt::format("{} is \"{}\"; expected {} or the path of a map, from the root.", section.name("map"),
                                                  out.map_name, modbus::bundled_map_names()));
    }
    auto map = modbus::parse_map(*std::move(text), filename);
    if (!map) return section.mistake("map", fmt::format("{} cannot be used:\n{}", section.name("map"), map.error().message));
    for (std::string const& warning : map->warnings) section.warning("map", warning);
    out.map = *std::move(map);
}

ModbusConfig read_modbus(Section& section) {
    ModbusConfig out;
    auto bus = section.table("bus");
    auto const to = section.address("connect", false);
    if (section.has("bus") == section.has("connect"))
        section.mistake(fmt::format("this instrument has {} the keys bus (a serial bus) and connect (TCP); expected exactly one.",
                                    bus ? "both" : "neither of"));
    if (bus) out.bus = read_bus(*bus);
    if (to) out.bus = ModbusTcp{to->host, to->port};
    if (auto unit = section.integer("unit", section.has("bus") ? 1 : 0, section.has("bus") ? 247 : 255))
        out.unit = static_cast<std::uint8_t>(*unit);
    if (auto ms = section.integer("response_timeout_ms", 10, modbus_response_timeout_max.count()))
        out.response_timeout = std::chrono::milliseconds(*ms);
    read_map(section, out);
    return out;
}

InstrumentConfig read_instrument(Section section) {
    InstrumentConfig out;
    out.id = section.require("id", read_id(section, "id", {"gateway", "state"}), "the instrument's name in topics and records");
    out.title = out.id;
    put(out.title, section.text("title", 120));
    if (auto s = section.integer("silent_after_s", 1, 31 * 86'400)) out.silent_after = std::chrono::seconds(*s);
    auto const driver = section.choice("driver", {"spectramax", "line", "folder", "modbus"});
    section.require("driver", driver, "which language the instrument speaks: \"spectramax\", \"line\", \"folder\" or \"modbus\"");
    // Without the driver it is not known which keys belong here; any driver's may.
    if (!driver)
        section.know({"port",
                      "baud",
                      "data_bits",
                      "parity",
                      "stop_bits",
                      "flow_control",
                      "connect",
                      "listen",
                      "terminator",
                      "encoding",
                      "key_field",
                      "acknowledgement",
                      "bytes_max",
                      "path",
                      "pattern",
                      "settle_s",
                      "poll_s",
                      "on_taken",
                      "move_to",
                      "wavelength_nm",
                      "mode",
                      "poll_ms",
                      "command_timeout_ms",
                      "bus",
                      "unit",
                      "response_timeout_ms",
                      "map"});
    if (driver == "line") out.driver = read_line(section);
    if (driver == "folder") out.driver = read_folder(section);
    if (driver == "spectramax") out.driver = read_spectramax(section);
    if (driver == "modbus") out.driver = read_modbus(section);
    section.finish();
    return out;
}

// What two instruments cannot share: the id, a serial port, a listening address, a folder, a unit of a bus.
std::vector<std::pair<std::string_view, std::string>> claims(InstrumentConfig const& instrument) {
    std::vector<std::pair<std::string_view, std::string>> out{{"id", instrument.id}};
    auto const transport = [&](TransportConfig const& t) {
        if (auto const* serial = std::get_if<SerialConfig>(&t)) out.emplace_back("port", serial->port);
        if (auto const* listen = std::get_if<TcpListenConfig>(&t); listen && listen->on.port != 0)
            out.emplace_back("listen", fmt::format("{}:{}", listen->on.host, listen->on.port));
    };
    if (auto const* line = std::get_if<LineConfig>(&instrument.driver)) transport(line->transport);
    if (auto const* reader = std::get_if<SpectramaxConfig>(&instrument.driver)) transport(reader->serial);
    if (auto const* folder = std::get_if<FolderConfig>(&instrument.driver))
        out.emplace_back("path", folder->path.lexically_normal().string());
    if (auto const* modbus = std::get_if<ModbusConfig>(&instrument.driver)) {
        auto const* const serial = std::get_if<ModbusSerial>(&modbus->bus);
        auto const* const tcp = std::get_if<ModbusTcp>(&modbus->bus);
        out.emplace_back("unit", serial ? fmt::format("{} on {}", modbus->unit, serial->path)
                                        : fmt::format("{} at {}:{}", modbus->unit, tcp->host, tcp->port));
    }
    std::erase_if(out, [](auto const& claim) { return claim.second.empty(); });
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
    return "spectramax";
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
        auto const* const modbus = std::get_if<ModbusConfig>(&out.instruments.back().driver);
        auto const* const serial = modbus ? std::get_if<ModbusSerial>(&modbus->bus) : nullptr;
        if (!serial || serial->path.empty()) continue;
        auto const [first, is_new] = claimed.try_emplace({"port", serial->path}, section.where("bus"));
        auto const [bus, is_new_bus] = buses.try_emplace(serial->path, *serial);
        if (!is_new && is_new_bus)
            section.mistake("bus",
                            fmt::format("{}.port is \"{}\", which is taken by the instrument at {}; only Modbus instruments share one.",
                                        section.name("bus"), serial->path, document.place(first->second)));
        else if (bus->second != *serial)
            section.mistake("bus", fmt::format("{} has another rate, parity or stop bits than at {}; a bus has one.", section.name("bus"),
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
