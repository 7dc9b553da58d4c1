#include "gateway/serial_ports_text.hpp"

#include <fmt/format.h>

#include "core/json.hpp"
#include "core/text.hpp"
#include "gateway/reading_text.hpp"

namespace marrowlink {
namespace {
std::string or_none(std::string const& text) { return text.empty() ? "none" : utf8_of(text); }

std::string usb_text(SerialPortEntry const& port) {
    return fmt::format("  USB {}:{}, vendor {}, product {}, serial number {}\n", port.vendor_id, port.product_id, or_none(port.vendor),
                       or_none(port.product), or_none(port.serial_number));
}
}  // namespace

std::string serial_ports_text(std::vector<SerialPortEntry> const& ports) {
    if (ports.empty()) return "There is no serial port. An adapter that was just plugged in takes a second or two.\n";
    std::string out;
    for (SerialPortEntry const& port : ports) {
        std::string const& name = stable_name(port);
        out += name + '\n';
        if (name != port.device) out += fmt::format("  now {}\n", port.device);
        if (port.usb) out += usb_text(port);
        out += fmt::format("  driver of the kernel: {}\n", or_none(port.driver));
        if (port.alike && !port.by_path.empty())
            out +=
                "  Another of this kind is here and this one has no serial number: the name stays with the socket, so do not swap them.\n";
        else if (port.usb && name == port.device)
            out += "  This name may be another adapter's after the next start; is udev running?\n";
    }
    return out;
}

std::string serial_ports_json(std::vector<SerialPortEntry> const& ports) {
    json::array out;
    for (SerialPortEntry const& port : ports)
        out.push_back(json::object{{"name", utf8_of(stable_name(port))},
                                   {"device", utf8_of(port.device)},
                                   {"by_id", utf8_of(port.by_id)},
                                   {"by_path", utf8_of(port.by_path)},
                                   {"usb", port.usb},
                                   {"vendor_id", utf8_of(port.vendor_id)},
                                   {"product_id", utf8_of(port.product_id)},
                                   {"vendor", utf8_of(port.vendor)},
                                   {"product", utf8_of(port.product)},
                                   {"serial_number", utf8_of(port.serial_number)},
                                   {"driver", utf8_of(port.driver)},
                                   {"alike", port.alike}});
    return json::serialize(out) + '\n';
}

}  // namespace marrowlink
