-- The one row that says who numbers the readings and how far the cloud has them.
CREATE TABLE cursor (
    id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch         INTEGER NOT NULL,
    last_seq      INTEGER NOT NULL,
    acknowledged  INTEGER NOT NULL CHECK (acknowledged <= last_seq)
) STRICT;

-- The log. A row is never changed; `seq` comes from the cursor, in the same transaction.
CREATE TABLE reading (
    seq       INTEGER NOT NULL PRIMARY KEY,
    at_ms     INTEGER NOT NULL,
    clock     TEXT    NOT NULL,
    device    INTEGER NOT NULL,
    point     TEXT    NOT NULL,
    count     INTEGER,
    decimals  INTEGER,
    unit      TEXT,
    suspect   TEXT,
    raw       TEXT    NOT NULL,
    profile   TEXT    NOT NULL,
    closes    TEXT
) STRICT;

-- Closing readings are few; the poller asks at its start which it has.
CREATE INDEX reading_closing ON reading (device, closes)
    WHERE closes IS NOT NULL AND count IS NOT NULL;

-- How far the cloud had acknowledged at the end of each UTC day: what was acknowledged
-- long enough ago may go.
CREATE TABLE acknowledged_on (
    day      INTEGER NOT NULL PRIMARY KEY,
    through  INTEGER NOT NULL
) STRICT;

-- Readings that the cloud will never take, and why.
CREATE TABLE rejection (
    seq     INTEGER NOT NULL PRIMARY KEY,
    reason  TEXT    NOT NULL
) STRICT;
