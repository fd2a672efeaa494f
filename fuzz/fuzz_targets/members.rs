//! Files of members, plain or compressed: every line is a member that is in order, or is set aside.
#![no_main]

use std::io::Write;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rapport::index::encode::Encoder;
use rapport::member::fold::Aliases;
use rapport::member::import::{ImportError, Line, Strictness, read_members};
use rapport::member::language::Coverage;
use rapport::member::{Invalid, Member};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
static ENCODER: LazyLock<Encoder> = LazyLock::new(|| {
    let fields = ["headline", "profession", "about"].map(str::to_owned).to_vec();
    Encoder::new(Aliases::default(), Coverage::new(&["en".into()]), fields.clone(), fields)
});

#[derive(Debug)]
struct Broken;

impl From<ImportError> for Broken {
    fn from(error: ImportError) -> Broken {
        assert!(!error.to_string().is_empty());
        Broken
    }
}

fuzz_target!(|input: &[u8]| {
    // The last byte says what the file is called, how it is packed and how strictly it is read.
    let Some((how, content)) = input.split_last() else { return };
    let name = ["a.jsonl", "a.csv", "a"][usize::from(how & 3) % 3];
    let packed = match how >> 2 & 3 {
        1 => {
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(content).and_then(|()| gz.finish()).expect("packed")
        }
        2 => zstd::encode_all(content, 1).expect("packed"),
        _ => content.to_vec(),
    };
    let path = FOLDER.path().join(name);
    std::fs::write(&path, packed).expect("written");
    let mut last = 0;
    let read = read_members::<Broken>(&path, Strictness { lenient: how & 16 != 0 }, &mut |line| {
        match line {
            Line::Member { member, line, .. } => {
                assert!(line > last, "line {line} after {last}");
                last = line;
                check(&member);
            }
            Line::Bad(bad) => {
                assert!(bad.line > last, "line {} after {last}", bad.line);
                last = bad.line;
                assert!(!bad.problem.is_empty() && bad.to_string().contains(name));
            }
        }
        Ok(())
    });
    let _: Result<(), Broken> = read;
});

/// What was let in stays as it is: read again it is the same, and it can be encoded.
fn check(member: &Member) {
    let again: Result<Member, Invalid> = member.clone().validate();
    assert_eq!(again.as_ref(), Ok(member));
    let json = serde_json::to_string(member).expect("written");
    assert_eq!(&serde_json::from_str::<Member>(&json).expect("read"), member);
    let encoded = ENCODER.encode(member);
    assert!(encoded.texts().all(|(_, text)| !text.is_empty()));
}
