-- Who is gone, and by which change: a generation built before it still holds them.
CREATE TABLE removals (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    seq BIGINT NOT NULL
);
CREATE UNIQUE INDEX removals_by_seq ON removals (seq);

-- The last change's number. It is not that of a row: the member of the last change may be gone.
CREATE TABLE sequence (
    last BIGINT NOT NULL
);
INSERT INTO sequence (last) SELECT coalesce(max(seq), 0) FROM members;
