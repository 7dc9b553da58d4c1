// What the outbox keeps beside its records: the journal, and how far earlier streams have been sent.
#include <algorithm>

#include "gateway/outbox_store.hpp"

namespace marrowlink {
namespace {
std::int64_t as_int(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t as_uint(std::int64_t value) { return static_cast<std::uint64_t>(value); }
}  // namespace

// What lies behind `through` stays, as one row that starts there; empty, it still says how far the instrument's bytes have been counted.
Result<void> OutboxStore::release_journal(std::string const& instrument, std::uint64_t through) {
    auto last = database_.prepare("SELECT start, bytes FROM journal WHERE instrument=? AND start<=? ORDER BY start DESC LIMIT 1");
    if (!last) return fail(last.error());
    last->bind_text(1, instrument).bind(2, as_int(through));
    auto const row = last->step();
    if (!row) return fail(row.error());
    std::string rest;
    if (*row) {
        std::string_view const bytes = last->blob(1);
        rest = bytes.substr(std::min<std::size_t>(bytes.size(), through - as_uint(last->integer(0))));
    }
    last->reset();
    release_journal_.bind_text(1, instrument).bind(2, as_int(through));
    if (auto released = release_journal_.run(); !released) return released;
    insert_journal_.bind_text(1, instrument).bind(2, as_int(through)).bind_blob(3, rest);
    return insert_journal_.run();
}

Result<std::string> OutboxStore::journal(std::string const& instrument, std::uint64_t& start) {
    auto rows = database_.prepare("SELECT start, bytes FROM journal WHERE instrument=? ORDER BY start");
    if (!rows) return fail(rows.error());
    rows->bind_text(1, instrument);
    std::string bytes;
    start = 0;
    for (;;) {
        auto const row = rows->step();
        if (!row) return fail(row.error());
        if (!*row) return bytes;
        if (bytes.empty()) start = as_uint(rows->integer(0));
        bytes += rows->blob(1);
    }
}

Result<std::vector<SalvageState>> OutboxStore::salvages() {
    auto rows = database_.prepare("SELECT stream, acknowledged, last FROM salvage");
    if (!rows) return fail(rows.error());
    std::vector<SalvageState> out;
    for (;;) {
        auto const row = rows->step();
        if (!row) return fail(row.error());
        if (!*row) return out;
        out.push_back({std::string{rows->text(0)}, as_uint(rows->integer(1)), as_uint(rows->integer(2))});
    }
}

Result<void> OutboxStore::keep(SalvageState const& state) {
    return relaxed([&] { return keep_row(state); });
}

Result<void> OutboxStore::keep_row(SalvageState const& state) {
    auto keep = database_.prepare(
        "INSERT INTO salvage VALUES(?,?,?) ON CONFLICT(stream) DO UPDATE SET acknowledged=excluded.acknowledged, last=excluded.last");
    if (!keep) return fail(keep.error());
    return keep->bind_text(1, state.stream).bind(2, as_int(state.acknowledged)).bind(3, as_int(state.last)).run();
}

}  // namespace marrowlink
