#include "gateway/salvage_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include "gateway/outbox_store.hpp"

namespace marrowlink {
namespace {
constexpr std::size_t page_bytes = 4096;
constexpr std::uint64_t seq_limit = std::uint64_t{1} << 40;  // beyond every seq that there can be

std::optional<Digest> digest_of(std::string_view bytes) {
    Digest out{};
    if (bytes.size() != out.size()) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

std::int64_t as_int(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t as_uint(std::int64_t value) { return static_cast<std::uint64_t>(value); }

void put_u32(std::string& page, std::size_t at, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) page[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (24 - 8 * i) & 0xFF);
}
}  // namespace

SalvageScan::SalvageScan(std::filesystem::path path) : path_(std::move(path)), stream_(path_.stem().string()) {}

Result<std::unique_ptr<SalvageScan>> SalvageScan::open(std::filesystem::path const& path, Mending mending) {
    std::unique_ptr<SalvageScan> scan{new SalvageScan(path)};
    auto connected = scan->connect(path, Database::Mode::read_only);
    // A medium that cannot be written at all cannot hold the log's index either.
    if (!connected && connected.error().fault == Fault::unavailable) connected = scan->connect(path, Database::Mode::immutable);
    if (!connected && connected.error().fault == Fault::broken && mending == Mending::allowed) connected = scan->mend();
    if (!connected && connected.error().fault != Fault::broken) return fail(connected.error());
    if (!connected) scan->unreadable_because_ = connected.error().message;
    scan->read_meta();
    scan->find_end();
    scan->audit_.emplace(scan->stream_, scan->first_ - 1, scan->pruned_chain_);
    scan->next_ = scan->first_;
    return scan;
}

Result<void> SalvageScan::connect(std::filesystem::path const& path, Database::Mode mode) {
    auto database = Database::open(path, mode);
    if (!database) return fail(database.error());
    if (auto set = database->exec("PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-1024"); !set)
        return fail(set.error());
    auto rows = database->prepare("SELECT seq, attributes, data, chain FROM record WHERE seq>=? AND seq<=? ORDER BY seq LIMIT ?");
    if (!rows) return fail(rows.error());
    auto chain = database->prepare("SELECT chain FROM record WHERE seq=?");
    if (!chain) return fail(chain.error());
    // One snapshot from here on, also of an outbox that is in use.
    if (auto begun = database->exec("BEGIN; SELECT name FROM meta LIMIT 1"); !begun && begun.error().fault != Fault::broken)
        return fail(begun.error());
    rows_ = std::move(*rows);
    chain_ = std::move(*chain);
    database_ = std::move(*database);
    return {};
}

// All outboxes of one layout begin with the same page but for a few counters.
Result<void> SalvageScan::mend() {
    auto mended = path_;
    mended.replace_extension(".mended");
    auto blank = path_;
    blank.replace_extension(".blank");
    std::error_code error;
    for (auto const* const suffix : {"", "-wal", "-shm"}) std::filesystem::remove(mended.string() + suffix, error);
    std::filesystem::remove(blank, error);
    if (auto made = OutboxStore::create(blank, stream_); !made) return made;
    std::string page(page_bytes, '\0');
    std::ifstream(blank, std::ios::binary).read(page.data(), static_cast<std::streamsize>(page.size()));
    std::filesystem::remove(blank, error);
    std::filesystem::copy_file(path_, mended, error);
    if (!error && std::filesystem::exists(path_.string() + "-wal"))
        std::filesystem::copy_file(path_.string() + "-wal", mended.string() + "-wal", error);
    if (error)
        return fail(Fault::unavailable, fmt::format("{}: no copy could be made to read it from: {}.", path_.string(), error.message()));
    auto const pages = static_cast<std::uint32_t>(std::filesystem::file_size(mended, error) / page_bytes);
    put_u32(page, 28, pages);
    put_u32(page, 32, 0);  // free pages: only a writer would want them
    put_u32(page, 36, 0);
    put_u32(page, 24, 1);
    put_u32(page, 92, 1);     // equal to the counter at 24: the page count counts
    page[18] = page[19] = 2;  // a write-ahead log
    std::fstream file(mended, std::ios::in | std::ios::out | std::ios::binary);
    file.write(page.data(), static_cast<std::streamsize>(page.size()));
    file.close();
    if (!file) return fail(Fault::unavailable, fmt::format("{}: the copy to read it from could not be written.", mended.string()));
    return connect(mended, Database::Mode::read_write);
}

void SalvageScan::read_meta() {
    if (!database_) return;
    std::uint64_t pruned = 0;
    std::optional<Digest> pruned_chain;
    // Row by row: one that cannot be read does not hide the others.
    for (std::string_view const name : {"acknowledged", "pruned", "pruned_chain"}) {
        auto select = database_->prepare("SELECT value FROM meta WHERE name=?");
        if (!select) return;
        auto const row = select->bind_text(1, name).step();
        if (!row || !*row) continue;
        std::string_view const text = select->text(0);
        std::uint64_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        Digest chain{};
        if (name == "acknowledged" && value < seq_limit) acknowledged_ = value;
        if (name == "pruned" && value < seq_limit) pruned = value;
        if (name == "pruned_chain" && digest_from_hex(text, chain)) pruned_chain = chain;
    }
    if (pruned > acknowledged_) acknowledged_ = pruned;
    first_ = pruned + 1;
    pruned_chain_ = pruned == 0 ? std::nullopt : pruned_chain;
}

std::optional<std::uint64_t> SalvageScan::highest_below(std::uint64_t limit) {
    auto select = database_->prepare("SELECT max(seq) FROM record WHERE seq<?");
    if (!select) return std::nullopt;
    auto const row = select->bind(1, as_int(limit)).step();
    if (!row || !*row) return std::nullopt;
    std::uint64_t const found = as_uint(select->integer(0));
    return found < limit ? std::optional{found} : std::nullopt;
}

void SalvageScan::find_end() {
    known_ = acknowledged_;
    if (!database_) return;
    if (auto const highest = highest_below(seq_limit)) {
        known_ = std::max(known_, *highest);
        return;
    }
    end_damaged_ = true;
    // The last pages of the table are damaged. The index of keys names every row once more, in no order: slice by slice, from both ends of
    // each, so that a damaged page hides no more than itself.
    for (unsigned slice = 0; slice < 256; ++slice) {
        std::string const from(1, static_cast<char>(slice));
        std::string const to = slice == 255 ? std::string(17, '\xFF') : std::string(1, static_cast<char>(slice + 1));
        for (std::string_view const order : {"ASC", "DESC"}) {
            auto keys = database_->prepare(
                fmt::format("SELECT seq FROM record INDEXED BY sqlite_autoindex_record_1 WHERE key>=? AND key<? ORDER BY key {}", order));
            if (!keys) break;
            keys->bind_blob(1, from).bind_blob(2, to);
            bool whole = false;
            for (;;) {
                auto const row = keys->step();
                if (row && !*row) whole = true;
                if (!row || !*row) break;
                if (std::uint64_t const seq = as_uint(keys->integer(0)); seq < seq_limit) known_ = std::max(known_, seq);
            }
            if (whole) break;
        }
    }
    // And where that is damaged too: the highest row that can still be reached.
    std::uint64_t good = 0;
    std::uint64_t bad = seq_limit;
    while (bad - good > 1) {
        std::uint64_t const middle = good + (bad - good) / 2;
        if (highest_below(middle))
            good = middle;
        else
            bad = middle;
    }
    if (good > 0)
        if (auto const highest = highest_below(good)) known_ = std::max(known_, *highest);
}

Result<bool> SalvageScan::step(std::size_t rows) {
    if (!database_) {
        // What it held is not known, and all of it is lost.
        lost_ = {{1, seq_limit - 1, std::nullopt}};
        return true;
    }
    while (rows > 0 && next_ <= known_) {
        std::uint64_t const began = next_;
        walk(rows);
        rows -= std::min<std::uint64_t>(rows, next_ - began);
    }
    if (next_ <= known_) return false;
    finish();
    return true;
}

// Up to `rows` rows, or to the first place that cannot be read.
void SalvageScan::walk(std::size_t rows) {
    rows_.bind(1, as_int(next_)).bind(2, as_int(known_)).bind(3, static_cast<std::int64_t>(rows));
    for (std::size_t walked = 0;; ++walked) {
        auto const row = rows_.step();
        if (row && !*row) {
            if (walked < rows) next_ = known_ + 1;
            return;
        }
        std::uint64_t const seq = row ? as_uint(rows_.integer(0)) : 0;
        // A damaged row number would send the walk astray: where it jumps, the record itself must say that it belongs there.
        if (!row || seq < next_ || (seq > next_ && sequence_from(find_attribute(rows_.blob(1), "sequence")) != seq)) {
            rows_.reset();
            audit_->unreadable(next_++, std::nullopt);
            return;
        }
        audit_->take(seq, rows_.blob(1), rows_.blob(2), digest_of(rows_.blob(3)));
        next_ = seq + 1;
    }
}

void SalvageScan::finish() {
    audit_->end(known_);
    lost_.clear();
    damaged_.clear();
    last_ = known_;
    for (SeqRange range : audit_->lost()) {
        // No record behind it proves this chain.
        if (range.last >= known_) range.chain.reset();
        if (range.last == last_) last_ = range.first - 1;
        damaged_.push_back(range);
        range.first = std::max(range.first, acknowledged_ + 1);
        if (range.first <= range.last) lost_.push_back(range);
    }
    if (last_ < first_) last_ = 0;
    if (!end_damaged_) return;
    // Whatever was given out behind the last one known: more is named than was there, rather than less.
    if (!lost_.empty() && lost_.back().last == known_)
        lost_.back().last = seq_limit - 1;
    else
        lost_.push_back({known_ + 1, seq_limit - 1, std::nullopt});
}

SeqRange const* SalvageScan::damage_around(std::uint64_t seq) const {
    auto const after =
        std::upper_bound(damaged_.begin(), damaged_.end(), seq, [](std::uint64_t s, SeqRange const& range) { return s < range.first; });
    return after != damaged_.begin() && seq <= std::prev(after)->last ? &*std::prev(after) : nullptr;
}

Result<std::optional<Digest>> SalvageScan::chain_at(std::uint64_t seq) {
    if (seq == 0) return chain_start(stream_);
    if (seq + 1 == first_) return pruned_chain_;
    if (!database_) return std::nullopt;
    if (auto const* const damage = damage_around(seq)) return damage->last == seq ? damage->chain : std::nullopt;
    auto const row = chain_.bind(1, as_int(seq)).step();
    if (!row) return fail(row.error());
    std::optional<Digest> const found = *row ? digest_of(chain_.blob(0)) : std::nullopt;
    chain_.reset();
    return found;
}

Result<std::vector<Record>> SalvageScan::peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) {
    std::vector<Record> out;
    std::size_t bytes = 0;
    from = std::max(from, first_);
    for (std::uint64_t seq = from; seq <= last_ && out.size() < records_max && bytes < bytes_max;) {
        if (auto const* const damage = damage_around(seq)) {
            seq = damage->last + 1;
            continue;
        }
        auto const before = chain_at(seq - 1);
        if (!before) return fail(before.error());
        auto const row = rows_.bind(1, as_int(seq)).bind(2, as_int(seq)).bind(3, 1).step();
        if (!row) return fail(row.error());
        Record record;
        record.seq = seq;
        std::optional<Digest> chain;
        if (*row) {
            record.attributes = rows_.blob(1);
            record.data = rows_.blob(2);
            chain = digest_of(rows_.blob(3));
        }
        rows_.reset();
        // Read a second time, so proved a second time.
        if (!*before || !chain || chain_next(hash_, **before, record.attributes, record.data) != *chain)
            return fail(Fault::broken, fmt::format("{}: seq {} can no longer be read as it was.", path_.string(), seq));
        record.chain = *chain;
        bytes += record.bytes();
        out.push_back(std::move(record));
        ++seq;
    }
    return out;
}

}  // namespace marrowlink
