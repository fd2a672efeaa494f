//! An index folder as a copy of what its fleet has.
//!
//! Generations are built in one server's folder, kept in the database, and fetched from there by the others, each checked
//! against its checksums before it is served. Nothing in a folder is lost with it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::index::publish::{self, Staging, Standing};
use crate::index::{COLUMNS, INTERESTS, IndexError, MANIFEST, PROFILE, Snapshot, VECTORS};
use crate::rebuild::RebuildError;
use crate::store::fleet::{Fleet, Shared, Turn};

/// The files of a generation.
const FILES: [&str; 5] = [MANIFEST, COLUMNS, VECTORS, PROFILE, INTERESTS];

/// How much of what the fleet has a folder is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What is to be served, at once.
    Current,
    /// Every generation that is kept.
    All,
}

/// Makes a folder hold generations of the fleet's and no others, its current one as the current one. Before the first of a
/// fleet is published, the folder keeps what it has. The caller holds the folder's write lock.
///
/// # Errors
/// [`RebuildError::Store`], [`RebuildError::Index`]; what was current stays current until another one is whole.
pub(crate) async fn mirror(fleet: &Fleet, index: &Path, extent: Extent) -> Result<Shared, RebuildError> {
    let shared = fleet.shared().await?;
    let Some(current) = shared.current else { return Ok(shared) };
    let others = shared.generations.keys().rev().filter(|number| **number != current && extent == Extent::All);
    let here = published(index)?;
    // The others that are here already stay, if they are what the fleet has.
    let mut whole: Vec<u64> = here
        .iter()
        .filter(|(number, checksum)| checksum.is_some() && shared.generations.get(number) == checksum.as_ref())
        .map(|(number, _)| *number)
        .collect();
    // Those that went are gone first, since there may be no room beside them, but for what is current: until another one is.
    let is_current = |number: u64| publish::current(index).ok() == Some(index.join(publish::name_of(number)));
    let (late, gone): (Vec<u64>, Vec<u64>) = here
        .into_iter()
        .map(|(number, _)| number)
        .filter(|number| !shared.generations.contains_key(number))
        .partition(|number| is_current(*number));
    for number in gone {
        remove(index.join(publish::name_of(number))).await?;
    }
    for number in [&current].into_iter().chain(others) {
        if !whole.contains(number) {
            fetch(fleet, index, *number).await?;
            whole.push(*number);
        }
        let name = publish::name_of(*number);
        if *number == current && publish::current(index).ok() != Some(index.join(&name)) {
            publish::make_current(index, &name)?;
        }
    }
    for number in late {
        remove(index.join(publish::name_of(number))).await?;
    }
    Ok(shared)
}

/// Removes what is staged in a folder: left by a build, or by a fetch that broke off, whoever may be in it.
pub(crate) async fn remove_staged(index: &Path) -> Result<(), RebuildError> {
    for kept in publish::list(index)?.into_iter().filter(|kept| kept.standing == Standing::Staged) {
        remove(kept.folder).await?;
    }
    Ok(())
}

/// Removes a generation's folder: gigabytes, and not on a thread that others wait for.
async fn remove(folder: PathBuf) -> Result<(), RebuildError> {
    let removed = tokio::task::spawn_blocking(move || publish::remove(&folder)).await;
    Ok(removed.map_err(|error| RebuildError::Stopped(error.to_string()))??)
}

/// The numbers of the generations in a folder, each with its manifest's checksum, where that reads.
pub(crate) fn published(index: &Path) -> Result<Vec<(u64, Option<String>)>, IndexError> {
    let kept = publish::list(index)?.into_iter().filter(|kept| kept.standing != Standing::Staged);
    Ok(kept.map(|kept| (kept.number, kept.manifest.ok().map(|manifest| manifest.checksum))).collect())
}

/// Has the fleet serve a generation that is staged here.
pub(crate) async fn share(turn: &Turn, staging: &Staging, checksum: &str) -> Result<(), RebuildError> {
    let files = FILES.map(|name| staging.folder().join(name));
    Ok(turn.publish(staging.generation, checksum, &files.each_ref().map(|path| path.as_path())).await?)
}

/// Has the fleet keep only those generations that are kept here.
pub(crate) async fn prune(turn: &Turn, index: &Path) -> Result<(), RebuildError> {
    let here: Vec<u64> = published(index)?.into_iter().map(|(number, _)| number).collect();
    let dropped = turn.keep_only(&here).await?;
    if !dropped.is_empty() {
        tracing::info!(?dropped, "generations dropped from the database");
    }
    Ok(())
}

/// Writes a generation of the fleet's into the folder, and reads it whole before it counts.
async fn fetch(fleet: &Fleet, index: &Path, number: u64) -> Result<(), RebuildError> {
    let staging = Staging::of(index, number)?;
    let folder = staging.folder().to_owned();
    let fetched = write(fleet, staging, number).await;
    if fetched.is_err() {
        // Nobody looks into it, and whoever is forgotten may be in it.
        let _ = std::fs::remove_dir_all(folder);
    }
    let (staging, place) = (fetched?, index.join(publish::name_of(number)));
    if place.exists() {
        // Of another fleet, or damaged.
        remove(place.clone()).await?;
    }
    staging.complete()?;
    tracing::info!("fetched {}", publish::name_of(number));
    Ok(())
}

async fn write(fleet: &Fleet, staging: Staging, number: u64) -> Result<Staging, RebuildError> {
    let mut files = Vec::new();
    for name in FILES {
        let path = staging.folder().join(name);
        let mut file = File::create(&path).map_err(IndexError::io(&path))?;
        let write = |piece: &[u8]| Ok::<_, RebuildError>(file.write_all(piece).map_err(IndexError::io(&path))?);
        fleet.read(number, name, write).await?;
        files.push((path, file));
    }
    let whole = tokio::task::spawn_blocking(move || {
        files.iter().try_for_each(|(path, file)| file.sync_all().map_err(IndexError::io(path)))?;
        Snapshot::open(staging.folder())?.verify()?;
        Ok::<_, IndexError>(staging)
    });
    Ok(whole.await.map_err(|error| RebuildError::Stopped(error.to_string()))??)
}
