//! `tradepost business`: a business's own side of its application, numbers and hosting.

mod apply;
mod numbers;

use std::path::PathBuf;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::json;
use wire::{
    PhoneNumber, VendorId,
    api::{Business, CredentialMade, Hosting, HostingMode},
};

use crate::relay_api::{
    AtRelay, RelayApi, keep_secret, print_business, print_json, secret_of_environment, secret_of_file,
};

/// Apply as a business, and say its numbers, testers and who hosts it
///
/// The credential of the business comes from TRADEPOST_BUSINESS_CREDENTIAL, from the file that
/// TRADEPOST_BUSINESS_CREDENTIAL_FILE names, or from the file that `apply` made (--credential).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost business apply --legal-name 'Bank of Examples AG' --name 'Example Bank' --country DE \\
      --registration-number 'HRB 1234' --website https://bank.example --category FINANCE \\
      --contact-name Ada --contact-email ada@bank.example --contact-phone +493012345678 \\
      --document extract.pdf --submit
  tradepost business number add +493012345678        asks for the code that is sent to it
  tradepost business tester add +4915112345678       before it is approved, it may write to testers
  tradepost business show
  tradepost business hosting set self --save host.credential
  tradepost business hosting set vendor --vendor 0b5c0a52-6c8a-4a8e-b7b5-0d5c8d9c8d11")]
pub(crate) struct Flags {
    #[command(flatten)]
    at: AtRelay,
    /// The file with the business's credential
    #[arg(long, value_name = "FILE", default_value = "business.credential", global = true)]
    credential: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Apply(Box<apply::Flags>),
    /// Show the business as it stands
    #[command(after_help = "\
Example:
  tradepost business show")]
    Show,
    /// Documents that go with the application
    #[command(subcommand)]
    #[command(after_help = "\
Example:
  tradepost business document add extract.pdf")]
    Document(apply::DocumentCommand),
    /// Hand the application to the operator
    #[command(after_help = "\
Example:
  tradepost business submit")]
    Submit,
    /// Numbers of the business
    #[command(subcommand)]
    #[command(after_help = "\
Example:
  tradepost business number add +493012345678")]
    Number(numbers::Command),
    /// Whom it may write to before it is approved
    #[command(subcommand)]
    #[command(after_help = "\
Example:
  tradepost business tester add +4915112345678")]
    Tester(TesterCommand),
    /// Who hosts it
    #[command(subcommand)]
    #[command(after_help = "\
Example:
  tradepost business hosting set self --save host.credential")]
    Hosting(HostingCommand),
    /// Make another credential for the business, in place of the one in the file
    #[command(after_help = "\
Example:
  tradepost business rotate")]
    Rotate,
}

#[derive(Debug, clap::Subcommand)]
enum TesterCommand {
    /// Add one
    #[command(after_help = "\
Example:
  tradepost business tester add +4915112345678")]
    Add {
        /// Their number
        number: PhoneNumber,
    },
    /// Remove one
    #[command(after_help = "\
Example:
  tradepost business tester remove +4915112345678")]
    Remove {
        /// Their number
        number: PhoneNumber,
    },
}

#[derive(Debug, clap::Subcommand)]
enum HostingCommand {
    /// Say who hosts it. Another host: the devices of the one before are gone, and customers see it
    #[command(after_help = "\
Examples:
  tradepost business hosting set self --save host.credential
  tradepost business hosting set vendor --vendor 0b5c0a52-6c8a-4a8e-b7b5-0d5c8d9c8d11")]
    Set {
        /// self, vendor or operator
        mode: HostingMode,
        /// With vendor: which
        #[arg(long, value_name = "ID")]
        vendor: Option<VendorId>,
        /// With self: write the host credential into this new file, instead of printing it
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
    },
}

/// Runs a command.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    let Flags { at, credential: file, command } = flags;
    let json = at.json;
    if let Command::Apply(flags) = &command
        && !flags.again
    {
        return apply::begin(&at, &file, flags).await;
    }
    let credential = match secret_of_environment("TRADEPOST_BUSINESS_CREDENTIAL")? {
        Some(credential) => credential,
        None => secret_of_file(&file).context(
            "no credential of a business: `tradepost business apply` makes one; say its file with --credential, or \
             set TRADEPOST_BUSINESS_CREDENTIAL",
        )?,
    };
    let api = RelayApi::new(&at, Some(credential))?;
    match command {
        Command::Apply(flags) => apply::again(&api, &file, &flags, json).await,
        Command::Show => show(&api, json).await,
        Command::Document(command) => apply::document(&api, command, json).await,
        Command::Submit => apply::submit(&api, json).await,
        Command::Number(command) => numbers::run(&api, command, json).await,
        Command::Tester(command) => {
            let (method, number) = match command {
                TesterCommand::Add { number } => (Method::PUT, number),
                TesterCommand::Remove { number } => (Method::DELETE, number),
            };
            api.bytes(api.request(method, &format!("/v1/business/testers/{number}"))).await.map(drop)
        }
        Command::Hosting(HostingCommand::Set { mode, vendor, save }) => {
            let mut body = json!({ "mode": mode });
            if let (Some(vendor), Some(body)) = (vendor, body.as_object_mut()) {
                body.insert("vendor".to_owned(), json!(vendor));
            }
            let request = api.request(Method::PUT, "/v1/business/hosting").json(&body);
            let mut hosting: Hosting = api.answer(request).await?;
            if let (Some(file), Some(credential)) = (&save, &hosting.credential) {
                keep_secret(file, credential)?;
                hosting.credential = None;
            }
            if json {
                return print_json(&hosting);
            }
            match (hosting.credential, hosting.host_name) {
                (Some(credential), _) => {
                    println!("{credential}");
                    eprintln!("It is told this once: give it to the host, which registers devices with it.");
                }
                (None, Some(name)) => println!("{} hosts it now.", crate::relay_api::clean(&name)),
                (None, None) => println!("It hosts itself now."),
            }
            Ok(())
        }
        Command::Rotate => {
            let made: CredentialMade =
                api.answer(api.request(Method::POST, "/v1/business/credential")).await?;
            // Beside the old file first: of the two, one is always whole.
            let new = file.with_extension("new");
            keep_secret(&new, &made.credential)?;
            std::fs::rename(&new, &file).with_context(|| file.display().to_string())?;
            println!("The credential in {} is another one now.", file.display());
            Ok(())
        }
    }
}

async fn show(api: &RelayApi, json: bool) -> anyhow::Result<()> {
    let business: Business = api.get("/v1/business").await?;
    if json {
        return print_json(&business);
    }
    print_business(&business);
    Ok(())
}
