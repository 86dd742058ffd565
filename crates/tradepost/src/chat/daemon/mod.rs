//! `daemon`: JSON-RPC 2.0 over standard input and output, one value in each line, so that other programs can build on
//! an account. What happens is told in notifications `event`.

mod methods;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    signal::unix::{SignalKind, signal},
    sync::{Mutex, mpsc},
    task::JoinSet,
};

use super::{
    opened::Opened,
    problem::{Answer, Problem},
    render,
};

/// Bytes of the longest line that is read.
const LINE: usize = 4 << 20;
/// Requests that are worked on at the same time: the next ones wait in the pipe.
const AT_ONCE: usize = 64;
/// Lines that wait to be written; then nothing more is read from the relay.
const WRITTEN: usize = 64;
/// How long what is under way may take when the input has ended.
const ENDING: Duration = Duration::from_secs(30);

/// Serve this account to another program: JSON-RPC 2.0 on standard input and output
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  printf '%s\\n' '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":{\"to\":\"+493012345678\",\"text\":\"Hello\"}}' \\
    | tradepost chat daemon

One value in each line, both ways. What happens comes as {\"method\":\"event\",\"params\":{\"event\":\"message\",…}}. The
method `methods` lists all; docs/using-chat.md says more. It ends when standard input does.")]
pub(crate) struct Flags {}

type Lines = mpsc::Sender<String>;

/// An error as JSON-RPC has them.
#[derive(Debug)]
struct Fault {
    code: i64,
    message: String,
    data: Value,
}

impl Fault {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }

    fn params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }
}

impl From<Problem> for Fault {
    /// -32000 less the exit code that the command line would end with.
    fn from(problem: Problem) -> Self {
        let data = serde_json::to_value(&problem).unwrap_or_default();
        Self { code: -32000 - i64::from(problem.exit as u8), message: problem.message, data }
    }
}

impl From<client::Error> for Fault {
    fn from(error: client::Error) -> Self {
        Problem::from(error).into()
    }
}

pub(crate) async fn run(opened: Opened, _: Flags) -> Answer {
    let opened = Arc::new(opened);
    let mut online = opened.online();
    let (lines, written) = mpsc::channel(WRITTEN);
    let mut writer = tokio::spawn(write(written));
    let requests = serve(opened.clone(), lines.clone());
    tokio::pin!(requests);
    let stop = |kind| signal(kind).map_err(|error| Problem::failed(format!("signals: {error}")));
    let (mut interrupt, mut terminate) = (stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?);
    let ended = loop {
        tokio::select! {
            event = online.next() => {
                let event = match event {
                    Ok(event) => serde_json::to_value(event).unwrap_or_default(),
                    Err(problem) => break Err(problem),
                };
                say(&lines, json!({"jsonrpc": "2.0", "method": "event", "params": event})).await;
            }
            served = &mut requests => break served,
            _ = interrupt.recv() => break Ok(()),
            _ = terminate.recv() => break Ok(()),
            // Nobody listens any more.
            _ = &mut writer => return online.leave().await,
        }
    };
    let left = online.leave().await;
    drop(lines);
    let _whoever_reads_is_gone = tokio::time::timeout(ENDING, writer).await;
    ended.and(left)
}

/// Writes lines until all who write have gone, or the reader has.
async fn write(mut lines: mpsc::Receiver<String>) {
    let mut out = tokio::io::stdout();
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        let written = async {
            out.write_all(line.as_bytes()).await?;
            out.flush().await
        };
        if written.await.is_err() {
            return;
        }
    }
}

async fn say(lines: &Lines, mut value: Value) {
    render::hide_keys(&mut value);
    let _whoever_reads_is_gone = lines.send(value.to_string()).await;
}

/// Reads requests to the end of the input, and lets those under way finish.
async fn serve(opened: Arc<Opened>, lines: Lines) -> Answer {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut tasks = JoinSet::new();
    // What changes something is done in the order in which it was asked for.
    let order = Arc::new(Mutex::new(()));
    loop {
        let line = match read_line(&mut input).await {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => return Err(Problem::failed(format!("standard input: {error}"))),
        };
        while tasks.len() >= AT_ONCE {
            tasks.join_next().await;
        }
        let (opened, lines, turn) = (opened.clone(), lines.clone(), order.clone().lock_owned().await);
        tasks.spawn(async move {
            if let Some(answer) = answer(&opened, &line, turn).await {
                say(&lines, answer).await;
            }
        });
    }
    let finished = async { while tasks.join_next().await.is_some() {} };
    let _cut_off = tokio::time::timeout(ENDING, finished).await;
    Ok(())
}

/// A line; `Err` if it is too long to be one.
async fn read_line(input: &mut BufReader<tokio::io::Stdin>) -> std::io::Result<Option<Vec<u8>>> {
    use tokio::io::AsyncReadExt as _;
    let mut line = Vec::new();
    let read = input.take(LINE as u64).read_until(b'\n', &mut line).await?;
    match read {
        0 => Ok(None),
        _ if line.last() != Some(&b'\n') && line.len() == LINE => {
            Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "a line is too long"))
        }
        _ => Ok(Some(line)),
    }
}

type Turn = tokio::sync::OwnedMutexGuard<()>;

/// The answer to a line: to one request or to several; none to what wants none.
async fn answer(opened: &Opened, line: &[u8], turn: Turn) -> Option<Value> {
    if line.trim_ascii().is_empty() {
        return None;
    }
    let Ok(value) = serde_json::from_slice::<Value>(line) else {
        return Some(fault(&Value::Null, Fault::new(-32700, "this line is not JSON")));
    };
    let mut turn = Some(turn);
    match value {
        Value::Array(requests) if !requests.is_empty() => {
            let mut answers = Vec::new();
            for request in &requests {
                answers.extend(one(opened, request, &mut turn).await);
            }
            (!answers.is_empty()).then_some(Value::Array(answers))
        }
        request => one(opened, &request, &mut turn).await,
    }
}

async fn one(opened: &Opened, request: &Value, turn: &mut Option<Turn>) -> Option<Value> {
    let id = request.get("id");
    let method = request.get("method").and_then(Value::as_str);
    let valid = request.get("jsonrpc").and_then(Value::as_str) == Some("2.0");
    let Some(method) = method.filter(|_| valid) else {
        return Some(fault(id.unwrap_or(&Value::Null), Fault::new(-32600, "not a request of JSON-RPC 2.0")));
    };
    let params = request.get("params").cloned().unwrap_or_else(|| json!({}));
    if methods::takes_long(method) {
        turn.take();
    }
    let done = methods::call(opened, method, params).await;
    let id = id?;
    Some(match done {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => fault(id, error),
    })
}

fn fault(id: &Value, fault: Fault) -> Value {
    let mut error = json!({"code": fault.code, "message": fault.message});
    if let (false, Some(error)) = (fault.data.is_null(), error.as_object_mut()) {
        error.insert("data".to_owned(), fault.data);
    }
    json!({"jsonrpc": "2.0", "id": id, "error": error})
}
