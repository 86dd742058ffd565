//! The command line: `tradepost up`, `demo`, `relay`, `host`, `chat`, `business`, `admin`, `bench`. It alone owns
//! configuration, logs, signals, the system's clock and its randomness.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod admin;
mod business;
mod chat;
mod demo;
mod host;
mod listening;
mod logs;
mod pages;
mod relay;
mod relay_api;
mod settings;
mod signals;
mod system;
mod up;
mod wrong_call;

use std::process::ExitCode;

use clap::Parser;

use self::wrong_call::told;

/// End-to-end encrypted business messaging that a company can host itself
#[derive(Debug, Parser)]
#[command(name = "tradepost", version, arg_required_else_help = true, max_term_width = 110)]
#[command(
    after_help = "Try it: `tradepost up` starts everything with a sample business and customer, and says what to try."
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Up(Box<up::Flags>),
    Demo(Box<demo::Flags>),
    Relay(Box<relay::Flags>),
    Host(Box<host::Flags>),
    Chat(Box<chat::Flags>),
    Business(Box<business::Flags>),
    Admin(Box<admin::Flags>),
    /// Measure
    #[command(subcommand)]
    #[command(after_help = "\
Examples:
  tradepost bench relay --help
  tradepost bench host --help")]
    Bench(Bench),
}

#[derive(Debug, clap::Subcommand)]
enum Bench {
    Relay(Box<bench::relay::Options>),
    Host(Box<bench::host::Options>),
}

/// Relay and host allocate much that is small, on one thread, and free it on another (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whoever reads what is printed may have had enough (`| head`): that is no defect to be told of.
fn end_with_the_reader() {
    let otherwise = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>().map(String::as_str).unwrap_or_default();
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            // As a process ends that the signal for it ends: who needed all that was printed learns that it is not there.
            std::process::exit(141);
        }
        otherwise(panic);
    }));
}

#[tokio::main]
async fn main() -> ExitCode {
    end_with_the_reader();
    // Where the system does not allow it, there are fewer connections.
    let _ = serve::raise_files();
    match Line::parse().command {
        Command::Up(flags) => told(up::run(*flags).await),
        Command::Demo(flags) => demo::run(&flags),
        Command::Host(flags) => host::run(*flags).await,
        Command::Relay(flags) => told(relay::run(*flags).await),
        Command::Chat(flags) => chat::run(*flags).await,
        Command::Business(flags) => told(business::run(*flags).await),
        Command::Admin(flags) => told(admin::run(*flags).await),
        Command::Bench(Bench::Relay(options)) => {
            let json = options.json;
            told(measured(bench::relay::run(*options).await, json))
        }
        Command::Bench(Bench::Host(options)) => {
            let json = options.json;
            told(measured(bench::host::run(*options).await, json))
        }
    }
}

/// Prints what was measured.
fn measured(report: Result<bench::Report, bench::BenchError>, json: bool) -> anyhow::Result<()> {
    let report = report?;
    print!("{}", if json { report.json_lines() } else { report.table() });
    anyhow::ensure!(report.is_clean(), "a count that must be 0 is not");
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_makes_sense() {
        super::Line::command().debug_assert();
    }

    #[test]
    fn every_help_has_an_example() {
        fn without(path: &str, command: &clap::Command, found: &mut Vec<String>) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            // Flags may stand between its words.
            let calls = |line: &str| {
                let mut said = line.split([' ', '`']);
                path.split(' ').all(|word| said.any(|said| said == word))
            };
            if !help.lines().any(calls) {
                found.push(path.to_owned());
            }
            for inner in command.get_subcommands() {
                without(&format!("{path} {}", inner.get_name()), inner, found);
            }
        }
        let mut found = Vec::new();
        without("tradepost", &super::Line::command(), &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}
