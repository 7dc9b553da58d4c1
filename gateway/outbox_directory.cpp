#include "gateway/outbox_directory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/json.hpp"
#include "core/log.hpp"
#include "io/system.hpp"

namespace marrowlink {
namespace {
constexpr char const* earlier_reason = "It was set aside at an earlier start.";

bool is_stream_id(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool const dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool const hex_digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (dash ? text[i] != '-' : !hex_digit) return false;
    }
    return true;
}

// A table that the next stream takes over; what of it cannot be read is passed over. `kinds`: t text, b blob, i integer.
struct Inheritance {
    char const* select;
    char const* insert;
    std::string_view kinds;
};
constexpr Inheritance inherited[] = {
    {"SELECT rowid, run, instrument, plate, sourcekey, started FROM open_run WHERE rowid>? ORDER BY rowid",
     "INSERT OR IGNORE INTO open_run VALUES(?,?,?,?,?)", "ttttt"},
    {"SELECT rowid, instrument, start, bytes FROM journal WHERE rowid>? ORDER BY rowid", "INSERT OR IGNORE INTO journal VALUES(?,?,?)",
     "tib"},
    {"SELECT rowid, instrument, sha256, run, name FROM taken WHERE rowid>? ORDER BY rowid", "INSERT OR IGNORE INTO taken VALUES(?,?,?,?)",
     "tttt"},
    {"SELECT rowid, original_sha256, offset, bytes FROM blanked WHERE rowid>? ORDER BY rowid",
     "INSERT OR IGNORE INTO blanked VALUES(?,?,?)", "tib"},
    {"SELECT rowid, stream, acknowledged, last FROM salvage WHERE rowid>? ORDER BY rowid", "INSERT OR IGNORE INTO salvage VALUES(?,?,?)",
     "tii"},
};
constexpr int unreadable_rows_max = 10'000;  // of one table; then the rest of it is given up

Result<void> copy_table(Database& from, Database& to, Inheritance const& table) {
    auto select = from.prepare(table.select);
    if (!select) return {};
    auto insert = to.prepare(table.insert);
    if (!insert) return fail(insert.error());
    std::int64_t last = 0;
    for (int unreadable = 0; unreadable < unreadable_rows_max; ++unreadable, ++last) {
        select->bind(1, last);
        for (;;) {
            auto const row = select->step();
            if (!row) break;
            if (!*row) return {};
            if (select->integer(0) <= last) return {};  // a damaged row number: the order can no longer be trusted
            last = select->integer(0);
            for (int column = 1; column <= static_cast<int>(table.kinds.size()); ++column) {
                char const kind = table.kinds[static_cast<std::size_t>(column) - 1];
                if (kind == 't') insert->bind_text(column, select->text(column));
                if (kind == 'b') insert->bind_blob(column, select->blob(column));
                if (kind == 'i') insert->bind(column, select->integer(column));
            }
            if (auto const stored = insert->run(); !stored) return stored;
        }
    }
    return {};
}
// What was noted of instruments; of a damaged file as much as can be read.
Result<void> copy_notes(Database& from, Database& to) {
    auto rows = from.prepare("SELECT name, value FROM meta WHERE name GLOB 'line/*' OR name GLOB 'transcript/*'");
    auto insert = to.prepare("INSERT OR REPLACE INTO meta VALUES(?,?)");
    if (!insert) return fail(insert.error());
    if (!rows) return {};
    for (;;) {
        auto const row = rows->step();
        if (!row || !*row) return {};
        std::string const name{rows->text(0)}, value{rows->text(1)};
        insert->bind_text(1, name).bind_text(2, value);
        if (auto stored = insert->run(); !stored) return stored;
    }
}

}  // namespace

OutboxDirectory::OutboxDirectory(OutboxPlace place, DirectoryLock lock, Entropy& entropy, Clock& clock)
    : place_(std::move(place)), lock_(std::move(lock)), entropy_(entropy), clock_(clock) {}

Result<OpenedOutbox> OutboxDirectory::open(OutboxPlace place, Entropy& entropy, Clock& clock) {
    if (place.boot_id.empty()) place.boot_id = marrowlink::boot_id();
    auto lock = DirectoryLock::take(place.directory);
    if (!lock) return fail(lock.error());
    std::unique_ptr<OutboxDirectory> directory{new OutboxDirectory(std::move(place), std::move(*lock), entropy, clock)};
    if (auto tidied = directory->tidy(); !tidied) return fail(tidied.error());
    auto opened = directory->open_newest();
    if (opened) opened->directory = std::move(directory);
    return opened;
}

Result<OpenedOutbox> OutboxDirectory::open_newest() {
    OpenedOutbox out;
    std::string damaged_stream;
    auto const streams = streams_in(place_.directory);
    for (std::string const& stream : streams) {
        auto store = OutboxStore::open(place_.directory, {place_.site, place_.gateway, stream}, place_.limits, place_.vfs);
        // A fork that was killed, or had no room, left an empty one; the one before it still has everything.
        if (store && (*store)->position().appended == 0 && streams.size() > 1 && (out.store || &stream != &streams.back())) {
            store->reset();
            discard(stream);
            continue;
        }
        if (out.store) {
            // Someone put a second one here. The newest is in use; what the other holds is sent as the stream that it is.
            if (store) store->reset();
            if (auto moved = move_aside(stream); !moved) return fail(moved.error());
            if (out.set_aside.empty()) out.set_aside = fmt::format("{} lay beside the outbox in use.", stream + std::string{outbox_suffix});
            continue;
        }
        if (store) {
            out.store = std::move(*store);
        } else if (store.error().fault == Fault::broken) {
            if (auto moved = move_aside(stream); !moved) return fail(moved.error());
            out.set_aside = store.error().message;
            damaged_stream = stream;
        } else {
            return fail(store.error());
        }
    }
    if (!out.store) {
        auto const before = streams_in(aside());
        std::string const previous = before.empty() ? "" : before.front();
        auto begun = begin(previous, !out.set_aside.empty() ? out.set_aside
                                     : previous.empty()     ? "first start"
                                                            : "the outbox before was set aside");
        if (!begun) return fail(begun.error());
        out.store = std::move(*begun);
    } else if (out.store->position().appended == 0) {
        // The last start was killed between making the file and its first record.
        auto const before = streams_in(aside());
        std::string const previous = before.empty() ? "" : before.front();
        if (auto begun = inherit(*out.store, previous, previous.empty() ? "first start" : "the outbox before was set aside"); !begun)
            return fail(begun.error());
    }
    if (auto found = find_salvages(out, damaged_stream); !found) return fail(found.error());
    if (auto followed = follow_name(out); !followed) return fail(followed.error());
    return out;
}

Result<OpenedOutbox> OutboxDirectory::set_aside(std::string const& stream, Error const& why) {
    if (auto moved = move_aside(stream); !moved) return fail(moved.error());
    OpenedOutbox out;
    out.set_aside = why.message;
    auto begun = begin(stream, why.message);
    if (!begun) return fail(begun.error());
    out.store = std::move(*begun);
    SalvageState fresh;
    fresh.stream = stream;
    out.salvages.push_back(std::make_unique<Salvage>(aside() / (stream + std::string{outbox_suffix}), fresh, why.message));
    return out;
}

// What a kill in the middle of a move or of a creation has left.
Result<void> OutboxDirectory::tidy() {
    std::error_code error;
    std::vector<std::filesystem::path> parts;
    std::vector<std::filesystem::path> orphans;
    for (auto const& entry : std::filesystem::directory_iterator(place_.directory, error)) {
        std::string const name = entry.path().filename().string();
        if (name.ends_with(".outbox.part")) parts.push_back(entry.path());
        for (std::string_view const tail : {"-wal", "-shm"}) {
            if (!name.ends_with(std::string{outbox_suffix} + std::string{tail})) continue;
            std::string const outbox = name.substr(0, name.size() - tail.size());
            if (!std::filesystem::exists(place_.directory / outbox)) orphans.push_back(entry.path());
        }
    }
    if (error)
        return fail(Fault::unavailable, fmt::format("{}: the directory cannot be read: {}.", place_.directory.string(), error.message()));
    for (auto const& part : parts) std::filesystem::remove(part, error);
    for (auto const& orphan : orphans) {
        auto const to = aside() / orphan.filename();
        // The index of a log is made anew by whoever opens it; the log itself holds records.
        if (orphan.string().ends_with("-shm") || std::filesystem::exists(to)) {
            if (orphan.string().ends_with("-shm")) std::filesystem::remove(orphan, error);
            continue;
        }
        if (auto moved = move_durably(orphan, to); !moved) return moved;
        log::warn("outbox.orphan_moved", {{"file", orphan.string()}, {"to", to.string()}});
    }
    return {};
}

// The outbox first: if the rest is not reached, an orphaned log says where it belongs.
Result<void> OutboxDirectory::move_aside(std::string const& stream) {
    std::string const name = stream + std::string{outbox_suffix};
    for (auto const* const tail : {"", "-wal", "-shm"}) {
        auto const from = place_.directory / (name + tail);
        if (!std::filesystem::exists(from)) continue;
        if (auto moved = move_durably(from, aside() / (name + tail)); !moved) return moved;
    }
    return {};
}

void OutboxDirectory::discard(std::string const& stream) const {
    std::error_code ignored;
    for (auto const* const tail : {"", "-wal", "-shm"})
        std::filesystem::remove(place_.directory / (stream + std::string{outbox_suffix} + tail), ignored);
}

Result<std::unique_ptr<OutboxStore>> OutboxDirectory::begin(std::string const& previous, std::string const& reason) {
    auto store = OutboxStore::open(place_.directory, {place_.site, place_.gateway, random_uuid(entropy_)}, place_.limits, place_.vfs);
    if (!store) return store;
    if (auto begun = inherit(**store, previous, reason); !begun) return fail(begun.error());
    return store;
}

// Everything that the stream before knew beside its records, then the first record: while that is missing, the next start does this again.
Result<void> OutboxDirectory::inherit(OutboxStore& store, std::string const& previous, std::string const& reason) {
    if (!previous.empty()) {
        auto scan = SalvageScan::open(aside() / (previous + std::string{outbox_suffix}));
        if (scan && (*scan)->readable()) {
            if (auto copied = inherit_tables(store, (*scan)->database()); !copied) return copied;
        }
    }
    Append append;
    append.drafts.push_back(opening_record(previous, reason));
    return store.append({append}, stamp(), clock_.utc().time_since_epoch().count(), 0);
}

Result<void> OutboxDirectory::inherit_tables(OutboxStore& store, Database& from) {
    auto transaction = Transaction::begin(store.database());
    if (!transaction) return fail(transaction.error());
    for (Inheritance const& table : inherited) {
        if (auto copied = copy_table(from, store.database(), table); !copied) return copied;
    }
    if (auto copied = copy_notes(from, store.database()); !copied) return copied;
    return transaction->commit();
}

Draft OutboxDirectory::opening_record(std::string const& previous, std::string const& reason) {
    Draft draft;
    draft.type = type::stream_opened;
    draft.instrument = "gateway";
    draft.data = json::serialize(json::object{{"previous", previous}, {"reason", reason}});
    return draft;
}

Stamp OutboxDirectory::stamp() const {
    auto const up = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch());
    return {rfc3339(clock_.utc()), place_.boot_id, static_cast<std::uint64_t>(up.count()), clock_.synchronised()};
}

// `stream` was set aside just now.
Result<void> OutboxDirectory::find_salvages(OpenedOutbox& opened, std::string const& stream) {
    auto const known = opened.store->salvages();
    if (!known) return fail(known.error());
    auto streams = streams_in(aside());
    std::reverse(streams.begin(), streams.end());
    for (std::string const& old : streams) {
        auto const row = std::find_if(known->begin(), known->end(), [&](SalvageState const& state) { return state.stream == old; });
        if (row != known->end() && row->acknowledged >= row->last) {
            opened.ended.push_back(*row);
            continue;
        }
        SalvageState state = row != known->end() ? *row : SalvageState{old, 0, 0};
        opened.salvages.push_back(std::make_unique<Salvage>(aside() / (old + std::string{outbox_suffix}), state,
                                                            old == stream ? opened.set_aside : earlier_reason));
    }
    return {};
}

std::unique_ptr<Salvage> OutboxDirectory::send_again(SalvageState const& ended, std::uint64_t through) const {
    auto file = aside() / (ended.stream + std::string{outbox_suffix});
    return std::make_unique<Salvage>(std::move(file), SalvageState{ended.stream, through, ended.last}, earlier_reason, true);
}

std::vector<std::string> OutboxDirectory::streams_in(std::filesystem::path const& directory) const {
    std::vector<std::pair<std::filesystem::file_time_type, std::string>> found;
    std::error_code error;
    for (auto const& entry : std::filesystem::directory_iterator(directory, error)) {
        std::string const stem = entry.path().stem().string();
        if (entry.path().extension() != outbox_suffix) continue;
        if (!is_stream_id(stem)) {
            log::warn("outbox.passed_over", {{"file", entry.path().string()}, {"reason", "its name is not <stream>.outbox"}});
            continue;
        }
        std::error_code unknown;
        auto time = std::filesystem::last_write_time(entry.path(), unknown);
        auto const log_time = std::filesystem::last_write_time(entry.path().string() + "-wal", unknown);
        if (!unknown) time = std::max(time, log_time);
        found.emplace_back(time, stem);
    }
    std::sort(found.rbegin(), found.rend());
    std::vector<std::string> out;
    for (auto& [time, stem] : found) out.push_back(std::move(stem));
    return out;
}

}  // namespace marrowlink
