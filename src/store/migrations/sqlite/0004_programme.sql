-- The mentoring programme: how members take part, introductions, and what happened.
CREATE TABLE participations (
    member   TEXT PRIMARY KEY NOT NULL,
    -- What goes before the feed's word.
    own_word TEXT NOT NULL,
    record   TEXT NOT NULL
);
CREATE TABLE introductions (
    id     TEXT PRIMARY KEY NOT NULL,
    mentee TEXT NOT NULL,
    mentor TEXT NOT NULL,
    status TEXT NOT NULL,
    -- When the clock next has something to do with it, in seconds since 1970.
    due    INTEGER,
    record TEXT NOT NULL
);
CREATE INDEX introductions_of_mentees ON introductions (mentee);
CREATE INDEX introductions_of_mentors ON introductions (mentor);
CREATE INDEX introductions_due ON introductions (due) WHERE due IS NOT NULL;
CREATE TABLE events (
    number INTEGER PRIMARY KEY NOT NULL,
    -- Who is named in it, until they are forgotten.
    mentee TEXT,
    mentor TEXT,
    member TEXT,
    actor  TEXT,
    record TEXT NOT NULL
);
-- One row: the last event, and the last one that the receiver of events took.
CREATE TABLE programme (
    last_event INTEGER NOT NULL,
    delivered  INTEGER NOT NULL
);
INSERT INTO programme (last_event, delivered) VALUES (0, 0);
