// The register map over the log: what a master sees and may change. docs/adapter-registers.md.
#pragma once

#include <optional>

#include "firmware/modbus_server.hpp"
#include "firmware/slot_log.hpp"

namespace marrowlink::firmware {

// What the board knows of itself at its start.
struct Identity {
    std::array<std::uint8_t, 2> version{};  // major, minor
    std::uint16_t patch = 0;
    wire::adapter::Board board = wire::adapter::Board::host;
    std::array<std::uint16_t, 6> hardware_id{};
    wire::adapter::ResetCause reset_cause = wire::adapter::ResetCause::unknown;
    std::array<std::uint16_t, wire::adapter::fault::count> fault{};
};

// What goes on, as of now.
struct Activity {
    std::uint64_t uptime_ms = 0;
    std::uint16_t flags = 0;
    std::uint32_t heard = 0, refused = 0;
    std::uint32_t damaged = 0, overruns = 0, bad_frames = 0;
};

struct Command {
    std::uint16_t token = 0;
    std::size_t bytes = 0, sent = 0;
    std::array<std::uint8_t, wire::adapter::command::data_bytes_max> data{};
};

class Registers final : public RegisterBank {
 public:
    Registers(SlotLog& log, wire::adapter::Storage storage, Identity const& identity) : log_(log), storage_(storage), identity_(identity) {}

    bool readable(std::uint16_t address, std::uint16_t count) const override;
    wire::modbus::Exception read(std::uint16_t address, wire::MutableBytes out) override;
    wire::modbus::Exception write(std::uint16_t address, wire::Bytes values) override;

    void show(Activity const& activity) { activity_ = activity; }
    void show(wire::adapter::SettingsRegisters const& in_force) { settings_ = in_force; }
    Command& command() { return command_; }

    // New settings that a master has written, kept and not yet in force; once.
    std::optional<wire::adapter::SettingsRegisters> take_settings();

 private:
    template <std::size_t Count>
    using Block = std::array<std::uint16_t, Count>;

    void latch_state();
    wire::modbus::Exception latch_window();
    wire::modbus::Exception write_control(std::uint16_t first, wire::Bytes values);
    wire::modbus::Exception write_command(wire::Bytes values);
    wire::modbus::Exception write_owner(wire::Bytes values);
    wire::modbus::Exception write_settings(wire::Bytes values);

    SlotLog& log_;
    wire::adapter::Storage storage_;
    Identity identity_;
    Activity activity_;
    wire::adapter::SettingsRegisters settings_{};
    std::optional<wire::adapter::SettingsRegisters> written_settings_;
    std::uint16_t settings_refused_ = 0;
    Command command_;
    std::uint64_t cursor_ = 0;
    std::uint16_t guard_ = 0;
    Block<wire::adapter::state::count> state_{};
    Block<wire::adapter::window::count> window_{};
};

}  // namespace marrowlink::firmware
