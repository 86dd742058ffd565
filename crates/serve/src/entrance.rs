//! A crowd does not keep those waiting who are in: as long as it has not introduced itself, few of it are attended to in
//! each millisecond. The others wait, each a socket and nothing more, and the newest is next: who comes behind ten
//! thousand that say nothing does not wait for them.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until},
};

use crate::Peer;

/// Strangers from which on they are a crowd.
const CROWD: usize = 256;
/// How many of a crowd are attended to together, and how long after those before them.
const TOGETHER: u32 = 4;
const PAUSE: Duration = Duration::from_millis(1);

/// Who was accepted and is not attended to yet.
#[derive(Debug)]
pub(super) struct Entrance {
    most: usize,
    /// The oldest first.
    waiting: VecDeque<(TcpStream, Peer)>,
    next: Instant,
    left: u32,
}

impl Entrance {
    /// So many wait at most: the oldest has to go then.
    pub(super) fn new(most: usize) -> Self {
        Self { most, waiting: VecDeque::new(), next: Instant::now(), left: 0 }
    }

    /// Somebody new; who is to be attended to at once, if there is no crowd of strangers.
    pub(super) fn arrive(
        &mut self,
        tcp: TcpStream,
        peer: Peer,
        strangers: usize,
    ) -> Option<(TcpStream, Peer)> {
        if strangers < CROWD && self.waiting.is_empty() {
            return Some((tcp, peer));
        }
        // The oldest go first, here as there.
        while self.waiting.len() >= self.most
            || self.waiting.front().is_some_and(|(_, peer)| peer.is_evicted())
        {
            self.waiting.pop_front();
        }
        self.waiting.push_back((tcp, peer));
        None
    }

    /// Sends the oldest of those who wait away; whether there was one.
    pub(super) fn make_room(&mut self) -> bool {
        self.waiting.pop_front().is_some()
    }

    /// The next of those who wait, when it is their turn. Dropped, it takes nobody.
    pub(super) async fn next(&mut self) -> (TcpStream, Peer) {
        loop {
            if self.waiting.is_empty() {
                return std::future::pending().await;
            }
            if self.left == 0 {
                sleep_until(self.next).await;
                self.left = TOGETHER;
                self.next = Instant::now() + PAUSE;
            }
            self.left -= 1;
            if let Some((tcp, peer)) = self.waiting.pop_back()
                && !peer.is_evicted()
            {
                return (tcp, peer);
            }
        }
    }
}
