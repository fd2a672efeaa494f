//! The program as a service on a free port, and a client of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rapport::config::Config;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

use crate::common::program;

/// A service that is stopped when the test is done with it.
pub struct Service {
    process: Option<Child>,
    pub url: String,
    log: Arc<Mutex<String>>,
    agent: Agent,
}

/// What came back.
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The ids of the hits.
    pub fn ids(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text());
        let id = |hit: &Value| hit["member"]["id"].as_str().expect("an id").to_owned();
        self.json()["hits"].as_array().expect("hits").iter().map(id).collect()
    }

    /// The problem's status, code and field.
    pub fn problem(&self) -> (u16, String, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{} {}", self.status, self.text());
        let body = self.json();
        assert_eq!(body["status"], self.status);
        assert!(!body["detail"].as_str().expect("a detail").is_empty());
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (self.status, text("code"), text("field"))
    }
}

impl Service {
    /// Starts it, and waits until it listens.
    pub fn start(config: &Config, arguments: &[&str]) -> Service {
        let arguments = [arguments, &["serve", "--listen", "127.0.0.1:0"]].concat();
        let mut process = program(config, &arguments).spawn().expect("started");
        let mut stderr = BufReader::new(process.stderr.take().expect("piped"));
        let log = Arc::new(Mutex::new(String::new()));
        let mut line = String::new();
        while !line.starts_with("Serving ") {
            log.lock().expect("whole").push_str(&line);
            line.clear();
            let read = stderr.read_line(&mut line).expect("a line");
            assert!(read > 0, "it ended: {}", log.lock().expect("whole"));
        }
        let words = line.split_whitespace().find(|word| word.starts_with("http"));
        let url = words.expect("an address").trim_end_matches(';').to_owned();
        let rest = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = rest.lock().expect("whole");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .new_agent();
        Service { process: Some(process), url, log, agent }
    }

    pub fn address(&self) -> SocketAddr {
        self.url.rsplit('/').next().expect("an address").parse().expect("an address")
    }

    /// What it said on standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("whole").clone()
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("running").id()
    }

    /// One request; headers as pairs.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            [] => self.agent.run(request.body(()).expect("a request")),
            body => self.agent.run(request.body(body).expect("a request")),
        }
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let mut read = Vec::new();
        response.body_mut().as_reader().read_to_end(&mut read).expect("a body");
        Response { status: response.status().as_u16(), headers: response.headers().clone(), body: read }
    }

    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], &[])
    }

    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn put(&self, path: &str, body: &Value) -> Response {
        self.send("PUT", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, &[], &[])
    }

    /// Sends bytes as they are, and gives what comes back until the other side closes or is silent for so long.
    pub fn raw(&self, bytes: &[u8], patience: Duration) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("connected");
        stream.set_read_timeout(Some(patience)).expect("set");
        // It may have heard enough before all is sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill").success());
    }

    /// Asks it to end, and gives its exit code.
    pub fn end(mut self) -> Option<i32> {
        self.signal("TERM");
        self.process.take().expect("running").wait().expect("waited").code()
    }

    /// Open files of the process.
    #[cfg(target_os = "linux")]
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process").count()
    }

    /// Its resident memory in kilobytes.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a figure");
        line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse().ok()).expect("a figure")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
