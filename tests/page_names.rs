//! Somebody is asked about by their name, in a real browser: suggested as it is typed, told apart from others of the name, and
//! never found by a name that is private or whose owner may not be seen.

use rapport::member::{Member, Place};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{
    browser::{Browser, Device, ENTER},
    ids_of,
    local::Local,
    mentee, mentor, strings, tiny, wait,
};

fn service() -> (TempDir, Local) {
    let place = |city: &str| Some(Place { city: Some(city.into()), country: Some("US".into()), ..Place::default() });
    let called = |id: &str, name: &str| Member {
        name: Some(name.into()),
        headline: Some(format!("Nurse, known as {id}")),
        profession: Some("Nurse".into()),
        ..mentor(id)
    };
    let members = [
        Member {
            name: Some("Maya R.".into()),
            aims_for: Some("Nurse".into()),
            blocks: ids_of(&["m-4"]),
            ..mentee("maya")
        },
        Member { location: place("Boston"), ..called("m-1", "Ada N.") },
        Member { location: place("Austin"), ..called("m-2", "Ada N.") },
        called("m-3", "Adam <b>Bold</b>"),
        called("m-4", "Adana Blocked"),
        Member { paused: true, ..called("m-5", "Ada Paused") },
        Member { private: strings(&["name"]), ..called("m-6", "Ada Private") },
        called("m-7", "Zoe (m-1)"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config(folder.path());
    wait(tiny::publish(&config, &members));
    let service = Local::start(config, tiny::embedder());
    (folder, service)
}

/// What a field suggests: values, and what is told beside them.
fn suggested(browser: &Browser, field: &str) -> Value {
    browser.eval(&format!(
        "[...document.querySelector('{field}').list.options].map((one) => [one.value, one.textContent])"
    ))
}

#[test]
fn a_mentor_is_asked_about_by_name_and_told_apart_from_another_of_the_name() {
    let (_folder, service) = service();
    for device in [Device::Desktop, Device::Phone] {
        let browser = Browser::start(device, &service.url());
        browser.sign_in(&service.bearer("maya"));
        browser.open("/why");
        browser.fill("#mentor", "ａDA");
        browser.until("document.querySelector('#mentor').list.options.length === 3");
        assert_eq!(
            suggested(&browser, "#mentor"),
            json!([
                ["Ada N. (m-1)", "Ada N. · Nurse, known as m-1 · Boston, US"],
                ["Ada N. (m-2)", "Ada N. · Nurse, known as m-2 · Austin, US"],
                ["Adam <b>Bold</b>", "Adam <b>Bold</b> · Nurse, known as m-3"],
            ])
        );
        browser.audit("why-typed");

        // Without a choice among those suggested, it is asked for.
        browser.open("/why");
        browser.fill("#mentor", "ada n");
        browser.press(ENTER);
        browser.until("document.querySelectorAll('.choices a').length === 2");
        assert_eq!(browser.texts(".choices a strong"), ["Ada N.", "Ada N."]);
        assert!(browser.texts(".choices a span")[1].contains("Austin"));
        browser.audit("why-which");
        browser.click(".choices li:nth-child(2) a");
        browser.until("document.querySelector('.why') !== null");
        assert!(browser.text(".why").contains("Rank "), "{}", browser.text("main"));
        assert_eq!(browser.eval("document.querySelector('.why h2 a').pathname"), json!("/members/m-2"));
        assert_eq!(browser.eval("document.querySelector('#mentor').value"), json!("Ada N. (m-2)"));
        browser.audit("why-by-name");
        // What the field holds then is asked again as it stands, and so is what was suggested.
        for (typed, meant) in
            [("Ada N. (m-2)", "m-2"), ("Adam <b>bold</b>", "m-3"), ("m-1", "m-1"), ("Zoe (m-1)", "m-7")]
        {
            browser.open(&format!(
                "/why?{}",
                form_urlencoded::Serializer::new(String::new()).append_pair("mentor", typed).finish()
            ));
            assert_eq!(
                browser.eval("document.querySelector('.why h2 a').pathname"),
                json!(format!("/members/{meant}")),
                "{typed}"
            );
        }
    }
}

#[test]
fn who_may_not_be_seen_and_who_is_nobody_are_one_answer() {
    let (_folder, service) = service();
    let asked = |who: &str, name: &str| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
        service.get(who, &format!("/v1/members?{query}"))["members"].clone()
    };
    let (_, nobody) = service.page("maya", "/why?mentor=nobody");
    assert!(nobody.contains("not available"), "{nobody}");
    for hidden in ["Adana%20Blocked", "m-4", "Ada%20Paused", "m-5", "Ada%20Private", "ada", "Nobody%20(m-4)"] {
        assert_eq!(service.page("maya", &format!("/why?mentor={hidden}")), (404, nobody.clone()), "{hidden}");
    }
    for hidden in ["Adana", "Ada P", "", "%", "_"] {
        assert_eq!(asked("maya", hidden), json!([]), "{hidden}");
    }
    assert_eq!(
        asked("maya", "adam")[0],
        json!({"id": "m-3", "name": "Adam <b>Bold</b>", "headline": "Nurse, known as m-3"})
    );
    assert_eq!(service.send("maya", "GET", "/v1/members", None).0, 400);
    assert_eq!(service.page("maya", "/why?mentee=Adam+%3Cb%3EBold%3C%2Fb%3E&mentor=m-1").0, 403);

    // A manager is told what stands in the way, and of nobody by a private name.
    assert_eq!(asked("", "ada p").as_array().unwrap().len(), 1);
    let (status, page) = service.page("", "/why?mentee=maya+r&mentor=Ada+Paused");
    assert!(status == 200 && page.contains("paused"), "{page}");
    let (status, page) = service.page("", "/why?mentee=maya&mentor=adana+blocked");
    assert!(status == 200 && page.contains("one of the two blocks the other"), "{page}");
    let (status, page) = service.page("", "/why?mentee=maya&mentor=Ada+Private");
    assert!(status == 200 && page.contains("nobody of this id is stored"), "{page}");
    let (_, page) = service.page("", "/why?mentee=maya&mentor=ada+n.");
    assert!(page.contains("/why?mentee=Maya+R.+%28maya%29&amp;mentor=m-2"), "{page}");
    // So wherever else a member is asked for.
    let (_, page) = service.page("", "/?by=member&member=maya+r.");
    assert!(page.contains("mentors, best first") && page.contains("/why?mentee=maya"), "{page}");
    let (_, page) = service.page("", "/?by=member&member=ada+n.");
    assert!(page.contains("/?by=member&amp;member=m-2"), "{page}");
    let id = service.ask("maya", "m-1");
    let (_, page) = service.page("", "/manage/events?member=Ada+N.");
    assert!(page.contains("/manage/events?member=m-2"), "{page}");
    let (_, page) = service.page("", "/manage/events?member=Maya+R.");
    assert!(page.contains(&id), "{page}");
}
