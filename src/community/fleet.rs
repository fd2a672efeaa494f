//! A server of a fleet: it serves what the fleet serves, lets go of whoever is forgotten, and ends what others left.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::RngExt;
use tokio::task::JoinHandle;

use super::{Aside, Community, CommunityError, RebuildOptions, SHARED_PAUSE};
use crate::durable;
use crate::fleet::{self, Extent};
use crate::index::publish;
use crate::member::MemberId;
use crate::rebuild::{RebuildError, Rebuilt};
use crate::store::StoreError;
use crate::store::fleet::{DOWN_AFTER, Erasure, Fleet, GRACE as TURN_GRACE, Matter, Report, Shared, Turn};

/// Between two looks for erasures that a server left which is down; at most, where one cannot be ended.
const LEFT_PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Between two words of who is waited for.
const WORD_PAUSE: Duration = Duration::from_secs(10);

/// How long a night by the clock, or an erasure, waits for another server's turn: longer than any takes.
const A_NIGHT: Duration = Duration::from_secs(24 * 3_600);

/// How long an erasure waits for servers that are up: one that has no room for what it is to fetch does not let go. Then it is
/// begun anew by whoever comes to it, so that nights have their turn too.
const LETTING_GO: Duration = Duration::from_secs(3_600);

/// How long a night goes on trying that lost its database, and how long it waits in between.
const AWAY: (Duration, Duration) = (Duration::from_secs(3_600), Duration::from_secs(5));

/// A night that fails within so long without its database had none from the beginning.
const AT_ONCE: Duration = Duration::from_secs(60);

/// A server that could not report for so long does not answer from memory: others may take it for down, and forget somebody
/// without it.
const CUT_OFF_AFTER: Duration = Duration::from_secs(DOWN_AFTER as u64 / 2);

/// In the index folder: the last erasure that it was part of.
const TAKEN_PART: &str = "taken-part";

/// How often a server tries to find what it is to serve when it starts, while the fleet changes that.
const STARTS: u32 = 20;

/// A server of a fleet.
pub(super) struct Server {
    pub(super) fleet: Fleet,
    /// What the others know it by.
    name: String,
    seen: Arc<Seen>,
    /// Held by whoever waits for the turn: each that waits has a connection of its own.
    waiting: tokio::sync::Mutex<()>,
}

/// What is told to the others.
struct Seen {
    /// The last erasure that it took part in.
    erasure: AtomicU64,
    /// The generation that is served; 0 for none.
    served: AtomicU64,
    /// When it was told last.
    told: Mutex<Instant>,
    /// How often it was told again after a silence in which others may have taken the server for down.
    silences: AtomicU64,
    /// After how many of these it made up for what it missed.
    made_up: AtomicU64,
}

impl Seen {
    fn told(&self) -> Instant {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_silent(&self) -> bool {
        self.told().elapsed() > CUT_OFF_AFTER
    }
}

impl Server {
    pub(super) fn new(fleet: Fleet) -> Server {
        let host = std::env::var("HOSTNAME").or_else(|_| fs::read_to_string("/proc/sys/kernel/hostname"));
        let host = host.unwrap_or_else(|_| "server".into());
        let name = format!("{}:{}:{:04x}", host.trim(), std::process::id(), rand::rng().random::<u16>());
        let seen = Seen {
            erasure: AtomicU64::new(0),
            served: AtomicU64::new(0),
            told: Mutex::new(Instant::now()),
            silences: AtomicU64::new(0),
            made_up: AtomicU64::new(0),
        };
        Server { fleet, name, seen: Arc::new(seen), waiting: tokio::sync::Mutex::default() }
    }

    /// Notes what is served from here on.
    pub(super) fn serves(&self, generation: u64) {
        self.seen.served.store(generation, Ordering::SeqCst);
    }
}

/// Tells the others what a server has.
async fn report(fleet: &Fleet, name: &str, seen: &Seen, index: &Path) -> Result<(), CommunityError> {
    let begun = Instant::now();
    let (erasure, served) = (seen.erasure.load(Ordering::SeqCst), seen.served.load(Ordering::SeqCst));
    // What is being fetched too: it may be there the next moment.
    let here = publish::list(index)?.into_iter().map(|kept| kept.number);
    let generations = here.chain(Some(served).filter(|number| *number > 0)).collect();
    fleet.report(name, &Report { generations, erasure }).await?;
    if seen.is_silent() {
        seen.silences.fetch_add(1, Ordering::SeqCst);
    }
    *seen.told.lock().unwrap_or_else(PoisonError::into_inner) = begun;
    Ok(())
}

/// A task that ends with whoever began it.
struct Ends(JoinHandle<()>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Community {
    /// Makes the folder hold what the fleet has, where there is one. The caller holds `building`, or nobody else can.
    pub(super) async fn mirror(&self, extent: Extent) -> Result<Shared, CommunityError> {
        match &self.server {
            Some(server) => Ok(fleet::mirror(&server.fleet, &self.config().index, extent).await?),
            None => Ok(Shared::default()),
        }
    }

    /// Makes the folder hold what the fleet serves, and is known to the fleet from then on: whoever is forgotten after that is
    /// forgotten here too.
    pub(super) async fn join_fleet(&self) -> Result<(), CommunityError> {
        let Some(server) = &self.server else { return Ok(()) };
        let index = self.config().index.clone();
        fleet::remove_staged(&index).await?;
        for start in 0..STARTS {
            let tried = async {
                let shared = self.mirror(Extent::Current).await?;
                // Nothing is remembered yet, but in what imports set aside.
                self.drop_rejects_of_before(shared.erasure)?;
                server.seen.erasure.store(shared.erasure, Ordering::SeqCst);
                report(&server.fleet, &server.name, &server.seen, &index).await?;
                Ok::<_, CommunityError>(server.fleet.shared().await? == shared)
            };
            match tried.await {
                Ok(true) => return Ok(()),
                Err(error) if start + 1 == STARTS => return Err(error),
                Err(error) if error.is_without_database() => return Err(error),
                // What it fetched went meanwhile, or somebody is being forgotten.
                Ok(false) | Err(_) => tokio::time::sleep(SHARED_PAUSE / 4).await,
            }
        }
        // It changes all the time; following does the rest.
        Ok(())
    }

    /// Whether others may take this server for down, or may have until a moment ago: it could not report for a while, and what
    /// was forgotten meanwhile may be remembered here.
    pub fn is_cut_off(&self) -> bool {
        let Some(Server { seen, .. }) = &self.server else { return false };
        seen.is_silent() || seen.silences.load(Ordering::SeqCst) != seen.made_up.load(Ordering::SeqCst)
    }

    /// The fleet's turn, where there is one. It is taken before `building`, which others wait for in turn.
    pub(super) async fn turn(&self) -> Result<Option<Arc<Turn>>, CommunityError> {
        self.turn_within(Duration::from_secs(self.config().rebuild.wait)).await
    }

    /// The same, however long another server has it.
    pub(super) async fn turn_at_length(&self) -> Result<Option<Arc<Turn>>, CommunityError> {
        self.turn_within(A_NIGHT).await
    }

    async fn turn_within(&self, wait: Duration) -> Result<Option<Arc<Turn>>, CommunityError> {
        let Some(server) = &self.server else { return Ok(None) };
        let begun = Instant::now();
        let waiting = tokio::time::timeout(wait.max(TURN_GRACE), server.waiting.lock()).await;
        let _waiting = waiting.map_err(|_| StoreError::Locked(self.config().database().to_string()))?;
        let left = wait.saturating_sub(begun.elapsed());
        Ok(Some(Arc::new(server.fleet.turn(Matter::Index, left).await?)))
    }

    /// A rebuild by the clock, due at a time. In a fleet, whose servers have one clock, the first that comes does it for all; one
    /// that dies in the middle is followed by another, and its embeddings are there already. Gives nothing where another server
    /// saw to it.
    ///
    /// # Errors
    /// As [`Community::rebuild`].
    pub async fn rebuild_by_clock(&self, due: Timestamp) -> Result<Option<Rebuilt>, CommunityError> {
        let mut away: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            match self.see_to(due.as_second()).await {
                Err(error) if self.server.is_some() && error.is_without_database() => {
                    // Whoever came that far had a database meanwhile.
                    if begun.elapsed() > AT_ONCE {
                        away = None;
                    }
                    if away.get_or_insert_with(Instant::now).elapsed() > AWAY.0 {
                        return Err(error);
                    }
                    tracing::warn!(%error, "the night begins anew");
                    tokio::time::sleep(AWAY.1).await;
                }
                ended => return ended,
            }
        }
    }

    async fn see_to(&self, due: i64) -> Result<Option<Rebuilt>, CommunityError> {
        let Some(turn) = self.turn_at_length().await? else {
            return self.rebuild(RebuildOptions::default(), |_| {}).await.map(Some);
        };
        if turn.seen_to().await? >= due {
            return Ok(None);
        }
        let of_turn = std::future::ready(Ok(Some(Arc::clone(&turn))));
        let rebuilt = self.rebuild_in(of_turn, RebuildOptions::default(), |_| {}).await;
        // A gate would not hold elsewhere either, nor would the vector engine be there; a full disk is this server's own.
        let is_for_all = match &rebuilt {
            Ok(_) => true,
            Err(CommunityError::Rebuild(error)) => matches!(error, RebuildError::Gate { .. } | RebuildError::Milvus(_)),
            Err(_) => false,
        };
        if is_for_all && let Err(error) = turn.see_to(due).await {
            tracing::warn!(%error, "other servers do not know that this night was seen to");
        }
        rebuilt.map(Some)
    }

    /// Follows the fleet, where there is one, for as long as it is polled.
    pub(super) async fn keep_fleet(&self) {
        let Some(server) = &self.server else { return std::future::pending().await };
        // By itself: whoever is silent counts as down, and other work may hold up this task.
        let (fleet, name, seen) = (server.fleet.clone(), server.name.clone(), Arc::clone(&server.seen));
        let index = self.config().index.clone();
        let _reports = Ends(tokio::spawn(async move {
            loop {
                if let Err(error) = report(&fleet, &name, &seen, &index).await {
                    tracing::warn!(%error, "the fleet does not know of this server");
                }
                tokio::time::sleep(SHARED_PAUSE).await;
            }
        }));
        let follow = async {
            let mut seen = Shared::default();
            loop {
                if let Err(error) = self.follow(server, &mut seen).await {
                    tracing::warn!(%error, "what the fleet serves is not followed yet");
                }
                tokio::time::sleep(SHARED_PAUSE).await;
            }
        };
        let end_what_others_left = async {
            let (first, most) = LEFT_PAUSES;
            let mut pause = first;
            loop {
                tokio::time::sleep(pause).await;
                pause = match self.end_erasures_left(server).await {
                    Ok(()) => first,
                    Err(error) => {
                        tracing::warn!(%error, "an erasure of the fleet is not ended yet");
                        (2 * pause).min(most)
                    }
                };
            }
        };
        tokio::join!(follow, end_what_others_left);
    }

    /// Leaves the fleet, where there is one: nobody waits for this process any more.
    pub async fn leave_fleet(&self) {
        if let Some(server) = &self.server
            && let Err(error) = server.fleet.leave(&server.name).await
        {
            tracing::warn!(%error, "the fleet takes this server for running for a while yet");
        }
    }

    async fn follow(&self, server: &Server, seen: &mut Shared) -> Result<(), CommunityError> {
        // Before it is asked what the fleet has.
        let silences = server.seen.silences.load(Ordering::SeqCst);
        let shared = server.fleet.shared().await?;
        let taken_part = server.seen.erasure.load(Ordering::SeqCst);
        for erasure in shared.erasures.iter().filter(|erasure| erasure.number > taken_part) {
            self.let_go(Some(&erasure.member)).await?;
            server.seen.erasure.fetch_max(erasure.number, Ordering::SeqCst);
        }
        let was_silent = silences != server.seen.made_up.load(Ordering::SeqCst);
        if server.seen.erasure.load(Ordering::SeqCst) < shared.erasure || was_silent && taken_part < shared.erasure {
            // Who was forgotten while others took this server for down, nobody says any more.
            self.let_go(None).await?;
            server.seen.erasure.fetch_max(shared.erasure, Ordering::SeqCst);
        }
        self.note_taken_part(server.seen.erasure.load(Ordering::SeqCst))?;
        server.seen.made_up.store(silences, Ordering::SeqCst);
        if (shared.current, &shared.generations) != (seen.current, &seen.generations) {
            let _aside = Aside::of(&self.building, &self.aside).await;
            if !self.serves_that_of(&self.mirror(Extent::Current).await?) {
                self.reopen().await?;
            }
            let all = self.mirror(Extent::All).await?;
            // Only when it is served: until then it is looked at again.
            if self.serves_that_of(&all) {
                *seen = all;
            }
        }
        Ok(())
    }

    /// Whether what a fleet serves is served here, or it serves nothing yet.
    fn serves_that_of(&self, shared: &Shared) -> bool {
        let Some(current) = shared.current else { return true };
        let served = self.searcher().ok().map(|searcher| searcher.snapshot().manifest.checksum.clone());
        served.is_some() && served.as_ref() == shared.generations.get(&current)
    }

    /// Lets go of somebody whom another server forgets: of what is remembered, noted, set aside and staged here. Where nobody knows
    /// who it was, of all of that.
    async fn let_go(&self, of: Option<&MemberId>) -> Result<(), CommunityError> {
        let _aside = Aside::of(&self.building, &self.aside).await;
        self.reopen().await?;
        self.forget_what_is_remembered();
        match of {
            Some(id) => {
                self.forget_in_searches(id).await?;
                self.clean_rejects(id)?;
            }
            // What is noted of searches is compared with who is stored before it is written.
            None => self.drop_rejects()?,
        }
        Ok(fleet::remove_staged(&self.config().index).await?)
    }

    /// Drops what imports set aside where somebody was forgotten since the last erasure that the folder says it was part of.
    fn drop_rejects_of_before(&self, erasure: u64) -> Result<(), CommunityError> {
        let path = self.config().index.join(TAKEN_PART);
        let taken_part = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u64>().ok());
        if taken_part.unwrap_or(0) < erasure {
            self.drop_rejects()?;
        }
        self.note_taken_part(erasure)
    }

    /// Notes in the folder the last erasure that it was part of.
    fn note_taken_part(&self, erasure: u64) -> Result<(), CommunityError> {
        let path = self.config().index.join(TAKEN_PART);
        let line = format!("{erasure}\n");
        if fs::read_to_string(&path).is_ok_and(|text| text == line) {
            return Ok(());
        }
        durable::replace(&path, line.as_bytes()).map_err(CommunityError::io(&path))
    }

    /// Waits until every other server that is up took part in an erasure, and has no generation that the fleet has not.
    pub(super) async fn wait_for_others(&self, erasure: u64) -> Result<(), CommunityError> {
        let Some(server) = &self.server else { return Ok(()) };
        server.seen.erasure.fetch_max(erasure, Ordering::SeqCst);
        let (begun, mut told) = (Instant::now(), Instant::now());
        loop {
            let shared = server.fleet.shared().await?;
            let is_kept = |number: &u64| shared.current.is_none() || shared.generations.contains_key(number);
            let others = server.fleet.others(&server.name).await?.into_iter();
            let behind =
                others.filter(|(_, report)| report.erasure < erasure || !report.generations.iter().all(is_kept));
            let behind: Vec<String> = behind.map(|(name, _)| name).collect();
            if behind.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > LETTING_GO {
                return Err(CommunityError::Behind(behind.join(", ")));
            }
            if told.elapsed() > WORD_PAUSE {
                tracing::warn!(servers = behind.join(", "), "an erasure waits for other servers to let go");
                told = Instant::now();
            }
            tokio::time::sleep(SHARED_PAUSE / 4).await;
        }
    }

    /// Refuses to forget somebody in a database that keeps a fleet's generations, which this process does not look after.
    pub(super) async fn refuse_beside_a_fleet(&self) -> Result<(), CommunityError> {
        if let Some(fleet) = Fleet::on(&self.store)
            && fleet.shared().await?.current.is_some()
        {
            return Err(StoreError::NotOfFleet(self.config().database().to_string()).into());
        }
        Ok(())
    }

    /// Ends erasures that nobody is at: their server is down.
    async fn end_erasures_left(&self, server: &Server) -> Result<(), CommunityError> {
        if server.fleet.shared().await?.erasures.is_empty() {
            return Ok(());
        }
        let turn = match server.fleet.turn(Matter::Index, Duration::ZERO).await {
            Err(StoreError::Locked(_)) => return Ok(()),
            taken => Arc::new(taken?),
        };
        let mut ended = Ok(());
        for Erasure { member, change, .. } in server.fleet.shared().await?.erasures {
            tracing::warn!("an erasure was broken off; it is ended now");
            let forgotten = match self.forget_in(Some(Arc::clone(&turn)), &member, Some(change)).await {
                // They were written again after they were to be forgotten, which was never acknowledged; this was.
                Ok(None) => turn.close_erasure(&member).await.map_err(CommunityError::from),
                forgotten => forgotten.map(drop),
            };
            ended = ended.and(forgotten);
        }
        ended
    }
}
