//! Where `tradepost demo` finds the customer: a socket in the data folder, one request and one answer in each line.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinHandle,
};

use super::{customer::Customer, files};
use crate::{
    chat::problem::{Answer, Problem},
    demo::line::{LINE, Request, Socket},
};

/// Who is served at the same time; others wait.
const AT_ONCE: usize = 16;
/// How long somebody may take to say something.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves until it is stopped.
#[derive(Debug)]
pub(super) struct Control {
    task: JoinHandle<()>,
    socket: std::path::PathBuf,
}

impl Control {
    /// Listens. Only the owner of the folder gets in.
    pub(super) fn start(data: &Path, customer: Arc<Customer>) -> anyhow::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let socket = Socket::in_folder(data).with_context(|| data.display().to_string())?;
        let new = socket.path.with_extension("new");
        let bound = || -> anyhow::Result<UnixListener> {
            files::remove(&new)?;
            let listener = UnixListener::bind(&new)?;
            std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
            // Not before it is the owner's alone; over one that a killed process left.
            std::fs::rename(&new, &socket.path)?;
            Ok(listener)
        };
        let listener = bound().with_context(|| data.join(Socket::NAME).display().to_string())?;
        let task = tokio::spawn(serve(listener, customer));
        Ok(Self { task, socket: data.join(Socket::NAME) })
    }

    pub(super) async fn stop(self) {
        self.task.abort();
        let _ended = self.task.await;
        if let Err(error) = files::remove(&self.socket) {
            tracing::debug!(%error, "the socket stays");
        }
    }
}

async fn serve(listener: UnixListener, customer: Arc<Customer>) {
    let seats = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(seat) = seats.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let customer = customer.clone();
                tokio::spawn(async move {
                    if let Err(error) = talk(stream, &customer).await {
                        tracing::debug!(%error, "a tradepost demo went away");
                    }
                    drop(seat);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "tradepost demo is not served");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn talk(stream: UnixStream, customer: &Customer) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut read).take(LINE);
        let reading = bounded.read_until(b'\n', &mut line);
        if tokio::time::timeout(PATIENCE, reading).await?? == 0 {
            return Ok(());
        }
        let whole = line.ends_with(b"\n");
        let answer =
            if whole { asked(customer, &line).await } else { Err(Problem::usage("a line is too long")) };
        let answer = match answer {
            Ok(value) => json!({ "ok": value }),
            Err(problem) => {
                let exit = problem.exit as u8;
                let mut error = serde_json::to_value(&problem).unwrap_or_default();
                if let Some(error) = error.as_object_mut() {
                    error.insert("exit".to_owned(), exit.into());
                }
                json!({ "error": error })
            }
        };
        write.write_all(format!("{answer}\n").as_bytes()).await?;
        if !whole {
            return Ok(());
        }
    }
}

async fn asked(customer: &Customer, line: &[u8]) -> Answer<Value> {
    let request: Request =
        serde_json::from_slice(line).map_err(|error| Problem::usage(format!("no request: {error}")))?;
    match request {
        Request::Say { text } => customer.say(text).await,
        Request::Read { limit, leave_unread } => customer.read(limit, leave_unread).await,
        Request::Answer { choice, message } => customer.answer(choice, message).await,
    }
}
