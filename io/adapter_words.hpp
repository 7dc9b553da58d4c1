// What an adapter says, in words for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/adapter_map.hpp"

namespace marrowlink {

std::string_view words_of(wire::adapter::Board board);
std::string_view words_of(wire::adapter::Storage storage);

struct AdapterFlag {
    std::string_view name;  // docs/adapter-registers.md
    std::string_view words;
};
std::vector<AdapterFlag> flags_of(std::uint16_t flags);

struct AdapterSetting {
    std::string_view name;
    std::string value;  // with its unit
    bool of_the_bus = false;
};
std::vector<AdapterSetting> settings_of(wire::adapter::Settings const& settings);

}  // namespace marrowlink
