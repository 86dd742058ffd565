//! The command line: `tradepost relay`, `tradepost chat`, `tradepost business`, `tradepost admin`, `tradepost bench`. It alone owns configuration, logs,
//! signals, the system's clock and its randomness.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod admin;
mod business;
mod chat;
mod relay;
mod relay_api;
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
    Business(Box<business::Flags>),
    Admin(Box<admin::Flags>),
    /// Measure
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, clap::Subcommand)]
enum Bench {
    Relay(Box<bench::relay::Options>),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Line::parse().command {
        Command::Relay(flags) => told(relay::run(*flags).await),
        Command::Chat(flags) => chat::run(*flags).await,
        Command::Business(flags) => told(business::run(*flags).await),
        Command::Admin(flags) => told(admin::run(*flags).await),
        Command::Bench(Bench::Relay(options)) => told(measure(*options).await),
    }
}

async fn measure(options: bench::relay::Options) -> anyhow::Result<()> {
    let json = options.json;
    let report = bench::relay::run(options).await?;
    print!("{}", if json { report.json_lines() } else { report.table() });
    anyhow::ensure!(report.is_clean(), "a count that must be 0 is not");
    Ok(())
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_makes_sense() {
        super::Line::command().debug_assert();
    }
}
