//! The command line: parse, trace, dispatch, exit code.

mod backup;
mod cohort;
mod demo;
mod evaluate;
mod events;
mod exit;
mod generations;
mod import;
mod judge;
mod key;
mod member;
mod model;
mod progress;
mod rebuild;
mod render;
mod replay;
mod rollback;
mod sample;
mod schedule;
mod search;
mod serve;
mod shell;
mod status;
mod tune;
mod waitlist;
mod writer;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use rapport::config::Config;
use tracing_subscriber::EnvFilter;

/// Finds people the mentors they should know, and says why.
///
/// Exit codes: 0 done; 1 it failed; 2 the command, the configuration, a query or judgements were wrong; 3 done, but lines were set aside;
/// 4 a gate of a rebuild did not hold, and nothing was published; 5 another process holds the index folder.
#[derive(Debug, Parser)]
#[command(name = "rapport", version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
struct Options {
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
    /// Any other option of the configuration file, such as server.queue=64; may be repeated. So may variables of the environment
    /// named after it: RAPPORT__SERVER__QUEUE=64. Variables go before the file, and flags before variables
    #[arg(long = "set", global = true, value_name = "OPTION=VALUE", value_parser = stated)]
    set: Vec<(String, String)>,
    /// How the log on standard error is written; RAPPORT_LOG says how much of it: error, warn, info, debug
    #[arg(long, global = true, value_enum, env = "RAPPORT_LOG_FORMAT", default_value_t)]
    log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}

/// An option that is stated on the command line.
fn stated(text: &str) -> Result<(String, String), &'static str> {
    let (option, value) = text.split_once('=').ok_or("expected OPTION=VALUE, such as server.queue=64")?;
    Ok((option.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch, list and verify models
    #[command(subcommand)]
    Model(model::Command),
    /// Take members from files or a PostgreSQL database into the database
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
    /// Answer HTTP requests and the other commands, and rebuild by the clock (rebuild.schedule)
    Serve(serve::Arguments),
    /// Make, list and revoke API keys of the HTTP service
    #[command(subcommand)]
    Key(key::Command),
    Rebuild(rebuild::Arguments),
    /// List the generations that are kept, and those that were not published
    Generations(generations::Arguments),
    /// Make an older generation that is still kept the current one
    Rollback(rollback::Arguments),
    /// Find mentors, with what they have in common with who seeks
    Search(search::Arguments),
    /// Give an answer of the past again, or say what of it is gone; and why somebody was found then, or why not
    Replay(replay::Arguments),
    /// Assign a whole intake at once: every mentee a mentor, as well as can be
    Match(cohort::Arguments),
    /// Measure matches against judgements, and compare them with an earlier run or generation
    Evaluate(evaluate::Arguments),
    /// Write what happened in the mentoring programme, in order, to standard output
    Events(events::Arguments),
    /// Write who waits for a good mentor, who waits longest first
    Waitlist(waitlist::Arguments),
    /// Make judgements: grade whom several configurations show, or take the outcomes of introductions
    Judge(judge::Arguments),
    /// Write a believable invented community as JSONL
    Sample(sample::Arguments),
    /// See it work: model, 2,000 invented members, index, three searches with their reasons, and the page
    Demo(demo::Arguments),
    /// Learn the weights from judgements, and say whether they hold for queries and members never seen
    Tune(tune::Arguments),
    /// Write the completions of a shell to standard output
    Completions(shell::CompletionsArguments),
    /// Write man pages
    Man(shell::ManArguments),
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
    // One line a request, unless asked otherwise.
    let usual = || EnvFilter::new("warn,rapport::server=info");
    let filter = EnvFilter::try_from_env("RAPPORT_LOG").unwrap_or_else(|_| usual());
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match arguments.options.log_format {
        LogFormat::Pretty => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
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
    let Arguments { options, command } = arguments;
    let config = options.configured()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    match command {
        Command::Model(command) => model::run(&config, command),
        Command::Import(arguments) => runtime.block_on(import::run(config, arguments)),
        Command::Upsert(arguments) => runtime.block_on(member::upsert(&config, arguments)),
        Command::Remove(arguments) => runtime.block_on(member::remove(&config, arguments)),
        Command::Forget(arguments) => runtime.block_on(member::forget(&config, arguments)),
        Command::Export(arguments) => runtime.block_on(member::export(&config, arguments)),
        Command::Backup(arguments) => runtime.block_on(backup::backup(&config, arguments)),
        Command::Restore(arguments) => runtime.block_on(backup::restore(&config, arguments)),
        Command::Serve(arguments) => {
            let read_config = move || arguments.over(options.configured()?);
            runtime.block_on(serve::run(&read_config()?, Box::new(move || Ok(read_config()?))))
        }
        Command::Key(command) => runtime.block_on(key::run(&config, command)),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::man(&arguments),
        Command::Rebuild(arguments) => runtime.block_on(rebuild::run(config, arguments)),
        Command::Generations(arguments) => generations::run(&config, &arguments),
        Command::Rollback(arguments) => runtime.block_on(rollback::run(&config, arguments)),
        Command::Search(arguments) => runtime.block_on(search::run(&config, arguments)),
        Command::Replay(arguments) => runtime.block_on(replay::run(&config, arguments)),
        Command::Match(arguments) => runtime.block_on(cohort::run(&config, arguments)),
        Command::Evaluate(arguments) => runtime.block_on(evaluate::run(&config, &arguments)),
        Command::Events(arguments) => runtime.block_on(events::run(&config, arguments)),
        Command::Waitlist(arguments) => runtime.block_on(waitlist::run(&config, &arguments)),
        Command::Judge(arguments) => runtime.block_on(judge::run(&config, &arguments)),
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Demo(arguments) => runtime.block_on(demo::run(config, &arguments)),
        Command::Tune(arguments) => runtime.block_on(tune::run(&config, &arguments)),
        Command::Status(arguments) => runtime.block_on(status::run(&config, &arguments)),
    }
}

impl Options {
    /// The configuration file, with the environment and the flags over it.
    fn configured(&self) -> anyhow::Result<Config> {
        let usual = PathBuf::from("rapport.toml");
        let file = self.config.clone().or_else(|| usual.exists().then_some(usual));
        let mut stated = from_environment();
        stated.extend(self.set.iter().cloned());
        let mut config = Config::layered(file.as_deref(), &stated)?;
        config.index = self.index.clone().unwrap_or(config.index);
        config.models = self.models.clone().unwrap_or(config.models);
        if let Some(url) = &self.store {
            // Parsed here, not by clap, which would repeat a wrong one with its password.
            let parsed = || url.parse().map_err(|error| Usage(format!("--store {error}")));
            config.store.url = if url.is_empty() { None } else { Some(parsed()?) };
        }
        Ok(config)
    }
}

/// Options that the environment states: RAPPORT__SERVER__QUEUE is server.queue.
fn from_environment() -> Vec<(String, String)> {
    let option = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let option = name.to_str()?.strip_prefix("RAPPORT__")?.to_ascii_lowercase().replace("__", ".");
        Some((option, value.into_string().ok()?))
    };
    let mut stated: Vec<(String, String)> = std::env::vars_os().filter_map(option).collect();
    stated.sort();
    stated
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
