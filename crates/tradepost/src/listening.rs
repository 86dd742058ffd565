//! What a relay and a host are told alike about where they listen, and whom they tell.

use std::path::PathBuf;

use anyhow::Context as _;
use toml::{Table, Value};

use crate::settings::{path, section, set};

#[derive(Debug, clap::Args)]
pub(crate) struct Listening {
    /// TLS with this certificate (PEM, with those that lead to a known authority)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Plain HTTP also beyond this machine: behind a proxy that speaks TLS
    #[arg(long)]
    plain_beyond_loopback: bool,
    /// Write the server's URL into this file once it listens
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
}

impl Listening {
    /// Sets what they say. `tls`: the server's setting for a certificate and a key in files.
    pub(crate) fn set(&self, table: &mut Table, tls: &[&str]) -> anyhow::Result<()> {
        if let (Some(certificate), Some(key)) = (&self.tls_certificate, &self.tls_key) {
            // Whatever else was said there.
            set(table, &["listen", "tls"], Value::Table(Table::new()))?;
            set(table, tls, section([("certificate", path(certificate)?), ("key", path(key)?)]))?;
        }
        if self.plain_beyond_loopback {
            set(table, &["listen", "plain_beyond_loopback"], true.into())?;
        }
        Ok(())
    }

    /// It listens there.
    pub(crate) fn tell(&self, url: &str) -> anyhow::Result<()> {
        let Some(file) = &self.address_file else { return Ok(()) };
        // Whoever waits for the file sees all of it or nothing.
        let new = file.with_extension("new");
        let written = std::fs::write(&new, format!("{url}\n")).and_then(|()| std::fs::rename(&new, file));
        written.with_context(|| format!("{} cannot be written", file.display()))
    }
}

/// Why a server does not start, and what to do about it. `free`: an address where perhaps nothing listens.
pub(crate) fn why(server: &str, error: impl Into<anyhow::Error>, free: &str) -> anyhow::Error {
    let error = error.into().context(format!("the {server} does not start"));
    let taken = error.chain().any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::AddrInUse)
    });
    if taken {
        error.context(format!("something listens there already: say another one with --listen {free}"))
    } else {
        error
    }
}
