//! `rapport import FEED...`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use rapport::config::Config;
use rapport::control::Request;
use rapport::member::import::Strictness;
use rapport::member::{Member, MemberId};
use rapport::store::full::{NotRemoved, Present};
use rapport::store::import::{Feed, ImportEvent, ImportFailed, RowsOf, import as import_feed};
use rapport::store::{ImportLock, ServerUrl, Store, Upserted, WriteLock};
use tokio::runtime::Handle;

use super::writer::{Writer, server_of};
use super::{Done, Usage, render};

/// Bad lines shown; the others are only counted and written to the rejects file.
const SHOWN: u64 = 20;

#[derive(Debug, Args)]
pub struct Arguments {
    /// JSONL or CSV, plain or compressed by gzip or Zstandard; a folder of such files; - for standard input; or the URL
    /// of a PostgreSQL database, with --query or --table
    #[arg(required = true, value_name = "FEED")]
    feeds: Vec<String>,
    /// Take the rows of this SELECT; its columns are named as a member's fields
    #[arg(long, value_name = "SQL", conflicts_with = "table")]
    query: Option<String>,
    /// Take the rows of this table or view
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// The feeds hold everyone: remove who is no longer there
    #[arg(long)]
    full: bool,
    /// Remove however many; else at most 10 % of the members
    #[arg(long, requires = "full")]
    yes: bool,
    /// Let unknown fields pass, with a warning
    #[arg(long)]
    lenient: bool,
    /// Where bad lines are set aside [default: rejects-TIME.jsonl in the index folder]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

pub async fn run(config: Config, arguments: Arguments) -> anyhow::Result<Done> {
    let feeds = feeds(&arguments)?;
    let (store, writer) = Into::open(&config).await?;
    let present = if arguments.full { Some(Present::begin(&store).await?) } else { None };
    let runtime = Handle::current();
    // Reading and parsing block: not on the runtime's own threads.
    let import = move || {
        let mut writer = writer;
        let done = import(&config, &arguments, &feeds, &store, &mut writer, present, &runtime);
        runtime.block_on(writer.close());
        done
    };
    tokio::task::spawn_blocking(import).await?
}

/// Who writes what is read.
enum Into {
    /// This process, which embeds nothing: the next search or rebuild does.
    Store(WriteLock, ImportLock),
    /// The server that has the folder; its searches find it at once.
    Server(Writer),
}

impl Into {
    async fn open(config: &Config) -> anyhow::Result<(Store, Into)> {
        if let Some(server) = server_of(config).await {
            return Ok((Store::open(&config.database()).await?, Into::Server(server)));
        }
        let lock = WriteLock::take(&config.index)?;
        let store = Store::create(&config.database()).await?;
        let locked = store.lock().await?;
        Ok((store, Into::Store(lock, locked)))
    }

    fn upsert(&mut self, store: &Store, runtime: &Handle, members: &[Member]) -> Result<Upserted, ImportFailed> {
        match self {
            Into::Store(..) => Ok(runtime.block_on(store.upsert(members))?),
            Into::Server(server) => {
                let request = Request::Upsert { members: members.to_vec() };
                runtime.block_on(server.ask(request, |_| {})).map_err(|error| ImportFailed::Writer(error.into()))
            }
        }
    }

    fn remove(&mut self, store: &Store, runtime: &Handle, members: Vec<MemberId>) -> anyhow::Result<Vec<MemberId>> {
        match self {
            Into::Store(..) => Ok(runtime.block_on(store.remove(&members))?),
            Into::Server(server) => runtime.block_on(server.ask(Request::Remove { members }, |_| {})),
        }
    }

    async fn close(self) {
        if let Into::Store(_lock, locked) = self {
            locked.release().await;
        }
    }
}

/// What the arguments name; of a folder its files, in the order of their names. One that cannot be listed is left to be
/// reported when it cannot be read.
fn feeds(arguments: &Arguments) -> Result<Vec<Feed>, Usage> {
    let mut feeds = Vec::new();
    let mut servers = false;
    for named in &arguments.feeds {
        if !ServerUrl::is_meant(named) {
            feeds.extend(files(Path::new(named)).into_iter().map(Feed::File));
            continue;
        }
        servers = true;
        let url: ServerUrl = named.parse().map_err(|error| Usage(format!("a feed {error}")))?;
        feeds.push(Feed::Rows(match (&arguments.query, &arguments.table) {
            (Some(query), _) => RowsOf::query(url, query),
            (_, Some(table)) => RowsOf::table(url, table),
            (None, None) => return Err(Usage(format!("{url}: which rows? expected --query or --table"))),
        }));
    }
    if !servers && (arguments.query.is_some() || arguments.table.is_some()) {
        return Err(Usage("--query and --table are for a feed that is a PostgreSQL database; none is named".into()));
    }
    Ok(feeds)
}

fn files(named: &Path) -> Vec<PathBuf> {
    let is_feed = |path: &PathBuf| {
        let name = path.to_string_lossy().to_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        name.ends_with(".jsonl") || name.ends_with(".csv")
    };
    let listed = std::fs::read_dir(named).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    // By name alone: what is called so and cannot be read must fail, or a full feed would go without it.
    let mut files: Vec<PathBuf> =
        listed.unwrap_or_default().iter().map(std::fs::DirEntry::path).filter(is_feed).collect();
    files.sort();
    if files.is_empty() { vec![named.to_owned()] } else { files }
}

fn import(
    config: &Config,
    arguments: &Arguments,
    feeds: &[Feed],
    store: &Store,
    writer: &mut Into,
    mut present: Option<Present>,
    runtime: &Handle,
) -> anyhow::Result<Done> {
    let strictness = Strictness { lenient: arguments.lenient };
    let path = arguments.rejects.clone().unwrap_or_else(|| {
        config.index.join(format!("rejects-{}.jsonl", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ")))
    });
    let is_rejects = |feed: &Feed| match (feed, path.canonicalize()) {
        (Feed::File(file), Ok(path)) => file.canonicalize().is_ok_and(|file| file == path),
        _ => false,
    };
    if feeds.iter().any(is_rejects) {
        return Err(Usage(format!("--rejects {} is one of the files to import", path.display())).into());
    }
    let mut rejects = Rejects { path: &path, file: None, count: 0 };
    let mut warned = 0;
    let mut sum = Upserted::default();
    let mut failed = Vec::new();
    for feed in feeds {
        let told = |event| match event {
            ImportEvent::Bad(bad) => rejects.take(&bad),
            ImportEvent::Unknown { line, fields } => {
                warned += 1;
                if warned <= SHOWN {
                    let fields = render::clean(&fields.join(", "));
                    eprintln!("warning: {feed}:{line}: unknown fields let pass: {fields}");
                }
                Ok(())
            }
            ImportEvent::Written(_) => Ok(()),
        };
        let upsert = |members: &[Member]| writer.upsert(store, runtime, members);
        let (done, read) = import_feed(runtime, feed, strictness, present.as_mut(), told, upsert);
        sum += done;
        if let Err(error) = read {
            eprintln!("rapport: {error}");
            failed.push(feed.to_string());
        }
    }
    if warned > SHOWN {
        eprintln!("warning: {} more lines with unknown fields", warned - SHOWN);
    }
    let rejected = rejects.finish()?;
    let absent = match &present {
        Some(present) => runtime.block_on(store.absent(present, arguments.yes)).map(Some),
        None => Ok(None),
    };
    let removed = match absent {
        Ok(Some(absent)) => Ok(Some(writer.remove(store, runtime, absent)?)),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    let mut out = anstream::stdout().lock();
    let Upserted { added, changed, unchanged } = sum;
    write!(out, "{added} added, {changed} changed, {unchanged} unchanged, {rejected} set aside")?;
    match &removed {
        Ok(Some(removed)) => writeln!(out, ", {} removed", removed.len())?,
        _ => writeln!(out)?,
    }
    if let Err(error @ NotRemoved::Unread) = &removed {
        eprintln!("rapport: {error}");
    }
    anyhow::ensure!(failed.is_empty(), "not all could be read: {}; what was read is kept", failed.join(", "));
    removed?;
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
