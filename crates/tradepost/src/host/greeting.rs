//! What a person at a terminal is told when the host listens.

use std::{io::IsTerminal as _, net::SocketAddr};

use ::host::Config;

/// Where clients on this machine find it.
pub(crate) fn url(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.listen.tls.is_some() { "https" } else { "http" };
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("{scheme}://{address}")
}

pub(super) fn show(config: &Config, url: &str) {
    if !std::io::stdout().is_terminal() {
        return;
    }
    println!(
        "The host listens at {url}, for numbers at the relay {}.\nIts API: {url}/openapi.json\nBring a business in: \
         tradepost host business add --host {url} --data {}\nCtrl-C stops it.\n",
        config.relay,
        config.data.display()
    );
}
