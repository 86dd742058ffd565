//! A relay as a process, and people as processes at it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// How often one looks whether the relay is there, and how long one waits between.
const LOOKS: u32 = 3000;
const PAUSE: Duration = Duration::from_millis(20);
/// How long a program that goes on may say nothing.
const SILENCE: Duration = Duration::from_secs(60);

pub(crate) fn tradepost() -> Command {
    plain(Command::new(env!("CARGO_BIN_EXE_tradepost")))
}

/// Without what is set for somebody who works here.
pub(crate) fn plain(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRADEPOST_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// A relay that ends with the test.
pub(crate) struct Relay {
    child: Child,
    folder: TempDir,
    pub(crate) url: String,
}

impl Relay {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(flags: &[&str]) -> Self {
        Self::under("exec \"$@\"", flags)
    }

    /// Started by a line of a shell, which it may give limits.
    pub(crate) fn under(line: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join("address");
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = plain(Command::new("sh"));
        command.args(["-c", line, "sh", env!("CARGO_BIN_EXE_tradepost")]);
        command.args(["relay", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("relay"));
        // Tests register a number again at once.
        command.env("TRADEPOST_RELAY__REGISTRATION__PAUSE_MS", "0");
        command.arg("--address-file").arg(&address).args(flags).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().unwrap();
        for look in 0.. {
            if address.exists() {
                break;
            }
            let ended = child.try_wait().unwrap();
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
            assert!(ended.is_none() && look < LOOKS, "the relay does not start: {log}");
            std::thread::sleep(PAUSE);
        }
        let url = std::fs::read_to_string(&address).unwrap().trim().to_owned();
        Self { child, folder, url }
    }

    /// Where it keeps everything.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("relay")
    }

    /// KiB of its memory: of what `/proc` calls so.
    pub(crate) fn memory(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Stops it as a service manager does.
    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        terminate(&self.child);
        self.child.wait().unwrap()
    }

    pub(crate) fn person(&self, name: &str) -> Person {
        Person { name: name.to_owned(), relay: self.url.clone(), data: self.folder.path().join("people") }
    }

    /// A person who has registered this number.
    pub(crate) fn registered(&self, name: &str, number: &str) -> Person {
        let person = self.person(name);
        let made = person.json(&["register", number]);
        assert_eq!(made["number"], number);
        person
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have been stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn terminate(child: &Child) {
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Somebody at a relay, with a folder of their own.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) relay: String,
    pub(crate) data: PathBuf,
}

pub(crate) const ANNA: &str = "+4915112345678";
pub(crate) const BANK: &str = "+493012345678";

impl Person {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tradepost();
        command.args(["chat", "--as", &self.name, "--relay", &self.relay, "--data"]).arg(&self.data);
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command prints for people.
    pub(crate) fn words(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{} {arguments:?}: {error}", self.name);
        String::from_utf8(output.stdout).unwrap()
    }

    /// The lines that a command prints for programs.
    pub(crate) fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let words = self.words(&[arguments, &["--json"]].concat());
        words.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The one value that a command prints for programs.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut lines = self.lines(arguments);
        assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
        lines.remove(0)
    }

    /// The error of a command that must end with this code.
    pub(crate) fn fails(&self, exit: i32, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {error}");
        let last = error.lines().last().unwrap_or_default();
        serde_json::from_str::<Value>(last).expect(&error)["error"].clone()
    }

    /// The texts that have come since the last time.
    pub(crate) fn received(&self) -> Vec<String> {
        let lines = self.lines(&["receive"]);
        lines.iter().map(|line| line["message"]["body"]["text"].as_str().unwrap_or("?").to_owned()).collect()
    }

    /// A message of the history with somebody, the last one being 0.
    pub(crate) fn message(&self, with: &str, back: usize) -> Value {
        let history = self.json(&["history", with, "--no-read"]);
        history["messages"].as_array().unwrap().iter().rev().nth(back).unwrap().clone()
    }

    /// A command that goes on, spoken to line by line.
    pub(crate) fn talk(&self, arguments: &[&str]) -> Talk {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (input, lines) = (child.stdin.take(), lines(child.stdout.take().unwrap()));
        Talk { child, input, lines }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.data.join(&self.name)
    }
}

/// A command that goes on.
pub(crate) struct Talk {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// The lines of a program as they come, so that a silent one can be given up.
pub(crate) fn lines(output: ChildStdout) -> Receiver<String> {
    let (line, lines) = channel();
    let output = BufReader::new(output).lines().map_while(Result::ok);
    thread::spawn(move || {
        for said in output {
            if line.send(said).is_err() {
                break;
            }
        }
    });
    lines
}

impl Talk {
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    /// A part of a line.
    pub(crate) fn say_part(&mut self, part: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(part.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// The next line; ends the test if there is none.
    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(SILENCE).expect("a line, in time");
        line.trim_end().to_owned()
    }

    /// The next value of which this is true; others are passed over.
    pub(crate) fn value(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.line();
            let value: Value = serde_json::from_str(&line).expect(&line);
            if wanted(&value) {
                return value;
            }
        }
    }

    /// Ends its input and waits for it.
    pub(crate) fn end(mut self) -> std::process::ExitStatus {
        drop(self.input.take());
        let status = self.child.wait().unwrap();
        assert!(status.code().is_some());
        status
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It has ended already if all is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file with these bytes.
pub(crate) fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}
