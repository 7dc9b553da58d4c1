// Runs, put together from their records and counted once by (site, instrument, sourcekey), across streams and gateways.
// Everything happens inside the caller's transaction, on the store thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "central/message.hpp"
#include "core/json.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

namespace run_state {
inline constexpr std::string_view open = "open";          // begun, not finished
inline constexpr std::string_view complete = "complete";  // every block there, every file's SHA-256 as the manifest says; or one message
inline constexpr std::string_view unreadable = "unreadable";  // the bytes are complete, no parser could read them
inline constexpr std::string_view aborted = "aborted";
inline constexpr std::string_view incomplete = "incomplete";  // finished, but what the manifest names is not all there
inline constexpr std::string_view refused = "refused";        // a record of it could not be understood
}  // namespace run_state

inline constexpr std::size_t answer_reason_bytes_max = 2'048;  // of the plate's; the rest is on the centre's page

// What the centre made of a run, for the gateway that sent it.
struct Answer {
    std::string site, gateway;
    std::string run, instrument, sourcekey, state, verdict, reason;
    std::string plate_verdict = {}, plate_reason = {};  // of its evaluation; empty: none, and nothing is said of it
    std::string json() const;
};

class RunStore {
 public:
    static Result<RunStore> over(Database& database);

    // A record of type run.* that fits its schema. `data` is its parsed JSON, null for run.file.
    Result<void> take(std::int64_t record_id, Incoming const& incoming, json::object const* data, std::int64_t now_ms);
    // A record of a run that was refused: its run is shown as refused.
    Result<void> take_refused(std::int64_t record_id, Incoming const& incoming, std::string_view reason, std::int64_t now_ms);

    Result<void> write();           // what was added up since the last write; call before COMMIT
    void forget();                  // after a rollback
    std::vector<Answer> answers();  // of runs that changed since the last call; take it after COMMIT

    // Answers for the runs of one gateway that changed at or after `since_ms`, newest first, at most `rows_max`; message runs excepted.
    Result<std::vector<Answer>> recent_answers(std::string_view site, std::string_view gateway, std::int64_t since_ms,
                                               std::int64_t rows_max);

 private:
    struct Row {
        std::int64_t id = 0, revision = 0, message = 0, manifest = 0;
        std::string run, state, reason, plate;
        bool labelled = false;
    };
    struct Place {
        std::int64_t record = 0, source = 0, now_ms = 0;
        Incoming const* in = nullptr;
        std::string_view run, sourcekey;
    };
    enum class Put : std::uint8_t { added, repeated, other_bytes };

    explicit RunStore(Database& database) : database_(&database) {}
    Result<void> prepare();
    Result<std::int64_t> source_of(std::string const& site, std::string const& instrument);
    Result<Place> place_of(std::int64_t record_id, Incoming const& incoming, std::int64_t now_ms);
    Result<std::vector<Row>> rows_of(Place const& place);
    Result<Row> insert(Place const& place, std::int64_t revision, std::string_view state, std::int64_t message);
    Result<Row> first_row(Place const& place);  // of this run id; made when absent
    Result<void> take_message(Place const& place, std::string_view message);
    Result<void> take_part(Place const& place, std::string_view file, std::int64_t number);
    Result<void> take_manifest(Place const& place);
    Result<void> take_label(Place const& place, json::object const& data);
    Result<Put> put_part(Row const& row, Place const& place, std::string_view file, std::int64_t number);
    Result<std::string> data_of(std::int64_t record_id);
    Result<void> judge(Row& row, Place const& place);
    Result<std::string> missing_blocks(Row const& row, std::int64_t blocks);
    Result<std::string> wrong_file(Row const& row, json::object const& file);
    Result<void> save(Row& row, Place const& place, std::string_view state, std::string_view reason);
    void add(std::int64_t source, std::string_view state, bool message, bool revised, std::int64_t runs);

    Database* database_;
    Sha256 hash_;
    std::map<std::pair<std::string, std::string>, std::int64_t> sources_;
    std::map<std::tuple<std::int64_t, std::string, bool, bool>, std::int64_t> tally_;  // changes since the last write
    std::vector<Answer> answers_;
    Statement find_source_, insert_source_, find_rows_, insert_run_, update_run_, insert_part_, find_part_, find_data_, count_blocks_,
        file_chunks_, insert_label_, update_tally_, select_recent_;
};

// What the counts on the page and in /metrics are made of.
std::string verdict_of(std::string_view state, std::int64_t revision);

}  // namespace marrowlink::central
