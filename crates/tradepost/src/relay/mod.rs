//! `tradepost relay`.

mod greeting;
pub(crate) mod settings;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use relay::{Relay, StartError};

use crate::{
    logs,
    signals::Stopping,
    system::{Clock, Entropy},
};

/// Run a relay: it carries envelopes that only devices can open
///
/// Every setting can stand in a TOML file (--config), in the environment (TRADEPOST_RELAY__SECTION__KEY, for secrets
/// TRADEPOST_RELAY__SECTION__KEY_FILE with the name of a file), or is a flag; flags win over the environment, the
/// environment over the file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost relay                                      to try it, on this machine only
  tradepost relay --listen 0.0.0.0:443 --tls-certificate chain.pem --tls-key key.pem
  tradepost relay --listen 0.0.0.0:8443 --tls-self-signed=relay.local
  TRADEPOST_RELAY__OPERATOR__TOKEN_FILE=/run/secrets/token tradepost relay --config relay.toml
  tradepost relay --config relay.toml --check          only say whether the settings make sense

docs/running-a-relay.md has an example file and says more.")]
pub(crate) struct Flags {
    /// Settings, in TOML
    #[arg(long, value_name = "FILE", env = "TRADEPOST_RELAY_CONFIG")]
    config: Option<PathBuf>,
    /// Folder for the database, blobs and a self-signed certificate [default: data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Address and port; port 0 takes a free one [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// TLS with this certificate (PEM, with those that lead to a known authority)
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls_self_signed")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// TLS with a certificate that the relay makes for these names: for trying
    #[arg(
        long,
        value_name = "NAME,…",
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = "localhost,127.0.0.1,::1"
    )]
    tls_self_signed: Option<Vec<String>>,
    /// Plain HTTP also beyond this machine: behind a proxy that speaks TLS
    #[arg(long)]
    plain_beyond_loopback: bool,
    /// sqlite:FILE or postgres://… [default: relay.db in the data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Send registration codes to this gateway, instead of printing them
    #[arg(long, value_name = "URL")]
    sms_gateway: Option<String>,
    /// Write the relay's URL into this file once it listens
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
    /// Only check the settings
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    logs: logs::Logs,
}

/// Runs until a signal.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    let config = settings::merged(&flags, std::env::vars())?;
    if flags.check {
        println!("The settings make sense.");
        return Ok(());
    }
    logs::begin(&flags.logs)?;
    let mut stopping = Stopping::new()?;
    let relay = Relay::start(config.clone(), Arc::new(Clock), Arc::new(Entropy));
    let relay = relay.await.map_err(why)?;
    let url = greeting::url(&config, relay.address);
    if let Some(file) = &flags.address_file {
        // Whoever waits for the file sees all of it or nothing.
        let new = file.with_extension("new");
        let written = std::fs::write(&new, format!("{url}\n")).and_then(|()| std::fs::rename(&new, file));
        written.with_context(|| format!("{} cannot be written", file.display()))?;
    }
    greeting::show(&config, &url, relay.fingerprint.as_deref());
    let name = stopping.next().await;
    tracing::info!(signal = name, "going down; a second signal does not wait");
    tokio::select! {
        () = relay.shutdown() => Ok(()),
        _ = stopping.next() => anyhow::bail!("stopped by a second signal, before all was finished"),
    }
}

/// Why it does not start, and what to do about it.
fn why(error: StartError) -> anyhow::Error {
    let taken =
        matches!(&error, StartError::Io { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse);
    let error = anyhow::Error::from(error).context("the relay does not start");
    if taken {
        error.context("something listens there already: say another one with --listen 127.0.0.1:8444")
    } else {
        error
    }
}
