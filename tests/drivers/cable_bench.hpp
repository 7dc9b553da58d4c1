// A driver's end of a cable in memory, and the instrument's: what it says and hears, in virtual time.
#pragma once

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/record.hpp"
#include "tests/sim/memory_transport.hpp"
#include "tests/sim/virtual_clock.hpp"

namespace marrowlink {

struct CableBench {
    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::MemoryTransport::Ends cable = sim::MemoryTransport::connect(clock);

    void say(std::string_view text) { REQUIRE(clock.finish(cable.far->write(sim::bytes_of(text)))); }
    std::string heard() {
        std::array<std::byte, 4096> into;
        auto const got = clock.finish(cable.far->read_some(into, clock.now() + std::chrono::seconds{1}));
        return got ? std::string(reinterpret_cast<char const*>(into.data()), *got) : "";
    }
};

// Of a run.message record.
inline std::string message_of(Draft const& draft) {
    auto const parsed = json::parse(draft.data, "message");
    REQUIRE(parsed);
    return std::string{json::string_of(parsed->get_object(), "message")};
}

}  // namespace marrowlink
