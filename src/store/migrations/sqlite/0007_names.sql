-- Names as they are looked up: folded, empty where there is none or it is private; NULL until this version has read the record.
ALTER TABLE members ADD COLUMN name TEXT;
CREATE INDEX members_by_name ON members (name, seq);
