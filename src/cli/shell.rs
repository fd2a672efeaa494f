//! `rapport completions` and `rapport man`: what packages install beside the program.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments as Program, Done};

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// Whose
    shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManArguments {
    /// The folder to write them into; made where it is missing
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub fn completions(arguments: &CompletionsArguments) -> anyhow::Result<Done> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Program::command(), "rapport", &mut script);
    std::io::Write::write_all(&mut anstream::stdout().lock(), &script)?;
    Ok(Done::Fully)
}

pub fn man(arguments: &ManArguments) -> anyhow::Result<Done> {
    let dir = &arguments.dir;
    let wrote = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Program::command(), dir));
    wrote.with_context(|| format!("cannot write into {}", dir.display()))?;
    Ok(Done::Fully)
}
