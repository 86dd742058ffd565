//! A device of this machine that is open, and its connection while a command needs one.

use std::{collections::BTreeSet, io::Read as _, sync::Arc, time::Duration};

use client::{
    AccountId, Connection, Device, Edges, Ended, Error, Event, Events, Message, NativeLink,
    NativeLinkOptions, Randomness, SqliteVault, SystemClock, VaultKey, system_rng,
};
use tokio::task::JoinHandle;

use super::{
    ask,
    home::{self, AtRelay, Home},
    problem::{self, Answer, Exit, Problem},
    render::{Names, Output},
};

/// How long one waits for the relay before one says that it is not there.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long receipts may take to leave when a command is done.
const LEAVING: Duration = Duration::from_secs(5);

/// What a command works with: the account's folder and its relay.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) home: Home,
    pub(crate) relay: AtRelay,
    pub(crate) output: Output,
    secret: home::Secret,
}

/// Bytes of the longest passphrase.
const PASSPHRASE: u64 = 1024;

impl Place {
    pub(crate) fn open(flags: &home::Where, output: Output, command: &str) -> Answer<Self> {
        let home = Home::open(flags, command)?;
        let relay = home.relay(flags)?;
        Ok(Self { home, relay, output, secret: flags.secret.clone() })
    }

    /// Everything outside that a device touches.
    pub(crate) async fn edges(&self) -> Answer<Edges> {
        let mut rng = system_rng();
        let key = self.key(&mut rng).await?;
        let vault = SqliteVault::open(&self.home.path("vault.db"), key, system_rng()).await;
        Ok(Edges {
            vault: Arc::new(vault.map_err(Error::from)?),
            link: Arc::new(self.link()?),
            clock: Arc::new(SystemClock),
            rng,
        })
    }

    /// What the vault is encrypted under: a passphrase, or the key in the file beside it.
    async fn key(&self, rng: &mut Randomness) -> Answer<VaultKey> {
        let file = self.home.path("vault.key");
        let is_new = !self.home.path("vault.db").exists();
        let wanted = self.secret.passphrase_file.is_some() || self.secret.ask_passphrase;
        if file.exists() {
            if wanted {
                let message = "the vault of this account has its key in a file, and no passphrase";
                return Err(Problem::usage(message));
            }
        } else if wanted || !is_new {
            return Ok(VaultKey::from_passphrase(self.passphrase(is_new).await?));
        }
        Ok(VaultKey::from_file(&file, rng).await.map_err(Error::from)?)
    }

    async fn passphrase(&self, is_new: bool) -> Answer<String> {
        let passphrase = match &self.secret.passphrase_file {
            Some(path) => {
                let mut text = String::new();
                let read = std::fs::File::open(path)
                    .and_then(|file| file.take(PASSPHRASE + 1).read_to_string(&mut text));
                read.map_err(|error| Problem::file(path, &error))?;
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
                text
            }
            None if ask::somebody() => {
                let passphrase = ask::secret("Passphrase of this account:").await?;
                if is_new && passphrase != ask::secret("Again:").await? {
                    return Err(Problem::failed("the two are not the same; nothing was done"));
                }
                passphrase
            }
            None => {
                let message = "the vault of this account needs its passphrase, and nobody can be asked";
                return Err(Problem::new(Exit::Usage, "passphrase_needed", message)
                    .hint("--passphrase-file FILE, or TRADEPOST_PASSPHRASE_FILE"));
            }
        };
        if passphrase.is_empty() || passphrase.len() as u64 > PASSPHRASE {
            return Err(Problem::usage("a passphrase has 1 to 1024 bytes"));
        }
        Ok(passphrase)
    }

    pub(crate) fn link(&self) -> Answer<NativeLink> {
        let mut options =
            NativeLinkOptions { plain_beyond_loopback: self.relay.plain, ..NativeLinkOptions::default() };
        if let Some(certificate) = &self.relay.certificate {
            options.trusted.push(certificate.clone().into_bytes());
        }
        Ok(NativeLink::new(&self.relay.url, options).map_err(Error::from)?)
    }

    /// The device that lives here.
    pub(crate) async fn device(self) -> Answer<Opened> {
        if !self.home.is_registered() {
            return Err(problem::not_registered());
        }
        let device = Device::open(self.edges().await?).await?;
        Ok(Opened { device, home: self.home, output: self.output })
    }
}

/// A device that is open.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) device: Device,
    pub(crate) home: Home,
    pub(crate) output: Output,
}

impl Opened {
    /// Connects, and stays connected.
    pub(crate) fn online(&self) -> Online {
        let events = self.device.events();
        let device = self.device.clone();
        let task = tokio::spawn({
            let device = device.clone();
            async move { device.run().await }
        });
        Online { device, events, task }
    }

    /// Asks for the profiles of authors who have no name here yet. Without an answer they go on without.
    pub(crate) async fn meet(&self, messages: &[Message]) -> Answer {
        let strangers: BTreeSet<AccountId> = messages.iter().map(|message| message.id.author).collect();
        for account in strangers {
            let contact = self.device.contact(account).await?;
            if account != self.device.own().account
                && contact.name.is_none()
                && contact.profile.is_none()
                && let Err(error) = self.device.profile_of(account).await
            {
                tracing::debug!(%error, "no profile");
            }
        }
        Ok(())
    }

    pub(crate) async fn names(&self) -> Answer<Names> {
        Ok(Names::new(self.device.own().account, &self.device.contacts().await?))
    }
}

/// A device that is connected, or about to be.
#[derive(Debug)]
pub(crate) struct Online {
    device: Device,
    events: Events,
    task: JoinHandle<Result<Ended, Error>>,
}

impl Online {
    /// The next event. When the connection ended for good: why.
    pub(crate) async fn next(&mut self) -> Answer<Event> {
        tokio::select! {
            biased;
            event = self.events.next() => Ok(event),
            ended = &mut self.task => Err(why(ended)),
        }
    }

    /// The next event, or `None` after this time.
    pub(crate) async fn next_within(&mut self, patience: Duration) -> Answer<Option<Event>> {
        match tokio::time::timeout(patience, self.next()).await {
            Ok(event) => event.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Returns when all that waited at the relay has come.
    pub(crate) async fn drained(&mut self) -> Answer {
        loop {
            match self.next_within(PATIENCE).await? {
                Some(Event::Drained) => return Ok(()),
                Some(Event::Connection { connection: Connection::Offline { .. } }) | None => {
                    return Err(unreachable());
                }
                Some(_) => {}
            }
        }
    }

    /// Lets receipts leave, and disconnects.
    pub(crate) async fn leave(self) -> Answer {
        let Self { device, events, mut task } = self;
        // Nobody reads them any more: they must not hold up what still comes.
        drop(events);
        tokio::select! {
            settled = tokio::time::timeout(LEAVING, device.settled()) => {
                if let Ok(settled) = settled {
                    settled?;
                }
            }
            ended = &mut task => return Err(why(ended)),
        }
        device.stop();
        let _it_ends_either_way = tokio::time::timeout(LEAVING, &mut task).await;
        task.abort();
        Ok(())
    }
}

pub(crate) fn unreachable() -> Problem {
    Problem::new(Exit::Unreachable, "unreachable", "the relay cannot be reached")
        .hint("Does it run, and is its URL right? Say it with --relay URL.")
}

fn why(ended: Result<Result<Ended, Error>, tokio::task::JoinError>) -> Problem {
    match ended {
        Ok(Ok(Ended::Removed)) => client::LinkError::Unauthorized.into(),
        Ok(Ok(Ended::Replaced)) => {
            Problem::failed("another process with a copy of this vault took over the connection")
        }
        Ok(Ok(Ended::Stopped)) => Problem::failed("the connection was stopped"),
        Ok(Err(error)) => error.into(),
        Err(error) => Problem::failed(format!("the connection ended in disorder: {error}")),
    }
}

impl From<client::LinkError> for Problem {
    fn from(error: client::LinkError) -> Self {
        Error::from(error).into()
    }
}
