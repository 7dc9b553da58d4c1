// The serial ports that the kernel has, as its sysfs tells of them: reading is all that is done, no port is opened and no right is needed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace marrowlink {

struct SerialPortEntry {
    std::string device;   // "/dev/ttyUSB0": dealt out in the order of plugging
    std::string by_id;    // "/dev/serial/by-id/usb-FTDI_…": stays with an adapter that has a serial number of its own; empty: none
    std::string by_path;  // "/dev/serial/by-path/…": stays with the socket it is plugged into; empty: none
    bool usb = false;
    std::string vendor_id, product_id;           // four hex digits, "0403"; of USB
    std::string vendor, product, serial_number;  // as the adapter names itself, control characters left out; empty where it does not
    std::string driver;                          // of the kernel: "ftdi_sio", "cdc_acm", "serial8250"
    bool alike = false;                          // another port of the same vendor and product is here and this one has no serial number
};

// What to write into a configuration: the name that stays with the device, or with its socket where it is like another, or else `device`.
std::string const& stable_name(SerialPortEntry const& port);

struct SerialTree {
    std::filesystem::path sys = "/sys";
    std::filesystem::path dev = "/dev";
};

// By device name, numbers in their order. Ports without hardware behind them (ttyS4 on most machines) are left out. `unavailable` when
// there is no sysfs; an adapter that is pulled meanwhile is left out.
Result<std::vector<SerialPortEntry>> serial_ports(SerialTree const& tree);

}  // namespace marrowlink
