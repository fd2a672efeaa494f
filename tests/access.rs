//! Who may ask the service for what: keys, members' tokens, scopes, limits, TLS, and what others never see.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use rapport::config::Config;
use rapport::member::Member;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{
    self,
    http::{Response, Service},
    ids_of, mentee, mentor, program, publish, strings,
};

const SECRET: &str = "a secret of the community's own, of 32 bytes at least";

/// Ada seeks and has private things; Bea is a mentor who lists Hal; Eve blocks Ada; Hal keeps whom he knows private.
fn community() -> (TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    let nurse = |id: &str| Member { profession: Some("Nurse".into()), ..mentor(id) };
    publish(
        &config,
        &[
            Member {
                aims_for: Some("Nurse".into()),
                facing: strings(&["planted-facing"]),
                about: Some("planted-about".into()),
                private: strings(&["about"]),
                friends: ids_of(&["hal", "ida"]),
                ..mentee("ada")
            },
            Member {
                friends: ids_of(&["hal", "ida"]),
                blocks: ids_of(&["planted-block"]),
                overcame: strings(&["planted-overcame"]),
                private: strings(&["overcame"]),
                last_active: Some("2026-11-01".into()),
                ..nurse("bea")
            },
            Member { blocks: ids_of(&["ada"]), ..nurse("eve") },
            Member {
                name: Some("planted-name".into()),
                private: strings(&["name", "friends"]),
                friends: ids_of(&["ada"]),
                ..mentee("hal")
            },
            Member { name: Some("Ida".into()), ..mentee("ida") },
        ],
    );
    (folder, config)
}

fn token(claims: &Value) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn in_an_hour() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3_600
}

fn of_member(member: &str) -> String {
    token(&json!({"sub": member, "exp": in_an_hour()}))
}

fn run(config: &Config, arguments: &[&str]) -> Output {
    program(config, arguments).output().unwrap()
}

/// A key with these scopes, and its id.
fn key(config: &Config, scopes: &str) -> (String, String) {
    let output = run(config, &["key", "create", "--name", "a test", "--scope", scopes]);
    assert!(output.status.success(), "{output:?}");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (said(&output.stdout), said(&output.stderr).split(' ').next().unwrap().to_owned())
}

/// Options with which members sign in.
fn with_tokens(folder: &Path, more: &str) -> String {
    fs::write(folder.join("token.key"), SECRET).unwrap();
    let file = folder.join("options.toml");
    let options = format!("[server]\n{more}\n[server.tokens]\nalgorithm = \"HS256\"\nkey = \"token.key\"\n");
    fs::write(&file, options).unwrap();
    file.display().to_string()
}

fn as_bearer(service: &Service, bearer: &str, method: &str, path: &str, body: &str) -> Response {
    let authorization = format!("Bearer {bearer}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    service.send(method, path, &headers, body.as_bytes())
}

#[test]
fn keys_open_what_their_scopes_say_and_no_more() {
    let (_folder, config) = community();
    let service = Service::start(&config, &[]);
    assert_eq!(service.get("/v1/members/ada/mentors").status, 200, "without keys, this machine may do anything");
    // Made by a command that reaches the service that runs.
    let (search, search_id) = key(&config, "search");
    let (write, _) = key(&config, "search,write");
    let (admin, _) = key(&config, "admin");
    assert_eq!(service.get("/v1/members/ada/mentors").problem().1, "unauthenticated", "with one, nobody may without");
    assert_eq!(service.get("/v1/status").header("www-authenticate"), "Bearer");
    let member = r#"{"roles": ["mentor"]}"#;
    let text = r#"{"text": "nurse"}"#;
    for (bearer, method, path, body, status) in [
        (&search, "GET", "/v1/members/ada/mentors", "", 200),
        (&search, "POST", "/v1/search", text, 200),
        (&search, "GET", "/v1/members/bea", "", 200),
        (&search, "GET", "/v1/explain?mentee=ada&mentor=bea", "", 200),
        (&search, "GET", "/v1/explain?mentee=ada&mentor=eve", "", 404),
        (&search, "PUT", "/v1/members/zoe", member, 403),
        (&search, "DELETE", "/v1/members/bea", "", 403),
        (&search, "POST", "/v1/rebuild", "{}", 403),
        (&search, "GET", "/v1/status", "", 403),
        (&search, "POST", "/v1/reload", "", 403),
        (&write, "PUT", "/v1/members/zoe", member, 201),
        (&write, "GET", "/v1/rebuild", "", 403),
        (&admin, "GET", "/v1/status", "", 200),
        (&admin, "POST", "/v1/search", text, 403),
        (&"rapport_wrong".to_owned(), "POST", "/v1/search", text, 401),
        (&of_member("ada"), "POST", "/v1/search", text, 401),
    ] {
        let response = as_bearer(&service, bearer, method, path, body);
        assert_eq!(response.status, status, "{method} {path}: {}", response.text());
    }
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(service.get(path).status, 200, "{path} is open");
    }
    let listed = run(&config, &["key", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains(&search_id));
    assert!(run(&config, &["key", "revoke", &search_id]).status.success());
    assert_eq!(as_bearer(&service, &search, "POST", "/v1/search", text).status, 401);
    assert_eq!(run(&config, &["key", "revoke", "key-none"]).status.code(), Some(2));
    assert_eq!(run(&config, &["key", "create", "--name", " "]).status.code(), Some(2));
    assert_eq!(run(&config, &["key", "create", "--name", "x", "--scope", "root"]).status.code(), Some(2));
    let log = service.log();
    assert!(log.contains(&search_id) && !log.contains(&search), "{log}");
    let database = fs::read(config.index.join("members.db")).unwrap();
    let wal = fs::read(config.index.join("members.db-wal")).unwrap_or_default();
    for file in [database, wal] {
        assert!(!file.windows(search.len()).any(|bytes| bytes == search.as_bytes()), "the key is kept in plain form");
    }
}

#[test]
fn a_revoked_key_does_not_come_back_with_a_backup() {
    let (folder, config) = community();
    let (secret, id) = key(&config, "search");
    let backup = folder.path().join("copy.db");
    assert!(run(&config, &["backup", backup.to_str().unwrap()]).status.success());
    assert!(run(&config, &["key", "revoke", &id]).status.success());
    let (other, _) = key(&config, "search");
    assert!(run(&config, &["restore", backup.to_str().unwrap()]).status.success());
    assert!(run(&config, &["rebuild"]).status.success());
    let service = Service::start(&config, &[]);
    assert_eq!(as_bearer(&service, &secret, "GET", "/v1/members/ada/mentors", "").status, 401);
    assert_eq!(as_bearer(&service, &other, "GET", "/v1/members/ada/mentors", "").status, 200);
}

#[test]
fn a_member_who_is_signed_in_acts_for_themselves() {
    let (folder, config) = community();
    let options = with_tokens(folder.path(), "");
    let service = Service::start(&config, &["--config", &options]);
    let ada = of_member("ada");
    for (method, path, body, status) in [
        ("GET", "/v1/members/ada/mentors", "", 200),
        ("GET", "/v1/members/bea/mentors", "", 403),
        ("POST", "/v1/search", r#"{"member": "ada"}"#, 200),
        ("POST", "/v1/search", r#"{"member": "bea"}"#, 403),
        ("POST", "/v1/search", r#"{"text": "nurse", "viewer": "bea"}"#, 403),
        ("GET", "/v1/explain?mentee=ada&mentor=bea", "", 200),
        ("GET", "/v1/explain?mentee=bea&mentor=ada", "", 403),
        ("GET", "/v1/members/eve", "", 404),
        ("GET", "/v1/members/nobody", "", 404),
        ("PUT", "/v1/members/ada", r#"{"roles": ["mentor"]}"#, 403),
        ("DELETE", "/v1/members/bea", "", 403),
        ("GET", "/v1/status", "", 403),
        ("GET", "/v1/members/ada/mentors?filter=paused%3Dtrue", "", 403),
        ("POST", "/v1/search", r#"{"text": "nurse", "filter": {"paused": true}}"#, 403),
        ("GET", "/v1/explain?mentee=ada&mentor=bea&filter=paused%3Dtrue", "", 403),
        ("GET", "/v1/explain?mentee=ada&mentor=bea&filter=within%3D1km%4042.3,-71.0", "", 403),
    ] {
        let response = as_bearer(&service, &ada, method, path, body);
        assert_eq!(response.status, status, "{method} {path}: {}", response.text());
    }
    // One answer, byte for byte, whoever is not available and why.
    let hidden = |id: &str| as_bearer(&service, &ada, "GET", &format!("/v1/explain?mentee=ada&mentor={id}"), "").body;
    assert_eq!(hidden("eve"), hidden("nobody"));
    let own = as_bearer(&service, &ada, "GET", "/v1/members/ada", "").text();
    assert!(own.contains("planted-about") && own.contains("planted-facing"), "{own}");

    let by_text = as_bearer(&service, &ada, "POST", "/v1/search", r#"{"text": "nurse"}"#).ids();
    assert_eq!(by_text, ["bea"], "who blocks them is not found by a text either");
    let fishing = r#"{"profile": {"aims_for": "Nurse", "friends": ["hal", "ida"], "adult": true}}"#;
    let fished = as_bearer(&service, &ada, "POST", "/v1/search", fishing);
    assert!(fished.status == 200 && !fished.text().contains("in common: Ida"), "{}", fished.text());
    let anyone = as_bearer(&service, &of_member("ida"), "POST", "/v1/search", r#"{"text": "nurse"}"#).ids();
    assert!(anyone.contains(&"eve".to_owned()));

    // With the scope they may search for others, but their own search is still theirs.
    let scoped = token(&json!({"sub": "ada", "exp": in_an_hour(), "scope": "search"}));
    assert_eq!(as_bearer(&service, &scoped, "POST", "/v1/search", r#"{"text": "nurse"}"#).ids(), ["bea"]);
    assert_eq!(as_bearer(&service, &scoped, "GET", "/v1/members/bea/mentors", "").status, 200);

    let manager = token(&json!({"sub": "mia", "exp": in_an_hour(), "scope": "search admin"}));
    let why = as_bearer(&service, &manager, "GET", "/v1/explain?mentee=ada&mentor=eve", "").json();
    assert_eq!(why["obstacles"][0]["because"], "blocked");

    for (claims, part) in [
        (json!({"sub": "ada", "exp": 1_700_000_000}), "Expired"),
        (json!({"sub": "ada"}), "exp"),
        (json!({"exp": in_an_hour()}), "sub"),
        (json!({"sub": "", "exp": in_an_hour()}), "sub"),
        (json!({"sub": "ada", "exp": in_an_hour(), "nbf": in_an_hour()}), "Immature"),
    ] {
        let refused = as_bearer(&service, &token(&claims), "GET", "/v1/members/ada", "");
        assert!(refused.problem().0 == 401 && refused.text().contains(part), "{claims}: {}", refused.text());
    }
    // Another algorithm, another secret, no signature.
    let none = format!("{}.", token(&json!({"sub": "ada", "exp": in_an_hour()})).rsplit_once('.').unwrap().0);
    let other = EncodingKey::from_secret(b"another secret that is as long as theirs");
    let forged = jsonwebtoken::encode(&Header::default(), &json!({"sub": "ada", "exp": in_an_hour()}), &other).unwrap();
    for bearer in [none, forged, "x".into(), String::new()] {
        assert_eq!(as_bearer(&service, &bearer, "GET", "/v1/members/ada", "").status, 401, "{bearer}");
    }
    assert!(!service.log().contains(&ada));
    let erased = as_bearer(&service, &ada, "DELETE", "/v1/members/ada", "");
    assert_eq!(erased.status, 200, "{}", erased.text());
    assert_eq!(as_bearer(&service, &ada, "GET", "/v1/members/ada/mentors", "").status, 404);
}

#[test]
fn nothing_private_is_in_any_answer_to_others() {
    let (folder, config) = community();
    let options = with_tokens(folder.path(), "");
    let service = Service::start(&config, &["--config", &options]);
    let ida = of_member("ida");
    let (search, _) = key(&config, "search");
    let mut seen = String::new();
    for bearer in [&ida, &search] {
        for path in
            ["/v1/members/ada", "/v1/members/bea", "/v1/members/hal", "/v1/members/ida/mentors", "/v1/members?name=p"]
        {
            seen += &as_bearer(&service, bearer, "GET", path, "").text();
        }
        seen += &as_bearer(&service, bearer, "POST", "/v1/search", r#"{"text": "planted-overcame nurse"}"#).text();
    }
    seen += &as_bearer(&service, &search, "GET", "/v1/members/ada/mentors", "").text();
    seen += &as_bearer(&service, &search, "GET", "/v1/explain?mentee=ada&mentor=bea", "").text();
    for planted in
        ["planted-facing", "planted-about", "planted-block", "planted-name", "[\"hal\"", ",\"hal\"", "2026-11-01"]
    {
        assert!(!seen.contains(planted), "{planted}: {seen}");
    }
    // Ida shows that she is a friend of both; Hal does not, and is counted.
    assert!(seen.contains("2 friends in common: Ida and 1 more"), "{seen}");
    let shown = as_bearer(&service, &search, "GET", "/v1/members/bea", "").json();
    assert!(shown.get("overcame").is_none() && shown.get("friends").is_none() && shown.get("private").is_none());
}

#[test]
fn more_requests_than_a_key_may_make_are_refused_with_when_to_come_again() {
    let (folder, config) = community();
    let options = with_tokens(folder.path(), "rate = 1\nburst = 3");
    let service = Service::start(&config, &["--config", &options]);
    let (ada, ida) = (of_member("ada"), of_member("ida"));
    let asked: Vec<Response> = (0..6).map(|_| as_bearer(&service, &ada, "GET", "/v1/members/ada", "")).collect();
    let refused: Vec<&Response> = asked.iter().filter(|response| response.status == 429).collect();
    assert!((2..=3).contains(&refused.len()), "{:?}", asked.iter().map(|response| response.status).collect::<Vec<_>>());
    assert_eq!(refused[0].problem().1, "rate");
    assert!(["1", "2"].contains(&refused[0].header("retry-after")));
    assert_eq!(as_bearer(&service, &ida, "GET", "/v1/members/ida", "").status, 200, "others are not held up");
}

#[test]
fn an_address_that_others_reach_takes_a_key() {
    let (_folder, config) = community();
    let public = ["serve", "--listen", "0.0.0.0:0"];
    let refused = run(&config, &public);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("rapport key create"), "{said}");
    // A page of elsewhere that a browser shows reaches this machine by another name.
    let service = Service::start(&config, &[]);
    let request = b"GET /v1/members/ada HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(service.raw(request, Duration::from_secs(5)).starts_with("HTTP/1.1 403"));
    for sign in ["Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        let request = format!(
            "POST /v1/rebuild HTTP/1.1\r\nHost: localhost\r\n{sign}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let answer = service.raw(request.as_bytes(), Duration::from_secs(5));
        assert!(answer.starts_with("HTTP/1.1 403"), "{sign}: {answer}");
    }
    let own = [("origin", service.url.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(service.send("GET", "/v1/status", &own, &[]).status, 200);
    // Where the last key was revoked, nobody is let in.
    let (secret, id) = key(&config, "search");
    assert!(run(&config, &["key", "revoke", &id]).status.success());
    assert_eq!(service.get("/v1/members/ada").status, 401);
    assert_eq!(as_bearer(&service, &secret, "GET", "/v1/members/ada", "").status, 401);
}

#[test]
fn what_tokens_and_certificates_need_is_said_at_the_start() {
    let (folder, config) = community();
    let file = folder.path().join("options.toml");
    for (options, expected) in [
        ("[server.tokens]\nalgorithm = \"HS256\"\nkey = \"none.key\"\n", "none.key"),
        ("[server.tokens]\nalgorithm = \"HS256\"\nkey = \"short.key\"\n", "expected a secret of 32"),
        ("[server.tokens]\nalgorithm = \"ES256\"\nkey = \"short.key\"\n", "is not a PEM public key for ES256"),
        ("[server.tokens]\nalgorithm = \"none\"\nkey = \"short.key\"\n", "unknown variant"),
        ("[server.tls]\ncertificate = \"short.key\"\nkey = \"short.key\"\n", "expected a certificate chain"),
        ("[server]\ndeadline = 0\n", "server.deadline is 0; expected 1 to 3600"),
    ] {
        fs::write(folder.path().join("short.key"), "short").unwrap();
        fs::write(&file, options).unwrap();
        let refused = run(&config, &["--config", file.to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && said.contains(expected), "{options}: {said}");
    }
}

#[test]
fn options_come_from_the_file_the_environment_and_flags_in_this_order() {
    let (folder, config) = community();
    let file = folder.path().join("options.toml");
    fs::write(&file, "[server]\nqueue = 1\ndeadline = 2\npatience = 3\n").unwrap();
    let status = |environment: &[(&str, &str)], flags: &[&str]| {
        let mut command = program(&config, &[&["--config", file.to_str().unwrap()], flags, &["status"]].concat());
        command.envs(environment.iter().copied()).output().unwrap()
    };
    assert!(status(&[], &[]).status.success());
    for (environment, flags, expected) in [
        (&[("RAPPORT__SERVER__QUEUE", "-1")][..], &[][..], "server.queue"),
        (&[("RAPPORT__SERVER__COLOUR", "1")], &[], "server.colour: unknown field"),
        (&[("RAPPORT__SERVER__BURST", "5"), ("RAPPORT__SERVER__QUEUE", "-1")], &[], "server.queue: "),
        (
            &[("RAPPORT__MILVUS__PREFIX", "a"), ("RAPPORT__SERVER__BURST", "5")],
            &[],
            "milvus.prefix: missing field `url`",
        ),
        (&[("RAPPORT__SERVER__DEADLINE", "0")], &[], "server.deadline is 0"),
        (&[], &["--set", "server.deadline=0"], "server.deadline is 0"),
        (&[], &["--set", "server.deadline"], "OPTION=VALUE"),
    ] {
        let refused = status(environment, flags);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && said.contains(expected), "{environment:?} {flags:?}: {said}");
    }
    let overridden = status(&[("RAPPORT__SERVER__DEADLINE", "0")], &["--set", "server.deadline=5"]);
    assert!(overridden.status.success(), "{overridden:?}");
    // One needs the other, in whatever order they are stated.
    let both = status(&[("RAPPORT__MILVUS__PREFIX", "a"), ("RAPPORT__MILVUS__URL", "http://127.0.0.1:1")], &[]);
    assert!(both.status.success(), "{both:?}");
}

#[test]
fn weights_and_keys_are_read_again_without_a_restart() {
    let (folder, config) = community();
    let options = with_tokens(folder.path(), "");
    let service = Service::start(&config, &["--config", &options]);
    let ada = of_member("ada");
    let state = || as_bearer(&service, &ada, "GET", "/v1/members/ada/mentors", "").header("rapport-state").to_owned();
    let before = state();
    let text = fs::read_to_string(&options).unwrap();
    fs::write(&options, format!("{text}[weights]\nprofession = 0.1\n")).unwrap();
    service.signal("HUP");
    let mut waited = 0;
    while !service.log().contains("The configuration was read again") {
        std::thread::sleep(std::time::Duration::from_millis(20));
        waited += 1;
        assert!(waited < 500, "{}", service.log());
    }
    assert_ne!(state(), before);
    let admin = token(&json!({"sub": "mia", "exp": in_an_hour(), "scope": "admin"}));
    for (broken, expected) in [
        ("[weights]\nprofession = -1\n", "expected 0 to 1000"),
        ("[search]\nef = 3\n", "search.ef"),
        ("[model]\nthreads = 7\n", "model cannot change"),
    ] {
        fs::write(&options, format!("{text}{broken}")).unwrap();
        let refused = as_bearer(&service, &admin, "POST", "/v1/reload", "");
        assert!(refused.problem().0 == 400 && refused.text().contains(expected), "{}", refused.text());
    }
    fs::write(&options, &text).unwrap();
    assert_eq!(as_bearer(&service, &admin, "POST", "/v1/reload", "").status, 200);
    assert_eq!(state(), before);
}

#[test]
fn a_certificate_makes_it_speak_tls() {
    let (folder, config) = community();
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("chain.pem"), signed.cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), signed.signing_key.serialize_pem()).unwrap();
    let file = folder.path().join("options.toml");
    fs::write(&file, "[server.tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n").unwrap();
    let service = Service::start(&config, &["--config", file.to_str().unwrap()]);
    assert!(service.url.starts_with("https://"));
    let root = ureq::tls::Certificate::from_pem(signed.cert.pem().as_bytes()).unwrap();
    let roots = ureq::tls::RootCerts::new_with_certs(&[root]);
    let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
    let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
    let port = service.address().port();
    let mut answer = agent.get(format!("https://localhost:{port}/v1/members/ada/mentors")).call().unwrap();
    assert!(answer.body_mut().read_to_string().unwrap().contains("\"bea\""));
    // Neither plain text nor a half-hearted handshake disturbs it.
    let plain = service.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", Duration::from_secs(1));
    assert!(!plain.starts_with("HTTP/1.1 200"), "{plain}");
    assert!(agent.get(format!("https://localhost:{port}/healthz")).call().is_ok());
}
