-- The one row that says who numbers the readings, since when and why, and how far the cloud
-- has them since which UTC day, counted from 1970. The last number given is the last entry's
-- or the last loss's or, when those have been deleted, `acknowledged`.
CREATE TABLE cursor (
    id               INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch            INTEGER NOT NULL,
    began_at_ms      INTEGER NOT NULL,
    origin           TEXT    NOT NULL,
    acknowledged     INTEGER NOT NULL,
    acknowledged_on  INTEGER NOT NULL,
    -- Readings lost in this epoch before the cloud had them.
    lost             INTEGER NOT NULL,
    -- CRC-32 of all of it, signed so that it takes four bytes; as in the other tables.
    sum              INTEGER NOT NULL
) STRICT;

-- What the readings of one point have in common, written once.
CREATE TABLE kind (
    id        INTEGER NOT NULL PRIMARY KEY,
    device    INTEGER NOT NULL,
    point     TEXT    NOT NULL,
    profile   TEXT    NOT NULL,
    clock     TEXT    NOT NULL,
    boot      INTEGER,
    unit      TEXT,
    decimals  INTEGER,
    weight    TEXT    NOT NULL
) STRICT;

CREATE INDEX kind_of_point ON kind (device, point);

-- The same again on other pages: every reading of a kind is worth nothing without it.
CREATE TABLE kind_copy (
    id        INTEGER NOT NULL PRIMARY KEY,
    device    INTEGER NOT NULL,
    point     TEXT    NOT NULL,
    profile   TEXT    NOT NULL,
    clock     TEXT    NOT NULL,
    boot      INTEGER,
    unit      TEXT,
    decimals  INTEGER,
    weight    TEXT    NOT NULL
) STRICT;

-- The log, as narrow as it can be: it is written to flash memory every minute. A row changes
-- once at most, when it is dated, before it is ever sent. `sum` covers all that the row
-- means, its number and its kind's content included.
CREATE TABLE entry (
    seq         INTEGER NOT NULL PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    elapsed_ms  INTEGER,
    kind        INTEGER NOT NULL,
    count       INTEGER,
    suspect     TEXT,
    raw         TEXT    NOT NULL,
    closes      TEXT,
    sum         INTEGER NOT NULL
) STRICT;

-- Closing readings are few; the poller asks at its start which it has.
CREATE INDEX entry_closing ON entry (kind, closes)
    WHERE closes IS NOT NULL AND count IS NOT NULL;

-- The log with everything spelled out; a row whose kind is gone is shown all the same.
CREATE VIEW reading AS
    SELECT seq, at_ms, elapsed_ms, count, suspect, raw, closes, sum,
           device, point, profile, clock, boot, unit, decimals, weight
    FROM entry LEFT JOIN kind ON kind.id = entry.kind;

-- The readings that are links in the chain of a meter.
CREATE TABLE seal (
    seq        INTEGER NOT NULL PRIMARY KEY,
    meter      INTEGER NOT NULL,
    link       INTEGER NOT NULL,
    previous   BLOB    NOT NULL,
    signature  BLOB    NOT NULL,
    sum        INTEGER NOT NULL
) STRICT;

-- The last link of each meter's chain, and the mounting that it speaks of.
CREATE TABLE chain (
    meter            INTEGER NOT NULL PRIMARY KEY,
    link             INTEGER NOT NULL,
    digest           BLOB    NOT NULL,
    device           INTEGER NOT NULL,
    point            TEXT    NOT NULL,
    mounted_from_ms  INTEGER NOT NULL,
    sum              INTEGER NOT NULL
) STRICT;

-- When the starts of the machine were: an instant of each by both clocks.
CREATE TABLE boot (
    boot        INTEGER NOT NULL PRIMARY KEY,
    elapsed_ms  INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    source      TEXT    NOT NULL,
    sum         INTEGER NOT NULL
) STRICT;

-- Runs of numbers whose readings are no more. With `entry` they leave no gap.
CREATE TABLE loss (
    first    INTEGER NOT NULL PRIMARY KEY,
    last     INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    gravest  TEXT    NOT NULL,
    from_ms  INTEGER,
    until_ms INTEGER,
    -- Identifiers apart by a space.
    devices  TEXT    NOT NULL
) STRICT;

-- How far the cloud had acknowledged at the end of each earlier UTC day: what was
-- acknowledged long enough ago may go.
CREATE TABLE acknowledged_on (
    day      INTEGER NOT NULL PRIMARY KEY,
    through  INTEGER NOT NULL
) STRICT;

-- Readings that the cloud will never take, and why.
CREATE TABLE rejection (
    seq     INTEGER NOT NULL PRIMARY KEY,
    reason  TEXT    NOT NULL
) STRICT;
