-- What servers on one database share. Each generation's files are in a table of its own, generation_000042, since a table that
-- is dropped leaves nothing behind.
CREATE TABLE generations (
    number   BIGINT PRIMARY KEY,
    -- The manifest's.
    checksum TEXT NOT NULL
);
-- One row.
CREATE TABLE fleet (
    current    BIGINT,
    -- The highest number that was ever given.
    last       BIGINT NOT NULL,
    -- The last time of rebuild.schedule that a server saw to, in seconds since 1970.
    seen_to    BIGINT NOT NULL,
    -- The last erasure.
    erasure    BIGINT NOT NULL
);
INSERT INTO fleet (current, last, seen_to, erasure) VALUES (NULL, 0, 0, 0);
-- Erasures that were begun and did not come to their end yet.
CREATE TABLE erasures (
    member TEXT COLLATE "C" PRIMARY KEY,
    number BIGINT NOT NULL,
    -- The change up to which the member may have been stored.
    change BIGINT NOT NULL
);
-- Who serves, what each has in its folder, and up to which erasure it forgot what it remembered.
CREATE TABLE servers (
    name        TEXT PRIMARY KEY,
    seen        TIMESTAMPTZ NOT NULL,
    generations TEXT NOT NULL,
    erasure     BIGINT NOT NULL
);
