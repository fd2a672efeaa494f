//! The service keeps to its own description: schemathesis makes requests from the OpenAPI document, right ones and wrong ones,
//! and compares every answer with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use rapport::sample::Community;

use crate::common::{self, http::Service, program, publish};

const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// How schemathesis writes and reads a type that it does not know.
const NDJSON: &str = r#"
import json
import schemathesis

@schemathesis.serializer("application/x-ndjson")
def written(ctx, value):
    return json.dumps(value).encode()

@schemathesis.deserializer("application/x-ndjson")
def read(ctx, response):
    return [json.loads(line) for line in response.text.splitlines()]
"#;

/// Where schemathesis is, fetched by pip the first time.
fn schemathesis() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(SCHEMATHESIS);
    let whole = folder.join("whole");
    if !whole.exists() {
        let _ = std::fs::remove_dir_all(&folder);
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
        let pip = Command::new("python3").args(install).arg(&folder).arg(SCHEMATHESIS).status().unwrap();
        assert!(pip.success(), "pip could not fetch {SCHEMATHESIS}");
        std::fs::write(whole, "").unwrap();
    }
    folder
}

#[test]
fn every_answer_is_one_that_the_document_names() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::config(folder.path());
    publish(&config, &Community::new(60, 42).iter().collect::<Vec<_>>());
    let service = Service::start(&config, &["--set", "rebuild.fewest_kept=0.0", "--set", "server.rate=0"]);
    let key = ["key", "create", "--name", "a test", "--scope", "search,write,admin"];
    let key = program(&config, &key).output().unwrap().stdout;
    let authorization = format!("Authorization: Bearer {}", String::from_utf8(key).unwrap().trim());
    std::fs::write(folder.path().join("ndjson.py"), NDJSON).unwrap();
    let path = std::env::join_paths([schemathesis(), folder.path().to_owned()]).unwrap();
    let run = Command::new("python3")
        .env("PYTHONPATH", path)
        .env("SCHEMATHESIS_HOOKS", "ndjson")
        .current_dir(folder.path())
        .args(["-m", "schemathesis.cli", "run", &format!("{}/openapi.json", service.url), "-H", &authorization])
        // One thread: two parse Python at once, which 3.11 now and then does not survive (python/cpython#106905).
        // Rules that a schema cannot say (exactly one of five fields, real time zones) make some requests wrong that match it;
        // and a bulk with bad lines is answered line by line.
        .args(["--exclude-checks", "positive_data_acceptance,negative_data_rejection"])
        .args(["--seed", "42", "--max-examples", "60", "--phases", "examples,coverage,fuzzing"])
        .args(["--generation-database", "none", "--no-color"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(!service.log().contains("panic"), "{}", service.log());
    assert_eq!(service.get("/healthz").status, 200);
}
