//! The service within a test's own process, with a clock that the test moves; who asks is a member, by the community's token, or
//! a manager, by a key.

use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jsonwebtoken::{EncodingKey, Header};
use rapport::community::Community;
use rapport::config::{Config, TokenAlgorithm, TokensConfig};
use rapport::embed::Embedder;
use rapport::server::Service;
use rapport::store::Scope;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

use crate::common::wait;

const SECRET: &str = "a secret of the community's own, of 32 bytes at least";

/// One day, in seconds.
pub const DAY: i64 = 24 * 3_600;

/// A running service.
pub struct Local {
    pub community: Arc<Community>,
    service: Arc<Service>,
    key: String,
    seconds: Arc<AtomicI64>,
    agent: Agent,
    /// Every answer that a member was given: who, and what.
    pub told: Mutex<Vec<(String, String)>>,
}

impl Local {
    /// Serves a folder that has a generation, from 1 January 2027 on.
    pub fn start(mut config: Config, embedder: Arc<dyn Embedder>) -> Local {
        let folder = config.index.parent().unwrap();
        let key = folder.join("token.key");
        fs::write(&key, SECRET).unwrap();
        config.server.listen = ([127, 0, 0, 1], 0).into();
        config.server.rate = 0;
        config.server.tokens =
            Some(TokensConfig { algorithm: TokenAlgorithm::HS256, key, issuer: None, audience: None });
        let seconds = Arc::new(AtomicI64::new("2027-01-01T00:00:00Z".parse::<Timestamp>().unwrap().as_second()));
        let clock = Arc::clone(&seconds);
        wait(async {
            let community = Community::open_with(&config, embedder).await.unwrap();
            let now = move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap();
            let community = Arc::new(community.with_clock(Arc::new(now)));
            let key = community.create_key("the manager", &Scope::ALL).await.unwrap().secret;
            let read_config = move || {
                let Some(file) = &config.origin.file else { return Ok(config.clone()) };
                // What the file says of these; the rest is the test's own.
                let read = Config::read(file)?;
                let Config { weights, programme, aliases, origin, .. } = read;
                Ok(Config { weights, programme, aliases, origin, ..config.clone() })
            };
            let service = Arc::new(Service::bind(Arc::clone(&community), Box::new(read_config)).await.unwrap());
            let running = Arc::clone(&service);
            tokio::spawn(async move { running.run().await });
            let agent = Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .timeout_global(Some(Duration::from_secs(120)))
                .build()
                .new_agent();
            Local { community, service, key, seconds, agent, told: Mutex::default() }
        })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.service.url()
    }

    /// What a member, or with nobody's name the manager, signs in with.
    pub fn bearer(&self, who: &str) -> String {
        if who.is_empty() { self.key.clone() } else { token(who) }
    }

    /// Moves the clock, and has the service look at it as it does every minute.
    pub fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
        wait(self.community.keep_time()).unwrap();
    }

    /// One request of a member's, or with nobody's name of the manager's.
    pub fn send(&self, who: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let bearer = self.bearer(who);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url()))
            .header("authorization", format!("Bearer {bearer}"));
        let sent = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string()).unwrap())
            }
        };
        let mut answer = sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = answer.body_mut().read_to_string().unwrap();
        if !who.is_empty() {
            self.told.lock().unwrap().push((who.to_owned(), text.clone()));
        }
        let status = answer.status().as_u16();
        assert!(status < 500, "{method} {path}: {text}");
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// A page as somebody gets it who signed in: status and HTML.
    pub fn page(&self, who: &str, path: &str) -> (u16, String) {
        let (status, _, text) = self.browse("GET", who, path, None, &[]);
        (status, text)
    }

    /// A form as somebody sends it who signed in, with what a browser tells of where it comes from: status, where it goes on,
    /// and HTML.
    pub fn form(
        &self,
        who: &str,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> (u16, String, String) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.browse("POST", who, path, Some(body), headers)
    }

    fn browse(
        &self,
        method: &str,
        who: &str,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> (u16, String, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url()))
            .header("cookie", format!("rapport_bearer={}", self.bearer(who)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some(body) => {
                let request = request.header("content-type", "application/x-www-form-urlencoded");
                self.agent.run(request.body(body).unwrap())
            }
        };
        let mut answer = sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().as_u16() < 500, "{method} {path}: {text}");
        (answer.status().as_u16(), to, text)
    }

    /// What is there.
    pub fn get(&self, who: &str, path: &str) -> Value {
        let (status, body) = self.send(who, "GET", path, None);
        assert_eq!(status, 200, "{who} GET {path}: {body}");
        body
    }

    /// What comes of it.
    pub fn post(&self, who: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(who, "POST", path, Some(body));
        assert!(matches!(status, 200 | 201), "{who} POST {path} {body}: {answer}");
        answer
    }

    /// Why nothing comes of it: status and code.
    pub fn refused(&self, who: &str, path: &str, body: &Value) -> (u16, String) {
        let (status, answer) = self.send(who, "POST", path, Some(body));
        assert!(status >= 400, "{who} POST {path} {body}: {answer}");
        (status, answer["code"].as_str().unwrap().to_owned())
    }

    /// Joins, or changes how they take part.
    pub fn join(&self, who: &str, stated: &Value) -> Value {
        let (status, answer) = self.send(who, "PUT", &format!("/v1/members/{who}/participation"), Some(stated));
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The version of the mentors' guidelines that is in force.
    pub fn guidelines(&self) -> String {
        self.get("", "/v1/guidelines")["mentor"]["version"].as_str().unwrap().to_owned()
    }

    /// Asks, and gives the introduction's id.
    pub fn ask(&self, mentee: &str, mentor: &str) -> String {
        let asked = self.post(mentee, "/v1/introductions", &json!({"mentor": mentor}));
        asked["id"].as_str().unwrap().to_owned()
    }

    /// Does something to an introduction, and gives its status after it.
    pub fn act(&self, who: &str, id: &str, deed: &Value) -> String {
        self.post(who, &format!("/v1/introductions/{id}"), deed)["status"].as_str().unwrap().to_owned()
    }

    /// Every event.
    pub fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let after = events.last().map_or(0, |event: &Value| event["number"].as_u64().unwrap());
            let page = self.get("", &format!("/v1/events?after={after}&limit=1000"));
            match page["events"].as_array().unwrap() {
                page if page.is_empty() => return events,
                page => events.extend(page.iter().cloned()),
            }
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.service.drain();
    }
}

fn token(member: &str) -> String {
    let exp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3_600;
    let claims = json!({"sub": member, "exp": exp});
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}
