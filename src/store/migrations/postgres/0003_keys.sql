-- Keys of the HTTP service: what each may do, and a hash of what it is, from which it cannot be told.
CREATE TABLE keys (
    id      TEXT COLLATE "C" PRIMARY KEY,
    hash    BYTEA NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    scopes  TEXT NOT NULL,
    created TEXT NOT NULL,
    revoked TEXT
);
