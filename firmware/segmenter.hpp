// Cuts what an instrument says into the payloads of slots. It changes no byte and drops none.
#pragma once

#include <array>

#include "wire/adapter_map.hpp"
#include "wire/adapter_slot.hpp"

namespace marrowlink::firmware {

class Segmenter {
 public:
    void configure(wire::adapter::Settings const& settings);

    // Not while a segment is whole. True: now it is.
    bool push(std::uint8_t byte, std::uint64_t now_us);

    // True: silence has made a segment of what is there.
    bool pass(std::uint64_t now_us);

    // Ends what there is, whole or not.
    void cut();

    bool whole() const { return end_ != wire::SlotEnd::none; }
    bool empty() const { return bytes_ == 0; }
    wire::Bytes payload() const { return wire::Bytes(payload_).first(bytes_); }
    wire::Slot slot() const;  // kind, end and times
    void clear();             // the segment is in the log

 private:
    bool ends_here();
    bool frame_ends_here(std::uint8_t byte);

    wire::adapter::Settings settings_;
    std::array<std::uint8_t, wire::slot_payload_bytes_max> payload_{};
    std::size_t bytes_ = 0;
    std::size_t before_ = 0;  // bytes of the same message in earlier slots
    std::size_t length_ = 0;  // of the message, from its length field; 0: not known yet
    bool in_frame_ = false;   // ASTM: behind STX
    std::uint64_t first_us_ = 0, last_us_ = 0;
    wire::SlotEnd end_ = wire::SlotEnd::none;
};

}  // namespace marrowlink::firmware
