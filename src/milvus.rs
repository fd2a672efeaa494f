//! The nearest members by Milvus instead of by a generation's own graphs: a collection for each facet of each generation.
//!
//! A collection is of one generation for good, and a search names it. So nothing is mixed while another generation is
//! published or gone back to, and no alias has to be switched for two facets at once. Whoever changed since the generation was
//! built is looked for in the overlay, as without Milvus: an acknowledged change is found by the next search, whatever Milvus
//! has seen by then.

mod breaker;
mod collections;
mod expression;

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use milvus::v2::prelude::{
    ClientV2, ConnectConfig, ConsistencyLevel, Ids, RetryConfig, SearchRequest, SearchVectors, TelemetryConfig,
};
use tokio::sync::OnceCell;

use crate::config::{MilvusConfig, WhenDown};
use crate::index::Slot;
use crate::index::manifest::Manifest;
use crate::search::FacetName;
use breaker::Breaker;
pub(crate) use expression::expression;

/// The most hits that Milvus gives to one query.
const MOST_HITS: usize = 16_384;

/// How long a new connection is waited for, and any call that is not a search, unless it fills or loads a collection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why Milvus did not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MilvusError {
    /// It said so, or could not be reached.
    #[error("Milvus at {url}: {reason}")]
    Failed {
        /// Where.
        url: String,
        /// What it said.
        reason: String,
    },
    /// It did not answer in time.
    #[error("Milvus at {url} did not answer within {} ms", .after.as_millis())]
    Slow {
        /// Where.
        url: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// It failed a few times in a row, and is left alone for a moment.
    #[error("Milvus at {0} failed lately; it is not asked for a moment")]
    LeftAlone(String),
    /// A collection is not what it was filled with.
    #[error("Milvus' collection {collection}: {problem}")]
    Unlike {
        /// Its name.
        collection: String,
        /// How it differs.
        problem: String,
    },
}

/// Calls of the SDK, whose types are too deep for whoever waits for them.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = milvus::v2::error::Result<T>> + Send + 'a>>;

/// A search, in a box for the same reason, and since searches without Milvus have no room for it in theirs.
type Asked<'a> = Pin<Box<dyn Future<Output = Result<Vec<Slot>, MilvusError>> + Send + 'a>>;

/// What is looked for in a collection.
pub(crate) struct Wanted<'a> {
    pub(crate) vector: &'a [f32],
    pub(crate) expression: &'a str,
    /// How many are wanted.
    pub(crate) most: usize,
    /// The pool of its walk.
    pub(crate) ef: usize,
}

/// A Milvus, connected to when it is first asked for something.
pub(crate) struct Milvus {
    config: MilvusConfig,
    client: OnceCell<ClientV2>,
    breaker: Breaker,
}

impl Milvus {
    pub(crate) fn new(config: MilvusConfig) -> Milvus {
        Milvus { config, client: OnceCell::new(), breaker: Breaker::default() }
    }

    /// Whether a search goes on without it.
    pub(crate) fn may_lack(&self) -> bool {
        self.config.when_down == WhenDown::Degrade
    }

    /// Whether it failed lately and is not asked.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.breaker.is_open()
    }

    /// The members nearest to a vector, best first, of those whom an expression admits: `most`, or all of those for whom
    /// `admits` holds too, which knows of changes that Milvus does not. `there` counts those whom it has to find at least.
    pub(crate) async fn near(
        &self,
        manifest: &Manifest,
        facet: FacetName,
        wanted: &Wanted<'_>,
        admits: impl Fn(Slot) -> bool + Send + Sync,
        there: impl Fn() -> usize + Send + Sync,
    ) -> Result<Vec<Slot>, MilvusError> {
        let Wanted { vector, expression, most, ef } = *wanted;
        let name = self.name_of(manifest, facet);
        let search = async || {
            let mut limit = (most + most / 4).clamp(1, MOST_HITS);
            loop {
                let found = self.search(&name, vector, expression, limit, ef.max(limit)).await;
                let found = found.map_err(|error| self.failed(&error))?;
                let least = if found.len() < limit { limit.min(there()) / 2 } else { 0 };
                if found.len() < least {
                    // A query node that takes over answers for what it has not loaded yet, and calls it success.
                    let problem = format!("gave {} members; at least {least} match", found.len());
                    return Err(MilvusError::Unlike { collection: name.clone(), problem });
                }
                let was_last = found.len() < limit || limit == MOST_HITS;
                let mut near: Vec<Slot> = found.into_iter().filter(|slot| admits(*slot)).collect();
                if near.len() >= most || was_last {
                    near.truncate(most);
                    return Ok(near);
                }
                limit = (4 * limit).min(MOST_HITS);
            }
        };
        if !self.breaker.admits(Instant::now()) {
            return Err(MilvusError::LeftAlone(self.config.url.clone()));
        }
        let answered = match self.asked(Box::pin(search())).await {
            // Another replica may answer.
            Err(error) => self.asked(Box::pin(search())).await.map_err(|_| error),
            answered => answered,
        };
        self.breaker.note(answered.is_ok(), Instant::now());
        answered
    }

    async fn search(
        &self,
        collection: &str,
        vector: &[f32],
        expression: &str,
        limit: usize,
        ef: usize,
    ) -> milvus::v2::error::Result<Vec<Slot>> {
        let client = self.client().await?;
        let request = SearchRequest::builder()
            .collection_name(collection)
            .vector_field(collections::VECTOR)
            .vectors(SearchVectors::Float(vec![vector.to_vec()]))
            .filter(expression)
            .limit(limit as i64)
            .extra_params([("ef".to_owned(), ef.to_string())].into())
            // What is in a collection does not change once it is held.
            .consistency_level(ConsistencyLevel::Eventually)
            .build()?;
        let response = client.search(request).await?;
        let ids = response.results().iter().next().map(|result| result.get_ids().clone());
        Ok(match ids {
            Some(Ids::Int64(slots)) => {
                slots.into_iter().filter_map(|slot| u32::try_from(slot).ok()).map(Slot).collect()
            }
            _ => Vec::new(),
        })
    }

    /// One call, in time and counted.
    async fn asked(&self, call: Asked<'_>) -> Result<Vec<Slot>, MilvusError> {
        let (begun, after) = (Instant::now(), Duration::from_millis(self.config.timeout));
        let answered = match tokio::time::timeout(after, call).await {
            Ok(answered) => answered,
            Err(_) => Err(MilvusError::Slow { url: self.config.url.clone(), after }),
        };
        metrics::histogram!("rapport_milvus_seconds").record(begun.elapsed());
        if answered.is_err() {
            metrics::counter!("rapport_milvus_failures_total").increment(1);
        }
        answered
    }

    fn failed(&self, error: &milvus::v2::error::Error) -> MilvusError {
        MilvusError::Failed { url: self.config.url.clone(), reason: error.to_string() }
    }

    async fn client(&self) -> milvus::v2::error::Result<&ClientV2> {
        let connect = || async {
            let config = ConnectConfig::new()
                .uri(&self.config.url)
                .connect_timeout(PATIENCE)
                .rpc_timeout(PATIENCE)
                // The breaker decides what is tried again.
                .retry(RetryConfig::new().max_attempts(1))
                .telemetry(TelemetryConfig::new().enabled(false));
            // Not in the configuration, which is shown.
            let token = std::env::var("RAPPORT_MILVUS_TOKEN").ok();
            ClientV2::new(&token.into_iter().fold(config, ConnectConfig::token)).await
        };
        self.client.get_or_try_init(connect).await
    }

    /// The collection of a facet of a generation. Another one of the same number has another name.
    fn name_of(&self, manifest: &Manifest, facet: FacetName) -> String {
        let sum = manifest.checksum.get(..8).unwrap_or_default();
        format!("{}_{:06}_{sum}_{}", self.config.prefix, manifest.generation, facet.name())
    }
}
