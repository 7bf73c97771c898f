-- Version 2 of angarium.db. Never edited: what changes later is a numbered migration of its own.

-- From which offset each partition's log explains the store, and the largest append time of all records before it.
-- No row: from the beginning.
CREATE TABLE log_starts (
    partition INTEGER NOT NULL PRIMARY KEY,
    offset INTEGER NOT NULL,
    watermark INTEGER NOT NULL
) STRICT;
