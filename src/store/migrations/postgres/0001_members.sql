-- The members as the community gave them: the one source of truth. `seq` orders the changes. Ids are compared byte by
-- byte, as slots are ordered; a record is TEXT, since JSONB would not give back what was put in.
CREATE TABLE members (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    record TEXT NOT NULL
);
CREATE UNIQUE INDEX members_by_seq ON members (seq);

-- Vectors by model and by the text they were made of (its 64-bit key); a text is embedded once.
CREATE TABLE embeddings (
    model TEXT NOT NULL,
    text_key BIGINT NOT NULL,
    vector BYTEA NOT NULL,
    PRIMARY KEY (model, text_key)
);
