// A record: one immutable fact about a run or an instrument. Stored, hashed, forwarded and acknowledged as the same bytes.
// The wire contract in prose, with a test vector for the chain: docs/wire-contract.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace marrowlink {

inline constexpr std::size_t block_bytes_max = 64 * 1024;     // data of one record; a larger run is cut into several
inline constexpr std::size_t attribute_bytes_max = 4 * 1024;  // all attributes of one record together, encoded

// Record types, without the prefix "org.marrowlink." that the `type` attribute carries.
namespace type {
inline constexpr std::string_view run_started = "run.started";
inline constexpr std::string_view run_readings = "run.readings";
inline constexpr std::string_view run_file = "run.file";
inline constexpr std::string_view run_finished = "run.finished";
inline constexpr std::string_view run_labelled = "run.labelled";
inline constexpr std::string_view run_aborted = "run.aborted";
inline constexpr std::string_view instrument_state = "instrument.state";
inline constexpr std::string_view telemetry = "telemetry";
inline constexpr std::string_view audit = "audit";
inline constexpr std::string_view stream_opened = "stream.opened";
inline constexpr std::string_view stream_closed = "stream.closed";
}  // namespace type
inline constexpr std::string_view type_prefix = "org.marrowlink.";
std::vector<std::string_view> const& record_types();  // all of the above

// What a driver hands to the outbox: a fact without its place in a stream yet.
struct Draft {
    std::string_view type;   // one of `type::`
    std::string instrument;  // configured id; "gateway" for facts about the gateway itself
    std::string run;         // run id, the CloudEvents subject; empty for facts that belong to no run
    std::string sourcekey;   // the instrument's own key of the run, or SHA-256 of its original bytes; counted once per key at the centre
    std::string part;        // which part of the run this is; (instrument, run, type, part) is stored at most once, however often appended
    std::string content_type = "application/json";
    std::string data;                                             // ≤ block_bytes_max
    std::vector<std::pair<std::string, std::string>> extensions;  // further attributes (run.file: fileoffset, filesize, filesha256)
};

// The first 16 bytes of SHA-256 over instrument, run, type and part: what makes an append idempotent.
std::string idempotency_key(Draft const& draft, Sha256& hash);

using Attributes = std::vector<std::pair<std::string, std::string>>;

// Canonical encoding, sorted by name: u32 length, name, u32 length, value, … (big-endian). `chain` is never part of it.
std::string encode_attributes(Attributes attributes);
// nullopt when the bytes are not what encode_attributes writes.
std::optional<Attributes> decode_attributes(std::string_view encoded);
// The value of one attribute in an encoded list, or empty; touches nothing else.
std::string_view find_attribute(std::string_view encoded, std::string_view name);

struct Record {
    std::uint64_t seq = 0;
    std::string attributes;  // encoded, without `chain`
    std::string data;
    Digest chain{};

    std::string_view attribute(std::string_view name) const { return find_attribute(attributes, name); }
    std::string_view type() const;  // without the prefix
    std::size_t bytes() const { return attributes.size() + data.size() + chain.size(); }
};

// Who the records of one gateway say they are, and the state of its clock at the moment of an append.
struct Origin {
    std::string site, gateway, stream;
};
struct Stamp {
    std::string time;         // RFC 3339, wall clock
    std::string bootid;       // the machine's boot
    std::uint64_t uptime_ms;  // since that boot, monotonic
    bool clock_synchronised;
};

// The attributes of a draft that takes place `seq` in its stream.
std::string attributes_of(Draft const& draft, Origin const& origin, Stamp const& stamp, std::uint64_t seq);

// chain(0) = SHA-256(stream UUID as text); chain(n) = SHA-256(chain(n-1) ‖ attributes(n) ‖ SHA-256(data(n))).
Digest chain_start(std::string_view stream);
Digest chain_next(Sha256& hash, Digest const& previous, std::string_view attributes, std::string_view data);

std::string sequence_text(std::uint64_t seq);                       // 20 digits, zero-padded
std::optional<std::uint64_t> sequence_from(std::string_view text);  // exactly 20 digits

// Configured ids (site, gateway, instrument): [a-z0-9-]{1,32}.
bool is_identifier(std::string_view text);

// Topics of the wire contract.
namespace topic {
std::string record(std::string_view site, std::string_view gateway, std::string_view instrument, std::string_view type);
std::string acknowledgement(std::string_view site, std::string_view gateway, std::string_view stream);
std::string gateway_state(std::string_view site, std::string_view gateway);
std::string answer(std::string_view site, std::string_view gateway);
inline constexpr std::string_view centre_state = "marrowlink/1/centre/state";
struct RecordTopic {
    std::string_view site, gateway, instrument, type;
};
std::optional<RecordTopic> parse_record(std::string_view topic);  // views into `topic`
}  // namespace topic

}  // namespace marrowlink
