//! `rapport demo`

use std::io::Write;
use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use clap::Args;
use rapport::config::{Config, Origin, ServerConfig, StoreConfig};
use rapport::embed::Models;
use rapport::rebuild::rebuild;
use rapport::sample::{Community, DEMO_TEXT, demo_profile};
use rapport::search::{SearchRequest, Searcher};
use rapport::store::{Store, WriteLock};

use super::rebuild::describe;
use super::{Done, progress, render};

#[derive(Debug, Args)]
pub struct Arguments {
    /// How many members to invent
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    members: u32,
    /// Where to serve the page [default: 127.0.0.1:8080, or another port where that is taken]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// End after the searches, and serve no page
    #[arg(long, conflicts_with = "listen")]
    no_page: bool,
}

/// Hits shown of each search.
const SHOWN: usize = 3;

pub async fn run(config: Config, arguments: &Arguments) -> anyhow::Result<Done> {
    // In a folder and a database of its own: invented members never mix with a community's, nor with those of another size.
    let index = config.index.join(format!("demo-{}", arguments.members));
    let flags = if config.store.url.is_some() { " --store \"\"" } else { "" };
    let config = Config { index, store: StoreConfig::default(), ..config };
    eprintln!("1. The model: {}", config.model.name);
    let models = Models::open(&config.models)?;
    let embedder = models.ensure(&config.model.name, config.embedding_threads(), &mut progress::pulling())?;

    eprintln!("2. {} invented members into {}", arguments.members, config.index.display());
    let community = Community::new(arguments.members, 42);
    let seeker = community.demo_member().map(|index| community.member(index)).context("a community of nobody")?;
    let members: Vec<_> = community.iter().map(rapport::member::Member::validate).collect::<Result<_, _>>()?;
    let lock = WriteLock::take(&config.index)?;
    Store::create(&config.database()).await?.upsert(&members).await?;
    drop(lock);

    eprintln!("3. The index");
    describe(&rebuild(&config, embedder.clone(), false, progress::rebuilding()).await?)?;

    let searcher = Searcher::open_with(&config, embedder).await?;
    let name = seeker.name.clone().unwrap_or_else(|| seeker.id.to_string());
    let aim = seeker.aims_for.as_ref().map(|aim| format!(", who aims for: {aim}")).unwrap_or_default();
    let profile = demo_profile();
    let headline = profile.headline.clone().unwrap_or_default();
    let searches = [
        (
            format!("By free text: \"{DEMO_TEXT}\""),
            SearchRequest { text: Some(DEMO_TEXT.into()), ..SearchRequest::default() },
        ),
        (
            format!("By a member: {name} ({}){aim}", seeker.id),
            SearchRequest { member: Some(seeker.id.clone()), ..SearchRequest::default() },
        ),
        (
            format!("By a profile that nobody saved: {headline}"),
            SearchRequest { profile: Some(profile), ..SearchRequest::default() },
        ),
    ];
    for (title, request) in searches {
        let answer = searcher.search(SearchRequest { k: Some(SHOWN), ..request }).await?;
        let mut out = anstream::stdout().lock();
        writeln!(out, "\n{title}\n")?;
        render::answer(&mut out, &answer)?;
    }
    let mut out = anstream::stdout().lock();
    writeln!(out, "Go on with it:\n  rapport --index {}{flags} search \"your own words\"", config.index.display())?;
    if arguments.no_page || !cfg!(unix) {
        return Ok(Done::Fully);
    }
    writeln!(out, "or be one of these people in a browser, on the page below; Ctrl-C ends it.\n")?;
    drop((out, searcher));
    let listen = arguments.listen.unwrap_or_else(usual_address);
    let server = ServerConfig { listen, ..ServerConfig::default() };
    // What is tried on the page does not end up in a configuration.
    let mut config = Config { server, origin: Origin::default(), ..config };
    // What is invented is told to nobody's receiver, and rebuilt by nobody's clock.
    (config.programme.webhook, config.programme.receiver, config.rebuild.schedule) = (None, None, None);
    let again = config.clone();
    super::serve::run(&config, Box::new(move || Ok(again.clone()))).await
}

/// Where the page is served, unless something else is there already.
fn usual_address() -> SocketAddr {
    let usual = ServerConfig::default().listen;
    match TcpListener::bind(usual) {
        Ok(_) => usual,
        Err(_) => SocketAddr::new(usual.ip(), 0),
    }
}
