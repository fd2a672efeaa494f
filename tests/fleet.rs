//! Servers on one PostgreSQL: whatever one of them builds all serve, one builds for all, whoever is forgotten is gone from
//! each, and any of them may die.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rapport::community::{self, Community, RebuildOptions, traces};
use rapport::config::{Config, StoreConfig};
use rapport::index::publish::{Standing, list};
use rapport::member::Member;
use rapport::store::Store;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::common::{self, by_member, by_text, id_of, mentor, postgres::Server, program, tiny, wait};

/// A server of a fleet, as `rapport serve` keeps one; killed when dropped.
struct Served {
    folder: TempDir,
    community: Arc<Community>,
    kept: JoinHandle<()>,
}

fn config(folder: &Path, url: &str) -> Config {
    let store = StoreConfig { url: Some(url.parse().unwrap()), fleet: true };
    Config { store, models: common::models_dir().into(), ..tiny::config(folder) }
}

impl Served {
    async fn start(url: &str) -> Served {
        Served::again(tempfile::tempdir().unwrap(), url).await
    }

    async fn again(folder: TempDir, url: &str) -> Served {
        let community = Community::open_with(&config(folder.path(), url), tiny::embedder()).await.unwrap();
        let community = Arc::new(community);
        let keeping = Arc::clone(&community);
        Served { folder, community, kept: tokio::spawn(async move { keeping.keep_up().await }) }
    }

    /// As a crash would: it tells nobody.
    async fn kill(self) -> TempDir {
        self.kept.abort();
        let _ = self.kept.await;
        self.folder
    }

    async fn rebuild(&self) -> String {
        let rebuilt = self.community.rebuild(RebuildOptions::default(), |_| {}).await.unwrap();
        rebuilt.folder.file_name().unwrap().to_str().unwrap().to_owned()
    }

    fn serves(&self) -> Option<String> {
        self.community.searcher().ok().map(|searcher| searcher.snapshot().name())
    }

    fn kept(&self) -> Vec<String> {
        let kept = list(&self.community.config().index).unwrap().into_iter();
        kept.filter(|kept| kept.standing != Standing::Staged).map(|kept| kept.name).collect()
    }

    async fn answers(&self) -> Vec<String> {
        let mut told = Vec::new();
        for request in (0..30).map(|at| by_member(&format!("m{at}"))).chain(tiny::requests()) {
            told.push(match self.community.search(request).await {
                Ok(answer) => serde_json::to_string(&answer).unwrap(),
                Err(refused) => refused.to_string(),
            });
        }
        told
    }
}

/// How many sleep in the middle of reading.
const READING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn imported(url: &str, members: &[Member]) -> Store {
    let store = Store::create(&config(Path::new("nowhere"), url).database()).await.unwrap();
    store.upsert(members).await.unwrap();
    store
}

/// Two servers of one community, whose generation one of them built.
async fn two_serving(url: &str) -> (Served, Served) {
    imported(url, &tiny::members(60)).await;
    let (one, other) = (Served::start(url).await, Served::start(url).await);
    one.rebuild().await;
    until("the other follows", || other.serves().is_some()).await;
    (one, other)
}

#[test]
fn all_serve_what_one_builds_and_a_new_one_needs_no_folder() {
    let server = Server::shared();
    let url = server.database();
    wait(async {
        imported(&url, &tiny::members(60)).await;
        let (one, other) = (Served::start(&url).await, Served::start(&url).await);
        assert_eq!(other.serves(), None);
        let refused = one.community.rollback(None).await.unwrap_err().to_string();
        assert!(refused.contains("has no generation to go back to yet"), "{refused}");
        assert_eq!(one.rebuild().await, "gen-000001");
        until("the other follows", || other.serves().as_deref() == Some("gen-000001")).await;
        assert_eq!(one.answers().await, other.answers().await);
        // What is there already is not built again, whoever is asked.
        assert_eq!(other.rebuild().await, "gen-000001");

        other.community.upsert(&[Member { profession: Some("pilot".into()), ..mentor("m-new") }]).await.unwrap();
        until("the change is seen", || one.community.searcher().unwrap().holds("m-new")).await;
        assert_eq!(other.rebuild().await, "gen-000002");
        until("the one follows", || one.serves().as_deref() == Some("gen-000002")).await;
        let bytes =
            |served: &Served, name: &str| fs::read(served.folder.path().join("index/gen-000002").join(name)).unwrap();
        assert!(tiny::FILES.iter().all(|name| bytes(&one, name) == bytes(&other, name)));

        // A third has nothing but the URL.
        let third = Served::start(&url).await;
        assert_eq!(third.serves().as_deref(), Some("gen-000002"));
        assert_eq!(third.answers().await, one.answers().await);
        third.community.rollback(None).await.unwrap();
        for served in [&one, &other] {
            until("they go back", || served.serves().as_deref() == Some("gen-000001")).await;
        }
        assert_eq!(third.answers().await, one.answers().await);

        // A number is given once, and what is no longer kept goes everywhere.
        let full = RebuildOptions { full: true, ..RebuildOptions::default() };
        one.community.rebuild(full, |_| {}).await.unwrap();
        one.community.rebuild(full, |_| {}).await.unwrap();
        for served in [&one, &other, &third] {
            until("they follow", || served.kept() == ["gen-000003", "gen-000004"]).await;
        }
        let tables = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'generation\\_%'";
        assert_eq!(server.sql(&url, tables), "2");

        // A folder that lost or mixed up what it had gets it back.
        let folder = third.kill().await;
        let index = folder.path().join("index");
        fs::remove_dir_all(index.join("gen-000004")).unwrap();
        fs::rename(index.join("gen-000003"), index.join("gen-000009")).unwrap();
        let third = Served::again(folder, &url).await;
        assert_eq!(third.serves().as_deref(), Some("gen-000004"));
        until("it has the other too", || third.kept() == ["gen-000003", "gen-000004"]).await;
        assert_eq!(third.answers().await, one.answers().await);
    });
}

#[test]
fn a_night_by_the_clock_is_done_once_and_taken_over_from_one_that_dies() {
    let server = Server::shared();
    let url = server.database();
    wait(async {
        let store = imported(&url, &tiny::members(60)).await;
        let (one, other) = (Served::start(&url).await, Served::start(&url).await);
        let mut due = Timestamp::from_second(1_700_000_000).unwrap();
        for round in 0..4 {
            // It changes all the time: whoever looked a second time would find something to do.
            store.upsert(&[mentor(&format!("late-{round}"))]).await.unwrap();
            let (by_one, by_other) =
                tokio::join!(one.community.rebuild_by_clock(due), other.community.rebuild_by_clock(due));
            let built = [by_one.unwrap(), by_other.unwrap()];
            assert_eq!(built.iter().flatten().filter(|rebuilt| rebuilt.published).count(), 1, "{built:?}");
            assert_eq!(built.iter().flatten().count(), 1, "{built:?}");
            due += Duration::from_secs(3_600);
        }
        assert_eq!(server.sql(&url, "SELECT last FROM fleet"), "4");
        // A server whose clock was years ahead does not end all nights until then.
        server.sql(&url, "UPDATE fleet SET seen_to = 4000000000");
        assert!(other.community.rebuild_by_clock(due).await.unwrap().is_some());
        assert!(one.community.rebuild_by_clock(due).await.unwrap().is_none());
    });

    // The real program, killed while it embeds, and its successor that waits beside it.
    let url = server.database();
    let folder = tempfile::tempdir().unwrap();
    let members: Vec<Member> = rapport::sample::Community::new(1_000, 5).iter().collect();
    wait(imported(&url, &members));
    let store = config(folder.path(), &url).store;
    let mut config = Config { store, ..common::config(folder.path()) };
    let mut night = program(&config, &["--set", "store.fleet=true", "--store", &url, "rebuild"]).spawn().unwrap();
    let embedded = || server.sql(&url, "SELECT count(*) FROM embeddings").parse::<u64>().unwrap();
    wait(until("it embeds", || embedded() > 0));
    config.index = folder.path().join("other");
    wait(async {
        let successor = Community::open_with(&config, common::embedder()).await.unwrap();
        let rebuilding = successor.rebuild_by_clock(Timestamp::now());
        let killing = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            night.kill().unwrap();
            assert!(!night.wait().unwrap().success(), "it was done before it was killed");
            embedded()
        };
        let (rebuilt, kept) = tokio::join!(rebuilding, killing);
        let rebuilt = rebuilt.unwrap().expect("built here");
        let texts = rebuilt.manifest.counts.texts;
        assert!(rebuilt.published && rebuilt.embedded <= texts - kept, "{texts} texts, {kept} kept: {rebuilt:?}");
    });
}

#[test]
fn who_is_forgotten_is_gone_from_every_server_before_it_is_acknowledged() {
    let server = Server::shared();
    let url = server.database();
    wait(async {
        let (one, other) = two_serving(&url).await;
        let down = Served::start(&url).await.kill().await;
        let of_down = config(down.path(), &url);
        let gone = id_of("m7");
        assert!(!traces(&of_down, &gone).await.unwrap().is_empty());
        // What imports set aside, and builds and fetches left, wherever that is.
        for folder in [&other.folder, &down] {
            let index = folder.path().join("index");
            let aside = "{\"file\":\"in.jsonl\",\"line\":3,\"raw\":\"{\\\"id\\\":\\\"m7\\\"}\"}\n";
            fs::write(index.join("rejects-1.jsonl"), aside).unwrap();
            fs::create_dir(index.join("gen-000009.staging")).unwrap();
            fs::write(index.join("gen-000009.staging/members.columns"), "m7").unwrap();
        }
        // The other is asked by them, and notes it.
        other.community.search(by_member("m7")).await.unwrap();
        let receipt = one.community.forget(&gone).await.unwrap();
        assert_eq!(
            (receipt.deleted_generations, receipt.successor.as_deref()),
            (vec!["gen-000001".into()], Some("gen-000002"))
        );
        for served in [&one, &other] {
            assert_eq!(traces(&served.community.config(), &gone).await.unwrap(), []);
            assert_eq!(
                (served.serves().as_deref(), served.kept()),
                (Some("gen-000002"), vec!["gen-000002".to_owned()])
            );
            let found = served.answers().await.into_iter().filter(|answer| answer.starts_with('{'));
            assert!(!found.into_iter().any(|answer| answer.contains("\"m7\"")));
        }
        for table in ["members", "removals", "erasures", "generations"] {
            let naming = format!("SELECT count(*) FROM {table} AS row WHERE row::text ~ '\\mm7\\M'");
            assert_eq!(server.sql(&url, &naming), "0", "{table}");
        }
        // One that was down while it happened has them in its folder no longer than until it serves again.
        let back = Served::again(down, &url).await;
        assert_eq!(traces(&of_down, &gone).await.unwrap(), []);
        assert_eq!(back.serves().as_deref(), Some("gen-000002"));
        drop(back.kill().await);

        // Somebody who came after the build, and whom no generation holds. Meanwhile the members are read for long, by a dump
        // say, which holds up nobody but the erasure.
        other.community.upsert(&[mentor("m-late")]).await.unwrap();
        until("seen", || one.community.searcher().unwrap().holds("m-late")).await;
        let dump = {
            let (server, url) = (Arc::clone(&server), url.clone());
            let read = "BEGIN; SELECT count(*) FROM members; SELECT pg_sleep(12); COMMIT";
            std::thread::spawn(move || server.sql(&url, read))
        };
        until("it is read", || server.sql(&url, READING) == "1").await;
        let forgetting = async {
            let receipt = one.community.forget(&id_of("m-late")).await.unwrap();
            assert!(dump.is_finished());
            receipt
        };
        let searching = async {
            let mut longest = Duration::ZERO;
            while !dump.is_finished() {
                let begun = Instant::now();
                other.community.search(by_member("m3")).await.unwrap();
                longest = longest.max(begun.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            longest
        };
        let (receipt, longest) = tokio::join!(forgetting, searching);
        assert!(longest < Duration::from_secs(6), "a search waited for {longest:?}");
        assert_eq!((receipt.was_stored, receipt.successor), (true, None));
        assert!(!other.community.searcher().unwrap().holds("m-late"));

        // A server that does not let go is waited for, and whoever waits may die: another ends what was begun.
        let stuck = "INSERT INTO servers VALUES ('stuck', now() + interval '1 hour', '[2]', 99)";
        server.sql(&url, stuck);
        let gone = id_of("m8");
        let waits = tokio::time::timeout(Duration::from_secs(6), one.community.forget(&gone)).await;
        assert!(waits.is_err(), "{waits:?}");
        drop(one.kill().await);
        assert_eq!(server.sql(&url, "SELECT member FROM erasures"), "m8");
        server.sql(&url, "DELETE FROM servers WHERE name = 'stuck'");
        until("the other ends it", || server.sql(&url, "SELECT count(*) FROM erasures") == "0").await;
        assert_eq!(traces(&other.community.config(), &gone).await.unwrap(), []);
        // Whoever is not of the fleet cannot vouch for it.
        let mut alone = config(tempfile::tempdir().unwrap().path(), &url);
        alone.store.fleet = false;
        let alone = Community::open_with(&alone, tiny::embedder()).await.unwrap();
        let refused = alone.forget(&id_of("m9")).await.unwrap_err().to_string();
        assert!(refused.contains("keeps the generations of a fleet"), "{refused}");
        assert!(matches!(
            other.community.forget(&gone).await,
            Err(community::CommunityError::Unknown(unknown)) if unknown == gone
        ));
    });
}

#[test]
fn a_database_that_dies_under_a_fleet_loses_nothing_and_is_found_again() {
    let server = Server::start();
    let url = server.database();
    wait(async {
        let (one, other) = two_serving(&url).await;
        for round in 0..3 {
            let written = AtomicUsize::new(0);
            let writing = async {
                let mut acknowledged = Vec::new();
                for at in 0.. {
                    let id = format!("r{round}-{at}");
                    match one.community.upsert(&[mentor(&id)]).await {
                        Ok(_) => {
                            written.fetch_add(1, Ordering::SeqCst);
                            acknowledged.push(id);
                        }
                        Err(_) => break,
                    }
                }
                acknowledged
            };
            // In the middle of a build too, which may be done before or fail.
            let building = one.community.rebuild(RebuildOptions { full: true, ..RebuildOptions::default() }, |_| {});
            let crashing = async {
                until("somebody is written", || written.load(Ordering::SeqCst) > 0).await;
                tokio::time::sleep(Duration::from_millis(150 * round)).await;
                tokio::task::block_in_place(|| server.crash());
            };
            let (acknowledged, _, ()) = tokio::join!(writing, building, crashing);
            assert!(!acknowledged.is_empty());
            tokio::task::block_in_place(|| server.recover());
            let all_seen = || acknowledged.iter().all(|id| other.community.searcher().unwrap().holds(id));
            until("the other sees all that was acknowledged", all_seen).await;
            let current = server.sql(&url, "SELECT current FROM fleet");
            let current = format!("gen-{:06}", current.parse::<u64>().unwrap());
            for served in [&one, &other] {
                until("they serve what the fleet does", || served.serves().as_deref() == Some(&current)).await;
            }
            other.community.search(by_text("a nurse")).await.unwrap();
            other.community.search(by_member(&acknowledged[0])).await.unwrap();
        }
        assert!(one.community.rebuild(RebuildOptions::default(), |_| {}).await.is_ok());

        // Whoever others may take for down says so, until it made up for what it may have missed.
        tokio::task::block_in_place(|| server.crash());
        until("it is cut off", || one.community.is_cut_off()).await;
        tokio::task::block_in_place(|| server.recover());
        until("it is back", || !one.community.is_cut_off()).await;
    });
}

#[test]
fn a_fleet_without_a_shared_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    fs::write(folder.path().join("one.jsonl"), "{\"id\":\"a\",\"roles\":[\"mentor\"]}\n").unwrap();
    let file = folder.path().join("one.jsonl");
    let import = ["--set", "store.fleet=true", "import", file.to_str().unwrap()];
    let _ = program(&config, &import).output().unwrap();
    let output = program(&config, &["--set", "store.fleet=true", "rebuild"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("store.fleet needs a members' database that servers share; set store.url"), "{err}");
}
