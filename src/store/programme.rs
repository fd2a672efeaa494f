//! The programme's tables: how members take part, introductions, and what happened. What it means is not known here: records
//! are texts that the programme writes and reads.

use std::collections::{HashMap, HashSet};

use sqlx::{QueryBuilder, Row};

use super::dialect::{Dialect, on};
use super::{SET_LAST, Store, StoreError, parse_record, record_of};
use crate::member::{Member, MemberId, OwnWord};

/// Whom and what a decision concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerned {
    /// One that there is, and its two members.
    Introduction(String),
    /// These two.
    Pair(MemberId, MemberId),
    /// This one.
    Member(MemberId),
}

/// What the database has on those who are concerned, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The introduction's record.
    pub introduction: Option<String>,
    /// The records of their introductions that are open, and of those between the two.
    pub theirs: Vec<String>,
    /// The members, with how they take part.
    pub people: Vec<FoundPerson>,
}

/// One who is concerned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundPerson {
    /// Who.
    pub id: MemberId,
    /// Their record, where they are stored.
    pub member: Option<Member>,
    /// How they take part, where they ever said so.
    pub participation: Option<String>,
}

/// What is to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToWrite {
    /// Introductions as they are now.
    pub introductions: Vec<IntroductionRow>,
    /// How a member takes part now.
    pub participation: Option<ParticipationRow>,
    /// What happened.
    pub events: Vec<EventRow>,
}

/// How a member takes part, with what it is looked up by.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticipationRow {
    /// Who.
    pub member: MemberId,
    /// What of it goes before the feed.
    pub own_word: OwnWord,
    /// Since when they wait for a good mentor, in seconds since 1970.
    pub waits_since: Option<i64>,
    /// When they consented to the organisers' looking at what they keep private.
    pub consented: Option<i64>,
    /// All of it.
    pub record: String,
}

/// An event with whom it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventRow {
    /// The mentee of an introduction.
    pub mentee: Option<MemberId>,
    /// The mentor of an introduction.
    pub mentor: Option<MemberId>,
    /// Somebody alone.
    pub member: Option<MemberId>,
    /// The member who brought it about.
    pub actor: Option<MemberId>,
    /// All of it.
    pub record: String,
}

/// An introduction with what it is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntroductionRow {
    /// Its name.
    pub id: String,
    /// Who asked.
    pub mentee: MemberId,
    /// Who was asked.
    pub mentor: MemberId,
    /// How far it is.
    pub status: &'static str,
    /// When the clock next has something to do with it, in seconds since 1970.
    pub due: Option<i64>,
    /// All of it.
    pub record: String,
}

impl Store {
    /// Finds who is concerned, has it decided what to write, and writes it: nobody else decides anything meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written. The inner error is the decision's, and then nothing was either.
    pub async fn decide<T, E>(
        &self,
        concerned: &Concerned,
        decide: impl FnOnce(Found) -> Result<(ToWrite, T), E>,
    ) -> Result<Result<T, E>, StoreError> {
        on!(self, |pool: D| {
            let mut transaction = pool.begin_with(D::WRITE).await?;
            let before: i64 = sqlx::query_scalar(D::LAST_EVENT_TO_WRITE).fetch_one(&mut *transaction).await?;
            // The members' records are read and perhaps written: nobody else writes them meanwhile.
            let last: i64 = sqlx::query_scalar(D::LAST_TO_WRITE).fetch_one(&mut *transaction).await?;
            let mut found = Found::default();
            let ids: Vec<String> = match concerned {
                Concerned::Introduction(id) => {
                    let select = "SELECT mentee, mentor, record FROM introductions WHERE id = $1";
                    match sqlx::query(select).bind(id).fetch_optional(&mut *transaction).await? {
                        Some(row) => {
                            found.introduction = Some(row.try_get(2)?);
                            vec![row.try_get(0)?, row.try_get(1)?]
                        }
                        None => Vec::new(),
                    }
                }
                Concerned::Pair(one, other) => vec![one.to_string(), other.to_string()],
                Concerned::Member(id) => vec![id.to_string()],
            };
            if let (Some(one), Some(other)) = (ids.first(), ids.last()) {
                let theirs = "SELECT record FROM introductions WHERE (mentee IN ($1, $2) OR mentor IN ($1, $2)) AND \
                    (status IN ('requested', 'accepted') OR (mentee IN ($1, $2) AND mentor IN ($1, $2))) ORDER BY id";
                let theirs = sqlx::query_scalar(theirs).bind(one).bind(other);
                found.theirs = theirs.fetch_all(&mut *transaction).await?;
            }
            for id in &ids {
                let member = sqlx::query_scalar("SELECT record FROM members WHERE id = $1").bind(id);
                let member: Option<String> = member.fetch_optional(&mut *transaction).await?;
                let participation = sqlx::query_scalar("SELECT record FROM participations WHERE member = $1").bind(id);
                found.people.push(FoundPerson {
                    id: member_id(id)?,
                    member: member.map(|record| parse_record(id, &record)).transpose()?,
                    participation: participation.fetch_optional(&mut *transaction).await?,
                });
            }
            let stored: Vec<(MemberId, Option<Member>)> =
                found.people.iter().map(|person| (person.id.clone(), person.member.clone())).collect();
            match decide(found) {
                Err(refused) => Err(refused),
                Ok((write, decided)) => {
                    for IntroductionRow { id, mentee, mentor, status, due, record } in &write.introductions {
                        let insert = "INSERT INTO introductions (id, mentee, mentor, status, due, record) \
                            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE \
                            SET status = excluded.status, due = excluded.due, record = excluded.record";
                        let insert = sqlx::query(insert).bind(id).bind(mentee.as_str()).bind(mentor.as_str());
                        insert.bind(*status).bind(*due).bind(record).execute(&mut *transaction).await?;
                    }
                    if let Some(ParticipationRow { member: id, own_word, waits_since, consented, record }) =
                        &write.participation
                    {
                        let own = serde_json::to_string(own_word).unwrap_or_default();
                        let insert = "INSERT INTO participations (member, own_word, waits_since, consented, record) \
                            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (member) DO UPDATE SET own_word = excluded.own_word, \
                            waits_since = excluded.waits_since, consented = excluded.consented, record = excluded.record";
                        let insert = sqlx::query(insert).bind(id.as_str()).bind(own).bind(*waits_since);
                        insert.bind(*consented).bind(record).execute(&mut *transaction).await?;
                        let member =
                            stored.iter().find(|(stored, _)| stored == id).and_then(|(_, member)| member.clone());
                        if let Some(member) = member {
                            let after = own_word.over(member.clone());
                            if after != member {
                                let record = record_of(&after)?;
                                sqlx::query("UPDATE members SET seq = $1, hash = $2, record = $3 WHERE id = $4")
                                    .bind(last + 1)
                                    .bind(blake3::hash(record.as_bytes()).as_bytes().to_vec())
                                    .bind(record)
                                    .bind(id.as_str())
                                    .execute(&mut *transaction)
                                    .await?;
                                sqlx::query(SET_LAST).bind(last + 1).execute(&mut *transaction).await?;
                            }
                        }
                    }
                    let mut number = before;
                    for EventRow { mentee, mentor, member, actor, record } in &write.events {
                        number += 1;
                        let insert = "INSERT INTO events (number, mentee, mentor, member, actor, record) \
                            VALUES ($1, $2, $3, $4, $5, $6)";
                        let mut insert = sqlx::query(insert).bind(number);
                        for named in [mentee, mentor, member, actor] {
                            insert = insert.bind(named.as_ref().map(MemberId::as_str));
                        }
                        insert.bind(record).execute(&mut *transaction).await?;
                    }
                    if number > before {
                        let last = sqlx::query("UPDATE programme SET last_event = $1").bind(number);
                        last.execute(&mut *transaction).await?;
                    }
                    transaction.commit().await?;
                    Ok(decided)
                }
            }
        })
    }

    /// How a member takes part, where they ever said so.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn participation(&self, id: &MemberId) -> Result<Option<String>, StoreError> {
        on!(self, |pool: D| {
            let select = sqlx::query_scalar("SELECT record FROM participations WHERE member = $1").bind(id.as_str());
            select.fetch_optional(pool).await?
        })
    }

    /// The introduction of a name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn introduction(&self, id: &str) -> Result<Option<String>, StoreError> {
        on!(self, |pool: D| {
            let select = sqlx::query_scalar("SELECT record FROM introductions WHERE id = $1").bind(id);
            select.fetch_optional(pool).await?
        })
    }

    /// Introductions, of one member or of all, of one status or of any: up to `limit` after the given name, in the order
    /// of their names.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn introductions(
        &self,
        of: Option<&MemberId>,
        status: Option<&str>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        on!(self, |pool: D| {
            let mut select = QueryBuilder::<D>::new("SELECT record FROM introductions WHERE id > ");
            select.push_bind(after.to_owned());
            if let Some(of) = of {
                select.push(" AND (mentee = ").push_bind(of.to_string());
                select.push(" OR mentor = ").push_bind(of.to_string()).push(")");
            }
            if let Some(status) = status {
                select.push(" AND status = ").push_bind(status.to_owned());
            }
            select.push(" ORDER BY id LIMIT ").push_bind(i64::from(limit));
            select.build_query_scalar().fetch_all(pool).await?
        })
    }

    /// How many introductions of each mentor's are accepted, and go on; of these mentors only, a
    /// thousand at most, where they are given.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn places_taken(&self, of: Option<&[&str]>) -> Result<HashMap<String, u32>, StoreError> {
        on!(self, |pool: D| {
            let mut select =
                QueryBuilder::<D>::new("SELECT mentor, count(*) FROM introductions WHERE status = 'accepted'");
            if let Some(of) = of {
                let mut list = select.push(" AND mentor IN (").separated(", ");
                for mentor in of {
                    list.push_bind(*mentor);
                }
                select.push(")");
            }
            let mut taken = HashMap::new();
            for row in select.push(" GROUP BY mentor").build().fetch_all(pool).await? {
                taken.insert(row.try_get(0)?, u32::try_from(row.try_get::<i64, _>(1)?).unwrap_or(u32::MAX));
            }
            taken
        })
    }

    /// The names of introductions with which the clock has something to do by a time, in seconds since 1970; up to `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn due(&self, by: i64, limit: u32) -> Result<Vec<String>, StoreError> {
        on!(self, |pool: D| {
            let select = "SELECT id FROM introductions WHERE due IS NOT NULL AND due <= $1 ORDER BY due, id LIMIT $2";
            sqlx::query_scalar(select).bind(by).bind(i64::from(limit)).fetch_all(pool).await?
        })
    }

    /// Up to `limit` events after a number, each with its own.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn events(&self, after: u64, limit: u32) -> Result<Vec<(u64, String)>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        on!(self, |pool: D| {
            let select = "SELECT number, record FROM events WHERE number > $1 ORDER BY number LIMIT $2";
            let mut events = Vec::new();
            for row in sqlx::query(select).bind(after).bind(i64::from(limit)).fetch_all(pool).await? {
                events.push((row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get(1)?));
            }
            events
        })
    }

    /// The numbers of the last event, and of the last one that the receiver took.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn last_events(&self) -> Result<(u64, u64), StoreError> {
        on!(self, |pool: D| {
            let row = sqlx::query("SELECT last_event, delivered FROM programme").fetch_one(pool).await?;
            (row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get::<i64, _>(1)?.unsigned_abs())
        })
    }

    /// Goes on with event numbers above those of another database, which its readers know.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn number_events_above(&self, (last, delivered): (u64, u64)) -> Result<(), StoreError> {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX - 1);
        on!(self, |pool: D| {
            let update = "UPDATE programme SET last_event = CASE WHEN last_event < $1 THEN $1 ELSE last_event END, \
                delivered = CASE WHEN delivered < $2 THEN $2 ELSE delivered END";
            sqlx::query(update).bind(signed(last)).bind(signed(delivered)).execute(pool).await?;
        })
    }

    /// Notes that the receiver took every event up to a number.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_delivered(&self, number: u64) -> Result<(), StoreError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        on!(self, |pool: D| {
            let update = sqlx::query("UPDATE programme SET delivered = $1 WHERE delivered < $1").bind(number);
            update.execute(pool).await?;
        })
    }

    /// Whether the programme has anything on a member, stored or not.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_participant(&self, id: &MemberId) -> Result<bool, StoreError> {
        let found: i64 = on!(self, |pool: D| {
            let select = "SELECT (SELECT count(*) FROM participations WHERE member = $1) + \
                (SELECT count(*) FROM introductions WHERE mentee = $1 OR mentor = $1) + \
                (SELECT count(*) FROM events WHERE mentee = $1 OR mentor = $1 OR member = $1 OR actor = $1)";
            sqlx::query_scalar(select).bind(id.as_str()).fetch_one(pool).await?
        })?;
        Ok(found > 0)
    }

    /// Everyone on whom the programme has anything, stored or not.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Record`].
    pub async fn participants(&self) -> Result<HashSet<MemberId>, StoreError> {
        let ids: Vec<String> = on!(self, |pool: D| {
            let select = "SELECT member FROM participations UNION SELECT mentee FROM introductions UNION \
                SELECT mentor FROM introductions UNION SELECT mentee FROM events WHERE mentee IS NOT NULL UNION \
                SELECT mentor FROM events WHERE mentor IS NOT NULL UNION \
                SELECT member FROM events WHERE member IS NOT NULL UNION \
                SELECT actor FROM events WHERE actor IS NOT NULL";
            sqlx::query_scalar(select).fetch_all(pool).await?
        })?;
        ids.iter().map(|id| member_id(id)).collect()
    }

    /// Deletes how a member takes part and every introduction of theirs, and has `forget` take them out of each record of what
    /// happened that names them.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing was changed.
    pub async fn erase_participant(&self, id: &MemberId, forget: impl Fn(&str) -> String) -> Result<u64, StoreError> {
        on!(self, |pool: D| {
            let mut transaction = pool.begin_with(D::WRITE).await?;
            let _: i64 = sqlx::query_scalar(D::LAST_EVENT_TO_WRITE).fetch_one(&mut *transaction).await?;
            let gone = sqlx::query("DELETE FROM introductions WHERE mentee = $1 OR mentor = $1").bind(id.as_str());
            let introductions = gone.execute(&mut *transaction).await?.rows_affected();
            let gone = sqlx::query("DELETE FROM participations WHERE member = $1").bind(id.as_str());
            gone.execute(&mut *transaction).await?;
            let naming = "SELECT number, record FROM events \
                WHERE mentee = $1 OR mentor = $1 OR member = $1 OR actor = $1";
            for row in sqlx::query(naming).bind(id.as_str()).fetch_all(&mut *transaction).await? {
                let (number, record): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
                let update = "UPDATE events SET record = $1, mentee = nullif(mentee, $3), mentor = nullif(mentor, $3), \
                    member = nullif(member, $3), actor = nullif(actor, $3) WHERE number = $2";
                let update = sqlx::query(update).bind(forget(&record)).bind(number).bind(id.as_str());
                update.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            introductions
        })
    }
}

pub(super) fn member_id(id: &str) -> Result<MemberId, StoreError> {
    MemberId::new(id).map_err(|error| StoreError::Record { id: id.to_owned(), problem: error.problem })
}
