#include <random>

#include "tests/gateway/config_world.hpp"

using namespace marrowlink;
using namespace marrowlink::config_world;

TEST_CASE("every key reaches its field") {
    auto const config = parse_config(full, "gateway.toml");
    INFO((config ? std::string() : config.error().message));
    REQUIRE(config);
    CHECK(config->site == "paris");
    CHECK(config->gateway == "gw1");
    CHECK(config->outbox.directory == "/var/lib/marrowlink");
    CHECK(config->outbox.budget_bytes == 4ull << 30);
    CHECK(config->outbox.retention == std::chrono::days(30));
    CHECK(config->broker.host == "broker.lab");
    CHECK(config->broker.port == 8884);
    CHECK(config->broker.client_id == "paris-first");
    CHECK(config->broker.username == "gw");
    CHECK(config->broker.password_file == "/etc/marrowlink/password");
    CHECK(config->broker.keepalive == std::chrono::seconds(20));
    REQUIRE(config->broker.tls);
    CHECK(config->broker.tls->ca == "/etc/marrowlink/ca.pem");
    CHECK(config->broker.tls->certificate == "/etc/marrowlink/gw.pem");
    CHECK(config->broker.tls->key == "/etc/marrowlink/gw.key");
    CHECK(config->window.records == 20);
    CHECK(config->window.bytes == 1 << 20);
    CHECK(config->page.listen == HostPort{"::1", 8090});
    CHECK(config->page.token_file == "/etc/marrowlink/token");
    CHECK(config->page.socket == "/run/marrowlink/gateway.sock");
    REQUIRE(config->instruments.size() == 6);
    CHECK(config->instruments[0].title == "Reader in 2.14");
    CHECK(config->instruments[0].driver_name() == "spectramax");
    CHECK(config->instruments[0].silent_after == std::chrono::seconds(60));
    auto const& reader = std::get<SpectramaxConfig>(config->instruments[0].driver);
    CHECK(std::get<SerialConfig>(reader.line).port == "/dev/serial/by-id/usb-A");
    CHECK(std::get<SerialConfig>(reader.line).baud == 19200);
    CHECK(std::get<SerialConfig>(reader.line).data_bits == 7);
    CHECK(std::get<SerialConfig>(reader.line).parity == Parity::even);
    CHECK(std::get<SerialConfig>(reader.line).stop_bits == 2);
    CHECK(std::get<SerialConfig>(reader.line).flow_control == FlowControl::hardware);
    CHECK(reader.wavelength_nm == 562);
    CHECK(reader.poll == std::chrono::milliseconds(500));
    CHECK(reader.command_timeout == std::chrono::milliseconds(3000));
    CHECK(config->instruments[1].title == "counter-1");
    CHECK(config->instruments[1].driver_name() == "line");
    auto const& line = std::get<LineConfig>(config->instruments[1].driver);
    CHECK(std::get<TcpConnectConfig>(line.transport).to == HostPort{"counter.lab", 4001});
    CHECK(line.terminator == "\r\n");
    CHECK(line.encoding == TextEncoding::cp1252);
    CHECK(line.key_field == 2);
    CHECK(line.acknowledgement == "ACK {key}\n");
    CHECK(line.bytes_max == 32 << 10);
    CHECK(std::get<TcpListenConfig>(std::get<LineConfig>(config->instruments[2].driver).transport).on == HostPort{"0.0.0.0", 4002});
    CHECK(config->instruments[3].driver_name() == "folder");
    auto const& folder = std::get<FolderConfig>(config->instruments[3].driver);
    CHECK(folder.path == "/srv/exports");
    CHECK(folder.pattern == "*.txt");
    CHECK(folder.settle == std::chrono::milliseconds(500));
    CHECK(folder.poll == std::chrono::milliseconds(1000));
    CHECK(folder.on_taken == WhenTaken::move);
    CHECK(folder.move_to == "/srv/taken");
    CHECK(config->instruments[4].driver_name() == "modbus");
    auto const& incubator = std::get<ModbusConfig>(config->instruments[4].driver);
    CHECK(std::get<ModbusTcp>(incubator.bus) == ModbusTcp{"incubator.lab", 502});
    CHECK(incubator.unit == 255);
    CHECK(incubator.response_timeout == std::chrono::milliseconds(2000));
    CHECK(incubator.map.title == "Hettich incubator (Hettcube)");
    auto const& sampler = std::get<ModbusConfig>(config->instruments[5].driver);
    CHECK(std::get<ModbusSerial>(sampler.bus) == ModbusSerial{"/dev/serial/by-id/usb-M", 9600, Parity::none, 2});
    CHECK(sampler.unit == 1);
    CHECK(sampler.map.queue);
    CHECK(config->warnings.empty());
}

TEST_CASE("four lines are enough, and the rest is the documented default") {
    auto const config = parse_config(least, "gateway.toml");
    REQUIRE(config);
    CHECK(config->broker.client_id == "lyon-gw1");
    CHECK(config->broker.port == 1883);
    CHECK_FALSE(config->broker.tls);
    CHECK(config->window.records == 800);
    CHECK(config->instruments.empty());

    auto const secured = parse_config(std::string(least) + "[broker.tls]\nca = \"/ca.pem\"\n", "gateway.toml");
    REQUIRE(secured);
    CHECK(secured->broker.port == 8883);
}

TEST_CASE("the installed configuration parses as it is, and with every commented key taken in") {
    std::string const text = file_text(MARROWLINK_SOURCE_DIR "/packaging/gateway.toml");
    auto const installed = parse_config(text, "gateway.toml");
    INFO((installed ? std::string() : installed.error().message));
    REQUIRE(installed);

    auto lines = lines_of(text);
    for (auto& line : lines)
        if (line.size() > 1 && line[0] == '#' && line[1] != ' ') line.erase(0, 1);
    auto const uncommented = parse_config(joined(lines), "gateway.toml");
    INFO((uncommented ? std::string() : uncommented.error().message));
    REQUIRE(uncommented);
    REQUIRE(uncommented->instruments.size() == 9);
    CHECK(std::get<AstmConfig>(uncommented->instruments[5].driver).encoding == AstmConfig{}.encoding);
    CHECK(std::get<Hl7Config>(uncommented->instruments[6].driver).encoding == Hl7Config{}.encoding);
    CHECK(std::get<BiotekConfig>(uncommented->instruments[7].driver).asks == BiotekConfig{}.asks);
    CHECK(std::get<BioradConfig>(uncommented->instruments[8].driver).read == "0 1");
    // What is shown as a default is the default.
    CHECK(uncommented->outbox.directory == installed->outbox.directory);
    CHECK(uncommented->outbox.budget_bytes == installed->outbox.budget_bytes);
    CHECK(uncommented->outbox.retention == installed->outbox.retention);
    CHECK(uncommented->broker.client_id == installed->broker.client_id);
    CHECK(uncommented->broker.keepalive == installed->broker.keepalive);
    CHECK(uncommented->window.records == installed->window.records);
    CHECK(uncommented->window.bytes == installed->window.bytes);
    CHECK(uncommented->page.listen == installed->page.listen);
    CHECK(uncommented->page.socket == installed->page.socket);
    auto const& line = std::get<LineConfig>(uncommented->instruments[1].driver);
    CHECK(line.terminator == LineConfig{}.terminator);
    CHECK(line.bytes_max == LineConfig{}.bytes_max);
    auto const& folder = std::get<FolderConfig>(uncommented->instruments[2].driver);
    CHECK(folder.settle == FolderConfig{}.settle);
    CHECK(folder.poll == FolderConfig{}.poll);
    CHECK(folder.pattern == FolderConfig{}.pattern);
    auto const& reader = std::get<SpectramaxConfig>(uncommented->instruments[0].driver);
    CHECK(reader.wavelength_nm == SpectramaxConfig{}.wavelength_nm);
    CHECK(reader.poll == SpectramaxConfig{}.poll);
    CHECK(reader.command_timeout == SpectramaxConfig{}.command_timeout);
    CHECK(std::get<SerialConfig>(reader.line).baud == SerialConfig{}.baud);
}

TEST_CASE("an unknown key names its place, the nearest key and our version (field 54, 56)") {
    CHECK(said(std::string(least) + "[outbox]\nbudgett = \"1 GiB\"\n") ==
          fmt::format("gateway.toml:6:1: unknown key \"budgett\" in [outbox]; did you mean \"budget\"? It is misspelt, or from a newer "
                      "version (this is {}).",
                      version));
    CHECK(said(std::string(least) + "[telemetry]\nrate = 1\n") ==
          fmt::format("gateway.toml:5:2: unknown key \"telemetry\"; known here are \"broker\", \"gateway\", \"instrument\", \"outbox\", "
                      "\"page\", \"site\" or "
                      "\"window\". It is misspelt, or from a newer version (this is {}).",
                      version));
    CHECK(said(std::string(least) + "[[instrument]]\nid = \"a\"\ndriver = \"folder\"\npath = \"/a\"\nSettle_S = 3\n") ==
          fmt::format("gateway.toml:9:1: unknown key \"Settle_S\" in [instrument]; did you mean \"settle_s\"? It is misspelt, or from a "
                      "newer version (this is {}).",
                      version));
}

TEST_CASE("all mistakes are reported at once, in the order of the text (field 54)") {
    std::string const text = R"(site = "Paris!"
gateway = 7
[outbox]
budget = "4 apples"
retention_days = -1
directory = "relative"
[broker]
port = "1883"
keepalive_s = 1
password_file = "/p"
[broker.tls]
key = "/k"
[window]
records = 801
bytes = 9.5
[page]
listen = "localhost"
sockte = "/s"
[[instrument]]
id = "state"
driver = "lines"
[[instrument]]
id = "a"
driver = "line"
port = "/dev/null"
connect = "h:1"
acknowledgement = "ACK {key} {id}"
[[instrument]]
id = "a"
driver = "folder"
path = "/x"
move_to = "/y"
on_taken = 1979-05-27
[[instrument]]
driver = "spectramax"
wavelength_nm = 20
terminator = "x"
)";
    std::string const golden =
        fmt::format(R"(gateway.toml:1:8: site is "Paris!"; expected 1 to 32 of the letters a-z, the digits 0-9 and "-".
gateway.toml:2:11: gateway is 7; expected a text of 1 to 1024 bytes in quotation marks.
gateway.toml:4:10: outbox.budget is the text "4 apples"; expected a size from "1 MiB" to "16 TiB", or a whole number of bytes.
gateway.toml:5:18: outbox.retention_days is -1; expected a whole number from 0 to 3650.
gateway.toml:6:13: outbox.directory is "relative"; expected a path from the root, such as "/var/lib/marrowlink".
gateway.toml:7:1: broker.host is missing: the name or address of the MQTT broker.
gateway.toml:8:8: broker.port is the text "1883"; expected a whole number from 1 to 65535.
gateway.toml:9:15: broker.keepalive_s is 1; expected a whole number from 5 to 600.
gateway.toml:10:17: broker.password_file needs broker.username beside it.
gateway.toml:11:1: broker.tls.ca is missing: the file with the certificate of whoever signed the broker's.
gateway.toml:12:7: broker.tls.key needs broker.tls.certificate beside it; a client certificate is the two together.
gateway.toml:14:11: window.records is 801; expected a whole number from 1 to 800.
gateway.toml:15:9: window.bytes is 9.5; expected a size from "64 KiB" to "8 MiB", or a whole number of bytes.
gateway.toml:17:10: page.listen is the text "localhost"; expected "host:port" with a port from 0 to 65535, such as "127.0.0.1:8080" or "[::1]:8080".
gateway.toml:18:1: unknown key "sockte" in [page]; did you mean "socket"? It is misspelt, or from a newer version (this is {0}).
gateway.toml:20:6: instrument.id is "state", a name that the topics on the broker need for themselves; choose another.
gateway.toml:21:10: instrument.driver is the text "lines"; expected "spectramax", "line", "folder", "modbus", "astm", "hl7", "biotek" or "biorad" (did you mean "line"?).
gateway.toml:22:1: this instrument has more than one of the keys port (a serial port), adapter (a Marrowlink adapter), connect and listen (TCP); expected exactly one.
gateway.toml:27:19: instrument.acknowledgement holds braces that are not "{{key}}"; that is the only thing that can be filled in.
gateway.toml:27:19: instrument.acknowledgement holds "{{key}}"; instrument.key_field must say which word of a line the key is.
gateway.toml:29:6: instrument.id is "a", which is taken by the instrument at gateway.toml:23:6; each needs its own.
gateway.toml:32:11: instrument.move_to has no effect here: files are moved only with on_taken = "move".
gateway.toml:33:12: instrument.on_taken is a date or time; expected "keep", "move" or "delete".
gateway.toml:34:1: instrument.id is missing: the instrument's name in topics and records.
gateway.toml:34:1: instrument.port is missing: the serial port of the reader.
gateway.toml:36:17: instrument.wavelength_nm is 20; expected a whole number from 190 to 1000.
gateway.toml:37:1: unknown key "terminator" in [instrument]; known here are "adapter", "baud", "command_timeout_ms", "data_bits", "driver", "flow_control", "id", "mode", "parity", "poll_ms", "port", "silent_after_s", "stop_bits", "title" or "wavelength_nm". It is misspelt, or from a newer version (this is {0}).)",
                    version);
    CHECK(said(text) == golden);
}

TEST_CASE("each key with one letter changed, lost, doubled or exchanged is refused, every time (field 54)") {
    auto const lines = lines_of(full);
    int tried = 0;
    for (std::size_t n = 0; n < lines.size(); ++n) {
        // The key of "key = value", or each word of a [header].
        std::size_t const begin = lines[n].find_first_not_of('[');
        std::size_t const end = lines[n].find_first_of(" ]", begin);
        for (std::size_t i = begin; i < end; ++i) {
            if (lines[n][i] == '.') continue;
            std::vector<std::string> mutated;
            auto const replace = [&](std::size_t length, std::string const& by) {
                mutated.push_back(std::string(lines[n]).replace(i, length, by));
            };
            replace(1, lines[n][i] == 'x' ? "y" : "x");
            replace(1, "");
            replace(0, std::string(1, lines[n][i]));
            replace(1, std::string(1, static_cast<char>(lines[n][i] == '_' ? '-' : lines[n][i] ^ 0x20)));
            if (i + 1 < end && lines[n][i + 1] != '.' && lines[n][i] != lines[n][i + 1]) replace(2, {lines[n][i + 1], lines[n][i]});
            for (auto const& line : mutated) {
                auto changed = lines;
                changed[n] = line;
                ++tried;
                auto const config = parse_config(joined(changed), "gateway.toml");
                INFO("line " << n + 1 << ": " << line);
                REQUIRE_FALSE(config);
                REQUIRE_THAT(config.error().message, Catch::Contains(fmt::format("gateway.toml:{}:", n + 1)));
            }
        }
    }
    CHECK(tried > 1500);
}

TEST_CASE("each line left out: it parses, or says what is missing") {
    auto const lines = lines_of(full);
    for (std::size_t n = 0; n < lines.size(); ++n) {
        if (lines[n][0] == '[') continue;
        auto changed = lines;
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(n));
        auto const config = parse_config(joined(changed), "gateway.toml");
        bool const needed = [&] {
            for (char const* key : {"site", "gateway", "host", "ca", "certificate", "key", "username", "id", "driver", "port = \"",
                                    "connect", "listen = \"0", "path =", "key_field", "on_taken", "move_to", "map", "bus"})
                if (lines[n].starts_with(key) &&
                    (lines[n][std::string_view(key).size()] == ' ' || std::string_view(key).find(' ') != std::string_view::npos ||
                     std::string_view(key).find('"') != std::string_view::npos))
                    return true;
            return false;
        }();
        INFO(lines[n]);
        CHECK(config.has_value() == !needed);
        // One line left out is one mistake, not a flood of them; a lost driver hides no other key.
        if (!config) CHECK(lines_of(config.error().message).size() == 1);
    }
}

TEST_CASE("a bad text at reload yields no configuration and changes nothing (field 55)") {
    auto running = parse_config(full, "gateway.toml");
    REQUIRE(running);
    Config const before = *running;
    auto const reloaded =
        parse_config(std::vector<settings::SourceText>{{"gateway.toml", full}, {"conf.d/10-new.toml", "[[instrument]]\nid = \"new\"\n"}});
    REQUIRE_FALSE(reloaded);
    CHECK(reloaded.error().message ==
          "conf.d/10-new.toml:1:1: instrument.driver is missing: which language the instrument speaks: \"spectramax\", \"line\", "
          "\"folder\", \"modbus\", \"astm\", \"hl7\", \"biotek\" or \"biorad\".");
    CHECK(running->instruments.size() == before.instruments.size());
    // The same text again gives the same configuration: nothing of the refused one stayed behind.
    auto const again = parse_config(full, "gateway.toml");
    REQUIRE(again);
    CHECK(again->instruments.size() == before.instruments.size());
    CHECK(again->broker.client_id == before.broker.client_id);
}

TEST_CASE("conf.d is read after the file, in the order of names") {
    auto const folder =
        std::filesystem::temp_directory_path() / fmt::format("marrowlink-config-test-{}", reinterpret_cast<std::uintptr_t>(&full));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder / "conf.d");
    auto const write = [&](char const* name, std::string_view text) { std::ofstream(folder / name) << text; };
    write("gateway.toml", least);
    write("conf.d/20-b.toml", "[[instrument]]\nid = \"b\"\ndriver = \"folder\"\npath = \"/b\"\n");
    write("conf.d/10-a.toml", "[outbox]\nbudget = \"1 GiB\"\n[[instrument]]\nid = \"a\"\ndriver = \"folder\"\npath = \"/a\"\n");
    write("conf.d/10-a.toml~", "not read");
    auto const config = read_config(folder / "gateway.toml");
    INFO((config ? std::string() : config.error().message));
    REQUIRE(config);
    CHECK(config->outbox.budget_bytes == 1ull << 30);
    REQUIRE(config->instruments.size() == 2);
    CHECK(config->instruments[0].id == "a");
    CHECK(config->instruments[1].id == "b");

    SECTION("one key in two files is a mistake that names both places") {
        write("conf.d/30-c.toml", "[outbox]\nbudget = \"2 GiB\"\n");
        auto const doubled = read_config(folder / "gateway.toml");
        REQUIRE_FALSE(doubled);
        CHECK(doubled.error().message ==
              fmt::format("{0}/conf.d/30-c.toml:2:1: outbox.budget is set a second time; it is set at {0}/conf.d/10-a.toml:2:1 already.",
                          folder.string()));
    }
    SECTION("a file that cannot be read is a mistake") {
        std::filesystem::create_directory(folder / "conf.d/40-d.toml");
        CHECK_FALSE(read_config(folder / "gateway.toml"));
        auto const absent = read_config(folder / "absent.toml");
        REQUIRE_FALSE(absent);
        CHECK(absent.error().fault == Fault::configuration);
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("bare port numbers are warned about, not refused (field 41)") {
    for (char const* port : {"/dev/ttyUSB0", "/dev/ttyACM12", "COM3", "\\\\\\\\.\\\\COM11"}) {
        auto const config = parse_config(fmt::format("{}[[instrument]]\nid = \"a\"\ndriver = \"spectramax\"\nport = \"{}\"\n", least, port),
                                         "gateway.toml");
        INFO(port);
        REQUIRE(config);
        REQUIRE(config->warnings.size() == 1);
        CHECK_THAT(config->warnings[0],
                   Catch::StartsWith("gateway.toml:8:8: instrument.port is ") && Catch::Contains("/dev/serial/by-id/"));
    }
    for (char const* port : {"/dev/serial/by-id/usb-X", "/dev/ttyS0", "/dev/reader", "/dev/ttyUSB"}) {
        auto const config = parse_config(fmt::format("{}[[instrument]]\nid = \"a\"\ndriver = \"spectramax\"\nport = \"{}\"\n", least, port),
                                         "gateway.toml");
        REQUIRE(config);
        CHECK(config->warnings.empty());
    }
}

TEST_CASE("a page beyond loopback without a token is warned about") {
    auto const config = parse_config(std::string(least) + "[page]\nlisten = \"0.0.0.0:80\"\n", "gateway.toml");
    REQUIRE(config);
    REQUIRE(config->warnings.size() == 1);
    CHECK_THAT(config->warnings[0], Catch::Contains("read-only"));
}

TEST_CASE("limits hold at the limit and not one beyond (field 23)") {
    auto const parses = [](std::string const& more) { return parse_config(std::string(least) + more, "gateway.toml").has_value(); };
    CHECK(parses("[window]\nrecords = 800\nbytes = 8388608\n"));
    CHECK_FALSE(parses("[window]\nrecords = 801\n"));
    CHECK_FALSE(parses("[window]\nbytes = 8388609\n"));
    CHECK(parses("[outbox]\nbudget = \"1 MiB\"\n"));
    CHECK_FALSE(parses("[outbox]\nbudget = 1048575\n"));
    CHECK_FALSE(parses("[outbox]\nbudget = \"99999999999 TiB\"\n"));
    CHECK(parses("[page]\nsocket = \"/" + std::string(106, 's') + "\"\n"));
    CHECK_FALSE(parses("[page]\nsocket = \"/" + std::string(107, 's') + "\"\n"));

    auto const instruments = [](int count) {
        std::string out;
        for (int i = 0; i < count; ++i) out += fmt::format("[[instrument]]\nid = \"i{0}\"\ndriver = \"folder\"\npath = \"/f{0}\"\n", i);
        return out;
    };
    CHECK(parses(instruments(64)));
    CHECK_FALSE(parses(instruments(65)));
    CHECK(parses("[[instrument]]\nid = \"" + std::string(32, 'a') + "\"\ndriver = \"folder\"\npath = \"/f\"\n"));
    CHECK_FALSE(parses("[[instrument]]\nid = \"" + std::string(33, 'a') + "\"\ndriver = \"folder\"\npath = \"/f\"\n"));
    CHECK(parses("#" + std::string(settings::text_bytes_max - std::string(least).size() - 1, '-')));
    CHECK_FALSE(parses("#" + std::string(settings::text_bytes_max - std::string(least).size(), '-')));

    std::string many(least);
    for (int i = 0; i < 150; ++i) many += fmt::format("[unknown{}]\n", i);
    auto const lines = lines_of(said(many));
    REQUIRE(lines.size() == settings::mistakes_listed_max + 1);
    CHECK(lines.back() == "and 50 more.");
}

TEST_CASE("two instruments cannot share a port, an address or a folder (field 41)") {
    std::string const reader = "[[instrument]]\nid = \"{}\"\ndriver = \"spectramax\"\nport = \"/dev/serial/by-id/a\"\n";
    CHECK_THAT(said(least + fmt::format(fmt::runtime(reader), "a") + fmt::format(fmt::runtime(reader), "b")),
               Catch::StartsWith("gateway.toml:12:8: instrument.port is"));
    std::string const folder = "[[instrument]]\nid = \"{}\"\ndriver = \"folder\"\npath = \"/srv/{}\"\n";
    CHECK_THAT(said(least + fmt::format(fmt::runtime(folder), "a", "x") + fmt::format(fmt::runtime(folder), "b", "./x")),
               Catch::StartsWith("gateway.toml:12:8: instrument.path is"));
}

TEST_CASE("Modbus instruments share a bus by their units, and agree on it (field 41)") {
    auto const on = [](std::string const& id, int unit, std::string const& more = "") {
        return fmt::format(
            "[[instrument]]\nid = \"{}\"\ndriver = \"modbus\"\nmap = \"hettich\"\nunit = {}\nbus = {{ port = \"/dev/serial/by-id/m\"{} "
            "}}\n",
            id, unit, more);
    };
    CHECK(parse_config(least + on("a", 1) + on("b", 2), "gateway.toml"));
    CHECK_THAT(said(least + on("a", 1) + on("b", 1)),
               Catch::StartsWith("gateway.toml:15:8: instrument.unit is \"1 on /dev/serial/by-id/m\", which is taken"));
    CHECK_THAT(said(least + on("a", 1) + on("b", 2, ", baud = 9600")),
               Catch::StartsWith("gateway.toml:16:7: instrument.bus has another rate, parity or stop bits than at gateway.toml:10:7"));
    std::string const reader = "[[instrument]]\nid = \"r\"\ndriver = \"spectramax\"\nport = \"/dev/serial/by-id/m\"\n";
    CHECK_THAT(said(least + reader + on("a", 1)),
               Catch::StartsWith("gateway.toml:14:7: instrument.bus.port is \"/dev/serial/by-id/m\", which is taken"));
    CHECK_THAT(said(least + on("a", 1) + reader), Catch::StartsWith("gateway.toml:14:8: instrument.port is"));
}

TEST_CASE("a Modbus instrument's mistakes have their line, in its register map too (field 49, 54)") {
    std::string const head = "[[instrument]]\nid = \"a\"\ndriver = \"modbus\"\n";
    CHECK_THAT(said(least + head + "connect = \"h:502\"\nmap = \"thermo-tde\"\n"),
               Catch::StartsWith("gateway.toml:9:7: instrument.map cannot be used:\nthermo-tde.toml:") &&
                   Catch::Contains("Modbus ASCII is not spoken here"));
    CHECK(said(least + head + "connect = \"h:502\"\nmap = \"hetich\"\n") ==
          "gateway.toml:9:7: instrument.map is \"hetich\"; expected \"hettich\", \"julabo\", \"minicapt\", \"thermo-tde\" or the path of a "
          "map, from the root.");
    CHECK(said(least + head + "connect = \"h:502\"\nmap = \"/no/map.toml\"\n") ==
          "gateway.toml:9:7: instrument.map is \"/no/map.toml\", which cannot be read.");
    CHECK_THAT(said(least + head + "map = \"hettich\"\n"),
               Catch::Contains("has neither of the keys bus (a serial bus) and connect (TCP); expected exactly one"));
    CHECK_THAT(said(least + head + "map = \"hettich\"\nbus = { port = \"/dev/m\", baud = 12345 }\n"),
               Catch::StartsWith("gateway.toml:9:33: instrument.bus.baud is 12345; expected one of 1200, 2400"));
    CHECK_THAT(said(least + head + "map = \"hettich\"\nunit = 248\nbus = { port = \"/dev/m\" }\n"), Catch::Contains("from 1 to 247"));

    auto const file = std::filesystem::temp_directory_path() / fmt::format("marrowlink-map-{}.toml", std::random_device{}());
    std::ofstream(file)
        << "title = \"x\"\nsource = \"y\"\nbase = 0\n[[register]]\nname = \"t\"\nfunction = \"input\"\naddress = 1\ntype = \"f32\"\n";
    CHECK(said(least + head + "connect = \"h:502\"\nmap = \"" + file.string() + "\"\n") ==
          "gateway.toml:9:7: instrument.map cannot be used:\n" + file.string() +
              ":4:1: register.order is missing: in which order the four bytes come, A the most significant; devices differ, so it is never "
              "assumed.");
    std::ofstream(file, std::ios::app) << "order = \"CDAB\"\n";
    CHECK(parse_config(least + head + "connect = \"h:502\"\nmap = \"" + file.string() + "\"\n", "gateway.toml"));
    std::filesystem::remove(file);
}

TEST_CASE("an adapter is on a bus, alone or with others, and its line has the rates that it can have") {
    std::string const head = "site = \"lyon\"\ngateway = \"gw1\"\n[broker]\nhost = \"broker\"\n";
    std::string const printer =
        "[[instrument]]\nid = \"printer\"\ndriver = \"line\"\nbaud = 19200\nadapter = {port = \"/dev/serial/by-id/bus\", unit = 7}\n";
    std::string const reader =
        "[[instrument]]\nid = \"reader\"\ndriver = \"spectramax\"\nadapter = {connect = \"10.0.0.7:502\", unit = 3, poll_ms = 20}\n";
    auto const config = parse_config(head + printer + reader, "gateway.toml");
    if (!config) FAIL(config.error().message);
    auto const* const first = adapter_of(config->instruments[0]);
    REQUIRE(first);
    CHECK(first->unit == 7);
    CHECK(first->line.baud == 19'200);
    CHECK(std::get<ModbusSerial>(first->bus).baud == 115'200);
    CHECK(std::get<ModbusSerial>(first->bus).parity == Parity::even);
    auto const* const second = adapter_of(config->instruments[1]);
    REQUIRE(second);
    CHECK(std::get<ModbusTcp>(second->bus).port == 502);
    CHECK(second->poll == std::chrono::milliseconds(20));

    auto const refused = [&](std::string const& text) {
        auto const wrong = parse_config(head + text, "gateway.toml");
        return wrong ? std::string("nothing") : wrong.error().message;
    };
    auto const instrument = [](std::string const& rest) { return "[[instrument]]\nid = \"a\"\ndriver = \"line\"\n" + rest; };
    CHECK(refused(instrument("baud = 110\nadapter = {port = \"/dev/bus\"}\n")) ==
          "gateway.toml:9:11: An adapter's line cannot have 110 baud; expected 300 to 115200 in the usual steps.");
    CHECK(refused(instrument("data_bits = 7\nadapter = {port = \"/dev/bus\"}\n")).find("cannot have the data bits") != std::string::npos);
    CHECK(refused(instrument("adapter = {unit = 2}\n")).find("neither of the keys port (a serial bus) and connect (Modbus TCP)") !=
          std::string::npos);
    CHECK(refused(instrument("adapter = {port = \"/dev/bus\", unit = 248}\n")).find("expected a whole number from 1 to 247") !=
          std::string::npos);
    // One unit is one adapter, and a bus has one rate.
    std::string const again = "[[instrument]]\nid = \"b\"\ndriver = \"line\"\nadapter = {port = \"/dev/serial/by-id/bus\", unit = ";
    CHECK(refused(printer + again + "7}\n").find("which is taken by the instrument at") != std::string::npos);
    CHECK(refused(printer + again + "8, baud = 9600}\n").find("a bus has one") != std::string::npos);
    CHECK(refused(printer + again + "8}\n") == "nothing");
    CHECK(refused(printer + "[[instrument]]\nid = \"b\"\ndriver = \"line\"\nport = \"/dev/serial/by-id/bus\"\n") != "nothing");
}
