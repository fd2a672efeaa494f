//! The way that two people go together, and the form to check in with.

use maud::{Markup, html};

use super::said::{day, words};
use crate::programme::{Introduction, LONGEST_WORDS, Path, Status, Step};
use crate::server::App;

/// The step that comes next.
pub fn next(path: &Path) -> Option<&Step> {
    path.steps.iter().filter(|step| step.done.is_none()).min_by_key(|step| step.due)
}

/// All steps, and how far they are; with the form to check in with while it goes on, for whoever may.
pub fn shown(app: &App, introduction: &Introduction, may: bool) -> Markup {
    let path = &introduction.path;
    let config = app.community.config();
    let title = config.programme.templates.get(&path.name).map_or(path.name.as_str(), |path| path.title.as_str());
    let goes_on = introduction.status == Status::Accepted;
    let next = next(path).filter(|_| goes_on);
    html! {
        @if introduction.status == Status::Requested {
            p.hint { "The way that you would go together: " bdi { (title) } "." }
        }
        @if !path.steps.is_empty() {
            section aria-labelledby="way" {
                h2 #way { "The way: " bdi { (title) } }
                ol.way {
                    @for (number, step) in (1..).zip(&path.steps) {
                        li.done[step.done.is_some()].next[next == Some(step)] {
                            h3 dir="auto" { (step.title) }
                            p.aside {
                                @match step.done {
                                    Some(done) => span { "Checked in on " (day(done)) },
                                    None if !goes_on => span { "Not checked in" },
                                    None if step.told => span.full { "Was due on " (day(step.due)) },
                                    None => span { "Check-in by " (day(step.due)) },
                                }
                            }
                            @if step.done.is_none() && goes_on {
                                p dir="auto" { (step.ask) }
                                @if may { (check_in(introduction, number, next == Some(step))) }
                            }
                            @if let Some(said) = &step.words { (words(said)) }
                        }
                    }
                }
            }
        }
    }
}

fn check_in(introduction: &Introduction, step: usize, is_next: bool) -> Markup {
    let (words, hint) = (format!("words-{step}"), format!("hint-{step}"));
    html! {
        details open[is_next] {
            summary { "Check in" }
            form.narrow method="post" action={ "/introductions/" (introduction.id) } {
                input type="hidden" name="do" value="check_in";
                input type="hidden" name="step" value=(step);
                label for=(words) { "What came of it" }
                textarea #(words) name="words" rows="3" maxlength=(LONGEST_WORDS) dir="auto" aria-describedby=(hint) {}
                p.hint #(hint) { "You both read it. It may stay empty." }
                button.main[is_next] { "Check in" }
            }
        }
    }
}
