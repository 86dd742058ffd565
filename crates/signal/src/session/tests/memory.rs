//! What is used up is gone from memory: the heap is searched for it.
//!
//! Not the stack: copies that the compiler leaves there are out of reach of safe Rust (SECURITY).

use std::{
    fs::{self, File},
    ops::Range,
    os::unix::fs::FileExt as _,
    thread,
};

use keys::Secret;

use super::{
    super::chain::MessageKeys,
    party::{NOW, Pair, Party},
};
use crate::{Session, Trust};

/// More than the stack that is searched around.
const STACK: usize = 1 << 20;
/// Bytes read at a time.
const PIECE: usize = 1 << 20;
/// What is looked for is kept under this, so that the search finds no copy of its own.
const MASK: u8 = 0xA5;

/// A secret to look for.
struct Needle {
    what: &'static str,
    masked: [u8; 32],
}

impl Needle {
    fn new(what: &'static str, secret: &Secret<32>) -> Self {
        Self { what, masked: secret.expose().map(|byte| byte ^ MASK) }
    }

    fn is(&self, bytes: &[u8]) -> bool {
        bytes.iter().zip(&self.masked).all(|(byte, masked)| byte ^ MASK == *masked)
    }

    fn within(&self, bytes: &[u8]) -> bool {
        bytes.windows(32).any(|window| self.is(window))
    }
}

/// Private memory that this process may write, without files and the main stack.
fn regions() -> Vec<Range<usize>> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let regions = maps.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (range, access, name) = (words.next()?, words.next()?, words.nth(3).unwrap_or_default());
        let (start, end) = range.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        let heap = access == "rw-p" && (name.is_empty() || name == "[heap]" || name.starts_with("[anon"));
        heap.then_some(address(start)?..address(end)?)
    });
    regions.collect()
}

/// Which of `needles` are in memory, as often as they are. Neither the stack of this thread is searched nor the search's own
/// buffer.
fn in_memory(needles: &[Needle]) -> Vec<&'static str> {
    let here = std::ptr::from_ref(&needles).addr();
    let mut piece = vec![0; PIECE];
    let own = piece.as_ptr().addr();
    let apart = [here - STACK..here + STACK, own..own + PIECE];

    let mut starts = vec![false; 1 << 16];
    let start = |two: &[u8]| usize::from(two[0]) << 8 | usize::from(two[1]);
    for needle in needles {
        starts[start(&needle.masked.map(|byte| byte ^ MASK))] = true;
    }
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    for region in regions() {
        // Pieces overlap by what a secret that began in one may need of the next.
        for at in region.clone().step_by(PIECE - 31) {
            let length = PIECE.min(region.end - at);
            // What was given back meanwhile holds nothing.
            let Ok(()) = memory.read_exact_at(&mut piece[..length], at as u64) else { continue };
            for (offset, window) in piece[..length].windows(32).enumerate() {
                if starts[start(window)] && !apart.iter().any(|apart| apart.contains(&(at + offset))) {
                    found.extend(needles.iter().filter(|needle| needle.is(window)).map(|needle| needle.what));
                }
            }
        }
    }
    found
}

/// What a session holds of its own, at this moment.
fn held(session: &Session) -> Vec<Needle> {
    let ratchet = session.current.as_ref().unwrap();
    let receiving = ratchet.receiving.iter().map(|chain| Needle::new("receiving chain", &chain.chain.key));
    let own = [Needle::new("root", &ratchet.root), Needle::new("sending chain", &ratchet.sending.chain.key)];
    own.into_iter().chain(receiving).collect()
}

/// What the next message of a session will be encrypted with.
fn upcoming(session: &Session, sender: &Party) -> Vec<Needle> {
    let mut ratchet = session.current.clone().unwrap();
    let seed = ratchet.sending.chain.step().unwrap();
    let (_, salt) = ratchet.spqr.send(&mut sender.rng.clone());
    let keys = MessageKeys::derive(&seed, &salt);
    vec![
        Needle::new("seed", &seed),
        Needle::new("salt", &salt),
        Needle::new("cipher key", &keys.cipher),
        Needle::new("MAC key", &keys.mac),
    ]
}

/// A conversation with messages that overtake each other; every secret that was in use meanwhile.
fn converse(alice: &mut Party, bob: &mut Party, to_bob: &mut Session, to_alice: &mut Session) -> Vec<Needle> {
    let mut needles = Vec::new();
    // An epoch of the post-quantum ratchet is some 45 round trips.
    for _ in 0..60 {
        exchange(alice, to_bob, bob, to_alice, &mut needles);
        exchange(bob, to_alice, alice, to_bob, &mut needles);
    }
    needles
}

/// Three messages, of which the first arrives last.
fn exchange(
    sender: &mut Party,
    sending: &mut Session,
    receiver: &mut Party,
    receiving: &mut Session,
    needles: &mut Vec<Needle>,
) {
    let messages: Vec<_> = (0..3)
        .map(|_| {
            needles.extend(held(sending));
            needles.extend(upcoming(sending, sender));
            sending.encrypt(b"text", Trust::FirstUse, NOW, &mut sender.rng).unwrap()
        })
        .collect();
    for index in [1, 2, 0] {
        receiver.receive(receiving, &messages[index]).unwrap();
        needles.extend(held(receiving));
    }
}

#[test]
fn what_is_used_up_is_nowhere_in_the_heap() {
    let probe = || {
        let Pair { mut alice, mut bob, to_bob, to_alice } = Pair::established(0xE0);
        // On the heap, so that what is held is found.
        let (mut to_bob, mut to_alice) = (Box::new(to_bob), Box::new(to_alice));
        let mut needles = held(&to_bob);
        needles.extend(held(&to_alice));
        let found = in_memory(&needles);
        assert!(found.contains(&"root") && found.contains(&"sending chain"), "the search works: {found:?}");

        needles.extend(converse(&mut alice, &mut bob, &mut to_bob, &mut to_alice));
        let states = [to_bob.to_bytes(), to_alice.to_bytes()];
        needles.retain(|needle| states.iter().all(|state| !needle.within(state)));
        drop(states);
        assert!(needles.len() > 1000, "{} are used up", needles.len());
        let found = in_memory(&needles);
        assert!(found.is_empty(), "used up and still in memory: {found:?}");
    };
    thread::Builder::new().stack_size(STACK).spawn(probe).unwrap().join().unwrap();
}
