//! Everybody comes back at once and takes what waits.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use super::{
    BenchError, clock,
    link::{Frame, Link},
    message::Head,
    report::Outcome,
    rig::{Rig, Usage},
    store::Ledger,
    tally::Tally,
};

/// Logins under way at most.
pub(super) const LOGINS: usize = 64;
/// How long nothing may come any more before what is missing is missing.
const QUIET: u64 = 5_000_000_000;

struct Shared {
    stage: u32,
    of_each: u64,
    recipients_each: u64,
    /// By sender: for duplicates.
    arrived: Vec<RefCell<Tally>>,
    /// By recipient, who has one sender each: for order.
    line: Vec<RefCell<Line>>,
    taken: Cell<u64>,
    unique: Cell<u64>,
    drained: Cell<u64>,
    strays: Cell<u64>,
    last: Cell<u64>,
}

#[derive(Debug, Default)]
struct Line {
    next: u64,
    out_of_order: u64,
}

/// All recipients log in and take everything. Whoever misses something logs in a second time before it counts.
pub(super) async fn drain(rig: &Rig, ledger: &Ledger, test: &str) -> Result<Outcome, BenchError> {
    let acknowledged: u64 = ledger.acknowledged.iter().map(Tally::unique).sum();
    // After a kill what was not acknowledged may be there too, or not.
    let most = if ledger.killed { ledger.of_each * ledger.acknowledged.len() as u64 } else { acknowledged };
    let shared = Rc::new(Shared {
        stage: ledger.stage,
        of_each: ledger.of_each,
        recipients_each: ledger.recipients_each,
        arrived: ledger.acknowledged.iter().map(|_| RefCell::default()).collect(),
        line: rig.recipients().iter().map(|_| RefCell::default()).collect(),
        taken: Cell::new(0),
        unique: Cell::new(0),
        drained: Cell::new(0),
        strays: Cell::new(0),
        last: Cell::new(0),
    });
    let setting = format!(
        "{} recipients, {acknowledged} messages, {LOGINS} logins at a time; time and CPU with the logins",
        rig.recipients().len()
    );
    let mut outcome = Outcome::new(test, setting);
    let (before, began) = (Usage::now(&rig.servers), clock::now());
    let everybody: Vec<usize> = (0..rig.recipients().len()).collect();
    let first = pass(rig, &shared, &everybody, most).await?;
    let usage = Usage::now(&rig.servers).since(&before);
    let end = if shared.unique.get() >= most { first.end } else { shared.last.get().max(began) };
    let seconds = Duration::from_nanos(end - began).as_secs_f64();
    let (taken, unique, drained) = (shared.taken.get(), shared.unique.get(), shared.drained.get());
    first.hang_up().await;

    let missing = |recipient: &usize| {
        let recipient = *recipient as u64;
        let (sender, offset) = (recipient / ledger.recipients_each, recipient % ledger.recipients_each);
        let arrived = usize::try_from(sender).ok().and_then(|sender| shared.arrived.get(sender));
        let step = usize::try_from(ledger.recipients_each).unwrap_or(usize::MAX);
        arrived.is_some_and(|arrived| {
            (offset..ledger.of_each).step_by(step).any(|sequence| !arrived.borrow().has(sequence))
        })
    };
    let again: Vec<usize> = everybody.into_iter().filter(missing).collect();
    if !again.is_empty() && shared.unique.get() < most {
        shared.line.iter().for_each(|line| line.borrow_mut().next = 0);
        pass(rig, &shared, &again, most).await?.hang_up().await;
    }

    outcome.figure("per_second", "taken per second", taken as f64 / seconds, 0);
    usage.report(taken, seconds, &mut outcome);
    outcome.figure(
        "resident_mib",
        "server memory, MiB resident",
        rig.servers.family().resident() / 1024.0,
        1,
    );
    outcome.count("acknowledged", "acknowledged", acknowledged);
    outcome.count("arrived", "arrived", shared.unique.get());
    outcome.none("lost", "acknowledged and lost", lost(ledger, &shared));
    outcome.none("late", "came only at the second login", shared.unique.get() - unique);
    outcome.none(
        "duplicates",
        "duplicates",
        shared.arrived.iter().map(|tally| tally.borrow().duplicates()).sum(),
    );
    let disorder = shared.line.iter().map(|line| line.borrow().out_of_order).sum();
    outcome.none("out_of_order", "out of order", disorder);
    let recipients = rig.recipients().len() as u64;
    outcome.none("not_drained", "not told `drained`", recipients.saturating_sub(drained));
    outcome.count("strays", "left over from earlier tests", shared.strays.get());
    Ok(outcome)
}

fn lost(ledger: &Ledger, shared: &Shared) -> u64 {
    let of_sender = |(acknowledged, arrived): (&Tally, &RefCell<Tally>)| {
        let arrived = arrived.borrow();
        (0..ledger.of_each).filter(|sequence| acknowledged.has(*sequence) && !arrived.has(*sequence)).count()
            as u64
    };
    ledger.acknowledged.iter().zip(&shared.arrived).map(of_sender).sum()
}

/// Recipients who have taken everything and are still connected.
struct Pass {
    tasks: JoinSet<Result<(), BenchError>>,
    end: u64,
}

impl Pass {
    /// Lets the last acknowledgements out and ends the connections.
    async fn hang_up(mut self) {
        sleep(Duration::from_millis(500)).await;
        self.tasks.shutdown().await;
        sleep(Duration::from_millis(500)).await;
    }
}

/// Logs them in; done when everything came, or nothing more does.
async fn pass(rig: &Rig, shared: &Rc<Shared>, who: &[usize], most: u64) -> Result<Pass, BenchError> {
    let logins = std::sync::Arc::new(Semaphore::new(LOGINS));
    let mut tasks = JoinSet::new();
    for recipient in who {
        let Ok(permit) = logins.clone().acquire_owned().await else { break };
        let (shared, recipient, token) =
            (shared.clone(), *recipient, rig.recipients()[*recipient].token.clone());
        let place = rig.servers.last().clone();
        tasks.spawn_local(async move {
            let link = Link::open(&place, &token).await?;
            drop(permit);
            take(link, &shared, recipient).await
        });
    }
    shared.last.set(clock::now());
    let want_drained = shared.drained.get() + who.len() as u64;
    while shared.unique.get() < most && clock::now() - shared.last.get() < QUIET {
        failure(&mut tasks)?;
        sleep(Duration::from_millis(1)).await;
    }
    let end = clock::now();
    // The word that there is no more comes behind the last message.
    for _ in 0..100 {
        if shared.drained.get() >= want_drained {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    failure(&mut tasks)?;
    Ok(Pass { tasks, end })
}

fn failure(tasks: &mut JoinSet<Result<(), BenchError>>) -> Result<(), BenchError> {
    match tasks.try_join_next() {
        None | Some(Err(_) | Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(error),
    }
}

async fn take(link: Link, shared: &Shared, recipient: usize) -> Result<(), BenchError> {
    let Link { mut reader, mut writer } = link;
    let mut frame = Frame::default();
    loop {
        let mut newest = 0;
        let read = reader.read(|frame| {
            shared.drained.set(shared.drained.get() + u64::from(frame.drained));
            for delivery in &frame.deliveries {
                newest = delivery.number;
                let head = delivery.envelope.as_ref().and_then(|envelope| Head::read(&envelope.body));
                if !head.is_some_and(|head| shared.check_off(head, recipient)) {
                    shared.strays.set(shared.strays.get() + 1);
                }
            }
            if !frame.deliveries.is_empty() {
                shared.last.set(clock::now());
            }
        });
        read.await?;
        if newest > 0 {
            writer.acknowledge(newest, &mut frame).await?;
        }
        if let Some(ping) = reader.ping() {
            writer.pong(&ping).await?;
        }
    }
}

impl Shared {
    /// Whether there was such a message for this recipient.
    fn check_off(&self, head: Head, recipient: usize) -> bool {
        let to = u64::from(head.sender) * self.recipients_each + head.sequence % self.recipients_each;
        let sender = usize::try_from(head.sender).unwrap_or(usize::MAX);
        let (Some(arrived), Some(line)) = (self.arrived.get(sender), self.line.get(recipient)) else {
            return false;
        };
        if head.stage != self.stage || to != recipient as u64 {
            return false;
        }
        let (mut arrived, mut line) = (arrived.borrow_mut(), line.borrow_mut());
        let before = arrived.unique();
        if !arrived.take(head.sequence, self.of_each) {
            return false;
        }
        self.taken.set(self.taken.get() + 1);
        self.unique.set(self.unique.get() + arrived.unique() - before);
        line.out_of_order += u64::from(head.sequence < line.next);
        line.next = line.next.max(head.sequence + 1);
        true
    }
}
