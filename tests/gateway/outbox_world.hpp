// What the outbox's tests share: a folder that ends with the test, drafts, and a store opened in it.
#pragma once

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "core/run.hpp"
#include "gateway/outbox_store.hpp"
#include "tests/sim/temporary_folder.hpp"

namespace marrowlink::outbox_world {

using sim::TemporaryFolder;

inline std::string const stream_a = "0a000000-0000-4000-8000-00000000000a";
inline Origin const origin_a{"lyon", "bench-2", stream_a};
inline Stamp const stamp{"2026-11-25T02:30:00.000Z", "boot", 1, true};
inline constexpr std::int64_t some_day_ms = 1'795'573'800'000;

inline Draft message(std::uint64_t n, std::size_t bytes = 100) {
    Draft draft;
    draft.type = type::run_readings;
    draft.instrument = "reader";
    draft.run = fmt::format("run-{}", n);
    draft.sourcekey = fmt::format("key-{}", n);
    draft.part = "message";
    draft.content_type = "text/plain";
    draft.data = fmt::format("value {} ", n);
    draft.data.resize(std::max(bytes, draft.data.size()), 'x');
    return draft;
}

inline Append one(std::uint64_t n, std::size_t bytes = 100) {
    Append append;
    append.drafts.push_back(message(n, bytes));
    return append;
}

inline std::unique_ptr<OutboxStore> open_store(std::filesystem::path const& folder, OutboxLimits limits = {}, std::string const& vfs = {}) {
    auto store = OutboxStore::open(folder, origin_a, limits, vfs);
    if (!store) FAIL(store.error().message);
    return std::move(*store);
}

inline void fill(OutboxStore& store, std::uint64_t from, std::uint64_t through, std::size_t bytes = 100,
                 std::int64_t now_ms = some_day_ms) {
    for (std::uint64_t n = from; n <= through;) {
        std::vector<Append> group;
        for (; n <= through && group.size() < 500; ++n) group.push_back(one(n, bytes));
        auto const kept = store.append(group, stamp, now_ms, 0);
        if (!kept) FAIL(kept.error().message);
    }
}

// The chain of every record, worked out again from what is stored.
inline void require_whole(OutboxStore& store) {
    auto const records = store.peek(store.position().first_kept, 1'000'000, 1u << 30);
    REQUIRE(records);
    REQUIRE(records->size() == store.position().appended + 1 - store.position().first_kept);
    auto const before = store.chain_at(store.position().first_kept - 1);
    REQUIRE(before);
    REQUIRE(*before);
    Sha256 hash;
    Digest chain = **before;
    std::uint64_t seq = store.position().first_kept;
    for (Record const& record : *records) {
        REQUIRE(record.seq == seq);
        REQUIRE(record.attribute("sequence") == sequence_text(seq));
        REQUIRE(record.attribute("id") == fmt::format("{}/{}", store.origin().stream, seq));
        chain = chain_next(hash, chain, record.attributes, record.data);
        REQUIRE(chain == record.chain);
        ++seq;
    }
}

}  // namespace marrowlink::outbox_world
