//! The log of what was read, held against itself: nothing but the downloaded file is needed.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use ::host::purposes::{
    Head,
    log::{Broken, Checking},
};
use serde_json::json;

/// Bytes of the longest line: an entry names at most a batch of messages.
const LINE: u64 = 4 << 20;

/// How checking ends; clap ends with 2 as well.
const NOT_WHOLE: u8 = 1;
const NOT_CHECKED: u8 = 2;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Verify(Verify),
}

/// Prove that a downloaded log is complete: that no entry was removed, changed or moved
///
/// Keep what it prints: with --head, the next log is also proven to contain this one, so that its end was not cut off.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host audit verify log.jsonl --json > head.json
  tradepost host audit verify newer.jsonl --head head.json

Exit codes: 0 the log is whole, 1 it is not, 2 it could not be checked (a file that cannot be read, a wrong call).")]
pub(super) struct Verify {
    /// The log: one entry of JSON in each line; - for standard input
    file: PathBuf,
    /// What an earlier run with --json printed
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Why there is no head.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("{0}")]
    Unchecked(String),
}

pub(super) fn run(command: &Command) -> ExitCode {
    let Command::Verify(flags) = command;
    match checked(flags) {
        Ok(head) => {
            if flags.json {
                println!("{}", json!({ "whole": true, "seq": head.seq, "hash": head.hash }));
            } else {
                println!("The log is whole: {} entries, the last {}.", head.seq, head.hash);
            }
            ExitCode::SUCCESS
        }
        Err(problem) => {
            let (code, whole) = match &problem {
                Problem::Broken(_) => (NOT_WHOLE, Some(false)),
                Problem::Unchecked(_) => (NOT_CHECKED, None),
            };
            if flags.json {
                println!("{}", json!({ "whole": whole, "reason": problem.to_string() }));
            } else {
                eprintln!("error: {problem}");
            }
            ExitCode::from(code)
        }
    }
}

fn checked(flags: &Verify) -> Result<Head, Problem> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        Problem::Unchecked(format!("{}: {error}", path.display()))
    };
    let head = match &flags.head {
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
            Some(serde_json::from_slice(&bytes).map_err(|error| unreadable(path, &error))?)
        }
        None => None,
    };
    let mut log: Box<dyn BufRead> = if flags.file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(&flags.file).map_err(|error| unreadable(&flags.file, &error))?;
        Box::new(BufReader::new(file))
    };
    let mut checking = Checking::against(head);
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        let read = (&mut log).take(LINE).read_until(b'\n', &mut line);
        if read.map_err(|error| unreadable(&flags.file, &error))? == 0 {
            break;
        }
        let wrong = |reason: &str| Broken::Unreadable { line: number, reason: reason.to_owned() };
        if line.len() as u64 == LINE && !line.ends_with(b"\n") {
            return Err(wrong("it is too long").into());
        }
        checking.line(std::str::from_utf8(&line).map_err(|_| wrong("it is not UTF-8"))?)?;
    }
    Ok(checking.end()?)
}
