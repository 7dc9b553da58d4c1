#include "central/runs.hpp"

#include <fmt/format.h>

#include <charconv>

#include "central/store.hpp"
#include "core/text.hpp"

namespace marrowlink::central {
namespace {
std::int64_t number_of(std::string_view text) {
    std::int64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

// Prepares several statements; the first error wins.
Result<void> prepare_all(Database& database, std::initializer_list<std::pair<Statement*, std::string_view>> wanted) {
    for (auto const& [into, sql] : wanted) {
        auto statement = database.prepare(sql);
        if (!statement) return fail(statement.error());
        *into = std::move(*statement);
    }
    return {};
}
}  // namespace

std::string verdict_of(std::string_view state, std::int64_t revision) {
    if (state != run_state::complete) return "not counted";
    return revision == 0 ? "counted" : "revision";
}

std::string Answer::json() const {
    json::object out{{"run", run},     {"instrument", instrument}, {"sourcekey", sourcekey},
                     {"state", state}, {"verdict", verdict},       {"reason", reason}};
    if (!plate_verdict.empty())
        out["plate_quality"] = json::object{{"verdict", plate_verdict}, {"reason", beginning_of(plate_reason, answer_reason_bytes_max)}};
    return json::serialize(out);
}

Result<RunStore> RunStore::over(Database& database) {
    RunStore store{database};
    if (auto const done = store.prepare(); !done) return fail(done.error());
    return store;
}

Result<void> RunStore::prepare() {
    return prepare_all(
        *database_,
        {{&find_source_, "SELECT id FROM source WHERE site=?1 AND instrument=?2"},
         {&insert_source_, "INSERT INTO source (site, instrument) VALUES (?1, ?2) RETURNING id"},
         {&find_rows_,
          "SELECT id, revision, run, state, reason, plate, labelled, message, manifest FROM run WHERE source=?1 AND sourcekey=?2 ORDER BY "
          "revision"},
         {&insert_run_,
          "INSERT INTO run (source, sourcekey, revision, run, stream, state, reason, plate, labelled, message, manifest, changed_ms) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', '', 0, nullif(?7, 0), NULL, ?8) RETURNING id"},
         {&update_run_,
          "UPDATE run SET stream=?2, state=?3, reason=?4, plate=?5, labelled=?6, manifest=nullif(?7, 0), changed_ms=?8 WHERE id=?1"},
         {&insert_part_, "INSERT OR IGNORE INTO part (run, file, number, record) VALUES (?1, ?2, ?3, ?4)"},
         {&find_part_, "SELECT record FROM part WHERE run=?1 AND file=?2 AND number=?3"},
         {&find_data_, "SELECT data FROM record WHERE id=?1"},
         {&count_blocks_, "SELECT count(*), coalesce(max(number), -1) FROM part WHERE run=?1 AND file=x''"},
         {&file_chunks_, "SELECT number, data FROM part JOIN record ON record.id = part.record WHERE run=?1 AND file=?2 ORDER BY number"},
         {&insert_label_, "INSERT INTO label (run, plate, who, why, record) VALUES (?1, ?2, ?3, ?4, ?5)"},
         {&update_tally_,
          "INSERT INTO tally (source, state, message, revised, runs) VALUES (?1, ?2, ?3, ?4, ?5) "
          "ON CONFLICT (source, state, message, revised) DO UPDATE SET runs = runs + excluded.runs"},
         {&select_recent_,
          "SELECT run.run, source.instrument, run.sourcekey, run.state, run.revision, run.reason, evaluation.verdict, evaluation.reason "
          "FROM run JOIN source ON source.id = run.source JOIN stream ON stream.id = run.stream "
          "LEFT JOIN evaluation ON evaluation.id = (SELECT max(id) FROM evaluation AS one WHERE one.run = run.id) WHERE run.message IS "
          "NULL AND run.changed_ms >= ?3 AND run.state <> 'open' "
          "AND stream.site = ?1 AND stream.gateway = ?2 ORDER BY run.changed_ms DESC LIMIT ?4"}});
}

Result<std::int64_t> RunStore::source_of(std::string const& site, std::string const& instrument) {
    auto const key = std::pair{site, instrument};
    if (auto const known = sources_.find(key); known != sources_.end()) return known->second;
    for (Statement* statement : {&find_source_, &insert_source_}) {
        statement->bind_text(1, site).bind_text(2, instrument);
        auto const row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) continue;
        std::int64_t const id = statement->integer(0);
        statement->reset();
        return sources_[key] = id;
    }
    return fail(Fault::broken,
                fmt::format("{}: source {}/{} could neither be found nor added.", database_->path().string(), site, instrument));
}

Result<RunStore::Place> RunStore::place_of(std::int64_t record_id, Incoming const& incoming, std::int64_t now_ms) {
    auto const source = source_of(incoming.site, incoming.instrument);
    if (!source) return fail(source.error());
    return Place{record_id, *source, now_ms, &incoming, incoming.record.attribute("subject"), incoming.record.attribute("sourcekey")};
}

Result<std::vector<RunStore::Row>> RunStore::rows_of(Place const& place) {
    find_rows_.bind(1, place.source).bind_text(2, place.sourcekey);
    std::vector<Row> rows;
    for (;;) {
        auto const more = find_rows_.step();
        if (!more) return fail(more.error());
        if (!*more) return rows;
        Row row;
        row.id = find_rows_.integer(0);
        row.revision = find_rows_.integer(1);
        row.run = find_rows_.text(2);
        row.state = find_rows_.text(3);
        row.reason = find_rows_.text(4);
        row.plate = find_rows_.text(5);
        row.labelled = find_rows_.integer(6) != 0;
        row.message = find_rows_.integer(7);
        row.manifest = find_rows_.integer(8);
        rows.push_back(std::move(row));
    }
}

void RunStore::add(std::int64_t source, std::string_view state, bool message, bool revised, std::int64_t runs) {
    tally_[{source, std::string{state}, message, revised}] += runs;
}

Result<RunStore::Row> RunStore::insert(Place const& place, std::int64_t revision, std::string_view state, std::int64_t message) {
    insert_run_.bind(1, place.source)
        .bind_text(2, place.sourcekey)
        .bind(3, revision)
        .bind_text(4, place.run)
        .bind(5, stream_of(place.record));
    insert_run_.bind_text(6, state).bind(7, message).bind(8, place.now_ms);
    auto const row = insert_run_.step();
    if (!row) return fail(row.error());
    Row out;
    out.id = insert_run_.integer(0);
    insert_run_.reset();
    out.revision = revision;
    out.message = message;
    out.run = place.run;
    out.state = state;
    add(place.source, state, message != 0, revision > 0, 1);
    return out;
}

Result<RunStore::Row> RunStore::first_row(Place const& place) {
    auto rows = rows_of(place);
    if (!rows) return fail(rows.error());
    for (Row& row : *rows)
        if (row.run == place.run) return std::move(row);
    return insert(place, static_cast<std::int64_t>(rows->size()), run_state::open, 0);
}

Result<std::string> RunStore::data_of(std::int64_t record_id) {
    find_data_.bind(1, record_id);
    auto const row = find_data_.step();
    if (!row) return fail(row.error());
    std::string data{*row ? find_data_.blob(0) : std::string_view{}};
    find_data_.reset();
    return data;
}

Result<void> RunStore::take(std::int64_t record_id, Incoming const& incoming, json::object const* data, std::int64_t now_ms) {
    auto const found = place_of(record_id, incoming, now_ms);
    if (!found) return fail(found.error());
    Place const& place = *found;
    std::string_view const type = incoming.type;
    if (type == type::run_readings) {
        if (data->contains("message")) return take_message(place, json::string_of(*data, "message"));
        return take_part(place, {}, json::integer_of(*data, "block"));
    }
    if (type == type::run_file) {
        Digest file{};
        digest_from_hex(incoming.record.attribute("filesha256"), file);
        return take_part(place, as_bytes(file), number_of(incoming.record.attribute("fileoffset")));
    }
    if (type == type::run_finished) return take_manifest(place);
    if (type == type::run_labelled) return take_label(place, *data);

    auto row = first_row(place);
    if (!row) return fail(row.error());
    if (type == type::run_started) {
        if (!row->labelled && row->plate.empty()) row->plate = json::string_of(*data, "plate");
        return save(*row, place, row->state, row->reason);
    }
    // What is complete stays complete: a gateway that gave a run up and then received it after all has measured it.
    if (row->state == run_state::complete || row->state == run_state::unreadable) return {};
    return save(*row, place, run_state::aborted, json::string_of(*data, "reason"));
}

Result<void> RunStore::take_refused(std::int64_t record_id, Incoming const& incoming, std::string_view reason, std::int64_t now_ms) {
    auto const place = place_of(record_id, incoming, now_ms);
    if (!place) return fail(place.error());
    auto row = first_row(*place);
    if (!row) return fail(row.error());
    if (row->state == run_state::complete || row->state == run_state::unreadable) return {};
    return save(*row, *place, run_state::refused, reason);
}

Result<void> RunStore::take_message(Place const& place, std::string_view message) {
    auto const rows = rows_of(place);
    if (!rows) return fail(rows.error());
    for (Row const& row : *rows) {
        if (row.message == 0) continue;
        auto const other = data_of(row.message);
        if (!other) return fail(other.error());
        if (*other == place.in->record.data) return {};
        auto const parsed = json::parse(*other, "stored message");
        if (parsed && parsed->is_object() && json::string_of(parsed->get_object(), "message") == message) return {};
    }
    auto const row = insert(place, static_cast<std::int64_t>(rows->size()), run_state::complete, place.record);
    if (!row) return fail(row.error());
    // The acknowledgement already says that a message is here, and a message is a whole run: only the exception is worth an answer of its
    // own.
    if (row->revision > 0)
        answers_.push_back({place.in->site, place.in->gateway, row->run, place.in->instrument, std::string{place.sourcekey}, row->state,
                            verdict_of(row->state, row->revision), "The same key came before with another message."});
    return {};
}

Result<RunStore::Put> RunStore::put_part(Row const& row, Place const& place, std::string_view file, std::int64_t number) {
    insert_part_.bind(1, row.id).bind_blob(2, file).bind(3, number).bind(4, place.record);
    if (auto const done = insert_part_.run(); !done) return fail(done.error());
    if (database_->changes() > 0) return Put::added;
    find_part_.bind(1, row.id).bind_blob(2, file).bind(3, number);
    auto const there = find_part_.step();
    if (!there) return fail(there.error());
    std::int64_t const earlier = *there ? find_part_.integer(0) : 0;
    find_part_.reset();
    auto const data = data_of(earlier);
    if (!data) return fail(data.error());
    return *data == place.in->record.data ? Put::repeated : Put::other_bytes;
}

Result<void> RunStore::take_part(Place const& place, std::string_view file, std::int64_t number) {
    auto rows = rows_of(place);
    if (!rows) return fail(rows.error());
    for (Row& row : *rows) {
        if (row.run != place.run) continue;
        auto const put = put_part(row, place, file, number);
        if (!put) return fail(put.error());
        if (*put == Put::other_bytes) continue;
        return *put == Put::added && row.manifest != 0 ? judge(row, place) : Result<void>{};
    }
    auto const row = insert(place, static_cast<std::int64_t>(rows->size()), run_state::open, 0);
    if (!row) return fail(row.error());
    auto const put = put_part(*row, place, file, number);
    return put ? Result<void>{} : fail(put.error());
}

Result<void> RunStore::take_manifest(Place const& place) {
    auto rows = rows_of(place);
    if (!rows) return fail(rows.error());
    for (Row& row : *rows) {
        if (row.run != place.run) continue;
        if (row.manifest != 0) {
            auto const earlier = data_of(row.manifest);
            if (!earlier) return fail(earlier.error());
            if (*earlier != place.in->record.data) continue;
            return {};
        }
        row.manifest = place.record;
        return judge(row, place);
    }
    auto row = insert(place, static_cast<std::int64_t>(rows->size()), run_state::open, 0);
    if (!row) return fail(row.error());
    row->manifest = place.record;
    return judge(*row, place);
}

Result<void> RunStore::take_label(Place const& place, json::object const& data) {
    auto row = first_row(place);
    if (!row) return fail(row.error());
    std::string_view const plate = json::string_of(data, "plate");
    insert_label_.bind(1, row->id)
        .bind_text(2, plate)
        .bind_text(3, json::string_of(data, "who"))
        .bind_text(4, json::string_of(data, "why"));
    if (auto const done = insert_label_.bind(5, place.record).run(); !done) return fail(done.error());
    row->plate = plate;
    row->labelled = true;
    return save(*row, place, row->state, row->reason);
}

Result<std::string> RunStore::missing_blocks(Row const& row, std::int64_t blocks) {
    count_blocks_.bind(1, row.id);
    auto const there = count_blocks_.step();
    if (!there) return fail(there.error());
    std::int64_t const count = count_blocks_.integer(0);
    std::int64_t const last = count_blocks_.integer(1);
    count_blocks_.reset();
    if (count == blocks && last == blocks - 1) return std::string{};
    return fmt::format("{} blocks of readings are here, the manifest names {}.", count, blocks);
}

Result<std::string> RunStore::wrong_file(Row const& row, json::object const& file) {
    Digest wanted{};
    digest_from_hex(json::string_of(file, "sha256"), wanted);
    std::int64_t const size = json::integer_of(file, "size");
    std::int64_t reached = 0;
    file_chunks_.bind(1, row.id).bind_blob(2, as_bytes(wanted));
    for (;;) {
        auto const more = file_chunks_.step();
        if (!more) return fail(more.error());
        if (!*more) break;
        if (file_chunks_.integer(0) != reached) {
            file_chunks_.reset();
            break;
        }
        hash_.update(file_chunks_.blob(1));
        reached += static_cast<std::int64_t>(file_chunks_.blob(1).size());
    }
    Digest const found = hash_.finish();
    if (reached != size) return fmt::format("{} of {} bytes of the file {} are here in one piece.", reached, size, hex(wanted));
    if (found != wanted) return fmt::format("The bytes of the file {} have the SHA-256 {}.", hex(wanted), hex(found));
    return std::string{};
}

Result<void> RunStore::judge(Row& row, Place const& place) {
    auto const bytes = row.manifest == place.record ? Result<std::string>{place.in->record.data} : data_of(row.manifest);
    if (!bytes) return fail(bytes.error());
    auto const parsed = json::parse(*bytes, "manifest");
    if (!parsed || !parsed->is_object()) return save(row, place, run_state::refused, "The stored manifest is not JSON.");
    json::object const& manifest = parsed->get_object();
    if (!row.labelled && !json::string_of(manifest, "plate").empty()) row.plate = json::string_of(manifest, "plate");
    auto problem = missing_blocks(row, json::integer_of(manifest, "blocks"));
    if (!problem) return fail(problem.error());
    for (auto const& file : manifest.at("files").as_array()) {
        if (!problem->empty()) break;
        problem = wrong_file(row, file.as_object());
        if (!problem) return fail(problem.error());
    }
    if (!problem->empty()) return save(row, place, run_state::incomplete, *problem);
    return save(row, place, json::string_of(manifest, "state"), json::string_of(manifest, "reason"));
}

Result<void> RunStore::save(Row& row, Place const& place, std::string_view state, std::string_view reason) {
    update_run_.bind(1, row.id).bind(2, stream_of(place.record)).bind_text(3, state).bind_text(4, reason).bind_text(5, row.plate);
    if (auto const done = update_run_.bind(6, row.labelled).bind(7, row.manifest).bind(8, place.now_ms).run(); !done) return done;
    if (state != row.state) {
        add(place.source, row.state, row.message != 0, row.revision > 0, -1);
        add(place.source, state, row.message != 0, row.revision > 0, 1);
    }
    row.state = state;
    if (state != run_state::open)
        answers_.push_back({place.in->site, place.in->gateway, row.run, place.in->instrument, std::string{place.sourcekey}, row.state,
                            verdict_of(row.state, row.revision), std::string{reason}});
    return {};
}

Result<void> RunStore::write() {
    for (auto const& [key, runs] : tally_) {
        auto const& [source, state, message, revised] = key;
        if (runs == 0) continue;
        update_tally_.bind(1, source).bind_text(2, state).bind(3, message).bind(4, revised).bind(5, runs);
        if (auto const done = update_tally_.run(); !done) return done;
    }
    tally_.clear();
    return {};
}

void RunStore::forget() {
    sources_.clear();
    tally_.clear();
    answers_.clear();
}

std::vector<Answer> RunStore::answers() { return std::exchange(answers_, {}); }

Result<std::vector<Answer>> RunStore::recent_answers(std::string_view site, std::string_view gateway, std::int64_t since_ms,
                                                     std::int64_t rows_max) {
    select_recent_.bind_text(1, site).bind_text(2, gateway).bind(3, since_ms).bind(4, rows_max);
    std::vector<Answer> out;
    for (;;) {
        auto const more = select_recent_.step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        auto const text = [&](int column) { return std::string{select_recent_.text(column)}; };
        out.push_back({std::string{site}, std::string{gateway}, text(0), text(1), text(2), text(3),
                       verdict_of(select_recent_.text(3), select_recent_.integer(4)), text(5), text(6), text(7)});
    }
}

}  // namespace marrowlink::central
