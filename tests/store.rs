//! The members' database keeps the same promises on SQLite and on PostgreSQL.

use rapport::embed::UnitVector;
use rapport::member::fold::Key;
use rapport::member::{Member, Place};
use rapport::store::{Address, Store, Upserted};

use crate::common::{id_of, ids_of, mentor, postgres::Server, wait};

/// Checks a promise on an empty database of either kind.
fn on_both(check: impl AsyncFn(&Store)) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::shared();
    for address in [Address::Folder(folder.path().into()), Address::Server(server.database().parse().unwrap())] {
        eprintln!("on {address}");
        wait(async { check(&Store::create(&address).await.unwrap()).await });
    }
}

fn counts(added: u64, changed: u64, unchanged: u64) -> Upserted {
    Upserted { added, changed, unchanged }
}

fn called(id: &str, name: &str) -> Member {
    Member { name: Some(name.into()), ..mentor(id) }
}

#[test]
fn members_come_change_and_go_and_every_change_has_its_number() {
    on_both(async |store| {
        assert_eq!(store.size().await.unwrap(), (0, 0));
        let first = [called("a", "Ada"), called("b", "Ben"), called("c", "Cy")];
        assert_eq!(store.upsert(&first).await.unwrap(), counts(3, 0, 0));
        assert_eq!(store.upsert(&first).await.unwrap(), counts(0, 0, 3));
        assert_eq!(store.size().await.unwrap(), (3, 3), "what changes nothing is no change");
        // Of several records of one id the last holds.
        let mixed = [called("b", "Bea"), called("d", "Dan"), called("d", "Dee"), called("a", "Ada")];
        assert_eq!(store.upsert(&mixed).await.unwrap(), counts(1, 2, 1));
        assert_eq!(store.size().await.unwrap(), (4, 6));

        assert_eq!(store.remove(&ids_of(&["c", "nobody"])).await.unwrap(), ids_of(&["c"]));
        assert_eq!(store.remove(&ids_of(&["c"])).await.unwrap(), []);
        let changes = store.changes_since(3).await.unwrap();
        let came: Vec<_> =
            changes.upserted.iter().map(|one| (one.change, one.member.name.as_deref().unwrap())).collect();
        assert_eq!(came, [(4, "Bea"), (6, "Dee")]);
        assert_eq!((changes.removed, changes.sequence), (vec!["c".to_owned()], 7));
        assert_eq!(store.changes_since(7).await.unwrap().sequence, 7);
        assert!(store.changes_since(u64::MAX).await.unwrap().upserted.is_empty());

        // Who comes back is no longer gone.
        assert_eq!(store.upsert(&[called("c", "Cy")]).await.unwrap(), counts(1, 0, 0));
        assert_eq!(store.changes_since(0).await.unwrap().removed, Vec::<String>::new());
        store.remove(&ids_of(&["a", "b"])).await.unwrap();
        store.drop_tombstones(9).await.unwrap();
        assert_eq!(store.changes_since(0).await.unwrap().removed, ["b"]);
        assert_eq!(store.size().await.unwrap(), (2, 10));
    });
}

#[test]
fn pages_are_in_the_order_of_the_ids_bytes() {
    let ids = [
        "a", "B", "_", "ä", "z", "Z", "a b", "a-b", "ab", "é", "e\u{301}", "日本", "😀", "\u{ffff}", "10", "9", "ß",
        "ss",
    ];
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    on_both(async |store| {
        store.upsert(&ids.map(mentor)).await.unwrap();
        assert_eq!(store.ids().await.unwrap(), sorted);
        let mut paged: Vec<String> = Vec::new();
        loop {
            let after = paged.last().map(|last| id_of(last));
            let page = store.page(after.as_ref(), 4).await.unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page.iter().map(|member| member.id.to_string()));
        }
        assert_eq!(paged, sorted);
    });
}

#[test]
fn a_record_reads_back_as_it_was_whatever_its_texts_hold() {
    let about = "NUL \0, quotes \" and ' and `, a backslash \\u0000, $1, 100 %, \u{1f600}\u{7f}\u{85}\r\n\ttab, {\"json\": [1]}";
    let odd = Member {
        about: Some(about.into()),
        interests: vec!["it's; DROP TABLE members".into(), about.replace('\n', " ")],
        years_experience: Some(0.1),
        location: Some(Place { lat: Some(42.360_082_500_000_01), lon: Some(-71.058_880_1), ..Place::default() }),
        ..mentor("o'd\"d \\ ü")
    };
    on_both(async |store| {
        store.upsert(&[odd.clone(), mentor("plain")]).await.unwrap();
        assert_eq!(store.upsert(std::slice::from_ref(&odd)).await.unwrap(), counts(0, 0, 1));
        assert_eq!(store.page(None, 10).await.unwrap(), [odd.clone(), mentor("plain")]);
        assert_eq!(store.changes_since(0).await.unwrap().upserted[0].member, odd);
        let (found, last) = store.members(&[odd.id.as_str(), "plain", "nobody", "N\0L", "plain"]).await.unwrap();
        assert_eq!((found.len(), last), (2, 2));
        assert_eq!((found[odd.id.as_str()].change, &found[odd.id.as_str()].member), (1, &odd));
        let (none, last) = store.members(&[]).await.unwrap();
        assert_eq!((none.len(), last), (0, 2));
    });
}

#[test]
fn more_members_than_one_statement_takes() {
    let members: Vec<Member> = (0..4_500).map(|at| mentor(&format!("m{at}"))).collect();
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    on_both(async |store| {
        assert_eq!(store.upsert(&members).await.unwrap(), counts(4_500, 0, 0));
        assert_eq!(store.members(&ids).await.unwrap().0.len(), 4_500);
        assert_eq!(store.changes_since(0).await.unwrap().upserted.len(), 4_500);
    });
}

#[test]
fn a_vector_is_kept_for_its_text_and_model() {
    let vector = |of: u64| UnitVector::new(vec![1.0, of as f32, -0.5, 0.25]).unwrap();
    let keys: Vec<Key> = (0..4_100).map(|at| Key(u64::MAX - at)).collect();
    on_both(async |store| {
        let mut kept: Vec<(Key, UnitVector)> = keys.iter().map(|key| (*key, vector(key.0 % 7))).collect();
        // Once more, in one call: the last holds.
        kept.push((keys[0], vector(99)));
        store.keep_embeddings("m", &kept).await.unwrap();
        store.keep_embeddings("m", &[(keys[1], vector(98))]).await.unwrap();
        let read = store.embeddings("m", &keys).await.unwrap();
        assert_eq!(read.len(), keys.len());
        assert_eq!((&read[&keys[0]][..], &read[&keys[1]][..]), (&*vector(99), &*vector(98)));
        assert_eq!(&read[&keys[4_000]][..], &*vector(keys[4_000].0 % 7));
        assert_eq!(store.embedded("m", 4, &keys).await.unwrap().len(), keys.len());
        assert!(store.embedded("m", 5, &keys).await.unwrap().is_empty(), "a vector cut short is none");
        assert!(store.embeddings("other", &keys).await.unwrap().is_empty());
    });
}

#[test]
fn writers_at_the_same_time_never_share_a_number() {
    on_both(async |store| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for at in 0..25 {
                        store
                            .upsert(&[mentor(&format!("w{writer}-{at}")), called("shared", &format!("{writer} {at}"))])
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(store.size().await.unwrap(), (101, 200));
        let changes = store.changes_since(0).await.unwrap();
        assert!(changes.upserted.windows(2).all(|two| two[0].change < two[1].change));
        assert_eq!((changes.upserted.len(), changes.sequence), (101, 200));
    });
}
