//! A community in the hands of one process: searched, changed, rebuilt.
//!
//! A [`Searcher`] never changes. This holds the one that is served at the moment, and puts another in its place when a
//! member changes or a generation is published, so that every search sees one state from beginning to end.

mod answers;
mod attention;
mod backup;
mod configure;
mod engine;
mod erasure;
mod error;
mod export;
mod fleet;
mod introductions;
mod keys;
mod ledger;
mod night;
mod pool;
mod programme;
mod quality;
mod replay;
mod roll_out;
mod searches;
mod shown;
mod steer;
mod tell;
mod traces;
mod waitlist;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify, OnceCell, OwnedMutexGuard, watch};

use crate::config::Config;
use crate::embed::{Embedder, Models, Shared};
use crate::fleet::Extent;
use crate::index::manifest::Manifest;
use crate::index::{IndexError, publish};
use crate::member::{Member, MemberId};
use crate::programme::Clock;
use crate::rebuild::{Held, Progress, RebuildError, Rebuilt, rebuild_under};
use crate::search::{Answer, SearchError, SearchRequest, Searched, Searcher};
use crate::store::fleet::{Fleet, Turn};
use crate::store::{Store, StoreError, Upserted, WriteLock};
use answers::Answers;
pub use answers::Written;
pub use attention::SharedOut;
pub use backup::{BackedUp, Restored, restore};
pub use erasure::Receipt;
pub use error::CommunityError;
pub use export::Export;
use fleet::Server;
pub use introductions::{Ask, Card, IntroductionView, Kin};
use keys::Keyring;
pub use keys::{KEY_PREFIX, NewKey};
pub use night::{LastRebuild, Night};
pub use pool::{MentorLoad, Pool};
pub use programme::TakesPart;
use quality::Measured;
pub use quality::{CameOf, MatchQuality};
pub use replay::{Again, Gone, Replay, Rest, Sameness};
pub use roll_out::{Pairing, RollOut};
use searches::Searches;
pub use searches::{LoggedSearch, Shown};
pub use traces::{Trace, traces};
use waitlist::Round;
pub use waitlist::{Waitlist, Waits};

/// A search is made again at most so often because a record changed under it; then it is taken as it is.
const MOST_ATTEMPTS: usize = 4;

/// How long one look at it may take, with what is to be embedded of what it finds.
const SEEING: Duration = Duration::from_secs(600);

/// Between two looks at a database that others change too.
const SHARED_PAUSE: Duration = Duration::from_secs(1);

/// What is asked of a rebuild.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RebuildOptions {
    /// Everything anew, even if nothing changed.
    pub full: bool,
    /// However many members are gone.
    pub accept_loss: bool,
}

/// The one writer of an index folder.
pub struct Community {
    config: RwLock<Arc<Config>>,
    lock: Arc<WriteLock>,
    store: Store,
    /// What it is to its fleet, where there is one.
    server: Option<Server>,
    /// The model that the configuration names, once it was needed.
    loaded: OnceCell<Arc<dyn Embedder>>,
    /// The same, where many ask at once.
    shared: Option<Arc<Shared>>,
    answers: Answers,
    searches: Arc<Searches>,
    keyring: Keyring,
    night: watch::Sender<Night>,
    clock: Clock,
    /// The epoch that searches were last steered for.
    steered: AtomicU64,
    /// How far who waits was looked at.
    round: std::sync::Mutex<Round>,
    /// Word of events that were not told to their receiver yet.
    happened: Notify,
    /// The searcher that is served; none where no generation was ever published.
    live: RwLock<Option<Searcher>>,
    measured: Measured,
    /// Held while an answer of the past is given again.
    replaying: Mutex<()>,
    /// Held while members change: changes are seen in the order of their numbers.
    changing: Mutex<()>,
    /// Held while a generation is built or a member forgotten: the folder and the list of erasures have one writer.
    building: Arc<Mutex<()>>,
    /// How many hold that for less: while the folder follows its fleet, or the vector engine is looked after.
    aside: Arc<AtomicUsize>,
}

impl Community {
    /// Takes the folder's lock, opens its database (a new one where there is none) and its current generation with all
    /// that changed since, and ends erasures that were broken off.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process has it.
    pub async fn open(config: &Config) -> Result<Community, CommunityError> {
        Community::begin(config, None, None).await
    }

    /// The same, for many who ask at once: what they seek is embedded together, and what was sought lately is remembered.
    ///
    /// # Errors
    /// As [`Community::open`].
    pub async fn open_shared(config: &Config) -> Result<Community, CommunityError> {
        let threads = config.embedding_threads();
        let loaded = Models::open(&config.models)?.load(&config.model.name, threads);
        let shared = match loaded {
            Ok(model) => Some(Arc::new(Shared::new(model, config.server.remembered_texts))),
            Err(error) => {
                // Members still find mentors by what is stored.
                tracing::warn!(%error, "there is no model yet");
                None
            }
        };
        let loaded = shared.clone().map(|shared| shared as Arc<dyn Embedder>);
        Community::begin(config, loaded, shared).await
    }

    /// The same, with a model that is loaded already.
    ///
    /// # Errors
    /// As [`Community::open`].
    pub async fn open_with(config: &Config, embedder: Arc<dyn Embedder>) -> Result<Community, CommunityError> {
        Community::begin(config, Some(embedder), None).await
    }

    async fn begin(
        config: &Config,
        loaded: Option<Arc<dyn Embedder>>,
        shared: Option<Arc<Shared>>,
    ) -> Result<Community, CommunityError> {
        let lock = Arc::new(WriteLock::take(&config.index)?);
        let store = Store::create(&config.database()).await?;
        let server = Fleet::of(config, &store)?.map(Server::new);
        let community = Community {
            config: RwLock::new(Arc::new(config.clone())),
            lock,
            store,
            server,
            loaded: OnceCell::new_with(loaded),
            shared,
            answers: Answers::new(config.server.remembered_answers as u64 * 1_000_000),
            searches: Arc::default(),
            keyring: Keyring::default(),
            night: watch::Sender::default(),
            clock: Arc::new(jiff::Timestamp::now),
            steered: AtomicU64::new(u64::MAX),
            round: std::sync::Mutex::default(),
            happened: Notify::new(),
            live: RwLock::new(None),
            measured: Measured::default(),
            replaying: Mutex::new(()),
            changing: Mutex::new(()),
            building: Arc::default(),
            aside: Arc::default(),
        };
        community.read_keys().await?;
        community.join_fleet().await?;
        community.reopen().await?;
        match community.finish_erasures().await {
            Err(CommunityError::Rebuild(RebuildError::Milvus(error))) => {
                tracing::error!(%error, "an erasure that was broken off is not ended yet: ask for it again once Milvus is back");
            }
            ended => ended?,
        }
        Ok(community)
    }

    /// Whether a generation is built or a member forgotten at the moment.
    pub fn is_building(&self) -> bool {
        self.building.try_lock().is_err() && self.aside.load(Ordering::SeqCst) == 0
    }

    /// Waits until what has begun is done: builds, erasures, changes. None begins after this.
    pub async fn settle(&self) {
        // Kept for good: whoever asks later waits.
        std::mem::forget(self.building.lock().await);
        std::mem::forget(self.changing.lock().await);
        self.leave_fleet().await;
    }

    /// The model, where many ask at once.
    pub fn shared(&self) -> Option<&Shared> {
        self.shared.as_deref()
    }

    /// The searcher that is served at the moment.
    ///
    /// # Errors
    /// [`IndexError::NoGeneration`].
    pub fn searcher(&self) -> Result<Searcher, SearchError> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.clone().ok_or_else(|| IndexError::NoGeneration(self.config().index.clone()).into())
    }

    /// The members' database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    fn serve(&self, searcher: Option<Searcher>) {
        if let (Some(server), Some(searcher)) = (&self.server, &searcher) {
            server.serves(searcher.snapshot().manifest.generation);
        }
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = searcher;
    }

    /// Serves the current generation and every change since. The model stays loaded where it is the same.
    async fn reopen(&self) -> Result<(), CommunityError> {
        let snapshot = match publish::open_current(&self.config().index) {
            Err(IndexError::NoGeneration(_)) => {
                self.serve(None);
                return Ok(());
            }
            opened => opened?,
        };
        let mut fresh = Searcher::over(&self.config(), self.store.clone(), snapshot);
        fresh = self.with_loaded_model(fresh);
        if let Some(milvus) = self.searcher().ok().and_then(|searcher| searcher.milvus().map(Arc::clone)) {
            fresh = fresh.asking(milvus);
        }
        self.hold(&fresh);
        // Where others change the database, what they change is not seen at once.
        if let (Some(_), false) = (&self.shared, self.store.is_shared()) {
            fresh = fresh.keeping(self.config().server.remembered_records as u64 * 1_000_000);
        }
        fresh.warm().await;
        let _changing = self.changing.lock().await;
        // What was steered, and the configuration that was read, since it was made.
        fresh = fresh.with_config(Config::clone(&self.config()));
        if let Ok(searcher) = self.searcher() {
            fresh = fresh.in_epoch(Arc::clone(searcher.epoch()));
        }
        self.serve(Some(fresh.caught_up().await?));
        Ok(())
    }

    /// The same searcher with whichever model is loaded already, where it is that of the generation.
    fn with_loaded_model(&self, searcher: Searcher) -> Searcher {
        let served = self.searcher().ok().and_then(|searcher| searcher.loaded_model());
        let models = self.loaded.get().cloned().into_iter().chain(served);
        // One of another model than the generation's is of no use here.
        models.fold(searcher, |searcher, model| searcher.clone().with_embedder(model).unwrap_or(searcher))
    }

    /// The mentors for a request, of one state from beginning to end.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub async fn search(&self, request: SearchRequest) -> Result<Answer, SearchError> {
        Ok(self.searched(request).await?.answer)
    }

    async fn searched(&self, request: SearchRequest) -> Result<Searched, SearchError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let searched = match self.searcher()?.search_at_once(request.clone()).await {
                // Another server takes its place, or it comes up again.
                Err(SearchError::Store(error)) if error.is_lost_connection() && attempts < MOST_ATTEMPTS => continue,
                searched => searched?,
            };
            if !searched.overtaken || attempts == MOST_ATTEMPTS {
                return Ok(searched);
            }
        }
    }

    /// Writes members, all or none. When this returns, they are durable, embedded, and found by the next search.
    ///
    /// # Errors
    /// [`CommunityError`]; then nothing was written, unless it is [`CommunityError::Search`]: then they are stored, and found
    /// from the next change or start on.
    pub async fn upsert(&self, members: &[Member]) -> Result<Upserted, CommunityError> {
        let valid = |member: &Member| {
            let id = member.id.clone();
            member.clone().validate().map_err(|invalid| CommunityError::Invalid { id, invalid })
        };
        let members = &members.iter().map(valid).collect::<Result<Vec<_>, _>>()?;
        // Embedding takes longest, and other changes need not wait for it.
        if let Ok(searcher) = self.searcher() {
            searcher.embed_ahead(members).await?;
        }
        let _changing = self.changing.lock().await;
        let done = self.store.upsert(members).await?;
        self.catch_up().await?;
        Ok(done)
    }

    /// Removes members, all or none, and says which of them were stored. When this returns, no search finds them.
    ///
    /// # Errors
    /// As [`Community::upsert`].
    pub async fn remove(&self, members: &[MemberId]) -> Result<Vec<MemberId>, CommunityError> {
        let _changing = self.changing.lock().await;
        let removed = self.store.remove(members).await?;
        self.catch_up().await?;
        Ok(removed)
    }

    /// Keeps up with changes that other machines make in a shared database and with what a fleet serves, for as long as it is
    /// polled. Where the database is this process's alone, there are none.
    pub async fn keep_up(&self) {
        if !self.store.is_shared() {
            std::future::pending().await
        }
        tokio::join!(self.see_changes(), self.keep_fleet());
    }

    async fn see_changes(&self) {
        loop {
            tokio::time::sleep(SHARED_PAUSE).await;
            let _changing = self.changing.lock().await;
            let seen = async { self.read_keys().await.and(self.catch_up().await) };
            // A database that vanished says nothing, and changes of our own wait for this.
            match tokio::time::timeout(SEEING, seen).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "changes of others are not seen yet"),
                Err(_) => tracing::warn!("changes of others are not seen yet: the database does not answer"),
            }
        }
    }

    /// Lays over the served generation what the database has by now. The caller holds `changing`.
    async fn catch_up(&self) -> Result<(), CommunityError> {
        if let Ok(searcher) = self.searcher() {
            self.serve(Some(searcher.caught_up().await?));
        }
        Ok(())
    }

    /// Builds and publishes a generation, unless the current one holds every change, and serves it. Searches and changes go
    /// on meanwhile.
    ///
    /// # Errors
    /// [`CommunityError::Rebuild`]; what was served goes on being served.
    pub async fn rebuild(
        &self,
        options: RebuildOptions,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Rebuilt, CommunityError> {
        self.rebuild_in(self.turn(), options, progress).await
    }

    async fn rebuild_in(
        &self,
        turn: impl Future<Output = Result<Option<Arc<Turn>>, CommunityError>>,
        options: RebuildOptions,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Rebuilt, CommunityError> {
        let mut config = Config::clone(&self.config());
        if options.accept_loss {
            config.rebuild.fewest_kept = 0.0;
        }
        let night = self.night.clone();
        night.send_modify(|night| night.progress = Some(Progress::Waiting));
        let told = move |far: Progress| {
            night.send_modify(|night| night.progress = Some(far));
            progress(far);
        };
        let rebuilt = async {
            let turn = turn.await?;
            let _building = self.building.lock().await;
            self.build(&config, options.full, turn, told).await
        };
        let rebuilt = rebuilt.await;
        self.night.send_replace(Night::after(&rebuilt));
        rebuilt
    }

    /// The caller holds `building`.
    async fn build(
        &self,
        config: &Config,
        full: bool,
        turn: Option<Arc<Turn>>,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Rebuilt, CommunityError> {
        let embedder = self.embedder().await?;
        let held = Held { _folder: Arc::clone(&self.lock), turn };
        let rebuilt = rebuild_under(held, config, embedder, full, progress).await?;
        // Another server may have published what is here now.
        let served = self.searcher().ok().map(|searcher| searcher.snapshot().manifest.checksum.clone());
        if rebuilt.published || served.as_ref() != Some(&rebuilt.manifest.checksum) {
            self.reopen().await?;
        }
        Ok(rebuilt)
    }

    /// Makes an older generation that is still kept the current one, and serves it with every change since.
    ///
    /// # Errors
    /// [`CommunityError::Index`]; what was current stays current.
    pub async fn rollback(&self, to: Option<&str>) -> Result<Manifest, CommunityError> {
        let turn = self.turn().await?;
        let _building = self.building.lock().await;
        if self.mirror(Extent::All).await?.current.is_none() && turn.is_some() {
            // What the folder had before is nobody else's.
            return Err(StoreError::NothingShared(self.config().database().to_string()).into());
        }
        let manifest = publish::rollback(&self.config().index, to)?.manifest;
        if let Some(turn) = &turn
            && let Err(error) = turn.make_current(manifest.generation).await
        {
            // The fleet stays where it is, and this server with it.
            let _ = self.mirror(Extent::Current).await;
            return Err(error.into());
        }
        self.reopen().await?;
        Ok(manifest)
    }

    /// The model that the configuration names, which need not be that of the generation.
    async fn embedder(&self) -> Result<Arc<dyn Embedder>, CommunityError> {
        let load = || self.load_model();
        Ok(Arc::clone(self.loaded.get_or_try_init(load).await?))
    }

    async fn load_model(&self) -> Result<Arc<dyn Embedder>, CommunityError> {
        let served = self.searcher().ok().and_then(|searcher| searcher.loaded_model());
        if let Some(served) = served.filter(|served| served.model().name == self.config().model.name) {
            return Ok(served);
        }
        let config = self.config();
        let (models, model, threads) = (config.models.clone(), config.model.clone(), config.embedding_threads());
        let load = move || Ok::<_, CommunityError>(Models::open(models)?.load(&model.name, threads)?);
        tokio::task::spawn_blocking(load).await.map_err(|error| RebuildError::Stopped(error.to_string()))?
    }
}

/// One who holds `building` for less than a build.
struct Aside {
    count: Arc<AtomicUsize>,
    _building: OwnedMutexGuard<()>,
}

impl Aside {
    async fn of(building: &Arc<Mutex<()>>, count: &Arc<AtomicUsize>) -> Aside {
        let building = Arc::clone(building).lock_owned().await;
        count.fetch_add(1, Ordering::SeqCst);
        Aside { count: Arc::clone(count), _building: building }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The time, as it is written in receipts and lists (RFC 3339, UTC).
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
