//! `answer`, `share-number`, `leave`: what a person says to a business by other means than words.

use client::{AccountId, ButtonAction, Choice, Draft, DraftContent, Marketing, Message};
use serde_json::json;

use super::{
    ask,
    opened::Opened,
    problem::{Answer, Exit, Problem},
    recipient, render,
    render::interactive,
    send::{self, named},
};

/// Messages among which the latest question is looked for.
const LATEST: usize = 100;

/// Press a button, or choose from a list
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat answer Bank                   shows what can be chosen
  tradepost chat answer Bank 2                 the second of what the latest message offers
  tradepost chat answer Bank 1 --message 12
  tradepost chat answer Bank --button yes      by its id, for scripts
  tradepost chat answer Bank --row t9")]
pub(crate) struct Flags {
    /// Whom
    to: String,
    /// Which, by the number before it
    #[arg(conflicts_with_all = ["button", "row"])]
    number: Option<usize>,
    /// The id of a button
    #[arg(long, value_name = "ID", conflicts_with = "row")]
    button: Option<String>,
    /// The id of a row of a list
    #[arg(long, value_name = "ID")]
    row: Option<String>,
    /// In which message [default: the latest that offers something]
    #[arg(long, value_name = "MESSAGE", value_parser = send::position)]
    message: Option<u64>,
    #[command(flatten)]
    sending: send::Sending,
}

pub(crate) async fn answer(opened: Opened, flags: Flags) -> Answer {
    let to = recipient::find(&opened.device, &flags.to).await?;
    let question = question(&opened, to, flags.message).await?;
    let choices = question.body.choices();
    let id = match (flags.number, flags.button.or(flags.row)) {
        (Some(number), _) => choose(&choices, number, &flags.to)?,
        (None, Some(id)) => id,
        (None, None) => {
            let value = json!({"message": question.id, "position": question.position, "choices": choices});
            return opened.output.show(&value, || list(question.position, &choices));
        }
    };
    let draft = DraftContent::Choose { message: question.id, choice: id };
    send::deliver(opened, to, &flags.to, draft.into(), &flags.sending).await
}

/// The message that is answered.
pub(crate) async fn question(opened: &Opened, chat: AccountId, position: Option<u64>) -> Answer<Message> {
    let found = match position {
        Some(position) => Some(named(opened, chat, position).await?),
        None => {
            let latest = opened.device.history(chat, None, LATEST).await?;
            latest.into_iter().find(|message| !message.body.choices().is_empty())
        }
    };
    found.filter(|message| !message.body.choices().is_empty()).ok_or_else(|| {
        Problem::new(Exit::Failed, "nothing_to_choose", "there is nothing to choose from in this chat")
    })
}

/// The id of a choice by its number.
pub(crate) fn choose(choices: &[Choice], number: usize, who: &str) -> Answer<String> {
    let choice = number.checked_sub(1).and_then(|index| choices.get(index));
    let choice = choice.ok_or_else(|| Problem::usage(format!("choose from 1 to {}", choices.len())))?;
    let what = match &choice.action {
        ButtonAction::Reply { id } => return Ok(id.clone()),
        ButtonAction::ContactRequest => format!("Share your number: tradepost chat share-number {who}"),
        ButtonAction::LocationRequest => {
            format!("Say where you are: tradepost chat send {who} --location 52.5163,13.3777")
        }
        ButtonAction::Url { url } => format!("It opens {}", render::line(url, 400)),
        ButtonAction::Call { number } => format!("Call {}", render::line(number, 64)),
        ButtonAction::Copy { text } => format!("It copies {}", render::line(text, 200)),
        ButtonAction::Other { .. } | ButtonAction::Unsupported => "This version does not know it.".to_owned(),
    };
    Err(Problem::usage(format!("{number} is not answered by pressing it")).hint(what))
}

/// Whether one of them is answered with this id.
pub(crate) fn has(choices: &[Choice], id: &str) -> bool {
    choices.iter().any(|choice| matches!(&choice.action, ButtonAction::Reply { id: its } if its == id))
}

/// What can be chosen, a line each, under the number of the message.
pub(crate) fn list(position: u64, choices: &[Choice]) -> String {
    let lines = choices.iter().enumerate().map(|(index, choice)| interactive::choice(index + 1, choice));
    format!("#{position}\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Let a business know your number; without this it does not
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tradepost chat share-number Bank

The relay signs which number you have, for this business alone; the statement travels encrypted in the chat. It cannot be
taken back: who knows a number knows it.")]
pub(crate) struct ShareNumber {
    /// Whom
    to: String,
    /// Without asking
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sending: send::Sending,
}

pub(crate) async fn share_number(opened: Opened, flags: ShareNumber) -> Answer {
    let to = recipient::find(&opened.device, &flags.to).await?;
    let (number, who) = (opened.device.own().number.to_string(), opened.names().await?.of(to));
    ask::sure(&format!("{who} will know your number, {number}."), flags.yes).await?;
    let draft = opened.device.number_proof(to).await?;
    send::deliver(opened, to, &flags.to, draft, &flags.sending).await
}

/// Leave a business: no marketing, erase what it has, or take nothing from it any more
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat leave Bank --stop-marketing
  tradepost chat leave Bank --erase              asks it to erase everything of you; it says when that is done
  tradepost chat leave Bank --erase --block
  tradepost chat leave Bank --resume-marketing   takes --stop-marketing back; `unblock` takes --block back")]
pub(crate) struct Leave {
    /// Whom
    who: String,
    /// Ask for no marketing messages
    #[arg(long)]
    stop_marketing: bool,
    /// They are welcome again
    #[arg(long, conflicts_with_all = ["stop_marketing", "erase", "block"])]
    resume_marketing: bool,
    /// Ask it to erase everything that it has of this chat and of you
    #[arg(long)]
    erase: bool,
    /// Take nothing from it any more; its answer to --erase neither
    #[arg(long)]
    block: bool,
    /// Without asking
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sending: send::Sending,
}

pub(crate) async fn leave(opened: Opened, flags: Leave) -> Answer {
    let to = recipient::find(&opened.device, &flags.who).await?;
    let who = opened.names().await?.of(to);
    let mut drafts: Vec<Draft> = Vec::new();
    if flags.stop_marketing || flags.resume_marketing {
        let marketing = if flags.stop_marketing { Marketing::Stop } else { Marketing::Resume };
        drafts.push(DraftContent::Preference { marketing }.into());
    }
    if flags.erase {
        ask::sure(&format!("{who} is asked to erase everything of you. That cannot be undone."), flags.yes)
            .await?;
        drafts.push(DraftContent::ErasureRequest.into());
    }
    if drafts.is_empty() && !flags.block {
        return Err(Problem::usage("how? --stop-marketing, --erase or --block"));
    }
    let device = opened.device.clone();
    if drafts.is_empty() {
        device.block(to).await?;
        return opened.output.show(&json!({"account": to, "blocked": true}), || format!("{who} is blocked."));
    }
    let (output, block) = (opened.output, flags.block);
    send::deliver_all(opened, to, &flags.who, drafts, &flags.sending).await?;
    if block {
        device.block(to).await?;
        output.show(&json!({"account": to, "blocked": true}), || format!("{who} is blocked."))?;
    }
    Ok(())
}
