//! Generations on disk: staged, renamed, made current, found, pruned.
//!
//! ```text
//! gen-000042.staging/   written and synced, file by file, then the folder
//! gen-000042/           renamed; complete from its first moment
//! CURRENT               names it: written beside, synced, renamed, folder synced
//! ```
//! A crash before the second step leaves a staging folder that the next build removes; before the third, a complete
//! generation that is not current; the one that was current stays current.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{IndexError, Snapshot};

const CURRENT: &str = "CURRENT";
const STAGING: &str = ".staging";

/// The folder's name of a generation.
pub fn name_of(generation: u64) -> String {
    format!("gen-{generation:06}")
}

/// The number in a generation's name; nothing for names that only look like one.
fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("gen-")?.parse().ok().filter(|number| *number < u64::MAX)?;
    (name_of(number) == name).then_some(number)
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
    let names = generations(index)?.into_iter().map(name_of);
    let folders = names.flat_map(|name| [index.join(format!("{name}{STAGING}")), index.join(name)]);
    Ok(folders.filter(|folder| folder.is_dir()).collect())
}

/// Makes no generation the current one: there is no index until the next one is published.
///
/// # Errors
/// [`IndexError::Io`].
pub fn withdraw(index: &Path) -> Result<(), IndexError> {
    let path = index.join(CURRENT);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(IndexError::io(&path)(error)),
        _ => sync(index),
    }
}

/// The numbers of all generations in the folder, staged ones too.
fn generations(index: &Path) -> Result<Vec<u64>, IndexError> {
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

/// A generation being written. Dropped unpublished, its files stay for inspection until the next one is staged.
#[derive(Debug)]
pub struct Staging {
    /// Its number.
    pub generation: u64,
    index: PathBuf,
    folder: PathBuf,
}

impl Staging {
    /// Makes the staging folder of the next generation, removing what an interrupted build left. The caller holds the
    /// folder's write lock.
    ///
    /// # Errors
    /// [`IndexError::Io`].
    pub fn begin(index: &Path) -> Result<Staging, IndexError> {
        let known = generations(index)?;
        for left in &known {
            let folder = index.join(name_of(*left) + STAGING);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(IndexError::io(&folder))?;
            }
        }
        let generation = known.last().map_or(1, |last| last + 1);
        let folder = index.join(name_of(generation) + STAGING);
        fs::create_dir(&folder).map_err(IndexError::io(&folder))?;
        Ok(Staging { generation, index: index.to_owned(), folder })
    }

    /// The folder to write into.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the staged generation the current one, atomically, and removes those that are no longer kept.
    ///
    /// # Errors
    /// [`IndexError::Io`]; what was current stays current.
    pub fn publish(self) -> Result<PathBuf, IndexError> {
        let name = name_of(self.generation);
        let published = self.index.join(&name);
        let before = current(&self.index).ok();
        sync(&self.folder)?;
        fs::rename(&self.folder, &published).map_err(IndexError::io(&published))?;
        sync(&self.index)?;
        let beside = self.index.join(format!("{CURRENT}.new"));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&beside)?;
            writeln!(file, "{name}")?;
            file.sync_all()?;
            fs::rename(&beside, self.index.join(CURRENT))
        };
        write().map_err(IndexError::io(&beside))?;
        sync(&self.index)?;
        // The new one is live from here on: what cannot be removed is only in the way.
        if let Err(error) = prune(&self.index, [Some(&published), before.as_ref()]) {
            tracing::warn!("an old generation could not be removed: {error}");
        }
        Ok(published)
    }
}

/// Removes all generations but the current one and the one before it, which a reader may be about to open.
fn prune(index: &Path, kept: [Option<&PathBuf>; 2]) -> Result<(), IndexError> {
    for folder in generations(index)?.into_iter().map(|number| index.join(name_of(number))) {
        if !kept.contains(&Some(&folder)) && folder.exists() {
            fs::remove_dir_all(&folder).map_err(IndexError::io(&folder))?;
        }
    }
    Ok(())
}

/// Makes the names in a folder durable. Windows has no such call and needs none.
fn sync(folder: &Path) -> Result<(), IndexError> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(IndexError::io(folder))?;
    }
    Ok(())
}
