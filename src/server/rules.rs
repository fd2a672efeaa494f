//! Saving the programme's rules where they are read from: weights in the configuration file, guidelines in the files that it
//! names. What was saved is read again as by a reload; where it cannot be, all is put back as it was.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{App, ServerError};
use crate::config::{Config, ConfigError, Origin, edit};
use crate::durable;
use crate::member::Role;
use crate::programme::version_of;
use crate::search::weights::{Feature, Weights};

/// Why rules are not saved.
#[derive(Debug, thiserror::Error)]
pub enum NotSaved {
    /// There is no file to write to.
    #[error("this service runs without a configuration file")]
    NoFile,
    /// What the file says of it does not hold.
    #[error(
        "{0} is stated by a flag (--set {0}=…) or in the environment ({env}), and that goes before the configuration file",
        env = variable(.0)
    )]
    Stated(String),
    /// A file cannot be read or written.
    #[error("{path} cannot be written: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Somebody changed a file by hand, and what they wrote does not hold yet.
    #[error("{0} was changed by hand, and the service has not read it again yet")]
    Unread(PathBuf),
    /// What is written for one would be told to the other too.
    #[error("{0} is named for mentors and for mentees; name a file for each")]
    Shared(PathBuf),
    /// Somebody else saved something since the form was made.
    #[error("something else was saved meanwhile")]
    Overtaken,
    /// The configuration file cannot be changed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration is not taken over with it.
    #[error("the configuration is not taken over with it: {0}")]
    Reload(Box<ServerError>),
    /// The same, and something that was written stays.
    #[error("{path} could not be put back as it was ({source}), after the configuration was not taken over: {reload}")]
    NotPutBack {
        /// What stays.
        path: PathBuf,
        /// Why.
        source: io::Error,
        /// Why it was to be put back.
        reload: Box<ServerError>,
    },
}

/// The variable that states an option.
fn variable(option: &str) -> String {
    format!("RAPPORT__{}", option.to_ascii_uppercase().replace('.', "__"))
}

/// Where guidelines are saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the file that is named.
    Named(PathBuf),
    /// In a new file, which the configuration file then names.
    New {
        /// The new one.
        file: PathBuf,
        /// The configuration file, beside it.
        config: PathBuf,
    },
}

/// The file that weights are saved in.
///
/// # Errors
/// Why they cannot be.
pub fn weights_place(config: &Config) -> Result<PathBuf, NotSaved> {
    let file = config_file(&config.origin, "weights")?;
    unchanged(&file, &config.origin.version)?;
    Ok(file)
}

/// Where the guidelines for a role are saved.
///
/// # Errors
/// Why they cannot be.
pub fn guidelines_place(config: &Config, role: Role) -> Result<Place, NotSaved> {
    // What was changed in it by hand would hold from now on, though nobody here meant that.
    if let Some(file) = &config.origin.file {
        unchanged(file, &config.origin.version)?;
    }
    if let Some(file) = config.programme.guidelines_file(role) {
        let named = [Role::Mentor, Role::Mentee].map(|role| config.programme.guidelines_file(role));
        if named[0] == named[1] {
            return Err(NotSaved::Shared(file.to_owned()));
        }
        writable(file)?;
        unchanged(file, &config.programme.guidelines.of(role).version)?;
        return Ok(Place::Named(file.to_owned()));
    }
    let option = edit::guidelines_option(role);
    let config = config_file(&config.origin, &format!("programme.{option}"))?;
    let name = option.replace('_', "-");
    // A file that is there already is somebody's.
    let mut file = config.with_file_name(format!("{name}.md"));
    for number in 2.. {
        if !file.exists() {
            break;
        }
        file = config.with_file_name(format!("{name}-{number}.md"));
    }
    Ok(Place::New { file, config })
}

/// The configuration file, where it can be written and what it says of an option holds.
fn config_file(origin: &Origin, option: &str) -> Result<PathBuf, NotSaved> {
    let file = origin.file.as_deref().ok_or(NotSaved::NoFile)?;
    if let Some(stated) = origin.goes_before(option) {
        return Err(NotSaved::Stated(stated.to_owned()));
    }
    writable(file)?;
    Ok(file.to_owned())
}

/// Refuses a file that may not be written; it would be replaced even so where its folder may be.
fn writable(file: &Path) -> Result<(), NotSaved> {
    let look = || {
        if fs::metadata(file)?.permissions().readonly() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
        }
        OpenOptions::new().append(true).open(file).map(drop)
    };
    look().map_err(|source| NotSaved::File { path: file.to_owned(), source })
}

fn read(file: &Path) -> Result<String, NotSaved> {
    fs::read_to_string(file).map_err(|source| NotSaved::File { path: file.to_owned(), source })
}

/// Refuses a file that says something else than what was read.
fn unchanged(file: &Path, version: &str) -> Result<(), NotSaved> {
    if version_of(&read(file)?) == version { Ok(()) } else { Err(NotSaved::Unread(file.to_owned())) }
}

/// A file to be written.
struct Change {
    file: PathBuf,
    text: String,
    /// What it said before; nothing where it is new.
    before: Option<String>,
}

impl Change {
    fn write(&self) -> io::Result<()> {
        replace(&self.file, &self.text)
    }

    fn put_back(&self) -> io::Result<()> {
        match &self.before {
            Some(before) => replace(&self.file, before),
            None => durable::remove_if_there(&self.file),
        }
    }
}

/// Replaces a file, or the one that it is a link to.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let linked = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    durable::replace(&linked, text.as_bytes())
}

impl App {
    /// Saves weights, made from those of a version of the configuration file; the log says by whom.
    ///
    /// # Errors
    /// [`NotSaved`]; then everything is as before, unless it is [`NotSaved::NotPutBack`].
    pub async fn save_weights(&self, weights: &Weights, made_from: &str, by: &str) -> Result<(), NotSaved> {
        let _reading = self.reading.lock().await;
        let config = self.community.config();
        if made_from != config.origin.version {
            return Err(NotSaved::Overtaken);
        }
        let file = weights_place(&config)?;
        let before = read(&file)?;
        let text = edit::with_weights(&file, &before, &config.weights, weights)?;
        self.write(vec![Change { file, text, before: Some(before) }]).await?;
        let other = Feature::ALL.iter().filter(|of| weights.of(**of) != config.weights.of(**of));
        let changed: Vec<&str> = other.map(|of| of.name()).collect();
        tracing::info!(by, changed = changed.join(" "), "weights were saved");
        Ok(())
    }

    /// Saves the guidelines for a role, made from those of a version; the log says by whom.
    ///
    /// # Errors
    /// As [`App::save_weights`].
    pub async fn save_guidelines(&self, role: Role, text: String, made_from: &str, by: &str) -> Result<(), NotSaved> {
        let _reading = self.reading.lock().await;
        let config = self.community.config();
        let before = config.programme.guidelines.of(role);
        if made_from != before.version {
            return Err(NotSaved::Overtaken);
        }
        let version = version_of(&text);
        let changes = match guidelines_place(&config, role)? {
            Place::Named(file) => vec![Change { file, text, before: Some(before.markdown.clone()) }],
            Place::New { file, config } => {
                let before = read(&config)?;
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                let naming = edit::naming_guidelines(&config, &before, role, &name)?;
                let named = Change { file: config, text: naming, before: Some(before) };
                // It is there before it is named.
                vec![Change { file, text, before: None }, named]
            }
        };
        self.write(changes).await?;
        let (role, was) = (edit::guidelines_option(role), &before.version);
        tracing::info!(by, role, was, version, "guidelines were saved");
        Ok(())
    }

    /// Writes files, and goes on with what they say, or puts all back as it was.
    async fn write(&self, changes: Vec<Change>) -> Result<(), NotSaved> {
        let changes = blocking(move || {
            for (at, change) in changes.iter().enumerate() {
                if let Err(source) = change.write() {
                    changes[..at].iter().rev().for_each(|written| drop(written.put_back()));
                    return Err(NotSaved::File { path: change.file.clone(), source });
                }
            }
            Ok(changes)
        })
        .await?;
        let Err(reload) = self.read_again().await.map_err(Box::new) else { return Ok(()) };
        blocking(move || {
            for change in changes.iter().rev() {
                if let Err(source) = change.put_back() {
                    return Err(NotSaved::NotPutBack { path: change.file.clone(), source, reload });
                }
            }
            Err(NotSaved::Reload(reload))
        })
        .await
    }
}

/// Does what waits for a disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotSaved> + Send + 'static,
) -> Result<T, NotSaved> {
    let stopped = |error: tokio::task::JoinError| NotSaved::Reload(Box::new(ServerError::Config(error.into())));
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}
