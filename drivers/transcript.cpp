#include "drivers/transcript.hpp"

#include <iterator>

#include "core/sha256.hpp"
#include "drivers/blanking.hpp"

namespace marrowlink {

namespace {

void keep(Batch& batch, std::string const& original_sha256, std::vector<BlankedPiece> pieces) {
    for (BlankedPiece& piece : pieces) batch.blanked.push_back({original_sha256, piece.offset, std::move(piece.bytes)});
}

}  // namespace

Batch transcript_run(RunIdentity const& id, std::string bytes, Document const& document, std::string arrived) {
    std::string const original = hex(sha256(bytes));
    BlankedCopy copy = copy_without(std::move(bytes), document.name_bearing);
    std::string const digest = copy.blanked == 0 ? original : hex(sha256(copy.bytes));
    Batch batch;
    batch.records = run_file(id, copy.bytes, digest);
    std::vector<Draft> blocks = run_readings(id, document.readings);
    RunManifest manifest;
    manifest.plate = document.plate;
    manifest.started_as_written = document.started;
    manifest.arrived = std::move(arrived);
    manifest.blocks = blocks.size();
    manifest.files.push_back({"transcript", document.format, digest, original, copy.bytes.size(), copy.blanked});
    manifest.readings = &document.readings;
    manifest.notes = document.notes;
    std::move(blocks.begin(), blocks.end(), std::back_inserter(batch.records));
    batch.records.push_back(run_finished(id, manifest));
    keep(batch, original, std::move(copy.pieces));
    return batch;
}

Batch unreadable_run(std::string instrument, std::string driver, std::string bytes, Names names, std::string reason, std::string arrived) {
    std::string const original = hex(sha256(bytes));
    std::string run = run_id_of(instrument, original, original);
    RunIdentity const id{std::move(instrument), std::move(driver), std::move(run), original};
    std::vector<NameBearing> hidden;
    if (names == Names::possible) hidden.push_back({0, bytes.size(), "all of it"});
    BlankedCopy copy = copy_without(std::move(bytes), hidden);
    Batch batch;
    batch.records = run_unreadable(id, copy.bytes, original, copy.blanked, std::move(reason), std::move(arrived));
    keep(batch, original, std::move(copy.pieces));
    return batch;
}

}  // namespace marrowlink
