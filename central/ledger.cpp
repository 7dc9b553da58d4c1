#include "central/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "central/schema.hpp"
#include "central/store.hpp"

namespace marrowlink::central {
namespace {
constexpr std::size_t lost_ranges_max = 1000;  // of one stream.closed; with more it is refused, and the next one names the rest

std::string key_of(std::string_view site, std::string_view gateway, std::string_view stream) {
    return fmt::format("{}/{}/{}", site, gateway, stream);
}

Digest digest_of(std::string_view bytes) {
    Digest out{};
    if (bytes.size() == out.size()) std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}
}  // namespace

std::string_view name_of(Outcome outcome) {
    constexpr std::string_view names[outcome_count] = {"stored", "refused", "duplicate", "gap", "fork", "broken"};
    return names[static_cast<std::size_t>(outcome)];
}

std::string Acknowledgement::json() const {
    json::object out{{"through", through}, {"chain", hex(chain)}};
    if (fork != 0) out["fork"] = fork;
    return json::serialize(out);
}

Result<Ledger> Ledger::over(Database& database, RunStore& runs) {
    Ledger ledger{database, runs};
    if (auto const done = ledger.prepare(); !done) return fail(done.error());
    if (auto const done = ledger.reload(); !done) return fail(done.error());
    return ledger;
}

Result<void> Ledger::prepare() {
    std::pair<Statement*, std::string_view> const wanted[] = {
        {&insert_stream_, "INSERT INTO stream (site, gateway, stream, through, chain) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id"},
        {&update_stream_, "UPDATE stream SET through=?2, chain=?3, fork=nullif(?4, 0) WHERE id=?1"},
        {&insert_record_, "INSERT INTO record (id, attributes, data, chain) VALUES (?1, ?2, ?3, ?4)"},
        {&find_chain_, "SELECT chain FROM record WHERE id=?1"},
        {&insert_refusal_, "INSERT INTO refusal (record, reason) VALUES (?1, ?2)"},
        {&insert_lost_,
         // A later look at the damage may find more of it.
         "INSERT INTO lost (site, gateway, stream, first, last, chain, named_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
         "ON CONFLICT DO UPDATE SET last=excluded.last, chain=excluded.chain, named_by=excluded.named_by WHERE excluded.last > last"},
        {&find_lost_,
         "SELECT last, chain FROM lost WHERE site=?1 AND gateway=?2 AND stream=?3 AND first<=?4 AND last>=?4 ORDER BY last DESC LIMIT 1"}};
    for (auto const& [into, sql] : wanted) {
        auto statement = database_->prepare(sql);
        if (!statement) return fail(statement.error());
        *into = std::move(*statement);
    }
    return {};
}

Result<void> Ledger::reload() {
    streams_.clear();
    touched_.clear();
    notices_.clear();
    latest_ = nullptr;
    auto select = database_->prepare("SELECT id, site, gateway, stream, through, chain, coalesce(fork, 0) FROM stream");
    if (!select) return fail(select.error());
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return {};
        auto stream = std::make_unique<Stream>();
        stream->id = select->integer(0);
        stream->site = select->text(1);
        stream->gateway = select->text(2);
        stream->stream = select->text(3);
        stream->through = static_cast<std::uint64_t>(select->integer(4));
        stream->chain = digest_of(select->blob(5));
        stream->fork = static_cast<std::uint64_t>(select->integer(6));
        std::string key = key_of(stream->site, stream->gateway, stream->stream);
        streams_.emplace(std::move(key), std::move(stream));
    }
}

Ledger::Stream& Ledger::stream_of(Incoming const& in) {
    std::string_view const id = in.stream();
    if (!latest_ || latest_->stream != id || latest_->gateway != in.gateway || latest_->site != in.site) {
        auto& entry = streams_[key_of(in.site, in.gateway, id)];
        if (!entry) {
            entry = std::make_unique<Stream>();
            entry->site = in.site;
            entry->gateway = in.gateway;
            entry->stream = id;
            entry->chain = chain_start(id);
        }
        latest_ = entry.get();
    }
    if (!std::exchange(latest_->touched, true)) touched_.push_back(latest_);
    return *latest_;
}

Outcome Ledger::tell(Stream& stream, Outcome outcome, std::uint64_t seq, std::string detail, bool& told) {
    if (!std::exchange(told, true)) notices_.push_back({outcome, stream.site, stream.gateway, stream.stream, seq, std::move(detail)});
    return outcome;
}

Result<Outcome> Ledger::accept(Incoming const& in, std::int64_t now_ms) {
    Stream& stream = stream_of(in);
    Record const& record = in.record;
    if (record.seq <= stream.through) return compare(stream, in, now_ms);
    std::optional<Digest> previous = stream.chain;
    if (record.seq > stream.through + 1) {
        auto const passed = passes(stream, record.seq, previous);
        if (!passed) return fail(passed.error());
        if (!*passed)
            return tell(stream, Outcome::gap, record.seq,
                        fmt::format("Record {} came after {}; those between are missing.", record.seq, stream.through), stream.gap_told);
    }
    if (previous && chain_next(hash_, *previous, record.attributes, record.data) != record.chain)
        return tell(
            stream, Outcome::broken, record.seq,
            fmt::format("Record {} does not follow from record {}: its chain is {}.", record.seq, record.seq - 1, hex(record.chain)),
            stream.broken_told);
    auto const outcome = store(stream, in, now_ms);
    if (!outcome) return outcome;
    stream.through = record.seq;
    stream.chain = record.chain;
    stream.dirty = true;
    stream.gap_told = stream.broken_told = false;
    return outcome;
}

Result<std::optional<Digest>> Ledger::chain_before(Stream const& stream, std::uint64_t seq) {
    if (seq == 1) return std::optional{chain_start(stream.stream)};
    find_chain_.bind(1, record_id(stream.id, seq - 1));
    auto const row = find_chain_.step();
    if (!row) return fail(row.error());
    std::optional<Digest> out;
    if (*row) out = digest_of(find_chain_.blob(0));
    find_chain_.reset();
    return out;
}

Result<Outcome> Ledger::compare(Stream& stream, Incoming const& in, std::int64_t now_ms) {
    Record const& record = in.record;
    auto const kept = chain_before(stream, record.seq + 1);
    if (!kept) return fail(kept.error());
    if (*kept && **kept == record.chain) return Outcome::duplicate;
    if (!*kept) {
        // Named as lost, and here after all: welcome, if its place can be proved.
        auto const previous = chain_before(stream, record.seq);
        if (!previous) return fail(previous.error());
        if (*previous && chain_next(hash_, **previous, record.attributes, record.data) == record.chain) return store(stream, in, now_ms);
        return tell(stream, Outcome::gap, record.seq,
                    fmt::format("Record {} was named as lost, and the one before it is not here to prove it.", record.seq),
                    stream.gap_told);
    }
    bool told = stream.fork != 0 && stream.fork <= record.seq;
    if (!told) {
        stream.fork = record.seq;
        stream.dirty = true;
    }
    return tell(stream, Outcome::fork, record.seq,
                fmt::format("Record {} came again with the chain {}, but {} is stored: the outbox was cloned or restored.", record.seq,
                            hex(record.chain), hex(**kept)),
                told);
}

Result<bool> Ledger::passes(Stream const& stream, std::uint64_t seq, std::optional<Digest>& previous) {
    std::uint64_t next = stream.through + 1;
    while (next < seq) {
        find_lost_.bind_text(1, stream.site)
            .bind_text(2, stream.gateway)
            .bind_text(3, stream.stream)
            .bind(4, static_cast<std::int64_t>(next));
        auto const row = find_lost_.step();
        if (!row) return fail(row.error());
        if (!*row) return false;
        next = static_cast<std::uint64_t>(find_lost_.integer(0)) + 1;
        previous.reset();
        if (!find_lost_.is_null(1)) previous = digest_of(find_lost_.blob(1));
        find_lost_.reset();
    }
    return next == seq;
}

Result<void> Ledger::make_durable(Stream& stream) {
    if (stream.id != 0) return {};
    insert_stream_.bind_text(1, stream.site).bind_text(2, stream.gateway).bind_text(3, stream.stream);
    insert_stream_.bind(4, static_cast<std::int64_t>(stream.through)).bind_blob(5, as_bytes(stream.chain));
    auto const row = insert_stream_.step();
    if (!row) return fail(row.error());
    stream.id = insert_stream_.integer(0);
    insert_stream_.reset();
    return {};
}

Result<Outcome> Ledger::store(Stream& stream, Incoming const& in, std::int64_t now_ms) {
    if (auto const made = make_durable(stream); !made) return fail(made.error());
    Record const& record = in.record;
    std::int64_t const id = record_id(stream.id, record.seq);
    insert_record_.bind(1, id).bind_blob(2, record.attributes).bind_blob(3, record.data).bind_blob(4, as_bytes(record.chain));
    if (auto const done = insert_record_.run(); !done) return fail(done.error());

    std::string objection = objection_to(in);
    bool const of_run = in.type.starts_with("run.") && objection.empty();
    json::value data;
    // Original bytes are no JSON, and at 64 KiB a record parsing is what would cost most.
    if (objection.empty() && in.type != type::run_file) {
        auto parsed = json::parse(record.data, "The data");
        if (!parsed)
            objection = parsed.error().message;
        else if (auto problem = Schemas::of_wire().mismatch(in.type, *parsed))
            objection = *problem + ".";
        else
            data = std::move(*parsed);
    }
    if (objection.empty() && in.type == type::stream_closed)
        if (auto const done = name_lost(stream, in, data.as_object(), objection); !done) return fail(done.error());
    if (objection.empty()) {
        if (of_run)
            if (auto const done = runs_->take(id, in, data.if_object(), now_ms); !done) return fail(done.error());
        return Outcome::stored;
    }
    if (auto const done = insert_refusal_.bind(1, id).bind_text(2, objection).run(); !done) return fail(done.error());
    if (of_run)
        if (auto const done = runs_->take_refused(id, in, objection, now_ms); !done) return fail(done.error());
    notices_.push_back({Outcome::refused, stream.site, stream.gateway, stream.stream, record.seq, std::move(objection)});
    return Outcome::refused;
}

Result<void> Ledger::name_lost(Stream const& by, Incoming const& in, json::object const& data, std::string& objection) {
    std::string_view const closed = json::string_of(data, "stream");
    json::array const& ranges = data.at("lost").as_array();
    if (closed == in.stream()) objection = "A stream cannot name its own records as lost; the stream after it does.";
    if (ranges.size() > lost_ranges_max)
        objection = fmt::format("It names {} lost ranges, expected at most {}.", ranges.size(), lost_ranges_max);
    std::int64_t last_before = 0;
    for (auto const& range : ranges) {
        std::int64_t const first = json::integer_of(range.as_object(), "first");
        std::int64_t const last = json::integer_of(range.as_object(), "last");
        if (objection.empty() && (first <= last_before || last < first || last > static_cast<std::int64_t>(seq_max)))
            objection = fmt::format("The lost range {} to {} does not ascend from the one before it.", first, last);
        last_before = last;
    }
    if (!objection.empty()) return {};
    for (auto const& range : ranges) {
        insert_lost_.bind_text(1, in.site).bind_text(2, in.gateway).bind_text(3, closed);
        insert_lost_.bind(4, json::integer_of(range.as_object(), "first")).bind(5, json::integer_of(range.as_object(), "last"));
        Digest chain{};
        if (digest_from_hex(json::string_of(range.as_object(), "chain"), chain))
            insert_lost_.bind_blob(6, as_bytes(chain));
        else
            insert_lost_.bind_null(6);
        if (auto const done = insert_lost_.bind(7, record_id(by.id, in.record.seq)).run(); !done) return done;
    }
    return {};
}

Result<void> Ledger::write() {
    for (Stream* stream : touched_) {
        if (!stream->dirty) continue;
        update_stream_.bind(1, stream->id).bind(2, static_cast<std::int64_t>(stream->through)).bind_blob(3, as_bytes(stream->chain));
        if (auto const done = update_stream_.bind(4, static_cast<std::int64_t>(stream->fork)).run(); !done) return done;
        stream->dirty = false;
    }
    return {};
}

std::vector<Notice> Ledger::notices() { return std::exchange(notices_, {}); }

Acknowledgement Ledger::acknowledgement(Stream const& stream) {
    return {stream.site, stream.gateway, stream.stream, stream.through, stream.chain, stream.fork};
}

std::vector<Acknowledgement> Ledger::touched() {
    std::vector<Acknowledgement> out;
    for (Stream* stream : touched_) {
        stream->touched = false;
        out.push_back(acknowledgement(*stream));
    }
    touched_.clear();
    return out;
}

std::vector<Acknowledgement> Ledger::all() const {
    std::vector<Acknowledgement> out;
    for (auto const& [key, stream] : streams_) out.push_back(acknowledgement(*stream));
    return out;
}

std::vector<Acknowledgement> Ledger::of_gateway(std::string_view site, std::string_view gateway, std::string_view named) const {
    std::vector<Acknowledgement> out;
    bool known = named.empty();
    for (auto const& [key, stream] : streams_) {
        if (stream->site != site || stream->gateway != gateway) continue;
        known = known || stream->stream == named;
        out.push_back(acknowledgement(*stream));
    }
    if (!known) out.push_back({std::string{site}, std::string{gateway}, std::string{named}, 0, chain_start(named), 0});
    return out;
}

bool Ledger::covers(std::string_view site, std::string_view gateway, std::string_view stream, std::uint64_t through) const {
    auto const found = streams_.find(key_of(site, gateway, stream));
    // Nothing is claimed of a stream by "through 0", which is also what the centre itself says of one that it does not know.
    return through == 0 || (found != streams_.end() && found->second->through >= through);
}

}  // namespace marrowlink::central
