//! The night: members from the database, what is new embedded, a generation built, audited and published.
//!
//! Embeddings are kept in the database as they are made, so a build that was interrupted does not embed again. Memory
//! for texts stays flat: they are embedded in windows and never held all at once.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;

use crate::config::Config;
use crate::embed::{EmbedError, Embedder};
use crate::index::encode::Encoder;
use crate::index::graph::GraphParameters;
use crate::index::manifest::{FORMAT, Manifest, ModelUsed};
use crate::index::publish::{self, Staging};
use crate::index::write::Contents;
use crate::index::{IndexError, MANIFEST, Snapshot, checksums};
use crate::member::fold::{Aliases, Key};
use crate::member::language::Coverage;
use crate::member::{Member, MemberId};
use crate::store::{Store, StoreError, WriteLock};

/// Texts embedded at once, so that enough of one length stand together.
const WINDOW: usize = 2_048;

/// Members read at once.
const PAGE: u32 = 2_000;

/// The lowest recall@10 of a facet, as audited, with which a generation is published.
const LOWEST_RECALL: f64 = 0.95;

/// Why no generation was published.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The members' database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index could not be written, or a gate did not hold.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The database holds nobody, though the current generation holds members.
    #[error(
        "the members' database is empty, but the current index holds {0} members: nothing was published. Import them again"
    )]
    Emptied(u64),
    /// The build's thread ended early.
    #[error("the build stopped: {0}")]
    Stopped(String),
}

/// How far a build is; sent often, shown by whoever likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Members are read and their new texts embedded.
    Embedding {
        /// Members read so far.
        done: u64,
        /// All members.
        members: u64,
        /// Texts embedded so far by this build.
        texts: u64,
    },
    /// The files and graphs are being written.
    Building,
    /// Members are looked up by their own vectors; recall is measured.
    Auditing,
    /// The generation is being made the current one.
    Publishing,
}

/// What was published.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Rebuilt {
    /// The generation's folder.
    pub folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Texts embedded by this build; the others were known.
    pub embedded: u64,
}

/// Builds and publishes a generation of all members in the database.
///
/// The graphs of the current generation are carried over: only what changed is inserted and unlinked, unless `full` or
/// too much did. The same earlier generation, members, model and seed give the same generation on any number of threads;
/// a full rebuild depends on members, model and seed only.
///
/// # Errors
/// [`RebuildError`]; the generation that was current stays current.
pub async fn rebuild(
    config: &Config,
    embedder: Arc<dyn Embedder>,
    full: bool,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Rebuilt, RebuildError> {
    let lock = Arc::new(WriteLock::take(&config.index)?);
    rebuild_under(lock, config, embedder, full, progress).await
}

/// As [`rebuild`], by a process that has the folder's lock already.
///
/// # Errors
/// As [`rebuild`].
pub async fn rebuild_under(
    lock: Arc<WriteLock>,
    config: &Config,
    embedder: Arc<dyn Embedder>,
    full: bool,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Rebuilt, RebuildError> {
    let store = Store::open(&config.database()).await?;
    let night = Night {
        index: config.index.clone(),
        aliases: config.aliases.clone(),
        adult_when_absent: config.members.adult_when_absent,
        graph: config.graph,
        full,
        store,
        embedder,
        runtime: Handle::current(),
        progress: Box::new(progress),
        begun: Instant::now(),
    };
    // Embedding and graphs compute for minutes: not on the runtime's own threads.
    let rebuilt = tokio::task::spawn_blocking(move || {
        let _lock = lock;
        night.run()
    });
    rebuilt.await.map_err(|error| RebuildError::Stopped(error.to_string()))?
}

struct Night {
    index: PathBuf,
    aliases: Aliases,
    adult_when_absent: bool,
    graph: GraphParameters,
    full: bool,
    store: Store,
    embedder: Arc<dyn Embedder>,
    runtime: Handle,
    progress: Box<dyn Fn(Progress) + Send + Sync>,
    begun: Instant,
}

impl Night {
    fn run(&self) -> Result<Rebuilt, RebuildError> {
        let model = self.embedder.model();
        let used = ModelUsed {
            name: model.name.clone(),
            fingerprint: model.id(),
            dimension: model.dimension,
            languages: model.languages.clone(),
            profile: model.templates.profile.clone(),
            wants: model.templates.wants.clone(),
        };
        let (_, sequence) = self.runtime.block_on(self.store.size())?;
        let (contents, keys, embedded) = self.gather(&used)?;
        self.refuse_sudden_emptiness(keys.is_empty() && contents.is_empty())?;

        (self.progress)(Progress::Building);
        let staging = Staging::begin(&self.index)?;
        // A current generation that is damaged, or of another format, is none to carry on from. It is read whole to know:
        // what opens may still be damaged, and the new generation would hold the damage under sums of its own.
        let whole = |snapshot: Snapshot| snapshot.verify().is_ok().then_some(snapshot);
        let earlier = if self.full { None } else { publish::open_current(&self.index).ok().and_then(whole) };
        let written =
            contents.write(staging.folder(), used.dimension, &keys, &self.graph, earlier.as_ref(), |keys| {
                self.vectors(&used, keys).map_err(std::io::Error::other)
            })?;

        (self.progress)(Progress::Auditing);
        let (profile, interests) = written.audit(staging.folder(), used.dimension, self.graph.seed)?;
        let manifest = Manifest {
            format: FORMAT,
            generation: staging.generation,
            created: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            sequence,
            model: used,
            graph: self.graph,
            adult_when_absent: self.adult_when_absent,
            aliases: self.aliases.clone(),
            counts: written.counts,
            profile,
            interests,
            seconds: (self.begun.elapsed().as_secs_f64() * 1e3).round() / 1e3,
            files: checksums(staging.folder())?,
            checksum: String::new(),
        }
        .sealed();
        let path = staging.folder().join(MANIFEST);
        write_synced(&path, &manifest).map_err(IndexError::io(&path))?;
        self.check_gates(&manifest, &staging)?;

        (self.progress)(Progress::Publishing);
        let folder = staging.publish()?;
        Ok(Rebuilt { folder, manifest, embedded })
    }

    /// Reads every member, embeds the texts that have no vector yet, and gives the contents and all texts' keys.
    fn gather(&self, model: &ModelUsed) -> Result<(Contents, Vec<Key>, u64), RebuildError> {
        let coverage = Coverage::new(&model.languages);
        let encoder = Encoder::new(self.aliases.clone(), coverage, model.profile.clone(), model.wants.clone());
        let ids = self.runtime.block_on(self.store.ids())?;
        let slot_of = |id: &str| ids.binary_search_by(|known| known.as_str().cmp(id)).ok().map(|slot| slot as u32);
        let mut contents = Contents::default();
        let mut seen: HashSet<Key> = HashSet::new();
        let mut window: Vec<(Key, String)> = Vec::new();
        let (mut done, mut texts) = (0, 0);
        (self.progress)(Progress::Embedding { done, members: ids.len() as u64, texts });
        let mut after: Option<MemberId> = None;
        loop {
            let page: Vec<Member> = self.runtime.block_on(self.store.page(after.as_ref(), PAGE))?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for member in &page {
                let encoded = encoder.encode(member);
                window.extend(
                    encoded.texts().filter(|(key, _)| seen.insert(*key)).map(|(key, text)| (key, text.to_owned())),
                );
                // A slot is a place in `ids`: a member that came or went since would shift all slots after it.
                if ids.get(done as usize).is_none_or(|id| id != member.id.as_str()) {
                    return Err(RebuildError::Stopped(
                        "members came or went while they were read; run it again".into(),
                    ));
                }
                contents.push(member, &encoded, self.adult_when_absent, slot_of);
                done += 1;
                if window.len() >= WINDOW {
                    texts += self.embed(model, std::mem::take(&mut window))?;
                    (self.progress)(Progress::Embedding { done, members: ids.len() as u64, texts });
                }
            }
        }
        texts += self.embed(model, window)?;
        (self.progress)(Progress::Embedding { done, members: done, texts });
        let mut keys: Vec<Key> = seen.into_iter().collect();
        keys.sort_unstable();
        Ok((contents, keys, texts))
    }

    /// Embeds and keeps those texts of a window that have no vector yet; says how many.
    fn embed(&self, model: &ModelUsed, mut window: Vec<(Key, String)>) -> Result<u64, RebuildError> {
        let keys: Vec<Key> = window.iter().map(|(key, _)| *key).collect();
        let known = self.runtime.block_on(self.store.embedded(&model.fingerprint, model.dimension, &keys))?;
        window.retain(|(key, _)| !known.contains(key));
        let texts: Vec<&str> = window.iter().map(|(_, text)| text.as_str()).collect();
        let vectors = self.embedder.embed(&texts)?;
        let kept: Vec<_> = window.iter().map(|(key, _)| *key).zip(vectors).collect();
        self.runtime.block_on(self.store.keep_embeddings(&model.fingerprint, &kept))?;
        Ok(kept.len() as u64)
    }

    /// The vectors of some texts, one after the other.
    fn vectors(&self, model: &ModelUsed, keys: &[Key]) -> Result<Vec<f32>, StoreError> {
        let stored = self.runtime.block_on(self.store.embeddings(&model.fingerprint, keys))?;
        let mut vectors = Vec::with_capacity(keys.len() * model.dimension);
        for key in keys {
            match stored.get(key).filter(|vector| vector.len() == model.dimension && is_unit(vector)) {
                Some(vector) => vectors.extend_from_slice(vector),
                None => {
                    let problem = "its vector is missing or is no unit vector: the database is damaged".to_owned();
                    return Err(StoreError::Record { id: format!("text {:016x}", key.0), problem });
                }
            }
        }
        Ok(vectors)
    }

    /// A database that lost its members must not empty the search.
    fn refuse_sudden_emptiness(&self, empty: bool) -> Result<(), RebuildError> {
        match publish::open_current(&self.index) {
            Ok(live) if empty && live.manifest.counts.members > 0 => {
                Err(RebuildError::Emptied(live.manifest.counts.members))
            }
            _ => Ok(()),
        }
    }

    /// What must hold before a generation is shown to anyone.
    fn check_gates(&self, manifest: &Manifest, staging: &Staging) -> Result<(), RebuildError> {
        let failed = |problem: String| IndexError::Gate {
            generation: staging.generation,
            problem,
            staging: staging.folder().to_owned(),
        };
        Snapshot::open(staging.folder())?.verify().map_err(IndexError::from)?;
        for (name, facet) in [("profile", &manifest.profile), ("interests", &manifest.interests)] {
            if facet.lost > 0 {
                let problem = format!(
                    "{} of {} vectors of the facet {name} are not found by themselves",
                    facet.lost, facet.nodes
                );
                return Err(failed(problem).into());
            }
            if facet.recall_at_10 < LOWEST_RECALL {
                let recall = facet.recall_at_10;
                return Err(failed(format!(
                    "recall@10 of the facet {name} is {recall:.3}; at least {LOWEST_RECALL} is needed"
                ))
                .into());
            }
        }
        Ok(())
    }
}

fn is_unit(vector: &[f32]) -> bool {
    let length = vector.iter().map(|value| value * value).sum::<f32>();
    (length - 1.0).abs() < 1e-3
}

fn write_synced(path: &std::path::Path, manifest: &Manifest) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    serde_json::to_writer_pretty(&mut file, manifest)?;
    file.sync_all()
}
