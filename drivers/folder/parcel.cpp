#include "drivers/folder/parcel.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace marrowlink {
namespace {
constexpr std::string_view driver_name = "folder";
// Lengths that docs/schema/run.finished.json allows, in bytes of UTF-8 and so never more characters than that.
constexpr std::size_t plate_bytes_max = 1024;
constexpr std::size_t as_written_bytes_max = 256;
constexpr std::size_t sentence_bytes_max = 1024;

// Cut between characters.
std::string clipped(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return std::string{text};
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return std::string{text.substr(0, end)};
}

json::object dataset_json(CytometryDataset const& set, bool with_parameters) {
    json::object out{{"version", set.version}, {"events", set.events}};
    if (!set.cytometer.empty()) out["cytometer"] = clipped(set.cytometer, plate_bytes_max);
    if (!set.started.empty()) out["started"] = clipped(set.started, as_written_bytes_max);
    if (!with_parameters) return out;
    json::array parameters;
    for (CytometryParameter const& p : set.parameters) {
        json::object one{{"n", clipped(p.n, plate_bytes_max)}};
        if (!p.s.empty()) one["s"] = clipped(p.s, plate_bytes_max);
        one["bits"] = p.bits;
        one["range"] = clipped(p.range, 64);
        parameters.push_back(std::move(one));
    }
    out["parameters"] = std::move(parameters);
    return out;
}

// A manifest is one record. What does not fit is left out from the end and said so: parameters first, then data sets; the file itself holds
// all.
Draft manifest_draft(RunIdentity const& id, RunManifest manifest, std::vector<CytometryDataset> const& sets) {
    std::size_t whole = sets.size();
    std::size_t listed = sets.size();
    for (;;) {
        RunManifest attempt = manifest;
        for (std::size_t i = 0; i < listed; ++i) attempt.datasets.push_back(dataset_json(sets[i], i < whole));
        if (whole < sets.size())
            attempt.notes.push_back(fmt::format("Of {} data sets this manifest lists {}, {} of them with parameters; the file holds all.",
                                                sets.size(), listed, whole));
        Draft draft = run_finished(id, attempt);
        if (draft.data.size() <= block_bytes_max || listed == 0) return draft;
        if (whole > 0)
            whole /= 2;
        else
            listed /= 2;
    }
}
}  // namespace

Parcel::Parcel(ParcelLabel const& label, Examination examination) : examination_(std::move(examination)) {
    id_.instrument = label.instrument;
    id_.driver = driver_name;
    id_.sourcekey = sourcekey_of(examination_.document.identity, label.original_sha256);
    id_.run = run_id_of(label.instrument, id_.sourcekey, label.original_sha256);
    taken_ = {label.instrument, label.original_sha256, id_.run, label.name};
    size_ = examination_.copy.size();
    json::object protocol{{"format", examination_.format}};
    if (!label.file_time.empty()) protocol["file_time"] = label.file_time;
    started_ = run_started(id_, clipped(examination_.document.plate, plate_bytes_max), "export folder", std::move(protocol));
    write_tail(label);
    if (readable() && !storable()) {
        examination_.verdict = Verdict::unreadable;
        examination_.reason = fmt::format("One reading alone takes too much of the {} bytes that a record may have.", block_bytes_max);
        write_tail(label);
    }
    // Text enough is made of it, and the plates of a long kinetic run are large.
    examination_.document = {};
}

bool Parcel::storable() const {
    return std::all_of(tail_.begin(), tail_.end(), [](Draft const& draft) { return draft.data.size() <= block_bytes_max; });
}

void Parcel::write_tail(ParcelLabel const& label) {
    Document const& document = examination_.document;
    RunManifest manifest;
    tail_.clear();
    if (readable()) tail_ = run_readings(id_, document.readings);
    manifest.plate = clipped(document.plate, plate_bytes_max);
    manifest.started_as_written = clipped(document.started, as_written_bytes_max);
    manifest.arrived = label.arrived;
    RunFile file;
    file.role = "export";
    file.format = examination_.format;
    file.sha256 = examination_.copy_sha256;
    file.original_sha256 = label.original_sha256;
    file.size = size_;
    file.blanked = examination_.blanked_bytes;
    manifest.files.push_back(std::move(file));
    if (readable()) {
        manifest.blocks = tail_.size();
        manifest.readings = &document.readings;
        for (std::size_t i = 0; i < std::min(document.notes.size(), notes_max); ++i)
            manifest.notes.push_back(clipped(document.notes[i], sentence_bytes_max));
        if (document.notes.size() > notes_max)
            manifest.notes.push_back(fmt::format("{} more notes were left out.", document.notes.size() - notes_max));
    } else {
        manifest.state = "unreadable";
        manifest.reason = clipped(without_quotations(examination_.reason), sentence_bytes_max);
    }
    tail_.push_back(manifest_draft(id_, std::move(manifest), readable() ? document.datasets : std::vector<CytometryDataset>{}));
}

Batch Parcel::cut(Place& place) const {
    Batch out;
    std::size_t bytes = 0;
    auto const fits = [&](std::size_t more) { return out.records.empty() || bytes + more <= batch_bytes_max; };
    if (!place.begun) {
        bytes += started_.data.size();
        out.records.push_back(started_);
        place.begun = true;
    }
    while (place.offset < size_) {
        std::uint64_t const end = std::min<std::uint64_t>(place.offset + block_bytes_max, size_);
        auto const before = [](BlankedPiece const& piece, std::uint64_t offset) { return piece.offset < offset; };
        auto const& pieces = examination_.blanked;
        auto const first = std::lower_bound(pieces.begin(), pieces.end(), place.offset, before);
        auto const last = std::lower_bound(first, pieces.end(), end, before);
        std::size_t more = end - place.offset;
        for (auto piece = first; piece != last; ++piece) more += piece->bytes.size();
        if (!fits(more)) return out;
        bytes += more;
        out.records.push_back(run_file_chunk(id_, examination_.copy, examination_.copy_sha256, place.offset));
        for (auto piece = first; piece != last; ++piece) out.blanked.push_back({taken_.sha256, piece->offset, piece->bytes});
        place.offset = end;
    }
    while (place.tail < tail_.size() && fits(tail_[place.tail].data.size())) {
        bytes += tail_[place.tail].data.size();
        out.records.push_back(tail_[place.tail++]);
    }
    if (place.tail == tail_.size()) out.taken = taken_;
    return out;
}

Batch Parcel::batch() {
    after_ = at_;
    return cut(after_);
}

void Parcel::advance() {
    at_ = after_;
    if (at_.offset < size_) return;
    examination_.copy = {};
    examination_.blanked = {};
}

}  // namespace marrowlink
