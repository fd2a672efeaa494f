//! What the targets share: a tiny generation made at the start, and edits of its files that know the format, so that a
//! mutated generation opens more often than not.

#[path = "../../tests/common/tiny.rs"]
pub mod tiny;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use rapport::config::Config;
use rapport::index::Snapshot;
use rapport::index::manifest::Manifest;
use tempfile::TempDir;
use tiny::{FILES, Whole};
use tokio::runtime::Runtime;

/// Runs to the end on the one runtime of this process.
pub fn wait<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime")).block_on(future)
}

/// An undamaged generation, and the folder where it is damaged and mended again.
pub struct Place {
    pub config: Config,
    pub whole: Whole,
    generation: PathBuf,
    files: Vec<Vec<u8>>,
    _folder: TempDir,
}

impl Place {
    /// A generation of so many members.
    pub fn of(members: usize) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let (config, members) = (tiny::config(folder.path()), tiny::members(members));
        let generation = wait(tiny::publish(&config, &members));
        let whole = Whole::of(&Snapshot::open(&generation).expect("opened"), &members);
        let files = FILES.map(|name| std::fs::read(generation.join(name)).expect("read")).into();
        Place { config, whole, generation, files, _folder: folder }
    }

    /// Puts the edited files in place, has them looked at and puts the old ones back. The files are other ones, not the
    /// same ones written over, in case somebody still has the old ones mapped.
    pub fn damaged(&self, edits: &[Edit], look: impl FnOnce(&Path)) {
        let mut files = self.files.clone();
        edits.iter().for_each(|edit| edit.apply(&mut files));
        seal(&mut files);
        let changed: Vec<usize> = (0..files.len()).filter(|at| files[*at] != self.files[*at]).collect();
        let put = |at: usize, bytes: &[u8]| {
            let path = self.generation.join(FILES[at]);
            std::fs::remove_file(&path).and_then(|()| std::fs::write(&path, bytes)).expect("written");
        };
        changed.iter().for_each(|at| put(*at, &files[*at]));
        look(&self.generation);
        changed.iter().for_each(|at| put(*at, &self.files[*at]));
    }
}

/// One change of one file. Places are taken modulo what there is.
#[derive(Debug, Arbitrary)]
pub enum Edit {
    /// A byte of the header or the directory.
    Header { file: u8, at: u16, bits: u8 },
    /// What the directory says of an array.
    Directory { file: u8, array: u8, field: Field, number: Number },
    /// An element of an array.
    Element { file: u8, array: u8, at: u16, number: Number },
    /// Elements from a place on, filled with one byte.
    Fill { file: u8, array: u8, at: u16, bytes: u8, with: u8 },
    /// Every array with as many elements as this one, in all files, and the manifest where it counts them.
    Count { file: u8, array: u8, number: Number },
    /// The file's length, which its header tells.
    Length { file: u8, number: Number },
    /// A number of the manifest.
    Manifest { field: u8, number: Number },
    /// A byte of the manifest; it is sealed again only where it still reads.
    Text { at: u16, bits: u8 },
}

/// A field of a directory's entry.
#[derive(Debug, Arbitrary)]
pub enum Field {
    Name,
    Type,
    Offset,
    Elements,
}

/// A number that is worth trying in place of another one.
#[derive(Debug, Arbitrary)]
pub enum Number {
    Little(u8),
    Nearby(i8),
    /// So much below the most that fits.
    Most(u8),
    Float(Special),
    Any(u64),
}

/// Floats that arithmetic stumbles over.
#[derive(Debug, Arbitrary)]
pub enum Special {
    NotANumber,
    Infinite,
    MinusInfinite,
    Largest,
    Tiny,
    MinusZero,
}

impl Number {
    fn in_place_of(&self, old: u64, bytes: usize) -> u64 {
        let most = u64::MAX >> (64 - 8 * bytes.clamp(1, 8));
        let float = |special: &Special| match special {
            Special::NotANumber => f32::NAN,
            Special::Infinite => f32::INFINITY,
            Special::MinusInfinite => f32::NEG_INFINITY,
            Special::Largest => f32::MAX,
            Special::Tiny => f32::from_bits(1),
            Special::MinusZero => -0.0,
        };
        most & match self {
            Number::Little(number) => u64::from(*number),
            Number::Nearby(step) => old.wrapping_add_signed(i64::from(*step)),
            Number::Most(below) => most - u64::from(*below).min(most),
            Number::Float(special) => u64::from(float(special).to_bits()),
            Number::Any(number) => *number,
        }
    }
}

const MANIFEST: usize = 4;
const DIRECTORY: usize = 64;

/// Numbers of the manifest.
const NUMBERS: [&str; 13] = [
    "/counts/members",
    "/model/dimension",
    "/counts/texts",
    "/counts/findable",
    "/counts/mentors",
    "/sequence",
    "/generation",
    "/graph/m",
    "/graph/ef_construction",
    "/graph/seed",
    "/format",
    "/profile/nodes",
    "/interests/members",
];

/// An entry of the directory of an array file: where it stands, and what it says.
#[derive(Clone, Copy)]
struct Entry {
    at: usize,
    bytes: usize,
    offset: usize,
    elements: u64,
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let mut number = [0; 8];
    if let Some(from) = bytes.get(at..at + width) {
        number[..width].copy_from_slice(from);
    }
    u64::from_le_bytes(number)
}

fn put(bytes: &mut [u8], at: usize, width: usize, number: u64) {
    if let Some(into) = bytes.get_mut(at..at.saturating_add(width)) {
        into.copy_from_slice(&number.to_le_bytes()[..width]);
    }
}

fn entries(file: &[u8]) -> Vec<Entry> {
    let arrays = number(file, 12, 4).min(63) as usize;
    let entry = |array: usize| {
        let at = DIRECTORY + 64 * array;
        let bytes = match number(file, at + 32, 4) {
            3 | 4 => 2,
            5 | 7 => 4,
            6 | 8 => 8,
            _ => 1,
        };
        Entry { at, bytes, offset: number(file, at + 40, 8) as usize, elements: number(file, at + 48, 8) }
    };
    (0..arrays).map(entry).collect()
}

impl Edit {
    fn apply(&self, files: &mut [Vec<u8>]) {
        let chosen = |file: &u8| usize::from(*file) % MANIFEST;
        let entry = |files: &[Vec<u8>], file: &u8, array: &u8| {
            let entries = entries(&files[chosen(file)]);
            (!entries.is_empty()).then(|| entries[usize::from(*array) % entries.len()])
        };
        match self {
            Edit::Header { file, at, bits } => {
                let bytes = &mut files[chosen(file)];
                let at = usize::from(*at) % (DIRECTORY + 64 * entries(bytes).len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Edit::Directory { file, array, field, number: new } => {
                let Some(entry) = entry(files, file, array) else { return };
                let (at, width) = match field {
                    Field::Name => (0, 8),
                    Field::Type => (32, 4),
                    Field::Offset => (40, 8),
                    Field::Elements => (48, 8),
                };
                let bytes = &mut files[chosen(file)];
                let new = new.in_place_of(number(bytes, entry.at + at, width), width);
                // Offsets are of use at multiples of 64 only.
                let new = if matches!(field, Field::Offset) { new & !63 } else { new };
                put(bytes, entry.at + at, width, new);
            }
            Edit::Element { file, array, at, number: new } => {
                let Some(entry) = entry(files, file, array) else { return };
                let at = u64::from(*at) % entry.elements.max(1);
                let at = entry.offset.saturating_add(at as usize * entry.bytes);
                let bytes = &mut files[chosen(file)];
                let new = new.in_place_of(number(bytes, at.min(bytes.len()), entry.bytes), entry.bytes);
                put(bytes, at, entry.bytes, new);
            }
            Edit::Fill { file, array, at, bytes, with } => {
                let Some(entry) = entry(files, file, array) else { return };
                let at = entry.offset.saturating_add((u64::from(*at) % entry.elements.max(1)) as usize * entry.bytes);
                let file = &mut files[chosen(file)];
                let end = at.saturating_add(usize::from(*bytes)).min(file.len());
                if let Some(filled) = file.get_mut(at..end) {
                    filled.fill(*with);
                }
            }
            Edit::Count { file, array, number: new } => {
                let Some(entry) = entry(files, file, array) else { return };
                let old = entry.elements;
                let new = new.in_place_of(old, 4);
                for file in files[..MANIFEST].iter_mut() {
                    for entry in entries(file) {
                        // Lists have one start more; coordinates are pairs; links and codes are rows.
                        let count = (Some(entry.elements) == old.checked_add(1)).then_some(new + 1).or_else(|| {
                            [1, 2, 8, 16]
                                .into_iter()
                                .find(|of| Some(entry.elements) == old.checked_mul(*of))
                                .map(|of| new * of)
                        });
                        if let Some(count) = count {
                            put(file, entry.at + 48, 8, count);
                        }
                    }
                }
                edit_manifest(&mut files[MANIFEST], |manifest| {
                    if let Some(members) = manifest.pointer_mut("/counts/members").filter(|members| **members == old) {
                        *members = new.into();
                    }
                });
            }
            Edit::Length { file, number: new } => {
                let bytes = &mut files[chosen(file)];
                let length = new.in_place_of(bytes.len() as u64, 2) as usize;
                bytes.resize(length, 0xff);
                put(bytes, 16, 8, length as u64);
            }
            Edit::Manifest { field, number: new } => edit_manifest(&mut files[MANIFEST], |manifest| {
                if let Some(value) = manifest.pointer_mut(NUMBERS[usize::from(*field) % NUMBERS.len()]) {
                    *value = new.in_place_of(value.as_u64().unwrap_or(0), 8).into();
                }
            }),
            Edit::Text { at, bits } => {
                let at = usize::from(*at) % files[MANIFEST].len().max(1);
                if let Some(byte) = files[MANIFEST].get_mut(at) {
                    *byte ^= bits;
                }
            }
        }
    }
}

fn edit_manifest(bytes: &mut Vec<u8>, edit: impl FnOnce(&mut serde_json::Value)) {
    if let Ok(mut manifest) = serde_json::from_slice(bytes) {
        edit(&mut manifest);
        *bytes = serde_json::to_vec(&manifest).expect("written");
    }
}

/// Makes the manifest state what the files' headers state, and seals it: a sum keeps out chance, not a forger.
fn seal(files: &mut [Vec<u8>]) {
    let Ok(mut manifest) = serde_json::from_slice::<Manifest>(&files[MANIFEST]) else { return };
    for (name, file) in FILES.iter().zip(&files[..MANIFEST]) {
        if let Some(sum) = file.get(24..56) {
            manifest.files.insert((*name).to_owned(), sum.iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
    manifest.checksum.clear();
    manifest.checksum = blake3::hash(&serde_json::to_vec(&manifest).expect("written")).to_hex().to_string();
    files[MANIFEST] = serde_json::to_vec(&manifest).expect("written");
}
