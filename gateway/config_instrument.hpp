// The parts of a configuration that name things, and its instruments; gateway/config.cpp reads the rest.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/settings.hpp"
#include "gateway/config.hpp"

namespace marrowlink {

template <class T>
void put(T& into, std::optional<T> found) {
    if (found) into = *std::move(found);
}
inline void put(std::filesystem::path& into, std::optional<std::string> found) {
    if (found) into = *std::move(found);
}

// A name for topics and records; absent, and a mistake said, when it is not one or is `reserved`.
std::optional<std::string> read_id(settings::Section& section, std::string_view key, std::initializer_list<std::string_view> reserved);

// The text of a file of at most settings::text_bytes_max bytes; one byte more of a longer one, so that it is noticed.
std::optional<std::string> file_text(std::filesystem::path const& path);

InstrumentConfig read_instrument(settings::Section section);

// What two instruments cannot share: the id, a serial port, a listening address, a folder, a unit of a bus.
std::vector<std::pair<std::string_view, std::string>> claims(InstrumentConfig const& instrument);

// The Modbus bus that it is on; null: none.
ModbusPlace const* bus_of(InstrumentConfig const& instrument);

}  // namespace marrowlink
