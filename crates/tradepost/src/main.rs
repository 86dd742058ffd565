//! The command line: `tradepost relay`, `tradepost chat`, `tradepost bench`. It alone owns configuration, logs,
//! signals, the system's clock and its randomness.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod chat;
mod relay;
mod system;

use std::process::ExitCode;

use clap::Parser;

/// End-to-end encrypted business messaging that a company can host itself
#[derive(Debug, Parser)]
#[command(name = "tradepost", version, arg_required_else_help = true, max_term_width = 110)]
#[command(after_help = "Try it: `tradepost relay` in one terminal, and it says what to type in two others.")]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Relay(Box<relay::Flags>),
    Chat(Box<chat::Flags>),
    /// Measure
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, clap::Subcommand)]
enum Bench {}

#[tokio::main]
async fn main() -> ExitCode {
    match Line::parse().command {
        Command::Relay(flags) => told(relay::run(*flags).await),
        Command::Chat(flags) => chat::run(*flags).await,
        Command::Bench(bench) => match bench {},
    }
}

fn told(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
