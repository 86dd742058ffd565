//! Vendors, as the operator sees them.

use reqwest::Method;
use serde_json::json;
use wire::{
    VendorId,
    api::{CredentialMade, VendorMade, Vendors},
};

use super::shown_once;
use crate::relay_api::{RelayApi, clean, print_json, time};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add one, and make its credential
    #[command(after_help = "\
Example:
  tradepost admin vendors add 'Host GmbH'")]
    Add {
        /// As customers see it
        name: String,
    },
    /// List them
    #[command(after_help = "\
Example:
  tradepost admin vendors list")]
    List,
    /// Suspend one: nothing goes out from what it hosts
    #[command(after_help = "\
Example:
  tradepost admin vendors suspend 0b5c0a52-6c8a-4a8e-b7b5-0d5c8d9c8d11")]
    Suspend {
        /// Its id
        vendor: VendorId,
    },
    /// End its suspension
    #[command(after_help = "\
Example:
  tradepost admin vendors reinstate 0b5c0a52-6c8a-4a8e-b7b5-0d5c8d9c8d11")]
    Reinstate {
        /// Its id
        vendor: VendorId,
    },
    /// Make another credential for one; the one before it is void
    #[command(after_help = "\
Example:
  tradepost admin vendors rotate 0b5c0a52-6c8a-4a8e-b7b5-0d5c8d9c8d11")]
    Rotate {
        /// Its id
        vendor: VendorId,
    },
}

pub(super) async fn run(api: &RelayApi, command: Command, json: bool) -> anyhow::Result<()> {
    let path = |vendor: VendorId, what: &str| format!("/v1/operator/vendors/{vendor}/{what}");
    match command {
        Command::Add { name } => {
            let request = api.request(Method::POST, "/v1/operator/vendors").json(&json!({ "name": name }));
            let made: VendorMade = api.answer(request).await?;
            if !json {
                eprintln!("The vendor is {}.", made.vendor);
            }
            shown_once(&made.credential, &made, json)
        }
        Command::List => {
            let all: Vendors = api.get("/v1/operator/vendors").await?;
            if json {
                return print_json(&all);
            }
            for vendor in &all.vendors {
                let suspended = if vendor.suspended { ", suspended" } else { "" };
                println!("{}  {}  {}{suspended}", vendor.vendor, time(vendor.created), clean(&vendor.name));
            }
            Ok(())
        }
        Command::Suspend { vendor } => {
            api.bytes(api.request(Method::POST, &path(vendor, "suspend"))).await?;
            println!("Nothing goes out from what it hosts.");
            Ok(())
        }
        Command::Reinstate { vendor } => {
            api.bytes(api.request(Method::POST, &path(vendor, "reinstate"))).await?;
            println!("It hosts again.");
            Ok(())
        }
        Command::Rotate { vendor } => {
            let request = api.request(Method::POST, &path(vendor, "credential"));
            let made: CredentialMade = api.answer(request).await?;
            shown_once(&made.credential, &made, json)
        }
    }
}
