//! `rapport key`: API keys of the HTTP service.

use std::io::Write;

use clap::Subcommand;
use rapport::community::NewKey;
use rapport::config::Config;
use rapport::control::Request;
use rapport::store::{ApiKey, Scope};

use super::writer::Writer;
use super::{Done, Usage};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key, and print it: it is not shown again
    Create {
        /// Whose it is, or what for
        #[arg(long)]
        name: String,
        /// What its holder may do: search, write (members, erasure, whole records), admin (running the service and the programme)
        #[arg(long, value_delimiter = ',', default_value = "search")]
        scope: Vec<String>,
    },
    /// List the keys, revoked ones too
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key: the next request with it is refused
    Revoke {
        /// Its id, as `list` shows it
        id: String,
    },
}

pub async fn run(config: &Config, command: Command) -> anyhow::Result<Done> {
    let mut writer = Writer::open(config).await?;
    let mut out = anstream::stdout().lock();
    match command {
        Command::Create { name, scope } => {
            let named = |name: &String| {
                Scope::named(name).ok_or_else(|| Usage(format!("--scope {name:?} is none of search, write and admin")))
            };
            let scopes = scope.iter().map(named).collect::<Result<_, _>>()?;
            let NewKey { key, secret } = writer.ask(Request::CreateKey { name, scopes }, |_| {}).await?;
            writeln!(out, "{secret}")?;
            eprintln!("{} for {}; keep it, it is not shown again", key.id, key.name);
        }
        Command::List { json } => {
            let keys: Vec<ApiKey> = writer.ask(Request::Keys, |_| {}).await?;
            if json {
                serde_json::to_writer_pretty(&mut out, &keys)?;
                writeln!(out)?;
                return Ok(Done::Fully);
            }
            for key in keys {
                let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
                let standing = key.revoked.map_or_else(String::new, |at| format!("  revoked {at}"));
                writeln!(out, "{}  {:<18}  {}  {}{standing}", key.id, scopes.join(","), key.created, key.name)?;
            }
        }
        Command::Revoke { id } => {
            let key: ApiKey = writer.ask(Request::RevokeKey { key: id }, |_| {}).await?;
            writeln!(out, "{} of {} is revoked", key.id, key.name)?;
        }
    }
    Ok(Done::Fully)
}
