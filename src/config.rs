//! The configuration: one TOML file, every option with a default that works.

pub(crate) mod edit;
mod milvus;
mod origin;
mod programme;
mod searches;
mod server;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use milvus::{MilvusConfig, WhenDown};
pub use origin::Origin;
pub use programme::{ProgrammeConfig, WebhookConfig};
pub use searches::SearchLogConfig;
pub use server::{ServerConfig, TlsConfig, TokenAlgorithm, TokensConfig};

use crate::index::graph::{DEFAULT_EF, GraphParameters};
use crate::member::fold::Aliases;
use crate::search::weights::Weights;
use crate::store::{Address, ServerUrl, without_passwords};

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// An option that was stated outside the file is unknown or not what it should be.
    #[error("{option}: {problem}")]
    Option {
        /// The option.
        option: String,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// The file is not TOML, or an option in it is unknown or out of range.
    #[error("{path}: {problem}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was expected.
        problem: String,
    },
}

/// Every option of `rapport.toml`, described there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where generations live, and the members' database unless `store` says otherwise.
    pub index: PathBuf,
    /// Where model files live.
    pub models: PathBuf,
    /// Where the members' database is.
    pub store: StoreConfig,
    /// Which model, on how many threads.
    pub model: ModelConfig,
    /// How members are read.
    pub members: MembersConfig,
    /// How graphs are built.
    pub graph: GraphParameters,
    /// When generations are built, what they must hold to be published, and which are kept.
    pub rebuild: RebuildConfig,
    /// How searches are carried out.
    pub search: SearchConfig,
    /// The vector engine that is asked for the nearest members; absent: the generation's own graphs are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milvus: Option<MilvusConfig>,
    /// The rules of the mentoring programme.
    pub programme: ProgrammeConfig,
    /// How the HTTP service listens, and what it grants whom.
    pub server: ServerConfig,
    /// What each point in common weighs.
    pub weights: Weights,
    /// The aliases of `members.aliases`, read with the file.
    #[serde(skip)]
    pub aliases: Aliases,
    /// Where all of it was stated.
    #[serde(skip)]
    pub origin: Origin,
}

/// `[model]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// The model's name in `models/manifest.toml`, or on the model hub.
    pub name: String,
    /// Sessions that embed side by side; 0 for one a core.
    pub threads: usize,
}

/// `[store]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// A PostgreSQL database; absent: SQLite in the index folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<ServerUrl>,
    /// Whether every server on that database serves the same generations, which are kept in it too.
    pub fleet: bool,
}

/// `[members]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MembersConfig {
    /// Whether a member without `adult` is of age.
    pub adult_when_absent: bool,
    /// A TOML file of other spellings: `"umass" = "University of Massachusetts"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aliases: Option<PathBuf>,
}

/// `[rebuild]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RebuildConfig {
    /// When `rapport serve` rebuilds: a cron expression in the machine's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Seconds to wait for another process that holds the folder.
    pub wait: u64,
    /// The least part of the last generation's members, and of its mentors who can be found, that a new one must hold;
    /// 0 accepts any loss.
    pub fewest_kept: f64,
    /// The lowest recall@10 of a facet, as audited, with which a generation is published.
    pub lowest_recall: f64,
    /// How many generations are kept, the current one among them.
    pub keep: usize,
    /// Generations younger than so many days are kept too.
    pub keep_days: u32,
    /// Judged queries on which matches must not become worse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityConfig>,
}

/// `[rebuild.quality]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityConfig {
    /// Queries as JSONL, as for `rapport evaluate`.
    pub queries: PathBuf,
    /// Judgements as TREC qrels.
    pub qrels: PathBuf,
    /// How much nDCG@10 may fall, in its own unit.
    #[serde(default = "QualityConfig::usual_margin")]
    pub margin: f64,
}

impl QualityConfig {
    fn usual_margin() -> f64 {
        0.01
    }
}

/// `[search]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// The walk's candidate pool (ef): larger finds more and takes longer.
    pub ef: usize,
    /// The most candidates each source may bring to the reranker.
    pub candidates: usize,
    /// What is kept of searches.
    pub log: SearchLogConfig,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            index: "index".into(),
            models: "models".into(),
            store: StoreConfig::default(),
            model: ModelConfig::default(),
            members: MembersConfig::default(),
            graph: GraphParameters::default(),
            rebuild: RebuildConfig::default(),
            search: SearchConfig::default(),
            milvus: None,
            programme: ProgrammeConfig::default(),
            server: ServerConfig::default(),
            weights: Weights::default(),
            aliases: Aliases::default(),
            origin: Origin::default(),
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        ModelConfig { name: "all-MiniLM-L6-v2".into(), threads: 0 }
    }
}

impl Default for MembersConfig {
    fn default() -> Self {
        MembersConfig { adult_when_absent: true, aliases: None }
    }
}

impl Default for RebuildConfig {
    fn default() -> Self {
        RebuildConfig {
            schedule: None,
            wait: 0,
            fewest_kept: 0.8,
            lowest_recall: 0.95,
            keep: 2,
            keep_days: 0,
            quality: None,
        }
    }
}

impl Default for SearchConfig {
    fn default() -> Self {
        SearchConfig { ef: DEFAULT_EF, candidates: 64, log: SearchLogConfig::default() }
    }
}

impl Config {
    /// Reads and checks a configuration file and the alias file it names. Files that it names are relative to it.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and the option.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        Config::layered(Some(path), &[])
    }

    /// The same, where options stated elsewhere go before the file's: pairs of an option, as in `server.deadline`, and its
    /// value as TOML. A value that is no TOML is a text. Of two pairs the later one holds.
    ///
    /// # Errors
    /// [`ConfigError`] names the file or the option.
    pub fn layered(file: Option<&Path>, stated: &[(String, String)]) -> Result<Config, ConfigError> {
        let path = file.unwrap_or(Path::new("the configuration"));
        let text = file.map(read_text).transpose()?.unwrap_or_default();
        let mut config: Config = parse_toml(path, &text)?;
        if !stated.is_empty() {
            let table: toml::Table = parse_toml(path, &text)?;
            let all: Vec<&(String, String)> = stated.iter().collect();
            config = over(&table, &all).map_err(|(option, error)| {
                // Of those that are wrong together, such as one that needs another, the first without which the rest is in order.
                let without = |left_out: &&(String, String)| -> Vec<&(String, String)> {
                    all.iter().filter(|stated| *stated != left_out).copied().collect()
                };
                let wrong = all.iter().find(|stated| over(&table, &without(stated)).is_ok());
                let option = wrong.map_or(option, |(option, _)| option.clone());
                ConfigError::Option { option, problem: without_passwords(&error) }
            })?;
        }
        config.origin = Origin::new(file, &text, stated);
        config.checked(path)
    }

    fn checked(self, path: &Path) -> Result<Config, ConfigError> {
        let mut config = self;
        let invalid = |problem: String| ConfigError::Invalid { path: path.to_owned(), problem };
        for (option, value, least, most) in [
            ("graph.m", config.graph.m, 2, 128),
            ("graph.ef_construction", config.graph.ef_construction, 8, 10_000),
            ("search.ef", config.search.ef, 10, 100_000),
            ("search.candidates", config.search.candidates, 10, 100_000),
            ("model.threads", config.model.threads, 0, 1_024),
            ("rebuild.keep", config.rebuild.keep, 1, 1_000),
            ("programme.open_requests", config.programme.open_requests, 1, 1_000),
            ("programme.answer_days", config.programme.answer_days as usize, 1, 3_650),
            ("programme.reminder_days", config.programme.reminder_days as usize, 1, 3_650),
            ("programme.again_days", config.programme.again_days as usize, 0, 3_650),
            ("programme.steering.half_life_days", config.programme.steering.half_life_days as usize, 1, 3_650),
            ("programme.steering.exposure_days", config.programme.steering.exposure_days as usize, 1, 3_650),
            ("search.log.keep_days", config.search.log.keep_days as usize, 0, 3_650),
            ("programme.capacity", config.programme.capacity as usize, 0, 1_000),
            ("server.deadline", config.server.deadline as usize, 1, 3_600),
            ("server.patience", config.server.patience as usize, 1, 3_600),
            ("server.at_once", config.server.at_once, 0, 100_000),
            ("server.queue", config.server.queue, 0, 100_000),
            ("server.burst", config.server.burst as usize, 1, 1_000_000),
            ("server.remembered_texts", config.server.remembered_texts, 0, 10_000_000),
            ("server.remembered_records", config.server.remembered_records, 0, 1_000_000),
            ("server.remembered_answers", config.server.remembered_answers, 0, 1_000_000),
        ] {
            if !(least..=most).contains(&value) {
                return Err(invalid(format!("{option} is {value}; expected {least} to {most}")));
            }
        }
        let margin = config.rebuild.quality.as_ref().map_or(0.0, |quality| quality.margin);
        for (option, value) in [
            ("rebuild.fewest_kept", config.rebuild.fewest_kept),
            ("rebuild.lowest_recall", config.rebuild.lowest_recall),
            ("rebuild.quality.margin", margin),
            ("programme.steering.responsiveness", config.programme.steering.responsiveness),
            ("programme.steering.load", config.programme.steering.load),
            ("programme.steering.exposure", config.programme.steering.exposure),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(invalid(format!("{option} is {value}; expected 0 to 1")));
            }
        }
        for (kind, threshold) in config.programme.good_match.all() {
            if let Some(threshold) = threshold.filter(|match_| !(match_.is_finite() && *match_ > 0.0)) {
                return Err(invalid(format!("programme.good_match.{kind} is {threshold}; expected a match above 0")));
            }
        }
        if let Some(problem) = config.milvus.as_ref().and_then(MilvusConfig::problem) {
            return Err(invalid(problem));
        }
        config.weights.check().map_err(invalid)?;
        let beside = |file: &Path| path.parent().unwrap_or(Path::new("")).join(file);
        if let Some(quality) = &mut config.rebuild.quality {
            (quality.queries, quality.qrels) = (beside(&quality.queries), beside(&quality.qrels));
        }
        if let Some(tls) = &mut config.server.tls {
            (tls.certificate, tls.key) = (beside(&tls.certificate), beside(&tls.key));
        }
        if let Some(tokens) = &mut config.server.tokens {
            tokens.key = beside(&tokens.key);
        }
        config.programme.read(beside)?;
        if let Some(file) = &config.members.aliases {
            let file = beside(file);
            let pairs: std::collections::BTreeMap<String, String> = parse_toml(&file, &read_text(&file)?)?;
            config.aliases = Aliases::new(pairs);
        }
        Ok(config)
    }

    /// Where the members' database is.
    pub fn database(&self) -> Address {
        self.store.url.clone().map_or_else(|| Address::Folder(self.index.clone()), Address::Server)
    }

    /// How graphs are built: without links where Milvus has graphs of its own.
    pub fn graph(&self) -> GraphParameters {
        if self.milvus.is_some() { GraphParameters { m: 0, ..self.graph } } else { self.graph }
    }

    /// Threads to embed on.
    pub fn embedding_threads(&self) -> std::num::NonZeroUsize {
        std::num::NonZeroUsize::new(self.model.threads)
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(std::num::NonZeroUsize::MIN)
    }
}

/// The configuration of a table with options over it; or an option, and what is wrong with it or with all of them.
fn over(table: &toml::Table, stated: &[&(String, String)]) -> Result<Config, (String, String)> {
    let (mut table, mut last) = (table.clone(), "");
    for (option, value) in stated {
        state(&mut table, option, value).map_err(|problem| (option.clone(), problem.to_owned()))?;
        last = option;
    }
    table.try_into().map_err(|error: toml::de::Error| (last.to_owned(), error.message().to_owned()))
}

/// States one option in a table of options.
fn state(table: &mut toml::Table, option: &str, value: &str) -> Result<(), &'static str> {
    let expected = "is no option; expected one of rapport.toml's, such as server.deadline";
    let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("value"));
    let mut parts: Vec<&str> = option.split('.').collect();
    let last = parts.pop().filter(|last| !last.is_empty()).ok_or(expected)?;
    let mut at = table;
    for part in parts {
        let inner = at.entry(part).or_insert_with(|| toml::Table::new().into());
        at = inner.as_table_mut().ok_or(expected)?;
    }
    at.insert(last.to_owned(), parsed.unwrap_or_else(|| value.into()));
    Ok(())
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

fn parse_toml<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    // The parser quotes the line that is wrong.
    let problem = |error: toml::de::Error| without_passwords(&error.to_string());
    toml::from_str(text).map_err(|error| ConfigError::Invalid { path: path.to_owned(), problem: problem(error) })
}
