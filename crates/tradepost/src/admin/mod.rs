//! `tradepost admin`: what the operator decides, from the command line.

mod audit;
mod businesses;
mod vendors;

use std::path::PathBuf;

use anyhow::Context as _;
use reqwest::Method;
use wire::api::{CredentialMade, LabelKey};

use crate::relay_api::{AtRelay, RelayApi, print_json, secret_of_environment, secret_of_file};

/// Decide as the operator: businesses, vendors, the audit trail
///
/// The operator's token comes from TRADEPOST_OPERATOR_TOKEN, from the file that TRADEPOST_OPERATOR_TOKEN_FILE names, or
/// from operator.token in the relay's data folder (--data).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost admin businesses list --state submitted
  tradepost admin businesses show 8c78cd2a-16ff-427d-83dc-1a5e36ce713d
  tradepost admin businesses documents 8c78cd2a-16ff-427d-83dc-1a5e36ce713d --save papers
  tradepost admin businesses approve 8c78cd2a-16ff-427d-83dc-1a5e36ce713d
  tradepost admin businesses reject 8c78cd2a-16ff-427d-83dc-1a5e36ce713d --reason 'the extract is too old'
  tradepost admin vendors add 'Host GmbH'
  tradepost admin audit --verify
  TRADEPOST_OPERATOR_TOKEN_FILE=/run/secrets/token tradepost admin --relay https://relay.example vendors list")]
pub(crate) struct Flags {
    #[command(flatten)]
    at: AtRelay,
    /// The relay's data folder, in which it keeps the token that it made
    #[arg(long, value_name = "FOLDER", default_value = "data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Businesses and their applications
    #[command(subcommand)]
    #[command(after_help = "\
Examples:
  tradepost admin businesses list --state submitted
  tradepost admin businesses approve 8c78cd2a-16ff-427d-83dc-1a5e36ce713d")]
    Businesses(businesses::Command),
    /// Who may host businesses that choose it
    #[command(subcommand)]
    #[command(after_help = "\
Example:
  tradepost admin vendors add 'Host GmbH'")]
    Vendors(vendors::Command),
    /// Make a host credential for the operator's own host; the one before it is void
    #[command(after_help = "\
Example:
  tradepost admin host-credential")]
    HostCredential,
    /// Make another label key, which the one before it certifies
    #[command(after_help = "\
Example:
  tradepost admin label-key")]
    LabelKey,
    Audit(audit::Flags),
}

/// Runs a command.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    let token = match secret_of_environment("TRADEPOST_OPERATOR_TOKEN")? {
        Some(token) => token,
        None => secret_of_file(&flags.data.join(relay::operator::TOKEN_FILE)).context(
            "no operator's token: set TRADEPOST_OPERATOR_TOKEN or TRADEPOST_OPERATOR_TOKEN_FILE, or say the relay's \
             folder with --data",
        )?,
    };
    let api = RelayApi::new(&flags.at, Some(token))?;
    let json = flags.at.json;
    match flags.command {
        Command::Businesses(command) => businesses::run(&api, command, json).await,
        Command::Vendors(command) => vendors::run(&api, command, json).await,
        Command::HostCredential => {
            let request = api.request(Method::POST, "/v1/operator/host-credential");
            let made: CredentialMade = api.answer(request).await?;
            shown_once(&made.credential, &made, json)
        }
        Command::LabelKey => {
            let made: LabelKey = api.answer(api.request(Method::POST, "/v1/operator/label-key")).await?;
            if json {
                return print_json(&made);
            }
            println!("There is another label key; {} before it lead to it.", made.certificates.len());
            Ok(())
        }
        Command::Audit(flags) => audit::run(&api, flags, json).await,
    }
}

/// Prints a credential, which is never told again.
fn shown_once(credential: &str, answer: &impl serde::Serialize, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(answer);
    }
    println!("{credential}");
    eprintln!("It is told this once: keep it where only the host can read it.");
    Ok(())
}
