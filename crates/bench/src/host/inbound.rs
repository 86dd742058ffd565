//! Customers write, and the business's software is told.

use std::{cell::Cell, rc::Rc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::{Label, Rig, customer::Customer, send::quantiles, sink::Sink, stand::Usage};
use crate::{clock, error::BenchError, histogram::Histogram, report::Outcome};

/// Messages that a customer writes one right after the other.
const BURST: u32 = 4;
const LOOK: Duration = Duration::from_millis(20);

/// What all lanes share.
struct Load {
    sink: Rc<Sink>,
    round: u32,
    body: u32,
    stop: Cell<bool>,
    written: Cell<u64>,
}

impl Load {
    fn new(rig: &mut Rig) -> Rc<Self> {
        rig.begin();
        Self::of(rig, rig.round)
    }

    fn of(rig: &Rig, round: u32) -> Rc<Self> {
        Rc::new(Self {
            sink: rig.sink.clone(),
            round,
            body: rig.options.body,
            stop: Cell::new(false),
            written: Cell::new(0),
        })
    }

    /// A customer writes so many messages; returns when the software was told of all that it wrote.
    async fn write(&self, customer: &Customer, count: u32) -> Result<(), BenchError> {
        let mut texts = Vec::new();
        let mut all_told = None;
        for _ in 0..count {
            let (number, told) = self.sink.told.borrow_mut().write(customer.index);
            let label = Label { round: self.round, customer: customer.index, number };
            texts.push(label.text(self.body));
            all_told = Some(told);
        }
        self.written.set(self.written.get() + u64::from(count));
        customer.say(texts).await?;
        let Some(all_told) = all_told else { return Ok(()) };
        loop {
            let told = all_told.notified();
            if self.sink.told.borrow().all_of(customer.index) {
                return Ok(());
            }
            told.await;
        }
    }
}

/// Customers that write beside something else.
pub(super) struct Writing {
    load: Rc<Load>,
    lanes: JoinSet<Result<(), BenchError>>,
}

impl Writing {
    /// A tenth of all customers at a time, in this round.
    pub(super) fn beside(rig: &Rig, round: u32) -> Self {
        let load = Load::of(rig, round);
        let lanes = lanes(rig, &load, rig.customers.len().div_ceil(10));
        Self { load, lanes }
    }

    /// They stop when what they wrote was told, or is not told for a while; how much it was.
    pub(super) async fn stop(mut self) -> Result<u64, BenchError> {
        self.load.stop.set(true);
        let written = self.load.written.get();
        self.load.sink.until(|told| told.messages_in_order >= written).await;
        while let Some(ended) = self.lanes.try_join_next() {
            ended.map_err(|error| BenchError::Failed(error.to_string()))??;
        }
        Ok(written)
    }
}

/// So many customers at a time write, one after the other, until the load stops.
fn lanes(rig: &Rig, load: &Rc<Load>, count: usize) -> JoinSet<Result<(), BenchError>> {
    let mut tasks = JoinSet::new();
    for lane in 0..count {
        let customers: Vec<_> = rig.customers.iter().skip(lane).step_by(count).cloned().collect();
        let load = load.clone();
        tasks.spawn_local(async move {
            for customer in customers.iter().cycle() {
                if load.stop.get() {
                    break;
                }
                load.write(customer, BURST).await?;
            }
            Ok::<_, BenchError>(())
        });
    }
    tasks
}

/// All customers write for the first time: from then on the business may answer them.
pub(super) async fn meet(rig: &mut Rig) -> Result<(), BenchError> {
    let began = clock::now();
    let load = Load::new(rig);
    let mut tasks = JoinSet::new();
    for customer in rig.customers.clone() {
        let load = load.clone();
        tasks.spawn_local(async move { load.write(&customer, 1).await });
    }
    load.sink.until(|told| told.messages_in_order >= rig.customers.len() as u64).await;
    let told = load.sink.told.borrow().messages_in_order;
    if told < rig.customers.len() as u64 {
        return Err(BenchError::Failed(format!(
            "of {} customers only {told} came through",
            rig.customers.len()
        )));
    }
    eprintln!("all of them wrote in {:.1} s", clock::seconds_since(began));
    Ok(())
}

/// As many messages as `--under-way` allows, for some seconds.
pub(super) async fn inbound(rig: &mut Rig) -> Result<Outcome, BenchError> {
    rig.software.tell(&rig.sink).await?;
    let load = Load::new(rig);
    let count = (rig.options.under_way / BURST).clamp(1, rig.options.customers);
    let mut tasks = lanes(rig, &load, usize::try_from(count).unwrap_or(1));
    let mut wait = async |seconds: u32| {
        let began = clock::now();
        while clock::seconds_since(began) < f64::from(seconds) {
            sleep(LOOK).await;
            while let Some(ended) = tasks.try_join_next() {
                ended.map_err(|error| BenchError::Failed(error.to_string()))??;
            }
        }
        Ok::<_, BenchError>(())
    };
    wait(rig.options.warm_up).await?;
    let told = || load.sink.told.borrow().messages_in_order;
    load.sink.told.borrow_mut().delays = Histogram::default();
    let (before, usage, began) = (told(), Usage::now(&rig.stand), clock::now());
    wait(rig.options.seconds).await?;
    let (seconds, come) = (clock::seconds_since(began), told() - before);
    load.stop.set(true);
    let setting = format!(
        "1 number, {} customers, {} at a time write {BURST} messages of {} bytes, one callback",
        rig.options.customers, count, rig.options.body
    );
    let mut outcome = Outcome::new("inbound", setting);
    outcome.figure("per_second", "webhooks with a message per second", come as f64 / seconds, 0);
    usage.report(&rig.stand, come, seconds, &mut outcome);
    let delays = load.sink.told.borrow().delays.clone();
    quantiles(&mut outcome, ("webhook", "from writing until told"), &delays);
    let written = load.written.get();
    load.sink.until(|told| told.messages_in_order >= written).await;
    let told = load.sink.told.borrow();
    outcome.count("written", "written by customers", written);
    outcome.none("lost", "lost or out of order", written.saturating_sub(told.messages_in_order));
    outcome.none("out_of_order", "gaps", told.out_of_order);
    outcome.none("twice", "told twice", told.twice);
    outcome.none("wrong", "webhooks that are none, or not signed", told.wrong);
    outcome.none(
        "refused",
        "refused by the relay",
        rig.customers.iter().map(|c| c.got.borrow().refused).sum(),
    );
    Ok(outcome)
}
