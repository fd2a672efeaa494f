//! Models of the hub, by name, through fastembed's own loader.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use fastembed::{EmbeddingModel, ModelInfo, Pooling as HubPooling, QuantizationMode, TextEmbedding, TextInitOptions};

use crate::embed::onnx::OnnxEmbedder;
use crate::embed::pip::bytes_under;
use crate::embed::{EmbedError, Model, Pooling, Templates};

/// How long a download may stand still. fastembed's loader has no time limit of its own.
const STALLED: Duration = Duration::from_secs(60);

/// The model that fastembed knows by this name: the hub's (`Xenova/bge-small-en-v1.5`) or fastembed's own
/// (`BGESmallENV15`). The hub keeps some with and without quantisation under one name; then it is the one without.
pub(crate) fn find(name: &str) -> Option<ModelInfo<EmbeddingModel>> {
    let all = TextEmbedding::list_supported_models();
    let own = name.parse::<EmbeddingModel>().ok();
    if let Some(found) = all.iter().find(|info| own.as_ref() == Some(&info.model)) {
        return Some(found.clone());
    }
    let mut named: Vec<_> = all.into_iter().filter(|info| info.model_code.eq_ignore_ascii_case(name)).collect();
    named.sort_by_key(|info| dynamically_quantised(&info.model));
    named.into_iter().next()
}

fn dynamically_quantised(model: &EmbeddingModel) -> bool {
    TextEmbedding::get_quantization_mode(model) == QuantizationMode::Dynamic
}

/// Loads a model from the folder, fetching it from the hub first if it is not there.
pub(crate) fn load(
    info: &ModelInfo<EmbeddingModel>,
    dir: &Path,
    threads: NonZeroUsize,
) -> Result<OnnxEmbedder, EmbedError> {
    let name = format!("{} ({:?})", info.model_code, info.model);
    if dynamically_quantised(&info.model) {
        return Err(EmbedError::DynamicallyQuantised { model: name });
    }
    let options = TextInitOptions::new(info.model.clone())
        .with_cache_dir(dir.to_owned())
        .with_show_download_progress(false)
        .with_intra_threads(1);
    // Where the hub's own environment variable says so, the files are kept elsewhere.
    let kept = std::env::var_os("HF_HOME").map_or_else(|| dir.to_owned(), PathBuf::from);
    let first = fetch(&name, options.clone(), &kept)?;
    let max_tokens = first.tokenizer.get_truncation().map_or(512, |truncation| truncation.max_length);
    let pooling = match TextEmbedding::get_default_pooling_method(&info.model) {
        Some(HubPooling::Mean) => Pooling::Mean,
        _ => Pooling::Cls,
    };
    let revision = kept.join(format!("models--{}", info.model_code.replace('/', "--"))).join("refs/main");
    let model = Model {
        name: info.model_code.clone(),
        dimension: info.dim,
        max_tokens,
        pooling,
        languages: Vec::new(),
        templates: Templates::default(),
        content: format!("{}@{}", info.model_file, std::fs::read_to_string(revision).unwrap_or_default().trim()),
    };
    OnnxEmbedder::new(model, first, threads.get(), move || {
        TextEmbedding::try_new(options.clone())
            .map_err(|source| EmbedError::Session { model: name.clone(), source: source.into() })
    })
}

/// Runs fastembed's loader on a thread of its own, and gives up on it when nothing arrives for [`STALLED`].
fn fetch(name: &str, options: TextInitOptions, kept: &Path) -> Result<TextEmbedding, EmbedError> {
    let failed = |problem: String| EmbedError::Hub { model: name.to_owned(), problem };
    let (done, loaded) = mpsc::channel();
    std::thread::Builder::new()
        .name("hub".into())
        .spawn(move || {
            // Nobody listens any more where this took too long.
            let _ = done.send(TextEmbedding::try_new(options));
        })
        .map_err(|error| failed(error.to_string()))?;
    let (mut bytes, mut since) = (bytes_under(kept), Instant::now());
    loop {
        match loaded.recv_timeout(Duration::from_millis(500)) {
            Ok(Ok(session)) => return Ok(session),
            Ok(Err(error)) => return Err(failed(causes(&error))),
            Err(RecvTimeoutError::Disconnected) => return Err(failed("fastembed's loader broke off".into())),
            Err(RecvTimeoutError::Timeout) if since.elapsed() > STALLED => {
                return Err(failed(format!("nothing arrived for {} s", STALLED.as_secs())));
            }
            Err(RecvTimeoutError::Timeout) => {
                let now = bytes_under(kept);
                if now != bytes {
                    (bytes, since) = (now, Instant::now());
                }
            }
        }
    }
}

/// An error and what caused it, on one line; a cause that the line has said already is not repeated.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let cause = cause.to_string();
        if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_by_either_name() {
        for name in ["Xenova/bge-small-en-v1.5", "xenova/BGE-small-en-v1.5", "BGESmallENV15", "bgesmallenv15"] {
            let found = find(name).map(|info| format!("{:?}", info.model));
            assert!(found.is_some(), "{name}");
        }
        assert!(find("no-such-model").is_none());
    }
}
