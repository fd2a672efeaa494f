//! A Milvus of a test's own, by `scripts/milvus`: in a network of its own, reached by a port on loopback, gone with the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use milvus::v2::prelude::{ClientV2, ConnectConfig, DeleteRequest, ListCollectionsRequest, TelemetryConfig};
use tempfile::TempDir;

/// A running Milvus.
pub struct Milvus {
    folder: TempDir,
    running: Child,
    pub url: String,
}

impl Milvus {
    pub fn start() -> Milvus {
        let folder = tempfile::tempdir().unwrap();
        let (running, url) = run(&folder, "0");
        Milvus { folder, running, url }
    }

    /// Ends it as a crash would: every process of it is killed.
    pub fn crash(&mut self) {
        // The script kills it when its input ends, however these tests end.
        drop(self.running.stdin.take());
        self.running.wait().unwrap();
    }

    /// Deletes all that it stored. It does not run.
    pub fn empty(&self) {
        std::fs::remove_dir_all(self.folder.path().join("data")).unwrap();
    }

    /// The names of its collections.
    pub async fn collections(&self) -> Vec<String> {
        let config = ConnectConfig::new().uri(&self.url).telemetry(TelemetryConfig::new().enabled(false));
        let client = ClientV2::new(&config).await.unwrap();
        let all = client.list_collections(ListCollectionsRequest::builder().build().unwrap()).await.unwrap();
        all.collection_names().to_vec()
    }

    /// Takes everyone out of a collection, behind the back of whoever filled it.
    pub async fn delete_all(&self, collection: &str) {
        let config = ConnectConfig::new().uri(&self.url).telemetry(TelemetryConfig::new().enabled(false));
        let client = ClientV2::new(&config).await.unwrap();
        let delete = DeleteRequest::builder().collection_name(collection).filter("slot >= 0").build().unwrap();
        client.delete(delete).await.unwrap();
    }

    /// Starts it again, on the same port, with what it had stored.
    pub fn recover(&mut self) {
        let port = self.url.rsplit(':').next().unwrap().to_owned();
        let (running, url) = run(&self.folder, &port);
        assert_eq!(url, self.url);
        self.running = running;
    }
}

impl Drop for Milvus {
    fn drop(&mut self) {
        drop(self.running.stdin.take());
        let _ = self.running.wait();
    }
}

fn run(folder: &TempDir, port: &str) -> (Child, String) {
    let mut running = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/milvus"))
        .arg(folder.path())
        .arg(port)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "scripts/milvus did not start it: {url:?}");
    (running, url.trim().to_owned())
}
