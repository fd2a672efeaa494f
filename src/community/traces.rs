//! Looking for what is left of a member in an index folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::CommunityError;
use crate::config::Config;
use crate::index::{Snapshot, publish};
use crate::member::MemberId;
use crate::store::{Address, Store, StoreError, WriteLock};

/// A place where a member's id was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The file, relative to the index folder, or the database.
    pub file: PathBuf,
    /// What was found there.
    pub found: String,
}

/// Searches every file of an index folder for a member's id: the database's tables and its bytes, free pages and log
/// among them, the generations, and every other file.
///
/// # Errors
/// [`CommunityError`] where a file cannot be read.
pub async fn traces(config: &Config, id: &MemberId) -> Result<Vec<Trace>, CommunityError> {
    let index = config.index.as_path();
    let mut traces = Vec::new();
    let there = match Store::open(&config.database()).await {
        Err(StoreError::Missing(_)) => None,
        opened => Some(opened?),
    };
    if let Some(store) = there {
        let mut note =
            |found: &str| traces.push(Trace { file: config.database().to_string().into(), found: found.into() });
        if !store.members(&[id.as_str()]).await?.0.is_empty() {
            note("the member is stored");
        }
        if store.is_participant(id).await? {
            note("the member takes part in the programme");
        }
        if store.is_in_searches(id).await? {
            note("searches or counts of who was shown name the member");
        }
        if store.has_tombstone(id).await? {
            note("a tombstone: generations may hold the member");
        }
    }
    let mut search = |folder: &Path| -> Result<(), CommunityError> {
        for entry in fs::read_dir(folder).map_err(CommunityError::io(folder))? {
            let path = entry.map_err(CommunityError::io(folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !path.is_file() || name == WriteLock::FILE {
                continue;
            }
            let bytes = match fs::read(&path) {
                // A database's log goes when its last reader does.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.map_err(CommunityError::io(&path))?,
            };
            let mentions = if name.starts_with(Address::FILE) { mentions_in_database } else { mentions };
            let count = mentions(&bytes, id.as_str());
            if count > 0 {
                let file = path.strip_prefix(index).unwrap_or(&path).to_owned();
                let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
                traces.push(Trace { file, found: format!("the id stands in it {times}") });
            }
        }
        Ok(())
    };
    if !index.is_dir() {
        return Ok(traces);
    }
    search(index)?;
    let folders = publish::folders(index)?;
    // Ids stand side by side in a generation, so that its bytes say little; what does not open is looked through all the
    // same.
    let (open, closed): (Vec<_>, Vec<_>) = folders.into_iter().partition(|folder| Snapshot::open(folder).is_ok());
    closed.iter().try_for_each(|folder| search(folder))?;
    for folder in open {
        if Snapshot::open(&folder).is_ok_and(|snapshot| snapshot.columns.slot(id.as_str()).is_some()) {
            let file = folder.strip_prefix(index).unwrap_or(&folder).to_owned();
            traces.push(Trace { file, found: "the generation holds the member".into() });
        }
    }
    traces.sort_by(|left, right| left.file.cmp(&right.file));
    Ok(traces)
}

/// How often an id stands in some text by itself, not as a part of a longer word.
pub(super) fn mentions(text: &[u8], id: &str) -> usize {
    let part = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte) || *byte >= 0x80)
    };
    let alone = |at: &usize| {
        let (before, after) = (&text[..*at], &text[at + id.len()..]);
        // A line's end that JSON writes as two characters is no part of what follows.
        let escaped = [&b"\\n"[..], b"\\t", b"\\r"].iter().any(|escape| before.ends_with(escape));
        (escaped || !part(before.last())) && !part(after.first())
    };
    places(text, id).filter(alone).count()
}

/// How often an id stands in the bytes of a SQLite database as a value: as a string in a record, or as a column. A column's
/// length comes a few bytes before it: 13 and twice the length, by the file format's serial types.
fn mentions_in_database(bytes: &[u8], id: &str) -> usize {
    /// As far as a row's header may go on after the id's length: a number, a hash, a record.
    const HEADER: usize = 6;
    /// Shorter ids are met by chance among the values of vectors.
    const TELLING: usize = 4;
    let quoted = serde_json::to_string(id).unwrap_or_default();
    let inner = quoted[1..quoted.len() - 1].to_owned();
    let length = ((13 + 2 * id.len()) & 0x7f) as u8;
    let column = |at: &usize| bytes[at.saturating_sub(HEADER)..*at].contains(&length);
    let as_string = places(bytes, &quoted).count();
    let as_column = places(bytes, id).filter(|at| id.len() >= TELLING && column(at) && !in_quotes(bytes, *at, &inner));
    as_string + as_column.count()
}

fn in_quotes(bytes: &[u8], at: usize, inner: &str) -> bool {
    at > 0 && bytes[at - 1] == b'"' && bytes.get(at + inner.len()) == Some(&b'"')
}

/// Where some bytes are found.
fn places<'a>(bytes: &'a [u8], sought: &'a str) -> impl Iterator<Item = usize> + 'a {
    memchr::memmem::find_iter(bytes, sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_unless_it_is_a_part_of_a_longer_word() {
        for (text, expected) in [
            ("", 0),
            ("m-1", 1),
            ("\"m-1\"", 1),
            ("m-10", 0),
            ("\"m-10\",\"m-1\"", 1),
            ("am-1", 0),
            ("say\\nm-1,mentor", 1),
            ("m-1,m-1;m-1|x", 3),
            ("öm-1", 0),
        ] {
            assert_eq!(mentions(text.as_bytes(), "m-1"), expected, "{text}");
        }
    }

    #[test]
    fn in_a_database_words_are_no_ids() {
        for (bytes, expected) in [
            (&b"adapted by Canada"[..], 0),
            (b"{\"id\":\"adam\"}", 1),
            (b"\x04\x15\x01adam\x07", 1),
            (b"\x05\x15\x02L\x82\x11adam\x07", 1),
            (b"\x05\x15\x02L\x82\x11adam\x07{\"id\":\"adam\"}", 2),
            (b"for adam to", 0),
        ] {
            assert_eq!(mentions_in_database(bytes, "adam"), expected, "{bytes:?}");
        }
    }
}
