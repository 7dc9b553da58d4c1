#include "io/serial_ports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <tuple>

namespace marrowlink {
namespace {
namespace fs = std::filesystem;

constexpr std::size_t attribute_bytes = 4096;  // of a file in sysfs; the kernel writes no longer one

// One line; bytes that could move a terminal's cursor are left out.
std::string attribute(fs::path const& file) {
    std::ifstream in{file, std::ios::binary};
    std::string text(attribute_bytes, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
    auto const last = text.find_last_not_of(' ');
    text.resize(last == std::string::npos ? 0 : last + 1);
    return text;
}

// Name in `folder` by what it points to.
std::map<std::string, std::string> names_in(fs::path const& folder) {
    std::map<std::string, std::string> out;
    std::error_code error;
    std::set<fs::path> links;
    for (fs::directory_iterator at{folder, error}; !error && at != fs::directory_iterator{}; at.increment(error)) links.insert(at->path());
    for (auto const& link : links) {
        auto const target = fs::read_symlink(link, error);
        if (!error) out.emplace(target.filename().string(), link.string());
    }
    return out;
}

void describe_usb(SerialPortEntry& port, fs::path const& sys, fs::path const& device) {
    for (fs::path at = device; at.has_relative_path() && at != sys; at = at.parent_path()) {
        std::error_code error;
        if (!fs::exists(at / "idVendor", error)) continue;
        port.usb = true;
        port.vendor_id = attribute(at / "idVendor");
        port.product_id = attribute(at / "idProduct");
        port.vendor = attribute(at / "manufacturer");
        port.product = attribute(at / "product");
        port.serial_number = attribute(at / "serial");
        return;
    }
}

std::optional<SerialPortEntry> port_at(fs::path const& entry, fs::path const& sys) {
    std::error_code error;
    auto const device = fs::canonical(entry / "device", error);
    if (error) return std::nullopt;  // a console or a pseudo-terminal
    // Of the ttyS that a kernel makes room for, those without a UART have type 0.
    if (fs::exists(entry / "type", error) && attribute(entry / "type") == "0") return std::nullopt;
    SerialPortEntry port;
    for (fs::path at = device; port.driver.empty() && at.has_relative_path() && at != sys; at = at.parent_path()) {
        auto const driver = fs::read_symlink(at / "driver", error);
        // "port" and "ctrl" are between a UART and its driver since Linux 6.5.
        if (!error && driver.filename() != "port" && driver.filename() != "ctrl") port.driver = driver.filename().string();
    }
    describe_usb(port, sys, device);
    return port;
}

// "ttyUSB10" after "ttyUSB9".
std::tuple<std::string, std::size_t, std::string> place_of(std::string const& device) {
    auto const digits = device.find_last_not_of("0123456789") + 1;
    std::string const number = device.substr(digits);
    return {device.substr(0, digits), number.size(), number};
}
}  // namespace

std::string const& stable_name(SerialPortEntry const& port) {
    if (!port.by_id.empty() && !port.alike) return port.by_id;
    if (!port.by_path.empty()) return port.by_path;
    return port.device;
}

Result<std::vector<SerialPortEntry>> serial_ports(SerialTree const& tree) {
    std::error_code error;
    auto const sys = fs::canonical(tree.sys, error);
    fs::path const ttys = sys / "class/tty";
    if (error || !fs::is_directory(ttys, error))
        return fail(Fault::unavailable, fmt::format("{} is not there: serial ports cannot be listed on this system; name them by hand.",
                                                    (tree.sys / "class/tty").string()));
    auto const by_id = names_in(tree.dev / "serial/by-id");
    auto const by_path = names_in(tree.dev / "serial/by-path");
    auto const named = [](std::map<std::string, std::string> const& names, std::string const& name) {
        auto const found = names.find(name);
        return found == names.end() ? std::string{} : found->second;
    };
    std::vector<SerialPortEntry> out;
    for (fs::directory_iterator at{ttys, error}; !error && at != fs::directory_iterator{}; at.increment(error)) {
        auto port = port_at(at->path(), sys);
        if (!port) continue;
        std::string const name = at->path().filename().string();
        port->device = (tree.dev / name).string();
        port->by_id = named(by_id, name);
        port->by_path = named(by_path, name);
        out.push_back(std::move(*port));
    }
    if (error) return fail(Fault::unavailable, fmt::format("{} could not be read: {}.", ttys.string(), error.message()));
    std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return place_of(a.device) < place_of(b.device); });
    for (auto& port : out)
        port.alike = port.usb && port.serial_number.empty() && std::count_if(out.begin(), out.end(), [&](auto const& other) {
                                                                   return other.usb && other.vendor_id == port.vendor_id &&
                                                                          other.product_id == port.product_id;
                                                               }) > 1;
    return out;
}

}  // namespace marrowlink
