//! Pairs of a sender and a receiver, all connected, with messages under way.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, sleep_until},
};

use super::{
    BenchError, clock,
    histogram::Histogram,
    link::{Frame, Link, Reader, Writer},
    message::{Head, Template, sequence_of},
    report::Outcome,
    rig::{Rig, Usage, count},
    server::Servers,
    tally::Tally,
};

/// How long nothing may come any more before what is missing is missing.
const QUIET: u64 = 5_000_000_000;

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// As much as this many messages of each pair under way allow.
    Window(u32),
    /// This many per second of all pairs together, each alone, whatever comes back.
    Rate(u32),
}

/// Pairs at work.
#[derive(Debug)]
pub(super) struct Traffic {
    shared: Rc<Shared>,
    pairs: Vec<Rc<Pair>>,
    _tasks: JoinSet<()>,
}

/// What was seen while it was measured.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) delivered: u64,
    pub(super) seconds: f64,
    pub(super) usage: Usage,
    pub(super) from_due: Histogram,
    pub(super) from_sent: Histogram,
    /// KiB, the most that was seen.
    pub(super) resident: f64,
}

#[derive(Debug, Default)]
struct Shared {
    stage: u32,
    stopping: Cell<bool>,
    measuring: Cell<bool>,
    delivered: Cell<u64>,
    from_due: RefCell<Histogram>,
    from_sent: RefCell<Histogram>,
    failure: RefCell<Option<String>>,
}

#[derive(Debug, Default)]
struct Pair {
    sent: Cell<u64>,
    answered: RefCell<Tally>,
    refused: Cell<u64>,
    arrived: RefCell<Tally>,
    /// What the receiver was sent that is not of this pair and stage.
    strays: Cell<u64>,
    window: Option<Semaphore>,
}

impl Traffic {
    /// Logs all receivers in, then all senders, and begins.
    pub(super) async fn begin(rig: &Rig, pace: Pace) -> Result<Self, BenchError> {
        let shared = Rc::new(Shared { stage: rig.next_stage(), ..Shared::default() });
        let (mut tasks, mut pairs) = (JoinSet::new(), Vec::new());
        let window = match pace {
            Pace::Window(window) => Some(window),
            Pace::Rate(_) => None,
        };
        for receiver in rig.receivers() {
            let window = window.map(|window| Semaphore::new(count(window)));
            let pair = Rc::new(Pair { window, ..Pair::default() });
            let link = Link::open(rig.servers.last(), &receiver.token).await?;
            tasks.spawn_local(guard(shared.clone(), receive(link, shared.clone(), pair.clone())));
            pairs.push(pair);
        }
        sleep(Duration::from_millis(500)).await;
        let start = clock::now() + 200_000_000;
        for (sender, (account, pair)) in (0..).zip(rig.senders().iter().zip(&pairs)) {
            let Link { reader, writer } = Link::open(rig.servers.first(), &account.token).await?;
            tasks.spawn_local(guard(shared.clone(), answers(reader, shared.clone(), pair.clone())));
            let outbox = Outbox {
                shared: shared.clone(),
                pair: pair.clone(),
                template: Template::new(rig.receivers()[count(sender)].id, count(rig.options.body)),
                sender,
                writer,
                frame: Frame::default(),
            };
            match pace {
                Pace::Window(_) => drop(tasks.spawn_local(guard(shared.clone(), outbox.fill_window()))),
                Pace::Rate(rate) => {
                    let gap = 1_000_000_000 * u64::from(rig.options.pairs) / u64::from(rate);
                    let first = start + gap * u64::from(sender) / u64::from(rig.options.pairs);
                    tasks.spawn_local(guard(shared.clone(), outbox.keep_pace(first, gap)));
                }
            }
        }
        Ok(Self { shared, pairs, _tasks: tasks })
    }

    /// Measures for so long.
    pub(super) async fn measure(&self, servers: &Servers, seconds: u32) -> Result<Measured, BenchError> {
        let shared = &self.shared;
        let (before, delivered, began) = (Usage::now(servers), shared.delivered.get(), clock::now());
        shared.measuring.set(true);
        let family = servers.family();
        let mut resident = family.resident();
        for half in 1..=u64::from(2 * seconds) {
            sleep_until(clock::instant(began + half * 500_000_000)).await;
            resident = resident.max(family.resident());
        }
        shared.measuring.set(false);
        let seconds = clock::seconds_since(began);
        let usage = Usage::now(servers).since(&before);
        match shared.failure.borrow().clone() {
            Some(failure) => Err(BenchError::Failed(failure)),
            None => Ok(Measured {
                delivered: shared.delivered.get() - delivered,
                seconds,
                usage,
                from_due: shared.from_due.take(),
                from_sent: shared.from_sent.take(),
                resident,
            }),
        }
    }

    /// Ends, waits for what is under way and says what came and what did not.
    pub(super) async fn finish(self, outcome: &mut Outcome) -> Result<(), BenchError> {
        self.shared.stopping.set(true);
        let mut progress = (self.progress(), clock::now());
        while progress.0 > 0 && clock::now() - progress.1 < QUIET {
            sleep(Duration::from_millis(20)).await;
            let missing = self.progress();
            if missing != progress.0 {
                progress = (missing, clock::now());
            }
        }
        if let Some(failure) = self.shared.failure.take() {
            return Err(BenchError::Failed(failure));
        }
        let sum = |figure: &dyn Fn(&Pair) -> u64| self.pairs.iter().map(|pair| figure(pair)).sum();
        let sent: u64 = sum(&|pair| pair.sent.get());
        outcome.count("sent", "sent in all", sent);
        outcome.none("undelivered", "undelivered", sum(&Pair::undelivered));
        outcome.none("duplicates", "duplicates", sum(&|pair| pair.arrived.borrow().duplicates()));
        outcome.none("out_of_order", "out of order", sum(&|pair| pair.arrived.borrow().out_of_order()));
        outcome.none("unanswered", "not answered `sent`", sum(&Pair::unanswered));
        let twice = |pair: &Pair| pair.answered.borrow().duplicates();
        outcome.none("answered_twice", "answered twice", sum(&twice));
        outcome.none("refused", "refused", sum(&|pair| pair.refused.get()));
        outcome.count("strays", "left over from earlier tests", sum(&|pair| pair.strays.get()));
        Ok(())
    }

    /// What is under way: undelivered and unanswered.
    fn progress(&self) -> u64 {
        self.pairs.iter().map(|pair| pair.undelivered() + pair.unanswered()).sum()
    }
}

impl Pair {
    fn undelivered(&self) -> u64 {
        (self.sent.get() - self.refused.get()).saturating_sub(self.arrived.borrow().unique())
    }

    fn unanswered(&self) -> u64 {
        (self.sent.get() - self.refused.get()).saturating_sub(self.answered.borrow().unique())
    }
}

impl Shared {
    fn fail(&self, failure: String) {
        self.failure.borrow_mut().get_or_insert(failure);
    }
}

/// A failure of one connection fails the test.
async fn guard(shared: Rc<Shared>, task: impl Future<Output = Result<(), BenchError>>) {
    if let Err(error) = task.await {
        shared.fail(error.to_string());
    }
}

/// Takes what comes, gives places in the window back, acknowledges once per read.
async fn receive(link: Link, shared: Rc<Shared>, pair: Rc<Pair>) -> Result<(), BenchError> {
    let Link { mut reader, mut writer } = link;
    let mut frame = Frame::default();
    loop {
        let (mut newest, mut arrived) = (0, 0);
        let took = reader.read(|frame| {
            let now = clock::now();
            for delivery in frame.deliveries {
                newest = delivery.number;
                let head = delivery.envelope.and_then(|envelope| Head::read(&envelope.body));
                let Some(head) = head.filter(|head| head.stage == shared.stage) else {
                    pair.strays.set(pair.strays.get() + 1);
                    continue;
                };
                if !pair.arrived.borrow_mut().take(head.sequence, pair.sent.get()) {
                    shared.fail(format!("message {} arrived and was not sent", head.sequence));
                }
                arrived += 1;
                if shared.measuring.get() {
                    shared.from_due.borrow_mut().add(now.saturating_sub(head.due));
                    shared.from_sent.borrow_mut().add(now.saturating_sub(head.sent));
                }
            }
        });
        took.await?;
        if arrived > 0 {
            shared.delivered.set(shared.delivered.get() + arrived as u64);
            if let Some(window) = &pair.window {
                window.add_permits(arrived);
            }
        }
        if newest > 0 {
            writer.acknowledge(newest, &mut frame).await?;
        }
        if let Some(ping) = reader.ping() {
            writer.pong(&ping).await?;
        }
    }
}

/// Takes the answers of a sender, who has no need to answer pings: it sends all the time.
async fn answers(mut reader: Reader, shared: Rc<Shared>, pair: Rc<Pair>) -> Result<(), BenchError> {
    loop {
        let took = reader.read(|frame| {
            let mut answered = pair.answered.borrow_mut();
            for id in &frame.sent {
                let sequence = sequence_of(id, shared.stage);
                if !sequence.is_some_and(|sequence| answered.take(sequence, pair.sent.get())) {
                    shared.fail("the relay answered what was not sent".to_owned());
                }
            }
            pair.refused.set(pair.refused.get() + frame.refusals.len() as u64);
            if let Some(window) = pair.window.as_ref().filter(|_| !frame.refusals.is_empty()) {
                window.add_permits(frame.refusals.len());
            }
        });
        took.await?;
    }
}

struct Outbox {
    shared: Rc<Shared>,
    pair: Rc<Pair>,
    template: Template,
    sender: u32,
    writer: Writer,
    frame: Frame,
}

impl Outbox {
    async fn fill_window(mut self) -> Result<(), BenchError> {
        let pair = self.pair.clone();
        let Some(window) = &pair.window else { return Ok(()) };
        while let Ok(permit) = window.acquire().await {
            permit.forget();
            let further = window.available_permits();
            if let Ok(permits) = window.try_acquire_many(u32::try_from(further).unwrap_or(u32::MAX)) {
                permits.forget();
            }
            if self.shared.stopping.get() {
                break;
            }
            self.send(1 + further as u64, clock::now()).await?;
        }
        Ok(())
    }

    async fn keep_pace(mut self, first: u64, gap: u64) -> Result<(), BenchError> {
        let mut due = first;
        loop {
            sleep_until(clock::instant(due)).await;
            if self.shared.stopping.get() {
                return Ok(());
            }
            self.send(1, due).await?;
            due += gap;
        }
    }

    async fn send(&mut self, count: u64, due: u64) -> Result<(), BenchError> {
        self.frame.clear();
        let (stage, sender, sent) = (self.shared.stage, self.sender, clock::now());
        let first = self.pair.sent.get();
        for sequence in first..first + count {
            let head = Head { stage, sender, sequence, due, sent };
            self.template.put(head, self.frame.payload());
        }
        self.pair.sent.set(first + count);
        self.writer.write(&mut self.frame).await
    }
}
