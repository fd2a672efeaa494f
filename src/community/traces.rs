//! Looking for what is left of a member in an index folder.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::CommunityError;
use crate::index::{Snapshot, publish};
use crate::member::MemberId;
use crate::store::{Store, WriteLock};

/// A place where a member's id was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The file, relative to the index folder.
    pub file: PathBuf,
    /// What was found there.
    pub found: String,
}

/// Searches every file of an index folder for a member's id: the database's tables and its bytes, free pages and log
/// among them, the generations, and every other file. An id inside a longer id that somebody has is none.
///
/// # Errors
/// [`CommunityError`] where a file cannot be read.
pub async fn traces(index: &Path, id: &MemberId) -> Result<Vec<Trace>, CommunityError> {
    let mut traces = Vec::new();
    let mut known = HashSet::new();
    if let Ok(store) = Store::open(index).await {
        let database = || PathBuf::from(Store::FILE);
        known.extend(store.ids().await?);
        if known.remove(id.as_str()) {
            traces.push(Trace { file: database(), found: "the member is stored".into() });
        }
        if store.has_tombstone(id).await? {
            traces.push(Trace { file: database(), found: "a tombstone: generations may hold the member".into() });
        }
    }
    let folders = publish::folders(index)?;
    for folder in &folders {
        if let Ok(snapshot) = Snapshot::open(folder) {
            let file = folder.strip_prefix(index).unwrap_or(folder).to_owned();
            if snapshot.columns.slot(id.as_str()).is_some() {
                traces.push(Trace { file, found: "the generation holds the member".into() });
            }
            // Ids stand side by side in a generation, so that one may be read across two of them.
            continue;
        }
        search_files(index, folder, id, &known, &mut traces)?;
    }
    search_files(index, index, id, &known, &mut traces)?;
    traces.sort_by(|left, right| left.file.cmp(&right.file));
    Ok(traces)
}

/// The files of one folder, not those of folders in it.
fn search_files(
    index: &Path,
    folder: &Path,
    id: &MemberId,
    known: &HashSet<String>,
    traces: &mut Vec<Trace>,
) -> Result<(), CommunityError> {
    for entry in fs::read_dir(folder).map_err(CommunityError::io(folder))? {
        let path = entry.map_err(CommunityError::io(folder))?.path();
        if !path.is_file() || path.file_name().is_some_and(|name| name == WriteLock::FILE) {
            continue;
        }
        let bytes = fs::read(&path).map_err(CommunityError::io(&path))?;
        let count = mentions(&bytes, id.as_str(), known);
        if count > 0 {
            let file = path.strip_prefix(index).unwrap_or(&path).to_owned();
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            traces.push(Trace { file, found: format!("the id stands in it {times}") });
        }
    }
    Ok(())
}

/// How often an id stands in some bytes other than as a part of a longer known id. What a database writes before and
/// after an id may look like letters, so an id is not taken for a part of something that nobody is called.
pub(super) fn mentions(bytes: &[u8], id: &str, known: &HashSet<String>) -> usize {
    let mut count = 0;
    let mut rest = bytes;
    let mut before: &[u8] = &[];
    while let Some(at) = find(rest, id.as_bytes()) {
        before = &bytes[..before.len() + at];
        let after = &bytes[before.len() + id.len()..];
        count += usize::from(!is_in_a_longer_id(before, id, after, known));
        before = &bytes[..before.len() + id.len()];
        rest = after;
    }
    count
}

fn is_in_a_longer_id(before: &[u8], id: &str, after: &[u8], known: &HashSet<String>) -> bool {
    const LONGEST: usize = 64;
    let in_id = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_.:@/".contains(byte) || **byte >= 0x80;
    let left = before.iter().rev().take(LONGEST).take_while(in_id).count();
    let right = after.iter().take(LONGEST).take_while(in_id).count();
    let (left, right) = (&before[before.len() - left..], &after[..right]);
    (0..=left.len()).any(|start| {
        (0..=right.len()).filter(|end| left.len() - start + end > 0).any(|end| {
            let longer = [&left[start..], id.as_bytes(), &right[..end]].concat();
            std::str::from_utf8(&longer).is_ok_and(|longer| known.contains(longer))
        })
    })
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    let first = *sought.first()?;
    let mut start = 0;
    loop {
        let at = start + bytes.get(start..)?.iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(sought) {
            return Some(at);
        }
        start = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_unless_it_is_a_part_of_somebody_elses() {
        let known: HashSet<String> = ["m-10", "am-1", "ö-m-1"].map(str::to_owned).into();
        for (bytes, expected) in [
            ("", 0),
            ("m-1", 1),
            ("\"m-1\"", 1),
            ("m-10", 0),
            ("\"m-10\",\"m-1\"", 1),
            ("am-1", 0),
            ("ö-m-1", 0),
            ("Lm-1", 1),
            ("m-11", 1),
            ("m-m-1m-1", 2),
        ] {
            assert_eq!(mentions(bytes.as_bytes(), "m-1", &known), expected, "{bytes}");
        }
    }
}
