//! `tradepost host export`.

use std::{io::IsTerminal as _, path::PathBuf};

use ::host::exports::{Counts, ExportError, PackError, Request, Watch};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::json;

use super::{
    counted::counted,
    place::{self, Place},
    which::Which,
};

/// Export all that a business has here: a zip of JSON lines and files
///
/// Chats, people, files, templates, settings, what it allows and the log of what was read. It is plaintext: the file is
/// readable by its owner only, and the business's log says that it was made. A host may be running.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host export --data data --business 1234567890123456 --to bank.zip
  tradepost host export --config host.toml --business 1234567890123456 --chat +4915112345678 --to ada.zip

docs/imports-and-exports.md says what is in it.

Exit codes: 0 exported, 1 not, 2 a wrong call.")]
pub(super) struct Flags {
    #[command(flatten)]
    place: Place,
    /// The business, by its id or its account's
    #[arg(long, value_name = "ID")]
    business: Which,
    /// Only the chat with this person, by their number or the business's id of them
    #[arg(long, value_name = "+E164|ID")]
    chat: Option<String>,
    /// The zip to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

struct Bar(ProgressBar);

impl Watch for Bar {
    fn at(&self, counts: &Counts) {
        let (messages, files) = (counted(counts.messages, "message"), counted(counts.files, "file"));
        self.0.set_message(format!("{messages}, {files}"));
        self.0.tick();
    }
}

pub(super) async fn run(flags: &Flags) -> anyhow::Result<()> {
    let offline = flags.place.open().await?;
    let business = place::business(&offline, flags.business).await?;
    let drawn = !flags.json && std::io::stderr().is_terminal();
    let target = if drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = Bar(ProgressBar::with_draw_target(None, target));
    let request = Request { business, chat: flags.chat.clone(), to: flags.to.clone(), replace: flags.force };
    let done = offline.exports.run(&request, &bar).await;
    bar.0.finish_and_clear();
    offline.close().await;
    let to = flags.to.display();
    let counts = match done {
        Ok(counts) => counts,
        Err(error @ ExportError::Pack(PackError::Exists(_))) => {
            return Err(error).context("nothing was written; --force replaces it");
        }
        Err(error) => return Err(error).with_context(|| format!("{to} was not written")),
    };
    if flags.json {
        println!("{}", json!({ "file": to.to_string(), "counts": counts }));
    } else {
        println!(
            "{to}: {} in {}, {}, {}, {}.",
            counted(counts.messages, "message"),
            counted(counts.chats, "chat"),
            if counts.people == 1 { "1 person".to_owned() } else { format!("{} people", counts.people) },
            counted(counts.files, "file"),
            counted(counts.templates, "template"),
        );
    }
    Ok(())
}
