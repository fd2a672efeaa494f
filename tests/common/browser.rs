//! A real browser, Chromium by its driver, which speaks WebDriver (W3C), and axe-core to audit what it shows.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

/// How long something may take to be on a page.
const PATIENCE: Duration = Duration::from_secs(20);

/// axe-core 4, in a wheel that carries it.
const AXE: &str = "axe-playwright-python==0.1.8";

/// The name by which WebDriver tells elements from other values.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys, as WebDriver writes them.
pub const TAB: &str = "\u{e004}";
pub const ENTER: &str = "\u{e007}";

/// What somebody looks at the page with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Desktop,
    /// Of a phone's size, in the dark.
    Phone,
}

/// A browser of its own.
pub struct Browser {
    driver: Child,
    agent: Agent,
    session: String,
    device: Device,
    at: String,
}

impl Browser {
    /// Starts one, for the service at an address. It reaches nothing else.
    pub fn start(device: Device, at: &str) -> Browser {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver, which Debian has in the package chromium-driver");
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "chromedriver ended");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim().trim_end_matches('.').to_owned();
            }
        };
        std::thread::spawn(move || said.read_to_string(&mut String::new()));
        let mut arguments = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1200,1000",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ];
        let mut options = json!({});
        if device == Device::Phone {
            arguments.push("--blink-settings=preferredColorScheme=0");
            options["mobileEmulation"] = json!({"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 1.0}});
        }
        options["args"] = json!(arguments);
        let agent =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(3 * PATIENCE)).build().new_agent();
        let mut browser =
            Browser { driver, agent, session: format!("http://127.0.0.1:{port}/session"), device, at: at.to_owned() };
        let capabilities = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let session = browser.ask("POST", "", &capabilities).unwrap_or_else(|error| panic!("no browser: {error}"));
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        browser
    }

    /// One command of WebDriver, and its value.
    fn ask(&self, method: &str, command: &str, body: &Value) -> Result<Value, String> {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{command}", self.session));
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut answer = self.agent.run(request.body(body).unwrap()).map_err(|error| error.to_string())?;
        let told =
            answer.body_mut().with_config().limit(64 << 20).read_to_string().map_err(|error| error.to_string())?;
        let mut told: Value = serde_json::from_str(&told).map_err(|error| error.to_string())?;
        let value = told["value"].take();
        if answer.status().is_success() {
            Ok(value)
        } else {
            Err(value["message"].as_str().unwrap_or_default().to_owned())
        }
    }

    fn must(&self, command: &str, body: &Value) -> Value {
        self.ask("POST", command, body).unwrap_or_else(|error| panic!("{command} at {}: {error}", self.at))
    }

    /// Goes to a path of the service.
    pub fn open(&self, path: &str) {
        self.must("/url", &json!({"url": format!("{}{path}", self.at)}));
    }

    /// Signs in with a token or a key.
    pub fn sign_in(&self, bearer: &str) {
        self.ask("DELETE", "/cookie", &Value::Null).unwrap();
        self.open("/sign-in");
        self.fill("#bearer", bearer);
        self.click("main form button");
        self.until("location.pathname !== '/sign-in'");
    }

    /// The path and query that it is at.
    pub fn path(&self) -> String {
        self.eval("location.pathname + location.search").as_str().unwrap().to_owned()
    }

    /// The path of the first element of a selector, once there is one.
    fn find(&self, css: &str) -> String {
        let begun = Instant::now();
        loop {
            match self.ask("POST", "/element", &json!({"using": "css selector", "value": css})) {
                Ok(found) => return format!("/element/{}", found[ELEMENT].as_str().unwrap()),
                Err(error) if begun.elapsed() > PATIENCE => {
                    panic!("{css} at {}: {error}\n{}", self.path(), self.text("body"))
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    pub fn click(&self, css: &str) {
        self.must(&format!("{}/click", self.find(css)), &json!({}));
    }

    /// Opens what is folded under these words.
    pub fn unfold(&self, words: &str) {
        let summaries = "[...document.querySelectorAll('summary')]";
        self.eval(&format!("{summaries}.find((one) => one.textContent === {}).click()", json!(words)));
    }

    /// Types into a field.
    pub fn fill(&self, css: &str, text: &str) {
        self.must(&format!("{}/value", self.find(css)), &json!({"text": text}));
    }

    /// Presses a key where the focus is.
    pub fn press(&self, key: &str) {
        let actions = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.must("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// What stands in the first element of a selector.
    pub fn text(&self, css: &str) -> String {
        self.texts(css).into_iter().next().unwrap_or_default()
    }

    pub fn texts(&self, css: &str) -> Vec<String> {
        let texts = self.eval(&format!("[...document.querySelectorAll({})].map((one) => one.innerText)", json!(css)));
        texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The value of an expression.
    pub fn eval(&self, expression: &str) -> Value {
        self.must("/execute/sync", &json!({"script": format!("return ({expression})"), "args": []}))
    }

    /// Waits until an expression is true.
    pub fn until(&self, expression: &str) {
        let begun = Instant::now();
        while self.eval(expression) != json!(true) {
            assert!(begun.elapsed() < PATIENCE, "{expression} at {}\n{}", self.path(), self.text("body"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Keeps a picture of what is shown, for whoever reviews the run.
    pub fn picture(&self, name: &str) {
        let folder = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/pages"));
        fs::create_dir_all(&folder).unwrap();
        let device = format!("{:?}", self.device).to_lowercase();
        let picture = self.ask("GET", "/screenshot", &Value::Null).unwrap();
        let picture = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, picture.as_str().unwrap()).unwrap();
        fs::write(folder.join(format!("{name}-{device}.png")), picture).unwrap();
    }

    /// Asks axe-core what keeps people from using the page, and looks whether it fits, asked nobody else, and is content.
    pub fn audit(&self, name: &str) {
        self.picture(name);
        self.must("/execute/sync", &json!({"script": axe(), "args": []}));
        let script = "const done = arguments[0]; axe.run().then((found) => done(found.violations.map((one) => \
                      `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(' ')}`)), (error) => done([`${error}`]))";
        let violations = self.must("/execute/async", &json!({"script": script, "args": []}));
        assert_eq!(violations, json!([]), "{name} on a {:?}", self.device);
        let wide = self.eval("document.scrollingElement.scrollWidth - document.documentElement.clientWidth");
        assert!(wide.as_f64().unwrap() <= 0.0, "{name} is {wide} pixels too wide on a {:?}", self.device);
        let elsewhere = self.eval(
            "performance.getEntriesByType('resource').map((one) => one.name)\
             .filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:'))",
        );
        assert_eq!(elsewhere, json!([]), "{name} asks somebody else");
        assert_eq!(self.eval("document.querySelectorAll('h1').length"), json!(1), "{name} has one title");
        assert_eq!(self.eval("window.planted === undefined"), json!(true), "{name} ran what somebody wrote");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.ask("DELETE", "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// axe-core, fetched once.
fn axe() -> &'static str {
    static AXE_SCRIPT: OnceLock<String> = OnceLock::new();
    AXE_SCRIPT.get_or_init(|| {
        let folder = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/axe"));
        let script = folder.join("axe.min.js");
        if !script.exists() {
            let fetching = tempfile::tempdir().unwrap();
            let fetched = Command::new("python3")
                .args(["-m", "pip", "download", "--quiet", "--no-deps", AXE, "--dest"])
                .arg(fetching.path())
                .status();
            assert!(fetched.expect("python3 with pip").success(), "pip does not fetch {AXE}");
            let wheel = fs::read_dir(fetching.path()).unwrap().next().unwrap().unwrap().path();
            let mut archive = zip::ZipArchive::new(fs::File::open(wheel).unwrap()).unwrap();
            let mut inside = archive.by_name("axe_playwright_python/axe.min.js").unwrap();
            let mut text = String::new();
            inside.read_to_string(&mut text).unwrap();
            fs::create_dir_all(&folder).unwrap();
            fs::write(&script, text).unwrap();
        }
        fs::read_to_string(script).unwrap()
    })
}
