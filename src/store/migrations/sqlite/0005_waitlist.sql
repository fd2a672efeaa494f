-- Who waits for a good mentor, and who consented to the organisers' looking at what they keep private: since when, in seconds since
-- 1970. The records say the same.
ALTER TABLE participations ADD COLUMN waits_since INTEGER;
ALTER TABLE participations ADD COLUMN consented INTEGER;
CREATE INDEX participations_waiting ON participations (waits_since, member) WHERE waits_since IS NOT NULL;
CREATE INDEX participations_consented ON participations (member) WHERE consented IS NOT NULL;
