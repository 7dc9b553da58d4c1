// What a read becomes: the records of a plate, of an unreadable plate, of a run that came to nothing.
#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "core/log.hpp"
#include "drivers/spectramax/driver.hpp"

namespace marrowlink::spectramax {

RunIdentity SpectraMax::identity(std::string_view sha256) const {
    RunIdentity id;
    id.instrument = options_.instrument;
    id.driver = name;
    id.sourcekey = options_.open_run ? options_.open_run->run : std::string{sha256};
    id.run = options_.open_run ? options_.open_run->run : run_id_of(options_.instrument, sha256, sha256);
    return id;
}

Batch SpectraMax::numbered(std::vector<Draft> records, std::string sha256) {
    pending_ = {++batches_, std::move(sha256)};
    Batch batch;
    batch.records = std::move(records);
    batch.receipt.number = pending_.number;
    batch.consumed = received_;
    return batch;
}

Batch SpectraMax::plate_batch(Collected const& collected) {
    RunIdentity const id = identity(collected.sha256);
    std::vector<Draft> records = run_file(id, collected.bytes, collected.sha256);
    std::vector<Draft> blocks = run_readings(id, collected.transfer.readings);
    RunManifest manifest;
    if (options_.open_run)
        manifest.plate = options_.open_run->plate;
    else if (unreadable_)
        manifest.plate = unreadable_->plate;
    manifest.started = started_;
    manifest.started_as_written = fmt::format("{} s after the reader was switched on", collected.transfer.seconds);
    manifest.arrived = rfc3339(clock_.utc());
    manifest.blocks = blocks.size();
    manifest.files = {{"transcript", std::string{name}, collected.sha256, collected.sha256, collected.bytes.size(), 0}};
    manifest.readings = &collected.transfer.readings;
    manifest.notes = collected.notes;
    if (unreadable_)
        manifest.notes.push_back(fmt::format("Run {} holds what came of this plate before it could be read.", unreadable_->run));
    unreadable_.reset();
    manifest.notes.push_back(fmt::format("The reader's temperature was {} °C.", collected.transfer.temperature_c));
    int const expected = options_.wells == 384 ? 16 * 24 : 8 * 12;
    if (int const wells = collected.transfer.rows * collected.transfer.columns; options_.open_run && wells != expected)
        manifest.notes.push_back(fmt::format("The reader sent {} wells, expected {}.", wells, expected));
    if (!tried_on_hardware)
        manifest.notes.emplace_back("The driver has not been tried on a real reader yet: compare this run with the reader's printout.");
    std::move(blocks.begin(), blocks.end(), std::back_inserter(records));
    records.push_back(run_finished(id, manifest));
    log::info("spectramax.plate.read",
              {{"instrument", options_.instrument}, {"run", id.run}, {"readings", collected.transfer.readings.size()}});
    return numbered(std::move(records), collected.sha256);
}

Batch SpectraMax::unreadable_batch(Collected const& collected) {
    RunIdentity const id = identity(collected.sha256);
    unreadable_ = OpenRun{id.run, options_.open_run ? options_.open_run->plate : std::string{}};
    look_again_ = clock_.now() + unreadable_retry;
    std::vector<Draft> records = run_file(id, collected.bytes, collected.sha256);
    RunManifest manifest;
    manifest.state = "unreadable";
    manifest.reason = collected.reason;
    manifest.plate = options_.open_run ? options_.open_run->plate : std::string{};
    manifest.started = started_;
    manifest.arrived = rfc3339(clock_.utc());
    manifest.files = {{"transcript", std::string{name}, collected.sha256, collected.sha256, collected.bytes.size(), 0}};
    manifest.notes.emplace_back("The plate is still on the reader: it was not cleared, and is asked for again.");
    records.push_back(run_finished(id, manifest));
    log::error("spectramax.plate.unreadable", {{"instrument", options_.instrument}, {"run", id.run}, {"reason", collected.reason}});
    return numbered(std::move(records), {});
}

Batch SpectraMax::aborted_batch() {
    RunIdentity const id = identity({});
    std::vector<Draft> records{run_aborted(
        id, "The reader is idle and holds no data: the read did not take place, or its data were lost or cleared at the reader.")};
    log::error("spectramax.run.aborted", {{"instrument", options_.instrument}, {"run", id.run}, {"reason", "idle without data"}});
    options_.open_run.reset();
    look_ = false;
    empty_looks_ = 0;
    measuring_since_.reset();
    started_.clear();
    return numbered(std::move(records), {});
}

}  // namespace marrowlink::spectramax
