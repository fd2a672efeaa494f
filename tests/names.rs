//! Members are found by their names as people type them, by whom they may be seen, and never by a private one; on SQLite and
//! on PostgreSQL.

use rapport::community::Community;
use rapport::config::{Config, StoreConfig};
use rapport::member::Member;
use rapport::store::{Address, Store};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::common::{id_of, ids_of, mentee, mentor, postgres::Server, strings, tiny, wait};

/// Checks a promise on an empty database of either kind, which is given with its URL.
fn on_both(check: impl AsyncFn(&Address, &str)) {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("members.db").display());
    let server = Server::shared();
    let url = server.database();
    for (address, url) in
        [(Address::Folder(folder.path().into()), file.as_str()), (Address::Server(url.parse().unwrap()), url.as_str())]
    {
        eprintln!("on {address}");
        wait(check(&address, url));
    }
}

/// Does something to a database behind its store's back.
async fn execute(url: &str, statement: &'static str) {
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
}

fn called(id: &str, name: &str) -> Member {
    Member { name: Some(name.into()), ..mentor(id) }
}

fn privately(member: Member) -> Member {
    Member { private: strings(&["name"]), ..member }
}

async fn found(store: &Store, name: &str) -> Vec<String> {
    let found = store.named(name, 10, |_| true).await.unwrap();
    found.iter().map(|member| member.id.to_string()).collect()
}

#[test]
fn a_name_is_found_from_its_beginning_however_it_is_spelt_and_whoever_has_it_exactly_comes_first() {
    on_both(async |address, _| {
        let store = Store::create(address).await.unwrap();
        let long = "Wolfeschlegelsteinhausenbergerdorff ".repeat(100);
        let members = [
            called("anna", "Anna Lee"),
            called("ann", "Ann"),
            called("strasse", "Uwe Straße"),
            called("wide", "Ａｄａ   N."),
            called("hebrew", "ליאור בן־דוד"),
            called("accent", "E\u{301}lodie"),
            called("odd", "O\0'd\"d_%"),
            called("long", &long),
            called("dots", "..."),
            mentor("nameless"),
            privately(called("private", "Anna Secret")),
        ];
        store.upsert(&members).await.unwrap();
        for (typed, expected) in [
            ("ann", vec!["ann", "anna"]),
            ("  ANNA  l", vec!["anna"]),
            ("anna s", vec![]),
            ("Lee", vec![]),
            ("uwe STRASSE", vec!["strasse"]),
            ("ada n", vec!["wide"]),
            ("Ada N.", vec!["wide"]),
            ("ליאור", vec!["hebrew"]),
            ("élo", vec!["accent"]),
            ("elo", vec![]),
            ("O'D\"d_", vec!["odd"]),
            ("o%", vec![]),
            (&long, vec!["long"]),
            ("wolfe\0schlegel", vec!["long"]),
            ("", vec![]),
            (" . ", vec![]),
            ("\u{10ffff}", vec![]),
        ] {
            assert_eq!(found(&store, typed).await, expected, "{typed:?}");
        }
    });
}

#[test]
fn a_name_goes_with_its_record() {
    on_both(async |address, _| {
        let store = Store::create(address).await.unwrap();
        store.upsert(&[called("a", "Ada"), called("b", "Ben"), called("c", "Cy"), called("d", "Dee")]).await.unwrap();
        store.upsert(&[called("a", "Zoe"), privately(called("b", "Ben"))]).await.unwrap();
        store.remove(&ids_of(&["c"])).await.unwrap();
        store.erase(&id_of("d")).await.unwrap();
        for (typed, expected) in [("Ada", vec![]), ("Zoe", vec!["a"]), ("Ben", vec![]), ("Cy", vec![]), ("Dee", vec![])]
        {
            assert_eq!(found(&store, typed).await, expected, "{typed:?}");
        }
        store.upsert(&[called("b", "Ben"), called("c", "Cy")]).await.unwrap();
        assert_eq!((found(&store, "b").await, found(&store, "c").await), (strings(&["b"]), strings(&["c"])));
    });
}

#[test]
fn whoever_may_be_seen_is_found_behind_many_who_may_not() {
    on_both(async |address, _| {
        let store = Store::create(address).await.unwrap();
        let members: Vec<Member> =
            (0..350).map(|at| Member { paused: at != 120 && at < 340, ..called(&format!("m{at}"), "Maria") }).collect();
        store.upsert(&members).await.unwrap();
        let seen = store.named("maria", 3, |member| !member.paused).await.unwrap();
        let seen: Vec<&str> = seen.iter().map(|member| member.id.as_str()).collect();
        assert_eq!(seen.len(), 3);
        assert!(seen.contains(&"m120"), "{seen:?}");
        assert_eq!(store.named("maria", 1_000, |_| true).await.unwrap().len(), 350);
    });
}

#[test]
fn a_database_of_an_older_version_is_read_when_it_is_opened() {
    on_both(async |address, url| {
        let store = Store::create(address).await.unwrap();
        let mut members: Vec<Member> = (0..4_500).map(|at| called(&format!("m{at}"), &format!("N{at}"))).collect();
        members.extend([privately(called("private", "Ada")), called("ada", "Ada L.")]);
        store.upsert(&members).await.unwrap();
        let before = store.changes_since(0).await.unwrap();
        drop(store);
        let older = [
            "DROP INDEX members_by_name",
            "ALTER TABLE members DROP COLUMN name",
            "DELETE FROM _sqlx_migrations WHERE description = 'names'",
        ];
        for statement in older {
            execute(url, statement).await;
        }
        let store = Store::open(address).await.unwrap();
        assert_eq!(store.changes_since(0).await.unwrap(), before, "nothing else of it has changed");
        assert_eq!(found(&store, "ada").await, ["ada"]);
        assert_eq!((found(&store, "n0").await, found(&store, "n4499").await), (strings(&["m0"]), strings(&["m4499"])));
    });
}

#[test]
fn a_member_finds_those_they_may_see_and_a_manager_everybody_but_private_names() {
    let server = Server::shared();
    let on_a_server = StoreConfig { url: Some(server.database().parse().unwrap()), ..StoreConfig::default() };
    for store in [StoreConfig::default(), on_a_server] {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { store, ..tiny::config(folder.path()) };
        let members = [
            Member { blocks: ids_of(&["i-block"]), ..mentee("asks") },
            called("free", "Ada Free"),
            Member { adult: None, ..called("of-unknown-age", "Ada Ageless") },
            called("i-block", "Ada Blocked"),
            Member { blocks: ids_of(&["asks"]), ..called("blocks-me", "Ada Blocks") },
            Member { paused: true, ..called("paused", "Ada Paused") },
            Member { adult: Some(false), ..called("minor", "Ada Minor") },
            privately(called("private", "Ada Private")),
            Member {
                headline: Some("Nurse".into()),
                location: Some(rapport::member::Place { city: Some("Boston".into()), ..Default::default() }),
                private: strings(&["location", "about"]),
                blocks: ids_of(&["free"]),
                ..called("guarded", "Ada Guarded")
            },
        ];
        wait(tiny::publish(&config, &members));
        let community = wait(Community::open_with(&config, tiny::embedder())).unwrap();
        let find = |name: &str, to: Option<&str>, manager: bool| {
            let to = to.map(id_of);
            let found = wait(community.named(name, to.as_ref(), manager, 20)).unwrap();
            assert!(found.iter().all(|member| member.blocks.is_empty() && member.location.is_none()), "{found:?}");
            found.iter().map(|member| member.id.to_string()).collect::<Vec<String>>()
        };
        assert_eq!(find("ada", Some("asks"), false), ["of-unknown-age", "free", "guarded"]);
        assert_eq!(find("ada", Some("free"), false), ["of-unknown-age", "i-block", "blocks-me", "free"]);
        let anybody = ["of-unknown-age", "i-block", "blocks-me", "free", "guarded"];
        assert_eq!(find("ada", None, false), anybody);
        assert_eq!(find("ada", Some("nobody"), false), anybody);
        let all = ["of-unknown-age", "i-block", "blocks-me", "free", "guarded", "minor", "paused"];
        assert_eq!(find("ada", None, true), all);
        assert_eq!(find("ada private", None, true), Vec::<String>::new());
        // Forgotten is forgotten by name too.
        wait(community.forget(&id_of("free"))).unwrap();
        assert_eq!(find("ada free", None, true), Vec::<String>::new());
    }
}
