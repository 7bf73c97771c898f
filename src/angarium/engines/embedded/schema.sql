-- Version 1 of angarium.db. Never edited: what changes later is a numbered migration of its own.
-- Ids are lower-case text: their byte order is the order that the ports promise, and a person with the sqlite3
-- shell can read and join them. Moments are milliseconds since the epoch.

-- What this file is: the schema's version and the partition count that it was made with.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who may log in; found by the id that is made from the name.
CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A conversation by its id, for whoever was given one.
CREATE TABLE conversations (
    conversation_id TEXT NOT NULL PRIMARY KEY,
    first_participant_id TEXT NOT NULL,
    second_participant_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A user's conversations in the order in which they are listed; complete rows, so that a page is one range.
CREATE TABLE conversations_by_user (
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    conversation_id TEXT NOT NULL,
    other_participant_id TEXT NOT NULL,
    PRIMARY KEY (user_id, created_at, conversation_id)
) STRICT, WITHOUT ROWID;

-- Messages in the order of their places, so that a page of history is one range.
CREATE TABLE messages (
    conversation_id TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    recipient_id TEXT NOT NULL,
    content TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'SENT', 'DELIVERED')),
    delivered_at INTEGER CHECK ((delivered_at IS NULL) = (status <> 'DELIVERED')),
    PRIMARY KEY (conversation_id, timestamp, seq, message_id)
) STRICT, WITHOUT ROWID;

-- A user's inbox in its order; a confirmed message is in it no more.
CREATE INDEX messages_undelivered_by_recipient
    ON messages (recipient_id, timestamp, conversation_id, seq) WHERE delivered_at IS NULL;

-- How many messages of one conversation wait for a user, without reading those of the others.
CREATE INDEX messages_undelivered_by_conversation
    ON messages (conversation_id, recipient_id) WHERE delivered_at IS NULL;

-- Which record won a message id: the reason why a retry makes no second message.
CREATE TABLE message_index (
    conversation_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sender_id TEXT NOT NULL,
    PRIMARY KEY (conversation_id, message_id)
) STRICT, WITHOUT ROWID;

-- When each user was last seen; one row a user.
CREATE TABLE presence (
    user_id TEXT NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The log: what was accepted, in the order of each partition.
CREATE TABLE log (
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    headers TEXT NOT NULL,
    PRIMARY KEY (partition, offset)
) STRICT, WITHOUT ROWID;

-- How far each consumer group has worked through each partition, with its running maximum of times.
CREATE TABLE log_positions (
    consumer_group TEXT NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    watermark INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, partition)
) STRICT, WITHOUT ROWID;

-- Records that could not be applied; the id is the order in which they came.
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    source_partition INTEGER NOT NULL,
    source_offset INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    key BLOB,
    value BLOB,
    headers TEXT NOT NULL,
    UNIQUE (source_partition, source_offset)
) STRICT;
