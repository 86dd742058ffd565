//! What README.md says two people may type, typed: two shells beside what `make run` starts.

use std::{
    fs,
    io::Write as _,
    os::unix::{fs::symlink, process::CommandExt as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::Receiver,
    thread,
    time::{Duration, Instant},
};

use crate::people::{lines, plain, terminate};

/// How long a newcomer needs at most, once all is built.
const MINUTE: Duration = Duration::from_secs(60);

/// The lines for the shell under a heading, block by block.
fn blocks(heading: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = fs::read_to_string(path).unwrap();
    let (_, below) = readme.split_once(&format!("{heading}\n")).expect("the heading");
    let section = below.split("\n#").next().unwrap();
    let parts = section.split("```sh\n").skip(1);
    parts.map(|part| part.split_once("```").expect("an end").0.to_owned()).collect()
}

/// A terminal with a shell, in the folder of somebody who has cloned and built this.
struct Terminal {
    shell: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Terminal {
    fn open(folder: &Path) -> Self {
        let mut command = plain(Command::new("bash"));
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut shell = command.spawn().unwrap();
        let (input, lines) = (shell.stdin.take().unwrap(), lines(shell.stdout.take().unwrap()));
        Self { shell, input, lines }
    }

    fn types(&mut self, lines: &str) {
        self.input.write_all(lines.as_bytes()).unwrap();
    }

    /// Waits for a line with these words.
    fn shows(&self, words: &str) {
        let mut shown = Vec::new();
        loop {
            match self.lines.recv_timeout(MINUTE) {
                Ok(line) if line.contains(words) => return,
                Ok(line) => shown.push(line),
                Err(error) => panic!("{words:?} is not shown: {error}; but {shown:?}"),
            }
        }
    }

    /// Ctrl-C goes to all that run in a terminal.
    fn interrupts(&self) {
        let group = format!("-{}", self.shell.id());
        assert!(Command::new("kill").args(["-INT", "--", &group]).status().unwrap().success());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let group = format!("-{}", self.shell.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.shell.wait();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn two_people_who_type_what_the_readme_says_converse_within_a_minute() {
    let lines = blocks("### Two people");
    let [both, otto, anna, answer, read] = &lines[..] else { panic!("other blocks: {lines:?}") };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("target/debug")).unwrap();
    symlink(env!("CARGO_BIN_EXE_tradepost"), folder.path().join("target/debug/tradepost")).unwrap();

    let began = Instant::now();
    // As scripts/run.sh does, but for the port, which may be taken here.
    let mut run = plain(Command::new("target/debug/tradepost"));
    run.args(["up", "--data", "build/try/up", "--listen", "127.0.0.1:0"]).current_dir(folder.path());
    fs::create_dir_all(folder.path().join("build/try")).unwrap();
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let mut run = Up(run.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    let demo = folder.path().join("build/try/up/demo.json");
    while !demo.exists() {
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(run.0.try_wait().unwrap().is_none() && began.elapsed() < MINUTE, "{log}");
        thread::sleep(Duration::from_millis(20));
    }
    let (mut at_ottos, mut at_annas) = (Terminal::open(folder.path()), Terminal::open(folder.path()));
    at_ottos.types(both);
    at_ottos.types(otto);
    at_ottos.shows("+493012345678");
    at_annas.types(both);
    at_annas.types(anna);
    at_ottos.shows("lunch at one?");
    at_ottos.interrupts();
    at_ottos.types(answer);
    at_ottos.shows("sent");
    at_annas.types(read);
    at_annas.shows("At one.");
    let took = began.elapsed();
    println!("{took:?}");
    assert!(took < MINUTE, "{took:?}");
    terminate(&run.0);
    assert!(run.0.wait().unwrap().success());
}

/// It ends with the test.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        // It has ended already if all is well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
