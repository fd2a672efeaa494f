-- What was asked and answered, for as long as it is kept.
CREATE TABLE searches (
    id     TEXT PRIMARY KEY NOT NULL,
    -- In milliseconds since 1970.
    at     INTEGER NOT NULL,
    -- Whose search it is, where a member's.
    member TEXT,
    record TEXT NOT NULL
);
CREATE INDEX searches_by_time ON searches (at);
CREATE INDEX searches_of_members ON searches (member, at) WHERE member IS NOT NULL;
-- How often a mentor was shown on a day, counted from 1970 in UTC.
CREATE TABLE impressions (
    mentor TEXT NOT NULL,
    day    INTEGER NOT NULL,
    shown  INTEGER NOT NULL,
    PRIMARY KEY (mentor, day)
);
CREATE INDEX impressions_by_day ON impressions (day);
-- What the programme's steering adjusted: each epoch's adjustments by the number in an answer's state.
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY NOT NULL,
    -- When it last began, in milliseconds since 1970.
    at     INTEGER NOT NULL,
    record TEXT NOT NULL
);
