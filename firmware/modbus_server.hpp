// The server's end of a Modbus RTU line: finds the requests meant for this unit, has a register bank answer them, and counts what it cannot
// read. MODBUS over Serial Line V1.02, MODBUS Application Protocol V1.1b3; the clauses are named in tests/firmware/modbus_server_test.cpp.
#pragma once

#include <array>

#include "wire/modbus_rtu.hpp"

namespace marrowlink::firmware {

class RegisterBank {
 public:
    // `out`: two bytes for each register, high first. Nothing is changed by reading.
    virtual bool readable(std::uint16_t address, std::uint16_t count) const = 0;
    virtual wire::modbus::Exception read(std::uint16_t address, wire::MutableBytes out) = 0;
    // All of it, or nothing and an exception.
    virtual wire::modbus::Exception write(std::uint16_t address, wire::Bytes values) = 0;

 protected:
    ~RegisterBank() = default;
};

class ModbusServer {
 public:
    // Linux and USB adapters leave gaps of 16 ms inside a frame, which the standard would call its end. So a request ends where its length
    // says, and only this much silence makes an unfinished one be forgotten.
    static constexpr std::uint32_t resynchronise_us = 20'000;

    explicit ModbusServer(RegisterBank& bank) : bank_(bank) {}

    void configure(std::uint8_t unit, std::uint32_t baud);
    void receive(std::uint8_t byte, std::uint64_t at_us);
    void damaged(std::uint64_t at_us);  // a character that could not be read

    // What to send now; empty: nothing. Valid until the next call.
    wire::Bytes poll(std::uint64_t now_us);

    std::uint32_t bad_frames() const { return bad_frames_; }
    std::uint32_t answered() const { return answered_; }

 private:
    enum class Line : std::uint8_t { collecting, whole, deaf };  // deaf: until the line is silent

    void begin();
    void give_up();
    std::size_t answer();
    std::size_t refuse(wire::modbus::Exception why);
    wire::modbus::Exception write(std::uint16_t address, std::uint16_t count, std::size_t values_at, std::uint16_t count_max);

    RegisterBank& bank_;
    std::uint8_t unit_ = 1;
    std::uint32_t silence_us_ = 1'750;
    Line line_ = Line::collecting;
    std::array<std::uint8_t, wire::modbus::frame_bytes_max> request_{}, response_{};
    std::size_t bytes_ = 0;
    std::uint64_t last_us_ = 0;
    std::uint32_t bad_frames_ = 0, answered_ = 0;
};

}  // namespace marrowlink::firmware
