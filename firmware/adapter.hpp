// The adapter: from an instrument's line into the log, from the log to a Modbus master, and commands the other way. Pure: ports and time
// are handed in, nothing waits, and every call of `poll` ends.
#pragma once

#include "firmware/registers.hpp"
#include "firmware/segmenter.hpp"
#include "firmware/uart.hpp"

namespace marrowlink::firmware {

class Adapter {
 public:
    static constexpr std::size_t bytes_per_poll_max = 512;  // of the instrument, so that the bus is answered in time
    static constexpr std::uint32_t reopen_us = 1'000'000;   // a storage that could not be opened is tried again

    Adapter(Storage& storage, Uart& instrument, Uart& bus, Identity const& identity);

    // Finds the log, the settings and says in the log that it began anew. Call once, before `poll`.
    void begin(std::uint64_t now_us);

    // Call again and again; `now_us` never goes back.
    void poll(std::uint64_t now_us);

    wire::adapter::Settings const& settings() const { return settings_; }
    SlotLog const& log() const { return log_; }
    bool failed() const { return failed_; }

 private:
    void open(std::uint64_t now_us);
    void apply(wire::adapter::SettingsRegisters const& registers);
    void hear(std::uint64_t now_us);
    bool keep_segment();
    bool keep_losses(std::uint64_t now_us);
    bool keep(wire::Slot const& slot, wire::Bytes payload);
    void answer_instrument();
    void command_instrument();
    void hold_instrument();
    void serve(std::uint64_t now_us);
    Activity activity(std::uint64_t now_us) const;
    bool answers() const;

    Storage& storage_;
    Uart& instrument_;
    Uart& bus_;
    Identity identity_;
    SlotLog log_;
    Registers registers_;
    ModbusServer server_;
    Segmenter segmenter_;
    wire::adapter::Settings settings_;
    std::optional<Line> line_;                                       // the instrument's, as its port is set
    std::optional<wire::adapter::SettingsRegisters> next_settings_;  // those of the bus change when the answer is out
    bool opened_ = false, failed_ = false, settings_default_ = true, full_ = false, held_ = false;
    std::uint64_t opened_us_ = 0;
    std::optional<Received> next_;  // taken from the ring; not in a segment yet
    std::uint32_t heard_ = 0, damaged_ = 0;
    Losses told_;  // what of the line's losses is in the log
    std::uint32_t damaged_told_ = 0;
    std::uint64_t recent_damage_ = 0;  // of the last 64 characters, one bit each
    std::uint8_t answer_ = 0;          // to be sent to the instrument
    wire::Bytes response_;             // not yet taken by the bus
};

}  // namespace marrowlink::firmware
