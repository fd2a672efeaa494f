//! A generation with damaged files: it is refused, or everything in it can be read and searched.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rapport::index::{IndexError, Snapshot};
use rapport_fuzz::{Edit, Place};

static PLACE: LazyLock<Place> = LazyLock::new(|| Place::of(24));

fuzz_target!(init: { LazyLock::force(&PLACE); }, |edits: Vec<Edit>| {
    PLACE.damaged(&edits, |generation| match Snapshot::open(generation) {
        Ok(snapshot) => {
            PLACE.whole.read(&snapshot);
            let _ = snapshot.verify();
        }
        Err(IndexError::Damaged(damaged)) => assert!(damaged.path.starts_with(generation), "{damaged}"),
        Err(error) => panic!("another error: {error}"),
    });
});
