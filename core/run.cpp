#include "core/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace marrowlink {
namespace {
Draft draft_of(RunIdentity const& id, std::string_view type, std::string part) {
    Draft draft;
    draft.type = type;
    draft.instrument = id.instrument;
    draft.run = id.run;
    draft.sourcekey = id.sourcekey;
    draft.part = std::move(part);
    return draft;
}

json::object header(RunIdentity const& id) { return json::object{{"run", id.run}, {"instrument", id.instrument}, {"driver", id.driver}}; }

json::object reading_json(Reading const& r) {
    json::object out;
    for (auto const& [name, member] : reading_fields)
        if (member == &Reading::well || !(r.*member).empty()) out[name] = r.*member;
    return out;
}

// What a person holds against the instrument's printout.
json::object summary_json(std::vector<Reading> const& readings) {
    json::object out;
    out["count"] = readings.size();
    if (readings.empty()) return out;
    Reading const* lowest = nullptr;
    Reading const* highest = nullptr;
    double low = 0;
    double high = 0;
    std::uint64_t flagged = 0;
    for (Reading const& r : readings) {
        if (!r.flag.empty()) ++flagged;
        double value = 0;
        char const* const begin = r.value.data() + (r.value.starts_with('+') ? 1 : 0);
        auto const [end, error] = std::from_chars(begin, r.value.data() + r.value.size(), value);
        if (r.value.empty() || error != std::errc{}) continue;
        if (!lowest || value < low) lowest = &r, low = value;
        if (!highest || value > high) highest = &r, high = value;
    }
    out["flagged"] = flagged;
    out["first"] = reading_json(readings.front());
    out["last"] = reading_json(readings.back());
    if (lowest) out["min"] = reading_json(*lowest);
    if (highest) out["max"] = reading_json(*highest);
    return out;
}
}  // namespace

std::string run_id_of(std::string_view instrument, std::string_view sourcekey, std::string_view original_sha256_hex) {
    Sha256 hash;
    for (std::string_view const text : {instrument, sourcekey, original_sha256_hex}) hash.update(text).update(std::string_view{"\0", 1});
    std::string const h = hex(hash.finish());
    return fmt::format("{}-{}-{}-{}-{}", h.substr(0, 8), h.substr(8, 4), h.substr(12, 4), h.substr(16, 4), h.substr(20, 12));
}

std::string sourcekey_of(std::string const& identity, std::string const& original_sha256_hex) {
    if (identity.empty()) return original_sha256_hex;
    bool const plain = std::all_of(identity.begin(), identity.end(), [](char c) { return c >= ' ' && c < 0x7F; });
    return plain && identity.size() <= sourcekey_bytes_max ? identity : hex(sha256(identity));
}

Draft run_started(RunIdentity const& id, std::string_view plate, std::string_view by, json::object protocol) {
    Draft draft = draft_of(id, type::run_started, "");
    json::object data = header(id);
    data["plate"] = plate;
    data["by"] = by;
    if (!protocol.empty()) data["protocol"] = std::move(protocol);
    draft.data = json::serialize(data);
    return draft;
}

std::vector<Draft> run_readings(RunIdentity const& id, std::vector<Reading> const& readings) {
    constexpr std::size_t envelope_bytes = 512;
    std::vector<Draft> out;
    std::string rows;
    auto const flush = [&] {
        Draft draft = draft_of(id, type::run_readings, std::to_string(out.size()));
        draft.data = fmt::format(R"({{"run":"{}","block":{},"readings":[{}]}})", id.run, out.size(), rows);
        out.push_back(std::move(draft));
        rows.clear();
    };
    for (Reading const& reading : readings) {
        std::string const row = json::serialize(reading_json(reading));
        if (!rows.empty() && rows.size() + row.size() + envelope_bytes > block_bytes_max) flush();
        if (!rows.empty()) rows += ',';
        rows += row;
    }
    if (!rows.empty()) flush();
    return out;
}

Draft run_file_chunk(RunIdentity const& id, std::string_view bytes, std::string_view sha256_hex, std::size_t offset) {
    Draft draft = draft_of(id, type::run_file, fmt::format("{}/{}", sha256_hex, offset));
    draft.content_type = "application/octet-stream";
    draft.data = bytes.substr(offset, block_bytes_max);
    draft.extensions = {
        {"fileoffset", std::to_string(offset)}, {"filesha256", std::string{sha256_hex}}, {"filesize", std::to_string(bytes.size())}};
    return draft;
}

std::vector<Draft> run_file(RunIdentity const& id, std::string_view bytes, std::string_view sha256_hex) {
    std::vector<Draft> out;
    std::size_t offset = 0;
    do {
        out.push_back(run_file_chunk(id, bytes, sha256_hex, offset));
        offset += block_bytes_max;
    } while (offset < bytes.size());
    return out;
}

Draft run_finished(RunIdentity const& id, RunManifest const& m) {
    Draft draft = draft_of(id, type::run_finished, "");
    json::object data = header(id);
    data["state"] = m.state;
    json::put_text(data, "reason", m.reason);
    data["plate"] = m.plate;
    json::put_text(data, "started", m.started);
    json::put_text(data, "started_as_written", m.started_as_written);
    json::put_text(data, "arrived", m.arrived);
    data["blocks"] = m.blocks;
    json::array files;
    for (RunFile const& f : m.files) {
        files.push_back(json::object{{"role", f.role},
                                     {"format", f.format},
                                     {"size", f.size},
                                     {"sha256", f.sha256},
                                     {"original_sha256", f.original_sha256},
                                     {"blanked", f.blanked}});
    }
    data["files"] = std::move(files);
    data["readings"] = m.readings ? summary_json(*m.readings) : json::object{{"count", 0}};
    if (!m.datasets.empty()) data["datasets"] = m.datasets;
    if (!m.notes.empty()) data["notes"] = json::array(m.notes.begin(), m.notes.end());
    draft.data = json::serialize(data);
    return draft;
}

Draft run_aborted(RunIdentity const& id, std::string_view reason) {
    Draft draft = draft_of(id, type::run_aborted, "");
    json::object data = header(id);
    data["reason"] = reason;
    draft.data = json::serialize(data);
    return draft;
}

Draft run_labelled(RunIdentity const& id, std::string_view plate, std::string_view who, std::string_view why, std::string_view part) {
    Draft draft = draft_of(id, type::run_labelled, std::string{part});
    json::object data = header(id);
    data["plate"] = plate;
    data["who"] = who;
    data["why"] = why;
    draft.data = json::serialize(data);
    return draft;
}

std::vector<Draft> run_unreadable(RunIdentity const& id, std::string_view bytes, std::string_view original_sha256, std::uint64_t blanked,
                                  std::string reason, std::string arrived) {
    RunManifest manifest;
    manifest.state = "unreadable";
    manifest.reason = std::move(reason);
    manifest.arrived = std::move(arrived);
    std::string const digest = blanked == 0 ? std::string{original_sha256} : hex(sha256(bytes));
    manifest.files.push_back({"transcript", "bytes", digest, std::string{original_sha256}, bytes.size(), blanked});
    std::vector<Draft> records = run_file(id, bytes, digest);
    records.push_back(run_finished(id, manifest));
    return records;
}

Draft run_message(RunIdentity const& id, std::string_view text) {
    Draft draft = draft_of(id, type::run_readings, "0");
    json::object data{{"run", id.run}, {"block", 0}, {"message", text}};
    draft.data = json::serialize(data);
    return draft;
}

}  // namespace marrowlink
