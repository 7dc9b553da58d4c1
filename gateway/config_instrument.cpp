#include "gateway/config_instrument.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "io/adapter.hpp"

namespace marrowlink {
namespace {

using settings::Section;

constexpr std::size_t id_bytes_max = 32;

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= id_bytes_max &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
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

ModbusSerial read_bus(Section section, ModbusSerial out) {
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

// An adapter's line has fewer rates than a serial port of this machine.
AdapterConfig read_adapter(Section& section, Section adapter, SerialConfig const& line) {
    AdapterConfig out;
    out.line = line;
    auto const to = adapter.address("connect", false);
    if (adapter.has("port") == adapter.has("connect"))
        adapter.mistake(fmt::format("{} has {} the keys port (a serial bus) and connect (Modbus TCP); expected exactly one.",
                                    section.name("adapter"), adapter.has("port") ? "both" : "neither of"));
    if (auto unit = adapter.integer("unit", 1, 247)) out.unit = static_cast<std::uint8_t>(*unit);
    if (auto ms = adapter.integer("response_timeout_ms", 10, modbus_response_timeout_max.count()))
        out.response_timeout = std::chrono::milliseconds(*ms);
    if (auto ms = adapter.integer("poll_ms", 10, 10'000)) out.poll = std::chrono::milliseconds(*ms);
    out.answers_astm = adapter.choice("answers", {"never", "astm"}) == "astm";
    if (to) {
        out.bus = ModbusTcp{to->host, to->port};
        for (std::string_view const key : {"baud", "parity", "stop_bits"})
            adapter.refuse(key, "it belongs to a serial bus, and this one is reached over TCP");
        adapter.finish();
    } else {
        ModbusSerial usual;
        usual.baud = 115'200;
        out.bus = read_bus(std::move(adapter), usual);
    }
    if (auto const fit = adapter_settings(serial_settings(line), "", out.answers_astm); !fit)
        section.mistake("adapter", fit.error().message);
    return out;
}

TransportConfig read_transport(Section& section) {
    SerialConfig const serial = read_serial(section);
    auto const to = section.address("connect", false);
    auto const on = section.address("listen", true);
    auto adapter = section.table("adapter");
    int const given = section.has("port") + section.has("connect") + section.has("listen") + section.has("adapter");
    if (given != 1)
        section.mistake(
            fmt::format("this instrument has {} of the keys port (a serial port), adapter (a Marrowlink adapter), connect and listen "
                        "(TCP); expected exactly one.",
                        given == 0 ? "none" : "more than one"));
    else if (!section.has("port") && !section.has("adapter"))
        for (std::string_view const key : serial_keys)
            section.refuse(key, "it belongs to a serial port, and this instrument is reached over TCP");
    if (to) return TcpConnectConfig{*to};
    if (on) return TcpListenConfig{*on};
    if (adapter) return read_adapter(section, *std::move(adapter), serial);
    return serial;
}

void read_encoding(Section& section, TextEncoding& out) {
    auto const encoding = section.choice("encoding", {"utf-8", "latin-1", "cp1252"});
    if (encoding == "utf-8") out = TextEncoding::utf_8;
    if (encoding == "latin-1") out = TextEncoding::latin_1;
    if (encoding == "cp1252") out = TextEncoding::cp1252;
}

// ASTM and HL7 alike.
template <class Config>
Config read_messages(Section& section) {
    Config out;
    out.transport = read_transport(section);
    read_encoding(section, out.encoding);
    return out;
}

BiotekConfig read_biotek(Section& section) {
    BiotekConfig out;
    out.transport = read_transport(section);
    out.asks = section.choice("asks", {"never", "version"}) == "version";
    return out;
}

BioradConfig read_biorad(Section& section) {
    BioradConfig out;
    out.transport = read_transport(section);
    put(out.read, section.text("read", 40));
    constexpr std::string_view arguments = "0123456789LMH ";
    if (out.read.find_first_not_of(arguments) != std::string::npos)
        section.mistake("read", fmt::format("{} is \"{}\"; expected numbers and the letters L, M and H, with spaces between them, as the "
                                            "reader's manual has them behind RPLATE.",
                                            section.name("read"), out.read));
    return out;
}

LineConfig read_line(Section& section) {
    LineConfig out;
    out.transport = read_transport(section);
    put(out.terminator, section.text("terminator", 8));
    read_encoding(section, out.encoding);
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
    SerialConfig const serial = read_serial(section);
    auto adapter = section.table("adapter");
    if (!section.has("adapter"))
        section.require("port", section.has("port") ? std::optional(serial.port) : std::nullopt, "the serial port of the reader");
    else
        section.refuse("port", "the reader is reached through an adapter");
    out.line = serial;
    if (adapter) out.line = read_adapter(section, *std::move(adapter), serial);
    if (auto nm = section.integer("wavelength_nm", 190, 1000)) out.wavelength_nm = static_cast<int>(*nm);
    section.choice(
        "mode", {"endpoint"});  // the only one that the driver can start; said so that asking for another is a mistake and not a surprise
    if (auto ms = section.integer("poll_ms", 100, 60'000)) out.poll = std::chrono::milliseconds(*ms);
    if (auto ms = section.integer("command_timeout_ms", 100, 300'000)) out.command_timeout = std::chrono::milliseconds(*ms);
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
    if (bus) out.bus = read_bus(*std::move(bus), {});
    if (to) out.bus = ModbusTcp{to->host, to->port};
    if (auto unit = section.integer("unit", section.has("bus") ? 1 : 0, section.has("bus") ? 247 : 255))
        out.unit = static_cast<std::uint8_t>(*unit);
    if (auto ms = section.integer("response_timeout_ms", 10, modbus_response_timeout_max.count()))
        out.response_timeout = std::chrono::milliseconds(*ms);
    read_map(section, out);
    return out;
}

}  // namespace

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

std::optional<std::string> file_text(std::filesystem::path const& path) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
    std::ifstream in(path, std::ios::binary);
    std::string text(settings::text_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (!in.eof() && in.fail())) return std::nullopt;
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

InstrumentConfig read_instrument(Section section) {
    InstrumentConfig out;
    out.id = section.require("id", read_id(section, "id", {"gateway", "state"}), "the instrument's name in topics and records");
    out.title = out.id;
    put(out.title, section.text("title", 120));
    if (auto s = section.integer("silent_after_s", 1, 31 * 86'400)) out.silent_after = std::chrono::seconds(*s);
    auto const driver = section.choice("driver", {"spectramax", "line", "folder", "modbus", "astm", "hl7", "biotek", "biorad"});
    section.require("driver", driver,
                    "which language the instrument speaks: \"spectramax\", \"line\", \"folder\", \"modbus\", \"astm\", \"hl7\", \"biotek\" "
                    "or \"biorad\"");
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
                      "asks",
                      "read",
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
    if (driver == "astm") out.driver = read_messages<AstmConfig>(section);
    if (driver == "hl7") out.driver = read_messages<Hl7Config>(section);
    if (driver == "biorad") out.driver = read_biorad(section);
    if (driver == "biotek") out.driver = read_biotek(section);
    if (driver == "folder") out.driver = read_folder(section);
    if (driver == "spectramax") out.driver = read_spectramax(section);
    if (driver == "modbus") out.driver = read_modbus(section);
    section.finish();
    return out;
}

std::vector<std::pair<std::string_view, std::string>> claims(InstrumentConfig const& instrument) {
    std::vector<std::pair<std::string_view, std::string>> out{{"id", instrument.id}};
    auto const transport = [&](TransportConfig const& t) {
        if (auto const* serial = std::get_if<SerialConfig>(&t)) out.emplace_back("port", serial->port);
        if (auto const* listen = std::get_if<TcpListenConfig>(&t); listen && listen->on.port != 0)
            out.emplace_back("listen", fmt::format("{}:{}", listen->on.host, listen->on.port));
    };
    if (auto const* const way = transport_of(instrument)) transport(*way);
    if (auto const* folder = std::get_if<FolderConfig>(&instrument.driver))
        out.emplace_back("path", folder->path.lexically_normal().string());
    auto const unit = [&](std::string_view key, ModbusPlace const& bus, unsigned address) {
        auto const* const serial = std::get_if<ModbusSerial>(&bus);
        auto const* const tcp = std::get_if<ModbusTcp>(&bus);
        out.emplace_back(
            key, serial ? fmt::format("{} on {}", address, serial->path) : fmt::format("{} at {}:{}", address, tcp->host, tcp->port));
    };
    if (auto const* modbus = std::get_if<ModbusConfig>(&instrument.driver)) unit("unit", modbus->bus, modbus->unit);
    if (auto const* adapter = adapter_of(instrument)) unit("adapter", adapter->bus, adapter->unit);
    std::erase_if(out, [](auto const& claim) { return claim.second.empty(); });
    return out;
}

SerialSettings serial_settings(SerialConfig const& config) {
    return {config.port,   static_cast<std::uint32_t>(config.baud), static_cast<unsigned>(config.data_bits),
            config.parity, static_cast<unsigned>(config.stop_bits), config.flow_control};
}

ModbusPlace const* bus_of(InstrumentConfig const& instrument) {
    if (auto const* const modbus = std::get_if<ModbusConfig>(&instrument.driver)) return &modbus->bus;
    auto const* const adapter = adapter_of(instrument);
    return adapter ? &adapter->bus : nullptr;
}

}  // namespace marrowlink
