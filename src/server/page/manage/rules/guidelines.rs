//! Guidelines: written, looked at as they will be shown, and saved.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use maud::{Markup, html};

use super::super::{count, page};
use super::{by_hand, name, refused, why, with_status};
use crate::config::{Config, edit};
use crate::member::Role;
use crate::programme::Text;
use crate::server::App;
use crate::server::api::to_the_end;
use crate::server::page::form::Form;
use crate::server::page::visitor::Visitor;
use crate::server::page::{Answer, Page, Shown, parts};
use crate::server::problem::{Code, Problem};
use crate::server::rules::{NotSaved, Place, guidelines_place};
use crate::store::Scope;

/// The most characters of a text. As a form sends them, they are less than a body may be.
const LONGEST: usize = 50_000;

/// A role as paths name it, and those who have it.
fn words(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Mentor => ("mentor", "mentors"),
        Role::Mentee => ("mentee", "mentees"),
    }
}

/// Both texts, and the way to change them.
pub fn both(config: &Config) -> Markup {
    html! {
        div.columns {
            @for role in [Role::Mentor, Role::Mentee] {
                @let (path, people) = words(role);
                div.card {
                    h3 { "For " (people) }
                    p.hint {
                        @match config.programme.guidelines_file(role) {
                            Some(file) => { "From " code { (name(file)) } },
                            None => "As they come with rapport",
                        }
                    }
                    details { summary { "Read what " (people) " are told" } (parts::markdown(&config.programme.guidelines.of(role).markdown)) }
                    p { a.button href={ "/manage/rules/guidelines/" (path) } { "Change the text" span.unseen { " for " (people) } } }
                }
            }
        }
    }
}

/// A text in the making.
struct Draft {
    role: Role,
    markdown: String,
    /// Whether it was looked at as it will be shown.
    seen: bool,
    /// What is told first.
    told: Option<Markup>,
    /// Whether somebody else saved another one since it was begun.
    overtaken: bool,
}

impl Draft {
    fn new(role: Role, markdown: String) -> Draft {
        Draft { role, markdown, seen: false, told: None, overtaken: false }
    }
}

fn role(path: &str) -> Result<Role, Problem> {
    let role = [Role::Mentor, Role::Mentee].into_iter().find(|role| words(*role).0 == path);
    role.ok_or_else(|| Problem::new(Code::NotFound, "there are guidelines for a mentor and for a mentee"))
}

/// The text in force, to be changed.
pub async fn edit(State(app): State<Arc<App>>, visitor: Visitor, Path(path): Path<String>) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let role = role(&path)?;
    let markdown = app.community.config().programme.guidelines.of(role).markdown.clone();
    Ok(show(&app, Draft::new(role, markdown)).await?.into())
}

/// Shows a text as members will see it, or saves one that was seen so.
pub async fn change(State(app): State<Arc<App>>, visitor: Visitor, Path(path): Path<String>, mut form: Form) -> Shown {
    visitor.caller.needs(Scope::Admin)?;
    let role = role(&path)?;
    let missing = || Problem::invalid("made_from", "is missing; expected the version that the text was made from");
    let made_from = form.one("made_from")?.ok_or_else(missing)?;
    let markdown = tidy(&form.one("markdown")?.unwrap_or_default());
    let wrong = match markdown.trim_end().chars().count() {
        0 => Some("The text is empty; expected guidelines in Markdown.".to_owned()),
        long if long > LONGEST => {
            Some(format!("The text has {} characters; up to {} are taken.", count(long), count(LONGEST)))
        }
        _ => None,
    };
    let in_force = made_from == app.community.config().programme.guidelines.of(role).version;
    if let Some(wrong) = wrong.filter(|_| in_force) {
        let told = Some(html! { p role="alert" { (wrong) } });
        let page = show(&app, Draft { told, ..Draft::new(role, markdown) }).await?;
        return Ok(Page { status: StatusCode::BAD_REQUEST, ..page }.into());
    }
    // What was changed since it was looked at is shown first.
    let seen = form.one("seen")?.is_some_and(|seen| seen == Text::new(markdown.as_str()).version);
    let saved = if seen && form.one("do")?.as_deref() == Some("save") {
        let (saving, text, by) = (Arc::clone(&app), markdown.clone(), visitor.caller.name());
        to_the_end(async move { Ok(saving.save_guidelines(role, text, &made_from, &by).await) }).await?
    } else if in_force {
        return Ok(show(&app, Draft { seen: true, ..Draft::new(role, markdown) }).await?.into());
    } else {
        Err(NotSaved::Overtaken)
    };
    match saved {
        Ok(()) => Ok(Answer::go_to(format!("/manage/rules?saved={path}"))),
        Err(error) => {
            let overtaken = matches!(error, NotSaved::Overtaken);
            // Another text holds by now: a second look before it is replaced.
            let draft = Draft { role, markdown, seen: !overtaken, told: Some(refused(&error)), overtaken };
            Ok(with_status(show(&app, draft).await?, &error).into())
        }
    }
}

/// A text as it is kept: as forms send it, lines end in two characters.
fn tidy(text: &str) -> String {
    format!("{}\n", text.replace("\r\n", "\n").trim_end())
}

async fn show(app: &App, draft: Draft) -> Result<Page, Problem> {
    let Draft { role, markdown, seen, told, overtaken } = draft;
    let config = app.community.config();
    let (path, people) = words(role);
    let (now, new) = (config.programme.guidelines.of(role), Text::new(markdown.as_str()));
    let same = tidy(&now.markdown) == tidy(&markdown);
    let accepted = app.community.store().count_accepted(&now.version, &new.version).await;
    let accepted = accepted.map_err(|error| Problem::internal(&error))?;
    let place = guidelines_place(&config, role);
    let main = html! {
        p { a href="/manage/rules" { "Back to the rules" } }
        @if let Some(told) = told { (told) }
        form method="post" action={ "/manage/rules/guidelines/" (path) } {
            input type="hidden" name="made_from" value=(now.version);
            @if seen { input type="hidden" name="seen" value=(new.version); }
            div.sides.wide {
                div.field {
                    label for="markdown" { "The text" }
                    textarea.lines #markdown name="markdown" rows="22" maxlength=(LONGEST) dir="auto" required
                        aria-describedby="markdown-hint" { "\n" (markdown) }
                    p.hint #markdown-hint { "In Markdown: # begins a heading, - an entry of a list, **words** are bold. HTML is shown as it is written. Up to " (count(LONGEST)) " characters." }
                    p { button.main[!seen || same] name="do" value="preview" { @if seen { "Preview again" } @else { "Preview" } } }
                }
                section aria-labelledby="shown" {
                    h2.label #shown { "As " (people) @if same { " see it now" } @else { " will see it" } }
                    (parts::markdown(&markdown))
                }
            }
            @if seen && same {
                p.notice role="status" { "This is the text in force: there is nothing to save." }
            } @else if seen {
                section.card aria-labelledby="follows" {
                    h2 #follows { "What follows" }
                    (follows(role, accepted))
                    @match &place {
                        Ok(place) => {
                            (written(place))
                            button.main name="do" value="save" { "Save, for " (people) }
                        }
                        Err(error) => (in_vain(&config, role, error)),
                    }
                }
            } @else if let Err(error) = &place {
                p.warning { strong { "It cannot be saved from here: " } (why(error)) }
            }
        }
        @if overtaken && !same {
            section aria-labelledby="in-force" {
                h2 #in-force { "What holds now" }
                pre tabindex="0" role="region" aria-label="The text in force" { (now.markdown) }
            }
        }
    };
    Ok(page(&format!("Guidelines for {people}"), "/manage/rules", &main))
}

/// What a change means for members.
fn follows(role: Role, accepted: u64) -> Markup {
    html! {
        @match (role, accepted) {
            (Role::Mentee, _) => p { "Mentees read it beside each request from now on. Nobody is asked to accept it." },
            (Role::Mentor, 0) => p { "No mentor accepted the text in force. Each is asked for this one before their next introduction." },
            (Role::Mentor, accepted) => p {
                strong { (count(accepted)) @if accepted == 1 { " mentor" } @else { " mentors" } }
                " accepted the text in force. Each is asked for the new one before their next introduction; what has begun goes on."
            },
        }
    }
}

fn written(place: &Place) -> Markup {
    html! {
        @match place {
            Place::Named(file) => p { "It is written into " code { (name(file)) } ", and holds at once." },
            Place::New { file, config } => p { "It is written into a new file, " code { (name(file)) } ", which " code { (name(config)) } " then names, and holds at once." },
        }
    }
}

/// Why it cannot be saved, and how to do it by hand.
fn in_vain(config: &Config, role: Role, error: &NotSaved) -> Markup {
    let option = edit::guidelines_option(role);
    html! {
        p.warning { strong { "It cannot be saved from here: " } (why(error)) }
        @match (error, config.programme.guidelines_file(role)) {
            (NotSaved::Unread(_), _) => {},
            (_, Some(file)) => p { "By hand: put the text into " code { (name(file)) } ", and have it read again under " a href="/operate#configuration" { "Service" } "." },
            (_, None) => {
                p { "The text goes into a file of its own beside the configuration file." }
                (by_hand(config, &format!("[programme]\n{option} = \"{}.md\"\n", option.replace('_', "-")), "The name of the file as TOML"))
            }
        }
    }
}
