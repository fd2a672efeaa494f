//! The night: members from the database, what is new embedded, a generation built, audited and published.
//!
//! Embeddings are kept in the database as they are made, so a build that was interrupted does not embed again. Memory
//! for texts stays flat: they are embedded in windows and never held all at once.

mod gates;
mod gather;
mod plan;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::Handle;

pub use gates::Gate;
pub use plan::{Graph, Plan, plan};

use crate::config::Config;
use crate::embed::{EmbedError, Embedder, Model};
use crate::evaluate::{JudgementError, Judgements};
use crate::fleet::{self, Extent};
use crate::index::manifest::{FORMAT, Manifest, ModelUsed};
use crate::index::publish::{self, Staging};
use crate::index::{IndexError, MANIFEST, Snapshot, checksums};
use crate::milvus::{Milvus, MilvusError};
use crate::search::SearchError;
use crate::store::fleet::{Fleet, Matter, Turn};
use crate::store::{Store, StoreError, WriteLock};
use gather::{Gathered, Roll, encodes_alike};

/// Between two looks at a lock that somebody else holds.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Why no generation was published.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The members' database failed, or another process holds the folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index could not be written.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A gate did not hold.
    #[error("nothing was published: {gate}{}", left_in(.staging))]
    Gate {
        /// Which, and by how much.
        gate: Gate,
        /// Where what was built is left for inspection; nothing where it showed before anything was built.
        staging: Option<PathBuf>,
    },
    /// The vector engine did not take the generation.
    #[error("nothing was published: {0}")]
    Milvus(#[from] MilvusError),
    /// The judgements that matches are gated on cannot be read.
    #[error(transparent)]
    Judgements(#[from] JudgementError),
    /// The judged queries could not be asked.
    #[error("matches could not be compared on the judged queries of [rebuild.quality]: {0}")]
    Search(#[from] SearchError),
    /// The build's thread ended early.
    #[error("the build stopped: {0}")]
    Stopped(String),
}

fn left_in(staging: &Option<PathBuf>) -> String {
    staging.as_ref().map_or_else(String::new, |folder| format!("; what was built is left in {}", folder.display()))
}

/// How far a build is; sent often, shown by whoever likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Another process holds the folder.
    Waiting,
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
    /// Recall is measured.
    Auditing,
    /// Judged queries are asked of both generations.
    Comparing,
    /// The vector engine takes the generation.
    Loading,
    /// The generation is being made the current one.
    Publishing,
}

/// What is current after a rebuild.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Rebuilt {
    /// Whether it is new; if not, the current generation held every change already, with the options as they are.
    pub published: bool,
    /// The generation's folder.
    pub folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Texts embedded by this build; the others were known.
    pub embedded: u64,
}

/// Builds and publishes a generation of all members in the database, unless the current one holds them all as they are.
///
/// The vectors and graphs of the current generation are carried over: only what changed is embedded, inserted and
/// unlinked, unless `full` or too much did. The same earlier generation, members, model and seed give the same generation
/// on any number of threads; a full rebuild, which always publishes, depends on members, model and seed only.
///
/// # Errors
/// [`RebuildError`]; the generation that was current stays current.
pub async fn rebuild(
    config: &Config,
    embedder: Arc<dyn Embedder>,
    full: bool,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Rebuilt, RebuildError> {
    let (taking, waiting) = (config.clone(), Arc::new(progress));
    let progress = Arc::clone(&waiting);
    let lock = tokio::task::spawn_blocking(move || locked(&taking, waiting.as_ref()));
    let lock = lock.await.map_err(|error| RebuildError::Stopped(error.to_string()))??;
    let held = Held { _folder: Arc::new(lock), turn: turn(config).await? };
    rebuild_under(held, config, embedder, full, move |far| progress(far)).await
}

/// What a build is done under.
pub(crate) struct Held {
    /// The folder's lock.
    pub(crate) _folder: Arc<WriteLock>,
    /// The fleet's, where there is one.
    pub(crate) turn: Option<Arc<Turn>>,
}

/// Takes the fleet's turn, where there is one, waiting for it as long as configured.
async fn turn(config: &Config) -> Result<Option<Arc<Turn>>, RebuildError> {
    if !config.store.fleet {
        return Ok(None);
    }
    let store = Store::open(&config.database()).await?;
    let Some(fleet) = Fleet::of(config, &store)? else { return Ok(None) };
    Ok(Some(Arc::new(fleet.turn(Matter::Index, Duration::from_secs(config.rebuild.wait)).await?)))
}

/// As [`rebuild`], by a process that has the locks already.
///
/// # Errors
/// As [`rebuild`].
pub(crate) async fn rebuild_under(
    held: Held,
    config: &Config,
    embedder: Arc<dyn Embedder>,
    full: bool,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Rebuilt, RebuildError> {
    let (config, runtime, begun) = (config.clone(), Handle::current(), Instant::now());
    // Embedding and graphs compute for minutes: not on the runtime's own threads.
    let rebuilt = tokio::task::spawn_blocking(move || {
        let judgements = config.rebuild.quality.as_ref();
        let judgements = judgements.map(|quality| Judgements::read(&quality.queries, &quality.qrels)).transpose()?;
        let store = runtime.block_on(Store::open(&config.database()))?;
        let progress = Box::new(progress);
        Night { config, full, judgements, store, held, embedder, runtime, progress, begun }.run()
    });
    rebuilt.await.map_err(|error| RebuildError::Stopped(error.to_string()))?
}

/// Takes the folder's lock, waiting for it as long as configured.
fn locked(config: &Config, progress: &impl Fn(Progress)) -> Result<WriteLock, StoreError> {
    let begun = Instant::now();
    loop {
        match WriteLock::take(&config.index) {
            Err(StoreError::Locked(_)) if begun.elapsed() < Duration::from_secs(config.rebuild.wait) => {
                progress(Progress::Waiting);
                std::thread::sleep(LOOK_AGAIN);
            }
            taken => return taken,
        }
    }
}

struct Night {
    config: Config,
    full: bool,
    judgements: Option<Judgements>,
    store: Store,
    held: Held,
    embedder: Arc<dyn Embedder>,
    runtime: Handle,
    progress: Box<dyn Fn(Progress) + Send + Sync>,
    begun: Instant,
}

impl Night {
    fn run(&self) -> Result<Rebuilt, RebuildError> {
        let used = model_used(self.embedder.model());
        // What the fleet has is carried on from.
        let fleet = match Fleet::of(&self.config, &self.store)? {
            Some(fleet) => Some(self.runtime.block_on(fleet::mirror(&fleet, &self.config.index, Extent::All))?),
            None => None,
        };
        // Members go on changing meanwhile; the generation is of one moment.
        let moment = Arc::new(self.runtime.block_on(self.store.moment())?);
        let sequence = moment.sequence;
        let earlier = basis(&self.config, &used, self.full).inspect_err(|why| tracing::debug!("from nothing: {why}"));
        let earlier = earlier.ok();
        let mut roll = Roll::of(self.runtime.block_on(moment.records())?, earlier.as_ref());
        let alike = |earlier: &&Snapshot| holds_all(earlier, &self.config, &used, sequence, &roll);
        let is_first = fleet.as_ref().is_some_and(|shared| shared.current.is_none());
        if let Some(earlier) = earlier.as_ref().filter(alike).filter(|_| !is_first) {
            self.hold(earlier)?;
            self.clear_away(None);
            let folder = self.config.index.join(earlier.name());
            return Ok(Rebuilt { published: false, folder, manifest: earlier.manifest.clone(), embedded: 0 });
        }
        if earlier.as_ref().is_some_and(|earlier| !encodes_alike(earlier, &self.config, &used)) {
            roll = roll.read_all();
        }
        let Gathered { contents, keys, embedded } = self.gather(moment, &used, earlier.as_ref(), &roll)?;
        self.check_losses(contents.counts())?;

        (self.progress)(Progress::Building);
        let staging = Staging::begin(&self.config.index, fleet.map_or(0, |shared| shared.last))?;
        let (folder, dimension) = (staging.folder(), used.dimension);
        let written = contents.write(folder, dimension, &keys, &self.config.graph(), earlier.as_ref(), |keys| {
            self.vectors(&used, earlier.as_ref(), keys).map_err(std::io::Error::other)
        })?;

        (self.progress)(Progress::Auditing);
        let (profile, interests) = written.audit(folder, dimension, self.config.graph.seed)?;
        let before = publish::current(&self.config.index).ok();
        let manifest = Manifest {
            format: FORMAT,
            generation: staging.generation,
            created: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            previous: before.as_deref().and_then(publish::number_in),
            sequence,
            model: used,
            graph: self.config.graph(),
            adult_when_absent: self.config.members.adult_when_absent,
            aliases: self.config.aliases.clone(),
            counts: written.counts,
            profile,
            interests,
            seconds: (self.begun.elapsed().as_secs_f64() * 1e3).round() / 1e3,
            files: checksums(folder)?,
            checksum: String::new(),
        }
        .sealed();
        let path = folder.join(MANIFEST);
        write_synced(&path, &manifest).map_err(IndexError::io(&path))?;
        self.check_built(&manifest, folder)?;
        if self.config.milvus.is_some() {
            (self.progress)(Progress::Loading);
            self.hold(&Snapshot::open(folder)?)?;
        }

        (self.progress)(Progress::Publishing);
        if let Some(turn) = &self.held.turn {
            // Others may serve it from here on.
            self.runtime.block_on(fleet::share(turn, &staging, &manifest.checksum))?;
        }
        let folder = staging.publish()?;
        self.clear_away(before.as_deref());
        Ok(Rebuilt { published: true, folder, manifest, embedded })
    }

    /// Has the vector engine hold a generation, where there is one.
    fn hold(&self, snapshot: &Snapshot) -> Result<(), RebuildError> {
        let Some(milvus) = self.config.milvus.clone().map(Milvus::new) else { return Ok(()) };
        Ok(self.runtime.block_on(milvus.hold(snapshot, &self.config))?)
    }

    /// Removes the generations that are no longer kept, and the tombstones that none of those left needs. The current one
    /// is live whatever becomes of this: what cannot be removed is only in the way.
    fn clear_away(&self, before: Option<&Path>) {
        let Config { index, rebuild, .. } = &self.config;
        match publish::prune(index, before, rebuild.keep, rebuild.keep_days, Timestamp::now()) {
            Ok(removed) if removed.is_empty() => {}
            Ok(removed) => tracing::info!("removed {}", removed.join(", ")),
            Err(error) => tracing::warn!("an old generation could not be removed: {error}"),
        }
        if let Some(turn) = &self.held.turn
            && let Err(error) = self.runtime.block_on(fleet::prune(turn, index))
        {
            tracing::warn!("old generations could not be dropped from the database: {error}");
            // Whoever lost the turn leaves the engine to who has it.
            return;
        }
        if let Err(error) = self.runtime.block_on(drop_collections(&self.config)) {
            tracing::warn!("collections of old generations could not be dropped: {error}");
        }
        // Without a fleet, others may have generations that need them.
        if self.store.is_shared() && self.held.turn.is_none() {
            return;
        }
        let dropped = publish::oldest_sequence(index).map_err(RebuildError::from).and_then(|oldest| match oldest {
            Some(oldest) => Ok(self.runtime.block_on(self.store.drop_tombstones(oldest))?),
            None => Ok(()),
        });
        if let Err(error) = dropped {
            tracing::warn!("who is gone could not be forgotten: {error}");
        }
    }
}

/// Drops the collections of generations that are not in the folder, where there is a vector engine.
pub(crate) async fn drop_collections(config: &Config) -> Result<(), RebuildError> {
    let Some(milvus) = config.milvus.clone().map(Milvus::new) else { return Ok(()) };
    let kept = publish::list(&config.index)?.into_iter().filter_map(|kept| kept.manifest.ok());
    let dropped = milvus.keep_only(&kept.collect::<Vec<_>>()).await?;
    if !dropped.is_empty() {
        tracing::info!("dropped {}", dropped.join(", "));
    }
    Ok(())
}

fn model_used(model: &Model) -> ModelUsed {
    ModelUsed {
        name: model.name.clone(),
        fingerprint: model.id(),
        dimension: model.dimension,
        languages: model.languages.clone(),
        profile: model.templates.profile.clone(),
        wants: model.templates.wants.clone(),
    }
}

/// The generation to carry on from, or why everything is built from nothing. A current generation that is damaged, or of
/// another format, is none. It is read whole to know: what opens may still be damaged, and the new generation would hold
/// the damage under sums of its own.
fn basis(config: &Config, used: &ModelUsed, full: bool) -> Result<Snapshot, String> {
    if full {
        return Err("--full asks for it".into());
    }
    let current = publish::open_current(&config.index).map_err(|error| error.to_string())?;
    current.verify().map_err(|damaged| damaged.to_string())?;
    let its = &current.manifest.model.fingerprint;
    if *its != used.fingerprint {
        return Err(format!("{} is of the model {its}; {} is configured", current.name(), used.fingerprint));
    }
    Ok(current)
}

/// Whether a build would make the same generation again.
fn holds_all(current: &Snapshot, config: &Config, used: &ModelUsed, sequence: u64, roll: &Roll) -> bool {
    let manifest = &current.manifest;
    let as_configured = encodes_alike(current, config, used) && manifest.graph == config.graph();
    as_configured && manifest.sequence == sequence && roll.is_all_of(current)
}

fn write_synced(path: &Path, manifest: &Manifest) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    serde_json::to_writer_pretty(&mut file, manifest)?;
    file.sync_all()
}
