use std::collections::{BTreeSet, HashMap};

use signal::{
    DecryptError, DecryptionErrorMessage, EncryptError, MessageKind, PlaintextContent, PreKeyIds,
    PreKeySignalMessage, SignalMessage, Timestamp, keys::PublicKey,
};

use super::{
    Line, Party, Step, Who,
    model::{Record, SessionNumber, Stamp, Why},
    party::Refusal,
    wire,
};

const DAY: u64 = 24 * 60 * 60 * 1000;
/// More messages than this are never under way at a time: what is too much is lost.
const CAPACITY: usize = 4096;

/// A message on its way, or one that arrived.
#[derive(Clone)]
pub(crate) struct Letter {
    pub(crate) line: Line,
    pub(crate) plaintext: Vec<u8>,
    pub(crate) kind: MessageKind,
    pub(crate) bytes: Vec<u8>,
    /// Whether its receiver has decrypted it.
    pub(crate) read: bool,
    stamp: Stamp,
    /// What it names if it carries a handshake.
    handshake: Option<(PreKeyIds, PublicKey)>,
}

/// Three parties, of which some may stay silent, and what is between them.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) under_way: Vec<Letter>,
    pub(crate) arrived: Vec<Letter>,
    /// Why messages that arrived were not read.
    pub(crate) refused: BTreeSet<Why>,
    parties: Vec<Party>,
    records: HashMap<Line, Record>,
    sessions: SessionNumber,
    letters: usize,
}

impl World {
    pub(crate) fn new(seed: u8) -> Self {
        let now = Timestamp(1_700_000_000_000);
        Self {
            now,
            under_way: Vec::new(),
            arrived: Vec::new(),
            refused: BTreeSet::new(),
            parties: Who::ALL.map(|who| Party::new(who, seed, now)).to_vec(),
            records: HashMap::new(),
            sessions: 0,
            letters: 0,
        }
    }

    pub(crate) fn party(&self, who: Who) -> &Party {
        &self.parties[who as usize]
    }

    fn party_mut(&mut self, who: Who) -> &mut Party {
        &mut self.parties[who as usize]
    }

    /// What the sender of the line shares with its receiver.
    fn record(&mut self, line: Line) -> &mut Record {
        self.records.entry(line).or_default()
    }

    pub(crate) fn take_step(&mut self, step: Step) {
        match step {
            Step::Send(line) => self.send_off(line),
            Step::Talk(line, rounds) => {
                for _ in 0..rounds {
                    self.say(line);
                    self.say(line.back());
                }
            }
            Step::Flood(line, count) => {
                for number in 0..count {
                    // The first two, the last two and one between are not lost.
                    let stays = number < 2 || number + 2 >= count || number == count / 2;
                    let letter = self.write(line, None);
                    if stays {
                        self.under_way.push(letter);
                    }
                }
            }
            Step::Deliver(at) => {
                if let Some(letter) = self.take(at) {
                    self.deliver(letter);
                }
            }
            Step::Again(at) => {
                if let Some(at) = at.checked_rem(self.arrived.len()) {
                    let letter = self.arrived.swap_remove(at);
                    self.deliver(letter);
                }
            }
            Step::Lose(at) => drop(self.take(at)),
            Step::Damage(at, bit) => self.damage(at, bit),
            Step::Stray(at, way) => self.stray(at, way),
            Step::Restart(who) => self.party_mut(who).restart(),
            Step::Reset(line, count, heard) => {
                for _ in 0..count {
                    self.start(line);
                    if heard { self.say(line) } else { self.send_off(line) }
                }
            }
            Step::Archive(line) => self.archive(line),
            Step::Forget(line) => {
                self.party_mut(line.from).forget(line.to);
                *self.record(line) = Record::default();
            }
            Step::Cross(line) => {
                self.start(line);
                self.start(line.back());
                self.send_off(line);
                self.send_off(line.back());
            }
            Step::Wait(days) => self.now.0 += u64::from(days) * DAY,
            Step::Rotate(who) => {
                let now = self.now;
                self.party_mut(who).rotate(now);
            }
            Step::Stock(who) => {
                let now = self.now;
                self.party_mut(who).stock(now);
            }
        }
    }

    fn take(&mut self, at: usize) -> Option<Letter> {
        let at = at.checked_rem(self.under_way.len())?;
        Some(self.under_way.remove(at))
    }

    fn start(&mut self, line: Line) {
        let now = self.now;
        let bundle = self.party_mut(line.to).bundle();
        self.party_mut(line.from).start(line.to, &bundle, now);
        self.sessions += 1;
        let session = self.sessions;
        self.record(line).start(session, now);
        self.compare(line);
    }

    fn archive(&mut self, line: Line) {
        self.party_mut(line.from).session_mut(line.to).archive_current();
        self.record(line).archive();
        self.compare(line);
    }

    /// A session was archived, or may have been.
    fn compare(&mut self, line: Line) {
        let stored = self.party(line.from).session(line.to).to_bytes();
        self.record(line).compare(&wire::archived_lengths(&stored));
    }

    /// A message was read.
    fn advance(&mut self, line: Line, record: Record) {
        let before = std::mem::replace(self.record(line), record).current;
        if self.record(line).current != before {
            self.compare(line);
        }
    }

    /// A message leaves, in a new session if there is none to send in.
    fn send_off(&mut self, line: Line) {
        let letter = self.write(line, None);
        if self.under_way.len() < CAPACITY {
            self.under_way.push(letter);
        }
    }

    /// A message leaves and arrives.
    fn say(&mut self, line: Line) {
        let letter = self.write(line, None);
        self.deliver(letter);
    }

    /// Encrypts `plaintext`, or something of which no two messages are alike.
    pub(crate) fn write(&mut self, line: Line, plaintext: Option<Vec<u8>>) -> Letter {
        let now = self.now;
        let number = self.letters;
        self.letters += 1;
        let plaintext = plaintext.unwrap_or_else(|| {
            let mut text = format!("message {number}, {line:?}").into_bytes();
            text.resize(text.len() + number * 37 % 200, b'.');
            text
        });
        let sends_in = self.record(line).sends_in(now);
        let session = self.party(line.from).session(line.to);
        assert_eq!(session.can_encrypt(now), sends_in.is_some(), "{line:?}: whether there is a session");
        let (number, answered) = sends_in.unwrap_or_else(|| {
            self.refuses_to_send(line);
            self.start(line);
            self.record(line).sends_in(now).expect("a new session can be sent in")
        });
        let party = self.party_mut(line.from);
        let message = party.send(line.to, &plaintext, now).expect("there is a session");
        let kind = if answered { MessageKind::Signal } else { MessageKind::PreKey };
        assert_eq!(message.kind, kind, "{line:?}: whether the session is answered");
        let letter = Letter::new(line, plaintext, message.kind, message.bytes, number);
        let key = letter.stamp.ratchet_key;
        assert!(self.party(line.from).session(line.to).sends_under(&key));
        self.record(line).sent(letter.stamp.epoch);
        letter
    }

    fn refuses_to_send(&mut self, line: Line) {
        let now = self.now;
        let has_current = self.record(line).current.is_some();
        let expected = if has_current { EncryptError::Unanswered } else { EncryptError::NoSession };
        let party = self.party_mut(line.from);
        let before = party.session(line.to).to_bytes();
        assert_eq!(party.send(line.to, b"nothing", now), Err(expected));
        assert!(party.session(line.to).to_bytes() == before, "a refused message changed the session");
    }

    /// What the model says will become of a message: the receiver's record after it, or why it is not read.
    fn foretell(&mut self, letter: &Letter) -> Result<Record, Why> {
        let back = letter.line.back();
        let known = self.record(back).knows(letter.stamp.session);
        let prekeys = &self.party(letter.line.to).prekeys;
        let prekeys = letter.handshake.map(|(ids, base_key)| prekeys.find(ids, base_key).is_some());
        let outcome = self.record(back).receive(&letter.stamp, prekeys.filter(|_| !known));
        match outcome {
            Err(Why::Duplicate) if !letter.read => Err(Why::SeedForgotten),
            other => other,
        }
    }

    /// A message arrives, and what becomes of it must be what the model says.
    pub(crate) fn deliver(&mut self, mut letter: Letter) -> Option<Vec<u8>> {
        let foretold = self.foretell(&letter);
        let sender = self.party(letter.line.from).identity();
        let line = letter.line;
        let outcome = self.party_mut(line.to).receive(line.from, letter.kind, &letter.bytes);
        let mut plaintext = None;
        match (outcome, foretold) {
            (Ok(decrypted), Ok(record)) => {
                assert!(!letter.read, "{line:?}: a message was read twice");
                assert!(*decrypted.plaintext == letter.plaintext, "{line:?}: another plaintext came out");
                assert_eq!(decrypted.identity, sender, "{line:?}: another sender came out");
                letter.read = true;
                self.advance(line.back(), record);
                plaintext = Some(decrypted.plaintext.to_vec());
            }
            (Err(refusal), Err(why)) => {
                let duplicate = refusal == Refusal::Decrypt(DecryptError::Duplicate);
                let expected = matches!(why, Why::Duplicate | Why::SeedForgotten);
                assert_eq!(duplicate, expected, "{line:?}: {why:?}, and the error is {refusal:?}");
                self.refused.insert(why);
            }
            (Err(refusal), Ok(_)) => panic!("{line:?}: a good message was refused: {refusal:?}"),
            (Ok(_), Err(why)) => panic!("{line:?}: a message was read in spite of {why:?}"),
        }
        self.arrived.push(letter);
        plaintext
    }

    /// A message arrives damaged. The good one stays under way, unless the damage is where nothing depends on it.
    fn damage(&mut self, at: usize, bit: usize) {
        let Some(at) = at.checked_rem(self.under_way.len()) else { return };
        let letter = self.under_way[at].clone();
        let mut bytes = letter.bytes.clone();
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let foretold = self.foretell(&letter);
        let sender = self.party(letter.line.from).identity();
        let line = letter.line;
        let outcome = self.party_mut(line.to).receive(line.from, letter.kind, &bytes);
        let Ok(decrypted) = outcome else { return };
        assert_eq!(letter.kind, MessageKind::PreKey, "{line:?}: bit {bit} of a message is free");
        assert!(*decrypted.plaintext == letter.plaintext, "{line:?}: another plaintext came out");
        assert_eq!(decrypted.identity, sender, "{line:?}: another sender came out");
        assert!(!letter.read, "{line:?}: a message was read twice");
        let Ok(record) = foretold else { panic!("{line:?}: a message that cannot be read was, damaged") };
        self.advance(line.back(), record);
        let mut letter = self.under_way.remove(at);
        letter.read = true;
        self.arrived.push(letter);
    }

    fn stray(&mut self, at: usize, way: u8) {
        let Some(at) = at.checked_rem(self.under_way.len()) else { return };
        let letter = self.under_way[at].clone();
        let Line { from, to } = letter.line;
        let third = Who::ALL.into_iter().find(|who| *who != from && *who != to).expect("there are three");
        let (sender, receiver) = match way % 3 {
            0 => (to, from),
            1 => (third, to),
            _ => (from, third),
        };
        let outcome = self.party_mut(receiver).receive(sender, letter.kind, &letter.bytes);
        let whose = letter.line;
        assert!(outcome.is_err(), "{receiver:?} read, as {sender:?}'s, a message {whose:?}");
    }

    /// The network is good from now on: what is under way arrives, and then everybody can talk to everybody.
    pub(crate) fn heal(&mut self, parties: usize) {
        for letter in std::mem::take(&mut self.under_way) {
            self.deliver(letter);
        }
        for _ in 0..2 {
            for line in Line::among(parties) {
                self.get_through(line);
            }
        }
        // Nothing is left to repair.
        for line in Line::among(parties) {
            let letter = self.write(line, None);
            assert!(self.deliver(letter).is_some(), "{line:?}: a healed session does not work");
        }
    }

    /// One message arrives and is read, at the second attempt at the latest.
    pub(crate) fn get_through(&mut self, line: Line) {
        let letter = self.write(line, None);
        if self.deliver(letter.clone()).is_some() {
            return;
        }
        self.ask_again(&letter);
        let letter = self.write(line, None);
        assert!(self.deliver(letter).is_some(), "{line:?}: a new session does not help");
    }

    /// The receiver asks for a message again that it could not read, and the sender repairs the session.
    fn ask_again(&mut self, letter: &Letter) {
        let Line { from, to } = letter.line;
        let device = self.party(to).device.address.device();
        let error = DecryptionErrorMessage::for_original(letter.kind, &letter.bytes, self.now, device);
        let request = PlaintextContent::from(error.expect("the message can be named")).serialize();
        let request = PlaintextContent::parse(&request.bytes).expect("the request can be read");
        let key = request.error.ratchet_key().expect("the message has a ratchet key");
        assert_eq!(*key, letter.stamp.ratchet_key);
        if self.party(from).session(to).sends_under(key) {
            self.archive(letter.line);
        }
    }
}

impl Letter {
    fn new(
        line: Line,
        plaintext: Vec<u8>,
        kind: MessageKind,
        bytes: Vec<u8>,
        session: SessionNumber,
    ) -> Self {
        let (handshake, inner) = match kind {
            MessageKind::PreKey => {
                let message = PreKeySignalMessage::parse(&bytes).expect("what is sent is read");
                let ids = message.prekeys().expect("sessions have a KEM");
                let inner = wire::bytes_field(&bytes, 4).expect("a message inside");
                (Some((ids, *message.base_key())), inner.to_vec())
            }
            _ => (None, bytes.clone()),
        };
        let message = SignalMessage::parse(&inner).expect("what is sent is read");
        let (epoch, index) = wire::post_quantum(&inner[..inner.len() - 8]);
        let (ratchet_key, counter) = (*message.ratchet_key(), message.counter());
        let names_session = handshake.is_some();
        let stamp = Stamp { session, names_session, ratchet_key, counter, epoch, index };
        Self { line, plaintext, kind, bytes, read: false, stamp, handshake }
    }

    /// Whether a thief of all of the receiver's keys could repeat the handshake of this message: it found no one-time
    /// key, and the keys that it found serve others still.
    pub(crate) fn handshake_can_be_repeated(&self, receiver: &Party) -> bool {
        let mut prekeys = receiver.prekeys.clone();
        prekeys.forget_answered();
        self.handshake.is_some_and(|(ids, base_key)| prekeys.find(ids, base_key).is_some())
    }

    /// The post-quantum epoch in which it was sent.
    pub(crate) fn epoch(&self) -> u64 {
        self.stamp.epoch
    }
}
