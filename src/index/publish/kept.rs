//! The generations of an index folder: which there are, and which of them go.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::{STAGING, current, name_of, number_of};
use crate::durable;
use crate::index::manifest::Manifest;
use crate::index::{IndexError, MANIFEST};

/// A generation in the folder.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its name, such as `gen-000042`; a staged one has the same name as it would be published under.
    pub name: String,
    /// Its number.
    pub number: u64,
    /// Where its files are.
    pub folder: PathBuf,
    /// What it stands as.
    pub standing: Standing,
    /// What it says of itself, or why that cannot be read.
    pub manifest: Result<Manifest, String>,
    /// The size of its files.
    pub bytes: u64,
}

/// What a generation stands as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Searched.
    Current,
    /// Published, and kept to go back to.
    Kept,
    /// Not published: being built, interrupted, or left for inspection because a gate did not hold.
    Staged,
}

impl Kept {
    /// When it was built; nothing where its manifest cannot be read.
    pub fn created(&self) -> Option<Timestamp> {
        self.manifest.as_ref().ok()?.created.parse().ok()
    }
}

/// All generations in the folder, oldest first, staged ones last.
///
/// # Errors
/// [`IndexError::Io`] where the folder cannot be read.
pub fn list(index: &Path) -> Result<Vec<Kept>, IndexError> {
    let current = current(index).ok();
    let mut found = Vec::new();
    for number in numbers(index)? {
        for (staged, suffix) in [(false, ""), (true, STAGING)] {
            let name = name_of(number);
            let folder = index.join(format!("{name}{suffix}"));
            if !folder.is_dir() {
                continue;
            }
            let standing = match staged {
                true => Standing::Staged,
                false if current.as_ref() == Some(&folder) => Standing::Current,
                false => Standing::Kept,
            };
            let (manifest, bytes) = (read_manifest(&folder), bytes_of(&folder));
            found.push(Kept { name, number, folder, standing, manifest, bytes });
        }
    }
    found.sort_by_key(|kept| kept.standing == Standing::Staged);
    Ok(found)
}

/// Removes the published generations that are no longer kept, and says which. Kept are the current one, `before` (which a
/// reader may be about to open), the newest `keep`, and those younger than `keep_days`. A clock that was set back makes
/// nobody old: what is dated after `now` counts as new. The caller holds the folder's write lock.
///
/// # Errors
/// [`IndexError::Io`] where one cannot be removed.
pub fn prune(
    index: &Path,
    before: Option<&Path>,
    keep: usize,
    keep_days: u32,
    now: Timestamp,
) -> Result<Vec<String>, IndexError> {
    let published: Vec<Kept> = list(index)?.into_iter().filter(|kept| kept.standing != Standing::Staged).collect();
    let newest = published.len().saturating_sub(keep);
    let mut removed = Vec::new();
    for (at, kept) in published.iter().enumerate() {
        let young = kept.created().is_some_and(|created| {
            let age = now.duration_since(created);
            if age.is_negative() {
                let (name, since) = (&kept.name, &created);
                tracing::warn!("{name} is of {since}, which is yet to come: was the clock set back? It counts as new");
            }
            age.max(SignedDuration::ZERO) < SignedDuration::from_hours(24 * i64::from(keep_days))
        });
        // What has no manifest is what an interrupted removal left.
        let whole = kept.folder.join(MANIFEST).exists();
        let live = kept.standing == Standing::Current || before == Some(&kept.folder);
        if live || whole && (at >= newest || young) {
            continue;
        }
        remove(&kept.folder)?;
        removed.push(kept.name.clone());
    }
    Ok(removed)
}

/// The oldest change that a published generation still lacks to be followed by; nothing where none can be read.
///
/// # Errors
/// [`IndexError::Io`] where the folder cannot be read.
pub fn oldest_sequence(index: &Path) -> Result<Option<u64>, IndexError> {
    let published = list(index)?.into_iter().filter(|kept| kept.standing != Standing::Staged);
    Ok(published.filter_map(|kept| Some(kept.manifest.ok()?.sequence)).min())
}

/// Removes a generation, its manifest first, so that half of one is never taken for a whole.
pub(crate) fn remove(folder: &Path) -> Result<(), IndexError> {
    durable::remove_if_there(&folder.join(MANIFEST)).map_err(IndexError::io(folder))?;
    fs::remove_dir_all(folder).map_err(IndexError::io(folder))
}

/// The numbers of all generations in the folder, staged ones too, ascending.
pub(super) fn numbers(index: &Path) -> Result<Vec<u64>, IndexError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(index).map_err(IndexError::io(index))? {
        let entry = entry.map_err(IndexError::io(index))?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or("");
        if entry.path().is_dir() {
            numbers.extend(number_of(name.strip_suffix(STAGING).unwrap_or(name)));
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn read_manifest(folder: &Path) -> Result<Manifest, String> {
    let json = fs::read_to_string(folder.join(MANIFEST)).map_err(|error| format!("{MANIFEST}: {error}"))?;
    Manifest::read(&json).map_err(|problem| format!("{MANIFEST} {problem}"))
}

fn bytes_of(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}
