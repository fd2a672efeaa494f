//! A PostgreSQL server of the tests' own: made in a temporary folder, listening on loopback only, gone with the tests.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The owner's password; it must show nowhere.
pub const PASSWORD: &str = "s3cret-0wner";

/// Nobody's id: the server refuses to run as root.
const NOBODY: u32 = 65_534;

/// A running server.
pub struct Server {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// A shell that stops the server as soon as its input ends, however these tests end.
    running: Mutex<Child>,
}

impl Server {
    /// The one that tests share; stopped when the last of them lets it go.
    pub fn shared() -> Arc<Server> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        // A test that failed while it started the server must not fail the others.
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A new one. Its default order of text is English, not that of bytes.
    pub fn start() -> Server {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if is_root(&folder) {
            for path in [folder.path(), &folder.path().join("password")] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let made = as_nobody(&folder, programs.join("initdb"))
            .args(["-D", "data", "-U", "owner", "--pwfile=password", "--auth=scram-sha-256", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"])
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let running = Mutex::new(run(&programs, &folder, port));
        let server = Server { programs, folder, port, running };
        server.wait_until_up();
        server
    }

    /// Stops it as a crash would: nothing is finished, nothing written.
    pub fn crash(&self) {
        let mut stop = as_nobody(&self.folder, self.programs.join("pg_ctl"));
        assert!(stop.args(["-D", "data", "-m", "immediate", "-s", "stop"]).status().unwrap().success());
    }

    /// Starts it again after a crash.
    pub fn recover(&self) {
        let mut running = self.running.lock().unwrap();
        end(&mut running);
        *running = run(&self.programs, &self.folder, self.port);
        drop(running);
        self.wait_until_up();
    }

    /// A new, empty database, by its URL.
    pub fn database(&self) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("community_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url("owner", PASSWORD, &name)
    }

    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// What messages may show of a URL.
    pub fn shown(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as the owner, and gives what they print. The database by its name or its URL.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let output = self.psql(database).args(["-v", "ON_ERROR_STOP=1", "-c", statements]).output().unwrap();
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn psql(&self, database: &str) -> Command {
        let name = database.rsplit('/').next().unwrap();
        let mut psql = Command::new(self.programs.join("psql"));
        psql.env("PGPASSWORD", PASSWORD).args(["-XqAt", "-h", "127.0.0.1", "-U", "owner", "-d", name]);
        psql.args(["-p", &self.port.to_string()]);
        psql
    }

    fn wait_until_up(&self) {
        let begun = Instant::now();
        while !self.psql("postgres").args(["-c", "SELECT 1"]).output().unwrap().status.success() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not come up: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }
}

fn run(programs: &Path, folder: &TempDir, port: u16) -> Child {
    // To INT it is deaf while it begins; TERM alone would wait for its clients.
    let script = r#""$0" -D data -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=on \
        -c shared_buffers=32MB >>log 2>&1 & server=$!; read _; kill -TERM $server; sleep .1; kill -INT $server; wait $server"#;
    let mut shell = as_nobody(folder, "/bin/sh".into());
    shell.args(["-c", script]).arg(programs.join("postgres")).arg(port.to_string());
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn end(running: &mut Child) {
    drop(running.stdin.take());
    running.wait().unwrap();
}

fn is_root(folder: &TempDir) -> bool {
    // Whoever made the folder runs the tests.
    folder.path().metadata().unwrap().uid() == 0 || folder.path().metadata().unwrap().uid() == NOBODY
}

fn as_nobody(folder: &TempDir, program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder.path());
    if is_root(folder) {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Where the server's programs are: in the path, or where Debian puts them (the newest).
fn programs() -> PathBuf {
    let in_path: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut debian: Vec<PathBuf> = debian.collect();
    debian.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let found = in_path.into_iter().chain(debian.into_iter().rev().map(|version| version.join("bin")));
    let whole =
        |folder: &PathBuf| ["initdb", "pg_ctl", "postgres", "psql"].iter().all(|name| folder.join(name).exists());
    found.into_iter().find(whole).unwrap_or_else(|| {
        panic!(
            "these tests need PostgreSQL 15 or later: `apt-get install postgresql`, or put its programs into the path"
        )
    })
}
