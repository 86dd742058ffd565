//! `receive`: each message once, in the order in which they came.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use client::{AccountId, Connection, Event, Message};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    file,
    opened::{Online, Opened},
    problem::{Answer, Problem},
    render::{self, Names},
};

/// Messages that are looked at together.
const PAGE: usize = 100;

/// Receive what waits, and show each message once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat receive
  tradepost chat receive --follow                       stays, until Ctrl-C
  tradepost chat receive --follow --json | my-program   one JSON value in each line
  tradepost chat receive --save-media downloads")]
pub(crate) struct Flags {
    /// Stay, and show what comes
    #[arg(long, short)]
    follow: bool,
    /// Save files that come into this folder
    #[arg(long, value_name = "FOLDER")]
    save_media: Option<PathBuf>,
    /// Do not tell anybody that their messages were read
    #[arg(long)]
    no_read: bool,
}

pub(crate) async fn run(opened: Opened, flags: Flags) -> Answer {
    let mut online = opened.online();
    let mut shower = Shower::new(&opened, &flags).await?;
    if flags.follow {
        follow(&mut shower, &mut online).await?;
    } else {
        let drained = online.drained().await;
        // What came before the connection broke is here and is shown.
        let shown = shower.show_new().await?;
        drained?;
        if shown == 0 {
            opened.output.note("Nothing new.");
        }
    }
    online.leave().await
}

async fn follow(shower: &mut Shower<'_>, online: &mut Online) -> Answer {
    let stop = |kind| signal(kind).map_err(|error| Problem::failed(format!("signals: {error}")));
    let (mut interrupt, mut terminate) = (stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?);
    shower.show_new().await?;
    loop {
        let event = tokio::select! {
            event = online.next() => event?,
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        };
        match event {
            Event::Message { .. } => drop(shower.show_new().await?),
            event => shower.event(&event).await?,
        }
    }
}

/// Shows what was not shown yet.
struct Shower<'a> {
    opened: &'a Opened,
    names: Names,
    position: u64,
    save: Option<&'a Path>,
    read: bool,
    offline: bool,
}

impl<'a> Shower<'a> {
    async fn new(opened: &'a Opened, flags: &'a Flags) -> Answer<Self> {
        Ok(Self {
            opened,
            names: opened.names().await?,
            position: opened.home.shown()?,
            save: flags.save_media.as_deref(),
            read: !flags.no_read,
            offline: false,
        })
    }

    /// How many messages that were.
    async fn show_new(&mut self) -> Answer<usize> {
        let mut count = 0;
        loop {
            let page = self.opened.device.messages(self.position, PAGE).await?;
            let Some(last) = page.last() else { return Ok(count) };
            let position = last.position;
            self.opened.meet(&page).await?;
            self.names = self.opened.names().await?;
            let mut read = BTreeMap::new();
            let own = self.opened.device.own().clone();
            for message in &page {
                // What was said on this device needs no showing.
                if message.id.author == own.account && message.device == own.device {
                    continue;
                }
                self.show(message).await?;
                count += 1;
                if message.id.author != own.account {
                    read.insert(message.chat, message.position);
                }
            }
            self.position = position;
            self.opened.home.remember_shown(position)?;
            if self.read {
                self.mark(read).await?;
            }
        }
    }

    async fn show(&self, message: &Message) -> Answer {
        // A file that cannot be had now (expired, say) must not hold up the rest.
        let saved = match self.save {
            Some(folder) => match file::save_into(self.opened, message, folder).await {
                Ok(saved) => saved,
                Err(problem) => {
                    eprintln!("#{}: {problem}", message.position);
                    None
                }
            },
            None => None,
        };
        let mut value = json!({"event": "message", "message": message});
        if let (Some(saved), Some(value)) = (&saved, value.as_object_mut()) {
            value.insert("saved".to_owned(), json!(saved));
        }
        self.opened.output.show(&value, || {
            let saved = saved.as_ref().map(|path| format!("  → {}", path.display())).unwrap_or_default();
            format!("{}{saved}", render::message(message, &self.names))
        })
    }

    async fn mark(&self, read: BTreeMap<AccountId, u64>) -> Answer {
        for (chat, position) in read {
            self.opened.device.mark_read(chat, position).await?;
        }
        Ok(())
    }

    async fn event(&mut self, event: &Event) -> Answer {
        if matches!(event, Event::Contact { .. }) {
            self.names = self.opened.names().await?;
        }
        let words = words(event, &self.names, &mut self.offline);
        self.opened.output.show(event, || words.unwrap_or_default())
    }
}

/// What a person is told of an event that is no new message.
pub(crate) fn words(event: &Event, names: &Names, offline: &mut bool) -> Option<String> {
    let words = match event {
        Event::Changed { message } => format!("changed: {}", render::message(message, names)),
        Event::State { chat, state, .. } => format!("({}: {})", names.of(*chat), render::state(state)),
        Event::Typing { account, stopped: false, .. } => format!("({} is typing …)", names.of(*account)),
        Event::IdentityChanged { account, held } => {
            let name = names.of(*account);
            let held =
                if *held { " Nothing is sent to them until you say so: tradepost chat verify" } else { "" };
            format!("! The identity key of {name} changed.{held}")
        }
        Event::Undecryptable { account, asked, .. } => {
            let asked = if *asked { "; it was asked for again" } else { "" };
            format!("! A message of {} cannot be read{asked}.", names.of(*account))
        }
        Event::Connection { connection: Connection::Offline { retry_in_ms } } => {
            let seconds = Duration::from_millis(*retry_in_ms).as_secs();
            let first = !std::mem::replace(offline, true);
            return first
                .then(|| format!("(the relay cannot be reached; trying again, first in {seconds} s)"));
        }
        Event::Connection { connection: Connection::Online } => {
            return std::mem::take(offline).then(|| "(connected again)".to_owned());
        }
        _ => return None,
    };
    Some(words)
}
