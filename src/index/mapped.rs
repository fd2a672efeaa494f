//! Read-only maps of a generation's files. One of two modules with `unsafe`; the other is `kernels`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::slice;
use std::sync::Arc;

use bytemuck::Pod;
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

/// One array of a file, read in place. It is read for every value of every candidate of a search, so where it lies is found out
/// once.
#[derive(Debug, Clone)]
pub struct Array<T> {
    start: *const T,
    length: usize,
    /// Keeps the file mapped.
    _map: Arc<Mapped>,
}

// SAFETY: it is a shared slice of plain values that nobody writes to.
unsafe impl<T: Sync> Send for Array<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Array<T> {}

impl<T: Pod> Array<T> {
    /// What lies in a range of a file's bytes, which begins at a multiple of 64.
    pub(super) fn of(map: &Arc<Mapped>, bytes: Range<usize>) -> Array<T> {
        // Maps begin at a page: the cast cannot fail.
        let values: &[T] = bytemuck::cast_slice(&map.bytes()[bytes]);
        Array { start: values.as_ptr(), length: values.len(), _map: Arc::clone(map) }
    }
}

impl<T: Pod> Deref for Array<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: start and length are of a slice of the map, which stays where it is and as it is for as long as it is kept.
        unsafe { slice::from_raw_parts(self.start, self.length) }
    }
}
