//! What an operator says of how a server listens.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

/// Where and how to listen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port; port 0 takes a free one. Default `127.0.0.1:8443`.
    pub address: SocketAddr,
    /// With which certificate. Without one, plain HTTP.
    pub tls: Option<Tls>,
    /// Plain HTTP also beyond loopback: for a server behind a proxy that speaks TLS. Default false.
    pub plain_beyond_loopback: bool,
    /// How many proxies in front add to `X-Forwarded-For`; 0 if there are none and the header means nothing.
    /// Default 0.
    pub proxies: usize,
    /// Connections from one address at most. Default 1024.
    pub connections_per_address: usize,
    /// Connections at most. Default 200000.
    pub connections: usize,
    /// Connections on which nobody has shown a credential yet, at most: over it the oldest of them is closed.
    /// Default 4096.
    pub strangers: usize,
    /// Requests and sockets at the same time on one connection of HTTP/2; 0 if only HTTP/1.1 is spoken. Default 1000.
    pub streams: u32,
    /// How long a TLS handshake may take, and how long the head of a request. Default 10000.
    pub head_timeout_ms: u64,
    /// How long the next bytes of a body may take, and how long an answer may not be taken further. Default 20000.
    pub body_idle_ms: u64,
    /// How long a whole body may take, but those of blobs. Default 60000.
    pub body_timeout_ms: u64,
    /// How long requests under way are waited for when the server goes down. Default 20000.
    pub drain_ms: u64,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8443)),
            tls: None,
            plain_beyond_loopback: false,
            proxies: 0,
            connections_per_address: 1024,
            connections: 200_000,
            strangers: 4096,
            streams: 1000,
            head_timeout_ms: 10_000,
            body_idle_ms: 20_000,
            body_timeout_ms: 60_000,
            drain_ms: 20_000,
        }
    }
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Tls {
    /// PEM files.
    Files {
        /// The certificate, and those that lead to a known authority.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// One that the server makes for these names and keeps in the data folder. Clients must be told its fingerprint.
    SelfSigned(Vec<String>),
}

/// A setting of `listen` that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Senseless {
    /// The path to it.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Listen {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn validate(&self) -> Result<(), Senseless> {
        let sure = |good: bool, field: &'static str, reason: &'static str| {
            if good { Ok(()) } else { Err(Senseless { field, reason }) }
        };
        let plain = self.tls.is_none() && !self.address.ip().is_loopback();
        sure(
            !plain || self.plain_beyond_loopback,
            "listen.tls",
            "plain HTTP beyond loopback: give a certificate, or set plain_beyond_loopback behind a proxy with TLS",
        )?;
        if let Some(Tls::SelfSigned(names)) = &self.tls {
            sure(!names.is_empty(), "listen.tls.self_signed", "at least one name")?;
        }
        sure(self.connections > 0, "listen.connections", "at least 1")?;
        sure(self.connections_per_address > 0, "listen.connections_per_address", "at least 1")?;
        sure(self.strangers > 0, "listen.strangers", "at least 1")?;
        sure(self.head_timeout_ms > 0, "listen.head_timeout_ms", "at least 1")?;
        sure(self.body_idle_ms > 0, "listen.body_idle_ms", "at least 1")
    }
}

/// Where clients on this machine find a server that listens at `address`, with TLS or without.
#[must_use]
pub fn url(tls: bool, mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("{}://{address}", if tls { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_loopback_unless_told_otherwise() {
        let mut listen = Listen { address: SocketAddr::from(([0, 0, 0, 0], 80)), ..Listen::default() };
        assert_eq!(listen.validate().unwrap_err().field, "listen.tls");
        listen.tls = Some(Tls::SelfSigned(Vec::new()));
        assert_eq!(listen.validate().unwrap_err().field, "listen.tls.self_signed");
        listen.tls = Some(Tls::SelfSigned(vec!["localhost".to_owned()]));
        listen.validate().unwrap();
        listen.tls = None;
        listen.plain_beyond_loopback = true;
        listen.validate().unwrap();
    }

    #[test]
    fn a_server_on_all_addresses_is_found_on_loopback() {
        assert_eq!(url(true, SocketAddr::from(([0, 0, 0, 0], 443))), "https://127.0.0.1:443");
        assert_eq!(url(false, SocketAddr::from(([192, 0, 2, 1], 80))), "http://192.0.2.1:80");
    }
}
