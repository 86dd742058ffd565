//! How many connections there may be: in all, of one address, and of those who have shown no credential.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{Listen, files, network};

/// Strangers who go together when there are no files left: others may need one that is no connection.
const ROOM: usize = 8;

/// The places there are.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    most_of_one: usize,
    most_strangers: usize,
    counted: metrics::Gauge,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    /// The oldest first.
    strangers: BTreeMap<u64, CancellationToken>,
}

/// The other end of a connection, in the extensions of each of its requests.
///
/// The connection counts until all clones and all [`Seat`]s of it are dropped: who upgrades it keeps one.
#[derive(Debug, Clone)]
pub struct Peer {
    seat: Seat,
    http: Arc<Http>,
}

/// The place that a connection takes. Smaller than a [`Peer`]: it is kept for as long as a socket is open.
#[derive(Debug, Clone)]
pub struct Seat(Arc<Place>);

#[derive(Debug)]
struct Place {
    seats: Arc<Seats>,
    number: u64,
    address: IpAddr,
}

/// What there is to know while HTTP is spoken.
#[derive(Debug)]
struct Http {
    admitted: AtomicBool,
    evicted: CancellationToken,
    /// When bytes of an answer without an end were last taken.
    moved: Mutex<Option<Instant>>,
    begins_to_send: Notify,
}

/// A long answer under way. Until it is dropped, it has to move.
#[derive(Debug)]
pub struct Sending(Peer);

impl Sending {
    /// The other side takes bytes.
    pub fn moves(&self) {
        self.0.moved(Some(Instant::now()));
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.moved(None);
    }
}

impl Seats {
    pub(super) fn new(config: &Listen, counted: metrics::Gauge) -> Self {
        let (connections, strangers) = files::room();
        if connections < config.connections {
            tracing::info!(
                connections,
                "the system lets this process have fewer connections than it is set to"
            );
        }
        Self {
            most: config.connections.min(connections),
            // Behind proxies all come from few addresses.
            most_of_one: if config.proxies > 0 { usize::MAX } else { config.connections_per_address },
            most_strangers: config.strangers.min(strangers),
            counted,
            taken: Mutex::default(),
        }
    }

    /// A place for a connection from this address, if there is one. Should there be too many strangers, the oldest
    /// of them has to go: who is slow to introduce himself does not keep others out.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Peer> {
        let mut taken = self.taken();
        let counted = network(address);
        let of_one = taken.by_address.get(&counted).copied().unwrap_or_default();
        if taken.all >= self.most || of_one >= self.most_of_one {
            return None;
        }
        if taken.strangers.len() >= self.most_strangers
            && let Some((_, oldest)) = taken.strangers.pop_first()
        {
            oldest.cancel();
        }
        let number = taken.next;
        let evicted = CancellationToken::new();
        taken.next += 1;
        taken.all += 1;
        taken.by_address.insert(counted, of_one + 1);
        taken.strangers.insert(number, evicted.clone());
        self.counted.increment(1.0);
        let seat = Seat(Arc::new(Place { seats: self.clone(), number, address }));
        let (moved, begins_to_send) = (Mutex::default(), Notify::new());
        let http = Arc::new(Http { admitted: AtomicBool::new(false), evicted, moved, begins_to_send });
        Some(Peer { seat, http })
    }

    /// Sends the oldest strangers away; whether there were any.
    pub(super) fn make_room(&self) -> bool {
        let mut taken = self.taken();
        let gone = (0..ROOM).map_while(|_| taken.strangers.pop_first());
        gone.map(|(_, stranger)| stranger.cancel()).count() > 0
    }

    /// How many are in who have shown no credential.
    pub(super) fn strangers(&self) -> usize {
        self.taken().strangers.len()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer {
    /// Where the connection comes from; behind a proxy, the proxy.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.seat.0.address
    }

    /// The place alone.
    #[must_use]
    pub fn seat(&self) -> Seat {
        self.seat.clone()
    }

    /// Whether others need the place more.
    pub(super) fn is_evicted(&self) -> bool {
        self.http.evicted.is_cancelled()
    }

    /// A good credential was shown: no longer a stranger.
    pub fn admit(&self) {
        if !self.http.admitted.swap(true, Relaxed) {
            let place = &self.seat.0;
            place.seats.taken().strangers.remove(&place.number);
        }
    }

    /// A long answer begins.
    #[must_use]
    pub fn sending(self) -> Sending {
        self.moved(Some(Instant::now()));
        self.http.begins_to_send.notify_one();
        Sending(self)
    }

    fn moved(&self, at: Option<Instant>) {
        *self.http.moved.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Waits until a long answer was not taken further for as long as this.
    pub(super) async fn stalled(&self, patience: Duration) {
        loop {
            let moved = *self.http.moved.lock().unwrap_or_else(PoisonError::into_inner);
            match moved.map(|moved| moved + patience) {
                None => self.http.begins_to_send.notified().await,
                Some(until) if until <= Instant::now() => return,
                Some(until) => sleep_until(until).await,
            }
        }
    }

    /// Waits until the connection has to make room for others.
    pub(super) async fn evicted(&self) {
        self.http.evicted.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all = taken.all.saturating_sub(1);
        self.seats.counted.decrement(1.0);
        taken.strangers.remove(&self.number);
        let counted = network(self.address);
        match taken.by_address.get_mut(&counted) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.by_address.remove(&counted)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(connections: usize, connections_per_address: usize, strangers: usize) -> Arc<Seats> {
        let config = Listen { connections, connections_per_address, strangers, ..Listen::default() };
        Arc::new(Seats::new(&config, metrics::Gauge::noop()))
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn one_address_does_not_take_all_places() {
        let seats = seats(10, 2, 10);
        let first = seats.take(address(1)).unwrap();
        let _second = seats.take(address(1)).unwrap();
        assert!(seats.take(address(1)).is_none());
        let _other = seats.take(address(2)).unwrap();
        drop(first);
        assert!(seats.take(address(1)).is_some());
        assert_eq!(seats.taken().all, 2);
    }

    #[test]
    fn the_oldest_stranger_makes_room() {
        let seats = seats(10, 10, 2);
        let known = seats.take(address(1)).unwrap();
        known.admit();
        let oldest = seats.take(address(2)).unwrap();
        let _middle = seats.take(address(3)).unwrap();
        let _newest = seats.take(address(4)).unwrap();
        assert!(oldest.http.evicted.is_cancelled());
        assert!(!known.http.evicted.is_cancelled());
        assert_eq!(seats.taken().strangers.len(), 2);
    }
}
