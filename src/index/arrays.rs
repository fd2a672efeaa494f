//! The one file format of a generation: named arrays, mapped and read in place.
//!
//! Little-endian. Byte offsets are from the file's start:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..8 | `RAPPORT\0` |
//! | 8..12 | format version, u32 |
//! | 12..16 | number of arrays, u32, at most 63 |
//! | 16..24 | file length, u64 |
//! | 24..56 | BLAKE3 of the whole file with these 32 bytes zero |
//! | 56..64 | zero |
//! | 64.. | the directory, 64 bytes an array: name (32 bytes, zero-padded), element type u32, zero u32, offset u64, elements u64, zero u64 |
//! | 4096.. | the arrays, each at a multiple of 64 |
//!
//! Opening checks header, version, length and bounds in constant time; [`ArrayFile::verify`] reads the whole file.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::Pod;

pub use super::mapped::Array;
use super::mapped::Mapped;
use crate::member::fold::Key;

#[cfg(target_endian = "big")]
compile_error!("a generation's files are little-endian and read in place");

const MAGIC: &[u8; 8] = b"RAPPORT\0";
const VERSION: u32 = 1;
const DIRECTORY: usize = 64;
const ENTRY: usize = 64;
const START: usize = 4096;
const MOST_ARRAYS: usize = (START - DIRECTORY) / ENTRY;
const CHECKSUM: std::ops::Range<usize> = 24..56;

/// A file that is not a whole array file of this version.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what was expected.
    pub problem: String,
}

/// A type that may stand in an array file.
pub trait Element: Pod {
    /// The type's number in the directory.
    const CODE: u32;
}

macro_rules! elements {
    ($($type:ty = $code:literal),*) => { $(impl Element for $type { const CODE: u32 = $code; })* };
}
elements!(u8 = 1, i8 = 2, u16 = 3, i16 = 4, u32 = 5, u64 = 6, f32 = 7, Key = 8);

/// Writes an array file: arrays one after the other, then the header.
pub struct ArrayWriter {
    path: PathBuf,
    out: BufWriter<File>,
    at: u64,
    directory: Vec<u8>,
}

impl ArrayWriter {
    /// Begins a file; one that is there already is replaced.
    ///
    /// # Errors
    /// The system's, as all of this type's.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).truncate(true).read(true).write(true).open(path)?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all(&[0; START])?;
        Ok(ArrayWriter { path: path.to_owned(), out, at: START as u64, directory: Vec::new() })
    }

    /// Writes one array.
    pub fn array<T: Element>(&mut self, name: &str, values: &[T]) -> io::Result<()> {
        self.chunks(name, std::iter::once(Ok(values)))
    }

    /// Writes one array from pieces, so that it need not be in memory whole.
    pub fn chunks<T: Element, C: AsRef<[T]>>(
        &mut self,
        name: &str,
        chunks: impl IntoIterator<Item = io::Result<C>>,
    ) -> io::Result<()> {
        if name.len() > 32 || self.directory.len() >= MOST_ARRAYS * ENTRY {
            return Err(io::Error::other(format!("array {name:?} does not fit the directory")));
        }
        let padding = self.at.next_multiple_of(64) - self.at;
        self.out.write_all(&[0; 64][..padding as usize])?;
        self.at += padding;
        let offset = self.at;
        let mut elements = 0u64;
        for chunk in chunks {
            let chunk = chunk?;
            let bytes: &[u8] = bytemuck::cast_slice(chunk.as_ref());
            self.out.write_all(bytes)?;
            self.at += bytes.len() as u64;
            elements += chunk.as_ref().len() as u64;
        }
        let mut entry = [0; ENTRY];
        entry[..name.len()].copy_from_slice(name.as_bytes());
        entry[32..36].copy_from_slice(&T::CODE.to_le_bytes());
        entry[40..48].copy_from_slice(&offset.to_le_bytes());
        entry[48..56].copy_from_slice(&elements.to_le_bytes());
        self.directory.extend_from_slice(&entry);
        Ok(())
    }

    /// Writes a list of lists as two arrays: `NAME.starts` (one more than there are lists) and `NAME`.
    pub fn lists<T: Element>(&mut self, name: &str, lists: &ListsBuilder<T>) -> io::Result<()> {
        if u32::try_from(lists.values.len()).is_err() {
            return Err(io::Error::other(format!(
                "{name} has {} values; at most {} fit",
                lists.values.len(),
                u32::MAX
            )));
        }
        self.array(&format!("{name}.starts"), &lists.starts)?;
        self.array(name, &lists.values)
    }

    /// Writes header and checksum and syncs the file.
    pub fn finish(self) -> io::Result<()> {
        let mut header = [0; DIRECTORY];
        header[..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[12..16].copy_from_slice(&((self.directory.len() / ENTRY) as u32).to_le_bytes());
        header[16..24].copy_from_slice(&self.at.to_le_bytes());
        let mut file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        file.write_all(&self.directory)?;
        let checksum = checksum(Mapped::open(&self.path)?.bytes());
        file.seek(SeekFrom::Start(CHECKSUM.start as u64))?;
        file.write_all(checksum.as_bytes())?;
        file.sync_all()
    }
}

fn checksum(file: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&file[..CHECKSUM.start]).update(&[0; 32]).update_rayon(&file[CHECKSUM.end..]);
    hasher.finalize()
}

/// An open array file.
#[derive(Debug, Clone)]
pub struct ArrayFile {
    path: Arc<Path>,
    map: Arc<Mapped>,
}

impl ArrayFile {
    /// Maps a file and checks its header, version, length and the bounds of every array.
    ///
    /// # Errors
    /// [`Damaged`] says what is wrong: missing, foreign, of another version, cut short.
    pub fn open(path: &Path) -> Result<Self, Damaged> {
        let damaged = |problem: String| Damaged { path: path.to_owned(), problem };
        let length = std::fs::metadata(path).map_err(|error| damaged(error.to_string()))?.len();
        if length < START as u64 {
            return Err(damaged(format!("has {length} bytes; an array file has at least {START}")));
        }
        let map = Mapped::open(path).map_err(|error| damaged(error.to_string()))?;
        let bytes = map.bytes();
        if &bytes[..8] != MAGIC {
            return Err(damaged("is not a rapport file".into()));
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return Err(damaged(format!("has format version {version}; this program reads {VERSION}")));
        }
        if u64_at(bytes, 16) != bytes.len() as u64 {
            return Err(damaged(format!("has {} bytes; its header says {}", bytes.len(), u64_at(bytes, 16))));
        }
        let arrays = u32_at(bytes, 12) as usize;
        if arrays > MOST_ARRAYS {
            return Err(damaged(format!("names {arrays} arrays; at most {MOST_ARRAYS} are possible")));
        }
        for entry in bytes[DIRECTORY..DIRECTORY + arrays * ENTRY].chunks_exact(ENTRY) {
            let (offset, elements) = (u64_at(entry, 40), u64_at(entry, 48));
            let size = element_size(u32_at(entry, 32));
            let end = size.and_then(|size| elements.checked_mul(size)).and_then(|length| length.checked_add(offset));
            if offset < START as u64 || offset % 64 != 0 || end.is_none_or(|end| end > bytes.len() as u64) {
                return Err(damaged(format!("array {:?} lies outside the file", name_of(entry))));
            }
        }
        Ok(ArrayFile { path: path.into(), map: Arc::new(map) })
    }

    /// Reads the whole file and compares it with its checksum.
    ///
    /// # Errors
    /// [`Damaged`] where they differ.
    pub fn verify(&self) -> Result<(), Damaged> {
        let bytes = self.map.bytes();
        if checksum(bytes).as_bytes()[..] == bytes[CHECKSUM] {
            return Ok(());
        }
        Err(self.damaged("does not match its checksum: its bytes changed after it was written".into()))
    }

    /// The checksum in the header, in hex.
    pub fn checksum(&self) -> String {
        self.map.bytes()[CHECKSUM].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The file's length in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.map.bytes().len() as u64
    }

    /// One array by name.
    ///
    /// # Errors
    /// [`Damaged`] where there is none of that name and type.
    pub fn array<T: Element>(&self, name: &str) -> Result<Array<T>, Damaged> {
        let bytes = self.map.bytes();
        let arrays = u32_at(bytes, 12) as usize;
        let entry = bytes[DIRECTORY..DIRECTORY + arrays * ENTRY]
            .chunks_exact(ENTRY)
            .find(|entry| name_of(entry) == name && u32_at(entry, 32) == T::CODE)
            .ok_or_else(|| self.damaged(format!("has no array {name:?} of the expected type")))?;
        let offset = u64_at(entry, 40) as usize;
        let bytes = u64_at(entry, 48) as usize * size_of::<T>();
        Ok(Array::of(&self.map, offset..offset + bytes))
    }

    /// One array by name, of an expected length.
    ///
    /// # Errors
    /// [`Damaged`] as [`ArrayFile::array`], and where the length is another.
    pub fn array_of<T: Element>(&self, name: &str, elements: usize) -> Result<Array<T>, Damaged> {
        let array = self.array::<T>(name)?;
        if array.len() != elements {
            return Err(self.damaged(format!("array {name:?} has {} elements; expected {elements}", array.len())));
        }
        Ok(array)
    }

    /// A list of lists by name, of an expected number of lists.
    ///
    /// # Errors
    /// [`Damaged`] as [`ArrayFile::array_of`].
    pub fn lists<T: Element>(&self, name: &str, lists: usize) -> Result<Lists<T>, Damaged> {
        let starts = self.array_of(&format!("{name}.starts"), lists.saturating_add(1))?;
        Ok(Lists { starts, values: self.array(name)? })
    }

    pub(super) fn damaged(&self, problem: String) -> Damaged {
        Damaged { path: self.path.to_path_buf(), problem }
    }
}

fn name_of(entry: &[u8]) -> &str {
    let name = &entry[..32];
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    std::str::from_utf8(&name[..end]).unwrap_or("")
}

fn element_size(code: u32) -> Option<u64> {
    Some(match code {
        1 | 2 => 1,
        3 | 4 => 2,
        5 | 7 => 4,
        6 | 8 => 8,
        _ => return None,
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..].first_chunk().copied().unwrap_or_default())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..].first_chunk().copied().unwrap_or_default())
}

/// A list of lists of a file. A damaged start gives an empty list, never a panic.
#[derive(Debug, Clone)]
pub struct Lists<T> {
    starts: Array<u32>,
    values: Array<T>,
}

impl<T: Element> Lists<T> {
    /// The list at `at`; empty past the end.
    #[inline]
    pub fn get(&self, at: usize) -> &[T] {
        let starts = &*self.starts;
        match (starts.get(at), starts.get(at + 1)) {
            (Some(&start), Some(&end)) => self.values.get(start as usize..end as usize).unwrap_or(&[]),
            _ => &[],
        }
    }
}

/// Lists being gathered in memory, to be written as one.
#[derive(Debug, Clone)]
pub struct ListsBuilder<T> {
    starts: Vec<u32>,
    values: Vec<T>,
}

impl<T: Element> Default for ListsBuilder<T> {
    fn default() -> Self {
        ListsBuilder { starts: vec![0], values: Vec::new() }
    }
}

impl<T: Element> ListsBuilder<T> {
    /// Adds one list.
    pub fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.values.extend(list);
        self.starts.push(self.values.len() as u32);
    }

    /// The list at `at`, which must be there.
    pub fn get(&self, at: usize) -> &[T] {
        &self.values[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// The same lists with each value, and the place of its list, put through `map`.
    pub fn map<U: Element>(&self, map: impl Fn(usize, T) -> U) -> ListsBuilder<U> {
        let lists = self.starts.len() - 1;
        let values = (0..lists).flat_map(|at| self.get(at).iter().map(move |value| (at, *value)));
        ListsBuilder { starts: self.starts.clone(), values: values.map(|(at, value)| map(at, value)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(folder: &Path) -> PathBuf {
        let path = folder.join("small.arrays");
        let mut writer = ArrayWriter::create(&path).unwrap();
        writer.array("numbers", &[1u32, 2, 3]).unwrap();
        let mut lists = ListsBuilder::default();
        lists.push([1.5f32, 2.5]);
        lists.push([]);
        writer.lists("lists", &lists).unwrap();
        writer.finish().unwrap();
        path
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = ArrayFile::open(&small(folder.path())).unwrap();
        file.verify().unwrap();
        assert_eq!(*file.array_of::<u32>("numbers", 3).unwrap(), [1, 2, 3]);
        let lists = file.lists::<f32>("lists", 2).unwrap();
        assert_eq!((lists.get(0), lists.get(1), lists.get(2)), (&[1.5f32, 2.5][..], &[][..], &[][..]));
        assert!(file.array::<u64>("numbers").is_err(), "another type is not the same array");
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = small(folder.path());
        let whole = std::fs::read(&path).unwrap();
        let other = folder.path().join("other.arrays");
        let noticed = |bytes: &[u8]| {
            std::fs::write(&other, bytes).unwrap();
            ArrayFile::open(&other).and_then(|file| file.verify()).is_err()
        };
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
            assert!(noticed(&flipped), "byte {at} flipped");
        }
        for length in [0, 7, 64, START - 1, START, whole.len() - 1] {
            assert!(noticed(&whole[..length]), "cut to {length}");
        }
    }
}
