#include <catch2/catch.hpp>

#include "core/json.hpp"
#include "gateway/serial_ports_text.hpp"

using namespace marrowlink;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {
SerialPortEntry adapter() {
    SerialPortEntry port;
    port.device = "/dev/ttyUSB0";
    port.by_id = "/dev/serial/by-id/usb-FTDI_A9";
    port.by_path = "/dev/serial/by-path/pci-1";
    port.usb = true;
    port.vendor_id = "0403";
    port.product_id = "6001";
    port.vendor =
        "F\xFC"
        "r";  // Latin-1
    port.serial_number = "A9";
    return port;
}
}  // namespace

TEST_CASE("ports are told with the name to write into a configuration first") {
    CHECK_THAT(serial_ports_text({}), StartsWith("There is no serial port."));
    CHECK_THAT(serial_ports_text({adapter()}), StartsWith("/dev/serial/by-id/usb-FTDI_A9\n  now /dev/ttyUSB0\n  USB 0403:6001, vendor Für, "
                                                          "product none, serial number A9\n"));
    SerialPortEntry alike = adapter();
    alike.alike = true;
    CHECK_THAT(serial_ports_text({alike}), StartsWith("/dev/serial/by-path/pci-1\n") && Contains("do not swap them"));
}

TEST_CASE("ports as JSON are UTF-8 and name every member") {
    auto const parsed = json::parse(serial_ports_json({adapter()}), "ports");
    REQUIRE(parsed);
    auto const& port = parsed->as_array().at(0).as_object();
    CHECK(json::string_of(port, "name") == "/dev/serial/by-id/usb-FTDI_A9");
    CHECK(json::string_of(port, "vendor") == "Für");
    CHECK(port.size() == 12);
}
