#include "central/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "central/store.hpp"
#include "core/record.hpp"

namespace marrowlink::central {
namespace {
std::optional<Digest> digest_of(std::string_view bytes) {
    Digest out{};
    if (bytes.size() != out.size()) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

struct Lost {
    std::uint64_t first, last;
    std::optional<Digest> chain;
};

// Walks one stream's rows in order. Its own walk beside core/chain_audit: here a loss may be named together with the chain behind it, and a
// row that holds another record is missing and says nothing of the next one; salvage must decide of each row whether it may be sent on.
class Walk {
 public:
    Walk(StreamProof& proof, std::vector<Lost> lost) : proof_(proof), lost_(std::move(lost)), before_{chain_start(proof.stream)} {}

    void row(std::uint64_t seq, std::string_view attributes, std::string_view data, std::string_view chain_bytes) {
        ++proof_.records;
        if (seq != next_) absent(next_, seq - 1);
        next_ = seq + 1;
        auto const stored = digest_of(chain_bytes);
        auto const own = sequence_from(find_attribute(attributes, "sequence"));
        if (own && *own != seq) {
            copies_.push_back({*own, seq});
            found(Finding::Kind::missing, seq, seq, "its row holds another record");
            before_ = {};
            last_chain_.reset();
            return;
        }

        // The chain before it: what was stored there, or what its content gives when only the stored chain was altered.
        std::optional<Digest> matched;
        for (auto const& previous : before_) {
            if (!previous) continue;
            Digest const computed = chain_next(hash_, *previous, attributes, data);
            if (stored && computed == *stored) matched = computed;
            if (!matched) computed_ = computed;
        }
        bool const provable = std::any_of(before_.begin(), before_.end(), [](auto const& one) { return one.has_value(); });
        if (!provable && stored) {
            ++proof_.unproved;
        } else if (!matched) {
            found(Finding::Kind::altered, seq, seq, "its bytes do not give the stored chain");
        }
        before_ = {stored, matched ? std::nullopt : std::exchange(computed_, std::nullopt)};
        last_chain_ = stored;
    }

    void end(std::uint64_t through, std::optional<Digest> const& chain) {
        if (next_ <= through)
            absent(next_, through);
        else if (next_ > through + 1)
            found(Finding::Kind::altered, through + 1, next_ - 1, "rows lie beyond what the ledger says it has");
        else if (chain != last_chain_ && last_chain_)
            found(Finding::Kind::altered, through, through, "its chain is not the one that the ledger acknowledged");
        for (auto const& [own, seq] : copies_)
            found(Finding::Kind::doubled, own, own, fmt::format("the row of record {} holds it again", seq));
    }

 private:
    void absent(std::uint64_t first, std::uint64_t last) {
        before_ = {};
        while (first <= last) {
            auto const covering =
                std::find_if(lost_.begin(), lost_.end(), [&](Lost const& l) { return l.first <= first && l.last >= first; });
            if (covering != lost_.end()) {
                std::uint64_t const until = std::min(covering->last, last);
                proof_.lost += until - first + 1;
                if (until == last && covering->last == last) before_[0] = covering->chain;
                first = until + 1;
                continue;
            }
            std::uint64_t until = last;
            for (Lost const& l : lost_)
                if (l.first > first && l.first <= until) until = l.first - 1;
            found(Finding::Kind::missing, first, until, "not stored, and not named as lost");
            first = until + 1;
        }
    }

    void found(Finding::Kind kind, std::uint64_t first, std::uint64_t last, std::string detail) {
        std::uint64_t& count = kind == Finding::Kind::missing   ? proof_.missing
                               : kind == Finding::Kind::doubled ? proof_.doubled
                                                                : proof_.altered;
        count += last - first + 1;
        auto& list = proof_.findings;
        // Neighbours become one range.
        if (!list.empty() && list.back().kind == kind && list.back().last + 1 == first && list.back().detail == detail)
            list.back().last = last;
        else if (list.size() < findings_max)
            list.push_back({kind, first, last, std::move(detail)});
    }

    StreamProof& proof_;
    std::vector<Lost> lost_;
    std::array<std::optional<Digest>, 2> before_;
    std::optional<Digest> computed_, last_chain_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> copies_;  // own seq, the row it lies in
    std::uint64_t next_ = 1;
    Sha256 hash_;
};

Result<std::vector<Lost>> lost_of(Database& database, StreamProof const& proof) {
    auto select = database.prepare("SELECT first, last, chain FROM lost WHERE site=?1 AND gateway=?2 AND stream=?3 ORDER BY first");
    if (!select) return fail(select.error());
    select->bind_text(1, proof.site).bind_text(2, proof.gateway).bind_text(3, proof.stream);
    std::vector<Lost> out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        out.push_back(
            {static_cast<std::uint64_t>(select->integer(0)), static_cast<std::uint64_t>(select->integer(1)), digest_of(select->blob(2))});
    }
}

Result<StreamProof> prove(Database& database, Statement const& stream) {
    StreamProof proof;
    std::int64_t const id = stream.integer(0);
    proof.site = stream.text(1);
    proof.gateway = stream.text(2);
    proof.stream = stream.text(3);
    proof.through = static_cast<std::uint64_t>(stream.integer(4));
    auto const chain = digest_of(stream.blob(5));
    auto lost = lost_of(database, proof);
    if (!lost) return fail(lost.error());
    Walk walk{proof, std::move(*lost)};
    auto select = database.prepare("SELECT id, attributes, data, chain FROM record WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    if (!select) return fail(select.error());
    select->bind(1, record_id(id, 0)).bind(2, record_id(id, seq_max));
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) break;
        walk.row(seq_of(select->integer(0)), select->blob(1), select->blob(2), select->blob(3));
    }
    walk.end(proof.through, chain);
    auto refused = database.prepare("SELECT count(*) FROM refusal WHERE record BETWEEN ?1 AND ?2");
    if (!refused) return fail(refused.error());
    auto const counted = refused->bind(1, record_id(id, 0)).bind(2, record_id(id, seq_max)).step();
    if (!counted) return fail(counted.error());
    proof.refused = static_cast<std::uint64_t>(refused->integer(0));
    return proof;
}
}  // namespace

std::string StreamProof::line() const {
    std::string out = fmt::format("{}/{}/{} records={} through={} missing={} doubled={} altered={} refused={} lost={}", site, gateway,
                                  stream, records, through, missing, doubled, altered, refused, lost);
    if (unproved > 0) out += fmt::format(" unproved={}", unproved);
    return out;
}

bool Proof::good() const {
    return stray == 0 && damage.empty() && std::all_of(streams.begin(), streams.end(), [](StreamProof const& s) { return s.good(); });
}

std::string Proof::total() const {
    StreamProof sum;
    for (StreamProof const& s : streams) {
        sum.records += s.records;
        sum.missing += s.missing;
        sum.doubled += s.doubled;
        sum.altered += s.altered;
        sum.refused += s.refused;
        sum.lost += s.lost;
    }
    return fmt::format("total streams={} records={} missing={} doubled={} altered={} refused={} lost={} stray={}{}", streams.size(),
                       sum.records, sum.missing, sum.doubled, sum.altered, sum.refused, sum.lost, stray,
                       damage.empty() ? "" : " file=\"" + damage + "\"");
}

Result<Proof> verify(std::filesystem::path const& path) {
    auto database = open_for_reading(path, store_schema(), Database::Mode::read_only);
    // An export on a read-only medium needs no lock and can have no writer.
    std::error_code ignored;
    if (!database && database.error().fault == Fault::unavailable && !std::filesystem::exists(path.string() + "-wal", ignored))
        database = open_for_reading(path, store_schema(), Database::Mode::immutable);
    // Here a file that is damaged from its first page on is data to be refused, not a failure of ours.
    if (!database && database.error().fault == Fault::broken) return fail(Fault::refused, database.error().message);
    if (!database) return fail(database.error());
    // One snapshot: a running centre commits between two streams.
    if (auto const begun = database->exec("BEGIN"); !begun) return fail(begun.error());
    Proof out;
    if (auto const checked = database->quick_check(); !checked)
        out.damage = checked.error().message;
    else if (*checked != "ok")
        out.damage = *checked;
    auto streams = database->prepare("SELECT id, site, gateway, stream, through, chain FROM stream ORDER BY site, gateway, id");
    if (!streams) return fail(streams.error());
    for (;;) {
        auto const more = streams->step();
        if (!more) return fail(more.error());
        if (!*more) break;
        auto proof = prove(*database, *streams);
        // A page that cannot be read ends this stream's proof, not the others'.
        if (proof)
            out.streams.push_back(std::move(*proof));
        else if (out.damage.empty())
            out.damage = proof.error().message;
    }
    auto stray = database->prepare("SELECT count(*) FROM record WHERE id >> 40 NOT IN (SELECT id FROM stream)");
    if (!stray) return fail(stray.error());
    auto const counted = stray->step();
    if (!counted) return fail(counted.error());
    out.stray = static_cast<std::uint64_t>(stray->integer(0));
    return out;
}

}  // namespace marrowlink::central
