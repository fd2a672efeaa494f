//! `rapport match`

mod listed;
mod table;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use rapport::config::Config;
use rapport::member::MemberId;
use rapport::programme::cohort::{CohortRequest, LockedPair, Objective, Rules, assign};
use rapport::search::Searcher;

use super::Done;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The mentees, who must be stored: an id a line, or members as JSONL or CSV, whose ids are taken [default: every mentee]
    #[arg(long, value_name = "FILE")]
    mentees: Option<PathBuf>,
    /// The mentors, in the same way [default: every mentor]
    #[arg(long, value_name = "FILE")]
    mentors: Option<PathBuf>,
    /// What the best assignment is
    #[arg(long, value_enum, default_value_t)]
    objective: Aim,
    /// Two are to offer what the other seeks: each pair goes by both ways, and no role is asked of anyone who is listed
    #[arg(long)]
    exchange: bool,
    /// No pair has a lower match than this; in an exchange no lower score
    #[arg(long, value_name = "MATCH", default_value_t = 0.0)]
    minimum: f64,
    /// How many mentees a mentor takes whose record does not say [default: programme.capacity of the configuration, 3]
    #[arg(long, value_name = "N")]
    capacity: Option<u32>,
    /// A pair that is settled, whatever minimum and rules say; may be repeated
    #[arg(long, value_name = "MENTEE=MENTOR", value_parser = locked)]
    lock: Vec<LockedPair>,
    /// Nobody gets a mentor who has worked for the same employer
    #[arg(long)]
    not_same_employer: bool,
    /// Everybody gets a mentor with a language in common
    #[arg(long)]
    language_in_common: bool,
    /// At most so many hours lie between the clocks of a pair
    #[arg(long, value_name = "HOURS")]
    time_zone_gap: Option<f32>,
    /// How many of the best mentors a mentee is compared with [default: 50]
    #[arg(long, value_name = "N")]
    candidates: Option<usize>,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Aim {
    /// The greatest sum of matches, even if somebody gets nobody for it
    BestTotal,
    /// The most pairs; of those, the greatest sum
    #[default]
    MostMatched,
    /// The most pairs; of those, the best worst match; of those, the greatest sum
    Fairest,
}

fn locked(text: &str) -> Result<LockedPair, String> {
    let (mentee, mentor) = text.split_once('=').ok_or("expected MENTEE=MENTOR, two ids")?;
    let id = |text: &str| MemberId::new(text.trim()).map_err(|error| error.to_string());
    Ok(LockedPair { mentee: id(mentee)?, mentor: id(mentor)? })
}

pub async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<Done> {
    let Arguments { objective, minimum, capacity, lock, candidates, json, .. } = arguments;
    let listed = |file: &Option<PathBuf>| file.as_deref().map(listed::ids).transpose();
    let request = CohortRequest {
        mentees: listed(&arguments.mentees)?,
        mentors: listed(&arguments.mentors)?,
        objective: match objective {
            Aim::BestTotal => Objective::BestTotal,
            Aim::MostMatched => Objective::MostMatched,
            Aim::Fairest => Objective::Fairest,
        },
        exchange: arguments.exchange,
        minimum,
        capacity,
        rules: Rules {
            not_same_employer: arguments.not_same_employer,
            language_in_common: arguments.language_in_common,
            time_zone_gap: arguments.time_zone_gap,
        },
        locked: lock,
        candidates,
    };
    let searcher = Searcher::open(config).await?;
    let begun = Instant::now();
    let cohort = assign(&searcher, request, std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)).await?;
    let took = begun.elapsed();
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &cohort)?;
        writeln!(out)?;
    } else {
        table::write(&mut out, &cohort)?;
    }
    let totals = &cohort.totals;
    eprintln!("{} of {} matched in {:.1} s ({})", totals.matched, totals.mentees, took.as_secs_f64(), cohort.state);
    Ok(Done::Fully)
}
