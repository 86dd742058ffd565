//! The load generator for the host.
//!
//! [`run`] goes through the tests of [`Options`] and returns a [`Report`]. A relay and a host are processes of their own;
//! the business's software, its callback and the customers' devices are one thread here. Each message says of which round
//! it is and which of its customer's it is, so that every one is checked off: once, and in order.

mod customer;
mod inbound;
mod options;
mod register;
mod send;
mod sink;
mod software;
mod stand;

use std::rc::Rc;

pub use self::options::{Options, Test};
use self::{customer::Customer, sink::Sink, software::Software, stand::Stand};
use crate::process;
pub use crate::{error::BenchError, report::Report};

/// Measures, on a thread of its own. Says on standard error how far it is.
///
/// # Errors
/// When there are no figures: a server does not start, a connection breaks, options do not fit.
pub async fn run(options: Options) -> Result<Report, BenchError> {
    crate::thread::run(move || measure(options)).await
}

/// All parts of a test.
struct Rig {
    options: Options,
    stand: Stand,
    software: Software,
    customers: Vec<Rc<Customer>>,
    sink: Rc<Sink>,
    round: u32,
}

impl Rig {
    /// Begins to count anew.
    fn begin(&mut self) {
        self.round += 1;
        self.sink.begin(self.round);
    }
}

async fn measure(options: Options) -> Result<Report, BenchError> {
    options.validate()?;
    process::ensure_files(u64::from(options.customers) + u64::from(options.connections) + 500)?;
    let stand = Stand::start(&options).await?;
    let sink = Sink::start(&stand.demo).await?;
    let software = Software::new(&stand);
    software.tell(&sink).await?;
    let customers = register::customers(&stand, &options).await?;
    let mut rig = Rig { options, stand, software, customers, sink, round: 0 };
    inbound::meet(&mut rig).await?;
    let mut report = Report::new(rig.options.hosts, rig.options.database());
    for round in 1..=rig.options.rounds {
        let mut outcomes = Vec::new();
        for test in rig.options.tests.clone() {
            eprintln!("round {round} of {}: {test:?}", rig.options.rounds);
            outcomes.push(match test {
                Test::Send => send::send(&mut rig).await?,
                Test::Inbound => inbound::inbound(&mut rig).await?,
                Test::Both => send::both(&mut rig).await?,
                Test::Memory => send::memory(&mut rig).await?,
                Test::Kill => send::kill(&mut rig).await?,
            });
        }
        report.add(outcomes);
    }
    Ok(report)
}

/// Which message it is: of which round, to or from which customer, and which of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Label {
    round: u32,
    customer: u32,
    number: u64,
}

impl Label {
    /// A text that says so, and filling.
    fn text(self, bytes: u32) -> String {
        let Self { round, customer, number } = self;
        let width = usize::try_from(bytes).unwrap_or(0);
        format!("{:.<width$}", format!("{round} {customer} {number} "))
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            round: words.next()?.parse().ok()?,
            customer: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_say_which_they_are() {
        let label = Label { round: 3, customer: 17, number: 123_456 };
        let text = label.text(100);
        assert_eq!((text.len(), Label::read(&text)), (100, Some(label)));
        assert_eq!(Label::read("Hello"), None);
    }
}
