//! Finding mentors: parse, embed, retrieve, rerank, explain, respond; one direction, one snapshot.
//!
//! ```no_run
//! # async fn find() -> Result<(), Box<dyn std::error::Error>> {
//! use rapport::config::Config;
//! use rapport::search::{SearchRequest, Searcher};
//!
//! let searcher = Searcher::open(&Config::default()).await?;
//! let request = SearchRequest { text: Some("I want to become a nurse".into()), ..SearchRequest::default() };
//! for hit in searcher.search(request).await?.hits {
//!     println!("{} {:?}", hit.score, hit.points_in_common);
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod circle;
pub(crate) mod cohort;
mod confided;
pub(crate) mod exchange;
mod explain;
mod features;
mod filter;
mod honest;
mod lexical;
mod live;
mod outline;
mod overlay;
mod past;
mod query;
mod ranking;
mod records;
mod remote;
mod rerank;
mod respond;
mod retrieve;
mod seeker;
mod spelling;
mod stated;
mod steering;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod testing;
mod view;
pub mod weights;
mod why;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use fixedbitset::FixedBitSet;
use tokio::sync::OnceCell;

pub(crate) use answer::Searched;
pub use answer::{
    Adjustment, Answer, Back, ClosestPhrases, Contribution, Evidence, Hit, HitMember, PointInCommon, Stages,
};
pub use filter::{Filter, InvalidFilter, Within};
pub use honest::{GoodMatch, Lack, MissingInPool, NoGoodMentor};
pub(crate) use past::State;
pub use query::{Known, LONGEST_TEXT, MOST_HITS, Query, SearchRequest};
pub use ranking::{Candidate, FacetRecall};
pub use retrieve::Source;
pub use steering::Epoch;
pub(crate) use steering::FULL;
pub use why::{Obstacle, Why};

use crate::config::Config;
use crate::embed::{EmbedError, Embedder, ManifestError, Models, UnitVector};
use crate::index::arrays::Damaged;
use crate::index::encode::Encoder;
use crate::index::{IndexError, Slot, Snapshot, publish};
use crate::member::fold::Key;
use crate::member::{Member, MemberId, Role};
use crate::milvus::{Milvus, MilvusError};
use crate::store::{Store, StoreError};
use circle::Dial;
use features::Comparison;
use query::Asked;
pub(crate) use records::Record;
use records::Records;
use remote::Remote;
use rerank::Ranked;
use retrieve::Bounds;
use seeker::{Seeker, Unembedded};
pub(crate) use view::FacetName;
use view::View;

/// Why a search gave nothing. The first three are the caller's to mend, the others ours.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A part of the request is not what it should be.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which part.
        field: String,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// The filter cannot be applied.
    #[error(transparent)]
    Filter(#[from] InvalidFilter),
    /// The member who seeks is unknown, or may not be matched.
    #[error("member {0:?} is not available: nobody of that id is stored, or they may not be matched (adult: false)")]
    NotAvailable(String),
    /// The index cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The members' database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model cannot be run.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The models' folder cannot be read.
    #[error(transparent)]
    Models(#[from] ManifestError),
    /// The vector engine does not answer, and the configuration has no search go on without it.
    #[error(transparent)]
    Milvus(#[from] MilvusError),
    /// The model's thread ended early.
    #[error("the model run stopped: {0}")]
    Stopped(String),
    /// The database is not the one that the generation was built from, or an old copy of it.
    #[error(
        "the members' database is at change {database}, but the index was built at change {index}: the database is older \
         than the index; run `rapport rebuild`"
    )]
    OlderDatabase {
        /// The last change of the database.
        database: u64,
        /// The last change in the generation.
        index: u64,
    },
    /// The generation was built with another model than the one configured.
    #[error("the index was built with {built}, but {configured} is loaded; run `rapport rebuild`")]
    OtherModel {
        /// The generation's.
        built: String,
        /// The loaded one's.
        configured: String,
    },
}

impl SearchError {
    /// Whether the request was at fault.
    pub fn is_callers(&self) -> bool {
        matches!(self, SearchError::Invalid { .. } | SearchError::Filter(_) | SearchError::NotAvailable(_))
    }
}

/// Searches one open generation. Cheap to share between tasks, and to clone: a clone has the same snapshot and the same
/// loaded model.
#[derive(Clone)]
pub struct Searcher {
    config: Arc<Config>,
    view: View,
    encoder: Arc<Encoder>,
    store: Store,
    /// Loaded at the first query that needs a model run; a search by member never does.
    embedder: Arc<OnceCell<Arc<dyn Embedder>>>,
    /// What a check of the files in the background found.
    damaged: Arc<OnceLock<Damaged>>,
    /// Records that are kept in memory.
    records: Option<Arc<Records>>,
    /// What the programme says of mentors.
    epoch: Arc<Epoch>,
    /// Sources that bring no candidates.
    off: Vec<Source>,
    /// What is asked for the nearest members instead of the generation.
    milvus: Option<Arc<Milvus>>,
}

impl Searcher {
    /// Opens the current generation and the members' database, and takes in what changed since the generation was built.
    ///
    /// # Errors
    /// Where there is no generation or no database, or one is damaged.
    pub async fn open(config: &Config) -> Result<Searcher, SearchError> {
        let store = Store::open(&config.database()).await?;
        Searcher::over(config, store, publish::open_current(&config.index)?).caught_up().await
    }

    /// Searches a generation as it was built, which need not be the current one: an older one, or one about to be
    /// published.
    pub fn over(config: &Config, store: Store, snapshot: impl Into<Arc<Snapshot>>) -> Searcher {
        let snapshot: Arc<Snapshot> = snapshot.into();
        let encoder = Arc::new(snapshot.encoder());
        let (embedder, damaged, off) = (Arc::default(), Arc::default(), Vec::new());
        let milvus = config.milvus.clone().map(|milvus| Arc::new(Milvus::new(milvus)));
        let (config, view) = (Arc::new(config.clone()), View::of(snapshot));
        Searcher { config, view, encoder, store, embedder, damaged, records: None, epoch: Arc::default(), off, milvus }
    }

    /// The same, with a model that is loaded already.
    ///
    /// # Errors
    /// As [`Searcher::open`]; [`SearchError::OtherModel`] where the generation is of another model.
    pub async fn open_with(config: &Config, embedder: Arc<dyn Embedder>) -> Result<Searcher, SearchError> {
        let store = Store::open(&config.database()).await?;
        Searcher::over(config, store, publish::open_current(&config.index)?).with_embedder(embedder)?.caught_up().await
    }

    /// The same searcher with a model that is loaded already.
    ///
    /// # Errors
    /// [`SearchError::OtherModel`] where the generation is of another model.
    pub fn with_embedder(self, embedder: Arc<dyn Embedder>) -> Result<Searcher, SearchError> {
        self.check_model(embedder.as_ref())?;
        Ok(Searcher { embedder: Arc::new(OnceCell::new_with(Some(embedder))), ..self })
    }

    /// The generation that is searched.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.view.snapshot
    }

    /// Compares every file with its checksum in a thread of its own; opening checked headers only. Once damage is found,
    /// every search says so. For processes that stay: it reads the whole generation.
    pub fn verify_in_background(&self) -> std::thread::JoinHandle<()> {
        let (snapshot, found) = (Arc::clone(&self.view.snapshot), Arc::clone(&self.damaged));
        std::thread::spawn(move || {
            if let Err(damaged) = snapshot.verify() {
                tracing::error!(%damaged, "the index is damaged");
                found.get_or_init(|| damaged);
            }
        })
    }

    /// The mentors for a request, best first, each with its points in common.
    ///
    /// Fewer than `k` come back only when fewer match.
    ///
    /// # Errors
    /// [`SearchError`]; [`SearchError::is_callers`] tells whose fault it was.
    pub async fn search(&self, request: SearchRequest) -> Result<Answer, SearchError> {
        Ok(self.search_at_once(request).await?.answer)
    }

    /// As [`Searcher::search`], with what is to be known of how the answer came about.
    pub(crate) async fn search_at_once(&self, request: SearchRequest) -> Result<Searched, SearchError> {
        self.check_whole()?;
        let query = Query::try_from(request)?;
        if query.weights.is_empty() {
            return self.answer(&query).await;
        }
        self.with_weights(query.weights(self.weights())).answer(&query).await
    }

    async fn answer(&self, query: &Query) -> Result<Searched, SearchError> {
        let begun = Instant::now();
        let seeker = self.seeker(query).await?;
        let sought = Instant::now();
        let (ranked, remote) = self.rank(query, &seeker).await?;
        let candidates = ranked.len();
        let (ranked, overtaken) = self.both_ways(query, &seeker, ranked, None).await?;
        let reranked = Instant::now();
        let (answer, overtaken) = self.respond(query, &seeker, ranked, overtaken).await?;
        let answer = Answer { degraded: remote.degraded(), ..answer };
        let stages = Stages { seek: sought - begun, rank: reranked - sought, respond: reranked.elapsed() };
        tracing::debug!(candidates, ?stages, "searched");
        Ok(Searched { answer, overtaken, stages })
    }

    /// Whether the files are whole, as far as a check in the background has come.
    pub(crate) fn check_whole(&self) -> Result<(), SearchError> {
        self.damaged.get().map_or(Ok(()), |damaged| Err(IndexError::from(damaged.clone()).into()))
    }

    /// Who seeks, in the snapshot's terms.
    async fn seeker(&self, query: &Query) -> Result<Seeker, SearchError> {
        let mut unembedded = match &query.asked {
            Asked::Text(text) => Unembedded::of_text(text, &self.encoder, &self.view),
            Asked::Profile(profile) if !self.is_adult(profile) => {
                let problem = "is false; who is not of age is not matched with anyone".to_owned();
                return Err(SearchError::Invalid { field: "adult".into(), problem });
            }
            Asked::Profile(profile) => Unembedded::of_member((**profile).clone(), &self.encoder, &self.view),
            Asked::Member(id) => {
                let stored = self.stored(id).await?;
                Unembedded::of_stated(stored.member.clone(), stored.stated(&self.encoder), &self.view)
            }
        };
        if let (Some(viewer), false) = (&query.viewer, matches!(query.asked, Asked::Member(_))) {
            unembedded.seen_by(self.stored(viewer).await?.member.clone());
        }
        let missing = unembedded.missing(&self.view);
        let vectors = if missing.is_empty() { HashMap::new() } else { self.embed(missing).await? };
        Ok(unembedded.embedded(&self.view, &vectors))
    }

    /// A stored member who may be matched.
    async fn stored(&self, id: &MemberId) -> Result<Arc<Record>, SearchError> {
        let (mut found, _) = self.records(&[id.as_str()]).await?;
        let stored = found.remove(id.as_str()).filter(|stored| self.is_adult(&stored.member));
        stored.ok_or_else(|| SearchError::NotAvailable(id.to_string()))
    }

    fn is_adult(&self, member: &Member) -> bool {
        let absent = self.view.snapshot.manifest.adult_when_absent && self.config.members.adult_when_absent;
        member.adult.unwrap_or(absent)
    }

    /// One model run for all texts of a query.
    async fn embed(&self, texts: Vec<(Key, String)>) -> Result<HashMap<Key, UnitVector>, SearchError> {
        let embedder = Arc::clone(self.embedder.get_or_try_init(|| self.load_model()).await?);
        let run = move || {
            let borrowed: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
            let vectors = embedder.embed(&borrowed)?;
            Ok::<_, SearchError>(texts.iter().map(|(key, _)| *key).zip(vectors).collect())
        };
        tokio::task::spawn_blocking(run).await.map_err(|error| stopped(&error))?
    }

    async fn load_model(&self) -> Result<Arc<dyn Embedder>, SearchError> {
        let (dir, name) = (self.config.models.clone(), self.view.snapshot.manifest.model.name.clone());
        let threads = self.config.embedding_threads();
        let load = move || Ok(Models::open(dir)?.load(&name, threads)?);
        let loaded: Result<_, SearchError> =
            tokio::task::spawn_blocking(load).await.map_err(|error| stopped(&error))?;
        let embedder = loaded?;
        self.check_model(embedder.as_ref())?;
        Ok(embedder)
    }

    fn check_model(&self, embedder: &dyn Embedder) -> Result<(), SearchError> {
        let (built, configured) = (self.view.snapshot.manifest.model.fingerprint.clone(), embedder.model().id());
        if built == configured { Ok(()) } else { Err(SearchError::OtherModel { built, configured }) }
    }

    /// Who may be found.
    fn allowed(&self, query: &Query, seeker: &Seeker) -> Result<FixedBitSet, SearchError> {
        let mut allowed = self.matching(&query.filter, query.role(), seeker)?;
        for slot in seeker.blocks.iter().chain(seeker.slot.iter().map(|slot| &slot.0)) {
            allowed.remove(*slot as usize);
        }
        if query.known == Known::Exclude {
            for slot in &seeker.known {
                allowed.remove(*slot as usize);
            }
        }
        Ok(allowed)
    }

    /// Who has the role and matches a filter, as seen from the seeker.
    fn matching(&self, filter: &Filter, role: Option<Role>, seeker: &Seeker) -> Result<FixedBitSet, InvalidFilter> {
        filter.allowed(&self.view, self.encoder.aliases(), role, &seeker.encoded)
    }

    /// Retrieval and reranking: computing only, but for what Milvus is asked.
    async fn rank(&self, query: &Query, seeker: &Seeker) -> Result<(Vec<Ranked>, Remote), SearchError> {
        let allowed = self.allowed(query, seeker)?;
        let remote = self.remote(query, seeker, &allowed).await?;
        let bounds = Bounds { near: remote.near.as_ref(), ..self.bounds(query) };
        let candidates = retrieve::candidates(&self.view, seeker, &allowed, &bounds);
        Ok((self.reranked(query, seeker, &candidates, bounds.seed), remote))
    }

    /// Candidates by what a query goes by, best first.
    fn reranked(&self, query: &Query, seeker: &Seeker, candidates: &[Slot], seed: u64) -> Vec<Ranked> {
        let (comparison, weights) = (self.comparison(query, seeker), self.weights());
        rerank::rank(&comparison, weights, query.outside_circle, self.epoch_of(query), candidates, seed)
    }

    fn bounds(&self, query: &Query) -> Bounds<'_> {
        let (known, k, seed) = (query.known, query.k.get(), query.seed());
        let outside_circle = query.outside_circle != Dial::default();
        Bounds { known, outside_circle, k, limits: &self.config.search, off: &self.off, near: None, seed }
    }

    fn comparison<'a>(&'a self, query: &Query, seeker: &'a Seeker) -> Comparison<'a> {
        Comparison { seeker, view: &self.view, include_known: query.known == Known::Include }
    }
}

fn stopped(error: &tokio::task::JoinError) -> SearchError {
    SearchError::Stopped(error.to_string())
}
