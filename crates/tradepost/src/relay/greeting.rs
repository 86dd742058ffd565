//! What a person at a terminal is told when the relay listens.

use std::{io::IsTerminal as _, path::PathBuf};

use relay::{
    Config,
    config::{Sender, Tls},
};

pub(crate) fn show(config: &Config, url: &str, fingerprint: Option<&str>) {
    if !std::io::stdout().is_terminal() {
        return;
    }
    println!("The relay listens at {url}.");
    if let Some(fingerprint) = fingerprint {
        println!("SHA-256 of its certificate: {fingerprint}");
    }
    match config.registration.sender {
        Sender::Console => {
            let chat = |name| format!("{} chat{} --as {name}", program(), flags(config, url));
            let (anna, bank) = (chat("anna"), chat("bank"));
            println!(
                "Registration codes are printed here; on this machine `chat register` reads them by itself.\n\n\
                 Try it: one of these lines in each of two other terminals; then type.\n\n\
                 {anna} register +4915112345678 --name Anna && {anna} with +493012345678 --wait\n\n\
                 {bank} register +493012345678 --name Bank && {bank} with +4915112345678 --wait\n"
            );
        }
        Sender::Http(_) => println!("Registration codes go to the SMS gateway."),
    }
    println!(
        "For its operator: {url}/health, {url}/metrics, {url}/v1/openapi.json\n\
         Businesses: {} admin --data {} --relay {url} businesses list\nCtrl-C stops it.\n",
        program(),
        config.data.display()
    );
}

/// As it was called.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "tradepost".to_owned())
}

/// What `chat` must be told besides its defaults.
fn flags(config: &Config, url: &str) -> String {
    let mut flags = String::new();
    if let Some(data) = std::env::var_os("TRADEPOST_DATA") {
        flags = format!(" --data {}", PathBuf::from(data).display());
    }
    if url != crate::chat::DEFAULT_RELAY {
        flags = format!("{flags} --relay {url}");
    }
    if let Some(Tls::SelfSigned(_)) = &config.listen.tls {
        let certificate = config.data.join("tls").join("certificate.pem");
        flags = format!("{flags} --relay-certificate {}", certificate.display());
    }
    flags
}
