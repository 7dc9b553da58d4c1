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
constexpr char const* steps[] = {version_1};
}  // namespace

Schema const& store_schema() {
    static constexpr Schema schema{"central database", 0x4D4C4345, steps};  // "MLCE"
    return schema;
}

}  // namespace marrowlink::central
