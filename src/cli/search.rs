//! `rapport search`

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueEnum};
use rapport::config::Config;
use rapport::member::import::parse_profile;
use rapport::member::{Member, MemberId};
use rapport::search::{Filter, Known, SearchError, SearchRequest, Searcher};

use super::{Done, Usage, render};

/// The largest profile read from a file.
const LARGEST_PROFILE: u64 = 8 << 20;

#[derive(Debug, Args)]
pub struct Arguments {
    /// What is sought, in plain words
    #[arg(required_unless_present_any = ["member", "profile"], conflicts_with_all = ["member", "profile"])]
    text: Option<String>,
    /// A stored member seeks
    #[arg(long, value_name = "ID", conflicts_with = "profile")]
    member: Option<String>,
    /// Somebody who is not stored seeks: a member's fields as a JSON object, id and roles not needed; - for standard input
    #[arg(long, value_name = "FILE.json")]
    profile: Option<PathBuf>,
    /// Who may be found: role, country, region, city, within (50km or 50km@LAT,LON), language, time_zone_gap (hours),
    /// industry, profession, capacity (at least), paused, other_country, other_language, other_home_country (true). A place, language, industry or profession given again is an
    /// alternative, any other field given again replaces the one before; different fields must all hold
    #[arg(long, value_name = "FIELD=VALUE")]
    filter: Vec<String>,
    /// Whether people already known to the seeker may be found
    #[arg(long, value_enum, default_value_t = KnownPeople::Exclude)]
    known: KnownPeople,
    /// From people like the seeker, 0, to people they should know, 1: so much less counts what is shared because both move in
    /// one circle (friends, colleagues, groups, employers, schools, places)
    #[arg(long, value_name = "DIAL", default_value = "0")]
    outside_circle: f64,
    /// Those are sought who seek what the member offers and offer what the member seeks, whatever their role
    #[arg(long, conflicts_with_all = ["text", "profile"])]
    exchange: bool,
    /// How many hits
    #[arg(short, default_value = "10")]
    k: NonZeroUsize,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KnownPeople {
    Exclude,
    Include,
}

pub async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<Done> {
    let json = arguments.json;
    let request = request(arguments)?;
    let searcher = Searcher::open(config).await?;
    let begun = Instant::now();
    let answer = searcher.search(request).await?;
    let took = begun.elapsed();
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &answer)?;
        writeln!(out)?;
    } else {
        render::answer(&mut out, &answer)?;
    }
    let hits = if answer.hits.len() == 1 { "1 hit".into() } else { format!("{} hits", answer.hits.len()) };
    eprintln!("{hits} in {:.1} ms ({})", took.as_secs_f64() * 1e3, answer.state);
    Ok(Done::Fully)
}

fn request(arguments: Arguments) -> anyhow::Result<SearchRequest> {
    let mut filter = Filter::default();
    for text in &arguments.filter {
        filter.add(text).map_err(SearchError::from)?;
    }
    let member = arguments
        .member
        .map(MemberId::new)
        .transpose()
        .map_err(|error| Usage(format!("--member: {}", error.problem)))?;
    Ok(SearchRequest {
        text: arguments.text,
        member,
        profile: arguments.profile.as_deref().map(read_profile).transpose()?,
        filter,
        known: match arguments.known {
            KnownPeople::Exclude => Known::Exclude,
            KnownPeople::Include => Known::Include,
        },
        k: Some(arguments.k.get()),
        outside_circle: Some(arguments.outside_circle),
        exchange: arguments.exchange,
        ..SearchRequest::default()
    })
}

fn read_profile(path: &Path) -> anyhow::Result<Member> {
    let mut json = String::new();
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?)
    };
    input.take(LARGEST_PROFILE).read_to_string(&mut json).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(parse_profile(&json).map_err(|error| Usage(format!("{}: {error}", path.display())))?)
}
