//! `send`: text, files, places, cards, and changes of what was sent.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use client::{
    AccountId, Card, Connection, Draft, DraftContent, Event, Location, MediaKind, Message, MessageRef, State,
};

use tokio::task::JoinSet;

use super::{
    file, label,
    opened::{Online, Opened, unreachable},
    problem::{Answer, Exit, Problem},
    recipient, render, verify,
};

/// Send a message, or change one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat send +493012345678 'Hello, I would like to open an account.'
  tradepost chat send Bank - < letter.txt
  tradepost chat send Bank --file contract.pdf 'Signed.'
  tradepost chat send Bank --voice question.ogg
  tradepost chat send Bank --reply-to 12 'Gladly.'
  tradepost chat send Bank --react 👍 --to-message 12
  tradepost chat send Bank --edit 13 'What I meant.'
  tradepost chat send Bank --delete 13
  tradepost chat send Bank --location 52.5163,13.3777 'Brandenburg Gate'
  tradepost chat send Bank --contact 'Otto Muster:+493012345678'
  tradepost chat send me 'A note, on all my devices.'

A message is named by the number before it (#12) in `receive` and `history`.")]
pub(crate) struct Flags {
    /// To whom: a number, a contact's name, an account; `me` for a note to yourself
    to: String,
    /// The words; `-` reads them from standard input. The caption of a file, the name of a place
    text: Option<String>,
    #[command(flatten)]
    what: What,
    /// Answers this message
    #[arg(long, value_name = "MESSAGE", value_parser = position)]
    reply_to: Option<u64>,
    /// Which message is reacted to
    #[arg(long, value_name = "MESSAGE", value_parser = position, requires = "reaction")]
    to_message: Option<u64>,
    /// Disappears so long after it is read: 30s, 5m, 8h, 7d, 2w; 0 for never
    #[arg(long, value_name = "TIME", value_parser = duration)]
    expires: Option<u32>,
    #[command(flatten)]
    sending: Sending,
}

/// How something is sent, and how far it is waited for.
#[derive(Debug, clap::Args)]
pub(crate) struct Sending {
    /// Only put it into the outbox: the next command that connects sends it
    #[arg(long)]
    no_wait: bool,
    /// Wait until it is so far
    #[arg(long, value_enum, default_value = "sent", conflicts_with = "no_wait")]
    until: Until,
    /// Seconds to wait; 0 for as long as it takes
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    timeout: u64,
    /// Send although who can read the chat changed
    #[arg(long)]
    accept_label: bool,
    /// Send although their identity key changed: to the one whose number `verify` has shown
    #[arg(long)]
    accept_new_identity: bool,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct What {
    /// A file; a picture (JPEG, PNG) gets a small preview
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A voice note, in a file (mp3, m4a, ogg, opus, wav): you hear when it was listened to
    #[arg(long, value_name = "FILE")]
    voice: Option<PathBuf>,
    /// A sticker: a small picture that stands by itself (webp, png, jpg, gif)
    #[arg(long, value_name = "FILE")]
    sticker: Option<PathBuf>,
    /// A reaction to the message that --to-message names; `none` takes it back
    #[arg(long, value_name = "EMOJI", requires = "to_message", id = "reaction", long = "react")]
    react: Option<String>,
    /// Other words for an own message of the last 24 hours
    #[arg(long, value_name = "MESSAGE", value_parser = position)]
    edit: Option<u64>,
    /// Take an own message of the last 24 hours back, for everybody
    #[arg(long, value_name = "MESSAGE", value_parser = position)]
    delete: Option<u64>,
    /// A place: degrees north and east
    #[arg(long, value_name = "LATITUDE,LONGITUDE", value_parser = coordinates, allow_hyphen_values = true)]
    location: Option<(f64, f64)>,
    /// Somebody's card
    #[arg(long, value_name = "NAME:NUMBER", value_parser = card)]
    contact: Option<Card>,
    /// From now on messages of this chat disappear so long after they are read; 0 for never
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timer: Option<u32>,
}

impl What {
    fn is_nothing(&self) -> bool {
        let Self { react, edit, delete, location, contact, timer, .. } = self;
        let numbers = edit.is_none() && delete.is_none() && timer.is_none();
        numbers && self.path().is_none() && react.is_none() && location.is_none() && contact.is_none()
    }

    /// Which file, and as what it is to be shown, if its name does not say so.
    fn path(&self) -> Option<(&Path, Option<MediaKind>)> {
        let file = self.file.as_deref().map(|path| (path, None));
        let voice = self.voice.as_deref().map(|path| (path, Some(MediaKind::Voice)));
        file.or(voice).or(self.sticker.as_deref().map(|path| (path, Some(MediaKind::Sticker))))
    }
}

/// How far a message is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Until {
    /// Safe at the relay
    Sent,
    /// A device of theirs has it
    Delivered,
    /// They have seen it
    Read,
}

pub(crate) async fn run(opened: Opened, flags: Flags) -> Answer {
    let device = &opened.device;
    if flags.text.is_none() && flags.what.is_nothing() {
        return Err(
            Problem::usage("what is to be sent?").hint("Words, `-` for standard input, or --file FILE.")
        );
    }
    let to = recipient::find(device, &flags.to).await?;
    may_send(&opened, to, &flags.to, &flags.sending).await?;
    let draft = draft(&opened, to, &flags).await?;
    deliver(opened, to, &flags.to, draft, &flags.sending).await
}

/// Whether nothing is in the way of sending to somebody; accepts what the flags accept.
async fn may_send(opened: &Opened, to: AccountId, words: &str, sending: &Sending) -> Answer {
    let device = &opened.device;
    if sending.accept_new_identity {
        verify::accept_shown(opened, to, words).await?;
    } else if device.chats().await?.iter().any(|chat| chat.account == to && chat.held) {
        return Err(Problem::identity_changed(&opened.names().await?.of(to), words));
    }
    label::show(opened, to, words, sending.accept_label).await
}

/// Sends a draft to somebody, whom the person named by these words, and says how far it came.
pub(crate) async fn deliver(
    opened: Opened,
    to: AccountId,
    words: &str,
    draft: Draft,
    sending: &Sending,
) -> Answer {
    deliver_all(opened, to, words, vec![draft], sending).await
}

/// The same with several.
pub(crate) async fn deliver_all(
    opened: Opened,
    to: AccountId,
    words: &str,
    drafts: Vec<Draft>,
    sending: &Sending,
) -> Answer {
    may_send(&opened, to, words, sending).await?;
    let device = &opened.device;
    let who = opened.names().await?.of(to);
    let mut online = if sending.no_wait { None } else { Some(opened.online()) };
    for draft in drafts {
        let changes = matches!(
            draft.content,
            DraftContent::Reaction { .. } | DraftContent::Edit { .. } | DraftContent::Delete { .. }
        );
        let id = device.send(to, draft).await?;
        if let Some(online) = &mut online {
            let patience =
                if sending.timeout == 0 { None } else { Some(Duration::from_secs(sending.timeout)) };
            let wait = wait(&opened, online, (to, words), id, changes, sending);
            let waited = match patience {
                Some(patience) => tokio::time::timeout(patience, wait).await.map_err(|_| too_long()),
                None => Ok(wait.await),
            };
            waited?.map_err(|problem| match problem.exit {
                Exit::IdentityChanged => Problem::identity_changed(&who, words),
                _ => problem,
            })?;
        }
        let message = device.message(id).await?;
        let mut value = serde_json::json!({"id": id, "message": message});
        if let (Some(label), Some(value)) = (device.label(to).await?, value.as_object_mut()) {
            value.insert("label".to_owned(), serde_json::json!(label));
        }
        opened.output.show(&value, || match &message {
            Some(message) => format!("#{} to {who}: {}", message.position, render::state(&message.state)),
            None => format!("told {who}"),
        })?;
    }
    match online {
        Some(online) => online.leave().await,
        None => Ok(()),
    }
}

async fn draft(opened: &Opened, to: AccountId, flags: &Flags) -> Answer<Draft> {
    let text = match flags.text.as_deref() {
        Some("-") => Some(standard_input()?),
        text => text.map(str::to_owned),
    };
    let what = &flags.what;
    let words = || text.clone().unwrap_or_default();
    let mut draft: Draft = if let Some((path, kind)) = what.path() {
        DraftContent::Media(file::upload_as(opened, path, kind, words()).await?).into()
    } else if let (Some(emoji), Some(position)) = (&what.react, flags.to_message) {
        let message = named(opened, to, position).await?.id;
        let emoji = Some(emoji.clone()).filter(|emoji| !matches!(emoji.as_str(), "" | "none"));
        DraftContent::Reaction { message, emoji }.into()
    } else if let Some(position) = what.edit {
        let message = named(opened, to, position).await?.id;
        let text = text.ok_or_else(|| Problem::usage("--edit needs the new words"))?;
        DraftContent::Edit { message, text }.into()
    } else if let Some(position) = what.delete {
        DraftContent::Delete { message: named(opened, to, position).await?.id }.into()
    } else if let Some((latitude, longitude)) = what.location {
        DraftContent::Location(Location { latitude, longitude, name: words(), ..Location::default() }).into()
    } else if let Some(card) = &what.contact {
        DraftContent::Contacts { contacts: vec![card.clone()] }.into()
    } else if let Some(seconds) = what.timer {
        DraftContent::Timer { seconds }.into()
    } else {
        Draft::text(words())
    };
    draft.expires_after = flags.expires;
    if let Some(position) = flags.reply_to {
        draft.quote = Some(named(opened, to, position).await?.id);
    }
    Ok(draft)
}

fn standard_input() -> Answer<String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(1 << 20).read_to_string(&mut text);
    read.map_err(|error| Problem::failed(format!("standard input: {error}")))?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// The message of a chat that has this number.
pub(crate) async fn named(opened: &Opened, chat: AccountId, position: u64) -> Answer<Message> {
    let found = opened.device.history(chat, position.checked_add(1), 1).await?;
    found.into_iter().find(|message| message.position == position).ok_or_else(|| {
        Problem::new(Exit::Failed, "no_such_message", format!("there is no message #{position} in this chat"))
            .hint("tradepost chat history shows the numbers.")
    })
}

/// Returns when the message is so far; changes only go out.
async fn wait(
    opened: &Opened,
    online: &mut Online,
    (chat, words): (AccountId, &str),
    id: MessageRef,
    change: bool,
    sending: &Sending,
) -> Answer {
    let until = sending.until;
    let reached = |state: &State| match state {
        State::Queued => Ok(false),
        State::Sent => Ok(until <= Until::Sent),
        State::Delivered => Ok(until <= Until::Delivered),
        State::Read | State::Played => Ok(true),
        State::Failed { .. } | State::Expired => {
            Err(Problem::new(Exit::Refused, "not_sent", render::state(state)))
        }
    };
    let device = opened.device.clone();
    // In a task of its own: a future that waits for the device's lock and is not polled would keep it from all others.
    let mut settled = JoinSet::new();
    settled.spawn(async move { device.settled().await });
    loop {
        if !change
            && let Some(message) = opened.device.message(id).await?
            && reached(&message.state)?
        {
            return Ok(());
        }
        let event = tokio::select! {
            event = online.next() => event?,
            Some(done) = settled.join_next() => {
                done.map_err(|error| Problem::failed(error.to_string()))??;
                if change {
                    return Ok(());
                }
                continue;
            }
        };
        match event {
            Event::State { message, state, .. } if message == id && !matches!(state, State::Queued) => {
                opened.output.note(render::state(&state));
            }
            Event::IdentityChanged { account, held: true } if account == chat => {
                return Err(Problem::identity_changed("", ""));
            }
            Event::Label { account, .. } if account == chat => {
                label::show(opened, chat, words, sending.accept_label).await?;
            }
            Event::Connection { connection: Connection::Offline { .. } } => {
                return Err(unreachable().hint(
                    "The message waits here: the next command that connects sends it. Is the relay's URL right? \
                     Say it with --relay URL.",
                ));
            }
            _ => {}
        }
    }
}

fn too_long() -> Problem {
    Problem::new(Exit::Unreachable, "timeout", "it did not come so far in time")
        .hint("It waits here: the next command that connects sends it.")
}

/// `12` or `#12`.
pub(crate) fn position(text: &str) -> Result<u64, String> {
    text.trim_start_matches('#').parse().map_err(|_| "a message's number, such as 12".to_owned())
}

/// Seconds from `30s`, `5m`, `8h`, `7d`, `2w`, or plain seconds.
pub(crate) fn duration(text: &str) -> Result<u32, String> {
    let wrong = || "a time such as 30s, 5m, 8h, 7d or 2w; 0 for never".to_owned();
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        Some("d") => 86_400,
        Some("w") => 604_800,
        _ => return Err(wrong()),
    };
    digits.parse::<u32>().ok().and_then(|count| count.checked_mul(unit)).ok_or_else(wrong)
}

fn coordinates(text: &str) -> Result<(f64, f64), String> {
    let parsed = text
        .split_once(',')
        .and_then(|(north, east)| Some((north.trim().parse().ok()?, east.trim().parse().ok()?)));
    parsed
        .filter(|(north, east)| (-90.0..=90.0).contains(north) && (-180.0..=180.0).contains(east))
        .ok_or_else(|| "degrees north and east, such as 52.5163,13.3777".to_owned())
}

fn card(text: &str) -> Result<Card, String> {
    let (name, number) =
        text.rsplit_once(':').ok_or("a name and a number, such as 'Otto Muster:+493012345678'")?;
    let phone_numbers = vec![number.trim().to_owned()];
    Ok(Card { name: name.trim().to_owned(), phone_numbers, ..Card::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_places_and_cards_are_read() {
        assert_eq!(duration("5m"), Ok(300));
        assert_eq!(duration("0"), Ok(0));
        assert!(duration("5y").is_err() && duration("m").is_err() && duration("9999999w").is_err());
        assert_eq!(coordinates("52.5, -13.25"), Ok((52.5, -13.25)));
        assert!(coordinates("91,0").is_err() && coordinates("NaN,0").is_err());
        assert_eq!(card("Otto: Muster:+49301").unwrap().phone_numbers, ["+49301"]);
        assert_eq!(position("#12"), Ok(12));
    }
}
