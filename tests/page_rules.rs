//! The rules on the page: guidelines and weights are looked at, then saved into the files that they are read from, and hold at
//! once; or nothing is changed, and it is said why.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rapport::config::{Config, StoreConfig};
use rapport::member::{Education, Member};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{
    browser::{Browser, Device},
    http,
    local::Local,
    mentee, mentor, postgres, tiny, wait,
};

const HERE: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

const MENTORS: &str = "/manage/rules/guidelines/mentor";
const WEIGHTS: &str = "/manage/rules/weights";

/// What an operator wrote, with their own remarks.
const WRITTEN: &str = "# Ours, since May.\n\n[programme]\ncapacity = 2 # as agreed\n\n# What counts.\n[weights]\n\
                       # Aims first.\nprofession = 0.450 # most\nschool = 0.020\n\n[server]\n# Enough for us.\nqueue = 64\n";

/// Mentees `e0`… and mentors `o0`… of one profession and two schools.
fn members(each: usize) -> Vec<Member> {
    let school = |at: usize| Education { school: Some(["UMass", "MIT"][at % 2].into()), ..Education::default() };
    let nurse = |at| Member {
        profession: Some("Nurse".into()),
        name: Some(format!("Nurse {at}")),
        education: vec![school(at)],
        ..mentor(&format!("o{at}"))
    };
    let seeker = |at| Member {
        aims_for: Some("Nurse".into()),
        name: Some(format!("Seeker {at}")),
        education: vec![school(at)],
        ..mentee(&format!("e{at}"))
    };
    (0..each).map(seeker).chain((0..each).map(nurse)).collect()
}

/// A service by a configuration file of this text.
fn started(written: &str) -> (TempDir, Local) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rapport.toml"), written).unwrap();
    let service = serving(&folder, StoreConfig::default());
    (folder, service)
}

fn serving(folder: &TempDir, store: StoreConfig) -> Local {
    let read = Config::read(&folder.path().join("rapport.toml")).unwrap();
    let config = Config {
        store,
        weights: read.weights,
        programme: read.programme,
        origin: read.origin,
        ..tiny::config(folder.path())
    };
    wait(tiny::publish(&config, &members(6)));
    Local::start(config, tiny::embedder())
}

fn file(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files of the folder that are the operator's.
fn files(folder: &TempDir) -> Vec<String> {
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.contains("md") || name.contains("toml")).collect();
    names.sort();
    names
}

fn open(service: &Local, path: &str) -> String {
    let (status, page) = service.page("", path);
    assert_eq!(status, 200, "{path}: {page}");
    page
}

fn assert_has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
}

/// What stands in the value of a field that is not shown.
fn hidden(page: &str, name: &str) -> String {
    let (_, after) =
        page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name} in {page}"));
    after.split_once('"').unwrap().0.to_owned()
}

/// The fields of the form that saves the weights that a page tries.
fn saving(page: &str) -> Vec<(String, String)> {
    let (_, form) = page.split_once("action=\"/manage/rules/weights\"").unwrap_or_else(|| panic!("no form in {page}"));
    let fields = form.split_once("</form>").unwrap().0.split("name=\"").skip(1);
    let pair = |field: &str| {
        let (name, rest) = field.split_once("\" value=\"").unwrap();
        (name.to_owned(), rest.split_once('"').unwrap().0.to_owned())
    };
    fields.map(pair).collect()
}

fn send(service: &Local, path: &str, fields: &[(String, String)]) -> (u16, String, String) {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    service.form("", path, &fields, &HERE)
}

/// A text looked at: the page, and the fields that save it.
fn previewed(service: &Local, path: &str, made_from: &str, text: &str) -> (String, Vec<(String, String)>) {
    let fields = [("made_from", made_from), ("markdown", text), ("do", "preview")];
    let (status, _, page) = service.form("", path, &fields, &HERE);
    assert_eq!(status, 200, "{page}");
    let fields = [("made_from", made_from), ("markdown", text), ("seen", &hidden(&page, "seen")), ("do", "save")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    (page, fields)
}

/// Looks at a text for mentors made from the one in force, and saves it.
fn save(service: &Local, text: &str) -> (u16, String, String) {
    let made_from = service.guidelines();
    send(service, MENTORS, &previewed(service, MENTORS, &made_from, text).1)
}

#[test]
fn guidelines_are_seen_then_saved_and_mentors_are_asked_again() {
    let server = postgres::Server::shared();
    let on_a_server = StoreConfig { url: Some(server.database().parse().unwrap()), ..StoreConfig::default() };
    for store in [StoreConfig::default(), on_a_server] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rapport.toml"), WRITTEN).unwrap();
        fs::write(folder.path().join("guidelines-mentor.md"), "Somebody's own.").unwrap();
        ask_again(&folder, &serving(&folder, store));
    }
}

fn ask_again(folder: &TempDir, service: &Local) {
    let first = service.ask("e0", "o0");
    let version = service.guidelines();
    assert_eq!(service.act("o0", &first, &json!({"do": "accept", "accepts_guidelines": version})), "accepted");
    assert_has(&open(service, "/manage/rules"), &["As they come with rapport", MENTORS]);
    let page = open(service, MENTORS);
    assert_has(&page, &["<textarea", "You were asked because", "As mentors see it now", &version]);
    assert!(!page.contains("value=\"save\""), "it is not saved unseen");

    // As a browser sends lines.
    let text = "# Ours\r\n\r\n<script>window.planted = 1</script>\r\n\r\nAnswer *within a day*. [Why](javascript:alert(1))\r\n";
    let (page, fields) = previewed(service, MENTORS, &version, text);
    assert_has(&page, &["As mentors will see it", "<em>within a day</em>", "&lt;script&gt;", "<a href=\"#\">Why</a>"]);
    assert_has(
        &page,
        &["<strong>1 mentor</strong> accepted the text in force", "guidelines-mentor-2.md", "Save, for mentors"],
    );
    assert!(!page.contains("<script>window"), "{page}");
    assert_eq!((file(folder, "rapport.toml").as_str(), files(folder).len()), (WRITTEN, 2), "nothing is written yet");
    // What was changed after it was seen is shown first.
    let mut unseen = fields.clone();
    unseen[1].1 = "# Another\n".into();
    let (status, _, page) = send(service, MENTORS, &unseen);
    assert_eq!(status, 200);
    assert_has(&page, &["<h3>Another</h3>", "Save, for mentors"]);
    assert_eq!(service.guidelines(), version);

    let (status, to, page) = send(service, MENTORS, &fields);
    assert_eq!((status, &*to), (303, "/manage/rules?saved=mentor"), "{page}");
    assert_has(&open(service, &to), &["role=\"status\"", "guidelines for mentors are saved", "guidelines-mentor-2.md"]);
    assert_eq!(file(folder, "guidelines-mentor-2.md"), text.replace("\r\n", "\n"));
    assert_eq!(file(folder, "guidelines-mentor.md"), "Somebody's own.");
    let named = WRITTEN.replace("as agreed\n", "as agreed\nguidelines_mentor = \"guidelines-mentor-2.md\"\n");
    assert_eq!(file(folder, "rapport.toml"), named);

    let next = service.ask("e1", "o0");
    let path = format!("/v1/introductions/{next}");
    assert_eq!(service.refused("o0", &path, &json!({"do": "accept"})), (409, "guidelines".into()));
    let accept = json!({"do": "accept", "accepts_guidelines": service.guidelines()});
    assert_eq!(service.act("o0", &next, &accept), "accepted");

    // From now on the file that is named is written; the mentees' have one of their own.
    assert_eq!(save(service, "# Ours again\n").0, 303);
    assert_eq!(
        (file(folder, "guidelines-mentor-2.md").as_str(), file(folder, "rapport.toml")),
        ("# Ours again\n", named)
    );
    // Back to a text that the only mentor accepted already: nobody is asked.
    let (page, _) = previewed(service, MENTORS, &service.guidelines(), text);
    assert_has(&page, &["No mentor accepted the text in force"]);
    let mentees = "/manage/rules/guidelines/mentee";
    let made_from = service.get("", "/v1/guidelines")["mentee"]["version"].as_str().unwrap().to_owned();
    let (page, fields) = previewed(service, mentees, &made_from, "# Hello\n");
    assert_has(&page, &["Nobody is asked to accept it", "guidelines-mentee.md"]);
    assert_eq!(send(service, mentees, &fields).1, "/manage/rules?saved=mentee");
    assert_eq!(service.get("", "/v1/guidelines")["mentee"]["markdown"], "# Hello\n");
    assert_eq!(service.page("", "/manage/rules/guidelines/boss").0, 404);
}

#[test]
fn a_text_of_nothing_or_without_end_is_refused_and_kept() {
    let (_folder, service) = started(WRITTEN);
    let long = "x".repeat(50_001);
    for (text, told) in [(" \n ", "The text is empty"), (&*long, "50,001 characters")] {
        let fields = [("made_from", &*service.guidelines()), ("markdown", text), ("do", "preview")];
        let (status, _, page) = service.form("", MENTORS, &fields, &HERE);
        assert_eq!(status, 400);
        assert_has(&page, &["role=\"alert\"", told, text.trim()]);
    }
    let text = open(&service, MENTORS);
    let (_, now) = text.split_once("<textarea").unwrap();
    let now = now.split_once(">\n").unwrap().1.split_once("</textarea>").unwrap().0;
    let now = now.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    assert_has(&previewed(&service, MENTORS, &service.guidelines(), &now).0, &["there is nothing to save"]);
}

#[test]
fn weights_are_seen_then_saved_and_the_next_search_goes_by_them() {
    let (folder, service) = started(WRITTEN);
    let path = folder.path().join("rapport.toml");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let before = service.get("e0", "/v1/members/e0/mentors");
    let page = open(&service, "/manage/rules?profession=0.3&school=0.02&hometown=2,5");
    assert_has(&page, &["of 6 searches", "Save these weights", "hold from the next search on"]);
    assert_has(&page, &["profession</span>: <span class=\"figure\">0.45</span> → <span class=\"figure\">0.3</span>"]);
    assert_eq!(file(&folder, "rapport.toml"), WRITTEN, "nothing is written yet");
    let (status, to, page) = send(&service, WEIGHTS, &saving(&page));
    assert_eq!((status, &*to), (303, "/manage/rules?saved=weights"), "{page}");
    assert_has(&open(&service, &to), &["The weights are saved"]);
    let written = WRITTEN.replace("0.450 # most", "0.3 # most").replace("0.020\n", "0.020\nhometown = 2.5\n");
    assert_eq!(file(&folder, "rapport.toml"), written);
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode, files(&folder)), (0o600, vec!["rapport.toml".to_owned()]), "nobody else may read it");
    let read = Config::read(&path).unwrap().weights;
    assert_eq!((read.profession, read.school, read.hometown, read.industry), (0.3, 0.02, 2.5, 0.04));

    let after = service.get("e0", "/v1/members/e0/mentors");
    let profession = |answer: &Value| {
        let parts = answer["hits"][0]["contributions"].as_array().unwrap().clone();
        let part = parts.into_iter().find(|part| part["feature"] == "profession").unwrap();
        (part["weight"].as_f64().unwrap(), part["contribution"].as_f64().unwrap())
    };
    assert_eq!((profession(&before), profession(&after)), ((0.45, 0.45), (0.3, 0.3)));
    assert_ne!(before["state"], after["state"]);
    assert!(after["hits"][0]["score"].as_f64() < before["hits"][0]["score"].as_f64());
}

#[test]
fn whoever_saves_second_is_told_and_keeps_what_they_wrote() {
    let (folder, service) = started(WRITTEN);
    let made_from = service.guidelines();
    let (_, theirs) = previewed(&service, MENTORS, &made_from, "# Theirs & yours\n");
    assert_eq!(save(&service, "# Mine\n").0, 303);
    let (status, _, page) = send(&service, MENTORS, &theirs);
    assert_eq!(status, 409);
    assert_has(
        &page,
        &[
            "role=\"alert\"",
            "something else was saved meanwhile",
            "# Theirs &amp; yours\n</textarea>",
            "# Mine\n</pre>",
        ],
    );
    assert!(!page.contains("value=\"save\""), "a second look comes first");
    assert_eq!(file(&folder, "guidelines-mentor.md"), "# Mine\n");
    // Once it was looked at beside the other, it may go before it.
    let (_, fields) = previewed(&service, MENTORS, &hidden(&page, "made_from"), "# Theirs & yours\n");
    assert_eq!(send(&service, MENTORS, &fields).0, 303);
    assert_eq!(file(&folder, "guidelines-mentor.md"), "# Theirs & yours\n");

    let theirs = saving(&open(&service, "/manage/rules?school=3"));
    assert_eq!(send(&service, WEIGHTS, &saving(&open(&service, "/manage/rules?school=4"))).0, 303);
    let (status, _, page) = send(&service, WEIGHTS, &theirs);
    assert_eq!(status, 409);
    assert_has(
        &page,
        &["something else was saved meanwhile", "Is 4", "name=\"school\" value=\"3\"", "Save these weights"],
    );
    assert!(file(&folder, "rapport.toml").contains("school = 4.0\n"));
    assert_eq!(send(&service, WEIGHTS, &saving(&page)).0, 303);
    assert!(file(&folder, "rapport.toml").contains("school = 3.0\n"));
    // Several at once: one is first, the others are told.
    let fields = saving(&open(&service, "/manage/rules?school=5"));
    let outcomes: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| send(&service, WEIGHTS, &fields).0)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|status| **status == 303).count(), 1, "{outcomes:?}");
}

#[test]
fn what_was_changed_by_hand_is_not_lost_and_does_not_hold_by_accident() {
    let (folder, service) = started(WRITTEN);
    let (weights, made_from) = (saving(&open(&service, "/manage/rules?school=3")), service.guidelines());
    let (_, guidelines) = previewed(&service, MENTORS, &made_from, "# Ours\n");
    let by_hand = WRITTEN.replace("0.020", "0.5");
    fs::write(folder.path().join("rapport.toml"), &by_hand).unwrap();
    for (path, fields) in [(WEIGHTS, &weights), (MENTORS, &guidelines)] {
        let (status, _, page) = send(&service, path, fields);
        assert_eq!(status, 409);
        assert_has(&page, &["rapport.toml was changed by hand", "/operate#configuration"]);
    }
    assert_eq!((file(&folder, "rapport.toml"), files(&folder).len()), (by_hand, 1));
    assert_has(&open(&service, "/manage/rules?school=3"), &["cannot be saved from here", "was changed by hand"]);
    assert_eq!(service.form("", "/operate/reload", &[], &HERE).0, 303);
    assert_has(&open(&service, "/manage/rules?school=3"), &["Is 0.5", "Save these weights"]);

    assert_eq!(save(&service, "# Ours\n").0, 303);
    fs::write(folder.path().join("guidelines-mentor.md"), "# By hand\n").unwrap();
    let (status, _, page) = save(&service, "# Ours again\n");
    assert_eq!(status, 409, "{page}");
    assert_has(&page, &["guidelines-mentor.md was changed by hand", "# Ours again\n</textarea>"]);
    assert_eq!(file(&folder, "guidelines-mentor.md"), "# By hand\n");
}

#[test]
fn what_is_not_taken_over_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let written = format!("{WRITTEN}\n[members]\naliases = \"aliases.toml\"\n");
    fs::write(folder.path().join("rapport.toml"), &written).unwrap();
    fs::write(folder.path().join("aliases.toml"), "umass = \"UMass\"\n").unwrap();
    let service = serving(&folder, StoreConfig::default());
    let (weights, version) = (saving(&open(&service, "/manage/rules?school=3")), service.guidelines());
    fs::write(folder.path().join("aliases.toml"), "this is no TOML").unwrap();
    let state = service.get("", "/v1/status")["state"].clone();
    let (status, _, page) = send(&service, WEIGHTS, &weights);
    assert_eq!(status, 409);
    assert_has(
        &page,
        &["Nothing was saved", "is not taken over with it", "aliases.toml", "Everything is as it was", "value=\"3\""],
    );
    let (status, _, page) = save(&service, "# Ours\n");
    assert_eq!(status, 409);
    assert_has(&page, &["Nothing was saved", "aliases.toml", "# Ours\n</textarea>"]);
    assert_eq!(file(&folder, "rapport.toml"), written);
    assert_eq!(files(&folder), ["aliases.toml", "rapport.toml"]);
    assert_eq!((service.guidelines(), &service.get("", "/v1/status")["state"]), (version, &state));
    fs::write(folder.path().join("aliases.toml"), "umass = \"UMass\"\n").unwrap();
    assert_eq!(
        (save(&service, "# Ours\n").0, send(&service, WEIGHTS, &saving(&open(&service, "/manage/rules?school=3"))).0),
        (303, 303)
    );
}

#[test]
fn where_nothing_can_be_saved_it_is_said_why_and_what_to_do() {
    // Without a file.
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &members(2)));
    let service = Local::start(config, tiny::embedder());
    let page = open(&service, "/manage/rules?school=3");
    assert_has(&page, &["runs without a configuration file", "[weights]\n", "school = 3.0\n"]);
    assert!(!page.contains("Save these"), "{page}");
    assert_has(&open(&service, MENTORS), &["cannot be saved from here", "without a configuration file"]);
    let (page, fields) = previewed(&service, MENTORS, &service.guidelines(), "# Ours\n");
    assert_has(&page, &["<h3>Ours</h3>", "guidelines_mentor = &quot;guidelines-mentor.md&quot;"]);
    assert!(!page.contains("value=\"save\""), "{page}");
    assert_eq!(send(&service, MENTORS, &fields).0, 409);
    assert_eq!(service.form("", WEIGHTS, &[("made_from", "x"), ("school", "3")], &HERE).0, 409);
    assert_eq!(service.form("", WEIGHTS, &[("school", "3")], &HERE).0, 400);

    // A file that may not be written; root could.
    let (folder, service) = started(&format!("{WRITTEN}\n[programme.paths]\n"));
    let path = folder.path().join("rapport.toml");
    let weights = saving(&open(&service, "/manage/rules?school=3"));
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    assert_has(
        &open(&service, "/manage/rules?school=3"),
        &["rapport.toml cannot be written", "read-only", "school = 3.0\n"],
    );
    let (status, _, page) = send(&service, WEIGHTS, &weights);
    assert_eq!(status, 409);
    assert_has(&page, &["Nothing was saved", "rapport.toml cannot be written", "school = 3.0\n"]);
    let (_, fields) = previewed(&service, MENTORS, &service.guidelines(), "# Ours\n");
    assert_eq!(send(&service, MENTORS, &fields).0, 409);
    assert_eq!(files(&folder), ["rapport.toml"]);

    // One file for both.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.md"), "# All\n").unwrap();
    let both = "[programme]\nguidelines_mentor = \"all.md\"\nguidelines_mentee = \"all.md\"\n";
    fs::write(folder.path().join("rapport.toml"), both).unwrap();
    let service = serving(&folder, StoreConfig::default());
    assert_has(&open(&service, MENTORS), &["all.md is named for mentors and for mentees"]);
}

#[test]
fn nobody_but_a_manager_sees_or_saves_the_rules() {
    let (folder, service) = started(WRITTEN);
    let weights = saving(&open(&service, "/manage/rules?school=3"));
    let (_, guidelines) = previewed(&service, MENTORS, &service.guidelines(), "# Ours\n");
    assert_eq!(service.page("e0", MENTORS).0, 403);
    for (path, fields) in [(WEIGHTS, &weights), (MENTORS, &guidelines)] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(service.form("e0", path, &fields, &HERE).0, 403, "{path}");
        assert_eq!(service.form("", path, &fields, &[("sec-fetch-site", "cross-site")]).0, 403, "{path}");
        assert_eq!(service.form("", path, &fields, &[]).0, 403, "{path}");
    }
    assert_eq!((file(&folder, "rapport.toml").as_str(), files(&folder).len()), (WRITTEN, 1));
}

#[test]
fn the_program_saves_into_its_file_unless_a_flag_goes_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &members(2)));
    // The file that is meant is behind a link.
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::write(folder.path().join("etc/ours.toml"), WRITTEN).unwrap();
    std::os::unix::fs::symlink("etc/ours.toml", folder.path().join("rapport.toml")).unwrap();
    let named = folder.path().join("rapport.toml");
    let run =
        |flags: &[&str]| http::Service::start(&config, &[&["--config", named.to_str().unwrap()][..], flags].concat());
    let form = [("content-type", "application/x-www-form-urlencoded"), HERE[0]];
    let send = |service: &http::Service, fields: &[(String, String)]| {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        service.send("POST", WEIGHTS, &form, body.as_bytes())
    };

    let service = run(&[]);
    let fields = saving(&service.get("/manage/rules?school=3").text());
    let saved = send(&service, &fields);
    assert_eq!((saved.status, saved.header("location")), (303, "/manage/rules?saved=weights"), "{}", saved.text());
    assert!(named.is_symlink());
    let written = fs::read_to_string(folder.path().join("etc/ours.toml")).unwrap();
    assert_eq!(written, WRITTEN.replace("0.020", "3.0"));
    assert!(service.get("/manage/rules?school=2").text().contains("Is 3"));
    service.signal("HUP");
    let log = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(25));
        Some(service.log()).filter(|log| log.contains("read again"))
    });
    let log = log.expect("read again");
    assert!(log.contains("weights were saved") && log.contains("by=\"anyone\"") && log.contains("school"), "{log}");
    assert!(service.get("/manage/rules?school=2").text().contains("Is 3"));
    assert_eq!(service.end(), Some(0));

    let own = folder.path().join("own.md");
    fs::write(&own, "# Own\n").unwrap();
    let names = format!("programme.guidelines_mentor={}", own.display());
    let service = run(&["--set", "weights.school=4", "--set", &names, "--set", "server.queue=65"]);
    let page = service.get("/manage/rules?school=2").text();
    assert_has(
        &page,
        &[
            "Is 4",
            "weights.school is stated by a flag (--set weights.school=…)",
            "RAPPORT__WEIGHTS__SCHOOL",
            "school = 2.0\n",
        ],
    );
    assert!(!page.contains("Save these"), "{page}");
    let refused = send(&service, &fields);
    assert_eq!(refused.status, 409);
    // A flag that names a file says where to write.
    let page = service.get(MENTORS).text();
    assert!(page.contains("# Own\n</textarea>") && !page.contains("cannot be saved"), "{page}");
    assert_eq!(fs::read_to_string(folder.path().join("etc/ours.toml")).unwrap(), written);
}

#[test]
fn a_manager_changes_the_rules_in_a_browser() {
    let (folder, service) = started(WRITTEN);
    let path = folder.path().join("rapport.toml");
    for (device, school) in [(Device::Desktop, "0.5"), (Device::Phone, "0.7")] {
        let browser = Browser::start(device, &service.url());
        browser.sign_in(&service.bearer(""));
        browser.open("/manage/rules");
        browser.audit("manage-rules-as-they-are");
        browser.click(&format!("a[href='{MENTORS}']"));
        browser.until("document.querySelector('#markdown') !== null");
        browser.audit("manage-guidelines");
        let own = format!(
            "\n- **Ours, on a {device:?}**: <script>window.planted = 1</script>[here](javascript:window.planted=1)."
        );
        browser.fill("#markdown", &own);
        browser.click("button[value=preview]");
        browser.until("document.querySelector('button[value=save]') !== null");
        assert!(
            browser.text(".prose").contains(&format!("Ours, on a {device:?}: <script>")),
            "{}",
            browser.text("main")
        );
        browser.click(".prose a");
        browser.audit("manage-guidelines-previewed");
        // Somebody else is quicker.
        assert_eq!(save(&service, &format!("# Quicker\n\nBe kind, on a {device:?} too.\n")).0, 303);
        browser.click("button[value=save]");
        browser.until("document.querySelector('[role=alert]') !== null");
        assert!(browser.text("pre").contains("# Quicker"));
        assert!(browser.eval("document.querySelector('#markdown').value").as_str().unwrap().contains("Ours, on a"));
        browser.audit("manage-guidelines-conflict");
        browser.click("button[value=preview]");
        browser.until("document.querySelector('button[value=save]') !== null");
        browser.click("button[value=save]");
        browser.until("document.querySelector('[role=status]')?.textContent.includes('are saved') === true");
        browser.audit("manage-guidelines-saved");
        assert!(file(&folder, "guidelines-mentor.md").contains(&format!("- **Ours, on a {device:?}**: <script>")));

        browser.eval(&format!("document.querySelector('#school').value = {school}"));
        browser.click("form[action^='/manage/rules'] button.main");
        browser.until("document.querySelector('form[action=\"/manage/rules/weights\"]') !== null");
        browser.audit("manage-weights-previewed");
        browser.eval("document.querySelector('#to-hold').scrollIntoView()");
        browser.picture("manage-weights-to-save");
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        browser.click("form[action='/manage/rules/weights'] button");
        browser.until("document.querySelector('[role=alert]') !== null");
        browser.audit("manage-weights-read-only");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        browser.open(&format!("/manage/rules?school={school}"));
        browser.click("form[action='/manage/rules/weights'] button");
        browser.until("document.querySelector('[role=status]')?.textContent.includes('are saved') === true");
        browser.audit("manage-weights-saved");
        assert_eq!(browser.eval("document.querySelector('#school').value"), json!(school));
        let written = file(&folder, "rapport.toml");
        assert_has(
            &written,
            &["# Ours, since May.", "# Aims first.\nprofession = 0.450 # most", &format!("school = {school}\n")],
        );
    }
    without_a_file();
}

/// The same on a service that has no file.
fn without_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &members(2)));
    let service = Local::start(config, tiny::embedder());
    for device in [Device::Desktop, Device::Phone] {
        let browser = Browser::start(device, &service.url());
        browser.sign_in(&service.bearer(""));
        browser.open("/manage/rules?school=3");
        browser.audit("manage-weights-no-file");
        browser.open(MENTORS);
        browser.audit("manage-guidelines-no-file");
        browser.fill("#markdown", " Ours.");
        browser.click("button[value=preview]");
        browser.until("document.querySelector('[aria-labelledby=follows]') !== null");
        browser.audit("manage-guidelines-no-file-previewed");
    }
}

#[test]
fn the_shipped_file_takes_every_change() {
    let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rapport.toml")).unwrap();
    let (folder, service) = started(&shipped);
    assert_eq!(save(&service, "# Ours\n").0, 303);
    assert_eq!(send(&service, WEIGHTS, &saving(&open(&service, "/manage/rules?friends_in_common=0.1"))).0, 303);
    let written = file(&folder, "rapport.toml");
    let expected = shipped
        .replace("friends_in_common = 0.44", "friends_in_common = 0.1")
        .replace("path = \"career\"\n", "path = \"career\"\nguidelines_mentor = \"guidelines-mentor.md\"\n");
    assert_eq!(written, expected);
}
