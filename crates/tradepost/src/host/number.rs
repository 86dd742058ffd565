//! What who runs a host says of numbers.

use ::host::{ids::NumberId, numbers::Tier};
use reqwest::Method;
use serde_json::{Value, json};

use super::at::AtHost;
use crate::relay_api::{clean, print_json};

/// Say to how many people a day a number may write first; its business's software is told
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host number limit 3000000000000001
  tradepost host number limit 3000000000000001 TIER_10K
  tradepost host number limit 3000000000000001 TIER_250 --held     and it does not grow

The phone_number_id is what `tradepost host business show` and `demo.json` have. Only who runs the host may, with the
operator's token: TRADEPOST_HOST_OPERATOR_TOKEN, or operator.token in --data.")]
pub(super) struct Flags {
    #[command(flatten)]
    at: AtHost,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show or change its messaging limit: people in 24 hours who did not write first
    #[command(after_help = "\
Examples:
  tradepost host number limit 3000000000000001
  tradepost host number limit 3000000000000001 TIER_10K")]
    Limit {
        /// The phone_number_id
        number: NumberId,
        /// TIER_50, TIER_250, TIER_1K, TIER_2K, TIER_10K, TIER_100K or TIER_UNLIMITED [default: only show it]
        limit: Option<Tier>,
        /// It stays so, however much of it is used (with a limit)
        #[arg(long, requires = "limit")]
        held: bool,
    },
}

pub(super) async fn run(flags: Flags) -> anyhow::Result<()> {
    let (api, json) = (flags.at.operator()?, flags.at.json);
    let Command::Limit { number, limit, held } = flags.command;
    let path = format!("/host/v1/numbers/{number}/messaging-limit");
    let answer: Value = match limit {
        None => api.get(&path).await?,
        Some(limit) => {
            let body = json!({ "messaging_limit": limit.to_string(), "held": held });
            api.answer(api.request(Method::PUT, &path).json(&body)).await?
        }
    };
    if json {
        return print_json(&answer);
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let held = if answer.get("held").and_then(Value::as_bool) == Some(true) { "  held" } else { "" };
    let line = format!("{}  {}  {}{held}", text("phone_number_id"), text("number"), text("messaging_limit"));
    println!("{}", clean(&line));
    Ok(())
}
