//! `rapport.toml` and an alias file: read, or refused by name.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rapport::config::Config;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rapport.toml"), "[members]\naliases = \"aliases.toml\"").expect("written");
    folder
});

fuzz_target!(|input: &[u8]| {
    let folder = FOLDER.path();
    for (written, read) in [("a.toml", "a.toml"), ("aliases.toml", "rapport.toml")] {
        // Other files of this machine are none of a target's business.
        if input.windows(7).any(|text| text == b"aliases") {
            return;
        }
        std::fs::write(folder.join(written), input).expect("written");
        if let Err(error) = Config::read(&folder.join(read)) {
            assert!(error.to_string().contains(written), "{error}");
        }
    }
});
