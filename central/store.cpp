#include "central/store.hpp"

namespace marrowlink::central {
namespace {
constexpr char const* version_1 = R"sql(
CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    gateway TEXT NOT NULL,
    stream TEXT NOT NULL,
    through INTEGER NOT NULL,           -- every record up to here is stored or named as lost
    chain BLOB NOT NULL,                -- of record `through`
    fork INTEGER,                       -- lowest seq that also came with another chain
    UNIQUE (site, gateway, stream)
) STRICT;
CREATE TABLE record (
    id INTEGER PRIMARY KEY,             -- stream.id * 2^40 + seq
    attributes BLOB NOT NULL,
    data BLOB NOT NULL,
    chain BLOB NOT NULL
) STRICT;
CREATE TABLE refusal (
    record INTEGER PRIMARY KEY,
    reason TEXT NOT NULL
) STRICT;
CREATE TABLE lost (                     -- what stream.closed named
    site TEXT NOT NULL,
    gateway TEXT NOT NULL,
    stream TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    chain BLOB,                         -- of record `last`, when it was still readable
    named_by INTEGER NOT NULL,
    PRIMARY KEY (site, gateway, stream, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    instrument TEXT NOT NULL,
    UNIQUE (site, instrument)
) STRICT;
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source (id),
    sourcekey TEXT NOT NULL,
    revision INTEGER NOT NULL,          -- 0: counted; 1, 2, …: the same key with other bytes
    run TEXT NOT NULL,
    stream INTEGER NOT NULL,            -- which brought its latest record
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    plate TEXT NOT NULL,
    labelled INTEGER NOT NULL,          -- a person gave the plate
    message INTEGER,                    -- the one record of a message run
    manifest INTEGER,                   -- the record run.finished
    changed_ms INTEGER NOT NULL,
    UNIQUE (source, sourcekey, revision)
) STRICT;
CREATE INDEX run_by_change ON run (changed_ms) WHERE message IS NULL;
CREATE TABLE part (
    run INTEGER NOT NULL REFERENCES run (id),
    file BLOB NOT NULL,                 -- SHA-256 of the file; empty for readings
    number INTEGER NOT NULL,            -- offset in the file; block
    record INTEGER NOT NULL,
    PRIMARY KEY (run, file, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE label (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (id),
    plate TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    record INTEGER NOT NULL
) STRICT;
CREATE INDEX label_by_run ON label (run);
CREATE TABLE tally (
    source INTEGER NOT NULL REFERENCES source (id),
    state TEXT NOT NULL,
    message INTEGER NOT NULL,
    revised INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    PRIMARY KEY (source, state, message, revised)
) STRICT, WITHOUT ROWID;
)sql";
// Triggers, so that a run is due whoever changed what it rests on: the centre, or a command beside it.
constexpr char const* version_2 = R"sql(
CREATE TABLE annotation (               -- layouts and sample sheets, as they came
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                 -- layout, sample
    barcode TEXT NOT NULL,
    version INTEGER NOT NULL,           -- 1, 2, …
    bytes BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    added_ms INTEGER NOT NULL,
    UNIQUE (kind, barcode, version)
) STRICT;
CREATE INDEX annotation_by_barcode ON annotation (barcode);
CREATE TABLE evaluation (               -- what was computed of a run; the latest id holds, earlier ones stay
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (id),
    barcode TEXT NOT NULL,
    subject TEXT NOT NULL,              -- pseudonym; empty: not known
    software TEXT NOT NULL,             -- version
    verdict TEXT NOT NULL,              -- on the plate
    reason TEXT NOT NULL,
    result TEXT NOT NULL,               -- JSON
    evaluated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX evaluation_by_run ON evaluation (run);
CREATE INDEX evaluation_by_subject ON evaluation (subject);
CREATE TABLE due (                      -- runs to evaluate
    run INTEGER PRIMARY KEY
) STRICT;
CREATE INDEX run_by_plate ON run (plate) WHERE message IS NULL AND plate <> '';
CREATE TRIGGER run_due AFTER UPDATE OF state, plate ON run
WHEN new.message IS NULL AND (new.state <> old.state OR new.plate <> old.plate)
    AND EXISTS (SELECT 1 FROM annotation WHERE barcode IN (old.plate, new.plate))
BEGIN
    INSERT OR IGNORE INTO due SELECT id FROM run WHERE message IS NULL AND plate <> '' AND plate IN (old.plate, new.plate);
    INSERT OR IGNORE INTO due VALUES (new.id);
END;
CREATE TRIGGER annotation_due AFTER INSERT ON annotation
BEGIN
    INSERT OR IGNORE INTO due SELECT id FROM run WHERE message IS NULL AND plate <> '' AND plate = new.barcode;
END;
)sql";
constexpr char const* steps[] = {version_1, version_2};
}  // namespace

Schema const& store_schema() {
    static constexpr Schema schema{"central database", 0x4D4C4345, steps};  // "MLCE"
    return schema;
}

}  // namespace marrowlink::central
