//! What pages are put together from.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use crate::member::{Education, Member, Place};
use crate::search::weights::Feature;
use crate::search::{Adjustment, Contribution, Hit, HitMember, PointInCommon};

/// How a path is written that has an id in it: any character may be in one.
pub fn path(before: &str, id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    // As of a path: there a plus is a plus.
    format!("{before}{}", id.replace('+', "%20"))
}

/// A member's name, which need not be there.
pub fn name(member: &HitMember) -> &str {
    member.name.as_deref().unwrap_or(&member.id)
}

/// A member's name, leading to their page.
pub fn link(member: &HitMember) -> Markup {
    html! { a href=(path("/members/", &member.id)) dir="auto" { (name(member)) } }
}

/// A feature's name for people.
pub fn said(feature: Feature) -> String {
    let said = match feature {
        Feature::OvercameWhatIFace => "overcame what you face",
        Feature::WordsInCommon => "your words in their profile",
        Feature::ExperienceGap => "years ahead of you",
        other => other.name(),
    };
    said.replace('_', " ")
}

/// What two people have in common, in words.
pub fn points(points: &[PointInCommon]) -> Markup {
    html! {
        @if points.is_empty() {
            p.hint { "Nothing in common that is worth saying." }
        } @else {
            ul.points { @for point in points { li dir="auto" { (point.text) } } }
        }
    }
}

/// What made a score: a bar of the contributions, as long as the match is beside `whole`, and the same in figures.
pub fn score(hit: &Hit, whole: f64) -> Markup {
    let parts: Vec<String> =
        hit.contributions.iter().map(|part| format!("{} {:.2}", said(part.feature), part.contribution)).collect();
    let label = format!("Match {:.2}: {}", hit.match_, parts.join(", "));
    html! {
        (bar(&hit.contributions, whole, &label))
        details.made {
            summary { "What made the score " span.figure { (format!("{:.2}", hit.score)) } }
            table {
                thead { tr { th scope="col" { "Part" } th scope="col" { "How much" } th scope="col" { "Weight" } th scope="col" { "Counts" } } }
                tbody {
                    @for (number, part) in (1..).zip(&hit.contributions) {
                        tr {
                            th scope="row" { span.key { (number) } " " (said(part.feature)) }
                            td { (format!("{:.2}", part.value)) }
                            td { (format!("{:.2}", part.weight)) }
                            td { (format!("{:.3}", part.contribution)) }
                        }
                    }
                    @for adjustment in &hit.adjustments {
                        tr {
                            th scope="row" { (adjustment.reason.replace('_', " ")) }
                            td {} td {}
                            td { (format!("{:+.3}", adjustment.amount)) }
                        }
                    }
                }
                tfoot { tr { th scope="row" { "Score" } td {} td {} td { (format!("{:.3}", hit.score)) } } }
            }
        }
    }
}

/// A bar of contributions, strongest first. Each part has its number where it is wide enough, and a gap before the next, so
/// that it is read without colours.
fn bar(contributions: &[Contribution], whole: f64, label: &str) -> Markup {
    let percent = |part: f64| if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
    let mut at = 0.0;
    let parts = contributions.iter().map(|part| {
        let wide = percent(part.contribution);
        at += wide;
        (at - wide, wide)
    });
    let parts: Vec<(f64, f64)> = parts.collect();
    html! {
        svg.bar role="img" aria-label=(label) {
            rect.ground width="100%" height="100%" rx="4" {}
            @for (number, (x, wide)) in (1..).zip(parts) {
                rect class={ "part p" (number % 4) } x=(format!("{x:.2}%")) width=(format!("{wide:.2}%")) height="100%" {}
                @if wide > 6.0 {
                    text x=(format!("{:.2}%", x + wide / 2.0)) y="13" text-anchor="middle" { (number) }
                }
            }
        }
    }
}

/// What is added to or taken from a match, and why.
pub fn adjustments(adjustments: &[Adjustment]) -> Markup {
    html! {
        @if !adjustments.is_empty() {
            ul.adjustments {
                @for adjustment in adjustments {
                    li { span.figure { (format!("{:+.2}", adjustment.amount)) } " " (adjustment.text) }
                }
            }
        }
    }
}

/// A place as it is said.
pub fn place(place: &Place) -> String {
    let parts = [&place.city, &place.region, &place.country];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A record, as far as it is shown.
pub fn record(member: &Member) -> Markup {
    let school = |at: &Education| {
        let parts = [&at.degree, &at.field, &at.school].into_iter().flatten().cloned();
        parts.chain(at.year.map(|year| year.to_string())).collect::<Vec<_>>().join(", ")
    };
    let one = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let rows = [
        ("Profession", one(&member.profession)),
        ("Industry", one(&member.industry)),
        ("Employers", member.employers.clone()),
        ("Experience", member.years_experience.iter().map(|years| format!("{years} years")).collect()),
        ("Offers", one(&member.offers)),
        ("Overcame", member.overcame.clone()),
        ("Aims for", one(&member.aims_for)),
        ("Seeks", one(&member.seeks)),
        ("Faces", member.facing.clone()),
        ("Interests", member.interests.clone()),
        ("Education", member.education.iter().map(school).collect()),
        ("Lives in", member.location.iter().map(place).collect()),
        ("Comes from", member.hometown.iter().map(place).collect()),
        ("Languages", member.languages.clone()),
        ("Time zone", one(&member.time_zone)),
        ("Groups", member.groups.clone()),
    ];
    html! {
        @if let Some(about) = &member.about { p dir="auto" { (about) } }
        dl {
            @for (title, values) in rows {
                @if values.iter().any(|value| !value.is_empty()) {
                    dt { (title) }
                    dd { @for value in &values { span.value dir="auto" { (value) } } }
                }
            }
        }
    }
}

/// A text with its label, for a form.
pub fn field(id: &str, label: &str, value: &str, hint: &str) -> Markup {
    let told = format!("{id}-hint");
    html! {
        div.field {
            label for=(id) { (label) }
            input #(id) name=(id) value=(value) dir="auto" aria-describedby=[(!hint.is_empty()).then_some(&told)];
            @if !hint.is_empty() { p.hint #(told) { (hint) } }
        }
    }
}

/// One of a few values, for a form.
pub fn choice(id: &str, label: &str, chosen: &str, values: &[(&str, &str)]) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            select #(id) name=(id) {
                @for (value, said) in values { option value=(value) selected[*value == chosen] { (said) } }
            }
        }
    }
}

/// A button that does something to what stands at a path.
pub fn act(path: &str, fields: &[(&str, &str)], button: &str, class: &str) -> Markup {
    html! {
        form.act method="post" action=(path) {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) { (button) }
        }
    }
}

/// A text in Markdown, as a part of a page: its headings are below the page's. HTML in it is shown as it is written, and a link
/// leads to a place or nowhere.
pub fn markdown(text: &str) -> Markup {
    let plain = |event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) if !is_place(&dest_url) => {
            Event::Start(Tag::Link { link_type, dest_url: "#".into(), title, id })
        }
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: lower(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        other => other,
    };
    let mut written = String::new();
    pulldown_cmark::html::push_html(&mut written, Parser::new(text).map(plain));
    html! { div.prose dir="auto" { (PreEscaped(written)) } }
}

/// Whether an address is of a place, and does not do something where it stands, as `javascript:` does.
fn is_place(address: &str) -> bool {
    let begin = address.split(['/', '?', '#']).next().unwrap_or_default();
    begin.split_once(':').is_none_or(|(scheme, _)| {
        ["http", "https", "mailto", "tel"].into_iter().any(|place| scheme.eq_ignore_ascii_case(place))
    })
}

/// A heading's level in a text that stands below one of the second level.
fn lower(level: HeadingLevel) -> HeadingLevel {
    HeadingLevel::try_from(level as usize + 2).unwrap_or(HeadingLevel::H6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_planted_in_markdown_is_shown_and_does_nothing() {
        for (planted, shown) in [
            ("<script>x()</script>", "&lt;script&gt;x()&lt;/script&gt;"),
            ("a <img src=x onerror=x()>", "a &lt;img src=x onerror=x()&gt;"),
            ("[a](javascript:x())", "<a href=\"#\">a</a>"),
            ("[a](JaVa&#9;Script:x())", "<a href=\"#\">a</a>"),
            ("[a](data:text/html,x)", "<a href=\"#\">a</a>"),
            ("<javascript:x()>", "<a href=\"#\">javascript:x()</a>"),
            ("[a](HTTPS://here.example)", "<a href=\"HTTPS://here.example\">a</a>"),
            ("[a](/b:c)", "<a href=\"/b:c\">a</a>"),
            ("# One", "<h3>One</h3>"),
        ] {
            let written = markdown(planted).into_string();
            assert!(written.contains(shown), "{planted}: {written}");
        }
    }
}
