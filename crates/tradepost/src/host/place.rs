//! Where a host keeps what it has, for commands that work on it.

use std::{path::PathBuf, sync::Arc};

use ::host::{Config, businesses::Business, offline::Offline};
use anyhow::Context as _;

use super::{settings, which::Which};
use crate::system::{Clock, Entropy};

#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The host's settings, in TOML
    #[arg(long, value_name = "FILE", env = "TRADEPOST_HOST_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// The host's folder for the database, files and the master key [default: data]
    #[arg(long, value_name = "FOLDER")]
    pub(super) data: Option<PathBuf>,
    /// The host's database: sqlite:FILE or postgres://… [default: host.db in the data folder]
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,
    /// The relay that the host's numbers are registered at [default: http://127.0.0.1:8443]
    #[arg(long, value_name = "URL")]
    pub(super) relay: Option<String>,
}

impl Place {
    fn config(&self) -> anyhow::Result<Config> {
        settings::of_place(self, std::env::vars())
    }

    /// Opens it, beside a host that may be running on it.
    pub(super) async fn open(&self) -> anyhow::Result<Offline> {
        let opened = Offline::open(self.config()?, Arc::new(Clock), Arc::new(Entropy)).await;
        opened.context("what the host keeps cannot be opened")
    }
}

/// The business with this id, or with this account.
pub(super) async fn business(offline: &Offline, id: Which) -> anyhow::Result<Arc<Business>> {
    let found = match id {
        Which::Account(waba) => offline.businesses.of_waba(waba).await,
        Which::Business(id) => offline.businesses.get(id).await,
    };
    found.with_context(|| format!("--business {id}"))
}
