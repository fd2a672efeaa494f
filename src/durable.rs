//! Files that a power cut leaves as they were or as they are to be.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file whole, or makes it: written beside (`NAME.new`), synced, renamed, and the rename made to last. Whoever may
/// read the old one may read the new one, and nobody else.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let write = || {
        let mut written = File::create(beside)?;
        if let Ok(before) = fs::metadata(file) {
            written.set_permissions(before.permissions())?;
        }
        written.write_all(bytes)?;
        written.sync_all()?;
        rename(beside, file)
    };
    write().inspect_err(|_| drop(fs::remove_file(beside)))
}

/// Renames a file that is synced already, for good.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Makes names that came, went or changed in a folder last. Windows has no such call and needs none.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(folder)?.sync_all() }
}

/// Removes a file, if it is there.
pub(crate) fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
