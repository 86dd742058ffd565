//! `tradepost host`.

pub(crate) mod at;
mod audit;
mod business;
mod chats;
mod counted;
mod deliveries;
mod export;
mod greeting;
mod import;
mod instruct;
mod keys;
mod name;
mod number;
mod place;
mod send;
pub(crate) mod settings;
mod standing;
mod template;
mod which;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use ::host::Host;
use anyhow::Context as _;

use crate::{
    listening::{Listening, why},
    logs,
    signals::Stopping,
    system::{Clock, Entropy},
    wrong_call::told,
};

/// Run a host: it holds a business's keys, keeps its chats, and speaks the API that its software already speaks
///
/// Every setting can stand in a TOML file (--config), in the environment (TRADEPOST_HOST__SECTION__KEY, for secrets
/// TRADEPOST_HOST__SECTION__KEY_FILE with the name of a file), or is a flag; flags win over the environment, the
/// environment over the file.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  tradepost host                                       beside a relay on this machine
  tradepost host --relay https://relay.example --listen 0.0.0.0:443 --tls-certificate chain.pem --tls-key key.pem
  TRADEPOST_HOST__DATABASE__URL_FILE=/run/secrets/database tradepost host --config host.toml
  tradepost host --config host.toml --check            only say whether the settings make sense
  tradepost host business add --save bank.json         brings in the business of business.credential
  tradepost host send --as bank.json +4915112345678 --template hello_world
  tradepost host audit verify log.jsonl                that nothing was taken out of a log of what was read

`tradepost up` starts one with a relay and a sample business, to try it.")]
pub(crate) struct Flags {
    #[command(flatten)]
    run: RunFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunFlags {
    /// Settings, in TOML
    #[arg(long, value_name = "FILE", env = "TRADEPOST_HOST_CONFIG")]
    config: Option<PathBuf>,
    /// Folder for the database, files and the master key [default: data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Address and port; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The relay that its numbers are registered at [default: http://127.0.0.1:8443]
    #[arg(long, value_name = "URL")]
    relay: Option<String>,
    /// SHA-256 of the relay's certificate, as a relay prints it that signed its own: no other is taken then
    #[arg(long, value_name = "HEX")]
    relay_fingerprint: Option<String>,
    /// Trust this certificate of the relay too (PEM)
    #[arg(long, value_name = "FILE")]
    relay_certificate: Option<PathBuf>,
    /// How clients reach it: what absolute addresses in answers begin with [default: where it listens]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    listening: Listening,
    /// sqlite:FILE or postgres://… [default: host.db in the data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Only check the settings, and that certificates and master keys can be read (a master key's command is run)
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    logs: logs::Logs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Business(Box<business::Flags>),
    Send(Box<send::Flags>),
    Template(Box<template::Flags>),
    Name(Box<name::Flags>),
    Number(Box<number::Flags>),
    Chats(Box<chats::Flags>),
    Deliveries(Box<deliveries::Flags>),
    /// The log of what was read, and why
    #[command(subcommand)]
    #[command(after_help = "\
Examples:
  tradepost host audit download --as bank.json log.jsonl
  tradepost host audit verify log.jsonl")]
    Audit(audit::Command),
    Keys(Box<keys::Flags>),
    Import(Box<import::Flags>),
    Export(Box<export::Flags>),
}

/// Runs until a signal, or does the command.
pub(crate) async fn run(flags: Flags) -> ExitCode {
    match flags.command {
        None => told(serve(flags.run).await),
        Some(Command::Business(flags)) => told(business::run(*flags).await),
        Some(Command::Send(flags)) => told(send::run(*flags).await),
        Some(Command::Template(flags)) => told(template::run(*flags).await),
        Some(Command::Name(flags)) => told(name::run(*flags).await),
        Some(Command::Number(flags)) => told(number::run(*flags).await),
        Some(Command::Chats(flags)) => told(chats::run(*flags).await),
        Some(Command::Deliveries(flags)) => told(deliveries::run(*flags).await),
        Some(Command::Keys(flags)) => told(keys::run(*flags).await),
        Some(Command::Audit(command)) => audit::run(command).await,
        Some(Command::Import(flags)) => import::run(&flags).await,
        Some(Command::Export(flags)) => told(export::run(&flags).await),
    }
}

async fn serve(flags: RunFlags) -> anyhow::Result<()> {
    let mut config = settings::merged(&flags, std::env::vars())?;
    if flags.check {
        Host::check(&config).await.context("the settings")?;
        println!("The settings make sense, and the files and keys that they name can be read.");
        return Ok(());
    }
    logs::begin(&flags.logs)?;
    let stopping = Stopping::new()?;
    config.pages = crate::pages::HOST;
    let host = Host::start(config.clone(), Arc::new(Clock), Arc::new(Entropy));
    let host = host.await.map_err(|error| why("host", error, "127.0.0.1:8081"))?;
    let url = serve::url(config.listen.tls.is_some(), host.address);
    flags.listening.tell(&url)?;
    greeting::show(&config, &url);
    stopping.then(host.shutdown()).await
}
