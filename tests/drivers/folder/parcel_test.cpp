#include "drivers/folder/parcel.hpp"

#include <catch2/catch.hpp>

#include "core/sha256.hpp"
#include "tests/drivers/folder/test_format.hpp"

using namespace marrowlink;
using namespace marrowlink::sim;

namespace {
Examination of_bytes(std::string bytes) {
    Examination out;
    out.verdict = Verdict::readable;
    out.format = "test-export";
    out.copy_sha256 = hex(sha256(bytes));
    out.copy = std::move(bytes);
    return out;
}
ParcelLabel label() { return {"cytometer", std::string(64, 'a'), "tube.fcs", "2026-11-25T02:30:00.000Z", "2026-11-25T02:29:00.000Z"}; }

std::vector<Draft> all_records(Parcel& parcel) {
    std::vector<Draft> out;
    while (!parcel.delivered()) {
        Batch batch = parcel.batch();
        for (Draft& draft : batch.records) out.push_back(std::move(draft));
        parcel.advance();
        CHECK(batch.taken.has_value() == parcel.delivered());
    }
    return out;
}
}  // namespace

TEST_CASE("a manifest too large for a record leaves out parameters, then data sets, and says so") {
    Examination examination = of_bytes("FCS");
    std::size_t const sets = GENERATE(1u, 40u, 4'000u);
    for (std::size_t i = 0; i < sets; ++i) {
        CytometryDataset set;
        set.version = "FCS3.1";
        set.events = i;
        for (int p = 0; p < 30; ++p) set.parameters.push_back({"Fluorescence-" + std::to_string(p), "CD34", 32, "262144"});
        examination.document.datasets.push_back(std::move(set));
    }
    Parcel parcel{label(), std::move(examination)};
    auto const records = all_records(parcel);
    Draft const& finished = records.back();
    CHECK(finished.data.size() <= block_bytes_max);
    auto const manifest = json::parse(finished.data, "run.finished")->as_object();
    CHECK(manifest.at("state").as_string() == "complete");
    CHECK_FALSE(manifest.at("datasets").as_array().empty());
    bool const said = manifest.contains("notes");
    CHECK(said == (sets > 1));
    if (sets == 1) CHECK(manifest.at("datasets").at(0).at("parameters").as_array().size() == 30);
}

TEST_CASE("a reading larger than a record makes the run unreadable instead of stopping the outbox") {
    for (std::size_t const bytes : {block_bytes_max / 8, block_bytes_max}) {
        Examination examination = of_bytes("TEST");
        Reading reading;
        reading.well = "A1";
        reading.flag = std::string(bytes, 'x');
        examination.document.readings.push_back(reading);
        Parcel parcel{label(), std::move(examination)};
        CHECK(parcel.readable() == (bytes < block_bytes_max));
        for (Draft const& draft : all_records(parcel)) CHECK(draft.data.size() <= block_bytes_max);
    }
}

TEST_CASE("a key is taken as it is up to sourcekey_bytes_max, and by its digest beyond") {
    auto const key_of = [](std::string identity) {
        Examination examination = of_bytes("TEST");
        examination.document.identity = std::move(identity);
        return Parcel{label(), std::move(examination)}.sourcekey();
    };
    CHECK(key_of("") == std::string(64, 'a'));
    CHECK(key_of(std::string(sourcekey_bytes_max, 'k')) == std::string(sourcekey_bytes_max, 'k'));
    CHECK(key_of(std::string(sourcekey_bytes_max + 1, 'k')) == hex(sha256(std::string(sourcekey_bytes_max + 1, 'k'))));
    CHECK(key_of("line\nbreak") == hex(sha256("line\nbreak")));
}

TEST_CASE("blanked pieces never cross a chunk, and give back the original wherever they overlap or reach past the end") {
    static std::vector<NameBearing> fields;
    static auto const names = [](std::string_view) { return fields; };
    static constexpr ExportFormat format{
        "test-export",
        "Test export",
        [](std::string_view) { return true; },
        [](std::string_view) {
            return Completeness{true, {}};
        },
        [](std::string_view) -> Result<Document> { return fail(Fault::refused, "The field \"a\" and \"b\" disagree."); },
        nullptr,
        nullptr,
        [](std::string_view bytes) { return names(bytes); }};
    Recognise const recognise = [](std::string_view) -> Result<ExportFormat const*> { return &format; };
    std::string original;
    for (std::size_t i = 0; i < 3 * block_bytes_max + 17; ++i) original += static_cast<char>('a' + i % 26);
    std::uint64_t const size = original.size();
    fields = {{block_bytes_max - 5, 2 * block_bytes_max, "a"},
              {block_bytes_max + 1, 3, "b"},
              {10, 0, "c"},
              {size - 4, 99, "d"},
              {size + 5, 1, "e"},
              {3, 2, "f"},
              {5, 1, "g"}};
    auto const examined = examine(original, hex(sha256(original)), recognise);
    CHECK(examined.verdict == Verdict::unreadable);
    std::string rebuilt = examined.copy;
    std::uint64_t blanked = 0;
    for (BlankedPiece const& piece : examined.blanked) {
        CHECK(piece.offset / block_bytes_max == (piece.offset + piece.bytes.size() - 1) / block_bytes_max);
        CHECK(examined.copy.substr(piece.offset, piece.bytes.size()) == std::string(piece.bytes.size(), ' '));
        rebuilt.replace(piece.offset, piece.bytes.size(), piece.bytes);
        blanked += piece.bytes.size();
    }
    CHECK(rebuilt == original);
    CHECK(blanked == examined.blanked_bytes);
    CHECK(blanked == 2 * block_bytes_max + 4 + 3);
    CHECK(examined.copy_sha256 == hex(sha256(examined.copy)));
}

TEST_CASE("what a parser quotes from a file is not in what it says elsewhere") {
    CHECK(without_quotations("No quotation.") == "No quotation.");
    CHECK(without_quotations("$OP is \"Jeanne \"JM\" Martin\"; a number was expected.") == "$OP is \"…\"; a number was expected.");
    CHECK(without_quotations("Line 3, well A1 of 'Jeanne': 'O'Neill' isn't a number.") == "Line 3, well A1 of \"…\" isn't a number.");
    CHECK(without_quotations("HEADER's offsets are wrong.") == "HEADER's offsets are wrong.");
    CHECK(without_quotations("It begins with \"Jeanne") == "It begins with \"…\"");
}
