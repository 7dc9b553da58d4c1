// Serial ports out of a made-up sysfs: what the kernel's own looks like with two USB adapters, a pair without serial numbers and a UART.
#include "io/serial_ports.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/sim/temporary_folder.hpp"

using namespace marrowlink;
namespace fs = std::filesystem;

namespace {
struct Machine {
    sim::TemporaryFolder folder;
    SerialTree tree{folder / "sys", folder / "dev"};

    Machine() {
        fs::create_directories(tree.sys / "class/tty");
        fs::create_directories(tree.dev / "serial/by-id");
        fs::create_directories(tree.dev / "serial/by-path");
    }
    static void write(fs::path const& file, std::string_view text) {
        fs::create_directories(file.parent_path());
        std::ofstream{file, std::ios::binary} << text;
    }
    // As /sys/class/tty/ttyUSB0 → devices/…/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0, whose `device` is the ttyUSB0 above it.
    fs::path plug(std::string const& socket, std::string const& tty, std::string const& driver) {
        fs::path const usb = tree.sys / "devices/pci0000:00/usb1" / socket;
        fs::path const interface = usb / (socket + ":1.0");
        fs::path const entry = interface / tty / "tty" / tty;
        fs::create_directories(entry);
        fs::create_directory_symlink(interface / tty, entry / "device");
        fs::create_directory_symlink(entry, tree.sys / "class/tty" / tty);
        fs::create_symlink("../../../bus/usb/drivers/" + driver, interface / "driver");
        fs::create_symlink("../../" + tty, tree.dev / "serial/by-path" / ("pci-0000:00-usb-" + socket + ":1.0-port0"));
        return usb;
    }
    void uart(std::string const& tty, std::string_view type) {
        fs::path const platform = tree.sys / "devices/platform/serial8250";
        fs::path const entry = platform / "tty" / tty;
        write(entry / "type", type);
        fs::create_directory_symlink(platform, entry / "device");
        fs::create_directory_symlink(entry, tree.sys / "class/tty" / tty);
    }
    std::vector<SerialPortEntry> ports() const {
        auto found = serial_ports(tree);
        REQUIRE(found);
        return *found;
    }
};
}  // namespace

TEST_CASE("a USB adapter is listed with what it calls itself and the name that stays with it") {
    Machine machine;
    fs::path const usb = machine.plug("1-2", "ttyUSB0", "ftdi_sio");
    Machine::write(usb / "idVendor", "0403\n");
    Machine::write(usb / "idProduct", "6001\n");
    Machine::write(usb / "manufacturer", "FTDI\n");
    Machine::write(usb / "product", "FT232R \x1b[2JUSB UART\n");
    Machine::write(usb / "serial", "A9007QK1\n");
    fs::create_symlink("../../ttyUSB0", machine.tree.dev / "serial/by-id/usb-FTDI_FT232R_A9007QK1-if00-port0");
    auto const ports = machine.ports();
    REQUIRE(ports.size() == 1);
    CHECK(ports[0].device == (machine.tree.dev / "ttyUSB0").string());
    CHECK(ports[0].usb);
    CHECK(ports[0].vendor_id == "0403");
    CHECK(ports[0].product_id == "6001");
    CHECK(ports[0].vendor == "FTDI");
    CHECK(ports[0].product == "FT232R [2JUSB UART");  // its escape sequence does not reach a terminal
    CHECK(ports[0].serial_number == "A9007QK1");
    CHECK(ports[0].driver == "ftdi_sio");
    CHECK_FALSE(ports[0].alike);
    CHECK(stable_name(ports[0]) == (machine.tree.dev / "serial/by-id/usb-FTDI_FT232R_A9007QK1-if00-port0").string());
}

TEST_CASE("two adapters of a kind without serial numbers are told apart by their sockets, as by-id knows only one of them") {
    Machine machine;
    for (std::string const number : {"10", "9"}) {
        fs::path const usb = machine.plug("1-" + number, "ttyUSB" + number, "ch341");
        Machine::write(usb / "idVendor", "1a86\n");
        Machine::write(usb / "idProduct", "7523\n");
    }
    fs::create_symlink("../../ttyUSB9", machine.tree.dev / "serial/by-id/usb-1a86_USB_Serial-if00-port0");
    auto const ports = machine.ports();
    REQUIRE(ports.size() == 2);
    CHECK(fs::path{ports[0].device}.filename() == "ttyUSB9");
    CHECK(fs::path{ports[1].device}.filename() == "ttyUSB10");
    for (auto const& port : ports) {
        CHECK(port.alike);
        CHECK(stable_name(port) == port.by_path);
    }
    CHECK(ports[0].by_path != ports[1].by_path);
}

TEST_CASE("UARTs are listed where there is one, consoles and room for UARTs are not") {
    Machine machine;
    machine.uart("ttyS0", "4\n");
    machine.uart("ttyS1", "0\n");
    fs::create_directories(machine.tree.sys / "class/tty/tty1");
    auto const ports = machine.ports();
    REQUIRE(ports.size() == 1);
    CHECK_FALSE(ports[0].usb);
    CHECK(stable_name(ports[0]) == (machine.tree.dev / "ttyS0").string());
}

TEST_CASE("an adapter pulled while it is looked at is left out, and a system without sysfs is told") {
    Machine machine;
    machine.plug("1-2", "ttyUSB0", "ftdi_sio");
    fs::remove_all(machine.tree.sys / "devices");
    CHECK(machine.ports().empty());
    auto const none = serial_ports({machine.folder / "nothing", machine.tree.dev});
    REQUIRE_FALSE(none);
    CHECK(none.error().fault == Fault::unavailable);
}
