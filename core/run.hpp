// The records of a run, built the same way by every driver. JSON members: docs/wire-contract.md and docs/schema/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/reading.hpp"
#include "core/record.hpp"

namespace marrowlink {

// What all records of one run have in common.
struct RunIdentity {
    std::string instrument;  // configured id
    std::string driver;      // catalogue name: "spectramax", "folder", "line"
    std::string run;         // run id
    std::string sourcekey;
};

// The run id of a source that repeats itself: a UUID made from SHA-256 of (instrument, sourcekey, digest of the original bytes), so that
// the same bytes are the same run after any restart, and other bytes under the same key are another run: a revision that the centre shows.
std::string run_id_of(std::string_view instrument, std::string_view sourcekey, std::string_view original_sha256_hex);

// The key of a run that its source names itself, or, where it names none, the SHA-256 of its bytes. A name that is longer, or no printable
// ASCII, is replaced by its SHA-256.
inline constexpr std::size_t sourcekey_bytes_max = 128;
std::string sourcekey_of(std::string const& identity, std::string const& original_sha256_hex);

struct RunFile {
    std::string role;             // "export", "transcript"
    std::string format;           // catalogue name
    std::string sha256;           // of the bytes that leave the site (the run.file chunks put together)
    std::string original_sha256;  // of the instrument's own bytes; equal unless name-bearing fields were blanked
    std::uint64_t size = 0;
    std::uint64_t blanked = 0;  // how many bytes were overwritten
};

struct RunManifest {
    std::string state = "complete";  // "complete"; "unreadable": the bytes are kept, no parser could read them
    std::string reason;              // why unreadable
    std::string plate;
    std::string started, started_as_written;  // our clock (RFC 3339) or empty; the instrument's own words
    std::string arrived;                      // RFC 3339
    std::uint64_t blocks = 0;                 // run.readings records
    std::vector<RunFile> files;
    std::vector<Reading> const* readings = nullptr;  // summarised, not copied
    json::array datasets;                            // cytometry: version, events, parameters
    std::vector<std::string> notes;
};

// The original bytes under the spaces of a copy that left the site: chunks + blanked = the true original, without a second copy.
struct BlankedBytes {
    std::string original_sha256;  // hex
    std::uint64_t offset = 0;
    std::string bytes;
};

// An export file whose run is durable; the same bytes are never taken twice.
struct TakenFile {
    std::string instrument;
    std::string sha256;  // hex, of the original bytes
    std::string run;
    std::string name;  // for people at the site; never leaves it
};

Draft run_started(RunIdentity const& id, std::string_view plate, std::string_view by, json::object protocol);
std::vector<Draft> run_readings(RunIdentity const& id, std::vector<Reading> const& readings);             // blocks ≤ block_bytes_max
std::vector<Draft> run_file(RunIdentity const& id, std::string_view bytes, std::string_view sha256_hex);  // chunks ≤ block_bytes_max
// The chunk that begins at `offset`: for files too large to be held twice.
Draft run_file_chunk(RunIdentity const& id, std::string_view bytes, std::string_view sha256_hex, std::size_t offset);
Draft run_finished(RunIdentity const& id, RunManifest const& manifest);
Draft run_aborted(RunIdentity const& id, std::string_view reason);
Draft run_labelled(RunIdentity const& id, std::string_view plate, std::string_view who, std::string_view why, std::string_view part);
// Bytes that no parser could read, whole, and the manifest that says why. `bytes` leave the site; `original_sha256` is of those that came,
// `blanked` of which stand as spaces in `bytes`. `arrived`: RFC 3339.
std::vector<Draft> run_unreadable(RunIdentity const& id, std::string_view bytes, std::string_view original_sha256, std::uint64_t blanked,
                                  std::string reason, std::string arrived);
// A run of one message, whole in one record.
Draft run_message(RunIdentity const& id, std::string_view text);

}  // namespace marrowlink
