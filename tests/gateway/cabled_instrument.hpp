// One instrument as the gateway runs it, with its outbox, on a cable whose far end the test holds and on the clock that jumps. What derives
// from it adds functions only: its members outlive the instrument.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "core/log.hpp"
#include "gateway/instrument.hpp"
#include "instrument_ear.hpp"
#include "outbox_world.hpp"
#include "tests/sim/memory_transport.hpp"
#include "tests/sim/virtual_clock.hpp"

namespace marrowlink::outbox_world {

struct CabledInstrument {
    CabledInstrument() {
        log::set_sink([](log::Level, std::string_view) {});
        outbox = std::make_unique<Outbox>(open_store(folder.path()), clock, "boot", loop.get_executor(), loop.get_executor());
    }
    ~CabledInstrument() {
        stop.emit(boost::asio::cancellation_type::terminal);
        clock.run_for(std::chrono::seconds(1));
    }
    CabledInstrument(CabledInstrument const&) = delete;
    CabledInstrument& operator=(CabledInstrument const&) = delete;

    std::unique_ptr<TransportFactory> port() { return std::make_unique<Port>(*this); }
    void start(InstrumentPlan plan) {
        instrument = std::make_unique<Instrument>(std::move(plan), *outbox, clock, dice, ear);
        boost::asio::co_spawn(loop, instrument->run(), boost::asio::bind_cancellation_slot(stop.slot(), boost::asio::detached));
    }

    TemporaryFolder folder;
    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{7};
    Ear ear;
    int opened = 0;
    std::unique_ptr<sim::MemoryTransport> far;
    std::unique_ptr<Outbox> outbox;
    std::unique_ptr<Instrument> instrument;
    boost::asio::cancellation_signal stop;

 private:
    struct Port final : TransportFactory {
        explicit Port(CabledInstrument& owner) : owner_(owner) {}
        Task<Result<std::unique_ptr<Transport>>> open() override {
            ++owner_.opened;
            auto ends = sim::MemoryTransport::connect(owner_.clock);
            owner_.far = std::move(ends.far);
            co_return std::unique_ptr<Transport>(std::move(ends.near));
        }
        std::string name() const override { return "cable"; }

     private:
        CabledInstrument& owner_;
    };
};

}  // namespace marrowlink::outbox_world
