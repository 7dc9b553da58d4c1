// Anything on the adapter's bus, at any time: no register outside the map is written, every answer is short and whole, and no slot goes
// without its owner's word. Input: first how many slots wait and whose they are (id and binding), then what happens on the line, one byte
// each with what it needs behind it.
#include <cstdint>
#include <cstdlib>

#include "firmware/registers.hpp"
#include "tests/sim/adapter_parts.hpp"

using namespace marrowlink;
namespace map = wire::adapter;
using wire::modbus::Exception;

namespace {
void hold(bool what) {
    if (!what) std::abort();
}

struct Input {
    std::uint8_t const* data;
    std::size_t left;
    std::uint8_t byte() { return left > 0 ? --left, *data++ : std::uint8_t{0}; }
};

// The bank as the server sees it, judged by what stands in the map and in a request, not by the code that answers it.
class JudgedBank final : public firmware::RegisterBank {
 public:
    JudgedBank(firmware::Registers& registers, firmware::SlotLog& log, sim::AdapterMemory& memory)
        : registers_(registers), log_(log), memory_(memory) {}

    bool readable(std::uint16_t address, std::uint16_t count) const override { return registers_.readable(address, count); }
    Exception read(std::uint16_t address, wire::MutableBytes out) override {
        std::uint64_t const before = memory_.written, freed = log_.freed();
        Exception const why = registers_.read(address, out);
        hold(memory_.written == before && log_.freed() == freed);
        return why;
    }
    Exception write(std::uint16_t address, wire::Bytes values) override {
        std::uint64_t const before = memory_.written, freed = log_.freed();
        firmware::Owner const owner = log_.owner();
        Exception const why = registers_.write(address, values);
        std::size_t const end = address + values.size() / 2;
        auto const within = [&](std::uint16_t base, std::size_t count) { return address >= base && end <= base + count; };
        if (why == Exception::none)
            hold(within(map::control::base, map::control::count) || within(map::owner::base, map::owner::count) ||
                 within(map::settings::base, map::settings::count) ||
                 within(map::command::base, map::command::data + map::command::data_bytes_max / 2));
        else
            hold(memory_.written == before);
        if (log_.freed() != freed) {
            hold(log_.freed() > freed && log_.freed() <= log_.written());
            hold(owner.id != 0 && address == map::control::base && values.size() >= 16);
            hold(wire::load_u64(values, 0) == owner.binding && wire::load_u64(values, 8) == log_.freed());
        }
        if (log_.owner() != owner) hold(address == map::owner::base);
        if (log_.owner().id != owner.id) hold(owner.id == 0 || log_.empty());
        return why;
    }

 private:
    firmware::Registers& registers_;
    firmware::SlotLog& log_;
    sim::AdapterMemory& memory_;
};

struct Bus {
    explicit Bus(Input& input) : registers(log, map::Storage::fram, {}), bank(registers, log, memory), server(bank) {
        hold(log.open());
        server.configure(unit, 115'200);
        std::uint8_t const slots = input.byte() % 16, owner = input.byte();
        std::array<std::uint8_t, 40> payload{};
        for (std::uint8_t n = 0; n < slots; ++n) {
            payload.fill(n);
            hold(log.append({}, wire::Bytes(payload).first(5u * n % 41)) == firmware::SlotLog::Outcome::done);
        }
        if (owner != 0) hold(log.own({.id = owner, .binding = owner, .data_base = 0, .name = {}}) == firmware::SlotLog::Outcome::done);
    }
    void hear(std::uint8_t byte) { server.receive(byte, now_us); }
    void poll() {
        wire::Bytes const answer = server.poll(now_us);
        if (answer.empty()) return;
        hold(answer.size() <= wire::modbus::frame_bytes_max && wire::modbus::whole(answer) && answer[0] == unit);
        if (auto const written = registers.take_settings()) {
            map::Settings settings;
            hold(map::decode(*written, settings) == 0);
            registers.show(*written);
        }
        firmware::Command& command = registers.command();
        hold(command.bytes <= command.data.size() && command.sent <= command.bytes);
    }

    static constexpr std::uint8_t unit = 1;
    sim::AdapterMemory memory{firmware::SlotLog::storage_bytes_min};
    firmware::SlotLog log{memory};
    firmware::Registers registers;
    JudgedBank bank;
    firmware::ModbusServer server;
    std::uint64_t now_us = 0;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    Input input{data, size};
    Bus bus(input);
    while (input.left > 0) {
        std::uint8_t const what = input.byte();
        switch (what % 8) {
            case 0: bus.now_us += 100u * input.byte(); break;
            case 1: bus.server.damaged(bus.now_us); break;
            case 2: {  // bytes as they come
                for (std::size_t left = what / 8 + 1u; left > 0 && input.left > 0; --left) bus.hear(input.byte());
                break;
            }
            default: {  // a request whose CRC holds, which chance would hardly find
                std::array<std::uint8_t, wire::modbus::frame_bytes_max> frame;
                std::size_t bytes = 0;
                frame[bytes++] = Bus::unit;
                std::size_t const wanted = std::min<std::size_t>(input.byte(), frame.size() - 2);
                while (bytes < wanted && input.left > 0) frame[bytes++] = input.byte();
                bytes = wire::modbus::seal(frame, bytes);
                for (std::size_t i = 0; i < bytes; ++i) bus.hear(frame[i]);
                bus.poll();
                bus.now_us += 2'000;
            }
        }
        bus.poll();
    }
    return 0;
}
