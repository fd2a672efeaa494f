//! An intake: members are pasted or read from a file, checked line by line, and written once the manager says so.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header;
use maud::{Markup, html};
use serde::Deserialize;

use super::{count, page};
use crate::member::Member;
use crate::member::import::{BadLine, ImportError, Line, Strictness, read_text};
use crate::server::App;
use crate::server::admit::LARGEST_BULK;
use crate::server::api::members;
use crate::server::page::Shown;
use crate::server::page::form::Form;
use crate::server::page::visitor::Visitor;
use crate::server::problem::Problem;
use crate::store::{Scope, Store};

/// Bad lines that are shown.
const SHOWN: usize = 200;

/// Letters of a bad line that are shown.
const OF_A_LINE: usize = 120;

/// A longer text is not put back into the page: it is mended where it came from.
const LONGEST: usize = 1 << 20;

/// Records compared at once with those that are stored.
const TOGETHER: usize = 1_000;

/// Where an intake is pasted.
pub async fn form(visitor: Visitor) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let main = html! {
        p { "Members as JSON, one a line, or as CSV with the fields' names in the first row. They are checked first; nothing is written until you say so." }
        (paste("", false))
    };
    Ok(page("An intake", "/manage/intake", &main).into())
}

/// The form for a text.
fn paste(text: &str, lenient: bool) -> Markup {
    html! {
        form.wide method="post" action="/manage/intake" {
            div.field hidden {
                label for="file" { "A file" }
                input #file type="file" accept=".csv,.jsonl,.ndjson,.json,text/csv" data-reads-into="lines" aria-describedby="file-hint";
                p.hint #file-hint { "It is read into the field below, where you can still look it over." }
            }
            div.field {
                label for="lines" { "The lines" }
                textarea.lines #lines name="lines" rows="12" dir="auto" spellcheck="false" autocomplete="off" required
                    aria-describedby="lines-hint" { "\n" (text) }
                p.hint #lines-hint { "Each member has an id and roles: mentor, mentee or both. In CSV, a list has | between its values." }
            }
            label.check {
                input type="checkbox" name="lenient" value="yes" checked[lenient];
                " Leave out fields and columns that rapport does not know"
            }
            button.main { "Check" }
        }
    }
}

/// A text, checked.
#[derive(Default)]
struct Checked {
    good: Vec<Member>,
    bad: Vec<BadLine>,
    /// Fields that were left out.
    unknown: Vec<String>,
    /// Why it was not read to its end.
    broken: Option<String>,
}

impl Checked {
    fn of(text: String, lenient: bool) -> Checked {
        let mut checked = Checked::default();
        let read = read_text(text, Strictness { lenient }, &mut |line| {
            match line {
                Line::Member { member, unknown, .. } => {
                    checked.good.push(*member);
                    for field in unknown {
                        if !checked.unknown.contains(&field) {
                            checked.unknown.push(field);
                        }
                    }
                }
                Line::Bad(bad) => checked.bad.push(bad),
            }
            Ok::<_, ImportError>(())
        });
        checked.broken = read.err().map(|error| match error {
            ImportError::Header { problem, .. } => format!("The first row: {problem}"),
            ImportError::Read { line, source, .. } => format!("After line {line}: {source}"),
        });
        checked
    }
}

/// What is known of the good ones.
#[derive(Default)]
struct Known {
    new: usize,
    changed: usize,
    same: usize,
}

impl Known {
    async fn of(store: &Store, members: &[Member]) -> Result<Known, Problem> {
        let mut known = Known::default();
        for members in members.chunks(TOGETHER) {
            let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
            let (stored, _) = store.members(&ids).await.map_err(|error| Problem::internal(&error))?;
            for member in members {
                match stored.get(member.id.as_str()) {
                    None => known.new += 1,
                    Some(stored) if stored.member == *member => known.same += 1,
                    Some(_) => known.changed += 1,
                }
            }
        }
        Ok(known)
    }
}

/// Checks a text, and writes nothing.
pub async fn check(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    // It tells what is known already.
    visitor.caller.needs(Scope::Write)?;
    let lenient = form.one("lenient")?.is_some();
    let text = form.one("lines")?.ok_or_else(|| Problem::invalid("lines", "is empty; expected members"))?;
    let again = if text.len() <= LONGEST { text.clone() } else { String::new() };
    let checked = tokio::task::spawn_blocking(move || Checked::of(text, lenient)).await;
    let checked = checked.map_err(|error| Problem::internal(&error))?;
    let known = Known::of(app.community.store(), &checked.good).await?;
    let mut lines = String::new();
    for member in &checked.good {
        lines += &serde_json::to_string(member).map_err(|error| Problem::internal(&error))?;
        lines.push('\n');
    }
    let good = checked.good.len();
    // As the form to write them is sent.
    let sent: usize = form_urlencoded::byte_serialize(lines.as_bytes()).map(str::len).sum();
    let main = html! {
        p.step { "Checked; nothing is written yet." }
        ul.figures {
            li { strong { (count(good)) } @if good == 1 { "good line" } @else { "good lines" } }
            li { strong { (count(checked.bad.len())) } @if checked.bad.len() == 1 { "bad line" } @else { "bad lines" } }
            li { strong { (count(known.new)) } "new members" }
            li { strong { (count(known.changed)) } "known, and changed" }
            li { strong { (count(known.same)) } "known, and the same" }
        }
        @if let Some(broken) = &checked.broken { p role="alert" { (plain(broken)) } }
        @if !checked.unknown.is_empty() {
            p.warning { "Left out, as rapport does not know it: " span dir="auto" { (checked.unknown.join(", ")) } "." }
        }
        @if sent + 100 > LARGEST_BULK {
            p.warning { "They are too many to be written from here; " code { "rapport import" } " takes any number." }
        } @else if good > 0 {
            form method="post" action="/manage/intake/write" {
                input type="hidden" name="good" value=(lines);
                button.main { "Write the " (count(good)) " good " @if good == 1 { "one" } @else { "ones" } }
            }
        }
        @if !checked.bad.is_empty() { (bad_lines(&checked.bad)) }
        @if !again.is_empty() {
            details open[good == 0] {
                summary { "Mend the lines, and check again" }
                (paste(&again, lenient))
            }
        }
        p { a href="/manage/intake" { "Start with other lines" } }
    };
    Ok(page("An intake", "/manage/intake", &main).into())
}

/// Without hints for the command line.
fn plain(problem: &str) -> String {
    problem.replace(", or use --lenient", ", or leave out what is not known")
}

fn bad_lines(bad: &[BadLine]) -> Markup {
    let start = |raw: &str| raw.chars().take(OF_A_LINE).collect::<String>();
    html! {
        section aria-labelledby="bad" {
            h2 #bad { "Lines that are not written" }
            div.scroll tabindex="0" role="region" aria-label="Table of bad lines" {
                table {
                    thead { tr { th.number scope="col" { "Line" } th scope="col" { "Field" } th scope="col" { "What is wrong" } th scope="col" { "As it stands" } } }
                    tbody {
                        @for line in bad.iter().take(SHOWN) {
                            tr {
                                th.number scope="row" { (line.line) }
                                td { (line.field.as_deref().unwrap_or("")) }
                                td.told { (plain(&line.problem)) }
                                td { @if let Some(raw) = &line.raw { code dir="auto" { (start(raw)) @if raw.chars().nth(OF_A_LINE).is_some() { "…" } } } }
                            }
                        }
                    }
                }
            }
            @if bad.len() > SHOWN { p.hint { "And " (count(bad.len() - SHOWN)) " more." } }
        }
    }
}

/// What became of one line, as the API says it.
#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    id: Option<String>,
    stored: bool,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    problem: Option<String>,
}

/// Writes the good ones.
pub async fn write(State(app): State<Arc<App>>, visitor: Visitor, mut form: Form) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let good = form.one("good")?.ok_or_else(|| Problem::invalid("good", "is empty; expected checked lines"))?;
    let request = Request::post("/v1/members").header(header::CONTENT_TYPE, "application/x-ndjson");
    let mut request = request.body(Body::from(good)).map_err(|error| Problem::internal(&error))?;
    // It was bounded when it came in.
    DefaultBodyLimit::disable().apply(&mut request);
    let answer = members::bulk(State(app), visitor.caller, request).await?;
    let answer = to_bytes(answer.into_body(), usize::MAX).await.map_err(|error| Problem::internal(&error))?;
    let lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let outcomes: Vec<Outcome> =
        lines.map(serde_json::from_slice).collect::<Result<_, _>>().map_err(|error| Problem::internal(&error))?;
    let stored = outcomes.iter().filter(|outcome| outcome.stored).count();
    let main = html! {
        p.notice role="status" {
            (count(stored)) @if stored == 1 { " member is" } @else { " members are" } " written, and found by the next search."
        }
        @if stored < outcomes.len() {
            p role="alert" { (count(outcomes.len() - stored)) " were not written." }
            ul {
                @for outcome in outcomes.iter().filter(|outcome| !outcome.stored).take(SHOWN) {
                    li {
                        @if let Some(id) = &outcome.id { strong dir="auto" { (id) } ": " }
                        @if let Some(field) = &outcome.field { (field) ": " }
                        (outcome.problem.as_deref().unwrap_or("it was not said why"))
                    }
                }
            }
        }
        @if let Some(id) = outcomes.iter().find(|outcome| outcome.stored).and_then(|outcome| outcome.id.as_deref()) {
            p { a href=(crate::server::page::parts::path("/members/", id)) { "Look at the first one" } }
        }
        p { a href="/manage/cohort" { "Match them as a cohort" } ", or " a href="/manage/intake" { "bring in more" } "." }
    };
    Ok(page("An intake", "/manage/intake", &main).into())
}
