//! Who was forgotten, as nobody can read it: the list that keeps a restored backup from bringing them back.
//!
//! `forgotten.jsonl` in the index folder: the first line holds a random salt, every other a BLAKE3 hash of an id keyed with
//! it, the change that took the member out, and whether the erasure came to its end. Whoever has the file can find out
//! whether an id that they guess is in it; it tells nothing else.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::CommunityError;
use crate::durable;
use crate::member::MemberId;

/// The list's name in the index folder.
pub(super) const FILE: &str = "forgotten.jsonl";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    salt: String,
}

/// An erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The id's keyed hash.
    pub(super) member: String,
    /// The change up to which the member may have been stored.
    pub(super) change: u64,
    /// When (RFC 3339, UTC).
    pub(super) at: String,
    /// Whether it came to its end.
    pub(super) done: bool,
}

/// The list of erasures.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    salt: String,
    entries: Vec<Entry>,
}

impl Ledger {
    /// Reads a list; an empty one with a salt of its own where there is none.
    pub(super) fn open(path: PathBuf) -> Result<Ledger, CommunityError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(CommunityError::io(&path)(error)),
        };
        let wrong = |line: usize, problem: String| CommunityError::Ledger { path: path.clone(), line, problem };
        let mut lines = text.lines().enumerate();
        let salt = match lines.next() {
            Some((_, line)) => serde_json::from_str::<Head>(line).map_err(|error| wrong(1, error.to_string()))?.salt,
            None => blake3::hash(&rand::rng().random::<[u8; 32]>()).to_hex().to_string(),
        };
        let entry =
            |(at, line): (usize, &str)| serde_json::from_str(line).map_err(|error| wrong(at + 1, error.to_string()));
        let entries = lines.map(entry).collect::<Result<Vec<Entry>, _>>()?;
        Ok(Ledger { path, salt, entries })
    }

    /// The id's hash in this list.
    pub(super) fn hash(&self, id: &MemberId) -> String {
        let key = blake3::derive_key("rapport 2026 the list of erasures", self.salt.as_bytes());
        blake3::keyed_hash(&key, id.as_str().as_bytes()).to_hex().to_string()
    }

    /// The last entry for each member.
    fn latest(&self) -> HashMap<&str, &Entry> {
        self.entries.iter().map(|entry| (entry.member.as_str(), entry)).collect()
    }

    /// The last change that a member was forgotten by.
    pub(super) fn last_change(&self) -> u64 {
        self.entries.iter().map(|entry| entry.change).max().unwrap_or(0)
    }

    /// The erasure of a member, the last one.
    pub(super) fn of(&self, id: &MemberId) -> Option<&Entry> {
        self.latest().get(self.hash(id).as_str()).copied()
    }

    /// The members whose erasure was begun and did not come to its end, by their hashes.
    pub(super) fn unfinished(&self) -> Vec<Entry> {
        self.latest().into_values().filter(|entry| !entry.done).cloned().collect()
    }

    /// Notes that an erasure came to its end, of whomever it was.
    pub(super) fn close(&mut self, unfinished: Entry) -> Result<(), CommunityError> {
        self.entries.push(Entry { done: true, ..unfinished });
        self.write()
    }

    /// Those forgotten by a change after the given one.
    pub(super) fn forgotten_after<'a>(&self, change: u64, ids: &'a [MemberId]) -> Vec<&'a MemberId> {
        let latest = self.latest();
        let after = |id: &&MemberId| latest.get(self.hash(id).as_str()).is_some_and(|entry| entry.change > change);
        ids.iter().filter(after).collect()
    }

    /// Adds a line, durably.
    pub(super) fn note(&mut self, id: &MemberId, change: u64, done: bool) -> Result<(), CommunityError> {
        let at = super::now();
        self.entries.push(Entry { member: self.hash(id), change, at, done });
        self.write()
    }

    /// Takes over another list's erasures, which must be of the same salt or this one empty.
    pub(super) fn merge(&mut self, other: Ledger) -> Result<(), CommunityError> {
        if self.entries.is_empty() {
            self.salt = other.salt;
        } else if self.salt != other.salt {
            let problem = "is of another community: the salts differ".to_owned();
            return Err(CommunityError::Ledger { path: other.path, line: 1, problem });
        }
        let new: Vec<Entry> = other.entries.into_iter().filter(|entry| !self.entries.contains(entry)).collect();
        self.entries.extend(new);
        self.write()
    }

    /// A crash leaves the list before or the list after.
    fn write(&self) -> Result<(), CommunityError> {
        let head = serde_json::to_string(&Head { salt: self.salt.clone() });
        let lines = std::iter::once(head).chain(self.entries.iter().map(serde_json::to_string));
        let write = || -> std::io::Result<()> {
            let lines = lines.collect::<Result<Vec<_>, _>>()?;
            durable::replace(&self.path, format!("{}\n", lines.join("\n")).as_bytes())
        };
        write().map_err(CommunityError::io(&self.path))
    }
}
