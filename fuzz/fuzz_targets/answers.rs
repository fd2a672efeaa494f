//! Searches of a damaged generation, as callers make them: every answer is one, and shows only who may be found.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rapport::search::Searcher;
use rapport_fuzz::{Edit, Place, tiny, wait};

/// More mentors than are ranked without a walk.
static PLACE: LazyLock<Place> = LazyLock::new(|| Place::of(520));

fuzz_target!(init: { LazyLock::force(&PLACE); }, |edits: Vec<Edit>| {
    PLACE.damaged(&edits, |_| {
        wait(async {
            if let Ok(searcher) = Searcher::open_with(&PLACE.config, tiny::embedder()).await {
                PLACE.whole.ask(&searcher, tiny::requests()).await;
            }
        });
    });
});
