//! `rapport sample`

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use rapport::sample::Community;

use super::Done;

#[derive(Debug, Args)]
pub struct Arguments {
    /// How many members
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    members: u32,
    /// Another seed, another community; the same seed, the same bytes
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,
    /// Where to write; - for standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Done> {
    let community = Community::new(arguments.members, arguments.seed);
    if arguments.out.as_os_str() == "-" {
        community.write(&mut BufWriter::with_capacity(1 << 20, std::io::stdout().lock()))?;
        return Ok(Done::Fully);
    }
    let path = arguments.out.display();
    let file = File::create(&arguments.out).with_context(|| format!("cannot write {path}"))?;
    community.write(&mut BufWriter::with_capacity(1 << 20, file)).with_context(|| format!("cannot write {path}"))?;
    eprintln!("{} invented members in {path}", arguments.members);
    Ok(Done::Fully)
}
