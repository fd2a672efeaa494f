//! Everything at once, as a library: a few members made in code, an index of them, one search, and the reasons.
//!
//! ```text
//! cargo run --release --example find_mentors
//! ```
#![allow(clippy::print_stdout, reason = "an example shows its output")]

use std::error::Error;

use rapport::config::Config;
use rapport::embed::Models;
use rapport::member::{Member, MemberId, Role};
use rapport::rebuild::rebuild;
use rapport::search::{SearchRequest, Searcher};
use rapport::store::{Store, WriteLock};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = Config { index: folder.path().into(), ..Config::default() };

    // Fetched by the first program that needs it, and kept in the models folder.
    let models = Models::open(&config.models)?;
    let embedder = models.ensure(&config.model.name, config.embedding_threads(), &mut |_| {})?;

    let lock = WriteLock::take(&config.index)?;
    Store::create(&config.database()).await?.upsert(&members()?).await?;
    drop(lock);
    // A generation: immutable, and what every search sees.
    rebuild(&config, embedder.clone(), false, |_| {}).await?;

    let searcher = Searcher::open_with(&config, embedder).await?;
    let request = SearchRequest { member: Some(MemberId::new("lin")?), k: Some(2), ..SearchRequest::default() };
    for hit in searcher.search(request).await?.hits {
        println!("{}. {} ({:.3})", hit.rank, hit.member.name.unwrap_or(hit.member.id), hit.score);
        for point in hit.points_in_common {
            println!("   {}", point.text);
        }
    }
    Ok(())
}

fn members() -> Result<Vec<Member>, Box<dyn Error>> {
    let ada = Member {
        profession: Some("Nurse practitioner".into()),
        interests: vec!["triage".into(), "jazz".into()],
        overcame: vec!["failed the board exam once".into()],
        ..member("ada", Role::Mentor)?
    };
    let ben = Member {
        profession: Some("Software engineer".into()),
        interests: vec!["open source".into()],
        friends: vec![MemberId::new("sam")?],
        ..member("ben", Role::Mentor)?
    };
    let lin = Member {
        profession: Some("Ward clerk".into()),
        interests: vec!["emergency medicine".into()],
        aims_for: Some("Registered nurse".into()),
        facing: vec!["exams".into()],
        friends: vec![MemberId::new("sam")?],
        ..member("lin", Role::Mentee)?
    };
    let sam = member("sam", Role::Mentee)?;
    // Only valid members go into the database.
    Ok([ada, ben, lin, sam].into_iter().map(Member::validate).collect::<Result<_, _>>()?)
}

fn member(id: &str, role: Role) -> Result<Member, Box<dyn Error>> {
    Ok(Member { id: MemberId::new(id)?, roles: vec![role], name: Some(id.into()), ..Member::default() })
}
