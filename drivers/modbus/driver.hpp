// Any Modbus instrument that a register map describes, without code of its own. Facts: drivers/modbus/notes.md.
//
// Registers that are polled become telemetry, at most one record a minute, and an instrument.state whenever a named bit or a value's range
// says something else than before. Results that wait in a device's queue become runs: read, committed, and only then is the device told to
// go on to its next one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "core/modbus.hpp"
#include "drivers/driver.hpp"
#include "drivers/modbus/map.hpp"
#include "drivers/modbus/round.hpp"

namespace marrowlink::modbus {

inline constexpr std::chrono::seconds telemetry_period{60};
inline constexpr std::chrono::seconds state_spacing{10};       // conditions that come and go faster are told with the next
inline constexpr std::chrono::milliseconds busy_pause{1'000};  // before a device that works on something is asked again
inline constexpr int silent_rounds_max = 2;  // requests in a row without an answer, then the instrument counts as unreachable (field 47)
inline constexpr int torn_max = 3;           // readings of a result, or a round, that changed while they were read
inline constexpr int advance_attempts_max = 3;
// A device that confirmed the advance and still shows the same result after so long is told again; sooner it could lose the next one.
inline constexpr std::chrono::seconds advance_patience{10};
inline constexpr std::chrono::seconds refused_pause{60};  // before registers that the device refused are asked for again

struct Options {
    std::string instrument;  // configured id
    std::uint8_t unit = 1;
    std::chrono::milliseconds response_timeout{1'000};
};

// What was recorded of an instrument last; outlives its connections, so that a line that comes and goes makes no flood of records.
struct Recorded {
    std::optional<Clock::Instant> telemetry_at, state_at;
    std::optional<std::string> state;
};

class ModbusDriver final : public Driver {
 public:
    ModbusDriver(RegisterMap map, Options options, std::shared_ptr<ModbusMaster> bus, std::shared_ptr<Recorded> recorded, Clock& clock);

    Task<Result<std::string>> identify() override;
    Task<Result<Batch>> next() override;
    Task<Result<void>> acknowledge(Receipt receipt) override;

    // Every register of the map once, those of a queued result included; nothing is advanced. For `registers()`.
    Task<Result<void>> read_all();

    std::string activity() const override;
    std::optional<Error> trouble() const override { return trouble_; }
    std::optional<Clock::Instant> heard() const override { return heard_at_; }
    std::vector<RegisterView> registers() const override;

 private:
    struct Pending {
        std::uint64_t number = 0;
        bool telemetry = false;
        std::optional<std::string> state;
        std::vector<std::uint16_t> key;  // of the result that waits to be advanced over
    };

    ModbusRequest request_for(Block const& block) const;
    Task<Result<ModbusAnswer>> ask(ModbusRequest request);
    Task<Result<bool>> read(Block& block);  // false: no values now, and why is noted
    Task<Result<void>> round();
    Task<Result<bool>> guarded(std::vector<Block*> const& blocks);
    Task<Result<std::vector<std::uint16_t>>> read_one(std::size_t index);  // empty: not now, and why is noted
    Task<Result<std::optional<Batch>>> result();
    Task<Result<bool>> read_result();
    Task<Result<void>> advance(std::vector<std::uint16_t> committed);
    void note(Block const& block, ModbusAnswer const& answer);
    void none(Block const& block, std::string const& why);
    void follow_trouble();
    bool gives_up(Error const& error) const;
    std::optional<std::string> conditions() const;  // nothing before every polled register was asked for
    std::optional<Batch> news();
    Batch numbered(std::vector<Draft> records);
    Draft telemetry() const;
    Draft state(std::string const& conditions) const;
    std::vector<Draft> run();
    Clock::Instant next_due() const;

    RegisterMap map_;
    Options options_;
    std::shared_ptr<ModbusMaster> bus_;
    std::shared_ptr<Recorded> recorded_;
    Clock& clock_;
    std::vector<Heard> heard_;            // one for each register of the map
    std::vector<Block> polled_, result_;  // what is asked for by time; a queued result
    Clock::Instant count_due_{};
    std::optional<Clock::Instant> heard_at_;
    std::chrono::microseconds took_{0};
    int silences_ = 0;
    std::optional<Error> trouble_;
    Pending pending_;
    std::vector<std::uint16_t> advanced_;  // key of the result that was advanced over last
    Clock::Instant advanced_at_{};
    std::uint64_t batches_ = 0;
};

}  // namespace marrowlink::modbus
