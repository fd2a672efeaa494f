//! The socket in the index folder, and both of its ends.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{RwLock, mpsc};

use super::{ControlError, Fault, Refused, Request, Response, perform};
use crate::community::Community;
use crate::rebuild::Progress;

/// The socket's name in the index folder.
const FILE: &str = ".socket";

/// The system's limit for a socket's path, with the zero at its end.
const LONGEST_PATH: usize = 100;

/// Where the folder's socket is: in it, or, where that path is too long for a socket, in the temporary folder under a
/// name of the same length for every folder.
fn place(index: &Path) -> io::Result<PathBuf> {
    let index = index.canonicalize()?;
    let inside = index.join(FILE);
    if inside.as_os_str().len() <= LONGEST_PATH {
        return Ok(inside);
    }
    let hash = blake3::hash(index.as_os_str().as_encoded_bytes()).to_hex();
    Ok(std::env::temp_dir().join(format!("rapport-{}.socket", &hash[..16])))
}

/// Where a server listens for commands.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    /// Read by every command that is being done.
    working: Arc<RwLock<()>>,
}

impl Listener {
    /// Listens in the folder. The caller has the folder's lock, so a socket that is there is one that was left behind.
    ///
    /// # Errors
    /// The system's.
    pub fn bind(index: &Path) -> io::Result<Listener> {
        let path = place(index)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Listener { socket, path, working: Arc::default() })
    }

    /// Answers commands for as long as it is polled. A command that has begun is done to its end even where nobody waits
    /// for it any more.
    pub async fn serve(&self, community: Arc<Community>) {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    let (community, working) = (Arc::clone(&community), Arc::clone(&self.working));
                    tokio::spawn(async move {
                        if let Err(error) = answer(stream, community, working).await {
                            tracing::debug!(%error, "a command went away");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a command could not connect");
                    // Mostly no files are left; they come back when somebody closes one.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Waits until every command that has begun is done and has its answer; none begins after this.
    pub async fn drain(&self) {
        // Kept for good: whoever asks later waits.
        std::mem::forget(Arc::clone(&self.working).write_owned().await);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer(stream: UnixStream, community: Arc<Community>, working: Arc<RwLock<()>>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        let _working = working.read().await;
        let request: Request = match serde_json::from_str(&line) {
            Ok(request) => request,
            Err(error) => {
                // Another version's command.
                let refused = Refused { problem: format!("not understood: {error}"), fault: Fault::Command };
                send(&mut write, &Response::Failed(refused)).await?;
                continue;
            }
        };
        let (said, mut heard) = mpsc::unbounded_channel::<Progress>();
        let community = Arc::clone(&community);
        let work = tokio::spawn(async move {
            let progress = move |progress| {
                let _ = said.send(progress);
            };
            perform(&community, request, progress).await
        });
        while let Some(progress) = heard.recv().await {
            send(&mut write, &Response::Progress(progress)).await?;
        }
        let response = match work.await {
            Ok(Ok(done)) => Response::Done(done),
            Ok(Err(error)) => Response::Failed(error.into()),
            Err(error) => Response::Failed(Refused { problem: format!("it stopped: {error}"), fault: Fault::Other }),
        };
        send(&mut write, &response).await?;
    }
    Ok(())
}

async fn send(write: &mut OwnedWriteHalf, line: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// A command's end of the socket.
#[derive(Debug)]
pub struct Connection {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

/// Connects to the server of a folder; nothing where none listens.
pub async fn connect(index: &Path) -> Option<Connection> {
    let (read, write) = UnixStream::connect(place(index).ok()?).await.ok()?.into_split();
    Some(Connection { lines: BufReader::new(read).lines(), write })
}

impl Connection {
    /// Asks, and waits until it is done.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn ask<T: DeserializeOwned>(
        &mut self,
        request: &Request,
        progress: impl Fn(Progress),
    ) -> Result<T, ControlError> {
        send(&mut self.write, request).await?;
        let closed = || io::Error::new(io::ErrorKind::UnexpectedEof, "it went away; whether it was done is not known");
        loop {
            let line = self.lines.next_line().await?.ok_or_else(closed)?;
            match serde_json::from_str(&line).map_err(io::Error::from)? {
                Response::Progress(far) => progress(far),
                Response::Done(done) => return Ok(serde_json::from_value(done).map_err(io::Error::from)?),
                Response::Failed(refused) => return Err(refused.into()),
            }
        }
    }
}
