//! SIGKILL at random moments for the client's outbox, for whom it sends to, and for the relay between them: acknowledged
//! and lost 0, shown twice 0, out of order 0.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::people::{ANNA, BANK, Person, Relay, tradepost};

/// Calls that wait for their answers.
const UNDER_WAY: usize = 16;
/// How often one looks whether the relay listens, and how long one waits between.
const LOOKS: u32 = 3000;
const PAUSE: Duration = Duration::from_millis(10);

/// A process that ends with the test at the latest.
struct Process(Child);

impl Process {
    fn new(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Somebody who receives.
    fn receiving(person: &Person) -> Self {
        Self::new(person.command(&["daemon"]).stdout(Stdio::null()))
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        let status = self.0.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it ended on its own: {status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already if all is well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A relay in the place of one that was started in order: it can be killed, and comes back at the same address.
fn again(address: &str, data: &Path) -> Process {
    let mut command = tradepost();
    command.args(["relay", "--listen", address, "--data"]).arg(data);
    let mut relay = Process::new(command.stdout(Stdio::null()));
    let mut look = 0;
    while TcpStream::connect(address).is_err() {
        let ended = relay.0.try_wait().unwrap();
        assert!(ended.is_none() && look < LOOKS, "the relay does not come back: {ended:?}");
        look += 1;
        thread::sleep(PAUSE);
    }
    relay
}

/// What the calls of all rounds came to.
#[derive(Default)]
struct Sent {
    /// The next number.
    next: u64,
    acknowledged: BTreeSet<u64>,
}

impl Sent {
    /// Sends numbers as fast as they are answered, until the daemon is no more.
    fn send(&mut self, to: &str, mut input: ChildStdin, output: ChildStdout) {
        for _ in 0..UNDER_WAY {
            self.call(to, &mut input);
        }
        for line in BufReader::new(output).lines() {
            // What was cut off is no answer.
            let Ok(Ok(answer)) = line.map(|line| serde_json::from_str::<Value>(&line)) else { break };
            let Some(number) = answer["id"].as_u64() else { continue };
            if answer.get("result").is_some() {
                self.acknowledged.insert(number);
            } else {
                // Many rounds can fill it; anything else is a fault.
                assert_eq!(answer["error"]["data"]["code"], "outbox_full", "{answer}");
            }
            self.call(to, &mut input);
        }
    }

    fn call(&mut self, to: &str, input: &mut ChildStdin) {
        let params = json!({"to": to, "text": self.next.to_string()});
        let call = json!({"jsonrpc": "2.0", "id": self.next, "method": "send", "params": params});
        self.next += 1;
        // It may have been killed: then there is no answer either.
        let _ = writeln!(input, "{call}");
    }
}

/// The numbers that somebody sees in a chat, the oldest first, and how many of them wait to be sent.
fn shown(person: &Person, with: &str) -> (Vec<u64>, usize) {
    let (mut numbers, mut waiting, mut before) = (Vec::new(), 0, None::<String>);
    loop {
        let mut arguments = vec!["history", with, "--no-read", "--limit", "1000"];
        if let Some(before) = &before {
            arguments.extend(["--before", before]);
        }
        let history = person.json(&arguments);
        let page = history["messages"].as_array().unwrap();
        let Some(first) = page.first() else { break };
        before = Some(first["position"].to_string());
        waiting += page.iter().filter(|message| message["state"]["state"] == "queued").count();
        numbers.extend(page.iter().rev().map(|message| {
            let text = message["body"]["text"].as_str();
            text.and_then(|text| text.parse::<u64>().ok()).unwrap_or_else(|| panic!("{message}"))
        }));
    }
    numbers.reverse();
    (numbers, waiting)
}

/// How many acknowledged numbers are not there, how many are there again, and how many come after a greater one.
fn faults(acknowledged: &BTreeSet<u64>, shown: &[u64]) -> (usize, usize, usize) {
    let once: BTreeSet<u64> = shown.iter().copied().collect();
    let out_of_order = shown.windows(2).filter(|pair| pair[1] < pair[0]).count();
    (acknowledged.difference(&once).count(), shown.len() - once.len(), out_of_order)
}

#[test]
fn what_the_outbox_acknowledged_arrives_once_and_in_order_whoever_is_killed() {
    let rounds = std::env::var("CRASH_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let mut chance = SeededRandom(u64::from(std::process::id()));
    println!("seed {}", chance.0);
    let mut relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    // Numbers would be asked for at the relay, and it may be down.
    let account = |of: &Person| of.json(&["account"])["account"].as_str().unwrap().to_owned();
    let (from, to) = (account(&anna), account(&bank));
    assert!(relay.stop().success(), "{}", relay.log());
    let (address, data) = (relay.url.strip_prefix("http://").unwrap(), relay.data());
    let mut mortal = again(address, &data);
    let (mut sent, mut relay_killed, mut bank_killed) = (Sent::default(), 0, 0);
    let mut receiving = Process::receiving(&bank);
    for _ in 0..rounds {
        let (sent, to) = (&mut sent, &to);
        thread::scope(|scope| {
            let mut daemon = Process::new(anna.command(&["daemon"]).stdout(Stdio::piped()));
            let (input, output) = (daemon.0.stdin.take().unwrap(), daemon.0.stdout.take().unwrap());
            scope.spawn(move || sent.send(to, input, output));
            let life = 30 + chance.below(371);
            let early = chance.below(life);
            thread::sleep(Duration::from_millis(early));
            let fate = chance.below(6);
            match fate {
                0 | 1 => {
                    mortal.kill();
                    relay_killed += 1;
                    if fate == 0 {
                        mortal = again(address, &data);
                    }
                }
                2 => {
                    receiving.kill();
                    receiving = Process::receiving(&bank);
                    bank_killed += 1;
                }
                _ => {}
            }
            thread::sleep(Duration::from_millis(life - early));
            daemon.kill();
            // The sender was killed with everything still waiting.
            if fate == 1 {
                mortal = again(address, &data);
            }
        });
    }

    // What still waits goes out, and is fetched.
    let mut daemon = anna.talk(&["daemon"]);
    daemon.say(&json!({"jsonrpc": "2.0", "id": 0, "method": "settled"}).to_string());
    assert!(daemon.value(|value| value["id"] == 0).get("result").is_some());
    assert!(daemon.end().success());
    receiving.kill();
    bank.received();

    let (here, waiting) = shown(&anna, &to);
    let (there, _) = shown(&bank, &from);
    let (own, arrived) = (faults(&sent.acknowledged, &here), faults(&sent.acknowledged, &there));
    println!(
        "{rounds} rounds, the relay killed {relay_killed} times, the receiver {bank_killed} times: {} called, {} \
         acknowledged, {} arrived: {} lost, {} shown twice, {} out of order; at the sender {own:?}, {waiting} still wait",
        sent.next,
        sent.acknowledged.len(),
        there.len(),
        arrived.0,
        arrived.1,
        arrived.2,
    );
    assert!(sent.acknowledged.len() > rounds, "too little happened: {}", sent.acknowledged.len());
    assert_eq!((arrived, own, waiting), ((0, 0, 0), (0, 0, 0), 0));
    assert_eq!(here, there, "what was kept without an answer is sent, too");
}

/// Numbers that look random.
struct SeededRandom(u64);

impl SeededRandom {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}
