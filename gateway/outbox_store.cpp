#include "gateway/outbox_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/outbox_schema.hpp"

namespace marrowlink {
namespace {

constexpr std::uint64_t page_bytes = 4096;  // SQLite's own default, and that of every file made here
constexpr std::size_t prune_batch = 4096;   // acknowledged records that one transaction deletes when the budget needs their room
constexpr std::uint64_t tail_checked = 64;  // records whose chain is proved at every start; the rest when they are sent

std::int64_t as_int(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t as_uint(std::int64_t value) { return static_cast<std::uint64_t>(value); }
}  // namespace

OutboxStore::OutboxStore(Database database, Origin origin, OutboxLimits limits)
    : database_(std::move(database)), origin_(std::move(origin)), limits_(limits) {}

Result<std::unique_ptr<OutboxStore>> OutboxStore::open(std::filesystem::path const& directory, Origin origin, OutboxLimits limits,
                                                       std::string const& vfs) {
    auto const path = directory / (origin.stream + std::string{outbox_suffix});
    std::error_code unseen;
    if (!std::filesystem::exists(path, unseen)) {
        if (auto made = create(path, origin.stream); !made) return fail(made.error());
    }
    auto database = Database::open(path, Database::Mode::read_write, vfs);
    if (!database) return fail(database.error());
    if (auto set = database->exec(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1024; PRAGMA journal_size_limit=16777216;");
        !set)
        return fail(set.error());
    if (auto identity = recognise_outbox(*database, origin.stream); !identity) return fail(identity.error());
    std::unique_ptr<OutboxStore> store{new OutboxStore(std::move(*database), std::move(origin), limits)};
    if (auto ready = store->prepare(); !ready) return fail(ready.error());
    if (auto read = store->read_position(); !read) return fail(read.error());
    if (auto whole = store->check_tail(); !whole) return fail(whole.error());
    return store;
}

Result<void> OutboxStore::prepare() {
    struct Want {
        Statement* into;
        std::string_view sql;
    };
    Want const wanted[] = {
        {&insert_record_, "INSERT INTO record VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(key) DO NOTHING"},
        {&select_records_, "SELECT seq, attributes, data, chain FROM record WHERE seq>=? ORDER BY seq LIMIT ?"},
        {&select_chain_, "SELECT chain, bytes_through, appended_ms FROM record WHERE seq=?"},
        {&set_meta_, "INSERT INTO meta VALUES(?,?) ON CONFLICT(name) DO UPDATE SET value=excluded.value"},
        {&insert_journal_, "INSERT INTO journal VALUES(?,?,?) ON CONFLICT DO UPDATE SET bytes=excluded.bytes WHERE length(bytes)=0"},
        {&release_journal_, "DELETE FROM journal WHERE instrument=? AND start<=?"},
        {&page_count_, "PRAGMA page_count"},
        {&free_pages_, "PRAGMA freelist_count"},
    };
    for (Want const& want : wanted) {
        auto prepared = database_.prepare(want.sql);
        if (!prepared) return fail(prepared.error());
        *want.into = std::move(*prepared);
    }
    return {};
}

Result<void> OutboxStore::read_position() {
    std::string const file = database_.path().string();
    auto meta = database_.prepare("SELECT name, value FROM meta");
    if (!meta) return fail(meta.error());
    bool chain_known = false;
    std::uint64_t pruned = 0;
    for (;;) {
        auto const row = meta->step();
        if (!row) return fail(row.error());
        if (!*row) break;
        std::string_view const name = meta->text(0);
        std::uint64_t const value = std::strtoull(std::string{meta->text(1)}.c_str(), nullptr, 10);
        if (name == "acknowledged") position_.acknowledged = value;
        if (name == "acknowledged_bytes") acknowledged_bytes_through_ = value;
        if (name == "pruned") pruned = value;
        if (name == "pruned_chain") chain_known = digest_from_hex(meta->text(1), pruned_chain_);
    }
    if (!chain_known) return fail(Fault::broken, fmt::format("{} has lost the chain of the record before its first.", file));
    auto ends = database_.prepare("SELECT (SELECT min(seq) FROM record), (SELECT max(seq) FROM record)");
    if (!ends) return fail(ends.error());
    auto const row = ends->step();
    if (!row) return fail(row.error());
    bool const empty = ends->is_null(0);
    position_.first_kept = pruned + 1;
    position_.appended = empty ? pruned : as_uint(ends->integer(1));
    if (!empty && as_uint(ends->integer(0)) != pruned + 1)
        return fail(Fault::broken, fmt::format("{} begins with seq {}, expected {}.", file, ends->integer(0), pruned + 1));
    ends->reset();
    if (position_.acknowledged > position_.appended || position_.acknowledged < pruned)
        return fail(
            Fault::broken,
            fmt::format("{} holds records {} to {} and says that central has them through {}: it is not what was last written here.", file,
                        pruned + 1, position_.appended, position_.acknowledged));
    position_.chain = pruned_chain_;
    bytes_through_ = pruned_bytes_through_ = acknowledged_bytes_through_;
    if (!empty) {
        auto first = database_.prepare("SELECT bytes_through-length(attributes)-length(data)-length(chain) FROM record WHERE seq=?");
        if (!first) return fail(first.error());
        first->bind(1, as_int(position_.first_kept));
        auto const kept = first->step();
        if (!kept) return fail(kept.error());
        pruned_bytes_through_ = as_uint(first->integer(0));
        select_chain_.bind(1, as_int(position_.appended));
        auto const last = select_chain_.step();
        if (!last) return fail(last.error());
        if (!*last || select_chain_.blob(0).size() != position_.chain.size())
            return fail(Fault::broken, fmt::format("{} has no chain at seq {}.", file, position_.appended));
        std::copy_n(select_chain_.blob(0).begin(), position_.chain.size(), position_.chain.begin());
        bytes_through_ = as_uint(select_chain_.integer(1));
        select_chain_.reset();
    }
    return measure();
}

// A torn or edited tail is found before anything is added to it. Each row stores its chain, so the proof starts at any kept row.
Result<void> OutboxStore::check_tail() {
    if (position_.first_kept > position_.appended) return {};
    std::uint64_t const from = position_.appended > tail_checked ? position_.appended - tail_checked : 1;
    auto const rows = peek_proved(from, tail_checked + 1, 1u << 30);
    if (!rows) return fail(rows.error());
    return {};
}

Result<std::vector<Record>> OutboxStore::peek_proved(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) {
    from = std::max(from, position_.first_kept);
    auto const before = chain_at(from - 1);
    if (!before) return fail(before.error());
    if (!*before && from <= position_.appended)
        return fail(Fault::broken, fmt::format("{} lacks seq {}.", database_.path().string(), from - 1));
    auto records = peek(from, records_max, bytes_max);
    if (!records) return records;
    Digest previous = before->value_or(Digest{});
    std::uint64_t expected = from;
    for (Record const& record : *records) {
        if (record.seq != expected)
            return fail(Fault::broken, fmt::format("{} lacks seq {}: found {}.", database_.path().string(), expected, record.seq));
        if (chain_next(hash_, previous, record.attributes, record.data) != record.chain)
            return fail(Fault::broken,
                        fmt::format("{}: seq {} is not what was appended; its chain does not fit.", database_.path().string(), record.seq));
        previous = record.chain;
        ++expected;
    }
    if (records->empty() && from <= position_.appended)
        return fail(Fault::broken, fmt::format("{} lacks its records from {} to {}.", database_.path().string(), from, position_.appended));
    return records;
}

Result<void> OutboxStore::append(std::vector<Append> const& appends, Stamp const& stamp, std::int64_t now_ms, std::uint64_t acknowledged) {
    if (auto settled = database_.settle(); !settled) return settled;
    if (position_.used_bytes >= limits_.budget_bytes) {
        // What central has is the only room there is to make, so its word is stored before the append that may be refused.
        if (auto confirmed = confirm(acknowledged); !confirmed) return confirmed;
        while (position_.used_bytes >= limits_.budget_bytes) {
            auto const pruned = prune(now_ms, prune_batch);
            if (!pruned) return fail(pruned.error());
            if (*pruned == 0)
                return fail(
                    Fault::full,
                    fmt::format("The outbox uses {} of its {} bytes and every record in it waits for central; nothing more is taken.",
                                position_.used_bytes, limits_.budget_bytes));
        }
    }
    OutboxPosition const before = position_;
    std::uint64_t const bytes_before = bytes_through_;
    std::uint64_t const acknowledged_bytes_before = acknowledged_bytes_through_;
    auto const restore = [&](Error const& error) {
        position_ = before;
        bytes_through_ = bytes_before;
        acknowledged_bytes_through_ = acknowledged_bytes_before;
        return fail(error);
    };
    auto transaction = Transaction::begin(database_);
    if (!transaction) return fail(transaction.error());
    for (Append const& one : appends) {
        if (auto stored = apply(one, stamp, now_ms); !stored) return restore(stored.error());
    }
    if (acknowledged > position_.acknowledged) {
        if (auto stored = store_acknowledged(acknowledged); !stored) return restore(stored.error());
    }
    // Inside the transaction, where the file's state is already at hand: after it, each question would take a lock of its own.
    if (auto measured = measure_content(); !measured) return restore(measured.error());
    if (auto committed = transaction->commit(); !committed) return restore(committed.error());
    measure_wal();
    return {};
}

Result<void> OutboxStore::apply(Append const& append, Stamp const& stamp, std::int64_t now_ms) {
    for (Draft const& draft : append.drafts) {
        if (auto stored = insert(draft, stamp, now_ms); !stored) return stored;
    }
    if (!append.journal_bytes.empty()) {
        insert_journal_.bind_text(1, append.journal_instrument).bind(2, as_int(append.journal_start)).bind_blob(3, append.journal_bytes);
        if (auto stored = insert_journal_.run(); !stored) return stored;
    }
    if (append.journal_through > 0) {
        if (auto released = release_journal(append.journal_instrument, append.journal_through); !released) return released;
    }
    if (append.taken) {
        auto insert_taken = database_.prepare("INSERT OR IGNORE INTO taken VALUES(?,?,?,?)");
        if (!insert_taken) return fail(insert_taken.error());
        TakenFile const& taken = *append.taken;
        insert_taken->bind_text(1, taken.instrument).bind_text(2, taken.sha256).bind_text(3, taken.run).bind_text(4, taken.name);
        if (auto stored = insert_taken->run(); !stored) return stored;
    }
    if (append.held) {
        auto const& [instrument, transcript] = *append.held;
        if (auto stored = set_transcript(instrument, transcript); !stored) return stored;
    }
    for (BlankedBytes const& blanked : append.blanked) {
        auto insert_blanked = database_.prepare("INSERT OR IGNORE INTO blanked VALUES(?,?,?)");
        if (!insert_blanked) return fail(insert_blanked.error());
        insert_blanked->bind_text(1, blanked.original_sha256).bind(2, as_int(blanked.offset)).bind_blob(3, blanked.bytes);
        if (auto stored = insert_blanked->run(); !stored) return stored;
    }
    return {};
}

Result<void> OutboxStore::insert(Draft const& draft, Stamp const& stamp, std::int64_t now_ms) {
    std::string const key = idempotency_key(draft, hash_);
    std::uint64_t const seq = position_.appended + 1;
    std::string const attributes = attributes_of(draft, origin_, stamp, seq);
    if (draft.data.size() > block_bytes_max || attributes.size() > attribute_bytes_max)
        return fail(Fault::refused,
                    fmt::format("A {} record of {} has {} bytes of data and {} of attributes; at most {} and {} fit.", draft.type,
                                draft.instrument, draft.data.size(), attributes.size(), block_bytes_max, attribute_bytes_max));
    auto const stored = store_record(key, draft.run, draft.type, attributes, draft.data, now_ms);
    if (!stored) return fail(stored.error());
    return *stored ? track_open_run(draft, stamp) : Result<void>{};
}

// False when its key is known: such a record is passed over.
Result<bool> OutboxStore::store_record(std::string_view key, std::string_view run, std::string_view type, std::string_view attributes,
                                       std::string_view data, std::int64_t appended_ms) {
    Digest const chain = chain_next(hash_, position_.chain, attributes, data);
    std::uint64_t const bytes = bytes_through_ + attributes.size() + data.size() + chain.size();
    insert_record_.bind(1, as_int(position_.appended + 1))
        .bind_blob(2, key)
        .bind_text(3, run)
        .bind_text(4, type)
        .bind_blob(5, attributes)
        .bind_blob(6, data)
        .bind_blob(7, as_bytes(chain))
        .bind(8, appended_ms)
        .bind(9, as_int(bytes));
    if (auto stored = insert_record_.run(); !stored) return fail(stored.error());
    if (database_.changes() == 0) return false;
    ++position_.appended;
    position_.chain = chain;
    bytes_through_ = bytes;
    return true;
}

Result<void> OutboxStore::store_acknowledged(std::uint64_t acknowledged) {
    select_chain_.bind(1, as_int(acknowledged));
    auto const row = select_chain_.step();
    if (!row) return fail(row.error());
    if (*row) acknowledged_bytes_through_ = as_uint(select_chain_.integer(1));
    select_chain_.reset();
    for (auto const& [name, value] :
         {std::pair{"acknowledged", acknowledged}, std::pair{"acknowledged_bytes", acknowledged_bytes_through_}}) {
        if (auto stored = set_meta(name, std::to_string(value)); !stored) return stored;
    }
    position_.acknowledged = acknowledged;
    return {};
}

Result<void> OutboxStore::confirm(std::uint64_t acknowledged) {
    if (acknowledged <= position_.acknowledged) return {};
    std::uint64_t const before = position_.acknowledged;
    std::uint64_t const bytes_before = acknowledged_bytes_through_;
    if (auto stored = relaxed([&] { return store_acknowledged(acknowledged); }); !stored) {
        position_.acknowledged = before;
        acknowledged_bytes_through_ = bytes_before;
        return stored;
    }
    return measure();
}

// A transaction whose loss in a power cut costs nothing but sending again.
Result<void> OutboxStore::relaxed(std::function<Result<void>()> const& change) {
    if (auto set = database_.exec("PRAGMA synchronous=NORMAL"); !set) return set;
    auto const stored = [&]() -> Result<void> {
        auto transaction = Transaction::begin(database_);
        if (!transaction) return fail(transaction.error());
        if (auto done = change(); !done) return done;
        return transaction->commit();
    }();
    // Back to FULL before anything else can be appended, also when the change failed.
    if (auto strict = database_.exec("PRAGMA synchronous=FULL"); !strict) return strict;
    return stored;
}

Result<void> OutboxStore::measure() {
    measure_wal();
    return measure_content();
}

Result<void> OutboxStore::measure_content() {
    std::int64_t counts[2] = {0, 0};
    int place = 0;
    for (Statement* const count : {&page_count_, &free_pages_}) {
        auto const row = count->step();
        if (!row) return fail(row.error());
        counts[place++] = count->integer(0);
        count->reset();
    }
    position_.used_bytes = as_uint(counts[0] - counts[1]) * page_bytes;
    position_.backlog_bytes = bytes_through_ - std::min(bytes_through_, acknowledged_bytes_through_);
    position_.kept_bytes = bytes_through_ - std::min(bytes_through_, pruned_bytes_through_);
    position_.appended_bytes = bytes_through_;
    position_.oldest_ms = 0;
    if (position_.acknowledged < position_.appended) {
        select_chain_.bind(1, as_int(position_.acknowledged + 1));
        auto const row = select_chain_.step();
        if (!row) return fail(row.error());
        if (*row) position_.oldest_ms = select_chain_.integer(2);
        select_chain_.reset();
    }
    return {};
}

void OutboxStore::measure_wal() {
    std::error_code missing;
    auto const wal = std::filesystem::file_size(database_.path().string() + "-wal", missing);
    position_.wal_bytes = missing ? 0 : wal;
}

Result<std::vector<Record>> OutboxStore::peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) {
    std::vector<Record> out;
    std::size_t bytes = 0;
    select_records_.bind(1, as_int(from)).bind(2, static_cast<std::int64_t>(records_max));
    for (;;) {
        auto const row = select_records_.step();
        if (!row) {
            select_records_.reset();
            return fail(row.error());
        }
        if (!*row) break;
        Record record;
        record.seq = as_uint(select_records_.integer(0));
        record.attributes = select_records_.blob(1);
        record.data = select_records_.blob(2);
        std::string_view const chain = select_records_.blob(3);
        if (chain.size() != record.chain.size()) {
            select_records_.reset();
            return fail(Fault::broken,
                        fmt::format("{}: seq {} has a chain of {} bytes.", database_.path().string(), record.seq, chain.size()));
        }
        std::copy_n(chain.begin(), chain.size(), record.chain.begin());
        bytes += record.bytes();
        out.push_back(std::move(record));
        if (bytes >= bytes_max) {
            select_records_.reset();
            break;
        }
    }
    return out;
}

Result<std::optional<Digest>> OutboxStore::chain_at(std::uint64_t seq) {
    if (seq == 0) return chain_start(origin_.stream);
    if (seq + 1 == position_.first_kept) return pruned_chain_;
    if (seq == position_.appended) return position_.chain;
    select_chain_.bind(1, as_int(seq));
    auto const row = select_chain_.step();
    if (!row) return fail(row.error());
    std::optional<Digest> found;
    if (*row && select_chain_.blob(0).size() == Digest{}.size()) {
        found.emplace();
        std::copy_n(select_chain_.blob(0).begin(), found->size(), found->begin());
    }
    select_chain_.reset();
    return found;
}

Result<std::uint64_t> OutboxStore::prune(std::int64_t now_ms, std::size_t batch) {
    std::uint64_t const first = position_.first_kept;
    std::uint64_t last = std::min(position_.acknowledged, first + batch - 1);
    if (first > last) return 0;
    if (position_.used_bytes < limits_.budget_bytes) {
        if (first == too_young_.seq && too_young_.appended_ms >= now_ms - limits_.retention_ms) return 0;
        auto young =
            database_.prepare("SELECT seq, appended_ms FROM record WHERE seq BETWEEN ? AND ? AND appended_ms >= ? ORDER BY seq LIMIT 1");
        if (!young) return fail(young.error());
        young->bind(1, as_int(first)).bind(2, as_int(last)).bind(3, now_ms - limits_.retention_ms);
        auto const row = young->step();
        if (!row) return fail(row.error());
        if (*row) {
            too_young_ = {as_uint(young->integer(0)), young->integer(1)};
            last = too_young_.seq - 1;
        }
        if (first > last) return 0;
    }
    auto const chain = chain_at(last);
    if (!chain) return fail(chain.error());
    if (!*chain) return fail(Fault::broken, fmt::format("{} lacks seq {}.", database_.path().string(), last));
    auto sum = database_.prepare("SELECT bytes_through FROM record WHERE seq=?");
    if (!sum) return fail(sum.error());
    sum->bind(1, as_int(last));
    auto const summed = sum->step();
    if (!summed) return fail(summed.error());
    std::uint64_t const bytes_through = *summed ? as_uint(sum->integer(0)) : pruned_bytes_through_;
    sum->reset();
    auto transaction = Transaction::begin(database_);
    if (!transaction) return fail(transaction.error());
    auto remove = database_.prepare("DELETE FROM record WHERE seq BETWEEN ? AND ?");
    if (!remove) return fail(remove.error());
    remove->bind(1, as_int(first)).bind(2, as_int(last));
    if (auto removed = remove->run(); !removed) return fail(removed.error());
    // The chain outlives its record: the proof of what follows starts from it.
    for (auto const& [name, value] : {std::pair{"pruned", std::to_string(last)}, std::pair{"pruned_chain", hex(**chain)}}) {
        if (auto stored = set_meta(name, value); !stored) return fail(stored.error());
    }
    if (auto committed = transaction->commit(); !committed) return fail(committed.error());
    position_.first_kept = last + 1;
    pruned_chain_ = **chain;
    pruned_bytes_through_ = bytes_through;
    if (auto measured = measure(); !measured) return fail(measured.error());
    return last - first + 1;
}

}  // namespace marrowlink
