//! The software sends, as fast as messages arrive on the customers' devices.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use super::{Label, Rig, customer::Customer, inbound, sink::Told, software::Software, stand::Usage};
use crate::{clock, error::BenchError, histogram::Histogram, http::Http, report::Outcome};

/// Seconds without any news after which what has not come is lost.
pub(super) const SILENCE: f64 = 30.0;
/// Seconds in which another host takes over what a killed one had: its lease runs out.
const TAKEN_OVER: f64 = 22.0;
/// Seconds without any news after which nothing more comes of a host that works.
const QUIET: f64 = 10.0;
const LOOK: Duration = Duration::from_millis(20);

/// What all connections share.
struct Load {
    software: Software,
    round: u32,
    body: u32,
    stop: Cell<bool>,
    /// Messages that may still be asked for.
    left: Cell<u64>,
    accepted: Cell<u64>,
    refused: Cell<u64>,
    /// Requests that were never answered, since the host was killed.
    unanswered: Cell<u64>,
    /// Whether it is killed, so that connections break.
    killed: bool,
    /// What was answered: the messages' ids.
    ids: RefCell<Vec<String>>,
    answers: RefCell<Histogram>,
}

/// A load under way.
struct Running {
    load: Rc<Load>,
    lanes: JoinSet<Result<(), BenchError>>,
}

impl Running {
    async fn start(rig: &mut Rig, messages: u64, killed: bool) -> Result<Self, BenchError> {
        rig.begin();
        if rig.options.webhooks {
            rig.software.tell(&rig.sink).await?;
        } else {
            rig.software.hush().await?;
        }
        let load = Rc::new(Load {
            software: rig.software.clone(),
            round: rig.round,
            body: rig.options.body,
            stop: Cell::new(false),
            left: Cell::new(messages),
            accepted: Cell::new(0),
            refused: Cell::new(0),
            unanswered: Cell::new(0),
            killed,
            ids: RefCell::default(),
            answers: RefCell::default(),
        });
        let mut lanes = JoinSet::new();
        let connections = usize::try_from(rig.options.connections).unwrap_or(1);
        let room = usize::try_from(rig.options.under_way / rig.options.connections).unwrap_or(1);
        for lane in 0..connections {
            let room = Rc::new(Semaphore::new(room));
            // A customer's messages go over one connection: the order of the requests is theirs.
            let customers: Vec<_> = rig.customers.iter().skip(lane).step_by(connections).cloned().collect();
            customers.iter().for_each(|customer| customer.begin(rig.round, room.clone()));
            lanes.spawn_local(lane_of(load.clone(), customers, room));
        }
        Ok(Self { load, lanes })
    }

    /// An error of a connection, if there was one.
    fn check(&mut self) -> Result<(), BenchError> {
        while let Some(ended) = self.lanes.try_join_next() {
            ended.map_err(|error| BenchError::Failed(error.to_string()))??;
        }
        Ok(())
    }

    async fn wait(&mut self, seconds: f64) -> Result<(), BenchError> {
        let began = clock::now();
        while clock::seconds_since(began) < seconds {
            sleep(LOOK).await;
            self.check()?;
        }
        Ok(())
    }

    /// Asks for no more, and waits until what was accepted has arrived. After a kill, until all is quiet: what was never
    /// answered may arrive too.
    async fn settle(mut self, rig: &Rig) -> Result<Rc<Load>, BenchError> {
        self.load.stop.set(true);
        let (mut come, mut since) = (come(rig), clock::now());
        loop {
            let now = self::come(rig);
            if now > come {
                (come, since) = (now, clock::now());
            }
            self.check()?;
            // A lane that waits for room sees the end when something comes, or never.
            if now >= self.load.accepted.get()
                && !self.load.killed
                && (self.lanes.is_empty() || clock::seconds_since(since) > 1.0)
            {
                break;
            }
            if clock::seconds_since(since) > if self.load.killed { QUIET } else { SILENCE } {
                break;
            }
            sleep(LOOK).await;
        }
        Ok(self.load.clone())
    }
}

async fn lane_of(
    load: Rc<Load>,
    customers: Vec<Rc<Customer>>,
    room: Rc<Semaphore>,
) -> Result<(), BenchError> {
    let mut http = load.software.connect().await?;
    for customer in customers.iter().cycle() {
        let Ok(place) = room.acquire().await else { return Ok(()) };
        if load.stop.get() || load.left.get() == 0 {
            return Ok(());
        }
        load.left.set(load.left.get() - 1);
        // Given back when the message has come.
        place.forget();
        let number = customer.ask();
        let label = Label { round: load.round, customer: customer.index, number };
        let began = clock::now();
        let answer =
            load.software.send(&mut http, customer.own.number.as_str(), &label.text(load.body)).await;
        match answer {
            Ok(id) => {
                if load.killed {
                    load.ids.borrow_mut().push(id);
                }
                load.answers.borrow_mut().add(clock::now().saturating_sub(began));
                load.accepted.set(load.accepted.get() + 1);
            }
            // Of an error of the host's it is not known either whether the message was taken.
            Err(BenchError::Answer { status, body, .. }) if !load.killed || status < 500 => {
                if load.refused.replace(load.refused.get() + 1) == 0 {
                    eprintln!("the host refuses: {status} {body}");
                }
                customer.ask_back();
                room.add_permits(1);
                load.left.set(load.left.get() + 1);
                sleep(LOOK).await;
            }
            Err(_) if load.killed => {
                customer.unanswered(number);
                load.unanswered.set(load.unanswered.get() + 1);
                room.add_permits(1);
                http = load.connect().await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Load {
    /// A new connection, as soon as the host is there again.
    async fn connect(&self) -> Result<Http, BenchError> {
        let began = clock::now();
        loop {
            match self.software.connect().await {
                Err(_) if clock::seconds_since(began) < SILENCE => sleep(LOOK).await,
                connected => return connected,
            }
        }
    }
}

/// Messages that have come, whichever way.
fn come(rig: &Rig) -> u64 {
    rig.customers.iter().map(|customer| customer.got.borrow().in_order).sum()
}

/// Forgets what was measured so far: it was warming up.
fn measure_from_now(rig: &Rig, load: &Load) {
    load.answers.take();
    for customer in &rig.customers {
        customer.got.borrow_mut().delays = Histogram::default();
    }
}

fn setting(rig: &Rig) -> String {
    let options = &rig.options;
    format!(
        "1 number, {} host{}, {} customers, {} bytes, {} connections, {} under way, {}",
        options.hosts,
        if options.hosts == 1 { "" } else { "s" },
        options.customers,
        options.body,
        options.connections,
        options.under_way,
        if options.webhooks { "a callback for statuses" } else { "no callback" }
    )
}

/// As many messages as `--under-way` allows, for some seconds.
pub(super) async fn send(rig: &mut Rig) -> Result<Outcome, BenchError> {
    let mut running = Running::start(rig, u64::MAX, false).await?;
    running.wait(rig.options.warm_up.into()).await?;
    measure_from_now(rig, &running.load);
    let (before, usage, began) = (come(rig), Usage::now(&rig.stand), clock::now());
    running.wait(rig.options.seconds.into()).await?;
    let (seconds, come) = (clock::seconds_since(began), come(rig) - before);
    let mut outcome = Outcome::new("send", setting(rig));
    outcome.figure("per_second", "decrypted by customers per second", come as f64 / seconds, 0);
    usage.report(&rig.stand, come, seconds, &mut outcome);
    let answers = running.load.answers.borrow().clone();
    quantiles(&mut outcome, ("answer", "the API's answer"), &answers);
    let delays = rig.customers.iter();
    let delays = delays.fold(Histogram::default(), |all, customer| all.joined(&customer.got.borrow().delays));
    quantiles(&mut outcome, ("delivery", "from the request until decrypted"), &delays);
    let load = running.settle(rig).await?;
    reckon(rig, &load, &mut outcome).await;
    Ok(outcome)
}

/// The same with all statuses told, while a tenth of the customers at a time write.
pub(super) async fn both(rig: &mut Rig) -> Result<Outcome, BenchError> {
    let webhooks = std::mem::replace(&mut rig.options.webhooks, true);
    let mut running = Running::start(rig, u64::MAX, false).await?;
    let writing = inbound::Writing::beside(rig, rig.round);
    running.wait(rig.options.warm_up.into()).await?;
    measure_from_now(rig, &running.load);
    let told = |rig: &Rig| rig.sink.told.borrow().messages_in_order;
    rig.sink.told.borrow_mut().delays = Histogram::default();
    let (sent, written, usage, began) = (come(rig), told(rig), Usage::now(&rig.stand), clock::now());
    running.wait(rig.options.seconds.into()).await?;
    let seconds = clock::seconds_since(began);
    let (sent, written) = (come(rig) - sent, told(rig) - written);
    let mut outcome = Outcome::new("both", format!("{}, customers write too", setting(rig)));
    outcome.figure("per_second", "decrypted by customers per second", sent as f64 / seconds, 0);
    outcome.figure("told_per_second", "webhooks with a message per second", written as f64 / seconds, 0);
    usage.report(&rig.stand, sent + written, seconds, &mut outcome);
    let answers = running.load.answers.borrow().clone();
    quantiles(&mut outcome, ("answer", "the API's answer"), &answers);
    let delays = rig.customers.iter();
    let delays = delays.fold(Histogram::default(), |all, customer| all.joined(&customer.got.borrow().delays));
    quantiles(&mut outcome, ("delivery", "from the request until decrypted"), &delays);
    let delays = rig.sink.told.borrow().delays.clone();
    quantiles(&mut outcome, ("webhook", "from writing until told"), &delays);
    let written = writing.stop().await?;
    let load = running.settle(rig).await?;
    reckon(rig, &load, &mut outcome).await;
    let told = told(rig);
    outcome.count("written", "written by customers", written);
    outcome.none("written_lost", "of that, not told or out of order", written.saturating_sub(told));
    rig.options.webhooks = webhooks;
    Ok(outcome)
}

/// So many messages, and the host's memory from time to time.
pub(super) async fn memory(rig: &mut Rig) -> Result<Outcome, BenchError> {
    let (messages, step) = (rig.options.messages, rig.options.step);
    let mut outcome = Outcome::new("memory", setting(rig));
    outcome.figure("resident_0", "host memory before, MiB resident", rig.stand.resident(), 1);
    let (usage, began) = (Usage::now(&rig.stand), clock::now());
    let mut running = Running::start(rig, messages, false).await?;
    let (mut next, mut since, mut last) = (step, clock::now(), 0);
    while next <= messages {
        sleep(LOOK).await;
        running.check()?;
        let now = come(rig);
        if now > last {
            (last, since) = (now, clock::now());
        }
        if now >= next {
            let resident = rig.stand.resident();
            eprintln!("{next} of {messages}: {resident:.1} MiB after {:.0} s", clock::seconds_since(began));
            outcome.figure(
                format!("resident_{next}"),
                format!("host memory after {next}, MiB resident"),
                resident,
                1,
            );
            next += step;
        } else if clock::seconds_since(since) > SILENCE {
            break;
        }
    }
    let (seconds, come) = (clock::seconds_since(began), come(rig));
    outcome.figure("per_second", "decrypted by customers per second", come as f64 / seconds, 0);
    usage.report(&rig.stand, come, seconds, &mut outcome);
    let load = running.settle(rig).await?;
    reckon(rig, &load, &mut outcome).await;
    Ok(outcome)
}

pub(super) fn quantiles(
    outcome: &mut Outcome,
    (key, label): (&'static str, &'static str),
    histogram: &Histogram,
) {
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        outcome.figure(
            format!("{key}_{name}_ms"),
            format!("{label}, {name}, ms"),
            histogram.quantile(share),
            1,
        );
    }
}

/// Counts what must be none, after everything has come.
async fn reckon(rig: &Rig, load: &Load, outcome: &mut Outcome) {
    let accepted = load.accepted.get();
    outcome.count("accepted", "accepted by the API", accepted);
    let sum = |of: fn(&super::customer::Got) -> u64| -> u64 {
        rig.customers.iter().map(|customer| of(&customer.got.borrow())).sum()
    };
    let asked: u64 = rig.customers.iter().map(|customer| customer.asked()).sum();
    let came = sum(|got| got.in_order).saturating_sub(sum(|got| got.out_of_order));
    outcome.none("lost", "lost or out of order", asked.saturating_sub(came));
    outcome.none("out_of_order", "gaps", sum(|got| got.out_of_order));
    outcome.none("twice", "shown twice", sum(|got| got.twice));
    outcome.none("unreadable", "not decrypted", sum(|got| got.unreadable));
    if load.killed {
        outcome.count("repeated", "envelopes that came again", sum(|got| got.repeated));
    } else {
        outcome.none("repeated", "envelopes that came again", sum(|got| got.repeated));
    }
    if rig.options.per_second == 0 && rig.options.pair_ms == 0 {
        outcome.none("refused", "refused", load.refused.get());
    } else {
        outcome.count("refused", "refused, over a limit", load.refused.get());
    }
    if rig.options.webhooks && !load.killed {
        rig.sink.until(|told: &Told| told.delivered >= accepted).await;
        let told = rig.sink.told.borrow();
        outcome.count("statuses", "statuses told, each once and in order", told.statuses_in_order);
        outcome.none(
            "statuses_missing",
            "statuses missing",
            (2 * accepted).saturating_sub(told.statuses_in_order),
        );
        outcome.none("statuses_twice", "statuses told twice", told.twice);
        outcome.none("statuses_out_of_order", "statuses out of order", told.out_of_order);
        outcome.none("statuses_wrong", "webhooks that are none, or not signed", told.wrong);
    }
}

/// SIGKILL to the host, again and again, while the software sends and customers write.
pub(super) async fn kill(rig: &mut Rig) -> Result<Outcome, BenchError> {
    rig.options.webhooks = true;
    let mut running = Running::start(rig, u64::MAX, true).await?;
    let writing = inbound::Writing::beside(rig, rig.round);
    let began = clock::now();
    for kill in 1..=rig.options.kills {
        // Between a twentieth of a second and one, another time each time.
        let pause = 50 + u64::from(clock::since_1970().subsec_micros()) % 950;
        running.wait(Duration::from_millis(pause).as_secs_f64()).await?;
        let host = usize::try_from(kill).unwrap_or(0) % rig.stand.hosts.len();
        rig.stand.kill(host);
        // What it had said is heard before the next one says anything.
        running.wait(0.1).await?;
        rig.sink.killed();
        if rig.stand.hosts.len() > 1 {
            running.wait(TAKEN_OVER).await?;
        }
        rig.stand.start_again(host).await?;
        if kill % 10 == 0 {
            eprintln!("{kill} of {} kills, {:.0} s", rig.options.kills, clock::seconds_since(began));
        }
    }
    running.wait(1.0).await?;
    let mut outcome = Outcome::new("kill", format!("{}, customers write too", setting(rig)));
    outcome.count("kills", "SIGKILL to the host", rig.options.kills.into());
    let written = writing.stop().await?;
    let load = running.settle(rig).await?;
    outcome.count("unanswered", "requests without an answer", load.unanswered.get());
    reckon(rig, &load, &mut outcome).await;
    let ids = load.ids.take();
    rig.sink.until(|told| told.messages_in_order >= written && told.undelivered(&ids) == 0).await;
    let told = rig.sink.told.borrow();
    outcome.count("written", "written by customers", written);
    outcome.none("written_lost", "of that, not told or out of order", written - told.messages_in_order);
    outcome.none(
        "statuses_missing",
        "messages that were accepted, without all statuses",
        told.undelivered(&ids),
    );
    outcome.none("statuses_out_of_order", "webhooks out of order", told.out_of_order);
    outcome.none("told_twice", "webhooks told twice by one process", told.twice);
    outcome.count("told_again", "webhooks told again after a kill", told.again);
    outcome.none("wrong", "webhooks that are none, or not signed", told.wrong);
    Ok(outcome)
}
