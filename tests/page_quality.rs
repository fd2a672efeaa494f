//! The page of match quality: what came of introductions and of judged queries, in figures, charts and words, and an honest
//! word where there are too few.

use std::fs;
use std::sync::Arc;

use rapport::config::QualityConfig;
use rapport::evaluate::{DEPTH, Judgements, Metric, evaluate};
use rapport::member::Member;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{
    browser::{Browser, Device},
    local::{DAY, Local},
    mentee, mentor, tiny, wait,
};

const PAGE: &str = "/manage/quality";

/// Mentees `e0`, `e1`…, mentors `o0` to `o4` of the profession that they all aim for, and `o5` to `o9` of another; with judged
/// queries where so many are asked for.
fn started(mentees: usize, judged: usize) -> (TempDir, Local) {
    let seeker = |at| Member { aims_for: Some("Nurse".into()), ..mentee(&format!("e{at}")) };
    let other = |at| Member {
        profession: Some(if at < 5 { "Nurse" } else { "Judge" }.into()),
        name: Some(format!("Mentor {at}")),
        capacity: Some(50),
        ..mentor(&format!("o{at}"))
    };
    let members: Vec<Member> = (0..mentees).map(seeker).chain((0..10).map(other)).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny::config(folder.path());
    if judged > 0 {
        let [queries, qrels] = ["queries.jsonl", "qrels.txt"].map(|name| folder.path().join(name));
        let lines = |line: &dyn Fn(usize) -> String| (0..judged).map(line).collect::<String>();
        fs::write(&queries, lines(&|at| format!("{{\"id\": \"q{at}\", \"member\": \"e{at}\"}}\n"))).unwrap();
        fs::write(&qrels, lines(&|at| format!("q{at} 0 o{} 1\nq{at} 0 o7 0\n", at % 6))).unwrap();
        config.rebuild.quality = Some(QualityConfig { queries, qrels, margin: 0.01 });
    }
    wait(tiny::publish(&config, &members));
    let service = Local::start(config, tiny::embedder());
    (folder, service)
}

/// A mentee asks a mentor, who says yes or no.
fn introduce(service: &Local, mentee: usize, mentor: usize, yes: bool) -> String {
    let (mentee, mentor) = (format!("e{mentee}"), format!("o{mentor}"));
    let id = service.ask(&mentee, &mentor);
    let deed = if yes {
        json!({"do": "accept", "accepts_guidelines": service.guidelines()})
    } else {
        json!({"do": "decline", "reason": "not_a_fit"})
    };
    service.act(&mentor, &id, &deed);
    id
}

fn open(service: &Local) -> String {
    let (status, page) = service.page("", PAGE);
    assert_eq!(status, 200, "{page}");
    assert!(!page.contains(" style=") && page.matches("<h1>").count() == 1, "{page}");
    page
}

fn measure(service: &Local) -> String {
    let (status, to, page) = service.form("", PAGE, &[], &[("sec-fetch-site", "same-origin")]);
    assert_eq!((status, to.as_str()), (303, "/manage/quality#rankings"), "{page}");
    open(service)
}

fn assert_has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
}

#[test]
fn where_there_is_too_little_the_page_says_so_and_shows_no_figure() {
    let (_folder, service) = started(12, 0);
    assert_has(&open(&service), &["Nobody was introduced to anybody yet", "Measure it", "No judged queries are named"]);
    let page = measure(&service);
    assert_has(
        &page,
        &["No mentee has met a mentor", "No judged queries are named", "Nothing that counts has changed"],
    );
    assert!(!page.contains("<figure"), "{page}");

    for mentee in 0..3 {
        introduce(&service, mentee, 0, true);
    }
    introduce(&service, 3, 1, false);
    let full = service.ask("e4", "o1");
    service.act("o1", &full, &json!({"do": "decline", "reason": "full"}));
    service.ask("e5", "o2");
    service.pass(60 * DAY);
    let reported = introduce(&service, 6, 3, true);
    service.act("e6", &reported, &json!({"do": "report", "words": "Never came."}));
    let page = open(&service);
    assert_has(&page, &["<strong>7</strong>introductions", "<strong>5</strong>tell how good", "<strong>60 %</strong>"]);
    assert_has(&page, &["5 introductions tell something so far: too few", "Measure it again"]);
    let page = measure(&service);
    assert_has(&page, &["3 mentees who have met a mentor: too few to say anything"]);
    assert!(!page.contains("<figure"), "{page}");

    for (method, page) in [
        ("GET", service.page("e0", PAGE)),
        ("POST", {
            let (status, _, page) = service.form("e0", PAGE, &[], &[("sec-fetch-site", "same-origin")]);
            (status, page)
        }),
    ] {
        assert_eq!(page.0, 403, "{method}: a member opens none of it");
    }
    let (status, _, _) = service.form("", PAGE, &[], &[("origin", "https://elsewhere.example")]);
    assert_eq!(status, 403, "nor does a page of elsewhere measure");
}

#[test]
fn figures_are_those_of_an_evaluation_and_nothing_is_measured_twice() {
    let (folder, service) = started(24, 24);
    for mentee in 0..12 {
        introduce(&service, mentee, mentee % 10, mentee % 10 < 8);
    }
    let first = wait(service.community.measure_quality()).unwrap();
    let again = wait(service.community.measure_quality()).unwrap();
    assert!(Arc::ptr_eq(&first, &again), "nothing has changed");
    let judgements = Judgements::read(&folder.path().join("queries.jsonl"), &folder.path().join("qrels.txt")).unwrap();
    let searcher = service.community.searcher().unwrap();
    let (evaluation, _) = wait(evaluate(&searcher, &judgements, DEPTH)).unwrap();
    let glance = first.judged.clone().unwrap().unwrap();
    let ndcg = evaluation.metrics.iter().find(|measured| measured.metric == Metric::Ndcg(10)).unwrap();
    assert_eq!((glance.mean, glance.ndcg.len(), glance.judgements), (ndcg.estimate, 24, 48));
    assert_eq!(glance.calibration, evaluation.calibration);
    let met = first.met.clone().unwrap();
    assert_eq!((met.judged, met.ndcg.len()), (10, 10), "whoever was only declined has nobody to be found");

    introduce(&service, 20, 0, true);
    let after = wait(service.community.measure_quality()).unwrap();
    assert_eq!(after.met.as_ref().unwrap().judged, 11, "an introduction counts");
    wait(service.community.upsert(&[mentor("late")])).unwrap();
    assert_ne!(wait(service.community.measure_quality()).unwrap().state, after.state, "and so does a member");

    fs::write(folder.path().join("qrels.txt"), "nonsense\n").unwrap();
    assert_has(
        &measure(&service),
        &["The judged queries cannot be used", "qrels.txt", "<strong>11</strong>mentees who have met"],
    );
}

#[test]
fn a_manager_sees_what_matches_are_worth() {
    let (_folder, service) = started(70, 15);
    for mentee in 0..70 {
        let right = mentee % 2 == 0;
        let yes = if right { mentee % 10 != 0 } else { mentee % 10 == 1 };
        let id = introduce(&service, mentee, if right { mentee % 5 } else { 5 + mentee % 5 }, yes);
        if yes && mentee % 3 == 2 {
            service.act(&format!("e{mentee}"), &id, &json!({"do": "complete"}));
        }
    }
    for device in [Device::Desktop, Device::Phone] {
        let browser = Browser::start(device, &service.url());
        browser.sign_in(&service.bearer(""));
        browser.open("/manage");
        browser.click("a[href='/manage/quality']");
        browser.until("location.pathname === '/manage/quality'");
        browser.audit("manage-quality-introductions");
        if device == Device::Desktop {
            browser.click("button.main");
            browser.until("location.hash === '#rankings'");
        }
        assert_eq!(browser.eval("document.querySelectorAll('figure.chart svg').length"), json!(4));
        assert!(browser.text("main").contains("Nothing that counts has changed since"));
        let shown = "getComputedStyle(document.querySelector('.chart svg text')).fill === getComputedStyle(document.body).color";
        assert_eq!(browser.eval(shown), json!(true), "a chart's words have the page's colour");
        for summary in 0..4 {
            browser.eval(&format!("document.querySelectorAll('.chart summary')[{summary}].click()"));
        }
        assert!(browser.texts(".chart tbody tr").len() >= 6, "{:?}", browser.texts(".chart tbody tr"));
        browser.audit("manage-quality");
        browser.eval("document.querySelector('#rankings').scrollIntoView()");
        browser.audit("manage-quality-rankings");
        browser.eval("[...document.querySelectorAll('figure.chart')].at(-1).scrollIntoView()");
        browser.picture("manage-quality-judged");
    }
}
