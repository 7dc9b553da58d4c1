#include "gateway/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "core/json.hpp"
#include "gateway/outbox_store.hpp"
#include "gateway/salvage_scan.hpp"

namespace marrowlink {
namespace {
constexpr std::size_t rows_at_a_time = 4096;
constexpr std::size_t findings_printed = 100;  // of one kind and stream; the rest is counted

using Named = std::map<std::string, std::vector<SeqRange>, std::less<>>;  // by stream: what a stream.closed says is lost

// What the living outboxes say of those before them.
void collect_named(std::filesystem::path const& file, Named& named) {
    auto database = Database::open(file, Database::Mode::read_only);
    if (!database) return;
    auto rows = database->prepare("SELECT data FROM record WHERE type='stream.closed'");
    if (!rows) return;
    for (;;) {
        auto const row = rows->step();
        if (!row || !*row) return;
        auto const parsed = json::parse(rows->blob(0), "stream.closed");
        if (!parsed || !parsed->is_object()) continue;
        json::object const& closed = parsed->get_object();
        auto const* const lost = closed.if_contains("lost");
        if (!lost || !lost->is_array()) continue;
        auto& ranges = named[std::string{json::string_of(closed, "stream")}];
        for (auto const& range : lost->get_array()) {
            if (!range.is_object()) continue;
            ranges.push_back({static_cast<std::uint64_t>(json::integer_of(range.get_object(), "first")),
                              static_cast<std::uint64_t>(json::integer_of(range.get_object(), "last")), std::nullopt});
        }
    }
}

// What of `found` no range of `named` covers; what is covered is counted in `lost`.
std::vector<SeqRange> without(std::vector<SeqRange> const& found, std::vector<SeqRange> const& named, std::uint64_t& lost) {
    std::vector<SeqRange> out;
    for (SeqRange range : found) {
        while (range.first <= range.last) {
            auto const covering = std::find_if(named.begin(), named.end(),
                                               [&](SeqRange const& n) { return n.first <= range.first && range.first <= n.last; });
            std::uint64_t until = range.last;
            if (covering != named.end()) {
                until = std::min(until, covering->last);
                lost += until - range.first + 1;
            } else {
                for (SeqRange const& n : named)
                    if (n.first > range.first && n.first <= until) until = n.first - 1;
                out.push_back({range.first, until, std::nullopt});
            }
            range.first = until + 1;
        }
    }
    return out;
}

Result<OutboxProof> prove(std::filesystem::path const& file, bool set_aside, Named const& named) {
    OutboxProof proof;
    proof.file = file;
    proof.set_aside = set_aside;
    proof.stream = file.stem().string();
    // A running gateway's outbox is read as one snapshot, so that nothing it appends or prunes meanwhile looks like a gap.
    auto scan = SalvageScan::open(file, SalvageScan::Mending::forbidden);
    if (!scan) return fail(scan.error());
    auto const names = named.find(proof.stream);
    proof.closed = names != named.end();
    if (!(*scan)->readable()) {
        proof.damage = fmt::format("It cannot be read as an outbox: {}", (*scan)->unreadable_because());
        return proof;
    }
    for (;;) {
        auto const done = (*scan)->step(rows_at_a_time);
        if (!done) return fail(done.error());
        if (*done) break;
    }
    ChainAudit const& audit = (*scan)->audit();
    proof.first = (*scan)->first();
    proof.last = (*scan)->known();
    proof.acknowledged = (*scan)->acknowledged();
    proof.records = audit.walked();
    proof.doubled = audit.doubled();
    static std::vector<SeqRange> const none;
    auto const& lost = names == named.end() ? none : names->second;
    proof.missing = without(audit.missing(), lost, proof.lost);
    proof.altered = without(audit.altered(), lost, proof.lost);
    std::uint64_t unproved = 0;
    // What follows a gap is proved by nothing; where the gap is named, so is that.
    auto rest = without(audit.unproved(), lost, unproved);
    proof.altered.insert(proof.altered.end(), rest.begin(), rest.end());
    proof.lost += unproved;
    return proof;
}

std::vector<std::filesystem::path> outboxes_in(std::filesystem::path const& directory) {
    std::vector<std::filesystem::path> out;
    std::error_code error;
    for (auto const& entry : std::filesystem::directory_iterator(directory, error))
        if (entry.path().extension() == outbox_suffix) out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
}

std::uint64_t count(std::vector<SeqRange> const& ranges) {
    std::uint64_t sum = 0;
    for (SeqRange const& range : ranges) sum += range.last - range.first + 1;
    return sum;
}

void print(std::ostream& out, std::string_view stream, std::string_view kind, std::vector<SeqRange> const& ranges) {
    for (std::size_t i = 0; i < std::min(ranges.size(), findings_printed); ++i)
        out << fmt::format("  {} {} {}-{}\n", kind, stream, ranges[i].first, ranges[i].last);
    if (ranges.size() > findings_printed)
        out << fmt::format("  {} {} and {} more ranges\n", kind, stream, ranges.size() - findings_printed);
}
}  // namespace

bool OutboxReport::good() const {
    return std::all_of(outboxes.begin(), outboxes.end(), [](OutboxProof const& proof) { return proof.good(); });
}

Result<OutboxReport> verify_outbox(std::filesystem::path const& path) {
    std::error_code error;
    std::vector<std::filesystem::path> living;
    std::vector<std::filesystem::path> aside;
    if (std::filesystem::is_directory(path, error)) {
        living = outboxes_in(path);
        aside = outboxes_in(path / "set-aside");
    } else {
        living.push_back(path);
    }
    if (living.empty() && aside.empty())
        return fail(Fault::unavailable, fmt::format("{} holds no outbox; expected a file that ends in {}.", path.string(), outbox_suffix));
    Named named;
    for (auto const* const list : {&living, &aside})
        for (auto const& file : *list) collect_named(file, named);
    OutboxReport report;
    for (auto const* const list : {&living, &aside}) {
        for (auto const& file : *list) {
            auto proof = prove(file, list == &aside, named);
            if (!proof) return fail(proof.error());
            report.outboxes.push_back(std::move(*proof));
        }
    }
    return report;
}

Result<void> verify_and_print(std::filesystem::path const& path, std::ostream& out) {
    auto const report = verify_outbox(path);
    if (!report) return fail(report.error());
    std::uint64_t records = 0, missing = 0, doubled = 0, altered = 0, lost = 0, damaged = 0;
    for (OutboxProof const& proof : report->outboxes) {
        out << fmt::format("{} first={} last={} acknowledged={} records={} missing={} doubled={} altered={} lost={}{}\n", proof.stream,
                           proof.first, proof.last, proof.acknowledged, proof.records, count(proof.missing), proof.doubled.size(),
                           count(proof.altered), proof.lost, proof.set_aside ? " (set aside)" : "");
        print(out, proof.stream, "missing", proof.missing);
        print(out, proof.stream, "altered", proof.altered);
        for (std::size_t i = 0; i < std::min(proof.doubled.size(), findings_printed); ++i)
            out << fmt::format("  doubled {} {}\n", proof.stream, proof.doubled[i]);
        if (!proof.damage.empty()) out << fmt::format("  damaged {} {}\n", proof.stream, proof.damage);
        records += proof.records;
        missing += count(proof.missing);
        doubled += proof.doubled.size();
        altered += count(proof.altered);
        lost += proof.lost;
        damaged += proof.damage.empty() ? 0 : 1;
    }
    out << fmt::format("total streams={} records={} missing={} doubled={} altered={} lost={} damaged={}\n", report->outboxes.size(),
                       records, missing, doubled, altered, lost, damaged);
    if (report->good()) return {};
    return fail(Fault::refused, fmt::format("{}: {} records are missing, {} doubled, {} altered; {} files cannot be read.", path.string(),
                                            missing, doubled, altered, damaged));
}

}  // namespace marrowlink
