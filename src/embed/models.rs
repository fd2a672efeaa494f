//! The models folder: what it should hold, what it holds, and loading from it.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fastembed::{InitOptionsUserDefined, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use sha2::{Digest, Sha256};

use crate::embed::deferred::Deferred;
use crate::embed::manifest::{Manifest, ManifestError, ModelEntry, ModelFile, RuntimeEntry};
use crate::embed::onnx::{OnnxEmbedder, start_runtime};
use crate::embed::pull::{self, PullEvent};
use crate::embed::{EmbedError, Embedder, Model, Pip, Pooling, hex, hub};

/// The folder of model files.
#[derive(Debug)]
pub struct Models {
    dir: PathBuf,
    manifest: Manifest,
    pip: Pip,
}

/// One model or runtime of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The licence its makers give it under.
    pub license: String,
    /// The size of its files.
    pub bytes: u64,
    /// The worst state of its files.
    pub state: State,
}

/// A model, or the library that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A model.
    Model {
        /// The number of values of its vectors.
        dimension: usize,
        /// The languages it covers; empty: any.
        languages: Vec<String>,
    },
    /// ONNX Runtime, for the platform this runs on.
    Runtime,
}

/// Whether something can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// All files are there, with the right sha256.
    Ready,
    /// A file is not there.
    Missing,
    /// A file is there but is not the right one.
    Damaged,
}

/// One file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedFile {
    /// Where it is, or should be.
    pub path: PathBuf,
    /// The model or runtime it belongs to.
    pub owner: String,
    /// The size it should have.
    pub bytes: u64,
    /// What was found.
    pub state: FileState,
}

/// What was found where a file should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// The right file.
    Ready,
    /// Nothing.
    Missing,
    /// Something else.
    Damaged {
        /// How it differs, with what was expected.
        problem: String,
    },
}

impl FileState {
    /// The state without its details.
    pub fn state(&self) -> State {
        match self {
            FileState::Ready => State::Ready,
            FileState::Missing => State::Missing,
            FileState::Damaged { .. } => State::Damaged,
        }
    }
}

impl Models {
    /// Opens a models folder; it need not exist yet. Its own `manifest.toml` counts where there is one, else the one
    /// that rapport was built with.
    ///
    /// # Errors
    /// [`ManifestError`] if the folder's manifest cannot be used.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Models, ManifestError> {
        let dir = dir.into();
        let manifest = Manifest::of(&dir)?;
        Ok(Models { dir, manifest, pip: Pip::default() })
    }

    /// Looks for pip among these commands instead of the usual ones.
    pub fn with_pip(self, pip: Pip) -> Models {
        Models { pip, ..self }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The model to use where none is named.
    pub fn default_name(&self) -> &str {
        &self.manifest.default
    }

    /// The models and the runtime of the manifest, with what is there of them. Reads every file.
    pub fn list(&self) -> Vec<Listed> {
        let worst =
            |files: &[&ModelFile]| files.iter().map(|file| self.check(file).state()).max().unwrap_or(State::Missing);
        let mut listed = Vec::new();
        for model in &self.manifest.models {
            let files = [&model.graph, &model.tokenizer];
            listed.push(Listed {
                name: model.name.clone(),
                kind: Kind::Model { dimension: model.dimension, languages: model.languages.clone() },
                license: model.license.clone(),
                bytes: files.iter().map(|file| file.bytes).sum(),
                state: worst(&files),
            });
        }
        if let Some(runtime) = self.manifest.runtime() {
            listed.push(Listed {
                name: format!("{} {}", runtime.name, runtime.library.wheel.version),
                kind: Kind::Runtime,
                license: runtime.license.clone(),
                bytes: runtime.library.bytes,
                state: worst(&[&runtime.library]),
            });
        }
        listed
    }

    /// Reads every file of the manifest for this platform and compares its sha256.
    pub fn verify(&self) -> Vec<VerifiedFile> {
        let models = self.manifest.models.iter();
        let files = models.flat_map(|model| [(&model.name, &model.graph), (&model.name, &model.tokenizer)]);
        files
            .chain(self.manifest.runtime().map(|runtime| (&runtime.name, &runtime.library)))
            .map(|(owner, file)| VerifiedFile {
                path: self.path(file),
                owner: owner.clone(),
                bytes: file.bytes,
                state: self.check(file),
            })
            .collect()
    }

    /// Fetches what the model needs and is not there, the runtime too. A model of the hub is fetched by loading it.
    ///
    /// Two pulls at once, in any number of processes, take turns. One that is interrupted leaves no file that could
    /// be taken for whole, and the next begins anew.
    ///
    /// # Errors
    /// [`EmbedError::Pull`] if a file cannot be fetched; [`EmbedError::Unknown`] and [`EmbedError::Hub`] for models
    /// that are not in the manifest.
    pub fn pull(&self, name: &str, progress: &mut dyn FnMut(PullEvent<'_>)) -> Result<(), EmbedError> {
        let runtime = self.runtime()?;
        let Some(model) = self.manifest.model(name) else {
            // An unknown name should not cost a download of the runtime.
            hub::find(name).ok_or_else(|| self.unknown(name))?;
            pull::pull(self, &[&runtime.library], &self.pip, progress)?;
            return self.load(name, NonZeroUsize::MIN).map(drop);
        };
        pull::pull(self, &[&model.graph, &model.tokenizer, &runtime.library], &self.pip, progress)?;
        Ok(())
    }

    /// Loads a model, in up to `threads` single-threaded sessions. Every file is checked before it is used: ONNX
    /// Runtime hangs or aborts on a damaged library. Sessions after the first are made when there is work for them; the
    /// default model takes about 200 MB in each.
    ///
    /// # Errors
    /// [`EmbedError`]: files missing or damaged, the name unknown, or a model that does not load.
    pub fn load(&self, name: &str, threads: NonZeroUsize) -> Result<Arc<dyn Embedder>, EmbedError> {
        let runtime = self.runtime()?;
        let Some(entry) = self.manifest.model(name) else {
            let found = hub::find(name).ok_or_else(|| self.unknown(name))?;
            self.start(name, runtime)?;
            return Ok(Arc::new(hub::load(&found, &self.dir.join("hub"), threads)?));
        };
        let graph = self.read(name, &entry.graph)?;
        let tokenizer = self.read(name, &entry.tokenizer)?;
        self.start(name, runtime)?;
        let make = session_maker(entry, graph, tokenizer);
        let first = make()?;
        Ok(Arc::new(OnnxEmbedder::new(model(entry), first, threads.get(), make)?))
    }

    /// The model, loaded with the first text that is to be embedded; one of the hub is loaded at once, since its files say
    /// what it is.
    ///
    /// # Errors
    /// As [`Models::load`]. What is wrong with the files of a model of the manifest shows with the first text.
    pub fn deferred(self, name: &str, threads: NonZeroUsize) -> Result<Arc<dyn Embedder>, EmbedError> {
        let Some(entry) = self.manifest.model(name) else { return self.load(name, threads) };
        let (model, name) = (model(entry), name.to_owned());
        Ok(Arc::new(Deferred::new(model, Box::new(move || self.load(&name, threads)))))
    }

    /// Fetches what is missing, then loads. The files are read once where all are there.
    ///
    /// # Errors
    /// As [`Models::pull`] and [`Models::load`].
    pub fn ensure(
        &self,
        name: &str,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(PullEvent<'_>),
    ) -> Result<Arc<dyn Embedder>, EmbedError> {
        match self.load(name, threads) {
            Err(EmbedError::NotReady { .. }) => {
                self.pull(name, progress)?;
                self.load(name, threads)
            }
            loaded => loaded,
        }
    }

    /// Where a file of the manifest is, or should be.
    pub(crate) fn path(&self, file: &ModelFile) -> PathBuf {
        self.dir.join(&file.path)
    }

    /// What is there of a file.
    pub(crate) fn check(&self, file: &ModelFile) -> FileState {
        let found = File::open(self.path(file)).and_then(|mut opened| {
            let bytes = opened.metadata()?.len();
            // A wrong size says enough, and need not be read.
            let sha256 = if bytes == file.bytes { Some(sha256(&mut opened)?) } else { None };
            Ok((bytes, sha256))
        });
        match found {
            Ok((bytes, sha256)) => compare(file, bytes, sha256.as_deref()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::Missing,
            Err(error) => FileState::Damaged { problem: format!("cannot be read: {error}") },
        }
    }

    fn read(&self, model: &str, file: &ModelFile) -> Result<Vec<u8>, EmbedError> {
        let state = match std::fs::read(self.path(file)) {
            Ok(bytes) => match compare(file, bytes.len() as u64, Some(&hex(&Sha256::digest(&bytes)))) {
                FileState::Ready => return Ok(bytes),
                state => state,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::Missing,
            Err(error) => FileState::Damaged { problem: format!("cannot be read: {error}") },
        };
        Err(self.not_ready(model, file, &state))
    }

    fn start(&self, model: &str, runtime: &RuntimeEntry) -> Result<(), EmbedError> {
        match self.check(&runtime.library) {
            FileState::Ready => start_runtime(&self.path(&runtime.library)),
            state => Err(self.not_ready(model, &runtime.library, &state)),
        }
    }

    fn runtime(&self) -> Result<&RuntimeEntry, EmbedError> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        self.manifest.runtime().ok_or(EmbedError::NoRuntime { os, arch })
    }

    fn not_ready(&self, model: &str, file: &ModelFile, state: &FileState) -> EmbedError {
        let problem = match state {
            FileState::Damaged { problem } => problem,
            _ => "is missing",
        };
        EmbedError::NotReady { model: model.to_owned(), problems: format!("{} {problem}", self.path(file).display()) }
    }

    fn unknown(&self, name: &str) -> EmbedError {
        let known: Vec<&str> = self.manifest.models.iter().map(|model| &model.name[..]).collect();
        EmbedError::Unknown { name: name.to_owned(), known: known.join(", ") }
    }
}

/// The SHA-256 of all that is left to read, in lower-case hex.
pub(crate) fn sha256(from: &mut impl Read) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(from, &mut digest)?;
    Ok(hex(&digest.finalize()))
}

/// Compares a file's size and sha256 with the manifest's; of a wrong size only the size is known.
pub(crate) fn compare(file: &ModelFile, bytes: u64, sha256: Option<&str>) -> FileState {
    if bytes != file.bytes {
        let problem = format!("is damaged: it has {bytes} bytes; expected {}", file.bytes);
        return FileState::Damaged { problem };
    }
    match sha256 {
        Some(sha256) if sha256 == file.sha256 => FileState::Ready,
        found => {
            let found = found.unwrap_or("unknown");
            FileState::Damaged { problem: format!("is damaged: its sha256 is {found}; expected {}", file.sha256) }
        }
    }
}

fn model(entry: &ModelEntry) -> Model {
    let content = hex(&Sha256::digest(format!("{}\n{}", entry.graph.sha256, entry.tokenizer.sha256)));
    Model {
        name: entry.name.clone(),
        dimension: entry.dimension,
        max_tokens: entry.max_tokens,
        pooling: entry.pooling,
        languages: entry.languages.clone(),
        templates: entry.templates.clone(),
        content,
    }
}

/// Makes sessions of a model from its files.
fn session_maker(
    entry: &ModelEntry,
    graph: Vec<u8>,
    tokenizer: Vec<u8>,
) -> impl Fn() -> Result<TextEmbedding, EmbedError> + Send + Sync + 'static {
    let name = entry.name.clone();
    let pooling = match entry.pooling {
        Pooling::Mean => fastembed::Pooling::Mean,
        Pooling::Cls => fastembed::Pooling::Cls,
    };
    // fastembed wants the three files beside tokenizer.json too, but reads no more than this of them.
    let config = serde_json::json!({ "model_max_length": entry.max_tokens, "pad_token": entry.pad_token });
    let files = TokenizerFiles {
        tokenizer_file: tokenizer,
        config_file: b"{}".to_vec(),
        special_tokens_map_file: b"{}".to_vec(),
        tokenizer_config_file: config.to_string().into_bytes(),
    };
    let options = InitOptionsUserDefined::new().with_intra_threads(1).with_max_length(entry.max_tokens);
    move || {
        // Without a pooling fastembed would take the first token's vector, which is silently wrong for this model.
        let files = UserDefinedEmbeddingModel::new(graph.clone(), files.clone()).with_pooling(pooling.clone());
        TextEmbedding::try_new_from_user_defined(files, options.clone())
            .map_err(|source| EmbedError::Session { model: name.clone(), source: source.into() })
    }
}
