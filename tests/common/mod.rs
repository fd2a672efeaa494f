//! What several tests share: the real model, and communities indexed in folders of their own.

pub mod browser;
pub mod http;
pub mod local;
pub mod milvus;
pub mod postgres;
pub mod tiny;

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use rapport::config::Config;
use rapport::embed::{Embedder, Models};
use rapport::member::{Member, MemberId, Role};
use rapport::rebuild::{Rebuilt, rebuild};
use rapport::sample::Community;
use rapport::search::{Answer, SearchError, SearchRequest, Searcher};
use rapport::store::Store;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The repository's own models folder.
pub fn models() -> Models {
    Models::open(models_dir()).expect("the manifest")
}

/// Where it is.
pub fn models_dir() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/models")
}

/// The real model, fetched by the first test that needs it and loaded once.
pub fn embedder() -> Arc<dyn Embedder> {
    static LOADED: OnceLock<Arc<dyn Embedder>> = OnceLock::new();
    let load = || {
        let models = models();
        let threads = NonZeroUsize::new(2).expect("not zero");
        models.ensure(models.default_name(), threads, &mut |_| {}).expect("the model")
    };
    LOADED.get_or_init(load).clone()
}

/// Runs to the end on the one runtime of this process: a database's connections belong to the runtime they began on.
pub fn wait<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime")).block_on(future)
}

/// A configuration whose index is in the folder: of SQLite and the index's own graphs, or, as scripts/with-servers asks for it, of
/// a fleet on PostgreSQL and Milvus, with a database and collections of the folder's own.
pub fn config(folder: &Path) -> Config {
    let stated = elsewhere(folder);
    let config = Config::layered(None, &stated).expect("a configuration");
    Config { index: folder.join("index"), models: models_dir().into(), ..config }
}

/// The options of a folder whose members and vectors are on servers; none where there are no servers.
fn elsewhere(folder: &Path) -> Vec<(String, String)> {
    static COUNT: Mutex<BTreeMap<PathBuf, usize>> = Mutex::new(BTreeMap::new());
    let servers = ["RAPPORT_TEST_STORE", "RAPPORT_TEST_MILVUS"].map(std::env::var);
    let [Ok(store), Ok(milvus)] = servers else { return Vec::new() };
    let mut known = COUNT.lock().expect("no test stopped in here");
    let next = known.len();
    let number = *known.entry(folder.to_owned()).or_insert(next);
    let name = format!("test_{}_{number}", std::process::id());
    if number == next {
        let create = format!("CREATE DATABASE {name}");
        let made = Command::new("psql").args(["-XqAt", "-c", &create, &format!("{store}/postgres")]).status();
        assert!(made.expect("psql").success(), "{create}");
    }
    let option = |name: &str, value: String| (name.to_owned(), value);
    vec![
        option("store.url", format!("\"{store}/{name}\"")),
        option("store.fleet", "true".into()),
        option("milvus.url", format!("{milvus:?}")),
        option("milvus.prefix", format!("{name:?}")),
        // Two cores build, test and are Milvus.
        option("milvus.timeout", "20000".into()),
    ]
}

/// Writes the members and builds a generation of everyone in the database.
pub fn publish(config: &Config, members: &[Member]) -> Rebuilt {
    wait(async {
        let store = Store::create(&config.database()).await.expect("a database");
        store.upsert(members).await.expect("written");
        rebuild(config, embedder(), false, |_| {}).await.expect("a generation")
    })
}

/// Opens the current generation with the loaded model.
pub fn open(config: &Config) -> Searcher {
    wait(Searcher::open_with(config, embedder())).expect("opened")
}

/// A community in a temporary folder, indexed and open.
pub fn indexed(members: &[Member]) -> (TempDir, Config, Searcher) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path());
    publish(&config, members);
    let searcher = open(&config);
    (folder, config, searcher)
}

/// The invented community that is indexed once.
pub struct Sample {
    pub members: Vec<Member>,
    pub config: Config,
    pub searcher: Searcher,
    /// The same index with pools so small that the graph is walked and every source is cut.
    pub tight: Searcher,
}

pub const SAMPLED: u32 = 1_200;

/// 1,200 invented members, indexed once, in the build folder (a temporary one would outlive the process).
pub fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let folder = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/sample"));
        let _ = std::fs::remove_dir_all(&folder);
        let config = config(&folder);
        let members: Vec<Member> = Community::new(SAMPLED, 42).iter().collect();
        publish(&config, &members);
        let mut tight = config.clone();
        (tight.search.ef, tight.search.candidates) = (10, 10);
        Sample { members, searcher: open(&config), tight: open(&tight), config }
    })
}

/// The program, on a community's folder and from beside it, its input and output piped.
pub fn program(config: &Config, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rapport"));
    program
        .current_dir(config.index.parent().expect("a folder"))
        .env_remove("RAPPORT_LOG")
        .args([Path::new("--models"), Path::new(models_dir()), Path::new("--index"), &config.index])
        .envs(
            elsewhere(config.index.parent().expect("a folder"))
                .into_iter()
                .map(|(option, value)| (format!("RAPPORT__{}", option.replace('.', "__").to_uppercase()), value)),
        )
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    program
}

/// The answer to a request that is in order.
pub fn find(searcher: &Searcher, request: SearchRequest) -> Answer {
    wait(searcher.search(request)).expect("an answer")
}

/// Why there is no answer.
pub fn refused(searcher: &Searcher, request: SearchRequest) -> SearchError {
    wait(searcher.search(request)).expect_err("refused")
}

/// The ids found, best first.
pub fn ids(answer: &Answer) -> Vec<&str> {
    answer.hits.iter().map(|hit| hit.member.id.as_str()).collect()
}

pub fn by_text(text: &str) -> SearchRequest {
    SearchRequest { text: Some(text.into()), ..SearchRequest::default() }
}

pub fn by_member(id: &str) -> SearchRequest {
    SearchRequest { member: Some(id_of(id)), ..SearchRequest::default() }
}

/// By somebody of age, whoever's profile it is.
pub fn by_profile(profile: Member) -> SearchRequest {
    SearchRequest { profile: Some(Member { adult: Some(true), ..profile }), ..SearchRequest::default() }
}

pub fn id_of(id: &str) -> MemberId {
    MemberId::new(id).expect("an id")
}

pub fn ids_of(ids: &[&str]) -> Vec<MemberId> {
    ids.iter().map(|id| id_of(id)).collect()
}

pub fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// A mentor of age with nothing else filled in.
pub fn mentor(id: &str) -> Member {
    Member { id: id_of(id), roles: vec![Role::Mentor], adult: Some(true), ..Member::default() }
}

/// A mentee of age with nothing else filled in.
pub fn mentee(id: &str) -> Member {
    Member { roles: vec![Role::Mentee], ..mentor(id) }
}
