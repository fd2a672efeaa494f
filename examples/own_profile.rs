//! Somebody who is not stored searches an index that is there already, with weights and a filter of the caller's own.
//!
//! ```text
//! cargo run --release -- import examples/community.csv
//! cargo run --release -- rebuild
//! cargo run --release --example own_profile -- '{"aims_for": "Registered nurse"}' country=US
//! ```
#![allow(clippy::print_stdout, reason = "an example shows its output")]

use std::error::Error;

use rapport::config::Config;
use rapport::member::import::parse_profile;
use rapport::search::{Filter, SearchRequest, Searcher};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let profile = parse_profile(&arguments.next().ok_or("expected a profile as JSON")?)?;
    let mut filter = Filter::default();
    for condition in arguments {
        filter.add(&condition)?;
    }

    let mut config = Config::default();
    // Where somebody lives does not matter here; the weights need not sum to one.
    config.weights.distance = 0.0;
    config.weights.overcame_what_i_face = 0.2;

    let searcher = Searcher::open(&config).await?;
    let request = SearchRequest { profile: Some(profile), filter, k: Some(3), ..SearchRequest::default() };
    let answer = searcher.search(request).await.map_err(|error| {
        let whose = if error.is_callers() { "the request" } else { "the index" };
        format!("{whose} is at fault: {error}")
    })?;
    println!("{}", answer.state);
    for hit in answer.hits {
        println!("{}. {} {:.3}", hit.rank, hit.member.name.unwrap_or(hit.member.id), hit.score);
        for part in hit.contributions {
            println!(
                "   {:<22} {:.3} x {:.2} = {:.4}",
                part.feature.name(),
                part.value,
                part.weight,
                part.contribution
            );
        }
    }
    Ok(())
}
