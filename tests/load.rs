//! The service under load: more requests than it takes, clients that are slow or send nonsense, rebuilds and changes in the
//! middle of it, and the end of it.
//!
//! `SOAK=600 cargo test --release load::` goes on for so many seconds; `MALFORMED=100000` sends more nonsense.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rapport::config::Config;
use rapport::member::Member;
use rapport::sample::Community;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{
    self, embedder,
    http::{Response, Service},
    program,
};

const SEED: u64 = 20_261_124;

/// An invented community, indexed once and copied for each test.
fn community() -> (TempDir, Config) {
    static BUILT: OnceLock<(TempDir, Config)> = OnceLock::new();
    let (_, built) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let config = common::config(folder.path());
        // The program does not fetch the model by itself.
        embedder();
        let sample = folder.path().join("sample.jsonl");
        Community::new(400, 42).write(&mut fs::File::create(&sample).unwrap()).unwrap();
        // By processes that have ended: nobody has the files open any more.
        for arguments in [&["import", sample.to_str().unwrap()][..], &["rebuild"]] {
            let output = program(&config, arguments).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        (folder, config)
    });
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let copied = std::process::Command::new("cp").arg("-r").args([&built.index, &config.index]).status().unwrap();
    assert!(copied.success());
    (folder, config)
}

/// Members who may be matched.
fn adults() -> Vec<Member> {
    Community::new(400, 42).iter().filter(|member| member.adult != Some(false)).collect()
}

/// Tells the others to stop.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn number_of(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

#[test]
fn more_requests_than_may_wait_are_refused_at_once() {
    let (_folder, config) = community();
    let service = Service::start(&config, &["--set", "server.at_once=1", "--set", "server.queue=3"]);
    service.post("/v1/search", &json!({"text": "wakes the model"}));
    let (answered, refused, slowest) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Duration::ZERO));
    std::thread::scope(|scope| {
        for client in 0..24 {
            let (service, answered, refused, slowest) = (&service, &answered, &refused, &slowest);
            scope.spawn(move || {
                for turn in 0..10 {
                    let begun = Instant::now();
                    let response = service.post("/v1/search", &json!({"text": format!("nurse {client} of {turn}")}));
                    match response.status {
                        200 => answered.fetch_add(1, Ordering::Relaxed),
                        _ => {
                            assert_eq!(response.problem(), (503, "busy".into(), String::new()));
                            assert_eq!(response.header("retry-after"), "1");
                            let mut slowest = slowest.lock().unwrap();
                            *slowest = begun.elapsed().max(*slowest);
                            refused.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                }
            });
        }
    });
    assert!(answered.load(Ordering::Relaxed) >= 10 && refused.load(Ordering::Relaxed) >= 10);
    assert!(*slowest.lock().unwrap() < Duration::from_secs(2), "refusing waits for nothing");
    assert_eq!(service.get("/v1/status").json()["requests"], 1, "all places are free again but its own");
}

#[test]
fn slow_clients_hold_up_nobody() {
    let (_folder, config) = community();
    let flags = ["--set", "server.at_once=1", "--set", "server.queue=0", "--set", "server.patience=1"];
    let service = Service::start(&config, &flags);
    let starts: [&[u8]; 4] = [
        b"",
        b"GET /v1/members/s-00",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{\"te",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"",
    ];
    let mut slow: Vec<TcpStream> = Vec::new();
    for at in 0..80 {
        let mut stream = TcpStream::connect(service.address()).unwrap();
        stream.write_all(starts[at % starts.len()]).unwrap();
        slow.push(stream);
    }
    for _ in 0..20 {
        assert_eq!(service.get("/v1/members/s-0000001/mentors").status, 200);
    }
    let (mut told, waited) = (0, Instant::now());
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        told += usize::from(answer.starts_with("HTTP/1.1 408"));
    }
    assert!(told >= 40, "{told} were told that they are slow");
    assert!(waited.elapsed() < Duration::from_secs(60), "none of them keeps its connection");
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn nothing_takes_longer_than_the_deadline() {
    let (_folder, config) = community();
    let flags = ["--set", "server.deadline=1", "--set", "server.at_once=1", "--set", "server.rate=0"];
    let service = Service::start(&config, &flags);
    service.post("/v1/search", &json!({"text": "wakes the model"}));
    // Texts of many pieces keep the model busy for longer than a second.
    let long = |client: usize| {
        let words: Vec<String> = (0..1_400).map(|at| format!("w{client}x{at}")).collect();
        json!({"text": words.join(" ").chars().take(9_990).collect::<String>()})
    };
    let late = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for client in 0..12 {
            let (service, late) = (&service, &late);
            scope.spawn(move || {
                let begun = Instant::now();
                let response = service.post("/v1/search", &long(client));
                assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
                if response.status != 200 {
                    assert_eq!(response.problem(), (504, "deadline".into(), String::new()));
                    late.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(late.load(Ordering::Relaxed) > 0);
    assert_eq!(service.get("/v1/members/s-0000001/mentors").status, 200);
}

/// A request that was right once.
fn malformed(random: &mut ChaCha8Rng) -> Vec<u8> {
    const TEXTS: [&str; 12] = [
        "GET /v1/members/s-0000001/mentors?k=10&filter=country%3DUS HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /v1/explain?mentee=s-0000001&mentor=s-0000002 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /v1/rebuild HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        r#"{"text": "I want to become a nurse", "k": 3, "filter": {"country": ["US"], "within": {"km": 50, "of": [42.3, -71.0]}}}"#,
        r#"{"member": "s-0000001", "weights": {"profession": 0.4}, "known": "include", "explain": false}"#,
        r#"{"profile": {"aims_for": "Nurse", "interests": ["jazz"], "education": [{"school": "UMass", "year": 2009}], "location": {"lat": 1, "lon": 2}}}"#,
        r#"{"interests": ["jazz", "chess"], "filter": {"time_zone_gap": 3}}"#,
        r#"{"profession": "Nurse", "viewer": "s-0000001"}"#,
        r#"{"full": true, "accept_loss": 7}"#,
        r#"{"id": "q", "roles": ["mentor"], "years_experience": 3, "friends": ["s-0000001"], "private": ["about"]}"#,
        "",
    ];
    const ODD: [&[u8]; 14] = [
        b"\xff\xfe",
        b"\0",
        b"1e999",
        b"-1e-999",
        b"99999999999999999999999999",
        b"NaN",
        b"\"\\ud800\"",
        b"null",
        b"[[[[[[[[",
        b"{\"a\":",
        b"\r\n",
        b"%00%ff%zz",
        b"\xf0\x9f\x92\xa9",
        b"\"\"",
    ];
    let text = *TEXTS.choose(random).unwrap();
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.random_range(0..4) {
        let at = random.random_range(0..=bytes.len());
        let until = random.random_range(at..=bytes.len().min(at + 12));
        match random.random_range(0..5) {
            0 => drop(bytes.splice(at..until, ODD.choose(random).unwrap().iter().copied())),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, ODD.choose(random).unwrap().repeat(random.random_range(1..2_000)))),
            3 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.random()),
            _ => drop(bytes.drain(at..until)),
        }
    }
    if text.starts_with("GET") {
        return bytes;
    }
    let (method, path) = [
        ("POST", "/v1/search"),
        ("POST", "/v1/members"),
        ("PUT", "/v1/members/q"),
        ("POST", "/v1/reload"),
        ("DELETE", "/v1/members/%ff"),
    ]
    .choose(random)
    .unwrap();
    let length = match random.random_range(0..12) {
        0 => bytes.len() + 7,
        1 => bytes.len() / 2,
        2 => usize::MAX,
        _ => bytes.len(),
    };
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    match random.random_range(0..10) {
        0 => head += "Transfer-Encoding: chunked\r\n",
        1 => head += &format!("X-Flood: {}\r\n", "x".repeat(20_000)),
        2 => (0..300).for_each(|at| head += &format!("X-{at}: y\r\n")),
        3 => head += "Content-Length: -1\r\n",
        _ => head += &format!("Content-Length: {length}\r\n"),
    }
    let kind = ["application/json", "application/x-ndjson", "text/plain", ""].choose(random).unwrap();
    head += &format!(
        "Content-Type: {kind}\r\nAuthorization: {}\r\n\r\n",
        ["Bearer x", "Basic eA==", "\u{fe}", ""].choose(random).unwrap()
    );
    if random.random_bool(0.7) {
        head =
            head.lines().filter(|line| !line.starts_with("Authorization")).map(|line| format!("{line}\r\n")).collect();
    }
    [head.into_bytes(), bytes].concat()
}

#[test]
fn malformed_requests_break_nothing() {
    let (_folder, config) = community();
    let service = Service::start(&config, &["--set", "server.patience=1"]);
    let whole = |service: &Service| service.get("/v1/members/s-0000001/mentors");
    whole(&service);
    let (files, memory) = (service.open_files(), service.memory());
    let (total, broken) = (number_of("MALFORMED", 10_000), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for client in 0..16 {
            let (service, broken) = (&service, &broken);
            scope.spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(SEED + client);
                for _ in 0..total / 16 {
                    let request = malformed(&mut random);
                    let answer = service.raw(&request, Duration::from_millis(100));
                    let status = answer.get(9..12).unwrap_or_default();
                    if answer.starts_with("HTTP/1.1 5") && status != "503" {
                        broken.fetch_add(1, Ordering::Relaxed);
                        eprintln!("{}\n{answer}", String::from_utf8_lossy(&request));
                    }
                }
            });
        }
    });
    assert_eq!(broken.load(Ordering::Relaxed), 0);
    let log = service.log();
    assert!(!log.contains("panic"), "{log}");
    assert_eq!(whole(&service).status, 200);
    // Connections end a moment after their answers.
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(service.open_files() <= files + 8, "{} open files, {files} before", service.open_files());
    assert!(service.memory() < memory + 300_000, "{} kB, {memory} before", service.memory());
    assert_eq!(service.end(), Some(0));
}

#[test]
fn rebuilds_and_changes_under_load_lose_and_mix_no_answer() {
    let (folder, config) = community();
    let options = folder.path().join("options.toml");
    fs::write(&options, "[rebuild]\nkeep = 2\n[server]\nqueue = 1000\n").unwrap();
    let service = Service::start(&config, &["--config", options.to_str().unwrap()]);
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen: Mutex<HashMap<(String, String), blake3::Hash>> = Mutex::default();
    let adults = &adults();
    let check = |what: &str, response: Response| {
        assert_eq!(response.status, 200, "{what}: {}", response.text());
        asked.fetch_add(1, Ordering::Relaxed);
        let body = response.json();
        let state = body["state"].as_str().unwrap().to_owned();
        assert_eq!(response.header("rapport-state"), state);
        let hash = blake3::hash(&response.body);
        let before = seen.lock().unwrap().insert((what.to_owned(), state.clone()), hash);
        assert!(before.is_none_or(|before| before == hash), "two answers to {what} at {state}");
    };
    std::thread::scope(|scope| {
        for client in 0..6_usize {
            let (service, done, check) = (&service, &done, &check);
            scope.spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(SEED + client as u64);
                while !done.load(Ordering::Relaxed) {
                    let member = random.random_range(0..30);
                    if client == 0 {
                        let request = json!({"text": format!("a mentor for {}", member % 3)});
                        check(&request.to_string(), service.post("/v1/search", &request));
                    } else {
                        let path = format!("/v1/members/{}/mentors?k=5", adults[member].id);
                        check(&path, service.get(&path));
                    }
                }
            });
        }
        let upserts = scope.spawn(|| {
            let mut written = 0;
            while !done.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let changed =
                    Member { capacity: Some(written as u32 % 7), ..adults[written * 13 % adults.len()].clone() };
                let path = format!("/v1/members/{}", changed.id);
                assert_eq!(service.put(&path, &serde_json::to_value(&changed).unwrap()).status, 200);
                written += 1;
                std::thread::sleep(Duration::from_millis(10).saturating_sub(begun.elapsed()));
            }
            written
        });
        // Also where this stops early.
        let _over = Over(&done);
        for generation in 2..22 {
            let new = json!({"roles": ["mentee"], "headline": format!("Number {generation}")});
            assert_eq!(service.put(&format!("/v1/members/new-{generation}"), &new).status, 201);
            let begun = service.post("/v1/rebuild", &json!({}));
            assert_eq!(begun.status, 202, "{}", begun.text());
            service.get("/v1/rebuild/events");
            let night = service.get("/v1/rebuild").json();
            assert_eq!(night["last"]["generation"], format!("gen-{generation:06}"), "{night}");
        }
        done.store(true, Ordering::Relaxed);
        assert!(upserts.join().unwrap() > 20);
    });
    let generations: std::collections::BTreeSet<String> =
        seen.lock().unwrap().keys().map(|(_, state)| state.split('+').next().unwrap().to_owned()).collect();
    assert!(generations.len() >= 15, "{generations:?}");
    assert!(asked.load(Ordering::Relaxed) > 200);
}

#[test]
fn a_soak_leaves_memory_and_files_as_they_were() {
    let (_folder, config) = community();
    let service = Service::start(&config, &["--set", "server.remembered_answers=1"]);
    let adults = &adults();
    let soak = |seconds: u64| {
        let until = Instant::now() + Duration::from_secs(seconds);
        std::thread::scope(|scope| {
            for client in 0..8 {
                let service = &service;
                scope.spawn(move || {
                    let mut random = ChaCha8Rng::seed_from_u64(SEED + client);
                    while Instant::now() < until {
                        let member = adults.choose(&mut random).unwrap();
                        assert_eq!(service.get(&format!("/v1/members/{}/mentors", member.id)).status, 200);
                        if client == 0 {
                            let text = format!("somebody who knows {}", random.random_range(0..1_000_000));
                            assert_eq!(service.post("/v1/search", &json!({"text": text})).status, 200);
                            let changed = Member { capacity: Some(random.random_range(1..5)), ..member.clone() };
                            let path = format!("/v1/members/{}", changed.id);
                            assert_eq!(service.put(&path, &serde_json::to_value(&changed).unwrap()).status, 200);
                        }
                    }
                });
            }
        });
    };
    let seconds = number_of("SOAK", 15) as u64;
    soak(seconds / 2);
    let (files, memory) = (service.open_files(), service.memory());
    soak(seconds);
    let (files_after, memory_after) = (service.open_files(), service.memory());
    assert!(files_after <= files + 8, "{files} open files, then {files_after}");
    assert!(memory_after < memory + memory / 5 + 20_000, "{memory} kB, then {memory_after}");
    assert_eq!(service.end(), Some(0));
}

#[test]
fn a_rebuild_that_has_begun_is_published_before_the_service_ends() {
    let (_folder, config) = community();
    let service = Service::start(&config, &[]);
    assert_eq!(service.post("/v1/rebuild", &json!({"full": true})).status, 202);
    assert_eq!(service.post("/v1/rebuild", &json!({})).problem(), (409, "conflict".into(), String::new()));
    assert_eq!(service.end(), Some(0));
    assert!(rapport::index::publish::current(&config.index).unwrap().ends_with("gen-000002"));
}

#[test]
fn a_request_that_has_begun_is_answered_before_the_service_ends() {
    let (_folder, config) = community();
    let service = Service::start(&config, &[]);
    let (address, mut answer) = (service.address(), String::new());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"DELETE /v1/members/s-0000005 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let ended = std::thread::spawn(move || service.end());
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"was_stored\":true"), "{answer}");
    assert_eq!(ended.join().unwrap(), Some(0));
    assert!(TcpStream::connect(address).is_err());
}
