// `marrowlink-gateway ports` in words.
#pragma once

#include <string>
#include <vector>

#include "io/serial_ports.hpp"

namespace marrowlink {

// The name to write into a configuration first, then what is known of the port, a line each.
std::string serial_ports_text(std::vector<SerialPortEntry> const& ports);
// An array of {name, device, by_id, by_path, usb, vendor_id, product_id, vendor, product, serial_number, driver, alike} and a line end.
std::string serial_ports_json(std::vector<SerialPortEntry> const& ports);

}  // namespace marrowlink
