//! The command line: parse, trace, dispatch, exit code.

mod backup;
mod demo;
mod evaluate;
mod exit;
mod generations;
mod import;
mod judge;
mod member;
mod model;
mod progress;
mod rebuild;
mod render;
mod rollback;
mod sample;
mod schedule;
mod search;
mod serve;
mod status;
mod tune;
mod writer;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use rapport::config::Config;
use tracing_subscriber::EnvFilter;

/// Finds people the mentors they should know, and says why.
///
/// Exit codes: 0 done; 1 it failed; 2 the command or the query was wrong; 3 done, but lines were set aside;
/// 4 a gate of a rebuild did not hold, and nothing was published; 5 another process holds the index folder.
#[derive(Debug, Parser)]
#[command(name = "rapport", version, arg_required_else_help = true)]
pub struct Arguments {
    /// The configuration file [default: rapport.toml where there is one]
    #[arg(long, global = true, value_name = "FILE", env = "RAPPORT_CONFIG")]
    config: Option<PathBuf>,
    /// Where generations and the members' database live [default: index]
    #[arg(long, global = true, value_name = "DIR", env = "RAPPORT_INDEX")]
    index: Option<PathBuf>,
    /// Where model files live [default: models]
    #[arg(long, global = true, value_name = "DIR", env = "RAPPORT_MODELS")]
    models: Option<PathBuf>,
    /// A PostgreSQL database for the members, postgres://user@host/database; empty: SQLite in the index folder [default:
    /// as the configuration says, else empty]
    #[arg(long, global = true, value_name = "URL", env = "RAPPORT_STORE", hide_env_values = true)]
    store: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch, list and verify models
    #[command(subcommand)]
    Model(model::Command),
    /// Take members from files into the database
    Import(import::Arguments),
    /// Write a few members, all or none: they are found by the next search
    Upsert(member::UpsertArguments),
    /// Remove members: no search finds them any more
    Remove(member::RemoveArguments),
    /// Erase a member from every file, and give a receipt
    Forget(member::ForgetArguments),
    /// Give a member all that is held on them, as JSON
    Export(member::ExportArguments),
    /// Copy the members' database into a file, while everything goes on
    Backup(backup::BackupArguments),
    /// Put a backup in the place of the members' database
    Restore(backup::RestoreArguments),
    /// Hold the folder for the other commands, and rebuild by the clock (rebuild.schedule)
    Serve(serve::Arguments),
    Rebuild(rebuild::Arguments),
    /// List the generations that are kept, and those that were not published
    Generations(generations::Arguments),
    /// Make an older generation that is still kept the current one
    Rollback(rollback::Arguments),
    /// Find mentors, with what they have in common with who seeks
    Search(search::Arguments),
    /// Measure matches against judgements, and compare them with an earlier run or generation
    Evaluate(evaluate::Arguments),
    /// Make judgements: grade whom several configurations show, or take the outcomes of introductions
    Judge(judge::Arguments),
    /// Write a believable invented community as JSONL
    Sample(sample::Arguments),
    /// See it work: model, 2,000 invented members, index, three searches with their reasons
    Demo(demo::Arguments),
    /// Learn the weights from judgements, and say whether they hold for queries and members never seen
    Tune(tune::Arguments),
    /// Say what is indexed, with which model, when, how big and how healthy
    Status(status::Arguments),
}

/// How a command ended well.
pub enum Done {
    /// As asked.
    Fully,
    /// Lines were set aside.
    WithRejects,
}

/// Runs a command and gives the exit code for it.
pub fn run(arguments: Arguments) -> ExitCode {
    let filter = EnvFilter::try_from_env("RAPPORT_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    match dispatch(arguments) {
        Ok(Done::Fully) => ExitCode::SUCCESS,
        Ok(Done::WithRejects) => ExitCode::from(3),
        // Whoever reads our output has seen enough, as in `rapport search … | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rapport: {}", told_once(&error));
            exit::code(&error)
        }
    }
}

/// The command was wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

fn dispatch(arguments: Arguments) -> anyhow::Result<Done> {
    let config = configured(&arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    match arguments.command {
        Command::Model(command) => model::run(&config, command),
        Command::Import(arguments) => runtime.block_on(import::run(config, arguments)),
        Command::Upsert(arguments) => runtime.block_on(member::upsert(&config, arguments)),
        Command::Remove(arguments) => runtime.block_on(member::remove(&config, arguments)),
        Command::Forget(arguments) => runtime.block_on(member::forget(&config, arguments)),
        Command::Export(arguments) => runtime.block_on(member::export(&config, arguments)),
        Command::Backup(arguments) => runtime.block_on(backup::backup(&config, arguments)),
        Command::Restore(arguments) => runtime.block_on(backup::restore(&config, arguments)),
        Command::Serve(arguments) => runtime.block_on(serve::run(&config, arguments)),
        Command::Rebuild(arguments) => runtime.block_on(rebuild::run(config, arguments)),
        Command::Generations(arguments) => generations::run(&config, &arguments),
        Command::Rollback(arguments) => runtime.block_on(rollback::run(&config, arguments)),
        Command::Search(arguments) => runtime.block_on(search::run(&config, arguments)),
        Command::Evaluate(arguments) => runtime.block_on(evaluate::run(&config, &arguments)),
        Command::Judge(arguments) => runtime.block_on(judge::run(&config, &arguments)),
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Demo(arguments) => runtime.block_on(demo::run(config, &arguments)),
        Command::Tune(arguments) => runtime.block_on(tune::run(&config, &arguments)),
        Command::Status(arguments) => runtime.block_on(status::run(&config, &arguments)),
    }
}

/// The configuration file, with the flags over it.
fn configured(arguments: &Arguments) -> anyhow::Result<Config> {
    let usual = PathBuf::from("rapport.toml");
    let file = arguments.config.clone().or_else(|| usual.exists().then_some(usual));
    let mut config = file.map_or_else(|| Ok(Config::default()), |file| Config::read(&file))?;
    config.index = arguments.index.clone().unwrap_or(config.index);
    config.models = arguments.models.clone().unwrap_or(config.models);
    if let Some(url) = &arguments.store {
        // Parsed here, not by clap, which would repeat a wrong one with its password.
        let parsed = || url.parse().map_err(|error| Usage(format!("--store {error}")));
        config.store.url = if url.is_empty() { None } else { Some(parsed()?) };
    }
    Ok(config)
}

/// An error and its causes; a cause that the words before it hold already is left out.
fn told_once(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        before if before.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(broken)
            || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind)
                == Some(io::ErrorKind::BrokenPipe)
    })
}
