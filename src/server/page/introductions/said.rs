//! How an introduction stands, in words.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::programme::{Introduction, Reason, Side, Status};
use crate::search::HitMember;
use crate::server::page::{ask, parts};

/// What somebody is called of whom nothing is shown any more.
const GONE: &str = "somebody who is not available any more";

/// A day, as it is read.
pub fn day(time: Timestamp) -> Markup {
    html! { time datetime=(time) { (time.strftime("%-d %B %Y").to_string()) } }
}

/// The other's name, for a title.
pub fn plain(other: Option<&HitMember>) -> &str {
    other.map_or(GONE, parts::name)
}

/// The other's name.
pub fn name(other: Option<&HitMember>) -> Markup {
    html! { bdi { (plain(other)) } }
}

/// The same, leading to their page.
pub fn linked(other: Option<&HitMember>) -> Markup {
    html! {
        @match other {
            Some(other) => a href=(parts::path("/members/", &other.id)) { bdi { (parts::name(other)) } },
            None => (GONE),
        }
    }
}

/// Its status, since when, and until when something is to be done, to one of the two.
pub fn standing(introduction: &Introduction, own: Side) -> Markup {
    let said = match (introduction.status, own) {
        (Status::Requested, Side::Mentor) => "Waits for your answer",
        (Status::Requested, Side::Mentee) => "Waits for their answer",
        (Status::Declined, Side::Mentor) => "You said no",
        (Status::Declined, Side::Mentee) => "They said no",
        (Status::Expired, Side::Mentor) => "You did not answer in time",
        (Status::Expired, Side::Mentee) => "They did not answer in time",
        (Status::Withdrawn, Side::Mentee) => "You took it back",
        (Status::Withdrawn, Side::Mentor) => "They took it back",
        (status, _) => named(status),
    };
    stands(introduction, said)
}

/// The same to a manager.
pub fn overseen(introduction: &Introduction) -> Markup {
    stands(introduction, named(introduction.status))
}

fn named(status: Status) -> &'static str {
    match status {
        Status::Requested => "Waits for an answer",
        Status::Accepted => "Going on",
        Status::Declined => "Declined",
        Status::Expired => "Not answered in time",
        Status::Withdrawn => "Taken back",
        Status::Ended => "Ended before it was done",
        Status::Completed => "Completed",
    }
}

fn stands(introduction: &Introduction, said: &str) -> Markup {
    html! {
        span.status.open[introduction.status.is_open()] { (said) }
        span { "Since " (day(introduction.since)) }
        @if let Some(expires) = introduction.expires { span { "To be answered by " (day(expires)) } }
    }
}

/// What may be a reason, as it is offered.
pub const REASONS: [(&str, &str); 5] = [
    ("no_time", "I have no time for it"),
    ("not_a_fit", "It is not what I can help with"),
    ("full", "I have as many as I can take"),
    ("no_answer", "The other does not answer"),
    ("other", "Something else"),
];

/// Why it was declined or ended, and with which words.
pub fn why(introduction: &Introduction) -> Markup {
    let reason = introduction.reason.map(|reason| match reason {
        Reason::NoTime => "There is no time for it.",
        Reason::NotAFit => "It is not the help that is needed.",
        Reason::Full => "All places are taken.",
        Reason::NoAnswer => "There was no answer any more.",
        Reason::Left => "One of the two left the programme.",
        Reason::Other => "For another reason.",
    });
    html! {
        @if let Some(reason) = reason { p { (reason) } }
        @if let Some(said) = &introduction.words { (words(said)) }
    }
}

/// What the mentee wrote.
pub fn note(introduction: &Introduction, own: Side) -> Markup {
    html! {
        @if let Some(note) = &introduction.note {
            section { h2 { @if own == Side::Mentor { "Their note" } @else { "Your note" } } (words(note)) }
        }
    }
}

/// What somebody wrote, with its lines.
pub fn words(text: &str) -> Markup {
    html! { blockquote dir="auto" { (text) } }
}

/// What of their private fields the reader shows the other.
pub fn shares(introduction: &Introduction, own: Side) -> Markup {
    let shares = if own == Side::Mentor { &introduction.mentor_shares } else { &introduction.mentee_shares };
    let said: Vec<String> = shares.iter().map(|field| ask::said(field)).collect();
    html! {
        @if introduction.status.is_open() && !said.is_empty() {
            p.hint {
                @if introduction.is_shared() { "Of what you keep private, they see: " }
                @else { "Of what you keep private, they see once they say yes: " }
                (said.join(", ")) "."
            }
        }
    }
}
