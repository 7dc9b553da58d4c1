// The ledger: each (site, gateway, stream) is stored in order, once, with its chain checked. Everything happens inside the caller's
// transaction, on the store thread; after a rollback `reload`.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "central/message.hpp"
#include "central/runs.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

enum class Outcome : std::uint8_t {
    stored,     // in its place
    refused,    // in its place, and acknowledged; it could not be understood
    duplicate,  // here already, same chain: nothing done
    gap,        // records before it are missing: not stored; the gateway goes back and sends them first
    fork,       // another record has its place: the first is kept; the stream was cloned or restored
    broken,     // it does not follow from the record before it: not stored, never acknowledged
};
inline constexpr std::size_t outcome_count = 6;
std::string_view name_of(Outcome outcome);

// What a person or the log should hear, once per condition.
struct Notice {
    Outcome outcome;
    std::string site, gateway, stream;
    std::uint64_t seq = 0;
    std::string detail;
};

struct Acknowledgement {
    std::string site, gateway, stream;
    std::uint64_t through = 0;
    Digest chain{};
    std::uint64_t fork = 0;  // 0: none
    std::string json() const;
};

class Ledger {
 public:
    // Reads every known stream. `runs` gets each record of a run that is stored.
    static Result<Ledger> over(Database& database, RunStore& runs);

    // An error means that the database failed: roll back, then `reload`.
    Result<Outcome> accept(Incoming const& incoming, std::int64_t now_ms);

    Result<void> write();                    // where each touched stream stands; call before COMMIT
    Result<void> reload();                   // forgets what was not committed
    std::vector<Notice> notices();           // since the last call
    std::vector<Acknowledgement> touched();  // streams that accept() saw since the last call, known to the ledger or not
    std::vector<Acknowledgement> all() const;
    // Streams of one gateway. `named` is what its birth says it uses: through 0 when unknown; empty: none.
    std::vector<Acknowledgement> of_gateway(std::string_view site, std::string_view gateway, std::string_view named) const;
    // Does the centre know this stream at least as far as `through`? A retained acknowledgement of a centre that was restored may claim
    // more.
    bool covers(std::string_view site, std::string_view gateway, std::string_view stream, std::uint64_t through) const;

 private:
    struct Stream {
        std::int64_t id = 0;  // 0: nothing of it is stored
        std::string site, gateway, stream;
        std::uint64_t through = 0, fork = 0;
        Digest chain{};
        bool dirty = false, touched = false, gap_told = false, broken_told = false;
    };

    Ledger(Database& database, RunStore& runs) : database_(&database), runs_(&runs) {}
    Result<void> prepare();
    Stream& stream_of(Incoming const& incoming);
    Result<void> make_durable(Stream& stream);
    Result<Outcome> compare(Stream& stream, Incoming const& incoming, std::int64_t now_ms);
    Result<std::optional<Digest>> chain_before(Stream const& stream, std::uint64_t seq);
    // Whether everything between `through` and `seq` was named as lost; then `previous` is the chain before `seq`, if that was still
    // readable.
    Result<bool> passes(Stream const& stream, std::uint64_t seq, std::optional<Digest>& previous);
    Result<Outcome> store(Stream& stream, Incoming const& incoming, std::int64_t now_ms);
    Result<void> name_lost(Stream const& by, Incoming const& incoming, json::object const& data, std::string& objection);
    Outcome tell(Stream& stream, Outcome outcome, std::uint64_t seq, std::string detail, bool& told);
    static Acknowledgement acknowledgement(Stream const& stream);

    Database* database_;
    RunStore* runs_;
    Sha256 hash_;
    std::unordered_map<std::string, std::unique_ptr<Stream>> streams_;  // "site/gateway/stream"
    Stream* latest_ = nullptr;
    std::vector<Stream*> touched_;
    std::vector<Notice> notices_;
    Statement insert_stream_, update_stream_, insert_record_, find_chain_, insert_refusal_, insert_lost_, find_lost_;
};

}  // namespace marrowlink::central
