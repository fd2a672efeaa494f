//! The `rapport` command.

mod cli;

use std::process::ExitCode;

use clap::Parser;

/// A service that answers many at once gets and gives back small pieces of memory all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(cli::Arguments::parse())
}
