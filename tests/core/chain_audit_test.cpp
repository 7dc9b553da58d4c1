#include "core/chain_audit.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace marrowlink;

namespace {
std::string const stream = "0a000000-0000-4000-8000-00000000000a";

std::vector<Record> records(std::uint64_t count) {
    std::vector<Record> out;
    Sha256 hash;
    Digest chain = chain_start(stream);
    for (std::uint64_t seq = 1; seq <= count; ++seq) {
        Draft draft;
        draft.type = type::telemetry;
        draft.instrument = "reader";
        draft.data = "{}";
        Record record;
        record.seq = seq;
        record.attributes = attributes_of(draft, {"lyon", "bench-2", stream}, {"t", "b", 1, true}, seq);
        record.data = draft.data;
        record.chain = chain = chain_next(hash, chain, record.attributes, record.data);
        out.push_back(std::move(record));
    }
    return out;
}

using Verdict = ChainAudit::Verdict;
Verdict take(ChainAudit& audit, Record const& record) { return audit.take(record.seq, record.attributes, record.data, record.chain); }
}  // namespace

TEST_CASE("every bit of every record is proved by its chain") {
    auto const good = records(5);
    for (std::size_t which = 0; which < good.size(); ++which) {
        for (std::size_t bit = 0; bit < 8 * (good[which].data.size() + good[which].attributes.size()); ++bit) {
            auto bad = good;
            std::size_t const at = bit / 8;
            std::string& text = at < bad[which].data.size() ? bad[which].data : bad[which].attributes;
            text[at < bad[which].data.size() ? at : at - bad[which].data.size()] ^= static_cast<char>(1 << bit % 8);
            ChainAudit audit{stream, 0, std::nullopt};
            std::vector<std::uint64_t> altered;
            for (Record const& record : bad)
                if (take(audit, record) != Verdict::proved) altered.push_back(record.seq);
            REQUIRE(altered == std::vector<std::uint64_t>{which + 1});
        }
    }
}

TEST_CASE("a damaged chain costs its own record and no other, and the right one is found again") {
    auto list = records(5);
    Digest const right = list[2].chain;
    list[2].chain[0] ^= 1;
    ChainAudit audit{stream, 0, std::nullopt};
    for (Record const& record : list) CHECK((take(audit, record) == Verdict::proved) == (record.seq != 3));
    audit.end(5);
    REQUIRE(audit.lost().size() == 1);
    CHECK(audit.lost()[0].first == 3);
    CHECK(audit.lost()[0].chain == right);
}

TEST_CASE("what follows a gap is proved by what was before the gap, or by nothing") {
    auto const list = records(9);
    ChainAudit audit{stream, 0, std::nullopt};
    CHECK(take(audit, list[0]) == Verdict::proved);
    CHECK(take(audit, list[3]) == Verdict::unproved);
    CHECK(take(audit, list[4]) == Verdict::proved);
    audit.unreadable(6, list[5].chain);
    CHECK(take(audit, list[6]) == Verdict::proved);
    audit.end(9);
    auto const lost = audit.lost();
    REQUIRE(lost.size() == 3);
    CHECK((lost[0].first == 2 && lost[0].last == 4 && lost[0].chain == list[3].chain));
    CHECK((lost[1].first == 6 && lost[1].last == 6 && lost[1].chain == list[5].chain));
    CHECK((lost[2].first == 8 && lost[2].last == 9));
    CHECK(audit.walked() == 4);
}

TEST_CASE("a walk may begin behind any record whose chain is known") {
    auto const list = records(9);
    ChainAudit known{stream, 4, list[3].chain};
    CHECK(take(known, list[4]) == Verdict::proved);
    ChainAudit unknown{stream, 4, std::nullopt};
    CHECK(take(unknown, list[4]) == Verdict::unproved);
    ChainAudit wrong{stream, 4, list[2].chain};
    CHECK(take(wrong, list[4]) == Verdict::altered);
}
