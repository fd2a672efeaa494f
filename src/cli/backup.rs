//! `rapport backup` and `rapport restore`

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use indicatif::{HumanBytes, HumanCount};
use rapport::community::{BackedUp, Restored, restore as put_back};
use rapport::config::Config;
use rapport::control::Request;

use super::Done;
use super::writer::Writer;

#[derive(Debug, Args)]
pub struct BackupArguments {
    /// A new file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// A file that `rapport backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Also keep out whom this list of erasures names: a copy of a lost folder's forgotten.jsonl
    #[arg(long, value_name = "FILE")]
    forgotten: Option<PathBuf>,
}

pub async fn backup(config: &Config, BackupArguments { file }: BackupArguments) -> anyhow::Result<Done> {
    // A server has a working folder of its own.
    let file = std::path::absolute(&file).with_context(|| format!("{} is no path", file.display()))?;
    let mut writer = Writer::open(config).await?;
    let BackedUp { members, change, bytes } = writer.ask(Request::Backup { file: file.clone() }, |_| {}).await?;
    let members = HumanCount(members);
    writeln!(
        anstream::stdout(),
        "{members} members as of change {change} in {}, {}",
        file.display(),
        HumanBytes(bytes)
    )?;
    Ok(Done::Fully)
}

pub async fn restore(config: &Config, arguments: RestoreArguments) -> anyhow::Result<Done> {
    let RestoreArguments { file, forgotten } = arguments;
    let Restored { members, kept_out, ledger } = put_back(config, &file, forgotten.as_deref()).await?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "{} members are restored. Run `rapport rebuild`: there is no index until then", HumanCount(members))?;
    if kept_out > 0 {
        writeln!(out, "{kept_out} of the backup were forgotten since ({}) and are not brought back", ledger.display())?;
    }
    Ok(Done::Fully)
}
