#include "firmware/registers.hpp"

#include <algorithm>
#include <span>

namespace marrowlink::firmware {
namespace adapter = wire::adapter;
using wire::Bytes;
using wire::modbus::Exception;
namespace {
struct Range {
    std::uint16_t base, count;
    constexpr bool holds(std::uint16_t address, std::size_t registers) const {
        return address >= base && registers > 0 && address - base + registers <= count;
    }
    constexpr bool is(std::uint16_t address, std::size_t registers) const { return address == base && registers == count; }
};
constexpr Range state_block{adapter::state::base, adapter::state::count};
constexpr Range fault_block{adapter::fault::base, adapter::fault::count};
constexpr Range window_block{adapter::window::base, adapter::window::count};
constexpr Range control_block{adapter::control::base, adapter::control::count};
constexpr Range owner_block{adapter::owner::base, adapter::owner::count};
constexpr Range settings_block{adapter::settings::base, adapter::settings::count};

template <class Block>
void put(Block& block, std::size_t at, std::uint64_t value, std::size_t registers) {
    for (std::size_t i = 0; i < registers; ++i) block[at + i] = static_cast<std::uint16_t>(value >> 16 * (registers - 1 - i));
}
template <class Block>
void put_name(Block& block, std::size_t at, OwnerName const& name) {
    for (std::size_t i = 0; i < name.size() / 2; ++i) block[at + i] = static_cast<std::uint16_t>(name[2 * i] << 8 | name[2 * i + 1]);
}
constexpr std::uint16_t capped(std::uint32_t count) { return static_cast<std::uint16_t>(std::min<std::uint32_t>(count, 0xFFFF)); }

Exception exception_of(SlotLog::Outcome outcome) {
    switch (outcome) {
        case SlotLog::Outcome::done: return Exception::none;
        case SlotLog::Outcome::no_room: return Exception::illegal_data_value;
        case SlotLog::Outcome::failed: return Exception::server_device_failure;
    }
    return Exception::server_device_failure;
}
}  // namespace

bool Registers::readable(std::uint16_t address, std::uint16_t count) const {
    for (Range const& block : {state_block, fault_block, window_block, control_block, owner_block, settings_block})
        if (block.holds(address, count)) return true;
    return false;
}

// State and window are latched when their first register is read, so that what is read in several requests is of one moment.
Exception Registers::read(std::uint16_t address, wire::MutableBytes out) {
    std::size_t const count = out.size() / 2;
    auto const copy = [&](std::span<std::uint16_t const> block, std::uint16_t base) {
        for (std::size_t i = 0; i < count; ++i) wire::store_u16(out, 2 * i, block[address - base + i]);
        return Exception::none;
    };
    if (state_block.holds(address, count)) {
        if (address == adapter::state::base) latch_state();
        return copy(state_, adapter::state::base);
    }
    if (window_block.holds(address, count)) {
        if (address == adapter::window::base)
            if (auto const why = latch_window(); why != Exception::none) return why;
        return copy(window_, adapter::window::base);
    }
    if (fault_block.holds(address, count)) return copy(identity_.fault, adapter::fault::base);
    if (settings_block.holds(address, count)) return copy(settings_, adapter::settings::base);
    if (control_block.holds(address, count)) {
        Block<adapter::control::count> block{};
        put(block, adapter::control::binding, log_.owner().binding, 4);
        put(block, adapter::control::freed, log_.freed(), 4);
        put(block, adapter::control::cursor, cursor_, 4);
        return copy(block, adapter::control::base);
    }
    if (!owner_block.holds(address, count)) return Exception::illegal_data_address;
    Block<adapter::owner::count> block{};
    put(block, adapter::owner::id, log_.owner().id, 4);
    put(block, adapter::owner::binding, log_.owner().binding, 4);
    put(block, adapter::owner::data_base, log_.owner().data_base, 4);
    put_name(block, adapter::owner::name, log_.owner().name);
    return copy(block, adapter::owner::base);
}

Exception Registers::write(std::uint16_t address, Bytes values) {
    std::size_t const count = values.size() / 2;
    if (control_block.holds(address, count)) return write_control(static_cast<std::uint16_t>(address - control_block.base), values);
    if (address == adapter::command::base && count >= 2) return write_command(values);
    if (owner_block.is(address, count)) return write_owner(values);
    if (settings_block.is(address, count)) return write_settings(values);
    return Exception::illegal_data_address;
}

std::optional<adapter::SettingsRegisters> Registers::take_settings() {
    auto const out = written_settings_;
    written_settings_.reset();
    return out;
}

void Registers::latch_state() {
    namespace at = adapter::state;
    auto& block = state_;
    block[at::magic] = adapter::magic;
    block[at::map_version] = adapter::map_version;
    block[at::guard_first] = block[at::guard_last] = ++guard_;
    block[at::firmware] = static_cast<std::uint16_t>(identity_.version[0] << 8 | identity_.version[1]);
    block[at::firmware + 1] = identity_.patch;
    block[at::board] = static_cast<std::uint16_t>(identity_.board);
    block[at::storage] = static_cast<std::uint16_t>(storage_);
    std::copy(identity_.hardware_id.begin(), identity_.hardware_id.end(), block.begin() + at::hardware_id);
    block[at::flags] = activity_.flags;
    block[at::settings_refused] = settings_refused_;
    block[at::reset_cause] = static_cast<std::uint16_t>(identity_.reset_cause);
    put(block, at::boots, log_.boots(), 2);
    put(block, at::uptime_ms, activity_.uptime_ms, 4);
    put(block, at::owner_id, log_.owner().id, 4);
    put_name(block, at::owner_name, log_.owner().name);
    put(block, at::data_base, log_.owner().data_base, 4);
    put(block, at::freed, log_.freed(), 4);
    put(block, at::written, log_.written(), 4);
    put(block, at::binding, log_.owner().binding, 4);
    put(block, at::freed_data, log_.freed_data(), 4);
    block[at::capacity_kib] = static_cast<std::uint16_t>(log_.capacity_bytes() / 1'024);
    put(block, at::heard, activity_.heard, 2);
    put(block, at::refused, activity_.refused, 2);
    block[at::damaged] = capped(activity_.damaged);
    block[at::overruns] = capped(activity_.overruns);
    block[at::bad_frames] = capped(activity_.bad_frames);
    block[at::command_token] = command_.token;
}

Exception Registers::latch_window() {
    namespace at = adapter::window;
    cursor_ = std::max(cursor_, log_.freed());
    std::array<std::uint8_t, at::data_bytes_max> bytes{};
    std::size_t const shown = std::min<std::uint64_t>(bytes.size(), log_.written() - cursor_);
    if (!log_.read(cursor_, std::span(bytes).first(shown))) return Exception::server_device_failure;
    window_[at::guard_first] = window_[at::guard_last] = ++guard_;
    put(window_, at::position, cursor_, 2);
    window_[at::bytes] = static_cast<std::uint16_t>(shown);
    for (std::size_t i = 0; i < at::data_registers; ++i) window_[at::data + i] = wire::load_u16(bytes, 2 * i);
    return Exception::none;
}

Exception Registers::write_control(std::uint16_t first, Bytes values) {
    namespace at = adapter::control;
    std::size_t const count = values.size() / 2;
    bool const with_cursor = first + count == at::count;
    bool const frees = first == at::binding && (with_cursor || count == at::cursor);
    if (!frees && !(first == at::cursor && with_cursor)) return Exception::illegal_data_address;
    std::uint64_t const cursor = with_cursor ? wire::load_u64(values, values.size() - 8) : 0;
    if (with_cursor && (cursor > log_.written() || cursor < log_.freed())) return Exception::illegal_data_value;
    if (frees) {
        if (log_.owner().id == 0 || wire::load_u64(values, 0) != log_.owner().binding) return Exception::illegal_data_value;
        std::uint64_t const freed = wire::load_u64(values, 2 * at::freed);
        if (with_cursor && freed > cursor) return Exception::illegal_data_value;
        if (auto const why = exception_of(log_.free(freed)); why != Exception::none) return why;
    }
    if (with_cursor) cursor_ = cursor;
    return Exception::none;
}

Exception Registers::write_command(Bytes values) {
    namespace at = adapter::command;
    std::uint16_t const token = wire::load_u16(values, 2 * at::token), bytes = wire::load_u16(values, 2 * at::bytes);
    Bytes const data = values.subspan(2 * at::data);
    if (token == 0 || bytes == 0 || bytes > at::data_bytes_max || data.size() != (bytes + 1u) / 2 * 2) return Exception::illegal_data_value;
    if (token == command_.token) return Exception::none;  // said again, since the answer was lost
    if (command_.sent < command_.bytes) return Exception::server_device_busy;
    command_.token = token;
    command_.bytes = bytes;
    command_.sent = 0;
    std::copy_n(data.begin(), bytes, command_.data.begin());
    return Exception::none;
}

Exception Registers::write_owner(Bytes values) {
    namespace at = adapter::owner;
    Owner owner;
    owner.id = wire::load_u64(values, 2 * at::id);
    owner.binding = wire::load_u64(values, 2 * at::binding);
    owner.data_base = wire::load_u64(values, 2 * at::data_base);
    std::copy_n(values.begin() + 2 * at::name, owner.name.size(), owner.name.begin());
    return exception_of(log_.own(owner));
}

Exception Registers::write_settings(Bytes values) {
    adapter::SettingsRegisters registers;
    for (std::size_t i = 0; i < registers.size(); ++i) registers[i] = wire::load_u16(values, 2 * i);
    adapter::Settings settings;
    settings_refused_ = adapter::decode(registers, settings);
    if (settings_refused_ != 0) return Exception::illegal_data_value;
    if (!log_.keep(registers)) return Exception::server_device_failure;
    written_settings_ = registers;
    return Exception::none;
}

}  // namespace marrowlink::firmware
