//! `tradepost relay`.

mod greeting;
pub(crate) mod settings;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use relay::Relay;

use crate::{
    listening::{Listening, why},
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
    #[command(flatten)]
    listening: Listening,
    /// TLS with a certificate that the relay makes for these names: for trying
    #[arg(
        long,
        value_name = "NAME,…",
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = "localhost,127.0.0.1,::1",
        conflicts_with = "tls_certificate"
    )]
    tls_self_signed: Option<Vec<String>>,
    /// sqlite:FILE or postgres://… [default: relay.db in the data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Send registration codes to this gateway, instead of printing them
    #[arg(long, value_name = "URL")]
    sms_gateway: Option<String>,
    /// Only check the settings, and that the certificate can be read
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    logs: logs::Logs,
}

/// Runs until a signal.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    let mut config = settings::merged(&flags, std::env::vars())?;
    config.pages = crate::pages::RELAY;
    if flags.check {
        Relay::check(&config).context("the settings")?;
        println!("The settings make sense, and the files that they name can be read.");
        return Ok(());
    }
    logs::begin(&flags.logs)?;
    let stopping = Stopping::new()?;
    let relay = Relay::start(config.clone(), Arc::new(Clock), Arc::new(Entropy));
    let relay = relay.await.map_err(|error| why("relay", error, "127.0.0.1:8444"))?;
    let url = serve::url(config.listen.tls.is_some(), relay.address);
    flags.listening.tell(&url)?;
    greeting::show(&config, &url, relay.fingerprint.as_deref());
    stopping.then(relay.shutdown()).await
}
