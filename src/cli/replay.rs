//! `rapport replay`

use std::io::Write;

use clap::Args;
use rapport::community::{LoggedSearch, Replay, Sameness};
use rapport::config::Config;
use rapport::control::Request;
use rapport::member::MemberId;
use rapport::search::Why;

use super::Done;
use super::render::{self, clean};
use super::writer::Writer;

#[derive(Debug, Args)]
pub struct Arguments {
    /// What the search is called by, as the answer's header rapport-search has it; without one, the newest searches are listed
    #[arg(value_name = "ID")]
    search: Option<String>,
    /// Also say why this mentor was found then, or why not
    #[arg(long, value_name = "MENTOR", value_parser = id, requires = "search")]
    why: Option<MemberId>,
    /// List the searches of this member only
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with = "search")]
    member: Option<MemberId>,
    /// How many searches are listed
    #[arg(short, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000), conflicts_with = "search")]
    n: u32,
    /// As JSON, as HTTP gives it
    #[arg(long)]
    json: bool,
}

fn id(text: &str) -> Result<MemberId, String> {
    MemberId::new(text).map_err(|error| error.problem)
}

pub async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<Done> {
    let Arguments { search, why, member, n, json } = arguments;
    let mut writer = Writer::open(config).await?;
    let mut out = anstream::stdout().lock();
    let Some(search) = search else {
        let searches: Vec<LoggedSearch> = writer.ask(Request::Searches { member, limit: n }, |_| {}).await?;
        if json {
            serde_json::to_writer(&mut out, &searches)?;
            writeln!(out)?;
        } else {
            for search in &searches {
                write_search(&mut out, search)?;
            }
        }
        return Ok(Done::Fully);
    };
    let replay: Replay = writer.ask(Request::Replay { search, why: why.clone() }, |_| {}).await?;
    if json {
        serde_json::to_writer(&mut out, &replay)?;
        writeln!(out)?;
        return Ok(Done::Fully);
    }
    write_search(&mut out, &replay.search)?;
    match &replay.again {
        Some(again) => {
            let same = match again.same {
                Sameness::Bytes => "the same to the byte",
                Sameness::List => "the same members with the same scores, told otherwise",
                Sameness::Differs => "another one, though all that it rests on is kept",
            };
            writeln!(out, "Again in {}: {same}\n", again.answer.state)?;
            render::answer(&mut out, &again.answer)?;
        }
        None => {
            writeln!(out, "It cannot be given again:")?;
            write_then(&mut out, &replay.search)?;
        }
    }
    for gone in &replay.gone {
        writeln!(out, "  • {}", clean(&gone.text))?;
    }
    if let (Some(why), Some(mentor)) = (&replay.why, &why) {
        write_why(&mut out, why, mentor)?;
    }
    Ok(Done::Fully)
}

fn write_search(out: &mut impl Write, search: &LoggedSearch) -> std::io::Result<()> {
    let LoggedSearch { id, at, member, state, request, hits, .. } = search;
    let of = member.as_ref().map_or_else(|| "nobody stored".into(), ToString::to_string);
    let asked = request.as_ref().map_or_else(|| "(not kept)".into(), ToString::to_string);
    writeln!(out, "{id} {at} {}: {} → {} hits of {state}", clean(&of), clean(&asked), hits.len())
}

fn write_then(out: &mut impl Write, search: &LoggedSearch) -> std::io::Result<()> {
    for (shown, rank) in search.hits.iter().zip(1..) {
        let member = shown.member.as_ref().map_or_else(|| "(forgotten)".into(), ToString::to_string);
        writeln!(out, "{rank:>3}. {} {:.4}", clean(&member), shown.score)?;
    }
    Ok(())
}

fn write_why(out: &mut impl Write, why: &Why, mentor: &MemberId) -> std::io::Result<()> {
    let found = if why.found { "was found" } else { "was not found" };
    write!(out, "{} {found}", clean(mentor.as_str()))?;
    if let Some(hit) = &why.hit {
        let would = if why.found { "at" } else { "would have had" };
        write!(out, ": {would} rank {} of {} compared, score {:.4}", hit.rank, why.candidates, hit.score)?;
    }
    writeln!(out)?;
    for obstacle in &why.obstacles {
        writeln!(out, "  • {}", clean(&obstacle.said()))?;
    }
    if let Some(hit) = &why.hit {
        for point in &hit.points_in_common {
            writeln!(out, "  • {}", clean(&point.text))?;
        }
        for adjustment in &hit.adjustments {
            writeln!(out, "  {:+.3} {}", adjustment.amount, clean(&adjustment.text))?;
        }
    }
    Ok(())
}
