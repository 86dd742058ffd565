//! What a person at a terminal is told when the relay listens.

use std::{io::IsTerminal as _, net::SocketAddr};

use relay::{
    Config,
    config::{Sender, Tls},
};

/// Where clients on this machine find it.
pub(crate) fn url(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.listen.tls.is_some() { "https" } else { "http" };
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("{scheme}://{address}")
}

pub(crate) fn show(config: &Config, url: &str, fingerprint: Option<&str>) {
    if !std::io::stdout().is_terminal() {
        return;
    }
    let mut flags = String::new();
    if url != crate::chat::DEFAULT_RELAY {
        flags = format!(" --relay {url}");
    }
    if let Some(Tls::SelfSigned(_)) = &config.listen.tls {
        let certificate = config.data.join("tls").join("certificate.pem");
        flags = format!("{flags} --relay-certificate {}", certificate.display());
    }
    println!("The relay listens at {url}.");
    if let Some(fingerprint) = fingerprint {
        println!("SHA-256 of its certificate: {fingerprint}");
    }
    match config.registration.sender {
        Sender::Console => println!(
            "Registration codes are printed here; on this machine `chat register` reads them by itself.\n\n\
             Try it, in two other terminals:\n  \
             tradepost chat --as anna{flags} register +4915112345678\n  \
             tradepost chat --as bank{flags} register +493012345678\n  \
             tradepost chat --as bank with +4915112345678\n  \
             tradepost chat --as anna with +493012345678\n"
        ),
        Sender::Http(_) => println!("Registration codes go to the SMS gateway."),
    }
    println!("For its operator: {url}/health, {url}/metrics, {url}/v1/openapi.json\nCtrl-C stops it.\n");
}
