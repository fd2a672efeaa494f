//! The report: one file that holds all it needs, says what was measured, and lets nobody write into the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use rapport::evaluate::GroupField;
use rapport::member::{Member, Place};
use rapport::sample::Community;
use serde_json::Value;

use crate::common::{config, mentor, models_dir, publish};

const HOSTILE: &str = "<script>alert(1)</script> & \"Co\" 'x'\u{202e}";

/// Invented members and one who means harm, indexed once.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let hostile = Member {
            name: Some(HOSTILE.into()),
            headline: Some("Xylophone tuner</title>".into()),
            profession: Some("Xylophone tuner".into()),
            location: Some(Place { country: Some("<i>Elsewhere".into()), ..Place::default() }),
            ..mentor("x-hostile")
        };
        let mut members: Vec<Member> = Community::new(400, 7).iter().collect();
        members.push(hostile);
        publish(&config(&folder), &members);
        let queries = [
            r#"{"id": "q1", "text": "I want to become a nurse", "group": "care"}"#,
            r#"{"id": "q2", "text": "how do I become a xylophone tuner?", "group": "<b>craft & co"}"#,
            r#"{"id": "q3", "text": "<img src=x onerror=alert(2)> welding", "group": "<b>craft & co"}"#,
        ];
        fs::write(folder.join("queries.jsonl"), queries.join("\n")).unwrap();
        let plain = queries.map(|query| query.split(", \"group\"").next().unwrap().to_owned() + "}");
        fs::write(folder.join("plain.jsonl"), plain.join("\n")).unwrap();
        let mentors: Vec<&str> = members.iter().map(|member| member.id.as_str()).take(40).collect();
        let mut qrels: String = mentors.iter().map(|id| format!("q1 0 {id} 1\nq3 0 {id} 2\n")).collect();
        qrels.push_str("q2 0 x-hostile 0\nq2 0 <u>nobody 3\nq1 0 twice\n");
        fs::write(folder.join("qrels.txt"), qrels).unwrap();
        folder
    })
}

fn evaluate(more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rapport"))
        .current_dir(folder())
        .env_remove("RAPPORT_LOG")
        .args(["--index", "index", "--models", models_dir(), "evaluate", "--qrels", "qrels.txt"])
        .args(more)
        .output()
        .unwrap()
}

/// The two files of a report.
fn report(name: &str, more: &[&str]) -> (String, Value) {
    let written = evaluate(&[more, &["--report", name]].concat());
    assert_eq!(written.status.code(), Some(3), "a line is bad: {written:?}");
    let read = |file: &str| fs::read_to_string(folder().join(name).join(file)).unwrap();
    (read("report.html"), serde_json::from_str(&read("report.json")).unwrap())
}

/// Checks that every element is closed in its turn, and that no attribute asks for anything.
fn check_page(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let style = page.find("<style>").unwrap()..page.find("</style>").unwrap();
    for (at, _) in page.match_indices('<').filter(|(at, _)| !style.contains(at) || *at == style.start) {
        let tag = &page[at + 1..at + page[at..].find('>').unwrap_or_else(|| panic!("open tag: {}", &page[at..]))];
        let name = tag.split([' ', '\n', '/']).find(|name| !name.is_empty()).unwrap();
        match tag {
            _ if tag.starts_with('!') || tag.ends_with('/') || name == "meta" => {}
            _ if tag.starts_with('/') => {
                assert_eq!(open.pop(), Some(name), "near {}", &page[at.saturating_sub(80)..at])
            }
            _ => open.push(name),
        }
        let allowed = "html head meta title style body header h1 h2 h3 p code main section div table thead tr th tbody td \
                       figure figcaption svg rect line polyline polygon circle path text tspan g ol ul li span footer";
        assert!(tag.starts_with('!') || allowed.split_whitespace().any(|allowed| allowed == name), "<{tag}>");
        for asks in ["src=", "href=", "onerror=", "onload=", "url("] {
            assert!(!tag.contains(asks), "<{tag}>");
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    for asks in ["http:", "https:", "@import", "url(", "\u{202e}"] {
        assert!(!outside.contains(asks), "{asks} is in the page");
    }
}

#[test]
fn one_page_holds_every_chart_and_what_people_wrote_as_text() {
    let groups = ["--queries", "queries.jsonl", "--groups", "country,industry,language", "--ablate"];
    let (page, json) = report("grouped", &groups);
    check_page(&page);
    assert_eq!(page.matches("<svg").count(), 5, "the charts");
    for caption in ["nDCG@10 by group", "Retrieval: ", "Exposure: ", "Calibration: ", "Latency of 3 whole searches"] {
        assert!(page.contains(&format!("<figcaption>{caption}")), "{caption}");
    }
    for text in [
        "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Co&quot; &#39;x&#39; , Xylophone tuner&lt;/title&gt;",
        "&lt;img src=x onerror=alert(2)&gt; welding",
        "&lt;b&gt;craft &amp; co",
        "&lt;i&gt;Elsewhere",
        "&lt;u&gt;nobody",
        "1 lines that cannot be read",
        "x-hostile",
    ] {
        assert!(page.contains(text), "{text}");
    }
    for metric in json["metrics"].as_array().unwrap() {
        let row = format!(
            "<td>{}</td><td class=\"number\">{:.4}</td>",
            metric["metric"].as_str().unwrap(),
            metric["mean"].as_f64().unwrap()
        );
        assert!(page.contains(&row), "{row}");
    }
    let efs: Vec<u64> =
        json["retrieval_by_ef"].as_array().unwrap().iter().map(|at| at["ef"].as_u64().unwrap()).collect();
    assert_eq!(efs, [16, 32, 64, 128, 256]);
    let parts = json["ablation"].as_array().unwrap();
    assert!(!parts.is_empty() && page.contains("What each part is worth"));
    for part in parts {
        let row = format!(
            "<td>{}</td><td class=\"number\">{:.4}</td>",
            part["off"].as_str().unwrap(),
            part["ndcg"]["after"].as_f64().unwrap()
        );
        assert!(page.contains(&row), "{row}");
    }
    // The worst first: of q2 only somebody unknown is relevant.
    assert_eq!((&json["worst"][0]["query"], &json["worst"][0]["ndcg"]), (&"q2".into(), &0.0.into()));
    assert_eq!(json["worst"][0]["top"][0]["member"], "x-hostile");
    assert_eq!(json["worst"][0]["top"].as_array().unwrap().len(), 3);
}

#[test]
fn exposure_by_group_counts_every_mentor_once_a_value() {
    let (_, json) = report("exposure", &["--queries", "queries.jsonl", "--groups", "country"]);
    let exposure = &json["exposure"];
    let groups = exposure["groups"].as_array().unwrap();
    let sum = |of: &str| groups.iter().map(|group| group[of].as_f64().unwrap()).sum::<f64>();
    assert!((sum("share") - 1.0).abs() < 1e-9, "{groups:?}");
    assert_eq!(sum("findable"), exposure["findable"].as_f64().unwrap());
    let weighted: f64 =
        groups.iter().map(|group| group["parity"].as_f64().unwrap() * group["findable"].as_f64().unwrap()).sum();
    assert!((weighted - sum("findable")).abs() < 1e-6, "the mean parity is one");
    let steps = json["calibration"]["steps"].as_array().unwrap();
    assert_eq!(
        steps.iter().map(|step| step["shown"].as_u64().unwrap()).sum::<u64>(),
        30,
        "ten of each of three queries"
    );
    let (_, none) = report("no-groups", &["--queries", "queries.jsonl"]);
    assert_eq!(none["exposure"]["groups"], Value::Array(Vec::new()));
}

#[test]
fn without_groups_queries_are_counted_and_a_baseline_is_compared() {
    let (page, json) = report("plain", &["--queries", "plain.jsonl", "--run", "plain.run"]);
    check_page(&page);
    assert!(page.contains("<figcaption>nDCG@10, query by query") && json.get("comparison").is_none());
    let (page, json) = report("compared", &["--queries", "plain.jsonl", "--baseline", "plain.run"]);
    check_page(&page);
    assert!(
        page.contains("<h2>Against plain.run</h2>")
            && page.contains("<th scope=\"col\" class=\"number\">p (Holm)</th>")
    );
    assert_eq!(json["comparison"]["baseline"], "plain.run");
    assert_eq!(json["comparison"]["losses"], Value::Array(Vec::new()), "a run is no worse than itself");
}

#[test]
fn the_terminal_says_who_is_shown_and_what_a_match_is_worth() {
    let out = evaluate(&["--queries", "queries.jsonl", "--groups", "country"]);
    let out = String::from_utf8(out.stdout).unwrap();
    for text in ["\nexposure     ", "Gini 0.", "\n  country    ", "parity ", "\ncalibration  "] {
        assert!(out.contains(text), "{text} in {out}");
    }
    assert!(!out.contains('\u{202e}'));
}

#[test]
fn an_unknown_field_to_group_by_is_named_with_those_there_are() {
    let out = evaluate(&["--queries", "queries.jsonl", "--groups", "country,shoe"]);
    assert_eq!(out.status.code(), Some(2));
    let err = String::from_utf8(out.stderr).unwrap();
    for field in GroupField::ALL {
        assert!(err.contains(field.name()), "{err}");
    }
}
