//! The keys of businesses, on the machine of the host.

use serde_json::json;

use super::{
    place::{self, Place},
    which::Which,
};
use crate::relay_api::print_json;

/// Change the keys under which chats are sealed, beside a host that may be running
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host keys rotate 1000000000000001
  tradepost host keys rewrap --config host.toml        after a new master key was put in front of the old one")]
pub(super) struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct At {
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Give a business a new key, for what is sealed from now on; the earlier ones open what is there
    #[command(after_help = "\
Example:
  tradepost host keys rotate 1000000000000001")]
    Rotate {
        /// The business, by its id or its account's
        business: Which,
        #[command(flatten)]
        at: At,
    },
    /// Wrap all keys under the first master key; the other master keys may be taken away afterwards. Hosts that run must
    /// have been started with both: one that knows only the old one opens nothing any more
    #[command(after_help = "\
Example:
  tradepost host keys rewrap --config host.toml")]
    Rewrap {
        #[command(flatten)]
        at: At,
    },
}

pub(super) async fn run(flags: Flags) -> anyhow::Result<()> {
    let (Command::Rotate { at, .. } | Command::Rewrap { at }) = &flags.command;
    let (offline, as_json) = (at.place.open().await?, at.json);
    let done = match flags.command {
        Command::Rotate { business, .. } => {
            let business = place::business(&offline, business).await?;
            let version = offline.sealing.rotate(business.id).await?;
            let said = format!("{} seals under version {version} of its key within seconds", business.id);
            (json!({ "business_id": business.id, "version": version }), said)
        }
        Command::Rewrap { .. } => {
            let wrapped = offline.sealing.rewrap().await?;
            let said = format!("wrapped anew: {wrapped}; all keys are under the first master key");
            (json!({ "wrapped": wrapped }), said)
        }
    };
    offline.close().await;
    let (value, said) = done;
    if as_json {
        return print_json(&value);
    }
    println!("{said}");
    Ok(())
}
