//! Who can read a chat with a business: shown in it, and asked about when it changes.

use client::{AccountId, LabelChange, LabelState};
use serde_json::json;

use super::{
    ask,
    opened::Opened,
    problem::{Answer, Exit, Problem},
    recipient, render,
};

/// Show who can read a chat with a business
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat label Bank             asks the relay, and shows it
  tradepost chat label Bank --accept    you have seen that it changed: what waits is sent

The relay signs who holds the business's keys: the business itself, a vendor, or the operator. When that changes nothing is
sent until you have seen it.")]
pub(crate) struct Flags {
    /// Whose
    who: String,
    /// You have seen it: send to them
    #[arg(long)]
    accept: bool,
}

pub(crate) async fn run(opened: Opened, flags: Flags) -> Answer {
    let account = recipient::find(&opened.device, &flags.who).await?;
    let mut state = opened.device.refresh_label(account).await?;
    if let Some(state) = &mut state
        && (flags.accept || state.change == LabelChange::First)
    {
        opened.device.label_shown(account, &state.digest.0).await?;
        state.shown = true;
    }
    let who = opened.names().await?.of(account);
    opened.output.show(&json!({"account": account, "label": state}), || match &state {
        Some(state) => {
            let waits = if state.shown { "" } else { "\nNothing is sent to them until you say --accept." };
            format!("{who}: {}{waits}", render::label_at_length(state.label.as_ref(), state.change))
        }
        None => format!("{who} is no business: nobody but you two can read this chat."),
    })?;
    if opened.device.outbox_len().await? > 0 { opened.online().leave().await } else { Ok(()) }
}

/// Shows a label that was not shown here yet, and lets what is to be sent go on: at once if it is the first, otherwise
/// if the person says so.
pub(crate) async fn show(opened: &Opened, account: AccountId, words: &str, accept: bool) -> Answer {
    let Some(state) = opened.device.label(account).await?.filter(|state| !state.shown) else { return Ok(()) };
    let who = opened.names().await?.of(account);
    opened.output.note(&format!("{who}: {}", render::label(state.label.as_ref(), state.change)));
    if state.change != LabelChange::First && !accept {
        if opened.output.json || !ask::somebody() {
            return Err(changed(&who, words, &state));
        }
        ask::sure("Send to them all the same?", false).await.map_err(|_| changed(&who, words, &state))?;
    }
    Ok(opened.device.label_shown(account, &state.digest.0).await?)
}

fn changed(who: &str, words: &str, state: &LabelState) -> Problem {
    let label = render::label(state.label.as_ref(), state.change);
    let message = format!("who can read what you write to {who} changed, and nothing is sent: {label}");
    Problem::new(Exit::LabelChanged, "label_changed", message)
        .hint(format!("If that is all right: tradepost chat label {words} --accept"))
}
