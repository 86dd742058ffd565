//! `tradepost demo`: the sample customer of a `tradepost up` that runs.

pub(crate) mod line;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use serde_json::{Value, json};

use self::line::{Choice, Request, Socket};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of the longest answer.
const ANSWER: u64 = 64 << 20;

/// Be the sample customer of `tradepost up`: write, read, press buttons
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost demo say --data build/try/up 'Is my card blocked?'
  tradepost demo read --data build/try/up
  tradepost demo answer --data build/try/up                 shows what the latest message offers
  tradepost demo answer --data build/try/up 2               the second of what the latest message offers
  tradepost demo answer --data build/try/up --button yes    by its id, for scripts
  tradepost demo answer --data build/try/up --row t9 --message 12

Exit codes: 0 done, 1 failed, 2 wrong call, 7 who can read the chat changed (read shows it); others as of tradepost chat.")]
pub(crate) struct Flags {
    /// The folder of the tradepost up that runs
    #[arg(long, value_name = "FOLDER", default_value = "data", global = true)]
    data: PathBuf,
    /// For scripts: JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write to the sample business
    #[command(after_help = "\
Example:
  tradepost demo say --data build/try/up 'Is my card blocked?'")]
    Say {
        /// The words
        text: String,
    },
    /// Show the chat, and who can read it
    #[command(after_help = "\
Example:
  tradepost demo read --data build/try/up --limit 5")]
    Read {
        /// So many of the latest messages
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// The business is not told that they were read
        #[arg(long)]
        no_read: bool,
    },
    /// Press a button, or choose a row of a list; without a choice, show what there is to choose
    #[command(group(clap::ArgGroup::new("choice")))]
    #[command(after_help = "\
Examples:
  tradepost demo answer --data build/try/up                 shows what the latest message offers
  tradepost demo answer --data build/try/up 2
  tradepost demo answer --data build/try/up --button yes")]
    Answer {
        /// Which, by the number before it
        #[arg(group = "choice")]
        number: Option<usize>,
        /// The id of a button
        #[arg(long, value_name = "ID", group = "choice")]
        button: Option<String>,
        /// The id of a row
        #[arg(long, value_name = "ID", group = "choice")]
        row: Option<String>,
        /// In which message: its number in `read` [default: the latest that offers something]
        #[arg(long, value_name = "NUMBER")]
        message: Option<u64>,
    },
}

/// What is said to a person or script when it did not work.
struct Failed(u8, Value);

pub(crate) fn run(flags: &Flags) -> ExitCode {
    let request = match &flags.command {
        Command::Say { text } => Request::Say { text: text.clone() },
        Command::Read { limit, no_read } => {
            Request::Read { limit: usize::from(*limit), leave_unread: *no_read }
        }
        Command::Answer { number, button, row, message } => {
            let id = || button.clone().or_else(|| row.clone()).map(Choice::Id);
            let choice = number.map(Choice::Number).or_else(id);
            Request::Answer { choice, message: *message }
        }
    };
    match ask(flags, &request) {
        Ok(value) => {
            let text = if flags.json { value.to_string() } else { words(&request, &value) };
            // Whoever read has enough: `| head`.
            let _gone = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(Failed(exit, error)) => {
            if flags.json {
                eprintln!("{}", json!({ "error": error }));
            } else {
                eprintln!("error: {}", text(&error, "message"));
                for line in text(&error, "hint").lines() {
                    eprintln!("  {line}");
                }
            }
            ExitCode::from(exit)
        }
    }
}

fn ask(flags: &Flags, request: &Request) -> Result<Value, Failed> {
    let data = flags.data.display();
    let failed = |code: &str, message: String| Failed(1, json!({ "code": code, "message": message }));
    let not_up = |error: std::io::Error| {
        let mut not_up = failed("not_up", format!("no tradepost up runs on {data}: {error}"));
        if let Some(said) = not_up.1.as_object_mut() {
            said.insert("hint".to_owned(), format!("Start it: tradepost up --data {data}").into());
        }
        not_up
    };
    let broke = |error: std::io::Error| failed("broke_off", format!("tradepost up gave no answer: {error}"));
    let socket = Socket::in_folder(&flags.data).map_err(not_up)?;
    let mut stream = UnixStream::connect(&socket.path).map_err(not_up)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(broke)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(broke)?;
    let line = serde_json::to_string(request).map_err(|error| failed("failed", error.to_string()))?;
    if line.len() as u64 >= line::LINE {
        return Err(Failed(2, json!({ "code": "usage", "message": "that is too long" })));
    }
    stream.write_all(format!("{line}\n").as_bytes()).map_err(broke)?;
    let mut answer = Vec::new();
    BufReader::new(stream).take(ANSWER).read_until(b'\n', &mut answer).map_err(broke)?;
    let mut answer: Value = serde_json::from_slice(&answer)
        .map_err(|_| failed("broke_off", "tradepost up gave no answer: did it just end?".to_owned()))?;
    if let Some(error) = answer.get("error") {
        let exit = error.get("exit").and_then(Value::as_u64).and_then(|exit| u8::try_from(exit).ok());
        return Err(Failed(exit.unwrap_or(1), error.clone()));
    }
    Ok(answer.get_mut("ok").map(Value::take).unwrap_or_default())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// An answer, for people. What others wrote was made harmless where it was rendered.
fn words(request: &Request, value: &Value) -> String {
    match request {
        Request::Read { .. } => {
            let label = match value.get("label_line").and_then(Value::as_str) {
                Some(label) => format!("{}: {label}\n{}", text(value, "business"), who_reads(value)),
                None => format!("{}: who can read this chat is not known yet", text(value, "business")),
            };
            let lines = value.get("lines").and_then(Value::as_array).into_iter().flatten();
            let lines: Vec<&str> = lines.filter_map(Value::as_str).collect();
            format!(
                "{label}\n\n{}",
                if lines.is_empty() { "Nothing was written yet.".to_owned() } else { lines.join("\n") }
            )
        }
        Request::Answer { choice: None, .. } => text(value, "list").to_owned(),
        _ => {
            let state = value.get("state").map(|state| text(state, "state")).unwrap_or_default();
            match state {
                "queued" => "It waits to be sent.".to_owned(),
                "failed" | "expired" => "It will not be sent.".to_owned(),
                _ => "Sent.".to_owned(),
            }
        }
    }
}

/// What the label means.
fn who_reads(value: &Value) -> String {
    let label = value.pointer("/label_details/label");
    let of = |name| label.map(|label| crate::relay_api::clean(text(label, name))).unwrap_or_default();
    match &*of("hosting") {
        "self" => format!(
            "Only you and {} can read it: it runs the machine itself that opens the messages.",
            of("legal_name")
        ),
        "vendor" | "operator" => {
            format!(
                "{} runs the machine that opens the messages for {}, and can read it.",
                of("host_name"),
                of("legal_name")
            )
        }
        _ => "Who can read it is not known to this version.".to_owned(),
    }
}
