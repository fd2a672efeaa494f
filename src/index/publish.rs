//! Generations on disk: staged, renamed, made current, gone back to.
//!
//! ```text
//! gen-000042.staging/   written and synced, file by file, then the folder
//! gen-000042/           renamed; complete from its first moment
//! CURRENT               names it: written beside, synced, renamed, folder synced
//! ```
//! A crash before the second step leaves a staging folder that the next build removes; before the third, a complete
//! generation that is not current; the one that was current stays current.

mod kept;

use std::fs;
use std::path::{Path, PathBuf};

use super::{IndexError, Snapshot};
use crate::durable;

pub(crate) use kept::remove;
pub use kept::{Kept, Standing, list, oldest_sequence, prune};

const CURRENT: &str = "CURRENT";
const STAGING: &str = ".staging";
const WITHDRAWN: &str = "WITHDRAWN";

/// The folder's name of a generation.
pub fn name_of(generation: u64) -> String {
    format!("gen-{generation:06}")
}

/// The number in a generation's name; nothing for names that only look like one.
fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("gen-")?.parse().ok().filter(|number| *number < u64::MAX)?;
    (name_of(number) == name).then_some(number)
}

/// The number of the generation in a folder.
pub(crate) fn number_in(folder: &Path) -> Option<u64> {
    number_of(folder.file_name()?.to_str()?)
}

/// The current generation's folder.
///
/// # Errors
/// [`IndexError::NoGeneration`] where none was published; [`IndexError::Io`] where `CURRENT` cannot be read.
pub fn current(index: &Path) -> Result<PathBuf, IndexError> {
    let path = index.join(CURRENT);
    match fs::read_to_string(&path) {
        Ok(name) if number_of(name.trim()).is_some() => Ok(index.join(name.trim())),
        Ok(name) => Err(IndexError::Io {
            path,
            source: std::io::Error::other(format!(
                "names {:?}; expected a generation such as \"gen-000001\"",
                name.trim()
            )),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(IndexError::NoGeneration(index.to_owned())),
        Err(source) => Err(IndexError::Io { path, source }),
    }
}

/// Opens the current generation.
///
/// # Errors
/// As [`current`] and [`Snapshot::open`].
pub fn open_current(index: &Path) -> Result<Snapshot, IndexError> {
    Snapshot::open(&current(index)?)
}

/// The folder of a published generation by its name; nothing where the name is not one of a generation, or it is not
/// there.
pub fn find(index: &Path, name: &str) -> Option<PathBuf> {
    number_of(name)?;
    Some(index.join(name)).filter(|folder| folder.is_dir())
}

/// The folders of all generations, staged ones and those left behind too.
///
/// # Errors
/// [`IndexError::Io`].
pub fn folders(index: &Path) -> Result<Vec<PathBuf>, IndexError> {
    let names = kept::numbers(index)?.into_iter().map(name_of);
    let folders = names.flat_map(|name| [index.join(format!("{name}{STAGING}")), index.join(name)]);
    Ok(folders.filter(|folder| folder.is_dir()).collect())
}

/// Deletes every generation: there is no index until the next one is published. Its number will be above theirs, so that a
/// name never stands for two generations.
///
/// # Errors
/// [`IndexError::Io`]; a part of them may be gone.
pub fn withdraw(index: &Path) -> Result<(), IndexError> {
    if let Some(last) = kept::numbers(index)?.last() {
        let path = index.join(WITHDRAWN);
        durable::replace(&path, name_of(*last).as_bytes()).map_err(IndexError::io(&path))?;
    }
    let path = index.join(CURRENT);
    durable::remove_if_there(&path).map_err(IndexError::io(&path))?;
    sync(index)?;
    for folder in folders(index)? {
        fs::remove_dir_all(&folder).map_err(IndexError::io(&folder))?;
    }
    sync(index)
}

/// The number of the last generation that was withdrawn.
fn withdrawn(index: &Path) -> u64 {
    let name = fs::read_to_string(index.join(WITHDRAWN)).unwrap_or_default();
    number_of(name.trim()).unwrap_or(0)
}

/// A generation being written. Dropped unpublished, its files stay for inspection until the next one is staged.
#[derive(Debug)]
pub struct Staging {
    /// Its number: above all that are there, published, staged or gone back from, or its fleet's.
    pub generation: u64,
    index: PathBuf,
    folder: PathBuf,
}

impl Staging {
    /// Makes the staging folder of the next generation, above a number that was given elsewhere, removing what an interrupted
    /// build left. The caller holds the folder's write lock.
    ///
    /// # Errors
    /// [`IndexError::Io`].
    pub fn begin(index: &Path, above: u64) -> Result<Staging, IndexError> {
        let known = kept::numbers(index)?;
        for left in &known {
            let folder = index.join(name_of(*left) + STAGING);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(IndexError::io(&folder))?;
            }
        }
        let generation = known.last().copied().unwrap_or(0).max(withdrawn(index)).max(above) + 1;
        Staging::of(index, generation)
    }

    /// Makes an empty staging folder for a generation that was built elsewhere.
    ///
    /// # Errors
    /// [`IndexError::Io`].
    pub(crate) fn of(index: &Path, generation: u64) -> Result<Staging, IndexError> {
        let folder = index.join(name_of(generation) + STAGING);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(IndexError::io(&folder))?;
        }
        fs::create_dir(&folder).map_err(IndexError::io(&folder))?;
        Ok(Staging { generation, index: index.to_owned(), folder })
    }

    /// The folder to write into.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the staged generation the current one, atomically.
    ///
    /// # Errors
    /// [`IndexError::Io`]; what was current stays current.
    pub fn publish(self) -> Result<PathBuf, IndexError> {
        let (index, name) = (self.index.clone(), name_of(self.generation));
        let published = self.complete()?;
        make_current(&index, &name)?;
        Ok(published)
    }

    /// Makes the staged generation one that is kept, without making it the current one.
    pub(crate) fn complete(self) -> Result<PathBuf, IndexError> {
        let published = self.index.join(name_of(self.generation));
        sync(&self.folder)?;
        fs::rename(&self.folder, &published).map_err(IndexError::io(&published))?;
        sync(&self.index)?;
        Ok(published)
    }
}

/// Makes an older generation that is still kept the current one, as durably as publishing does, and gives it open. Without
/// a name it is the one that was current when the current one was built. It is read whole before: a damaged one is refused.
/// The caller holds the folder's write lock.
///
/// # Errors
/// [`IndexError::NotKept`] and [`IndexError::NoneBefore`] where there is none to go back to, [`IndexError::Damaged`];
/// what was current stays current.
pub fn rollback(index: &Path, to: Option<&str>) -> Result<Snapshot, IndexError> {
    let kept = list(index)?;
    let name = match to {
        Some(name) => name.to_owned(),
        None => {
            let current = number_in(&current(index)?).unwrap_or(0);
            let published = || kept.iter().filter(|kept| kept.standing != Standing::Staged);
            let live = published().find(|kept| kept.number == current);
            let before = live.and_then(|live| live.manifest.as_ref().ok()?.previous);
            let before = before.and_then(|before| published().find(|kept| kept.number == before));
            // Where that one is gone, or nobody knows, the next older one.
            let before = before.or_else(|| published().rev().find(|kept| kept.number < current));
            before.ok_or_else(|| IndexError::NoneBefore(name_of(current)))?.name.clone()
        }
    };
    let Some(folder) = find(index, &name) else {
        let published = kept.iter().filter(|kept| kept.standing != Standing::Staged);
        let names: Vec<&str> = published.map(|kept| kept.name.as_str()).collect();
        return Err(IndexError::NotKept { name, kept: names.join(", ") });
    };
    let snapshot = Snapshot::open(&folder)?;
    snapshot.verify()?;
    make_current(index, &name)?;
    Ok(snapshot)
}

/// Lets `CURRENT` name a generation that is there: all of it or nothing is seen, now and after a power cut.
pub(crate) fn make_current(index: &Path, name: &str) -> Result<(), IndexError> {
    let path = index.join(CURRENT);
    durable::replace(&path, format!("{name}\n").as_bytes()).map_err(IndexError::io(&path))
}

fn sync(folder: &Path) -> Result<(), IndexError> {
    durable::sync_folder(folder).map_err(IndexError::io(folder))
}
