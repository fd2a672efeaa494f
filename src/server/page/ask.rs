//! The form by which a mentor is asked, and what of their private fields somebody may share.

use maud::{Markup, html};
use serde_json::Value;

use super::parts;
use crate::member::{Member, Role};
use crate::programme::LONGEST_WORDS;
use crate::server::App;

/// Asks a mentor on behalf of whose record is given.
pub fn form(app: &App, mentor: &str, own: &Member) -> Markup {
    let config = app.community.config();
    let programme = &config.programme;
    let paths: Vec<(&str, &str)> =
        programme.templates.iter().map(|(name, path)| (name.as_str(), path.title.as_str())).collect();
    html! {
        @if own.is(Role::Mentee) {
            details {
                summary { "How to go about it" }
                (parts::markdown(&programme.guidelines.of(Role::Mentee).markdown))
            }
            form.narrow method="post" action="/introductions" {
                input type="hidden" name="mentor" value=(mentor);
                label for="note" { "A note to them" }
                textarea #note name="note" rows="5" maxlength=(LONGEST_WORDS) dir="auto" aria-describedby="note-hint" {}
                p.hint #note-hint { "What you want to reach, what you have tried, and why you ask them." }
                @if paths.len() > 1 { (parts::choice("path", "What it is about", &programme.path, &paths)) }
                (shares(own, "They see these once they say yes, as long as it goes on."))
                button.main { "Ask for an introduction" }
            }
        } @else {
            p.hint { "To ask a mentor, " a href="/participation" { "take part as a mentee" } "." }
        }
    }
}

/// Private fields that hold something and may be shown to the other, to tick.
pub fn shares(own: &Member, hint: &str) -> Markup {
    let record = serde_json::to_value(own).unwrap_or(Value::Null);
    // What no page shows need not be asked for.
    let seen = |field: &&str| !matches!(*field, "capacity" | "last_active") && record.get(field).is_some();
    let fields: Vec<&str> = Member::FIELDS.into_iter().filter(|field| own.may_share(field)).filter(seen).collect();
    html! {
        @if !fields.is_empty() {
            fieldset aria-describedby="shares-hint" {
                legend { "Of what you keep private, show them" }
                @for field in fields {
                    label.check { input type="checkbox" name="shares" value=(field); " " (said(field)) }
                }
                p.hint #shares-hint { (hint) }
            }
        }
    }
}

/// A field of one's own, for people.
pub fn said(field: &str) -> String {
    let said = match field {
        "about" => "what you say about yourself",
        "aims_for" => "what you aim for",
        "seeks" => "what you seek",
        "offers" => "what you offer",
        "facing" => "what you face",
        "overcame" => "what you overcame",
        "location" => "where you live",
        "hometown" => "where you come from",
        "years_experience" => "your years of experience",
        other => return format!("your {}", other.replace('_', " ")),
    };
    said.to_owned()
}
