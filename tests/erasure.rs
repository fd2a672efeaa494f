//! Who is forgotten is gone from every file, and no backup brings them back.

use std::fs;

use rapport::community::{Community, CommunityError, RebuildOptions, restore, traces};
use rapport::config::Config;
use rapport::member::Member;
use rapport::rebuild::rebuild;
use rapport::sample;
use rapport::store::Store;

use crate::common::{self, by_text, embedder, id_of, ids_of, mentor, publish, wait};

const ID: &str = "zz-Quixote-1605";
const SECRET: &str = "windmills are giants in disguise";

/// The name as it is looked up.
const LOOKED_UP: &str = "alonso quijano";

fn quixote() -> Member {
    Member {
        name: Some("Alonso Quijano".into()),
        about: Some(SECRET.into()),
        interests: vec!["windmills".into()],
        friends: ids_of(&["s-0000001"]),
        ..mentor(ID)
    }
}

/// A community that knows somebody well: in two generations, in a list of friends, in the overlay and in rejects.
fn entangled() -> (tempfile::TempDir, Config, Community) {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let mut members: Vec<Member> = sample::Community::new(120, 7).iter().collect();
    members[5].friends.push(id_of(ID));
    members[6].blocks.push(id_of(ID));
    members.push(quixote());
    // Somebody whose id holds the other's.
    members.push(mentor(&format!("{ID}-bis")));
    publish(&config, &members);
    let rejects = format!("{{\"line\":1,\"text\":\"{ID}\"}}\n{{\"line\":2,\"text\":\"{ID}-bis\"}}\n");
    fs::write(config.index.join("rejects-20261101T000000Z.jsonl"), rejects).unwrap();
    let community = wait(Community::open_with(&config, embedder())).unwrap();
    wait(community.upsert(&[Member { headline: Some("Knight".into()), ..quixote() }])).unwrap();
    wait(community.rebuild(RebuildOptions::default(), |_| {})).unwrap();
    wait(community.upsert(&[Member { headline: Some("Knight errant".into()), ..quixote() }])).unwrap();
    (folder, config, community)
}

/// Whether some bytes stand in any file of the folder.
fn anywhere(config: &Config, sought: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![config.index.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path).unwrap().windows(sought.len()).any(|window| window == sought) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn who_is_forgotten_is_in_no_file() {
    let (_folder, config, community) = entangled();
    for held in [SECRET, LOOKED_UP] {
        assert!(!anywhere(&config, held.as_bytes()).is_empty(), "{held}");
    }
    let before = wait(traces(&config, &id_of(ID))).unwrap();
    assert!(before.len() >= 4, "{before:?}");

    let receipt = wait(community.forget(&id_of(ID))).unwrap();
    assert!(receipt.was_stored);
    assert_eq!(receipt.unlisted_by.len(), 2, "{receipt:?}");
    assert_eq!(receipt.rejects.values().sum::<u64>(), 1);
    assert_eq!(receipt.deleted_generations, ["gen-000001", "gen-000002"]);
    assert_eq!(receipt.successor.as_deref(), Some("gen-000003"));
    assert!(receipt.vectors >= 3, "the texts that nobody else has: {receipt:?}");

    assert_eq!(wait(traces(&config, &id_of(ID))).unwrap(), []);
    for held in [SECRET, LOOKED_UP] {
        assert_eq!(anywhere(&config, held.as_bytes()), [""; 0], "{held}");
    }
    let holders = anywhere(&config, ID.as_bytes());
    let other = format!("{ID}-bis");
    assert_eq!(holders, anywhere(&config, other.as_bytes()), "only as a part of somebody else's id");
    let found = wait(community.search(by_text(SECRET))).unwrap();
    assert!(found.hits.iter().all(|hit| hit.member.id != ID));
    let held = wait(community.store().members(&[other.as_str()])).unwrap().0;
    assert_eq!(held.len(), 1, "nobody else is touched");
    let unknown = wait(community.forget(&id_of(ID)));
    assert!(matches!(unknown, Err(CommunityError::Unknown(_))), "{unknown:?}");
}

#[test]
fn copies_that_the_database_left_when_rows_moved_are_gone_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let written = |number: usize, length: usize| Member {
        about: Some(format!("told by {number} {}", "at length ".repeat(length))),
        ..mentor(&format!("author-{:010}", number * 7_919 % 1_000_003))
    };
    let erased: Vec<Member> = (0..3_000).step_by(10).map(|number| written(number, 0)).collect();
    wait(async {
        let store = Store::create(&config.database()).await.unwrap();
        store.upsert(&(0..3_000).map(|number| written(number, number * 31 % 40)).collect::<Vec<_>>()).await.unwrap();
        store.upsert(&(0..3_000).step_by(6).map(|number| written(number, 60)).collect::<Vec<_>>()).await.unwrap();
        for member in &erased {
            assert!(store.erase(&member.id).await.unwrap().was_stored);
            store.drop_tombstone(&member.id).await.unwrap();
        }
        store.purge(&tokio::sync::Mutex::default()).await.unwrap();
    });
    let bytes = fs::read(config.index.join("members.db")).unwrap();
    let left = |member: &&Member| memchr::memmem::find(&bytes, member.id.as_str().as_bytes()).is_some();
    assert_eq!(erased.iter().filter(left).map(|member| member.id.as_str()).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn who_was_removed_long_ago_is_forgotten_where_the_database_has_a_copy_left() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    common::publish(&config, &[mentor("somebody-else")]);
    let gone = id_of("removed-long-ago");
    let community = wait(Community::open_with(&config, embedder())).unwrap();
    let nobody = || matches!(wait(community.forget(&gone)), Err(CommunityError::Unknown(unknown)) if unknown == gone);
    assert!(nobody());
    // As a killed import leaves it: in the log, beyond what counts of it.
    let log = config.index.join("members.db-wal");
    let record = serde_json::to_vec(&mentor(gone.as_str())).unwrap();
    let mut file = fs::File::options().append(true).create(true).open(&log).unwrap();
    std::io::Write::write_all(&mut file, &[vec![0; 1 << 20], record].concat()).unwrap();
    assert!(!wait(traces(&config, &gone)).unwrap().is_empty());
    let receipt = wait(community.forget(&gone)).unwrap();
    assert!(!receipt.was_stored && receipt.deleted_generations.is_empty());
    assert_eq!(wait(traces(&config, &gone)).unwrap(), []);
    assert!(nobody());
}

#[test]
fn a_backup_made_before_does_not_bring_them_back_and_one_made_after_they_came_again_does() {
    let (folder, config, community) = entangled();
    let file = folder.path().join("before.db");
    let made = wait(community.backup(&file)).unwrap();
    assert_eq!(made.members, 122);
    assert!(matches!(wait(community.backup(&file)), Err(CommunityError::Exists(_))));
    wait(community.forget(&id_of(ID))).unwrap();
    drop(community);

    let restored = wait(restore(&config, &file, None)).unwrap();
    assert_eq!((restored.members, restored.kept_out), (121, 1));
    assert_eq!(wait(traces(&config, &id_of(ID))).unwrap(), []);
    for held in [SECRET, LOOKED_UP] {
        assert_eq!(anywhere(&config, held.as_bytes()), [""; 0], "{held}");
    }
    wait(rebuild(&config, embedder(), false, |_| {})).unwrap();

    // A folder that was lost, but for its list of erasures.
    let elsewhere = common::config(&folder.path().join("elsewhere"));
    let list = config.index.join("forgotten.jsonl");
    assert_eq!(wait(restore(&elsewhere, &file, None)).unwrap().kept_out, 0, "nobody knows there");
    assert_eq!(wait(restore(&elsewhere, &file, Some(&list))).unwrap().kept_out, 1);

    let community = wait(Community::open_with(&config, embedder())).unwrap();
    wait(community.upsert(&[quixote()])).unwrap();
    let after = folder.path().join("after.db");
    wait(community.backup(&after)).unwrap();
    drop(community);
    assert_eq!(wait(restore(&config, &after, None)).unwrap().kept_out, 0, "they came again of their own will");
}

#[test]
fn what_is_no_backup_is_refused_and_the_database_stays() {
    let (folder, config, community) = entangled();
    drop(community);
    let file = folder.path().join("broken.db");
    let whole = fs::read(config.index.join("members.db")).unwrap();
    for bytes in [b"not a database".to_vec(), Vec::new(), whole[..whole.len() / 2].to_vec()] {
        fs::write(&file, bytes).unwrap();
        let refused = wait(restore(&config, &file, None)).unwrap_err().to_string();
        assert!(refused.contains("cannot be restored") && refused.contains("rapport backup"), "{refused}");
    }
    assert_eq!(wait(async { Store::open(&config.database()).await.unwrap().size().await.unwrap().0 }), 122);
    let community = wait(Community::open_with(&config, embedder())).unwrap();
    assert!(community.searcher().is_ok(), "the index is served on");
}

#[test]
fn a_member_is_given_all_that_is_held_on_them() {
    let (_folder, _, community) = entangled();
    let export = wait(community.export(&id_of(ID))).unwrap();
    assert_eq!(export.member.about.as_deref(), Some(SECRET));
    assert_eq!(export.listed_by.len(), 1, "who blocks them is not theirs to know: {export:?}");
    assert_eq!(export.generations, ["gen-000001", "gen-000002"]);
    assert!(export.embedded.contains(&"windmills".to_owned()), "{:?}", export.embedded);
    assert!(matches!(wait(community.export(&id_of("nobody"))), Err(CommunityError::Unknown(_))));
}

#[test]
fn the_last_member_can_be_forgotten_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    publish(&config, &[quixote()]);
    let community = wait(Community::open_with(&config, embedder())).unwrap();
    wait(community.forget(&id_of(ID))).unwrap();
    assert_eq!(wait(traces(&config, &id_of(ID))).unwrap(), []);
}

#[test]
fn an_erasure_that_was_broken_off_is_ended_by_whoever_opens_the_folder_next() {
    // As a crash leaves them: after the note, after the record is gone, after nothing names the member any more.
    for broken_off in ["noted", "erased", "unnamed"] {
        let (_folder, config, community) = entangled();
        wait(community.forget(&id_of("s-0000002"))).unwrap();
        let ledger = config.index.join("forgotten.jsonl");
        let finished = fs::read_to_string(&ledger).unwrap();
        wait(community.forget(&id_of(ID))).unwrap();
        // The same list without the last line, in which the erasure is done.
        let lines: Vec<String> = fs::read_to_string(&ledger).unwrap().lines().map(str::to_owned).collect();
        let mut noted = lines[..lines.len() - 1].join("\n") + "\n";
        assert!(noted.starts_with(&finished) && noted != finished, "one line more");
        if broken_off != "unnamed" {
            wait(community.upsert(&[quixote()])).unwrap();
            // It is this record that was to be forgotten.
            let (_, last) = wait(community.store().size()).unwrap();
            let line: serde_json::Value = serde_json::from_str(noted.lines().last().unwrap()).unwrap();
            noted = noted.replace(&format!("\"change\":{}", line["change"]), &format!("\"change\":{}", last + 1));
        }
        if broken_off == "erased" {
            wait(community.remove(&[id_of(ID)])).unwrap();
        }
        drop(community);
        fs::write(&ledger, noted).unwrap();
        let community = wait(Community::open_with(&config, embedder())).unwrap();
        assert_eq!(wait(traces(&config, &id_of(ID))).unwrap(), [], "{broken_off}");
        assert!(anywhere(&config, SECRET.as_bytes()).is_empty(), "{broken_off}");
        let last = fs::read_to_string(&ledger).unwrap().lines().last().unwrap().to_owned();
        assert!(last.contains("\"done\":true"), "{broken_off}: {last}");
        drop(community);
    }
}

#[test]
fn who_came_again_after_a_broken_off_erasure_stays() {
    let (_folder, config, community) = entangled();
    wait(community.forget(&id_of(ID))).unwrap();
    let ledger = config.index.join("forgotten.jsonl");
    let lines: Vec<String> = fs::read_to_string(&ledger).unwrap().lines().map(str::to_owned).collect();
    drop(community);
    fs::write(&ledger, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    // An import does not look at the list.
    wait(async { Store::open(&config.database()).await.unwrap().upsert(&[quixote()]).await.unwrap() });
    let community = wait(Community::open_with(&config, embedder())).unwrap();
    assert_eq!(wait(community.export(&id_of(ID))).unwrap().member, quixote());
    drop(community);
    let community = wait(Community::open_with(&config, embedder())).unwrap();
    assert!(wait(community.export(&id_of(ID))).is_ok(), "nor later");
}
