//! Generations: the same members make the same bytes, a published one never changes, a damaged one is refused.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use rapport::config::Config;
use rapport::index::{IndexError, Snapshot, publish::current};
use rapport::member::Member;
use rapport::rebuild::{Progress, RebuildError, rebuild};
use rapport::sample::{Community, DEMO_TEXT};
use rapport::search::{SearchError, SearchRequest, Searcher};
use rapport::store::{Store, StoreError};

use crate::common::{self, by_member, by_text, embedder, find, indexed, mentor, open, publish, wait};

fn members(count: u32) -> Vec<Member> {
    Community::new(count, 11).iter().collect()
}

/// Every file of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entry = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    fs::read_dir(folder).unwrap().map(|file| entry(file.unwrap().path())).collect()
}

/// The manifest without what differs from build to build.
fn lasting(manifest: &[u8]) -> serde_json::Value {
    let mut manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
    let fields = manifest.as_object_mut().unwrap();
    for field in ["generation", "created", "previous", "seconds", "sequence", "checksum"] {
        fields.remove(field);
    }
    manifest
}

#[test]
fn a_full_build_depends_on_members_model_and_seed_only() {
    let members = members(260);
    let build = |order: &[Member], batch: usize, threads: usize| {
        let folder = tempfile::tempdir().unwrap();
        let config = common::config(folder.path());
        wait(async {
            let store = Store::create(&config.database()).await.unwrap();
            for some in order.chunks(batch) {
                store.upsert(some).await.unwrap();
            }
        });
        // A process of its own: rayon's pool has one size a process.
        let options = folder.path().join("rapport.toml");
        fs::write(&options, format!("[model]\nthreads = {threads}\n")).unwrap();
        let built = std::process::Command::new(env!("CARGO_BIN_EXE_rapport"))
            .env("RAYON_NUM_THREADS", threads.to_string())
            .args([Path::new("--config"), &options, Path::new("--models"), &config.models])
            .args([Path::new("--index"), &config.index, Path::new("rebuild")])
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let files = files(&current(&config.index).unwrap());
        (folder, files)
    };
    let backwards: Vec<Member> = members.iter().rev().cloned().collect();
    let (_first, expected) = build(&members, 1_000, 2);
    assert_eq!(expected.len(), 5, "{:?}", expected.keys());
    for (order, batch, threads) in [(&backwards, 7, 1), (&members, 100, 4)] {
        let (_other, files) = build(order, batch, threads);
        assert_eq!(files.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, bytes) in &expected {
            if name == "manifest.json" {
                assert_eq!(lasting(bytes), lasting(&files[name]));
            } else {
                assert!(*bytes == files[name], "{name} differs");
            }
        }
    }
}

#[test]
fn a_night_is_the_same_on_any_number_of_threads() {
    let members = members(160);
    let nights = |threads: usize| {
        let folder = tempfile::tempdir().unwrap();
        let config = common::config(folder.path());
        let mut files_of_nights = Vec::new();
        for night in 0..3 {
            wait(async {
                let store = Store::create(&config.database()).await.unwrap();
                match night {
                    0 => assert_eq!(store.upsert(&members[..150]).await.unwrap().added, 150),
                    // Who comes is listed by some who were there; who goes, too; some say something else.
                    1 => {
                        store.upsert(&members[150..]).await.unwrap();
                        store.remove(&[members[3].id.clone(), members[70].id.clone()]).await.unwrap();
                    }
                    _ => {
                        let other =
                            |at: usize| Member { headline: Some(format!("Glazier {at}")), ..members[at].clone() };
                        let changed = store.upsert(&[other(20), other(90), other(151)]).await.unwrap().changed;
                        assert_eq!(changed, 3);
                    }
                }
            });
            let built = std::process::Command::new(env!("CARGO_BIN_EXE_rapport"))
                .env("RAYON_NUM_THREADS", threads.to_string())
                .args([Path::new("--models"), &config.models, Path::new("--index"), &config.index])
                .arg("rebuild")
                .output()
                .unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            files_of_nights.push(files(&current(&config.index).unwrap()));
        }
        // What is not the graph is what a full build makes.
        wait(rebuild(&config, embedder(), true, |_| {})).unwrap();
        let full = files(&current(&config.index).unwrap());
        for name in ["members.columns", "texts.vectors"] {
            assert!(files_of_nights[2][name] == full[name], "{name} differs from a full build's");
        }
        files_of_nights
    };
    for (one, four) in nights(1).iter().zip(&nights(4)) {
        for (name, bytes) in one {
            if name == "manifest.json" {
                assert_eq!(lasting(bytes), lasting(&four[name]));
            } else {
                assert!(*bytes == four[name], "{name} differs");
            }
        }
    }
}

#[test]
fn another_seed_makes_another_graph_and_the_same_answers_to_a_full_ranking() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = common::config(folder.path());
    publish(&config, &members(200));
    let one = open(&config);
    let first = files(&current(&config.index).unwrap());
    config.graph.seed = 43;
    publish(&config, &[]);
    let second = files(&current(&config.index).unwrap());
    assert_eq!(first["members.columns"], second["members.columns"]);
    assert_eq!(first["texts.vectors"], second["texts.vectors"]);
    assert_ne!(first["profile.facet"], second["profile.facet"]);
    drop(one);
}

#[test]
fn nothing_is_embedded_twice() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let members = members(60);
    let first = publish(&config, &members);
    assert_eq!(first.embedded, first.manifest.counts.texts);
    assert_eq!(publish(&config, &members).embedded, 0);
    let changed = Member { offers: Some("a text that nobody said before".into()), ..members[0].clone() };
    // The text itself, and the profile that holds it.
    assert_eq!(publish(&config, &[changed]).embedded, 2);
}

#[test]
fn a_published_generation_never_changes_and_the_last_two_are_kept() {
    let (_folder, config, searcher) = indexed(&members(60));
    let first = current(&config.index).unwrap();
    let before = files(&first);
    let answer = find(&searcher, by_text(DEMO_TEXT));
    publish(&config, &[mentor("new")]);
    assert_eq!(files(&first), before);
    assert_eq!(find(&searcher, by_text(DEMO_TEXT)).hits, answer.hits, "an open snapshot answers as before");
    publish(&config, &[mentor("newer")]);
    assert!(!first.exists(), "the one before the last is pruned");
    assert_eq!(find(&searcher, by_text(DEMO_TEXT)).hits, answer.hits, "and still answers those who have it open");
    assert_eq!(current(&config.index).unwrap().file_name().unwrap(), "gen-000003");
}

/// Opens the current generation and searches it, with no regard for checksums.
fn use_as_it_is(config: &Config, members: &[Member]) -> Result<(), SearchError> {
    let searcher = wait(Searcher::open_with(config, embedder()))?;
    let k = Some(50);
    for member in members.iter().filter(|member| member.adult == Some(true)).take(3) {
        wait(searcher.search(SearchRequest { k, ..by_member(member.id.as_str()) }))?;
    }
    let mut filtered = SearchRequest { k, ..by_text("chess") };
    for filter in ["country=US", "country=MX", "language=en", "within=9000km@40,-100", "capacity=1"] {
        filtered.filter.add(filter).unwrap();
    }
    wait(searcher.search(filtered))?;
    Ok(())
}

#[test]
fn damage_is_refused_by_name_and_never_a_panic() {
    let members = members(120);
    let (_folder, mut config, searcher) = indexed(&members);
    drop(searcher);
    // So small a pool that the graph is walked, not scanned.
    (config.search.ef, config.search.candidates) = (1, 1);
    let folder = current(&config.index).unwrap();
    std::panic::set_hook(Box::new(|_| {}));
    let mut wrong = Vec::new();
    for (name, whole) in files(&folder) {
        let path = folder.join(&name);
        let mut damaged: Vec<(String, Vec<u8>)> = Vec::new();
        for length in [0, 1, 63, 4095, whole.len() / 2, whole.len() - 1] {
            damaged.push((format!("cut to {length}"), whole[..length.min(whole.len() - 1)].to_vec()));
        }
        // Some bytes of the header and directory, then a spread over the rest; all bits set, or one turned.
        let early = (0..whole.len().min(4096)).step_by(37);
        let late = (4096..whole.len()).step_by((whole.len() / 30).max(1));
        for at in early.chain(late) {
            for turned in [0x01, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= turned;
                damaged.push((format!("byte {at} ^ {turned:#x}"), bytes));
            }
        }
        for (what, bytes) in damaged {
            // Another file, not the same one written over: whoever has the old one mapped keeps it.
            fs::remove_file(&path).unwrap();
            fs::write(&path, &bytes).unwrap();
            let refused = catch_unwind(|| Snapshot::open(&folder).and_then(|snapshot| Ok(snapshot.verify()?)));
            match refused {
                Ok(Err(error @ IndexError::Damaged(_))) if error.to_string().contains(&name) => {}
                Ok(Err(error)) if name == "manifest.json" && error.to_string().contains(&*folder.to_string_lossy()) => {
                }
                other => wrong.push(format!("{name}, {what}: {other:?}")),
            }
            if catch_unwind(AssertUnwindSafe(|| drop(use_as_it_is(&config, &members)))).is_err() {
                wrong.push(format!("{name}, {what}: using it panics"));
            }
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, &whole).unwrap();
    }
    let _ = std::panic::take_hook();
    assert!(wrong.is_empty(), "{} of the damages pass: {:#?}", wrong.len(), &wrong[..wrong.len().min(30)]);
    use_as_it_is(&config, &members).unwrap();
}

#[test]
fn damage_that_opening_does_not_see_is_found_in_the_background() {
    let (_folder, config, searcher) = indexed(&members(20));
    searcher.verify_in_background().join().unwrap();
    wait(searcher.search(by_text("chess"))).expect("a whole index stays in use");
    let path = current(&config.index).unwrap().join("texts.vectors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    let searcher = wait(Searcher::open_with(&config, embedder())).expect("headers are whole");
    wait(searcher.search(by_text("chess"))).expect("nothing was found yet");
    searcher.verify_in_background().join().unwrap();
    let error = wait(searcher.search(by_text("chess"))).unwrap_err().to_string();
    assert!(error.contains("texts.vectors") && error.contains("checksum"), "{error}");
}

#[test]
fn a_missing_file_is_refused_by_name() {
    let (_folder, config, _) = indexed(&members(20));
    let folder = current(&config.index).unwrap();
    for (name, whole) in files(&folder) {
        fs::remove_file(folder.join(&name)).unwrap();
        let error = wait(Searcher::open(&config)).map(drop).unwrap_err();
        assert!(error.to_string().contains(&name) && error.to_string().contains("rapport rebuild"), "{error}");
        assert!(!error.is_callers());
        fs::write(folder.join(&name), whole).unwrap();
    }
}

#[test]
fn a_current_that_is_missing_or_nonsense_says_what_to_do() {
    let (_folder, config, _) = indexed(&members(20));
    let path = config.index.join("CURRENT");
    let error = |content: Option<&[u8]>| {
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        wait(Searcher::open(&config)).map(drop).unwrap_err().to_string()
    };
    for (content, said) in [
        (&b""[..], "names \"\"; expected a generation such as \"gen-000001\""),
        (b"../../etc", "names \"../../etc\"; expected a generation"),
        (b"gen-..", "expected a generation"),
        (b"gen-000009\n", "run `rapport rebuild`"),
        (b"\xff\xfe", "CURRENT"),
    ] {
        let error = error(Some(content));
        assert!(error.contains(said), "{error}");
    }
    assert!(error(None).contains("no index yet") && !path.exists());
    // The next build mends it.
    publish(&config, &[]);
    wait(Searcher::open(&config)).unwrap();
}

#[test]
fn what_an_interrupted_build_left_is_cleared_away() {
    let (_folder, config, _) = indexed(&members(20));
    let left = config.index.join("gen-000002.staging");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("profile.facet"), "half").unwrap();
    fs::write(config.index.join("CURRENT.new"), "gen-0000").unwrap();
    let rebuilt = publish(&config, &[mentor("new")]);
    wait(Searcher::open(&config)).unwrap();
    assert!(!left.exists() && !config.index.join("CURRENT.new").exists());
    assert!(rebuilt.manifest.generation >= 2);
}

#[test]
fn of_two_builds_at_once_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    wait(async { Store::create(&config.database()).await.unwrap().upsert(&[common::mentor("a")]).await.unwrap() });
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let first = {
        let config = config.clone();
        std::thread::spawn(move || {
            wait(rebuild(&config, embedder(), false, move |progress| {
                if progress == Progress::Building {
                    begun.send(()).unwrap();
                    may_go_on.lock().unwrap().recv().unwrap();
                }
            }))
        })
    };
    has_begun.recv().unwrap();
    let error = wait(rebuild(&config, embedder(), false, |_| {})).unwrap_err();
    assert!(matches!(error, RebuildError::Store(StoreError::Locked(_))), "{error}");
    assert!(error.to_string().contains("another rapport process is writing"), "{error}");
    go_on.send(()).unwrap();
    first.join().unwrap().unwrap();
    wait(rebuild(&config, embedder(), false, |_| {})).unwrap();
}

#[test]
fn an_index_of_another_model_is_refused() {
    use rapport::embed::{EmbedError, Embedder, Model, UnitVector};
    struct Other(Model);
    impl Embedder for Other {
        fn model(&self) -> &Model {
            &self.0
        }
        fn embed(&self, _: &[&str]) -> Result<Vec<UnitVector>, EmbedError> {
            unreachable!("never run")
        }
    }
    let (_folder, config, _) = indexed(&members(20));
    let mut model = embedder().model().clone();
    model.content.push('x');
    let error = wait(Searcher::open_with(&config, std::sync::Arc::new(Other(model)))).map(drop).unwrap_err();
    assert!(matches!(error, SearchError::OtherModel { .. }), "{error}");
    assert!(error.to_string().ends_with("run `rapport rebuild`"), "{error}");
}
