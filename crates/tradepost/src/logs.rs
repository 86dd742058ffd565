//! Structured logs, on standard error.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

#[derive(Debug, clap::Args)]
pub(crate) struct Logs {
    /// How log lines look [default: pretty on a terminal, else json]
    #[arg(long, value_enum, env = "TRADEPOST_LOG_FORMAT")]
    log_format: Option<Format>,
    /// What is logged: a level, or levels by module (info,relay::queue=debug)
    #[arg(long, value_name = "FILTER", default_value = "info", env = "TRADEPOST_LOG")]
    log: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Pretty,
    Json,
}

/// Begins to log.
pub(crate) fn begin(flags: &Logs) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&flags.log).context("--log: not a level or a filter")?;
    let terminal = std::io::stderr().is_terminal();
    let format = flags.log_format.unwrap_or(if terminal { Format::Pretty } else { Format::Json });
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Pretty => subscriber.with_ansi(terminal).with_target(false).init(),
        Format::Json => subscriber.json().flatten_event(true).with_current_span(false).init(),
    }
    Ok(())
}
