-- The mentoring programme: how members take part, introductions, and what happened.
CREATE TABLE participations (
    member   TEXT COLLATE "C" PRIMARY KEY,
    -- What goes before the feed's word.
    own_word TEXT NOT NULL,
    record   TEXT NOT NULL
);
CREATE TABLE introductions (
    id     TEXT COLLATE "C" PRIMARY KEY,
    mentee TEXT COLLATE "C" NOT NULL,
    mentor TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    -- When the clock next has something to do with it, in seconds since 1970.
    due    BIGINT,
    record TEXT NOT NULL
);
CREATE INDEX introductions_of_mentees ON introductions (mentee);
CREATE INDEX introductions_of_mentors ON introductions (mentor);
CREATE INDEX introductions_due ON introductions (due) WHERE due IS NOT NULL;
CREATE TABLE events (
    number BIGINT PRIMARY KEY,
    -- Who is named in it, until they are forgotten.
    mentee TEXT COLLATE "C",
    mentor TEXT COLLATE "C",
    member TEXT COLLATE "C",
    actor  TEXT COLLATE "C",
    record TEXT NOT NULL
);
-- One row: the last event, and the last one that the receiver of events took.
CREATE TABLE programme (
    last_event BIGINT NOT NULL,
    delivered  BIGINT NOT NULL
);
INSERT INTO programme (last_event, delivered) VALUES (0, 0);
