//! The page in a real browser: what people do on it, on a desktop and on a phone, and that everybody can.

use rapport::member::{Education, Member, Place, Role};
use rapport::sample::Community;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{
    self,
    browser::{Browser, Device, ENTER, TAB},
    http,
    local::Local,
};

/// What somebody would write who wants a page to run it.
const PLANTED: &str = "<script>window.planted = 1</script>\"><img src=x onerror=\"window.planted=1\">";

/// A folder, which lives as long as the service does.
fn service() -> (TempDir, Local) {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    common::publish(&config, &members());
    let local = Local::start(config, common::embedder());
    (folder, local)
}

/// Invented members, and one of every kind that a page may stumble over.
fn members() -> Vec<Member> {
    let mut members: Vec<Member> = Community::new(150, 42).iter().collect();
    let text = |text: &str| Some(text.to_owned());
    members.push(Member {
        name: text(PLANTED),
        headline: text(PLANTED),
        about: text(PLANTED),
        profession: text(PLANTED),
        industry: text(PLANTED),
        employers: vec![PLANTED.into()],
        interests: vec![PLANTED.into(), "chess".into()],
        aims_for: text(PLANTED),
        seeks: text(PLANTED),
        offers: text(PLANTED),
        overcame: vec![PLANTED.into()],
        education: vec![Education { school: text(PLANTED), degree: text(PLANTED), field: text(PLANTED), year: None }],
        location: Some(Place { city: text(PLANTED), ..Place::default() }),
        groups: vec![PLANTED.into()],
        ..common::mentor("planted")
    });
    members.push(Member {
        name: text("ליאור בן־דוד, שם ארוך מאוד מאוד"),
        headline: text(&"Registered nurse".repeat(12)),
        profession: text("Registered nurse"),
        ..common::mentor("right-to-left")
    });
    members.push(Member { profession: text("Registered nurse"), ..common::mentor("nameless") });
    let (roles, aims_for) = (vec![Role::Mentee], text("Registered nurse"));
    let facing = vec!["the board exam".into()];
    members.push(Member {
        roles,
        aims_for,
        facing,
        name: text("Maya R."),
        interests: vec!["chess".into()],
        private: vec!["facing".into()],
        ..common::mentor("maya")
    });
    members
}

#[test]
fn somebody_finds_a_mentor_by_profile_in_words_and_by_a_short_profile() {
    let (_folder, local) = service();
    for device in [Device::Desktop, Device::Phone] {
        let browser = Browser::start(device, &local.url());
        browser.open("/why");
        assert_eq!(browser.path(), "/sign-in");
        browser.audit("sign-in");
        browser.sign_in(&local.bearer("maya"));
        assert_eq!(browser.text(".who .name"), "Maya R.");

        // By the profile: nothing has to be said.
        assert!(browser.texts(".hits h3").len() >= 5);
        assert!(browser.text(".hits .points").contains("Registered nurse"));
        assert!(browser.text(".hits summary").contains("What made the score"));
        browser.audit("find");

        // A filter is applied as it is filled in, without another page.
        browser.eval("window.same = true");
        if device == Device::Phone {
            browser.click(".filters summary");
        }
        browser.fill("#country", "US");
        browser.until("location.search.includes('country=US')");
        browser.until("!document.querySelector('#results').hasAttribute('aria-busy')");
        assert!(browser.texts(".hits .aside").iter().all(|aside| aside.contains("US")));
        browser.eval("(document.querySelector('#outside_circle').value = 1, document.querySelector('#outside_circle').dispatchEvent(new Event('change', {bubbles: true})))");
        browser.until("location.search.includes('outside_circle=1')");
        assert_eq!(browser.eval("window.same"), json!(true));

        // In words.
        browser.open("/?by=words");
        browser.audit("find-nothing-yet");
        browser.fill("#text", "I want to become a nurse and I am afraid of the exams");
        browser.until("document.querySelectorAll('.hits > li').length > 0");
        assert!(browser.text(".hits .points").contains("nurse"));
        browser.audit("find-in-words");

        // By a short profile, with chips.
        browser.open("/?by=profile");
        browser.fill("#aims_for", "Software engineer");
        browser.fill("#interests", "chess");
        browser.press(ENTER);
        browser.until("document.querySelector('.chips button')?.textContent.includes('chess') === true");
        browser.until("location.search.includes('interests=chess') && location.search.includes('Software')");
        browser.until("document.querySelectorAll('.hits > li').length > 0");
        browser.audit("find-by-profile");

        // What is not possible is told on the page.
        browser.open("/?by=words&text=nurse&country=US&k=0");
        assert!(browser.text("[role=alert]").contains("expected 1 to 1000"));
        browser.audit("wrong");
        browser.open("/nowhere");
        browser.audit("nowhere");
    }
}

#[test]
fn a_member_is_shown_as_they_show_themselves_and_why_they_are_found_or_not() {
    let (_folder, local) = service();
    for device in [Device::Desktop, Device::Phone] {
        let browser = Browser::start(device, &local.url());
        browser.sign_in(&local.bearer("maya"));
        for id in ["planted", "right-to-left", "nameless"] {
            browser.open(&format!("/members/{id}"));
            browser.audit(&format!("member-{id}"));
        }
        assert!(browser.text("main").contains("What you have in common"));
        browser.open("/?by=words&text=chess");
        browser.audit("find-planted");
        browser.open("/why?mentor=nameless");
        assert!(browser.text(".why").contains("Rank "));
        browser.audit("why");
        // Unknown and blocked are one answer.
        browser.open("/why?mentor=nobody");
        assert!(browser.text("[role=alert]").contains("not available"));
        browser.open("/members/nobody");
        browser.audit("member-nobody");
    }
}

#[test]
fn a_mentee_says_hello_a_mentor_answers_and_both_go_their_way() {
    let (_folder, local) = service();
    for (device, mentor) in [(Device::Desktop, "nameless"), (Device::Phone, "right-to-left")] {
        let browser = Browser::start(device, &local.url());
        browser.sign_in(&local.bearer("maya"));
        browser.open("/introductions");
        browser.audit("introductions-none");
        browser.open(&format!("/members/{mentor}"));
        browser.fill("#note", "I sit the board exam in May. May I ask you about it?");
        browser.click("form[action='/introductions'] button.main");
        browser.until("location.pathname.startsWith('/introductions/i-')");
        let path = browser.path();
        browser.audit("introduction-asked");

        browser.sign_in(&local.bearer(mentor));
        browser.open("/introductions");
        assert!(browser.text("main").contains("Maya R."));
        browser.audit("inbox");
        browser.open(&path);
        assert!(browser.text("main").contains("May I ask you about it?"));
        browser.audit("introduction-to-answer");
        browser.click("input[name=accepts_guidelines]");
        browser.click("form:has(input[value=accept]) button");
        browser.until("document.querySelector('form:has(input[value=check_in])') !== null");
        browser.audit("introduction-going-on");
        browser.open("/participation");
        browser.audit("participation");

        browser.sign_in(&local.bearer("maya"));
        browser.open(&path);
        browser.click("form:has(input[value=check_in]) button");
        browser.until("document.querySelector('.way li.done') !== null");
        browser.unfold("Complete it");
        browser.click("form:has(input[value=complete]) button");
        browser.until("document.querySelector('form:has(input[value=complete])') === null");
        browser.audit("introduction-completed");
        browser.open("/participation");
        browser.until("document.querySelector('.kin') !== null");
        browser.audit("lineage");
    }
}

#[test]
fn whoever_runs_the_programme_takes_people_in_matches_them_and_rebuilds() {
    let (_folder, local) = service();
    for device in [Device::Desktop, Device::Phone] {
        let browser = Browser::start(device, &local.url());
        browser.sign_in(&local.bearer(""));
        browser.open("/?by=words&text=nurse");
        for page in ["manage", "manage/introductions", "manage/attention", "manage/events", "manage/rules", "operate"] {
            browser.open(&format!("/{page}"));
            browser.audit(&page.replace('/', "-"));
        }
        browser.open("/manage/attention");
        assert!(browser.text(".figures").contains("mentors were shown"), "{}", browser.text("main"));
        browser.open("/manage/rules?school=5");
        browser.audit("manage-rules-tried");
        browser.open("/manage/intake");
        browser.audit("manage-intake");
        let id = format!("{device:?}").to_lowercase();
        let lines = format!(
            "{{\"id\": \"{id}\", \"roles\": [\"mentee\"], \"name\": \"Ines\"}}\n{{\"id\": \"x\", \"hobby\": 1}}"
        );
        browser.eval(&format!("document.querySelector('#lines').value = {}", json!(lines)));
        browser.click("form[action='/manage/intake'] button.main");
        browser.until("document.querySelector('form[action=\"/manage/intake/write\"]') !== null");
        assert!(browser.text("main").contains("hobby"));
        browser.audit("manage-intake-checked");
        browser.click("form[action='/manage/intake/write'] button.main");
        browser.until("document.querySelector('[role=status]') !== null");
        browser.audit("manage-intake-written");

        browser.open("/manage/cohort");
        browser.audit("manage-cohort");
        browser.click("form button.main");
        browser.until("document.querySelector('.pair') !== null");
        browser.audit("manage-cohort-pairs");
        browser.click("input[name=lock]");
        browser.eval("window.before = true");
        browser.click("form button.main");
        browser.until("window.before === undefined && document.querySelector('input[name=lock]:checked') !== null");
        browser.unfold("Introduce these pairs");
        browser.click("button[formaction='/manage/cohort/introduce']");
        browser.until("document.querySelector('[role=status]')?.textContent.includes('were introduced') === true");
        browser.audit("manage-cohort-introduced");
        browser.open("/manage/introductions");
        browser.audit("manage-introductions-some");
        browser.open("/manage/events");
        browser.audit("manage-events-some");

        // The progress is told as it goes, and the page says how it ended.
        browser.open("/operate");
        let before = browser.text("dl");
        browser.click("input[name=full]");
        browser.click("form[action='/operate/rebuild'] button");
        browser.until(&format!(
            "document.querySelector('[data-rebuild]') === null && document.querySelector('form[action=\"/operate/rebuild\"]') !== null \
             && document.querySelector('dl').innerText !== {}",
            json!(before)
        ));
        browser.audit("operate-rebuilt");
    }
}

#[test]
fn a_keyboard_and_twice_the_size_are_enough() {
    let (_folder, local) = service();
    let browser = Browser::start(Device::Desktop, &local.url());
    browser.open("/sign-in");
    browser.press(TAB);
    assert_eq!(browser.eval("document.activeElement.className"), json!("skip"));
    browser.press(ENTER);
    browser.until("location.hash === '#main'");
    browser.press(TAB);
    assert_eq!(browser.eval("document.activeElement.id"), json!("bearer"));
    browser.fill("#bearer", &local.bearer("maya"));
    browser.press(ENTER);
    browser.until("location.pathname === '/'");
    // From the top to the first mentor's name and into their page, by keys alone.
    let mut steps = 0;
    while browser.eval("document.activeElement.matches('.hits h3 a')") != json!(true) {
        browser.press(TAB);
        steps += 1;
        assert!(steps < 40, "the first mentor is not reached");
        assert_eq!(browser.eval("document.activeElement.matches(':focus-visible')"), json!(true), "the focus is seen");
    }
    browser.press(ENTER);
    browser.until("location.pathname.startsWith('/members/')");
    // A phone of 360 pixels at 200 % is 180 wide; text is there to be read, even so.
    let phone = Browser::start(Device::Phone, &local.url());
    phone.sign_in(&local.bearer("maya"));
    phone.eval("document.documentElement.style.fontSize = '200%'");
    let wide = phone.eval("document.scrollingElement.scrollWidth - document.documentElement.clientWidth");
    assert!(wide.as_f64().unwrap() <= 0.0, "{wide} pixels too wide");
}

#[test]
fn without_keys_this_machine_may_be_anybody_and_a_page_of_elsewhere_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    common::publish(&config, &members());
    let service = http::Service::start(&config, &[]);
    let at = format!("http://{}", service.address());
    let browser = Browser::start(Device::Desktop, &at);
    browser.open("/sign-in");
    browser.audit("be-somebody");
    browser.fill("#member", "maya");
    browser.press(ENTER);
    browser.until("document.querySelector('.who .name')?.innerText === 'Maya R.'");
    assert!(!browser.text("nav").contains("Programme"), "who is a member may what a member may");
    browser.click(".who button");
    browser.until("document.querySelector('.who .name')?.innerText === 'Nobody in particular'");

    let form = ("content-type", "application/x-www-form-urlencoded");
    for elsewhere in [("origin", "https://elsewhere.example"), ("sec-fetch-site", "cross-site")] {
        let refused = service.send("POST", "/be", &[form, elsewhere], b"member=maya");
        assert_eq!(refused.status, 403, "{elsewhere:?}");
        assert_eq!(refused.header("set-cookie"), "");
    }
    let own = ("origin", at.as_str());
    let refused = service.send("POST", "/be", &[form, own], &b"member=maya&".repeat(200_000));
    assert_eq!((refused.status, refused.text().contains("more than is taken")), (413, true));
    let taken = service.send("POST", "/be", &[form, own], b"member=maya");
    assert_eq!(taken.status, 303, "{}", taken.text());
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(taken.header("set-cookie").contains(flag), "{flag}");
    }
    let page = service.get("/?by=words&text=nurse");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    // All that a first visit loads.
    let text = page.text();
    let loaded: usize =
        text.split('"').filter(|part| part.starts_with("/assets/")).map(|asset| service.get(asset).body.len()).sum();
    assert!(loaded > 5_000 && loaded + text.len() < 100_000, "{loaded} and {}", text.len());
}
