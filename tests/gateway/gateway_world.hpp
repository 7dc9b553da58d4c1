// A whole gateway without instruments, over an outbox that a test has filled.
#pragma once

#include "core/log.hpp"
#include "forwarder_world.hpp"
#include "gateway/gateway.hpp"
#include "outbox_world.hpp"

namespace marrowlink::gateway_world {
using namespace outbox_world;

struct World {
    World() {
        log::set_sink([](log::Level, std::string_view) {});
    }
    // Over an outbox that holds `appended` messages.
    explicit World(std::uint64_t appended) : World() {
        auto const store = open_store(folder.path());
        fill(*store, 1, appended);
        auto all = store->peek(1, 1'000, 1u << 20);
        REQUIRE(all);
        records = std::move(*all);
    }
    void start() { start(loop.get_executor()); }
    // With the store elsewhere than on the loop: a disk that answers when the test lets it.
    void start(boost::asio::any_io_executor store) {
        Config config;
        config.site = "lyon";
        config.gateway = "bench-2";
        config.outbox.directory = folder.path();
        auto opened = OutboxDirectory::open({folder.path(), "lyon", "bench-2", {}, "boot", {}}, dice, clock);
        REQUIRE(opened);
        gateway = std::make_unique<Gateway>(GatewayParts{clock, dice, loop.get_executor(), std::move(store), broker, {}, "boot", {}},
                                            std::move(config), std::move(*opened));
        gateway->start();
    }
    Digest chain_at(std::uint64_t seq) {
        auto database = Database::open(folder.path() / (stream_a + ".outbox"), Database::Mode::read_only);
        auto row = database->prepare("SELECT chain FROM record WHERE seq=?");
        row->bind(1, static_cast<std::int64_t>(seq));
        REQUIRE(row->step().value());
        Digest out{};
        std::copy_n(row->blob(0).begin(), out.size(), out.begin());
        return out;
    }
    bool shows(std::string const& text) { return json::serialize(gateway->board().json()).find(text) != std::string::npos; }

    TemporaryFolder folder;
    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{7};
    forwarder_world::Broker broker{loop};
    std::vector<Record> records;
    std::unique_ptr<Gateway> gateway;
};
}  // namespace marrowlink::gateway_world
