//! The forms by which somebody answers, takes back, completes, ends and reports: those that their side has at this point.

use maud::{Markup, html};

use super::said::REASONS;
use crate::community::TakesPart;
use crate::member::{Member, Role};
use crate::programme::{Introduction, LONGEST_WORDS, Side, Status};
use crate::server::App;
use crate::server::page::{ask, parts};

/// The mentor's yes and no.
pub fn forms(app: &App, introduction: &Introduction, own: &Member, takes_part: &TakesPart) -> Markup {
    let path = path(introduction);
    let standing = &takes_part.standing;
    let full = standing.taken >= standing.capacity as usize;
    let config = app.community.config();
    let guidelines = config.programme.guidelines.of(Role::Mentor);
    html! {
        section.card aria-labelledby="answer" {
            h2 #answer { "Your answer" }
            @if full {
                p.warning {
                    "You have " (standing.taken) " of " (standing.capacity) " mentees, so that you cannot say yes now. "
                    a href="/participation" { "Take more" } ", or complete what is done."
                }
            } @else {
                form.narrow method="post" action=(path) {
                    input type="hidden" name="do" value="accept";
                    (ask::shares(own, "They see these from now on, as long as it goes on."))
                    @if !takes_part.guidelines_accepted {
                        details open { summary { "Guidelines for mentors" } (parts::markdown(&guidelines.markdown)) }
                        label.check {
                            input type="checkbox" name="accepts_guidelines" value=(guidelines.version) required;
                            " I have read the guidelines, and keep to them"
                        }
                    }
                    button.main { "Say yes" }
                }
            }
            details {
                summary { "Say no" }
                form.narrow method="post" action=(path) {
                    input type="hidden" name="do" value="decline";
                    (reason("decline", &REASONS))
                    (words("decline", "A few words to them", "They read it, and are shown whom to ask next.", false))
                    button { "Say no" }
                }
            }
        }
    }
}

/// Whatever else can be done, from the lightest to the gravest.
pub fn others(introduction: &Introduction, own: Side) -> Markup {
    let path = path(introduction);
    let status = introduction.status;
    let reported = introduction.reports.iter().find(|report| report.by == own);
    html! {
        section aria-labelledby="else" {
            h2 #else { "What else you can do" }
            @if status == Status::Requested && own == Side::Mentee {
                (parts::act(&path, &[("do", "withdraw")], "Take the request back", "quiet"))
            }
            @if status == Status::Accepted {
                details {
                    summary { "Complete it" }
                    p { "You did what you meant to do together. The mentor's place is free again, and each of you stands in the other's lineage." }
                    (parts::act(&path, &[("do", "complete")], "It is completed", ""))
                }
                details {
                    summary { "End it before it is done" }
                    form.narrow method="post" action=(path) {
                        input type="hidden" name="do" value="end";
                        (reason("end", &REASONS))
                        (words("end", "A few words to them", "They read it.", false))
                        button { "End it" }
                    }
                }
            }
            @match reported {
                Some(report) => { p.hint { "You reported to the managers:" } (super::said::words(&report.words)) }
                None => details {
                    summary { "Report something to the managers" }
                    p { "If they ask for money or favours, frighten or hurt you, or anything else is not right. It ends what is open between you, and you are not introduced again." }
                    form.narrow method="post" action=(path) {
                        input type="hidden" name="do" value="report";
                        (words("report", "What happened", "Managers read it; the other does not.", true))
                        button.grave { "Report it" }
                    }
                },
            }
        }
    }
}

fn path(introduction: &Introduction) -> String {
    format!("/introductions/{}", introduction.id)
}

fn reason(form: &str, reasons: &[(&str, &str)]) -> Markup {
    let id = format!("{form}-reason");
    html! {
        label for=(id) { "Why" }
        select #(id) name="reason" { @for (value, said) in reasons { option value=(value) { (said) } } }
    }
}

fn words(form: &str, label: &str, hint: &str, required: bool) -> Markup {
    let (id, told) = (format!("{form}-words"), format!("{form}-hint"));
    html! {
        label for=(id) { (label) }
        textarea #(id) name="words" rows="3" maxlength=(LONGEST_WORDS) dir="auto" required[required] aria-describedby=(told) {}
        p.hint #(told) { (hint) }
    }
}
