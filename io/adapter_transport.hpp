// An instrument's line behind an adapter: what the instrument said is read from the adapter's log over Modbus, and freed there when it is
// durable here.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/transport.hpp"
#include "core/wake.hpp"
#include "io/adapter.hpp"

namespace marrowlink {

class AdapterTransport final : public Transport {
 public:
    static constexpr std::chrono::milliseconds busy_pause{20}, command_patience{10'000};  // a command that the adapter cannot take yet

    // `fresh_binding`: a random number, for an adapter that this gateway has not had on this line.
    AdapterTransport(std::shared_ptr<ModbusMaster> bus, AdapterPlace place, Clock& clock, AdapterState state, std::uint64_t fresh_binding);

    // Until it is resumed, this is a conversation: what the adapter kept before is left out, and what was read is freed with the next read.
    Task<Result<LinePlace>> resume(LinePlace from) override;

    // `closed` at a place where bytes are missing or the adapter began anew, with what is known of it; the next connection goes on behind.
    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override;
    Task<Result<void>> write(std::span<std::byte const> bytes) override;
    void interrupt() override { interrupted_.announce(); }
    void release(std::uint64_t offset) override;

 private:
    struct Taken {
        std::uint64_t end = 0;       // position in the adapter's log
        std::uint64_t returned = 0;  // bytes this transport had returned when the slot was used up
    };
    enum class Step : std::uint8_t { bytes, nothing, gap };

    Task<Result<ModbusAnswer>> ask(ModbusRequest request);
    Task<Result<void>> fetch();
    Task<Result<void>> own(std::uint64_t data_base);
    Task<Result<void>> look_for(std::uint64_t position);
    Result<Step> step();
    std::size_t take(std::span<std::byte> into);
    void finish_slot();
    void pass_gap();
    std::string count() const;  // for LinePlace

    std::shared_ptr<ModbusMaster> bus_;
    AdapterPlace place_;
    Clock& clock_;
    AdapterState state_;
    std::uint64_t fresh_binding_;
    Wake interrupted_;
    bool resumed_ = false;
    std::uint64_t cursor_;             // position in the log behind what was fetched
    std::vector<std::uint8_t> bytes_;  // fetched and not yet a whole slot
    std::string payload_;              // of the slot in hand…
    std::size_t used_ = 0;             // …and how much of it was returned
    std::uint64_t data_end_ = 0;       // place of what the last known slot ends with, counted as skip_to_ is
    std::uint64_t skip_to_;            // data before this place was had before
    std::uint64_t returned_ = 0;
    std::optional<std::uint64_t> slot_end_;  // of the slot in hand
    std::deque<Taken> taken_;                // slots used up and not freed
    std::uint64_t freed_;                    // what the adapter was told
    std::uint64_t to_free_;
    std::optional<std::string> gap_;  // met, and to be told before anything behind it
    std::uint16_t token_;
    bool more_ = false;      // there is more than was fetched
    bool expecting_ = true;  // there is, or at the beginning may be: the next look takes the whole window
    bool polled_ = false;
};

// Opens the line behind one adapter. The error says when it is no adapter, another's, or does not answer.
class AdapterLine final : public TransportFactory {
 public:
    AdapterLine(std::shared_ptr<ModbusMaster> bus, AdapterPlace place, Clock& clock, Entropy& entropy);

    Task<Result<std::unique_ptr<Transport>>> open() override;
    std::string name() const override;

 private:
    std::shared_ptr<ModbusMaster> bus_;
    AdapterPlace place_;
    Clock& clock_;
    Entropy& entropy_;
};

}  // namespace marrowlink
