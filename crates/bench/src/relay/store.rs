//! Messages for recipients who are offline.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use tokio::{sync::Notify, task::JoinSet};

use super::{
    BenchError, clock,
    link::{Frame, Link},
    message::{Head, Template, sequence_of},
    report::Outcome,
    rig::{Rig, Usage, count},
    tally::Tally,
};

/// When the server is killed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kill {
    Never,
    AtTheLast,
    /// At so many acknowledgements of all senders together.
    At(u64),
}

/// What was sent and which of it the relay acknowledged.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) stage: u32,
    /// Messages of each sender.
    pub(super) of_each: u64,
    /// Sender `i` sends sequence `n` to recipient `i * recipients_each + n % recipients_each`.
    pub(super) recipients_each: u64,
    pub(super) acknowledged: Vec<Tally>,
    /// Whether the server was killed, so that what was not acknowledged may be there or not.
    pub(super) killed: bool,
}

struct Shared {
    stage: u32,
    of_each: u64,
    acknowledged: Cell<u64>,
    refused: Cell<u64>,
    kill_at: Option<u64>,
    kill: Notify,
    killed: Cell<bool>,
}

/// Sends each recipient so many messages and waits until every one is answered, or until the server is killed.
pub(super) async fn store(rig: &mut Rig, kill: Kill) -> Result<(Ledger, Outcome), BenchError> {
    let options = rig.options.clone();
    let recipients_each = u64::from(options.recipients / options.pairs);
    let all = u64::from(options.recipients) * u64::from(options.each);
    let kill_at = match kill {
        Kill::Never => None,
        Kill::AtTheLast => Some(all),
        Kill::At(number) => Some(number.clamp(1, all)),
    };
    let shared = Rc::new(Shared {
        stage: rig.next_stage(),
        of_each: recipients_each * u64::from(options.each),
        acknowledged: Cell::new(0),
        refused: Cell::new(0),
        kill_at,
        kill: Notify::new(),
        killed: Cell::new(false),
    });
    let mut links = Vec::new();
    for sender in rig.senders() {
        links.push(Link::open(rig.servers.first(), &sender.token).await?);
    }
    let (before, began) = (Usage::now(&rig.servers), clock::now());
    let (mut tasks, mut tallies) = (JoinSet::new(), Vec::new());
    for (sender, link) in (0..).zip(links) {
        let own = count(sender) * count(options.recipients / options.pairs);
        let recipients = &rig.recipients()[own..][..count(options.recipients / options.pairs)];
        let templates = recipients.iter().map(|to| Template::new(to.id, count(options.body))).collect();
        let tally = Rc::new(RefCell::new(Tally::default()));
        tallies.push(tally.clone());
        let outbox =
            Outbox { shared: shared.clone(), tally, templates, sender, window: options.window.into() };
        tasks.spawn_local(outbox.run(link));
    }
    loop {
        tokio::select! {
            biased;
            () = shared.kill.notified() => {
                rig.servers.kill();
                shared.killed.set(true);
            }
            ended = tasks.join_next() => match ended {
                Some(Ok(Err(error))) if !shared.killed.get() => return Err(error),
                Some(_) => {}
                None => break,
            },
        }
    }
    // The last acknowledgement may have been read by the last task.
    if kill_at.is_some() && !shared.killed.replace(true) {
        rig.servers.kill();
    }
    let seconds = clock::seconds_since(began);
    let acknowledged = shared.acknowledged.get();
    let (test, killed) = if kill_at.is_some() { ("store, then SIGKILL", true) } else { ("store", false) };
    let setting = format!(
        "{} senders, {} recipients offline, {} messages each, {} bytes",
        options.pairs, options.recipients, options.each, options.body
    );
    let mut outcome = Outcome::new(test, setting);
    outcome.count("acknowledged", "acknowledged", acknowledged);
    outcome.figure("per_second", "stored per second", acknowledged as f64 / seconds, 0);
    if !killed {
        let usage = Usage::now(&rig.servers).since(&before);
        usage.report(acknowledged, seconds, &mut outcome);
        outcome.figure("written", "bytes to the disk per message", usage.written() / acknowledged as f64, 0);
        let resident = rig.servers.family().resident() / 1024.0;
        outcome.figure("resident_mib", "server memory, MiB resident", resident, 1);
        outcome.none("unanswered", "not answered `sent`", all - acknowledged - shared.refused.get());
    }
    outcome.none("refused", "refused", shared.refused.get());
    let acknowledged = tallies.iter().map(|tally| tally.take()).collect::<Vec<_>>();
    outcome.none("answered_twice", "answered twice", acknowledged.iter().map(Tally::duplicates).sum());
    let ledger =
        Ledger { stage: shared.stage, of_each: shared.of_each, recipients_each, acknowledged, killed };
    Ok((ledger, outcome))
}

struct Outbox {
    shared: Rc<Shared>,
    tally: Rc<RefCell<Tally>>,
    templates: Vec<Template>,
    sender: u32,
    window: u64,
}

impl Outbox {
    /// Half a window at a time.
    async fn run(self, link: Link) -> Result<(), BenchError> {
        let Link { mut reader, mut writer } = link;
        let Self { shared, tally, templates, sender, window } = self;
        let mut frame = Frame::default();
        let (mut sent, mut answered) = (0, 0);
        while answered < shared.of_each {
            while sent < shared.of_each && sent - answered <= window / 2 {
                frame.clear();
                let until = shared.of_each.min(sent + window / 2);
                for (sequence, template) in
                    (sent..until).zip(templates.iter().cycle().skip(place(sent, &templates)))
                {
                    let now = clock::now();
                    let head = Head { stage: shared.stage, sender, sequence, due: now, sent: now };
                    template.put(head, frame.payload());
                }
                sent = until;
                writer.write(&mut frame).await?;
            }
            let before = answered;
            let mut unknown = false;
            let read = reader.read(|frame| {
                let mut tally = tally.borrow_mut();
                for id in &frame.sent {
                    let sequence = sequence_of(id, shared.stage);
                    unknown |= !sequence.is_some_and(|sequence| tally.take(sequence, sent));
                }
                let refused = frame.refusals.len() as u64;
                shared.refused.set(shared.refused.get() + refused);
                answered += frame.sent.len() as u64 + refused;
                shared.acknowledged.set(shared.acknowledged.get() + frame.sent.len() as u64);
            });
            read.await?;
            if unknown {
                return Err(BenchError::Failed("the relay answered what was not sent".to_owned()));
            }
            let reached = |number: u64| answered > before && shared.acknowledged.get() >= number;
            if shared.kill_at.is_some_and(reached) && !shared.killed.get() {
                shared.kill.notify_one();
            }
            if let Some(ping) = reader.ping() {
                writer.pong(&ping).await?;
            }
        }
        Ok(())
    }
}

/// Which of the templates a sequence is for.
fn place(sequence: u64, templates: &[Template]) -> usize {
    usize::try_from(sequence % (templates.len() as u64).max(1)).unwrap_or(0)
}
