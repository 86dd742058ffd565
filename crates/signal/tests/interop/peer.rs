//! The official library behind a pipe: `interop/official/peer.mjs`, whose head lists its operations.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// A running process that holds any number of parties. It ends when this is dropped.
pub(crate) struct Peer {
    process: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

/// What the official library said instead of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) name: String,
    pub(crate) message: String,
}

impl Peer {
    pub(crate) fn start() -> Self {
        // Another version of the package stands in another folder: scripts/official-package.sh makes it.
        let folder = env::var_os("TRADEPOST_OFFICIAL").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../interop/official"),
            PathBuf::from,
        );
        assert!(
            folder.join("node_modules").exists(),
            "the official library is not installed: run scripts/official-package.sh"
        );
        let mut process = Command::new("node")
            .arg(folder.join("peer.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let requests = process.stdin.take();
        let replies = BufReader::new(process.stdout.take().expect("the pipe was asked for"));
        Self { process, requests, replies }
    }

    /// One operation, which must succeed.
    pub(crate) fn call(&mut self, op: &str, arguments: Value) -> Value {
        self.try_call(op, arguments).unwrap_or_else(|refusal| panic!("{op}: {refusal:?}"))
    }

    pub(crate) fn try_call(&mut self, op: &str, mut arguments: Value) -> Result<Value, Refusal> {
        arguments["op"] = json!(op);
        let requests = self.requests.as_mut().expect("the pipe is open until this is dropped");
        writeln!(requests, "{arguments}").expect("the peer reads");
        let mut line = String::new();
        self.replies.read_line(&mut line).expect("the peer answers");
        let mut reply: Value = serde_json::from_str(&line).expect("the peer answers in JSON");
        match reply.get("error") {
            None => Ok(reply["ok"].take()),
            Some(error) => Err(Refusal {
                name: error["name"].as_str().unwrap_or_default().to_owned(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        self.requests = None;
        let _ = self.process.wait();
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> Value {
    json!(STANDARD.encode(bytes))
}

/// The bytes of a field of a reply.
pub(crate) fn decode(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().expect("a field of bytes")).expect("base64")
}

pub(crate) fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).expect("a number")
}
