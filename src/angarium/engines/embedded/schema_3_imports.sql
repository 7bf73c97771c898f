-- Version 3 of angarium.db. Never edited: what changes later is a numbered migration of its own.

-- The import that was put into this file, at most one: the digest of the export, and how many of its lines are durable.
CREATE TABLE imports (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sha256 TEXT NOT NULL,
    lines INTEGER NOT NULL,
    is_finished INTEGER NOT NULL CHECK (is_finished IN (0, 1))
) STRICT;
