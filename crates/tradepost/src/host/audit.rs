//! The log of what was read, held against itself: nothing but the downloaded file is needed.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use ::host::purposes::{
    Head,
    log::{Broken, Checking},
};
use anyhow::Context as _;

use super::at::AtHost;

/// Bytes of the longest line: an entry names at most a batch of messages.
const LINE: u64 = 4 << 20;

/// How checking ends; clap ends with 2 as well.
const NOT_WHOLE: u8 = 1;
const NOT_CHECKED: u8 = 2;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Verify(Verify),
    Download(Box<Download>),
}

/// Download a business's log into a file, and prove that it is complete
///
/// As the business, with --as and what `tradepost host business add` saved; or as who runs the host, with the business's id.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host audit download --as bank.json log.jsonl --json > head.json
  tradepost host audit download --id 1000000000000001 newer.jsonl --head head.json

Exit codes: as of verify.")]
pub(super) struct Download {
    /// Where to; what is there is replaced when all has come
    file: PathBuf,
    /// What an earlier run with --json printed
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Which business
    #[arg(long, value_name = "ID")]
    id: Option<super::which::Which>,
    #[command(flatten)]
    at: AtHost,
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

pub(super) async fn run(command: Command) -> ExitCode {
    match command {
        Command::Verify(flags) => tell(checked(&flags.file, flags.head.as_deref()), flags.json),
        Command::Download(flags) => {
            let json = flags.at.json;
            match download(&flags).await {
                Ok(()) => tell(checked(&flags.file, flags.head.as_deref()), json),
                Err(error) => tell(Err(Problem::Unchecked(format!("{error:#}"))), json),
            }
        }
    }
}

/// Into a file beside it first: what was cut off on the way is no log.
async fn download(flags: &Download) -> anyhow::Result<()> {
    let (api, business) = flags.at.of_business(flags.id)?;
    let path = format!("/host/v1/businesses/{business}/audit");
    let mut answer = api.send(api.request(reqwest::Method::GET, &path)).await?;
    let status = answer.status();
    if !status.is_success() {
        return Err(api.refused(status, &answer.bytes().await?));
    }
    let new = flags.file.with_extension("part");
    let mut file = private(&new).with_context(|| new.display().to_string())?;
    while let Some(piece) = answer.chunk().await.context("the download broke off; start it again")? {
        file.write_all(&piece).with_context(|| new.display().to_string())?;
    }
    file.sync_all().with_context(|| new.display().to_string())?;
    std::fs::rename(&new, &flags.file).with_context(|| flags.file.display().to_string())
}

/// A new file for its owner alone: a log names whom a business talks to.
fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // What a download left that broke off may be readable by others.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

fn tell(checked: Result<Head, Problem>, json: bool) -> ExitCode {
    match checked {
        Ok(head) => {
            if json {
                println!("{}", serde_json::json!({ "whole": true, "seq": head.seq, "hash": head.hash }));
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
            if json {
                println!("{}", serde_json::json!({ "whole": whole, "reason": problem.to_string() }));
            } else {
                eprintln!("error: {problem}");
            }
            ExitCode::from(code)
        }
    }
}

fn checked(path: &Path, head: Option<&Path>) -> Result<Head, Problem> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        Problem::Unchecked(format!("{}: {error}", path.display()))
    };
    let head = match head {
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
            Some(serde_json::from_slice(&bytes).map_err(|error| unreadable(path, &error))?)
        }
        None => None,
    };
    let mut log: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Box::new(BufReader::new(file))
    };
    let mut checking = Checking::against(head);
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        let read = (&mut log).take(LINE).read_until(b'\n', &mut line);
        if read.map_err(|error| unreadable(path, &error))? == 0 {
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
