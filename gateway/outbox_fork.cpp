// The end of a forked stream: central holds other records under its ids (a cloned or restored outbox), so what central does not have of
// ours goes into a new stream. Runs are counted by their source keys, so what central has of them already is counted once all the same.
// In the same way ends the stream of a gateway that has been given another name, for central knows streams by gateway.
#include <fmt/format.h>

#include <algorithm>

#include "core/json.hpp"
#include "core/log.hpp"
#include "gateway/outbox_directory.hpp"

namespace marrowlink {
namespace {
std::string name_of(Origin const& origin) { return fmt::format("/{}/{}", origin.site, origin.gateway); }

// The same record at another place.
std::optional<std::string> moved(std::string_view attributes, Origin const& origin, std::uint64_t seq) {
    auto list = decode_attributes(attributes);
    if (!list) return std::nullopt;
    for (auto& [name, value] : *list) {
        if (name == "id") value = fmt::format("{}/{}", origin.stream, seq);
        if (name == "sequence") value = sequence_text(seq);
        if (name == "stream") value = origin.stream;
        if (name == "source") value = name_of(origin) + value.substr(std::min(value.rfind('/'), value.size()));
    }
    return encode_attributes(std::move(*list));
}
}  // namespace

Result<void> OutboxStore::continue_from(OutboxStore& old, std::uint64_t common, Append const& first, Stamp const& stamp,
                                        std::int64_t now_ms) {
    auto transaction = Transaction::begin(database_);
    if (!transaction) return fail(transaction.error());
    if (auto stored = apply(first, stamp, now_ms); !stored) return stored;
    if (auto taken = take_over(old, common); !taken) return taken;
    auto const name = old.written_as();
    if (!name) return fail(name.error());
    // Under another name central is never asked about the streams before: it would know nothing of them, and want them again.
    bool const renamed = !name->empty() && *name != name_of(origin_);
    if (auto kept = keep_row({old.origin_.stream, renamed ? 0 : common, renamed ? 0 : common}); !kept) return kept;
    if (renamed)
        if (auto forgotten = database_.exec("UPDATE salvage SET acknowledged=0, last=0"); !forgotten) return forgotten;
    if (auto committed = transaction->commit(); !committed) return committed;
    return measure();
}

Result<std::string> OutboxStore::written_as() {
    auto last = database_.prepare("SELECT attributes FROM record ORDER BY seq DESC LIMIT 1");
    if (!last) return fail(last.error());
    auto const row = last->step();
    if (!row) return fail(row.error());
    if (!*row) return std::string{};
    Record record;
    record.attributes = last->blob(0);
    std::string_view const source = record.attribute("source");
    return std::string{source.substr(0, std::min(source.rfind('/'), source.size()))};
}

Result<void> OutboxStore::take_over(OutboxStore& old, std::uint64_t common) {
    std::uint64_t const from = std::max(common + 1, old.position_.first_kept);
    auto const before = old.chain_at(from - 1);
    if (!before) return fail(before.error());
    Digest chain = before->value_or(Digest{});
    auto rows =
        old.database_.prepare("SELECT seq, key, run, type, attributes, data, chain, appended_ms FROM record WHERE seq>=? ORDER BY seq");
    if (!rows) return fail(rows.error());
    rows->bind(1, static_cast<std::int64_t>(from));
    for (std::uint64_t seq = from;; ++seq) {
        auto const row = rows->step();
        if (!row) return fail(row.error());
        if (!*row) return {};
        chain = chain_next(hash_, chain, rows->blob(4), rows->blob(5));
        if (static_cast<std::uint64_t>(rows->integer(0)) != seq || as_bytes(chain) != rows->blob(6))
            return fail(Fault::broken,
                        fmt::format("{}: seq {} is not what was appended; its chain does not fit.", old.database_.path().string(), seq));
        if (rows->text(3) == type::stream_opened) continue;  // this stream has its own
        auto const attributes = moved(rows->blob(4), origin_, position_.appended + 1);
        if (!attributes)
            return fail(Fault::broken, fmt::format("{}: the attributes of seq {} cannot be read.", old.database_.path().string(), seq));
        auto const stored = store_record(rows->blob(1), rows->text(2), rows->text(3), *attributes, rows->blob(5), rows->integer(7));
        if (!stored) return fail(stored.error());
        if (!*stored)
            return fail(Fault::broken, fmt::format("{}: seq {} has the key of another record.", old.database_.path().string(), seq));
    }
}

Result<OpenedOutbox> OutboxDirectory::fork(std::string const& stream, std::uint64_t common, Error const& why) {
    OpenedOutbox out;
    auto old = OutboxStore::open(place_.directory, {place_.site, place_.gateway, stream}, place_.limits, place_.vfs);
    if (!old) {
        if (old.error().fault == Fault::broken) return set_aside(stream, old.error());
        return fail(old.error());
    }
    auto store = OutboxStore::open(place_.directory, {place_.site, place_.gateway, random_uuid(entropy_)}, place_.limits, place_.vfs);
    if (!store) return fail(store.error());
    std::string const next = (*store)->origin().stream;
    Append first;
    first.drafts.push_back(opening_record(stream, why.message));
    Draft& closed = first.drafts.emplace_back();
    closed.type = type::stream_closed;
    closed.instrument = "gateway";
    closed.part = fmt::format("{} fork", stream);
    closed.data = json::serialize(json::object{{"stream", stream}, {"lost", json::array{}}, {"reason", why.message}, {"last", common}});
    auto continued = inherit_tables(**store, (*old)->database());
    if (continued) continued = (*store)->continue_from(**old, common, first, stamp(), clock_.utc().time_since_epoch().count());
    if (!continued) {
        old->reset();
        store->reset();
        discard(next);
        if (continued.error().fault != Fault::broken) return fail(continued.error());
        // Ours is damaged as well. What proves of it is sent as the stream that it is.
        return set_aside(stream, continued.error());
    }
    // The new stream is whole before the old one goes: a kill here leaves both, and the newest is used.
    old->reset();
    if (auto aside = move_aside(stream); !aside) return fail(aside.error());
    out.set_aside = why.message;
    out.store = std::move(*store);
    out.ended.push_back({stream, common, common});
    return out;
}

// A name that was changed in the configuration. What waits under the old one would be refused under the new one, so it moves to a stream of
// the new name; what central has acknowledged moves as well, for nobody would send it again to a centre that was restored since.
Result<void> OutboxDirectory::follow_name(OpenedOutbox& opened) {
    auto const before = opened.store->written_as();
    if (!before) return fail(before.error());
    std::string const stream = opened.store->origin().stream;
    if (before->empty() || *before == name_of(opened.store->origin())) return {};
    if (!opened.salvages.empty())
        return fail(Fault::configuration,
                    fmt::format("{} holds what is left of an earlier outbox of {}, which can be sent under that name only. Give this "
                                "gateway that name again until it has arrived.",
                                aside().string(), *before));
    std::uint64_t const gone = opened.store->position().first_kept - 1;
    opened.store.reset();
    auto forked = fork(stream, gone, Error{Fault::configuration, fmt::format("This gateway was called {} before.", *before)});
    if (!forked) return fail(forked.error());
    log::warn("outbox.renamed", {{"from", *before}, {"stream", stream}, {"continues", forked->store->origin().stream}});
    opened.store = std::move(forked->store);
    opened.salvages = std::move(forked->salvages);
    if (!opened.salvages.empty()) opened.set_aside = std::move(forked->set_aside);  // it proved damaged on the way
    opened.ended.clear();
    return {};
}

}  // namespace marrowlink
