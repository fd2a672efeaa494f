//! Looking for what is left of a member in an index folder.

use std::fs;
use std::io::Read;
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

/// Whether an id stands in the bytes of a folder's database, though nobody is stored by it: in a copy of a row that had moved from page
/// to page before it was deleted, or in what a killed import left in the log.
pub(super) fn is_left_in_database(index: &Path, id: &MemberId) -> std::io::Result<bool> {
    /// Bytes looked at together, the last of them once more with the next.
    const WINDOW: u64 = 1 << 24;
    const AGAIN: usize = 1 << 12;
    for entry in fs::read_dir(index)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(Address::FILE) {
            continue;
        }
        let (mut file, mut bytes) = (fs::File::open(entry.path())?, Vec::new());
        while file.by_ref().take(WINDOW).read_to_end(&mut bytes)? > 0 {
            if mentions_in_database(&bytes, id.as_str()) > 0 {
                return Ok(true);
            }
            bytes.drain(..bytes.len().saturating_sub(AGAIN));
        }
    }
    Ok(false)
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

/// How often an id stands in the bytes of a SQLite database as a value: as a string in a record, or as a column.
fn mentions_in_database(bytes: &[u8], id: &str) -> usize {
    /// Shorter ids are met by chance among the values of vectors.
    const TELLING: usize = 4;
    let quoted = serde_json::to_string(id).unwrap_or_default();
    let inner = quoted[1..quoted.len() - 1].to_owned();
    let as_string = places(bytes, &quoted).count();
    let as_column = places(bytes, id)
        .filter(|at| id.len() >= TELLING && is_column(bytes, *at, id.len()) && !in_quotes(bytes, *at, &inner));
    as_string + as_column.count()
}

/// Whether some bytes are a text column of a row: whether a row's header before them says that a text of this length begins
/// there. A header has its own length and then each column's type, as varints; a text's type is 13 and twice its length
/// (<https://www.sqlite.org/fileformat2.html>, section 2.1).
fn is_column(bytes: &[u8], at: usize, length: usize) -> bool {
    /// As far before it as a row may begin: three ids of 256 bytes at most, and a few short columns.
    const ROW: usize = 1_024;
    (at.saturating_sub(ROW)..at).any(|begin| {
        let Some((header, mut next)) = varint(bytes, begin) else { return false };
        let end = begin + header as usize;
        let mut column = end;
        while next < end && column <= at {
            let Some((kind, after)) = varint(bytes, next) else { return false };
            if column == at && kind == 13 + 2 * length as u64 {
                return true;
            }
            column += match kind {
                0 | 8 | 9 => 0,
                1..=4 => kind as usize,
                5 => 6,
                6 | 7 => 8,
                _ => (kind as usize).saturating_sub(12) / 2,
            };
            next = after;
        }
        false
    })
}

/// A number of SQLite's, and where it ends. Those of a row's header have three bytes at most.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    for (taken, byte) in bytes.get(at..)?.iter().take(3).enumerate() {
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + taken + 1));
        }
    }
    None
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
            (b"\x03\x15\x01adam\x07", 1),
            (b"\x06\x15\x02L\x82\x11adam\x07", 1),
            (b"\x06\x15\x02L\x82\x11adam\x07{\"id\":\"adam\"}", 2),
            // The second column, after an id of three letters.
            (b"\x04\x13\x15\x02evaadam\x07", 1),
            // Somebody else's id that begins like it, in the row of number 0x15.
            (b"\x07\x15\x03\x1d\x02adam-bis\x15", 0),
            (b"for adam to", 0),
        ] {
            assert_eq!(mentions_in_database(bytes, "adam"), expected, "{bytes:?}");
        }
    }
}
