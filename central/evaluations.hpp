// Runs made into results: as soon as a run is whole and its plate has a layout or a sample sheet, and again when one of these or this
// software's version changes. Everything happens on the store thread, a run and a transaction at a time, so that what arrives meanwhile
// waits no longer than one plate takes. Nothing is ever replaced: a result that differs is added, and the latest holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/runs.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

class Evaluations {
 public:
    // Marks the runs that another version of this software evaluated as due.
    static Result<Evaluations> over(Database& database);

    // One run that is due. Nothing when none is; else the answers for its gateway: none when it came out as before.
    Result<std::optional<std::vector<Answer>>> evaluate_next(std::int64_t now_ms);

 private:
    struct Due {
        std::int64_t id = 0, manifest = 0;
        std::string plate;
        Answer answer;
    };
    explicit Evaluations(Database& database) : database_(&database) {}
    Result<Due> due_run(std::int64_t id);
    Result<bool> add(Due const& due, json::object const& result, std::int64_t now_ms);

    Database* database_;
};

}  // namespace marrowlink::central
