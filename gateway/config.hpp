// What the gateway's configuration says, checked. Reading is pure but for the files themselves: a bad text yields only its mistakes, so a
// running gateway keeps what it has. Every key is described in packaging/gateway.toml.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/settings.hpp"
#include "core/text.hpp"
#include "drivers/modbus/map.hpp"
#include "io/modbus.hpp"
#include "io/serial.hpp"

namespace marrowlink {

using settings::HostPort;

struct OutboxConfig {
    std::filesystem::path directory = "/var/lib/marrowlink";
    std::uint64_t budget_bytes = 4ull << 30;  // 1 MiB to 16 TiB of used pages; at the budget instruments are no longer acknowledged
    std::chrono::days retention{30};          // 0 to 3650, after acknowledgement
    friend bool operator==(OutboxConfig const&, OutboxConfig const&) = default;
};

struct TlsConfig {
    std::filesystem::path ca;
    std::filesystem::path certificate, key;  // both or neither
    friend bool operator==(TlsConfig const&, TlsConfig const&) = default;
};

struct BrokerConfig {
    std::string host;
    std::uint16_t port = 1883;  // 8883 when [broker.tls] is there and no port is given
    std::string client_id;      // "<site>-<gateway>" unless given
    std::optional<std::string> username;
    std::optional<std::filesystem::path> password_file;
    std::chrono::seconds keepalive{15};  // 5 to 600
    std::optional<TlsConfig> tls;
    friend bool operator==(BrokerConfig const&, BrokerConfig const&) = default;
};

struct WindowConfig {
    std::uint32_t records = 800;       // 1 to 800 without central's acknowledgement
    std::uint64_t bytes = 8ull << 20;  // 64 KiB to 8 MiB of them; one record is always allowed
    friend bool operator==(WindowConfig const&, WindowConfig const&) = default;
};

struct PageConfig {
    HostPort listen{"127.0.0.1", 8080};  // port 0: any free one
    std::optional<std::filesystem::path> token_file;
    std::filesystem::path socket = "/run/marrowlink/gateway.sock";
    friend bool operator==(PageConfig const&, PageConfig const&) = default;
};

struct SerialConfig {
    std::string port;  // "/dev/serial/by-id/…"
    int baud = 9600;
    int data_bits = 8;  // 7 or 8
    Parity parity = Parity::none;
    int stop_bits = 1;  // 1 or 2
    FlowControl flow_control = FlowControl::none;
    friend bool operator==(SerialConfig const&, SerialConfig const&) = default;
};

SerialSettings serial_settings(SerialConfig const& config);

struct TcpConnectConfig {
    HostPort to;
    friend bool operator==(TcpConnectConfig const&, TcpConnectConfig const&) = default;
};

struct TcpListenConfig {
    HostPort on;  // port 0: any free one
    friend bool operator==(TcpListenConfig const&, TcpListenConfig const&) = default;
};

// A Marrowlink adapter on the instrument's serial port; its registers: docs/adapter-registers.md.
struct AdapterConfig {
    ModbusPlace bus;                                  // several adapters may be on one, each with its unit; 115200 8E1 unless given
    std::uint8_t unit = 1;                            // 1 to 247
    std::chrono::milliseconds response_timeout{500};  // 10 to 60000
    std::chrono::milliseconds poll{50};               // 10 to 10000
    SerialConfig line;                                // of the instrument; its port is not used
    bool answers_astm = false;                        // it says ACK to an ASTM frame by itself, when the frame is safe in it
    friend bool operator==(AdapterConfig const&, AdapterConfig const&) = default;
};

using TransportConfig = std::variant<SerialConfig, TcpConnectConfig, TcpListenConfig, AdapterConfig>;

struct LineConfig {
    TransportConfig transport;
    std::string terminator = "\n";  // 1 to 8 bytes
    TextEncoding encoding = TextEncoding::utf_8;
    int key_field = 0;                   // which word of the line, from 1, is the source's own key; 0: SHA-256 of the line
    std::string acknowledgement;         // sent after the commit, `{key}` replaced; empty: nothing is sent
    std::uint64_t bytes_max = 16 << 10;  // 16 bytes to 64 KiB; a longer line is kept and refused by name
    friend bool operator==(LineConfig const&, LineConfig const&) = default;
};

struct AstmConfig {
    TransportConfig transport;
    TextEncoding encoding = TextEncoding::latin_1;
    friend bool operator==(AstmConfig const&, AstmConfig const&) = default;
};

struct Hl7Config {
    TransportConfig transport;
    TextEncoding encoding = TextEncoding::latin_1;  // of a message that names none
    friend bool operator==(Hl7Config const&, Hl7Config const&) = default;
};

enum class WhenTaken : std::uint8_t { keep, move, delete_ };

struct FolderConfig {
    std::filesystem::path path;
    std::string pattern = "*";                // shell pattern of the file name
    std::chrono::milliseconds settle{5'000};  // 0.1 to 3600 s without change of size or time
    std::chrono::milliseconds poll{2'000};    // 0.1 to 3600 s
    WhenTaken on_taken = WhenTaken::keep;
    std::filesystem::path move_to;  // for WhenTaken::move
    friend bool operator==(FolderConfig const&, FolderConfig const&) = default;
};

struct SpectramaxConfig {
    TransportConfig line;                              // a serial port or an adapter
    int wavelength_nm = 450;                           // 190 to 1000
    std::chrono::milliseconds poll{1'000};             // 100 to 60000
    std::chrono::milliseconds command_timeout{5'000};  // 100 to 300000
    friend bool operator==(SpectramaxConfig const&, SpectramaxConfig const&) = default;
};

struct BiotekConfig {
    TransportConfig transport;
    bool asks = false;  // for version and serial number, when a connection begins
    friend bool operator==(BiotekConfig const&, BiotekConfig const&) = default;
};

struct BioradConfig {
    TransportConfig transport;
    std::string read;  // arguments of the command RPLATE, at most 40 bytes; empty: it cannot be started from here
    friend bool operator==(BioradConfig const&, BioradConfig const&) = default;
};

struct ModbusConfig {
    ModbusPlace bus;                                    // several instruments may be on one, each with its unit
    std::uint8_t unit = 1;                              // 1 to 247 on a serial bus, 0 to 255 over TCP
    std::chrono::milliseconds response_timeout{1'000};  // 10 to 60000
    std::string map_name;                               // of a bundled map, or a path
    modbus::RegisterMap map;
    friend bool operator==(ModbusConfig const&, ModbusConfig const&) = default;
};

using InstrumentDriver =
    std::variant<LineConfig, FolderConfig, SpectramaxConfig, ModbusConfig, AstmConfig, Hl7Config, BiotekConfig, BioradConfig>;

struct InstrumentConfig {
    std::string id;                                    // [a-z0-9-]{1,32}
    std::string title;                                 // for people; the id unless given
    std::optional<std::chrono::seconds> silent_after;  // longer without a word is a state of its own
    InstrumentDriver driver;
    std::string driver_name() const;  // "line", "folder", "spectramax", "modbus", "astm", "hl7", "biotek", "biorad"
    friend bool operator==(InstrumentConfig const&, InstrumentConfig const&) = default;
};

// How it is reached; null: by a folder or a bus.
TransportConfig const* transport_of(InstrumentConfig const& instrument);
// The adapter that it is reached through; null: none.
AdapterConfig const* adapter_of(InstrumentConfig const& instrument);

struct Config {
    std::string site, gateway;
    OutboxConfig outbox;
    BrokerConfig broker;
    WindowConfig window;
    PageConfig page;
    std::vector<InstrumentConfig> instruments;  // at most 64, in the order of the text
    std::vector<std::string> warnings;          // with their place; nothing is refused for them
};

// Every mistake in one error (Fault::configuration), a line each: "gateway.toml:12:3: sentence".
Result<Config> parse_config(std::string text, std::string filename);
Result<Config> parse_config(std::vector<settings::SourceText> texts);

// The file, then conf.d/*.toml beside it in the order of their names.
Result<Config> read_config(std::filesystem::path const& path);

}  // namespace marrowlink
