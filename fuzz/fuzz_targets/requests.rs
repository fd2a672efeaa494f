//! Searches as they come in: refused with the field's name, or answered.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rapport::member::import::parse_profile;
use rapport::search::{Filter, SearchRequest, Searcher};
use rapport_fuzz::{Place, tiny, wait};

static PLACE: LazyLock<Place> = LazyLock::new(|| Place::of(520));
static SEARCHER: LazyLock<Searcher> =
    LazyLock::new(|| wait(Searcher::open_with(&PLACE.config, tiny::embedder())).expect("opened"));

fuzz_target!(init: { LazyLock::force(&SEARCHER); }, |input: &str| {
    // A request, else a profile, else a text with filters on lines of their own.
    let request = if let Ok(request) = serde_json::from_str::<SearchRequest>(input) {
        request
    } else if input.trim_start().starts_with('{') {
        let Ok(profile) = parse_profile(input) else { return };
        SearchRequest { profile: Some(profile), ..SearchRequest::default() }
    } else {
        let mut lines = input.lines();
        let text = lines.next().map(str::to_owned);
        let mut filter = Filter::default();
        for line in lines {
            if let Err(invalid) = filter.add(line) {
                assert!(!invalid.problem.is_empty());
            }
        }
        SearchRequest { text, filter, ..SearchRequest::default() }
    };
    match wait(SEARCHER.search(request.clone())) {
        Ok(answer) => PLACE.whole.check_answer(&answer, &request),
        Err(error) => assert!(error.is_callers(), "{error:?}"),
    }
});
