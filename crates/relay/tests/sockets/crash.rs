//! SIGKILL at random moments under load: what was acknowledged is there, nothing is shown twice, nothing out of order.
//!
//! `make test` runs 20 rounds on each ground, `scripts/crash.sh` 200.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use store::testing::{Nats, Postgres, Scratch};
use tokio::sync::watch;

use wire::frames::{Delivery, Reason};

use crate::{
    node::{Node, be_a_relay},
    people::{Ground, PATIENCE, Person, message, register},
};

const PAIRS: usize = 4;
/// Sends without an answer at most.
const WINDOW: u64 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    kill_and_count(Ground::Sqlite, "crash::nothing_acknowledged_is_lost_on_sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_postgresql() {
    kill_and_count(Ground::Postgres, "crash::nothing_acknowledged_is_lost_on_postgresql").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_either_of_two_nodes_is_killed() {
    kill_and_count(Ground::Nodes, "crash::nothing_acknowledged_is_lost_when_either_of_two_nodes_is_killed")
        .await;
}

/// What the device of a receiver has done, and its person has seen.
#[derive(Debug, Default)]
struct Seen {
    /// What the device remembers, as relay-api.md tells it to: who sent it, and the id of the send.
    known: HashSet<(Vec<u8>, Vec<u8>)>,
    /// What its person was shown, by what the message says, and how often.
    shown: HashMap<u64, u64>,
    last: Option<u64>,
    /// Came after one that was sent later.
    overtaken: Vec<u64>,
    /// Came again on the wire, and was dropped by the device.
    redelivered: u64,
}

impl Seen {
    fn take(&mut self, delivery: &Delivery) {
        let envelope = delivery.envelope.as_ref().unwrap();
        if !self.known.insert((envelope.from.to_vec(), envelope.id.to_vec())) {
            self.redelivered += 1;
            return;
        }
        let number = u64::from_be_bytes(envelope.body[..8].try_into().unwrap());
        *self.shown.entry(number).or_default() += 1;
        if self.last.is_some_and(|last| number < last) {
            self.overtaken.push(number);
        }
        self.last = Some(number);
    }

    fn shown_again(&self) -> u64 {
        self.shown.values().map(|times| times - 1).sum()
    }
}

async fn kill_and_count(ground: Ground, test: &'static str) {
    if be_a_relay().await {
        return;
    }
    let rounds: u32 = std::env::var("CRASH_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let postgres = (ground != Ground::Sqlite).then(Postgres::start);
    let nats = (ground == Ground::Nodes).then(Nats::start);
    let scratch = match &postgres {
        Some(postgres) => Some(Scratch::postgres(postgres).await.unwrap()),
        None => None,
    };
    let database = scratch.as_ref().map(|scratch| scratch.config.url.expose().to_owned());
    let bus = nats.as_ref().map(Nats::url);
    let mut nodes = Vec::new();
    for _ in 0..if ground == Ground::Nodes { 2 } else { 1 } {
        let node = Node::new(test, folder.path(), database.as_deref(), bus.as_deref());
        node.until_up().await;
        nodes.push(node);
    }
    let urls: Vec<String> = nodes.iter().map(|node| format!("http://{}", node.address)).collect();

    let (stop, stopped) = watch::channel(Phase::Load);
    let (mut pairs, mut answers): (_, Vec<Answers>) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let from = register(&urls, 2 * u32::try_from(pair).unwrap()).await;
        let to = register(&urls, 2 * u32::try_from(pair).unwrap() + 1).await;
        let given = Answers::default();
        answers.push(given.clone());
        pairs.push((
            tokio::spawn(send_all(from, to.clone(), given, stopped.clone())),
            tokio::spawn(receive_all(to, stopped.clone())),
        ));
    }
    let mut chance = SeededRandom(u64::from(std::process::id()));
    let answered = || answers.iter().map(|pair| pair.lock().unwrap().acknowledged.len()).sum::<usize>();
    for round in 0..rounds {
        // However slow the machine is, something happens between two kills.
        let before = answered();
        let moving = async {
            while answered() < before + 20 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(3 * PATIENCE, moving)
            .await
            .unwrap_or_else(|_| panic!("nothing moves in round {round}"));
        tokio::time::sleep(Duration::from_millis(60 + chance.below(500))).await;
        let victim = usize::try_from(chance.below(u64::try_from(nodes.len()).unwrap())).unwrap();
        nodes[victim].kill();
        if chance.below(3) == 0 {
            tokio::time::sleep(Duration::from_millis(chance.below(300))).await;
        }
        nodes[victim].start();
        nodes[victim].until_up().await;
    }
    stop.send(Phase::FinishSending).unwrap();
    let mut sums = Sums::default();
    let mut receivers = Vec::new();
    for (sending, receiving) in pairs {
        sums.sent += tokio::time::timeout(6 * PATIENCE, sending).await.expect("the senders finish").unwrap();
        receivers.push(receiving);
    }
    stop.send(Phase::Drain).unwrap();
    for (receiving, answers) in receivers.into_iter().zip(answers) {
        let seen =
            tokio::time::timeout(6 * PATIENCE, receiving).await.expect("the receivers finish").unwrap();
        sums.add(&seen, &answers.lock().unwrap());
    }
    println!("{ground:?}, {rounds} rounds: {sums:?}");
    assert!(sums.acknowledged >= u64::from(rounds) * 20, "too little happened: {sums:?}");
    assert_eq!((sums.lost, sums.out_of_order, sums.shown_again), (0, 0, 0));
    for node in &mut nodes {
        node.kill();
    }
}

/// What became of all that was sent.
#[derive(Debug, Default)]
struct Sums {
    sent: u64,
    acknowledged: u64,
    /// Answers that refused something, by their reason.
    refusals: BTreeMap<String, u64>,
    lost: usize,
    out_of_order: u64,
    /// A refused send does not stop those after it (relay-api.md): what is sent again comes late.
    late_after_a_refusal: u64,
    shown_again: u64,
    redelivered: u64,
}

impl Sums {
    fn add(&mut self, seen: &Seen, answers: &Answered) {
        self.acknowledged += u64::try_from(answers.acknowledged.len()).unwrap();
        for reason in answers.refused.values().flatten() {
            *self.refusals.entry(format!("{reason:?}")).or_default() += 1;
        }
        self.lost += answers.acknowledged.iter().filter(|number| !seen.shown.contains_key(number)).count();
        for number in &seen.overtaken {
            match answers.refused.contains_key(number) {
                true => self.late_after_a_refusal += 1,
                false => self.out_of_order += 1,
            }
        }
        self.shown_again += seen.shown_again();
        self.redelivered += seen.redelivered;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Load,
    /// No new messages; those that were sent are answered.
    FinishSending,
    /// Nobody sends: what is there is taken.
    Drain,
}

/// What the relay said of what one device sent.
#[derive(Debug, Default)]
struct Answered {
    acknowledged: BTreeSet<u64>,
    refused: BTreeMap<u64, Vec<Reason>>,
}

type Answers = Arc<std::sync::Mutex<Answered>>;

/// Sends numbers in order, and again after each loss of the socket what has no answer: as an outbox does.
async fn send_all(from: Person, to: Person, answers: Answers, phase: watch::Receiver<Phase>) -> u64 {
    let (mut next, mut open): (u64, BTreeSet<u64>) = (0, BTreeSet::new());
    loop {
        let Some(mut socket) = from.try_connect(usize::try_from(next).unwrap()).await else { continue };
        let again: Vec<_> = open.iter().map(|number| message(to.account, *number)).collect();
        if socket.try_send(again).await.is_err() {
            continue;
        }
        loop {
            for number in std::mem::take(&mut socket.sent) {
                open.remove(&number);
                answers.lock().unwrap().acknowledged.insert(number);
            }
            let done = *phase.borrow() != Phase::Load;
            if done && open.is_empty() {
                return next;
            }
            let room = WINDOW.saturating_sub(u64::try_from(open.len()).unwrap());
            if !done && room >= WINDOW / 4 {
                let batch: Vec<_> = (next..next + room).map(|number| message(to.account, number)).collect();
                open.extend(next..next + room);
                next += room;
                if socket.try_send(batch).await.is_err() {
                    break;
                }
            }
            for refusal in &socket.refused {
                let number = u64::from_be_bytes(refusal.id[..8].try_into().unwrap());
                answers.lock().unwrap().refused.entry(number).or_default().push(refusal.reason());
            }
            if !socket.refused.is_empty() || socket.try_receive(Duration::from_millis(200)).await.is_err() {
                // What could not be stored is sent again, in order, from the first without an answer.
                break;
            }
        }
    }
}

/// Takes what comes, drops what it has, acknowledges some of it, and now and then goes away.
async fn receive_all(to: Person, phase: watch::Receiver<Phase>) -> Seen {
    let (mut seen, mut turn) = (Seen::default(), 0usize);
    let mut chance = SeededRandom(u64::from(to.account.to_bytes()[0]) + 1);
    loop {
        turn += 1;
        let Some(mut socket) = to.try_connect(turn).await else { continue };
        #[expect(clippy::disallowed_methods, reason = "a test of real processes")]
        let until = Instant::now() + Duration::from_millis(50 + chance.below(400));
        loop {
            let mut last = 0;
            for delivery in socket.take() {
                last = delivery.number;
                seen.take(&delivery);
            }
            if last > 0 && chance.below(4) > 0 && socket.try_acknowledge(last).await.is_err() {
                break;
            }
            let draining = *phase.borrow() == Phase::Drain;
            if draining && socket.drained && last == 0 {
                return seen;
            }
            #[expect(clippy::disallowed_methods, reason = "a test of real processes")]
            let late = Instant::now() > until;
            if (late && !draining) || socket.try_receive(Duration::from_millis(150)).await.is_err() {
                break;
            }
        }
    }
}

/// Numbers that look random.
struct SeededRandom(u64);

impl SeededRandom {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}
