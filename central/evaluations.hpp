// Runs made into results: as soon as a run is whole and its plate has a layout or a sample sheet, and again when one of these or this
// software's version changes. On the store thread, a run for each processor at a time, so that what arrives meanwhile waits no longer than
// one plate takes; the database is locked only while results are added. Nothing is ever replaced: a result that differs is added, and the
// latest holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "central/evidence.hpp"
#include "central/runs.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

class Evaluations {
 public:
    // Marks the runs that another version of this software evaluated as due. `threads`: how many plates are evaluated side by side.
    static Result<Evaluations> over(Database& database, std::size_t threads = std::thread::hardware_concurrency());

    // Marks every run that was evaluated as due.
    Result<void> all_again();
    Result<std::int64_t> due() const;  // how many runs are

    // Up to `threads` runs that are due. Nothing when none is; else the answers for their gateways: none of what came out as before.
    Result<std::optional<std::vector<Answer>>> evaluate_next(std::int64_t now_ms);

 private:
    struct Due {
        std::int64_t id = 0, manifest = 0;
        std::string plate;
        Answer answer;
    };
    Evaluations(Database& database, std::size_t threads) : database_(&database), threads_(threads) {}
    Result<std::vector<std::int64_t>> next_ids();
    Result<Due> due_run(std::int64_t id);
    // Nothing of a run that is not whole or has no plate.
    Result<std::optional<PlateEvidence>> evidence_of_due(Due const& due, Readings readings);
    Result<bool> add(Due const& due, json::object const& result, std::int64_t now_ms);

    Database* database_;
    std::size_t threads_;
};

}  // namespace marrowlink::central
