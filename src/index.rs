//! One published index (a generation) on disk, and the same one open (a [`Snapshot`]).
//!
//! A generation is immutable: files of arrays and a manifest, written into a staging folder and renamed once
//! ([`publish`]). It holds vectors, graphs, keys and ids, and no text of any member.

pub mod arrays;
pub mod codes;
pub mod columns;
pub mod encode;
pub mod facet;
pub mod floor;
pub mod graph;
pub mod kernels;
pub mod manifest;
mod mapped;
pub mod publish;
pub mod vectors;
pub mod words;
pub mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fixedbitset::FixedBitSet;

use arrays::{Array, ArrayFile, Damaged, Lists};
use columns::{Columns, flag};
use encode::Encoder;
use facet::Facet;
use floor::Background;
use manifest::Manifest;
use vectors::Vectors;

use crate::member::fold::Key;
use crate::member::language::Coverage;

/// A member's place in one generation. It means nothing outside the snapshot it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub(crate) u32);

impl Slot {
    /// The place as a number: columns and bit sets have so many before it.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A generation that cannot be opened or published.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Nothing was ever published.
    #[error("no index yet in {0}; run `rapport rebuild`")]
    NoGeneration(PathBuf),
    /// A file is not what it should be.
    #[error("{0}; run `rapport rebuild`")]
    Damaged(#[from] Damaged),
    /// No published generation of that name is there.
    #[error("there is no generation {name:?} to go back to; kept are {kept}")]
    NotKept {
        /// The name.
        name: String,
        /// The names of those that are there.
        kept: String,
    },
    /// The current generation is the oldest.
    #[error("there is no generation before {0} to go back to")]
    NoneBefore(String),
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl IndexError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> IndexError {
        let path = path.to_owned();
        move |source| IndexError::Io { path, source }
    }
}

/// An open generation. Cheap to share; never changes.
#[derive(Debug)]
pub struct Snapshot {
    /// What the generation says of itself.
    pub manifest: Manifest,
    /// Attributes by slot.
    pub columns: Columns,
    /// Exact vectors.
    pub vectors: Vectors,
    /// What members are.
    pub profile: Facet,
    /// What members are interested in.
    pub interests: Facet,
    /// Mentors who can be found: of age and not paused.
    pub findable: FixedBitSet,
    /// Everyone who is of age and not paused.
    pub available: FixedBitSet,
    /// What vectors are compared with to tell which cosines say something: profiles, interests, phrases.
    pub backgrounds: Backgrounds,
    /// The rows of each member's texts: the profile's or none, then the others.
    texts_of: Lists<u32>,
    records: Array<u64>,
    files: Vec<ArrayFile>,
}

/// A sample of each kind of vector.
#[derive(Debug)]
pub struct Backgrounds {
    /// Of the facet `profile`.
    pub profile: Background,
    /// Of the facet `interests`.
    pub interests: Background,
    /// Of all texts.
    pub phrases: Background,
}

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const COLUMNS: &str = "members.columns";
pub(crate) const VECTORS: &str = "texts.vectors";
/// Arrays of the vectors' file.
pub(crate) const TEXTS_OF: &str = "texts_of";
pub(crate) const RECORDS: &str = "records";
pub(crate) const PROFILE: &str = "profile.facet";
pub(crate) const INTERESTS: &str = "interests.facet";

/// The checksum that each array file of a generation states.
pub(crate) fn checksums(folder: &Path) -> Result<BTreeMap<String, String>, IndexError> {
    let checksum = |name: &str| Ok((name.to_owned(), ArrayFile::open(&folder.join(name))?.checksum()));
    [COLUMNS, VECTORS, PROFILE, INTERESTS].into_iter().map(checksum).collect()
}

impl Snapshot {
    /// Opens a generation's folder and checks every header.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] names the file and what is wrong with it.
    pub fn open(folder: &Path) -> Result<Snapshot, IndexError> {
        let path = folder.join(MANIFEST);
        let damaged = |problem: String| Damaged { path: path.clone(), problem };
        let json = std::fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
        let manifest = Manifest::read(&json).map_err(damaged)?;
        for (name, checksum) in checksums(folder)? {
            if manifest.files.get(&name) != Some(&checksum) {
                let problem = "is not the file that the manifest was written for".into();
                return Err(Damaged { path: folder.join(name), problem }.into());
            }
        }
        let members = manifest.counts.members as usize;
        let (columns, columns_file) = Columns::open(&folder.join(COLUMNS), members)?;
        let (vectors, vectors_file) = Vectors::open(&folder.join(VECTORS), manifest.model.dimension)?;
        let (profile, profile_file) = Facet::open(&folder.join(PROFILE), members, &vectors)?;
        let (interests, interests_file) = Facet::open(&folder.join(INTERESTS), members, &vectors)?;
        let mut findable = FixedBitSet::with_capacity(members);
        let mut available = FixedBitSet::with_capacity(members);
        for slot in 0..members {
            let flags = columns.flags(Slot(slot as u32));
            let is_available = flags & (flag::ADULT | flag::PAUSED) == flag::ADULT;
            available.set(slot, is_available);
            findable.set(slot, is_available && flags & flag::MENTOR != 0);
        }
        let seed = manifest.graph.seed;
        let backgrounds = Backgrounds {
            profile: Background::of(&vectors, profile.nodes(), |node| profile.rows()[node], seed),
            interests: Background::of(&vectors, interests.nodes(), |node| interests.rows()[node], seed),
            phrases: Background::of(&vectors, vectors.texts(), |text| text as u32, seed),
        };
        let texts_of = vectors_file.lists(TEXTS_OF, members)?;
        let records = vectors_file.array_of(RECORDS, members)?;
        let files = vec![columns_file, vectors_file, profile_file, interests_file];
        Ok(Snapshot {
            manifest,
            columns,
            vectors,
            profile,
            interests,
            findable,
            available,
            backgrounds,
            texts_of,
            records,
            files,
        })
    }

    /// Reads every file whole and compares it with its checksum.
    ///
    /// # Errors
    /// [`Damaged`] names the first file that differs.
    pub fn verify(&self) -> Result<(), Damaged> {
        self.files.iter().try_for_each(ArrayFile::verify)
    }

    /// The member's texts that have vectors: that of the profile, or nothing, and then the others.
    pub(crate) fn texts_of(&self, slot: Slot) -> impl Iterator<Item = Option<Key>> {
        self.texts_of.get(slot.index()).iter().map(|row| self.vectors.key(*row))
    }

    /// What the member's record, as it was at the build, is told from another by: [`crate::store::Store::records`].
    pub(crate) fn record(&self, slot: Slot) -> u64 {
        self.records.get(slot.index()).copied().unwrap_or(0)
    }

    /// The size of the generation's files in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(ArrayFile::len_bytes).sum()
    }

    /// Encodes members as this generation's were.
    pub fn encoder(&self) -> Encoder {
        let model = &self.manifest.model;
        let coverage = Coverage::new(&model.languages);
        Encoder::new(self.manifest.aliases.clone(), coverage, model.profile.clone(), model.wants.clone())
    }

    /// The generation's name, such as `gen-000042`.
    pub fn name(&self) -> String {
        publish::name_of(self.manifest.generation)
    }
}
