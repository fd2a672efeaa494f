//! `rapport import FILE...`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use rapport::config::Config;
use rapport::member::import::Strictness;
use rapport::store::import::ImportEvent;
use rapport::store::{Store, Upserted, WriteLock};
use tokio::runtime::Handle;

use super::{Done, Usage, render};

/// Bad lines shown; the others are only counted and written to the rejects file.
const SHOWN: u64 = 20;

#[derive(Debug, Args)]
pub struct Arguments {
    /// JSONL or CSV, plain or compressed by gzip or Zstandard; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Let unknown fields pass, with a warning
    #[arg(long)]
    lenient: bool,
    /// Where bad lines are set aside [default: rejects-TIME.jsonl in the index folder]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

pub async fn run(config: Config, arguments: Arguments) -> anyhow::Result<Done> {
    let _lock = WriteLock::take(&config.index)?;
    let store = Store::create(&config.database()).await?;
    let runtime = Handle::current();
    // Reading and parsing block: not on the runtime's own threads.
    tokio::task::spawn_blocking(move || import(&config, &arguments, &store, &runtime)).await?
}

fn import(config: &Config, arguments: &Arguments, store: &Store, runtime: &Handle) -> anyhow::Result<Done> {
    let strictness = Strictness { lenient: arguments.lenient };
    let path = arguments.rejects.clone().unwrap_or_else(|| {
        config.index.join(format!("rejects-{}.jsonl", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ")))
    });
    if let (Ok(path), true) = (path.canonicalize(), path.exists())
        && arguments.files.iter().any(|file| file.canonicalize().is_ok_and(|file| file == path))
    {
        return Err(Usage(format!("--rejects {} is one of the files to import", path.display())).into());
    }
    let mut rejects = Rejects { path: &path, file: None, count: 0 };
    let mut warned = 0;
    let mut sum = Upserted::default();
    let mut failed = Vec::new();
    for file in &arguments.files {
        let (done, read) = store.import_file(runtime, file, strictness, |event| match event {
            ImportEvent::Bad(bad) => rejects.take(&bad),
            ImportEvent::Unknown { line, fields } => {
                warned += 1;
                if warned <= SHOWN {
                    let fields = render::clean(&fields.join(", "));
                    eprintln!("warning: {}:{line}: unknown fields let pass: {fields}", file.display());
                }
                Ok(())
            }
            ImportEvent::Written(_) => Ok(()),
        });
        sum += done;
        if let Err(error) = read {
            eprintln!("rapport: {error}");
            failed.push(file.display().to_string());
        }
    }
    if warned > SHOWN {
        eprintln!("warning: {} more lines with unknown fields", warned - SHOWN);
    }
    let rejected = rejects.finish()?;
    let mut out = anstream::stdout().lock();
    let Upserted { added, changed, unchanged } = sum;
    writeln!(out, "{added} added, {changed} changed, {unchanged} unchanged, {rejected} set aside")?;
    anyhow::ensure!(failed.is_empty(), "not all could be read: {}; what was read is kept", failed.join(", "));
    Ok(if rejected == 0 { Done::Fully } else { Done::WithRejects })
}

/// Bad lines on their way into the rejects file, which is made when there is one.
struct Rejects<'a> {
    path: &'a Path,
    file: Option<BufWriter<File>>,
    count: u64,
}

impl Rejects<'_> {
    fn take(&mut self, bad: &rapport::member::import::BadLine) -> std::io::Result<()> {
        self.count += 1;
        if self.count <= SHOWN {
            eprintln!("{}", render::clean(&bad.to_string()));
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(File::create(self.path)?)),
        };
        serde_json::to_writer(&mut *file, bad)?;
        file.write_all(b"\n")
    }

    fn finish(self) -> anyhow::Result<u64> {
        if let Some(mut file) = self.file {
            file.flush().with_context(|| format!("cannot write {}", self.path.display()))?;
            if self.count > SHOWN {
                eprintln!("… and {} more", self.count - SHOWN);
            }
            let lines = if self.count == 1 { "1 bad line is".into() } else { format!("{} bad lines are", self.count) };
            eprintln!("{lines} set aside in {}", self.path.display());
        }
        Ok(self.count)
    }
}
