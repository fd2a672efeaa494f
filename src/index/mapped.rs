//! Read-only maps of a generation's files. One of two modules with `unsafe`; the other is `kernels`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// A whole file, mapped read-only.
#[derive(Debug)]
pub(super) struct Mapped(Mmap);

impl Mapped {
    pub(super) fn open(path: &Path) -> io::Result<Mapped> {
        let file = File::open(path)?;
        // SAFETY: a map is unsound if the file changes under it. A published generation never changes (invariant 1):
        // its files are written in a staging folder, renamed once, and only ever deleted, which leaves maps intact.
        // A file cut short by somebody else under a running map is the one exception, stated in ARCHITECTURE.md.
        Ok(Mapped(unsafe { Mmap::map(&file)? }))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
