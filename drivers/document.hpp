// What one export file says, once parsed, and what a file format must be able to do. A format is one folder: parse.hpp/.cpp, notes.md,
// and one line in catalog.cpp. Everything here is pure: bytes in, values out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/reading.hpp"

namespace marrowlink {

struct CytometryParameter {
    std::string n;      // $PnN
    std::string s;      // $PnS
    int bits = 0;       // $PnB
    std::string range;  // $PnR as written
};

// One FCS data set: shape, and for each parameter (column) what a person checks against the cytometer's screen.
struct CytometryDataset {
    std::string version;  // "FCS3.0"
    std::uint64_t events = 0;
    std::vector<CytometryParameter> parameters;
    std::vector<std::vector<double>> first, last;  // up to three events each
    std::vector<double> sum, min, max;             // one value a parameter
    std::string cytometer, started;                // $CYT; $DATE $BTIM as written
};

// Bytes of the original that may hold a person's name and are overwritten in the copy that leaves the site: by spaces, or by others where
// spaces would make the rest unreadable.
struct NameBearing {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::string field;         // "$OP", "Experiment File Path"
    std::string instead = {};  // as long; empty: spaces
};

struct Document {
    std::string format;             // catalogue name: "agilent-gen5", "fcs"
    std::string identity;           // the file's own key for the run (GUID, serial + run start + barcode); empty: use SHA-256 of the bytes
    std::string plate;              // barcode or plate name of the first plate, empty when none
    std::string started;            // as written in the file, with no zone invented
    std::vector<Reading> readings;  // plates; in the file's order
    std::vector<CytometryDataset> datasets;  // cytometry
    std::vector<NameBearing> name_bearing;
    std::vector<std::string> notes;  // what a person should know: encoding found, ambiguity, untried on hardware
};

// Is the file all there, by the grammar's own end?
struct Completeness {
    bool complete = false;
    std::string missing;  // in words, when not complete: "DATA holds 3 of 4 events"
};

struct ExportFormat {
    std::string_view name;   // "agilent-gen5"
    std::string_view title;  // "Agilent BioTek Gen5 text export"
    bool (*recognises)(std::string_view bytes);
    Completeness (*completeness)(std::string_view bytes);
    Result<Document> (*parse)(std::string_view bytes);
    // Every event as a CSV of decimal numbers, header of parameter names first, through `line` one line at a time; null for plates.
    Result<void> (*events)(std::string_view bytes, void (*line)(void* to, std::string_view text), void* to);
    // What there is of an incomplete file, for people to look at and never for counting; null where the grammar allows no such reading.
    Result<Document> (*present)(std::string_view bytes) = nullptr;
    // Where names of people may stand in a file that `parse` refuses. Null: nowhere in such a file is known to be free of them, so its
    // bytes stay at the site and as many spaces leave in their place.
    std::vector<NameBearing> (*names)(std::string_view bytes) = nullptr;
};

// For formats of which one function reads all and says `unavailable` where the file's end is not there yet.
Completeness completeness_of(Result<Document> const& read);
Result<Document> whole_or_refused(Result<Document> read, std::string_view title);  // "The MARS export is not complete: …."

}  // namespace marrowlink
