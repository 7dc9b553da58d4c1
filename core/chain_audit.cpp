#include "core/chain_audit.hpp"

#include <algorithm>
#include <utility>

namespace marrowlink {

ChainAudit::ChainAudit(std::string stream, std::uint64_t seq, std::optional<Digest> chain)
    : stream_(std::move(stream)), next_(seq + 1), previous_(chain) {
    if (seq == 0) previous_ = chain_start(stream_);
}

ChainAudit::Verdict ChainAudit::take(std::uint64_t seq, std::string_view attributes, std::string_view data, std::optional<Digest> chain) {
    reach(seq);
    ++walked_;
    std::optional<Digest> const before = std::exchange(previous_, chain);
    std::optional<Digest> const computed_before = std::exchange(computed_, std::nullopt);
    // A record under another's seq has a chain of its own and would deceive nobody, but it says itself where it belongs.
    auto const own = sequence_from(find_attribute(attributes, "sequence"));
    bool const in_place = own == seq && find_attribute(attributes, "stream") == stream_;
    if (own && *own != seq) doubled_.push_back(*own);
    if (in_place && chain) {
        if (!before && !computed_before) {
            note(unproved_, seq, seq, chain);
            return Verdict::unproved;
        }
        if (before && chain_next(hash_, *before, attributes, data) == *chain) return Verdict::proved;
        if (computed_before && chain_next(hash_, *computed_before, attributes, data) == *chain) {
            altered_.back().chain = computed_before;
            return Verdict::proved;
        }
    }
    if (in_place && before) computed_ = chain_next(hash_, *before, attributes, data);
    note(altered_, seq, seq, chain);
    return Verdict::altered;
}

void ChainAudit::unreadable(std::uint64_t seq, std::optional<Digest> chain) {
    reach(seq);
    note(altered_, seq, seq, chain);
    previous_ = chain;
    computed_.reset();
}

void ChainAudit::end(std::uint64_t last) {
    if (last >= next_) reach(last + 1);
}

void ChainAudit::reach(std::uint64_t seq) {
    if (seq > next_) {
        note(missing_, next_, seq - 1, std::nullopt);
        previous_.reset();
        computed_.reset();
    }
    next_ = seq + 1;
}

void ChainAudit::note(std::vector<SeqRange>& list, std::uint64_t first, std::uint64_t last, std::optional<Digest> chain) {
    if (!list.empty() && list.back().last + 1 == first) {
        list.back().last = last;
        list.back().chain = chain;
    } else {
        list.push_back({first, last, chain});
    }
}

std::vector<SeqRange> ChainAudit::lost() const {
    std::vector<SeqRange> all = missing_;
    all.insert(all.end(), altered_.begin(), altered_.end());
    all.insert(all.end(), unproved_.begin(), unproved_.end());
    std::sort(all.begin(), all.end(), [](SeqRange const& a, SeqRange const& b) { return a.first < b.first; });
    std::vector<SeqRange> out;
    for (SeqRange const& range : all) {
        if (!out.empty() && out.back().last + 1 == range.first) {
            out.back().last = range.last;
            out.back().chain = range.chain;
        } else {
            out.push_back(range);
        }
    }
    return out;
}

}  // namespace marrowlink
