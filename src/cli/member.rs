//! `rapport upsert`, `remove`, `forget` and `export`: one member or a few, now.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use rapport::community::{Export, Receipt, traces};
use rapport::config::Config;
use rapport::control::Request;
use rapport::member::import::{Line, Strictness, read_members};
use rapport::member::{Member, MemberId};
use rapport::store::Upserted;

use super::writer::Writer;
use super::{Done, Usage};

/// Members written at once: all of them or none.
const MOST: usize = 2_000;

#[derive(Debug, Args)]
pub struct UpsertArguments {
    /// Members as JSONL or CSV; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct RemoveArguments {
    /// Their ids
    #[arg(required = true, value_name = "ID", value_parser = id)]
    ids: Vec<MemberId>,
}

#[derive(Debug, Args)]
pub struct ForgetArguments {
    /// The member's id
    #[arg(value_name = "ID", value_parser = id)]
    id: MemberId,
    /// Forget nobody: search every file of the index folder for traces of the id
    #[arg(long)]
    verify: bool,
    /// The receipt, or the traces, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The member's id
    #[arg(value_name = "ID", value_parser = id)]
    id: MemberId,
}

fn id(text: &str) -> Result<MemberId, String> {
    MemberId::new(text).map_err(|error| error.problem)
}

pub async fn upsert(config: &Config, UpsertArguments { file }: UpsertArguments) -> anyhow::Result<Done> {
    let read = tokio::task::spawn_blocking(move || read(&file)).await?;
    let members = read?;
    let mut writer = Writer::open(config).await?;
    let Upserted { added, changed, unchanged } = writer.ask(Request::Upsert { members }, |_| {}).await?;
    writeln!(anstream::stdout(), "{added} added, {changed} changed, {unchanged} unchanged")?;
    Ok(Done::Fully)
}

/// The members of a file; none of them where one is not valid, or where there are too many.
fn read(file: &std::path::Path) -> anyhow::Result<Vec<Member>> {
    let mut members = Vec::new();
    read_members::<anyhow::Error>(file, Strictness { lenient: false }, &mut |line| {
        match line {
            Line::Bad(line) => {
                return Err(Usage(format!("{}; nothing was written", super::render::clean(&line.to_string()))).into());
            }
            Line::Member { .. } if members.len() == MOST => {
                let problem = format!("more than {MOST} members; so many are written by `rapport import`");
                return Err(Usage(problem).into());
            }
            Line::Member { member, .. } => members.push(*member),
        }
        Ok(())
    })?;
    Ok(members)
}

pub async fn remove(config: &Config, RemoveArguments { ids }: RemoveArguments) -> anyhow::Result<Done> {
    let mut writer = Writer::open(config).await?;
    let removed: Vec<MemberId> = writer.ask(Request::Remove { members: ids.clone() }, |_| {}).await?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "{} removed", removed.len())?;
    let unknown: Vec<&str> = ids.iter().filter(|id| !removed.contains(id)).map(MemberId::as_str).collect();
    if unknown.is_empty() {
        return Ok(Done::Fully);
    }
    Err(Usage(format!("nobody is stored as {}", super::render::clean(&unknown.join(", ")))).into())
}

pub async fn forget(config: &Config, arguments: ForgetArguments) -> anyhow::Result<Done> {
    let ForgetArguments { id, verify, json } = arguments;
    if verify {
        return search_traces(config, &id, json).await;
    }
    let mut writer = Writer::open(config).await?;
    let receipt: Receipt = writer.ask(Request::Forget { member: id }, |_| {}).await?;
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &receipt)?;
        writeln!(out)?;
        return Ok(Done::Fully);
    }
    let Receipt {
        member,
        at,
        was_stored,
        unlisted_by,
        introductions,
        searches,
        vectors,
        rejects,
        deleted_generations,
        successor,
    } = receipt;
    writeln!(out, "{member} was forgotten at {at}.")?;
    writeln!(
        out,
        "  record        {}",
        if was_stored { "erased from the database and its log" } else { "none was stored" }
    )?;
    writeln!(out, "  lists         taken out of those of {}", unlisted_by.len())?;
    writeln!(out, "  introductions {introductions} deleted")?;
    writeln!(out, "  searches      {searches} of theirs deleted")?;
    writeln!(out, "  vectors       {vectors} of texts that nobody else has, erased")?;
    for (file, lines) in rejects {
        writeln!(out, "  set aside     taken out of {file}: {lines}")?;
    }
    writeln!(
        out,
        "  generations   {} deleted",
        if deleted_generations.is_empty() { "none".into() } else { deleted_generations.join(", ") }
    )?;
    if let Some(successor) = successor {
        writeln!(out, "                {successor} was built without them and is current")?;
    }
    Ok(Done::Fully)
}

async fn search_traces(config: &Config, id: &MemberId, json: bool) -> anyhow::Result<Done> {
    let traces = traces(config, id).await?;
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &traces)?;
        writeln!(out)?;
    } else if traces.is_empty() {
        writeln!(out, "no trace of {id} in {}", config.index.display())?;
    } else {
        for trace in &traces {
            writeln!(out, "{}: {}", trace.file.display(), trace.found)?;
        }
    }
    let count = traces.len();
    let places = if count == 1 { "1 place".to_owned() } else { format!("{count} places") };
    anyhow::ensure!(count == 0, "{id} was found in {places}; `rapport forget {id}` erases what is there");
    Ok(Done::Fully)
}

pub async fn export(config: &Config, ExportArguments { id }: ExportArguments) -> anyhow::Result<Done> {
    let mut writer = Writer::open(config).await?;
    let export: Export = writer.ask(Request::Export { member: id }, |_| {}).await?;
    let mut out = anstream::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &export)?;
    writeln!(out)?;
    Ok(Done::Fully)
}
