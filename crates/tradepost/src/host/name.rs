//! What who runs a host decides about display names.

use ::host::ids::NumberId;
use reqwest::Method;
use serde_json::{Value, json};

use super::at::AtHost;
use crate::relay_api::{RelayApi, clean, print_json};

/// Decide about display names that are not plainly the business's own; the business's software is told
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host name list
  tradepost host name approve 3000000000000001 'Example Bank Online'
  tradepost host name reject 3000000000000001 'World Bank' --reason NAME_ENDCLIENT_NOTRELATED

The name is said again, since the business may have asked for another one meanwhile: then nothing is decided.")]
pub(super) struct Flags {
    #[command(flatten)]
    at: AtHost,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List those that wait for a decision
    #[command(after_help = "\
Example:
  tradepost host name list")]
    List,
    /// The number has this name now
    #[command(after_help = "\
Example:
  tradepost host name approve 3000000000000001 'Example Bank Online'")]
    Approve {
        /// The phone_number_id
        number: NumberId,
        /// The name that it asks for
        name: String,
    },
    /// The number keeps the name that it has
    #[command(after_help = "\
Example:
  tradepost host name reject 3000000000000001 'World Bank' --reason NAME_ENDCLIENT_NOTRELATED")]
    Reject {
        /// The phone_number_id
        number: NumberId,
        /// The name that it asks for
        name: String,
        /// NAME_NOT_CONSISTENT, NAME_FORMAT_UNACCEPTABLE, NAME_ENDCLIENT_NOTRELATED, NAME_EMPLOYEE_ISSUE or
        /// NAME_INDIVIDUAL_ISSUE
        #[arg(long)]
        reason: String,
    },
}

pub(super) async fn run(flags: Flags) -> anyhow::Result<()> {
    let (api, json) = (flags.at.operator()?, flags.at.json);
    let (number, word, body) = match flags.command {
        Command::List => return list(&api, json).await,
        Command::Approve { number, name } => (number, "approve", json!({ "name": name })),
        Command::Reject { number, name, reason } => {
            (number, "reject", json!({ "name": name, "reason": reason }))
        }
    };
    let request = api.request(Method::POST, &format!("/host/v1/names/{number}/{word}"));
    let decided: Value = api.answer(request.json(&body)).await?;
    if json {
        return print_json(&decided);
    }
    println!("{}", row(&decided));
    Ok(())
}

async fn list(api: &RelayApi, json: bool) -> anyhow::Result<()> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page: Value = api.get(&format!("/host/v1/names?limit=100{after}")).await?;
        let names = page.get("names").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(last) = names.last() else { break };
        after = format!("&after={}", text(last, "phone_number_id"));
        all.extend(names);
    }
    if json {
        return print_json(&json!({ "names": all }));
    }
    if all.is_empty() {
        println!("None waits for a decision.");
    }
    all.iter().for_each(|name| println!("{}", row(name)));
    Ok(())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The number, its name, the name that it asks for if it does, and whose it is.
fn row(name: &Value) -> String {
    let asked = match text(name, "requested_name") {
        "" => String::new(),
        asked => format!(" asks for: {asked}"),
    };
    let parts = ["phone_number_id", "number", "verified_name"].map(|part| text(name, part));
    clean(&format!("{}{asked}  ({}, {})", parts.join("  "), text(name, "business"), text(name, "legal_name")))
}
