//! The pages of introductions and of taking part, as people use them: forms are sent, pages are read.

use rapport::member::{Education, Member, Place, Role};
use serde_json::json;
use tempfile::TempDir;

use crate::common::{
    local::{DAY, Local},
    mentee, mentor, tiny, wait,
};

fn started(members: &[Member]) -> (TempDir, Local) {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, members));
    let service = Local::start(config, tiny::embedder());
    (folder, service)
}

/// A mentee `e0` and a stranger `e1`, and mentors `o0` and `o1` of one profession.
fn people() -> Vec<Member> {
    let named = |name: &str, member: Member| Member { name: Some(name.into()), ..member };
    let nurse = |id| Member { profession: Some("Nurse".into()), ..mentor(id) };
    let seeker = |id| Member { aims_for: Some("Nurse".into()), ..mentee(id) };
    let asks = Member {
        seeks: Some("a planted secret".into()),
        facing: vec!["a planted fear".into()],
        private: vec!["seeks".into(), "friends".into()],
        ..seeker("e0")
    };
    vec![
        named("Ada", asks),
        named("A stranger", seeker("e1")),
        named("أمل", nurse("o0")),
        named("Bea", Member { capacity: Some(1), ..nurse("o1") }),
    ]
}

/// What a page of somebody's says; it is there.
fn page(service: &Local, who: &str, path: &str) -> String {
    let (status, text) = service.page(who, path);
    assert_eq!(status, 200, "{who} {path}: {text}");
    text
}

/// Where somebody gets by sending a form.
fn sent(service: &Local, who: &str, path: &str, form: &[(&str, &str)]) -> String {
    let (status, to, text) = service.form(who, path, form, &[("sec-fetch-site", "same-origin")]);
    assert_eq!(status, 303, "{who} {path} {form:?}: {text}");
    to
}

fn says(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text:?} is missing: {page}");
    }
}

fn hides(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(!page.contains(text), "{text:?} is there: {page}");
    }
}

#[test]
fn a_mentee_asks_and_a_mentor_says_yes_and_they_go_to_the_end() {
    let (_folder, service) = started(&people());
    says(&page(&service, "e0", "/introductions"), &["No request of yours waits", "Nothing goes on"]);
    let mentors_page = page(&service, "e0", "/members/o0");
    says(&mentors_page, &[r#"action="/introductions""#, r#"value="seeks""#, r#"value="facing""#, "Career", "Support"]);
    hides(&mentors_page, &[r#"value="friends""#]);
    let ask = [
        ("mentor", "o0"),
        ("note", "Hello,\r\nI am Ada"),
        ("shares", "seeks"),
        ("shares", "facing"),
        ("path", "skills"),
    ];
    let at = sent(&service, "e0", "/introductions", &ask);

    let asked = page(&service, "e0", &at);
    says(&asked, &["Hello,\nI am Ada", "Waits for their answer", "15 January 2027", r#"value="withdraw""#]);
    hides(&asked, &[r#"value="accept""#, r#"value="complete""#, r#"value="check_in""#]);
    says(&page(&service, "o0", "/introductions"), &["Ada", "Waits for your answer", &at]);
    let mentors_page = page(&service, "e0", "/members/o0");
    says(&mentors_page, &["You asked them", &at]);
    hides(&mentors_page, &[r#"action="/introductions""#]);
    let theirs = page(&service, "o0", &at);
    says(&theirs, &["Ada", "Hello,", r#"value="accept""#, r#"value="decline""#, "accepts_guidelines"]);
    hides(&theirs, &["planted", r#"value="withdraw""#, r#"value="complete""#]);
    let (status, _, refused) = service.form("o0", &at, &[("do", "accept")], &[("sec-fetch-site", "same-origin")]);
    assert_eq!(status, 409, "without the guidelines");
    says(&refused, &["guidelines"]);

    let guidelines = service.guidelines();
    sent(&service, "o0", &at, &[("do", "accept"), ("accepts_guidelines", &guidelines)]);
    let theirs = page(&service, "o0", &at);
    says(&theirs, &["a planted secret", "a planted fear", "Going on", r#"value="check_in""#, r#"value="complete""#]);
    hides(&theirs, &[r#"value="accept""#, r#"value="decline""#]);
    service.pass(8 * DAY);
    says(&page(&service, "e0", &at), &["Was due on"]);
    sent(&service, "e0", &at, &[("do", "check_in"), ("step", "1"), ("words", "it goes well")]);
    says(&page(&service, "o0", &at), &["it goes well", "Checked in on"]);
    sent(&service, "o0", &at, &[("do", "complete")]);
    let completed = page(&service, "e0", &at);
    says(&completed, &["Completed", "Become a mentor", r#"value="report""#]);
    says(&page(&service, "e0", "/introductions?after=i-0000000000000000"), &["Past", &at]);
    hides(&page(&service, "e0", &format!("/introductions?after={}", &at[15..])), &[at.as_str()]);
    hides(&completed, &[r#"value="check_in""#, r#"value="end""#]);
    hides(&page(&service, "o0", &at), &["planted"]);

    says(&page(&service, "e0", "/participation"), &["You were mentored by", "أمل"]);
    let both = [("do", "join"), ("roles", "mentor"), ("roles", "mentee"), ("capacity", "2")];
    sent(&service, "e0", "/participation", &both);
    let stated = service.get("e0", "/v1/members/e0/participation");
    assert_eq!((&stated["roles"], &stated["capacity"]), (&json!(["mentor", "mentee"]), &json!(2)));
    assert!(stated["paused"].is_null(), "what was not changed is the feed's to say: {stated}");
    sent(&service, "e0", "/participation", &[("do", "leave")]);
    says(&page(&service, "e0", "/participation"), &["You left on", "Join again"]);
}

#[test]
fn who_is_declined_is_shown_the_next_best_and_a_stranger_sees_nothing() {
    let (_folder, service) = started(&people());
    let at = sent(&service, "e0", "/introductions", &[("mentor", "o0")]);
    for path in [at.as_str(), "/introductions/i-0000000000000000", "/introductions/nonsense"] {
        assert_eq!(service.page("e1", path).0, 404, "{path}");
        let (status, _, text) = service.form("e1", path, &[("do", "withdraw")], &[("sec-fetch-site", "same-origin")]);
        assert_eq!(status, 404, "{path}");
        hides(&text, &["أمل"]);
    }
    for header in [("origin", "http://elsewhere.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "none")]
    {
        assert_eq!(service.form("e0", &at, &[("do", "withdraw")], &[header]).0, 403, "{header:?}");
    }
    assert_eq!(service.form("e0", &at, &[("do", "withdraw")], &[]).0, 403, "of no known origin");
    says(&page(&service, "e0", &at), &["Waits for their answer"]);

    sent(&service, "o0", &at, &[("do", "decline"), ("reason", "no_time"), ("words", "I am moving")]);
    let declined = page(&service, "e0", &at);
    says(&declined, &["They said no", "I am moving", "Whom to ask next", "Bea", r#"value="o1""#]);
    hides(&page(&service, "o0", &at), &["Whom to ask next"]);
    let next = sent(&service, "e0", "/introductions", &[("mentor", "o1")]);
    sent(&service, "e0", &next, &[("do", "report"), ("words", "a planted report")]);
    says(&page(&service, "e0", &next), &["a planted report"]);
    hides(&page(&service, "o1", &next), &["a planted report"]);
    let managers = page(&service, "", &next);
    says(&managers, &["a planted report", "Ada", "Bea"]);
    hides(&managers, &["<form class", "name=\"do\""]);
}

#[test]
fn whatever_is_written_is_shown_and_never_done() {
    const PLANTED: &str = r#"<script>alert(1)</script>"><img src=x onerror=alert(1)>"#;
    let text = || Some(PLANTED.to_owned());
    let list = || vec![PLANTED.to_owned()];
    let place = || Some(Place { city: text(), region: text(), country: text(), ..Place::default() });
    let school = Education { school: text(), degree: text(), field: text(), ..Education::default() };
    let planted = |member: Member| Member {
        name: text(),
        headline: text(),
        about: text(),
        profession: text(),
        industry: text(),
        employers: list(),
        interests: list(),
        aims_for: text(),
        seeks: text(),
        offers: text(),
        facing: list(),
        overcame: list(),
        education: vec![school.clone()],
        location: place(),
        hometown: place(),
        groups: list(),
        roles: vec![Role::Mentor, Role::Mentee],
        private: vec!["seeks".into()],
        ..member
    };
    let odd = mentor(r#"o"><img src=x>"#);
    let members = [planted(mentee("e0")), planted(mentor("o0")), planted(odd.clone()), planted(mentor("o1"))];
    let (_folder, service) = started(&members);
    let odd_page: String = form_urlencoded::byte_serialize(odd.id.as_str().as_bytes()).collect();
    let odd_page = odd_page.replace('+', "%20");
    let at = sent(&service, "e0", "/introductions", &[("mentor", "o0"), ("note", PLANTED), ("shares", "facing")]);
    let declined = sent(&service, "e0", "/introductions", &[("mentor", odd.id.as_str()), ("note", PLANTED)]);
    let decline = [("do", "decline"), ("reason", "other"), ("words", PLANTED)];
    sent(&service, odd.id.as_str(), &declined, &decline);
    let look = |pages: &[(&str, &str)]| {
        for (who, path) in pages {
            let page = page(&service, who, path);
            says(&page, &["&lt;script&gt;alert(1)"]);
            hides(&page, &["<script>alert", "<img", "style="]);
            assert_eq!(page.matches("<h1").count(), 1, "{path}");
            assert_eq!(page.matches("<script").count(), 1, "{path} has the service's own script");
        }
    };
    look(&[("o0", &at), ("e0", &at), ("", &at), ("e0", &declined), ("e0", &format!("/members/{odd_page}"))]);
    let guidelines = service.guidelines();
    sent(&service, "o0", &at, &[("do", "accept"), ("accepts_guidelines", &guidelines)]);
    sent(&service, "o0", &at, &[("do", "check_in"), ("step", "1"), ("words", PLANTED)]);
    look(&[("o0", &at), ("e0", &at), ("", &at), ("e0", "/introductions"), ("o0", "/introductions"), ("e0", "/")]);
    sent(&service, "e0", &at, &[("do", "complete")]);
    sent(&service, "e0", &at, &[("do", "report"), ("words", PLANTED)]);
    look(&[("e0", &at), ("", &at), ("e0", "/participation"), ("o0", "/participation")]);
    let wrong = [("do", PLANTED), ("reason", PLANTED), ("step", PLANTED)];
    let (status, _, refused) = service.form("e0", &at, &wrong, &[("sec-fetch-site", "same-origin")]);
    assert_eq!(status, 400);
    hides(&refused, &["<script>alert", "<img"]);
}
