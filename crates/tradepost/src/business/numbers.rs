//! Numbers of a business.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::bail;
use reqwest::Method;
use serde_json::json;
use wire::{
    PhoneNumber,
    api::{BindNumber, CodeRequested, DevCode},
};

use crate::relay_api::{RelayApi, print_json};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add one: a code is sent to it, which proves that the business has it
    #[command(after_help = "\
Examples:
  tradepost business number add +493012345678
  tradepost business number add +493012345678 --code 123456")]
    Add {
        /// The number
        number: PhoneNumber,
        /// The code, if one was sent already
        #[arg(long)]
        code: Option<String>,
        /// The PIN, if the number has an account with a registration lock
        #[arg(long)]
        pin: Option<String>,
    },
    /// Remove one; its devices are gone
    #[command(after_help = "\
Example:
  tradepost business number remove +493012345678")]
    Remove {
        /// The number
        number: PhoneNumber,
    },
}

pub(super) async fn run(api: &RelayApi, command: Command, json: bool) -> anyhow::Result<()> {
    match command {
        Command::Add { number, code, pin } => {
            let code = match code {
                Some(code) => code,
                None => ask(api, &number).await?,
            };
            let body = BindNumber { number: number.clone(), code, pin };
            api.bytes(api.request(Method::PUT, "/v1/business/numbers").json(&body)).await?;
            if json {
                return print_json(&json!({ "number": number }));
            }
            println!("{number} is the business's.");
            Ok(())
        }
        Command::Remove { number } => {
            api.bytes(api.request(Method::DELETE, &format!("/v1/business/numbers/{number}"))).await.map(drop)
        }
    }
}

/// Has a code sent, and learns it: from the development mailbox of a relay on this machine, or from who sits here.
async fn ask(api: &RelayApi, number: &PhoneNumber) -> anyhow::Result<String> {
    let request = api.request(Method::POST, "/v1/registration/codes").json(&json!({ "number": number }));
    let _: CodeRequested = api.answer(request).await?;
    if let Ok(found) = api.get::<DevCode>(&format!("/v1/dev/codes/{number}")).await {
        return Ok(found.code);
    }
    if !std::io::stdin().is_terminal() {
        bail!("a code is on its way to {number}: run this again with --code 123456");
    }
    eprint!("The code that was sent to {number}: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
