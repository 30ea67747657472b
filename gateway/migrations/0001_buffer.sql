-- The one row that says who numbers the readings, and how far the cloud has them since which
-- UTC day, counted from 1970. The last number given is the last entry's or, when that has
-- been deleted, `acknowledged`: nothing beyond it is ever deleted.
CREATE TABLE cursor (
    id               INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch            INTEGER NOT NULL,
    acknowledged     INTEGER NOT NULL,
    acknowledged_on  INTEGER NOT NULL
) STRICT;

-- What the readings of one point have in common, written once.
CREATE TABLE kind (
    id        INTEGER NOT NULL PRIMARY KEY,
    device    INTEGER NOT NULL,
    point     TEXT    NOT NULL,
    profile   TEXT    NOT NULL,
    clock     TEXT    NOT NULL,
    unit      TEXT,
    decimals  INTEGER
) STRICT;

CREATE INDEX kind_of_point ON kind (device, point);

-- The log, as narrow as it can be: it is written to flash memory every minute. A row is
-- never changed.
CREATE TABLE entry (
    seq      INTEGER NOT NULL PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    count    INTEGER,
    suspect  TEXT,
    raw      TEXT    NOT NULL,
    closes   TEXT
) STRICT;

-- Closing readings are few; the poller asks at its start which it has.
CREATE INDEX entry_closing ON entry (kind, closes)
    WHERE closes IS NOT NULL AND count IS NOT NULL;

-- The log with everything spelled out.
CREATE VIEW reading AS
    SELECT seq, at_ms, clock, device, point, count, decimals, unit, suspect, raw, profile, closes
    FROM entry JOIN kind ON kind.id = entry.kind;

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
