// What is read becomes records: telemetry, states, and the run of a queued result.
#include <fmt/format.h>

#include <iterator>

#include "core/log.hpp"
#include "core/run.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "drivers/modbus/driver.hpp"

namespace marrowlink::modbus {
namespace {
constexpr std::size_t detail_bytes_max = 4'096;  // docs/schema/instrument.state.json
constexpr std::string_view driver_name = "modbus";
}  // namespace

Batch ModbusDriver::numbered(std::vector<Draft> records) {
    pending_ = {};
    pending_.number = ++batches_;
    Batch batch;
    batch.records = std::move(records);
    batch.receipt.number = pending_.number;
    return batch;
}

std::optional<std::string> ModbusDriver::conditions() const {
    std::string out;
    auto const add = [&](std::string const& words) { out += (out.empty() ? "" : ", ") + words; };
    for (Block const& block : polled_) {
        for (std::size_t const index : block.registers) {
            Heard const& heard = heard_[index];
            if (heard.words.empty() && heard.why.empty()) return std::nullopt;
            if (heard.words.empty()) add(fmt::format("{} has no value", map_.registers[index].name));
            if (heard.words.empty()) continue;
            for (std::string const& words : conditions_of(map_.registers[index], heard.words)) add(words);
        }
    }
    return std::string{beginning_of(out, detail_bytes_max)};
}

// What is due to be told of the polled registers.
std::optional<Batch> ModbusDriver::news() {
    auto const now_true = conditions();
    if (polled_.empty() || !now_true) return std::nullopt;
    auto const passed = [&](std::optional<Clock::Instant> since, std::chrono::seconds span) {
        return !since || clock_.now() - *since >= span;
    };
    bool const other = recorded_->state != now_true && passed(recorded_->state_at, state_spacing);
    bool const minute = passed(recorded_->telemetry_at, telemetry_period);
    if (!other && !minute) return std::nullopt;
    std::vector<Draft> records;
    if (other) records.push_back(state(*now_true));
    if (minute) records.push_back(telemetry());
    Batch batch = numbered(std::move(records));
    pending_.telemetry = minute;
    if (other) pending_.state = now_true;
    return batch;
}

namespace {
Draft about(std::string const& instrument, std::string_view type, json::object data, std::string const& when) {
    Draft draft;
    draft.type = type;
    draft.instrument = instrument;
    data["instrument"] = instrument;
    draft.data = json::serialize(data);
    // The same words at the same millisecond are the same record.
    draft.part = hex(sha256(when + draft.data));
    return draft;
}
}  // namespace

Draft ModbusDriver::telemetry() const {
    json::array values;
    for (Block const& block : polled_) {
        for (std::size_t const index : block.registers) {
            Register const& reg = map_.registers[index];
            Value const value = heard_[index].value(reg);
            json::object& out = values.emplace_back(json::object{}).as_object();
            out["name"] = reg.name;
            json::put_text(out, "value", value.text);
            json::put_text(out, "unit", reg.unit);
            json::put_text(out, "flag", value.flag);
        }
    }
    return about(options_.instrument, type::telemetry, {{"values", std::move(values)}}, rfc3339(clock_.utc()));
}

Draft ModbusDriver::state(std::string const& conditions) const {
    json::object data{{"state", conditions.empty() ? "normal" : "attention"}};
    json::put_text(data, "detail", conditions);
    return about(options_.instrument, type::instrument_state, std::move(data), rfc3339(clock_.utc()));
}

std::vector<Draft> ModbusDriver::run() {
    // The registers as they came are the original; how many results wait is no part of it, or a second reading would be another run.
    std::string transcript;
    for (Block const& block : result_) {
        transcript += fmt::format("{} {} {}:", marrowlink::words_of(block.function), block.address, block.count);
        for (std::size_t const index : block.registers)
            for (std::uint16_t const word : heard_[index].words) transcript += fmt::format(" {:04X}", word);
        transcript += '\n';
    }
    std::string const digest = hex(sha256(transcript));
    Register const& key_register = map_.registers[map_.queue->key];
    Value const key = heard_[map_.queue->key].value(key_register);
    std::string const sourcekey = fmt::format("{} {}", key_register.name, key.text.empty() ? digest : key.text);
    RunIdentity const id{options_.instrument, std::string{driver_name}, run_id_of(options_.instrument, sourcekey, digest), sourcekey};

    std::vector<Reading> readings;
    for (std::size_t i = 0; i < map_.registers.size(); ++i) {
        Register const& reg = map_.registers[i];
        if (!reg.queued) continue;
        Value value = heard_[i].value(reg);
        Reading& reading = readings.emplace_back();
        reading.read = reg.name;
        reading.value = std::move(value.text);
        reading.unit = reg.unit;
        reading.flag = std::move(value.flag);
    }
    std::vector<Draft> records = run_file(id, transcript, digest);
    std::vector<Draft> blocks = run_readings(id, readings);
    RunManifest manifest;
    manifest.started_as_written = sourcekey;
    manifest.arrived = rfc3339(clock_.utc());
    manifest.blocks = blocks.size();
    manifest.files = {{"transcript", std::string{driver_name}, digest, digest, transcript.size(), 0}};
    manifest.readings = &readings;
    manifest.notes = {fmt::format("Read by the register map \"{}\".", map_.title)};
    if (!map_.tried_on_hardware)
        manifest.notes.emplace_back(
            "The register map has not been tried on a real device yet: compare this result with the device's display.");
    std::move(blocks.begin(), blocks.end(), std::back_inserter(records));
    records.push_back(run_finished(id, manifest));
    log::info("modbus.result.read", {{"instrument", options_.instrument}, {"run", id.run}, {"readings", readings.size()}});
    return records;
}

}  // namespace marrowlink::modbus
