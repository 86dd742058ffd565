//! `with`: a conversation at a terminal. What comes is shown, what is typed is sent.

use std::{io::IsTerminal as _, path::Path, time::Duration};

use client::{AccountId, Body, Draft, DraftContent, Event, Label, LabelChange, Menu, Message};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

use super::{
    answer, file,
    opened::{Online, Opened},
    problem::{Answer, Exit, Problem},
    receive, recipient, render,
    render::Names,
    send::named,
    typed::{Input, Typed},
};

/// How often one looks whether somebody is there now.
const LOOK: Duration = Duration::from_secs(2);
/// How long somebody who types may think.
const PAUSE: Duration = Duration::from_secs(5);

/// Talk with somebody: shows what comes, sends the lines you type
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat with Bank
  tradepost chat with +493012345678 --wait     also before they have registered

While it runs: /file PATH, /reply 12 WORDS, /answer 12 2, /react 12 👍, /edit 12 WORDS, /delete 12, /save 12 PATH, /help,
/quit; with a business /menu, /ask 2, and the commands that it offers.")]
pub(crate) struct Flags {
    /// With whom
    with: String,
    /// If nobody has this number yet, wait for them
    #[arg(long)]
    wait: bool,
    /// How many messages of before are shown
    #[arg(long, default_value = "10")]
    history: usize,
    /// Do not tell them what you have read
    #[arg(long)]
    no_read: bool,
    /// Do not tell them that you type
    #[arg(long)]
    no_typing: bool,
}

const HELP: &str = "A line is a message. /file PATH [CAPTION] · /reply N WORDS · /answer N CHOICE · /react N EMOJI · /edit N WORDS · \
                    /delete N · /save N PATH · /menu (what a business offers) · /ask N · /accept (a changed label) · /quit (or Ctrl-D)";

pub(crate) async fn run(opened: Opened, flags: Flags) -> Answer {
    let with = find(&opened, &flags).await?;
    let names = opened.names().await?;
    let output = opened.output;
    let mut online = opened.online();
    let mut talk = Talk {
        opened: &opened,
        with,
        words: &flags.with,
        names,
        read: !flags.no_read,
        typing: false,
        offline: false,
        label: None,
    };
    talk.ask_for_label().await?;
    output.note(&format!("You talk with {}. {HELP}", talk.names.of(with)));
    talk.show_label().await?;
    let mut before = opened.device.history(with, None, flags.history).await?;
    before.reverse();
    for message in &before {
        talk.show(message).await?;
    }
    opened.device.open_chat(with).await?;
    // Who can read the chat stands in it before anything was said.
    let unspoken = before.iter().all(|message| matches!(message.body, Body::Label { .. }));
    if unspoken && let Some(menu) = opened.device.menu(with).await? {
        talk.offer(&menu)?;
    }
    let stop = |kind| signal(kind).map_err(|error| Problem::failed(format!("signals: {error}")));
    let (mut interrupt, mut terminate) = (stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?);
    let mut input = Input::begin();
    let pause = sleep(PAUSE);
    tokio::pin!(pause);
    loop {
        tokio::select! {
            event = online.next() => talk.event(event?).await?,
            typed = input.next() => match typed {
                Some(Typed::Key) if flags.no_typing => {}
                Some(Typed::Key) => {
                    pause.as_mut().reset(Instant::now() + PAUSE);
                    talk.types(true).await?;
                }
                Some(Typed::Line(line)) if line.trim() == "/quit" => break,
                Some(Typed::Line(line)) => {
                    talk.types(false).await?;
                    if !line.trim().is_empty() {
                        talk.typed(&line).await?;
                    }
                }
                None => break,
            },
            () = &mut pause, if talk.typing => talk.types(false).await?,
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    // The terminal is as it was before, whatever follows.
    drop(input);
    finish(&opened, online).await
}

/// What was typed last must have left, and what it brought is shown to be here.
async fn finish(opened: &Opened, online: Online) -> Answer {
    online.leave().await?;
    match opened.device.outbox_len().await? {
        0 => Ok(()),
        waiting => {
            Err(Problem::new(Exit::Unreachable, "waits", format!("{waiting} of what was sent wait here"))
                .hint("The next command that connects sends them."))
        }
    }
}

async fn find(opened: &Opened, flags: &Flags) -> Answer<AccountId> {
    let mut told = false;
    loop {
        match recipient::find(&opened.device, &flags.with).await {
            Err(problem) if flags.wait && problem.code == recipient::NOBODY => {
                if !std::mem::replace(&mut told, true) {
                    opened.output.note(&format!("Nobody has {} yet; waiting for them …", flags.with));
                }
                tokio::time::sleep(LOOK).await;
            }
            found => return found,
        }
    }
}

struct Talk<'a> {
    opened: &'a Opened,
    with: AccountId,
    /// As the person says it.
    words: &'a str,
    names: Names,
    read: bool,
    /// Whether they were told that somebody types here.
    typing: bool,
    offline: bool,
    /// What was last shown of who can read this.
    label: Option<(Option<Label>, LabelChange)>,
}

impl Talk<'_> {
    async fn event(&mut self, event: Event) -> Answer {
        let with = self.with;
        match &event {
            Event::Label { account, .. } if *account == with => return self.show_label().await,
            Event::Message { message } if message.chat == with => return self.show(message).await,
            Event::Message { message } => {
                let note = format!("(also new, from {})", self.names.of(message.chat));
                self.opened.output.note(&note);
                return Ok(());
            }
            Event::Changed { message } if message.chat != with => return Ok(()),
            // Their own words stand there already.
            Event::Changed { message }
                if message.id.author == self.opened.device.own().account && message.reactions.is_empty() =>
            {
                return Ok(());
            }
            Event::State { chat, state, .. } if *chat != with || matches!(state, client::State::Queued) => {
                return Ok(());
            }
            Event::Typing { account, .. } if *account != with => return Ok(()),
            Event::Menu { account, menu } if *account == with => return self.offer(menu),
            Event::Menu { .. } => return Ok(()),
            Event::Contact { .. } => self.names = self.opened.names().await?,
            _ => {}
        }
        let words = receive::words(&event, &self.names, &mut self.offline);
        self.opened.output.show(&event, || words.unwrap_or_default())
    }

    /// Shows what the business offers.
    fn offer(&self, menu: &Menu) -> Answer {
        let event = Event::Menu { account: self.with, menu: menu.clone() };
        self.opened.output.show(&event, || render::menu(menu, &self.names.of(self.with)))
    }

    /// What the business offers, to choose from it.
    async fn menu(&self) -> Answer<Menu> {
        Ok(self.opened.device.menu(self.with).await?.unwrap_or_default())
    }

    /// Asks who can read what is said here, and by what name the business goes.
    async fn ask_for_label(&mut self) -> Answer {
        if self.opened.device.label(self.with).await?.is_none() {
            if let Err(error) = self.opened.device.refresh_label(self.with).await {
                // Nothing is sent before the relay has answered.
                tracing::debug!(%error, "no label");
            }
            self.names = self.opened.names().await?;
        }
        Ok(())
    }

    /// Shows who can read what is said here. The first time that is enough; later the person says that they go on.
    async fn show_label(&mut self) -> Answer {
        let Some(mut state) = self.opened.device.label(self.with).await? else { return Ok(()) };
        if !state.shown && state.change == LabelChange::First {
            self.opened.device.label_shown(self.with, &state.digest.0).await?;
            state.shown = true;
        }
        if self.label.replace((state.label.clone(), state.change)) == self.label && state.shown {
            return Ok(());
        }
        let event = Event::Label { account: self.with, state: state.clone() };
        self.opened.output.show(&event, || {
            let goes_on = if state.shown { "" } else { "  Nothing is sent until you say /accept." };
            let label = render::label_at_length(state.label.as_ref(), state.change);
            format!("{}: {label}{goes_on}", self.names.of(self.with))
        })
    }

    async fn show(&mut self, message: &Message) -> Answer {
        let own = self.opened.device.own().account;
        if let Body::Label { label, change } = &message.body {
            let said = Some((label.clone(), *change));
            // It stands at the top, or was said when it came.
            if !self.opened.output.json && said == self.label {
                return Ok(());
            }
            self.label = said;
        }
        if message.id.author != own {
            // They may have said who they are with it.
            self.opened.meet(std::slice::from_ref(message)).await?;
            self.names = self.opened.names().await?;
        }
        let value = serde_json::json!({"event": "message", "message": message});
        self.opened.output.show(&value, || render::message(message, &self.names))?;
        if self.read && message.id.author != own {
            self.opened.device.mark_read(self.with, message.position).await?;
        }
        // What was seen here need not be shown by `receive` again.
        let shown = self.opened.home.shown()?;
        let next = self.opened.device.messages(shown, 1).await?;
        if next.first().is_some_and(|next| next.id == message.id) {
            self.opened.home.remember_shown(message.position)?;
        }
        Ok(())
    }

    /// Tells them that somebody types, or stopped.
    async fn types(&mut self, typing: bool) -> Answer {
        if std::mem::replace(&mut self.typing, typing) != typing {
            self.opened.device.typing(self.with, !typing).await?;
        }
        Ok(())
    }

    /// Sends a line. What is wrong with it is said, and ends nothing.
    async fn typed(&mut self, line: &str) -> Answer {
        let done = self.act(line).await;
        match done {
            Err(problem) if matches!(problem.exit, Exit::NotRegistered) => Err(problem),
            Err(problem) => {
                eprintln!("! {problem}");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn act(&mut self, line: &str) -> Answer {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let offered = match command.strip_prefix('/') {
            Some(name) => self.menu().await?.commands.iter().any(|known| known.name == name),
            None => false,
        };
        let draft = match command {
            "/help" => {
                eprintln!("{HELP}");
                return Ok(());
            }
            "/accept" => {
                if let Some(state) = self.opened.device.label(self.with).await? {
                    self.opened.device.label_shown(self.with, &state.digest.0).await?;
                }
                return Ok(());
            }
            "/file" => {
                let (path, caption) = rest.split_once(' ').unwrap_or((rest, ""));
                DraftContent::Media(file::upload(self.opened, Path::new(path), caption.to_owned()).await?)
                    .into()
            }
            "/menu" => return self.offer(&self.menu().await?),
            "/ask" => {
                let place = rest.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let menu = self.menu().await?;
                let prompt = place.and_then(|place| menu.prompts.get(place));
                Draft::text(prompt.ok_or_else(|| Problem::usage("/ask N, with a number that /menu shows"))?)
            }
            "/reply" | "/answer" | "/react" | "/edit" | "/delete" | "/save" => {
                return self.about(command, rest).await;
            }
            _ if offered => Draft::text(line),
            _ if command.starts_with('/') && !command.get(1..).unwrap_or_default().contains('/') => {
                return Err(Problem::usage(format!("no command: {command}. {HELP}")));
            }
            _ => Draft::text(line),
        };
        self.send(draft).await
    }

    /// A command about a message.
    async fn about(&mut self, command: &str, rest: &str) -> Answer {
        let (number, words) = rest.split_once(' ').unwrap_or((rest, ""));
        let position = super::send::position(number).map_err(Problem::usage)?;
        let message = named(self.opened, self.with, position).await?;
        let id = message.id;
        let text = words.to_owned();
        let draft = match command {
            "/reply" => Draft::text(text).quoting(id),
            "/answer" => {
                let choices = message.body.choices();
                let number = text.trim().parse().map_err(|_| Problem::usage("/answer N CHOICE"))?;
                let choice = answer::choose(&choices, number, self.words)?;
                DraftContent::Choose { message: id, choice }.into()
            }
            "/react" => {
                let emoji = Some(text).filter(|emoji| !emoji.is_empty());
                DraftContent::Reaction { message: id, emoji }.into()
            }
            "/edit" => DraftContent::Edit { message: id, text }.into(),
            "/delete" => DraftContent::Delete { message: id }.into(),
            _ => {
                let Some(media) = message.body.media() else {
                    return Err(Problem::usage(format!("#{position} has no file")));
                };
                if words.is_empty() {
                    return Err(Problem::usage("/save N PATH"));
                }
                file::download(self.opened, media, Path::new(words)).await?;
                self.opened.output.note(&format!("Saved as {words}."));
                return Ok(());
            }
        };
        self.send(draft).await
    }

    async fn send(&mut self, draft: Draft) -> Answer {
        let id = self.opened.device.send(self.with, draft).await?;
        if self.opened.device.contact(self.with).await?.trust == client::Trust::Changed {
            return Err(Problem::identity_changed(&self.names.of(self.with), self.words));
        }
        // At a terminal the line stands there already, but not its number; in a pipe it does not.
        if let Some(message) = self.opened.device.message(id).await? {
            if self.opened.output.json || !std::io::stdin().is_terminal() {
                return self.show(&message).await;
            }
            self.opened.output.note(&format!("  #{}", message.position));
        }
        Ok(())
    }
}
