//! Damage to a generation's files, byte by byte: what is damaged is refused by name, or does no harm.
//!
//! Opening checks headers and directories only, so most damage to the arrays opens. Then nothing may panic, hang or read
//! out of bounds, nobody who may not be found is shown, and the full check names the file.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rapport::index::publish::{current, open_current};
use rapport::index::{IndexError, Snapshot};
use rapport::rebuild::rebuild;
use rapport::search::Searcher;
use rapport::store::Store;
use tempfile::TempDir;

use crate::common::{
    tiny,
    tiny::{FILES, Whole},
    wait,
};

/// Header and directory of an array file.
const START: usize = 4096;

/// What is done to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Turned { at: usize, bits: u8 },
    Cut { to: usize },
}

/// A generation of so many members in a folder of its own, and what it was.
fn generation(members: usize) -> (TempDir, Whole) {
    let folder = tempfile::tempdir().unwrap();
    let members = tiny::members(members);
    let generation = wait(tiny::publish(&tiny::config(folder.path()), &members));
    let whole = Whole::of(&Snapshot::open(&generation).unwrap(), &members);
    (folder, whole)
}

/// The same files in another folder.
fn copied(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let mut waiting = vec![folder.to_owned()];
    while let Some(from) = waiting.pop() {
        let to = copy.path().join(from.strip_prefix(folder).unwrap());
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(&from).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                waiting.push(entry);
            } else {
                match fs::copy(&entry, to.join(entry.file_name().unwrap())) {
                    // The database's log goes away when another test is done reading.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    copied => drop(copied.unwrap()),
                }
            }
        }
    }
    copy
}

/// Writes over a part of a file, which nobody may have mapped.
fn write_at(path: &Path, at: usize, bytes: &[u8]) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at as u64)).and_then(|_| file.write_all(bytes)).unwrap();
}

/// Does every damage to a copy, one after the other, and has each looked at; gives how many opened all the same. Whoever
/// looks must close the files again.
fn each(
    folder: &Path,
    damages: Vec<(&'static str, Damage)>,
    look: impl Fn(&Path, &str) -> Result<bool, String> + Send + Sync + 'static,
) -> usize {
    let tried = damages.len();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let doing = Arc::new(Mutex::new(vec![String::new(); workers]));
    let (damages, look, next) = (Arc::new(damages), Arc::new(look), Arc::new(AtomicUsize::new(0)));
    let (looked, outcomes) = mpsc::channel();
    for worker in 0..workers {
        let (damages, look, next) = (Arc::clone(&damages), Arc::clone(&look), Arc::clone(&next));
        let (looked, doing, copy) = (looked.clone(), Arc::clone(&doing), copied(folder));
        std::thread::spawn(move || {
            let index = copy.path().join("index");
            let generation = current(&index).unwrap();
            while let Some(&(name, damage)) = damages.get(next.fetch_add(1, Relaxed)) {
                let what = format!("{name}, {damage:?}");
                doing.lock().unwrap()[worker].clone_from(&what);
                let path = generation.join(name);
                let whole = fs::read(&path).unwrap();
                match damage {
                    Damage::Turned { at, bits } => write_at(&path, at, &[whole[at] ^ bits]),
                    Damage::Cut { to } => {
                        File::options().write(true).open(&path).and_then(|file| file.set_len(to as u64)).unwrap();
                    }
                }
                let outcome = catch_unwind(AssertUnwindSafe(|| look(&index, name)));
                match damage {
                    Damage::Turned { at, .. } => write_at(&path, at, &[whole[at]]),
                    Damage::Cut { to } => write_at(&path, to, &whole[to..]),
                }
                let outcome = outcome.unwrap_or_else(|_| Err("a panic".into()));
                looked.send(outcome.map_err(|problem| format!("{what}: {problem}"))).unwrap();
            }
        });
    }
    let (mut opened, mut wrong) = (0, Vec::new());
    for _ in 0..tried {
        match outcomes.recv_timeout(Duration::from_secs(60)) {
            Ok(Ok(open)) => opened += usize::from(open),
            Ok(Err(problem)) => wrong.push(problem),
            Err(_) => panic!("nothing for a minute; being tried: {:#?}", doing.lock().unwrap()),
        }
    }
    assert!(wrong.is_empty(), "{} of {tried} are wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    opened
}

/// Whether the current generation opens; if it does, everything is read and the full check must name the file.
fn read_as_it_is(index: &Path, name: &str, whole: &Whole) -> Result<bool, String> {
    let named = |error: &IndexError| matches!(error, IndexError::Damaged(damaged) if damaged.path.ends_with(name));
    match open_current(index) {
        Err(error) if named(&error) && error.to_string().contains(name) => Ok(false),
        Err(error) => Err(format!("another error: {error}")),
        Ok(snapshot) => {
            whole.read(&snapshot);
            match snapshot.verify().map_err(IndexError::from) {
                Err(error) if named(&error) => Ok(true),
                verified => Err(format!("the full check says {verified:?}")),
            }
        }
    }
}

fn length(folder: &Path, name: &str) -> usize {
    fs::metadata(current(&folder.join("index")).unwrap().join(name)).unwrap().len() as usize
}

#[test]
fn every_byte_turned_is_refused_by_name_or_does_no_harm_and_fails_the_full_check() {
    let (folder, whole) = generation(24);
    let mut damages = Vec::new();
    for name in FILES {
        for at in 0..length(folder.path(), name) {
            damages.push((name, Damage::Turned { at, bits: 1 << (at % 8) }));
            if at < START {
                damages.push((name, Damage::Turned { at, bits: 0xff }));
            }
        }
    }
    let tried = damages.len();
    let opened = each(folder.path(), damages, move |index, name| read_as_it_is(index, name, &whole));
    assert!(opened > tried / 10 && opened < tried, "{opened} of {tried} opened");
}

#[test]
fn every_cut_is_refused_by_name() {
    let (folder, whole) = generation(24);
    let mut damages = Vec::new();
    for name in FILES {
        let length = length(folder.path(), name);
        let cuts = (0..length).filter(|to| *to <= START || to % 64 == 0 || *to == length - 1);
        damages.extend(cuts.map(|to| (name, Damage::Cut { to })));
    }
    let opened = each(folder.path(), damages, move |index, name| read_as_it_is(index, name, &whole));
    assert_eq!(opened, 0);
}

#[test]
fn searches_of_a_damaged_generation_show_only_who_may_be_found() {
    // More mentors than are ranked without a walk.
    let (folder, whole) = generation(520);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut damages = Vec::new();
    for name in &FILES[..4] {
        let length = length(folder.path(), name);
        let places = (0..200).map(|_| random.random_range(64..START)).collect::<Vec<_>>();
        let places = places.into_iter().chain((0..300).map(|_| random.random_range(START..length)));
        damages.extend(places.map(|at| (*name, Damage::Turned { at, bits: [0xff, 0x80, 0x01][at % 3] })));
    }
    let root = folder.path().to_owned();
    let searcher = wait(Searcher::open_with(&tiny::config(&root), tiny::embedder())).unwrap();
    assert!(wait(whole.ask(&searcher, tiny::requests())) == tiny::requests().len(), "every search is answered");
    let opened = each(folder.path(), damages, move |index, _| {
        let config = tiny::config(index.parent().unwrap());
        match wait(Searcher::open_with(&config, tiny::embedder())) {
            Ok(searcher) => {
                wait(whole.ask(&searcher, tiny::requests()));
                Ok(true)
            }
            Err(_) => Ok(false),
        }
    });
    assert!(opened > 500, "{opened} opened");
}

#[test]
fn a_rebuild_carries_no_damage_over() {
    // As many as are carried over, and one more in the night.
    let (before, after) = (60, tiny::members(61));
    let (folder, _) = generation(before);
    let facets = |index: &Path| {
        let folder = current(index).unwrap();
        ["profile.facet", "interests.facet"].map(|name| fs::read(folder.join(name)).unwrap())
    };
    let night = |folder: &Path, full: bool| {
        let config = tiny::config(folder);
        wait(async {
            Store::open(&config.database()).await.unwrap().upsert(&after).await.unwrap();
            rebuild(&config, tiny::embedder(), full, |_| {}).await
        })
    };
    let whole = copied(folder.path());
    night(whole.path(), false).unwrap();
    let carried = facets(&whole.path().join("index"));
    let anew = copied(folder.path());
    night(anew.path(), true).unwrap();
    let anew = facets(&anew.path().join("index"));
    assert_ne!(carried, anew, "an undamaged graph is carried over");

    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut wrong = Vec::new();
    for name in ["profile.facet", "interests.facet", "texts.vectors"] {
        for _ in 0..40 {
            let copy = copied(folder.path());
            let index = copy.path().join("index");
            let path = current(&index).unwrap().join(name);
            let bytes = fs::read(&path).unwrap();
            let (at, bits) = (random.random_range(START..bytes.len()), [0xff, 0x80, 0x01][random.random_range(0..3)]);
            write_at(&path, at, &[bytes[at] ^ bits]);
            let what = format!("{name}, byte {at} ^ {bits:#x}");
            match catch_unwind(AssertUnwindSafe(|| night(copy.path(), false))) {
                Err(_) => wrong.push(format!("{what}: a panic")),
                Ok(Err(error)) => wrong.push(format!("{what}: {error}")),
                Ok(Ok(_)) if facets(&index) != anew => wrong.push(format!("{what}: carried over")),
                Ok(Ok(_)) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

/// What opening says when a file holds this instead.
fn said_of(index: &Path, name: &str, bytes: &[u8]) -> String {
    let path = current(index).unwrap().join(name);
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    let error = open_current(index).map(drop).unwrap_err();
    fs::write(&path, whole).unwrap();
    assert!(matches!(&error, IndexError::Damaged(damaged) if damaged.path == path), "{name}: {error:?}");
    error.to_string()
}

#[test]
fn what_is_no_file_of_ours_is_refused_by_name() {
    let (folder, _) = generation(24);
    let (other, _) = generation(25);
    let (index, other) = (folder.path().join("index"), current(&other.path().join("index")).unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(8);
    for name in FILES {
        let noise: Vec<u8> = (0..length(folder.path(), name)).map(|_| random.random()).collect();
        let zip: Vec<u8> = b"PK\x03\x04\x14\0\0\0\x08\0".iter().copied().chain([0; 8_000]).collect();
        let ours = fs::read(index.join("CURRENT").with_file_name("members.db")).unwrap();
        for bytes in [&noise[..], &noise[..10], &[], &zip, &[0; 5_000], &ours] {
            let said = said_of(&index, name, bytes);
            assert!(said.contains(name) && said.ends_with("run `rapport rebuild`"), "{said}");
        }
        if name != "manifest.json" {
            let said = said_of(&index, name, &fs::read(other.join(name)).unwrap());
            assert!(said.contains("is not the file that the manifest was written for"), "{said}");
        }
    }
    // A folder in a file's place.
    let path = current(&index).unwrap().join("profile.facet");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = open_current(&index).map(drop).unwrap_err();
    assert!(matches!(&error, IndexError::Damaged(damaged) if damaged.path == path), "{error:?}");
}

#[test]
fn a_later_format_is_named_with_ours() {
    let (folder, _) = generation(24);
    let index = folder.path().join("index");
    let generation = current(&index).unwrap();
    for name in &FILES[..4] {
        let mut bytes = fs::read(generation.join(name)).unwrap();
        let ours = u32::from_le_bytes(*bytes[8..].first_chunk().unwrap());
        bytes[8..12].copy_from_slice(&(ours + 1).to_le_bytes());
        // Whatever else a later format changes.
        bytes[12..4096].fill(0xaa);
        let said = said_of(&index, name, &bytes);
        let expected = format!("{name}: has format version {}; this program reads {ours}", ours + 1);
        assert!(said.contains(&expected), "{said}");
        assert_eq!(said.matches("run `rapport rebuild`").count(), 1, "{said}");
    }
    let ours = fs::read(generation.join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(&ours).unwrap();
    let format = manifest["format"].as_u64().unwrap();
    manifest["format"] = (format + 1).into();
    let expected = format!("manifest.json: has format {}; this program reads {format}", format + 1);
    for manifest in [manifest, serde_json::json!({ "format": format + 1, "segments": [] })] {
        let said = said_of(&index, "manifest.json", &serde_json::to_vec(&manifest).unwrap());
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn every_byte_of_current_turned_or_cut_is_refused_or_means_the_same() {
    let (folder, _) = generation(24);
    let index = folder.path().join("index");
    let path = index.join("CURRENT");
    let whole = fs::read(&path).unwrap();
    let name = open_current(&index).unwrap().name();
    let turned = (0..whole.len()).flat_map(|at| (0..=255).map(move |bits| (at, bits)));
    let turned = turned.map(|(at, bits)| {
        let mut bytes = whole.clone();
        bytes[at] ^= bits;
        bytes
    });
    for bytes in turned.chain((0..whole.len()).map(|length| whole[..length].to_vec())) {
        fs::write(&path, &bytes).unwrap();
        match open_current(&index) {
            Ok(snapshot) => assert_eq!(String::from_utf8(bytes).unwrap().trim(), snapshot.name()),
            Err(error) => assert!(error.to_string().contains(&*index.to_string_lossy()), "{error}"),
        }
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(open_current(&index).unwrap().name(), name);
}
