//! `tradepost host import`.

use std::{
    fmt,
    fs::File,
    io::{BufWriter, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use ::host::{
    businesses::Business,
    ids::NumberId,
    imports::{
        Report, Request, Watch,
        text::{DateOrder, Problem},
    },
    numbers::Number,
    offline::Offline,
};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use serde_json::json;
use wire::PhoneNumber;

use super::{
    counted::counted,
    place::{self, Place},
    which::Which,
};
use crate::wrong_call::{WrongCall, told};

/// Lines of a report that are shown.
const SHOWN: usize = 20;

/// Bring chats in that WhatsApp's app has exported: the .txt, or the .zip with files
///
/// They go into the chats of a number, sealed and found by words like what came since, with their old times. Nothing is sent
/// and nobody is told. It needs the business's leave to store chats; what is older than it keeps is left out. The same
/// export again, or a newer one of the same chat, adds nothing twice: after an interruption, do the same again. A host
/// may be running.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host import --data data --business 1234567890123456 --me 'Example Bank' 'WhatsApp Chat with +49 1511 2345678.zip'
  tradepost host import --config host.toml --number +493023125000 --me 'Example Bank' --customer +4915112345678 _chat.txt
  tradepost host import --number +493023125000 --me Bank --dry-run --json chat.zip      what would be done
  tradepost host import … --report lines.jsonl *.zip                                     every line not understood

Each FILE is one chat with one customer. Where neither its name nor their name in it is a number, give --customer.

Exit codes: 0 imported (lines that were not understood are reported), 1 a file was not imported, 2 a wrong call.")]
pub(super) struct Flags {
    #[command(flatten)]
    place: Place,
    /// The business, by its id or its account's [default: the one that has the number]
    #[arg(long, value_name = "ID", required_unless_present = "number")]
    business: Option<Which>,
    /// Into the chats of this number of it, by its id or itself [default: its only one]
    #[arg(long, value_name = "ID|+E164")]
    number: Option<Named>,
    /// What the business is called in the export
    #[arg(long, value_name = "NAME")]
    me: String,
    /// The customer's number
    #[arg(long, value_name = "+E164")]
    customer: Option<PhoneNumber>,
    /// What the customer is called in the export, if several seem to write
    #[arg(long, value_name = "NAME")]
    customer_name: Option<String>,
    /// Where the phone was that exported: times in an export are local [default: as this machine]
    #[arg(long, value_name = "ZONE", value_parser = time_zone)]
    time_zone: Option<TimeZone>,
    /// In which order dates are written [default: as the text shows]
    #[arg(long, value_enum, value_name = "ORDER")]
    date_order: Option<Order>,
    /// Write every line that is not understood into this file, as lines of JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Answer in JSON, one line for each file
    #[arg(long)]
    json: bool,
    /// The exports
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|error| format!("{error}; zones are called such as Europe/Berlin or UTC"))
}

/// A number of a business: its id, or itself.
#[derive(Debug, Clone)]
enum Named {
    Id(NumberId),
    Number(PhoneNumber),
}

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = || text.parse().map(Self::Number);
        let id = text.parse().map(Self::Id);
        id.or_else(|_| number()).map_err(|_| "neither the id of a number nor a number, such as +493023125000")
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Order {
    Dmy,
    Mdy,
    Ymd,
}

impl From<Order> for DateOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Dmy => Self::Dmy,
            Order::Mdy => Self::Mdy,
            Order::Ymd => Self::Ymd,
        }
    }
}

pub(super) async fn run(flags: &Flags) -> ExitCode {
    match import(flags).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => told(Err(error)),
    }
}

/// Whether all files were imported.
async fn import(flags: &Flags) -> anyhow::Result<bool> {
    let time_zone = flags.time_zone.clone().unwrap_or_else(TimeZone::system);
    if flags.customer.is_some() && flags.files.len() > 1 {
        let one = "--customer is the number of one chat's customer: bring this chat in alone";
        return Err(WrongCall(one.to_owned()).into());
    }
    let lines = match &flags.report {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
            Some(Arc::new(Mutex::new(BufWriter::new(file))))
        }
        None => None,
    };
    let offline = flags.place.open().await?;
    let mut all = true;
    for path in &flags.files {
        let done = async {
            let number = number(&offline, flags).await?;
            let request = Request {
                path: path.clone(),
                number,
                me: flags.me.clone(),
                customer: flags.customer.clone(),
                customer_name: flags.customer_name.clone(),
                time_zone: time_zone.clone(),
                date_order: flags.date_order.map(Into::into),
                dry_run: flags.dry_run,
            };
            let watching = Arc::new(Watching::new(flags, path, lines.clone()));
            let report = offline.imports.run(request, watching.clone()).await;
            watching.bar.finish_and_clear();
            Ok::<_, anyhow::Error>(report?)
        };
        let done: anyhow::Result<Report> = done.await;
        all &= done.is_ok();
        show(flags, path, done);
    }
    offline.close().await;
    if let Some(lines) = lines {
        lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush()
            .context("the report cannot be written")?;
    }
    Ok(all)
}

async fn number(offline: &Offline, flags: &Flags) -> anyhow::Result<Arc<Number>> {
    let business: Arc<Business> = match (&flags.business, &flags.number) {
        (Some(id), _) => place::business(offline, *id).await?,
        (None, Some(named)) => {
            let number = match named {
                Named::Id(id) => offline.numbers.get(*id).await.map(|number| (*number).clone()),
                Named::Number(number) => offline.numbers.by_display(number).await,
            };
            let number = number.with_context(|| format!("--number {named}"))?;
            offline.businesses.get(number.business).await?
        }
        (None, None) => anyhow::bail!("give --business or --number"),
    };
    let named = flags.number.as_ref().map(Named::to_string);
    offline
        .number(&business, named.as_deref())
        .await
        .with_context(|| format!("--number {}", named.as_deref().unwrap_or("is needed")))
}

/// A bar on a terminal; the lines of the report.
struct Watching {
    bar: ProgressBar,
    lines: Option<Arc<Mutex<BufWriter<File>>>>,
    file: String,
}

impl Watching {
    fn new(flags: &Flags, path: &Path, lines: Option<Arc<Mutex<BufWriter<File>>>>) -> Self {
        // Where standard error is no terminal, nothing is drawn.
        let drawn = !flags.json && std::io::stderr().is_terminal();
        let target = if drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}");
        let bar = ProgressBar::with_draw_target(Some(100), target);
        let bar = match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        let file = path.display().to_string();
        bar.set_message(file.clone());
        Self { bar, lines, file }
    }
}

impl Watch for Watching {
    fn at(&self, surveyed: bool, done: u64, total: u64) {
        // Reading it for the first time is a tenth of the work.
        let share = |of: u64| done.min(total).saturating_mul(of).checked_div(total).unwrap_or(of);
        self.bar.set_position(if surveyed { share(10) } else { 10 + share(90) });
    }

    fn problem(&self, problem: &Problem) {
        if let Some(lines) = &self.lines {
            let line = json!({ "file": self.file, "line": problem.line, "reason": problem.reason, "lost": problem.lost });
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            // Flushing tells if it cannot be written.
            let _ = writeln!(lines, "{line}");
        }
    }
}

fn show(flags: &Flags, path: &Path, done: anyhow::Result<Report>) {
    let file = path.display().to_string();
    match done {
        Ok(report) if flags.json => {
            println!("{}", json!({ "file": file, "dry_run": flags.dry_run, "report": report }));
        }
        Ok(report) => show_report(flags, &file, &report),
        Err(error) if flags.json => println!("{}", json!({ "file": file, "error": format!("{error:#}") })),
        Err(error) => eprintln!("error: {file}: {error:#}"),
    }
}

fn show_report(flags: &Flags, file: &str, report: &Report) {
    let verb = if flags.dry_run { "would be imported" } else { "imported" };
    let were = if report.already_there == 1 { "was" } else { "were" };
    println!(
        "{file}: {} {verb}, {} {were} there already.",
        counted(report.imported, "message"),
        report.already_there
    );
    if let Some(number) = &report.filed_under {
        let other = report.export_says.as_ref();
        let other =
            other.map(|other| format!("; the export says {other}, --customer was taken")).unwrap_or_default();
        println!("  In the chat with {number}{other}");
    }
    for (count, one, rest) in [
        (report.too_old, "message", " older than the business keeps any: left out"),
        (report.of_the_app, "line", " of the app itself: left out"),
        (report.files, "file", ""),
        (report.files_left_out, "message", " whose file the export has left out"),
        (report.deleted, "message", " taken back"),
        (report.edited, "message", " changed after being sent"),
        (report.polls, "poll", ", as words"),
        (report.problems, "line", " not understood, or not whole"),
    ] {
        if count > 0 {
            println!("  {}{rest}", counted(count, one));
        }
    }
    if let (false, Some(order)) = (report.date_order_certain, report.date_order) {
        println!(
            "  Dates were read as {order}, which the text does not show: if that is wrong, give --date-order."
        );
    }
    for problem in report.problem_lines.iter().take(SHOWN) {
        println!("  line {}: {}", problem.line, problem.reason);
    }
    if report.problems > SHOWN as u64 {
        println!("  … all of them with --report FILE");
    }
}
