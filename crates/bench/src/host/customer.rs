//! A customer's device: it has a session with the business's, decrypts what comes, says that it came, and writes.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    sync::Arc,
};

use rand_chacha::ChaCha20Rng;
use signal::{
    DecryptError, KemPreKey, LocalDevice, PreKeySignalMessage, RegistrationId, ResponderKeys, Session,
    SignalMessage, SignedPreKey, Timestamp, Trust,
};
use tokio::sync::{Mutex, Semaphore};
use wire::{
    AccountId, Message as _, PhoneNumber,
    content::{Body, Content, Receipt, ReceiptType, Text},
    frames::{ClientFrame, Delivery, Envelope, Kind, Part, Send, ServerFrame},
    padding,
};

use super::Label;
use crate::{
    clock,
    error::BenchError,
    histogram::Histogram,
    link::{Frame, Link, Reader, Writer},
    place::Place,
};

/// What a device has besides its session.
pub(super) struct Keys {
    pub(super) local: Arc<LocalDevice>,
    pub(super) signed: SignedPreKey,
    pub(super) kem: KemPreKey,
    pub(super) rng: Rc<RefCell<ChaCha20Rng>>,
}

/// Who a device is at the relay.
pub(super) struct Own {
    pub(super) account: AccountId,
    pub(super) number: PhoneNumber,
    pub(super) token: String,
}

/// A customer.
pub(super) struct Customer {
    pub(super) index: u32,
    pub(super) own: Own,
    keys: Keys,
    business: AccountId,
    registration_id: RegistrationId,
    session: RefCell<Session>,
    writer: Mutex<Option<Writer>>,
    last_timestamp: Cell<u64>,
    sends: Cell<u64>,
    pub(super) got: RefCell<Got>,
}

/// What came in one round.
#[derive(Debug, Default)]
pub(super) struct Got {
    round: u32,
    /// When each was asked for.
    asked: Vec<u64>,
    /// Those that the host never answered, so that they may come or not.
    unanswered: BTreeSet<u64>,
    /// How many came, each the one after that before.
    pub(super) in_order: u64,
    pub(super) twice: u64,
    pub(super) out_of_order: u64,
    pub(super) unreadable: u64,
    /// Envelopes that came again, which a device does not show.
    pub(super) repeated: u64,
    /// Of those that were never answered: how many did not come.
    pub(super) left_out: u64,
    pub(super) refused: u64,
    pub(super) delays: Histogram,
    /// Where there is room for another message when one has come.
    room: Option<Rc<Semaphore>>,
}

impl Got {
    fn take(&mut self, round: u32, number: u64) {
        if round != self.round || number >= self.asked.len() as u64 {
            self.twice += 1;
            return;
        }
        let before = self.in_order;
        match number.cmp(&self.in_order) {
            std::cmp::Ordering::Less => self.twice += 1,
            std::cmp::Ordering::Equal => self.in_order += 1,
            std::cmp::Ordering::Greater => {
                let between = self.unanswered.range(before..number).count() as u64;
                self.left_out += between;
                if between < number - before {
                    self.out_of_order += 1;
                }
                self.in_order = number + 1;
            }
        }
        // For those that were never answered there was room again at once.
        let came = self.in_order.max(before) - before;
        let never = self.unanswered.range(before..self.in_order.max(before)).count() as u64;
        let come = usize::try_from(came - never).unwrap_or(0);
        self.room.iter().for_each(|room| room.add_permits(come));
        let asked = usize::try_from(number).ok().and_then(|number| self.asked.get(number));
        if let Some(asked) = asked {
            self.delays.add(clock::now().saturating_sub(*asked));
        }
    }
}

impl Customer {
    /// With a session that has begun.
    pub(super) fn new(
        index: u32,
        own: Own,
        keys: Keys,
        session: Session,
        (business, registration_id): (AccountId, RegistrationId),
    ) -> Self {
        Self {
            index,
            own,
            keys,
            business,
            registration_id,
            session: RefCell::new(session),
            writer: Mutex::new(None),
            last_timestamp: Cell::new(0),
            sends: Cell::new(0),
            got: RefCell::default(),
        }
    }

    /// Begins to count anew. When a message has come, there is room for another one.
    pub(super) fn begin(&self, round: u32, room: Rc<Semaphore>) {
        *self.got.borrow_mut() = Got { round, room: Some(room), ..Got::default() };
    }

    /// The software asks for its next message to this customer: which it is.
    pub(super) fn ask(&self) -> u64 {
        let mut got = self.got.borrow_mut();
        got.asked.push(clock::now());
        got.asked.len() as u64 - 1
    }

    /// It was not taken.
    pub(super) fn ask_back(&self) {
        self.got.borrow_mut().asked.pop();
    }

    /// There was no answer: it may come or not.
    pub(super) fn unanswered(&self, number: u64) {
        self.got.borrow_mut().unanswered.insert(number);
    }

    /// How many were asked for, and how many of these must have come by the time when all is quiet.
    pub(super) fn asked(&self) -> u64 {
        let got = self.got.borrow();
        let after = got.unanswered.range(got.in_order..).count() as u64;
        got.asked.len() as u64 - after - got.left_out
    }

    /// Goes online; the future is the device at work.
    pub(super) async fn connect(
        self: &Rc<Self>,
        place: &Place,
    ) -> Result<impl Future<Output = Result<(), BenchError>> + use<>, BenchError> {
        let Link { reader, writer } = Link::open(place, &self.own.token).await?;
        *self.writer.lock().await = Some(writer);
        Ok(self.clone().run(reader))
    }

    async fn run(self: Rc<Self>, mut reader: Reader) -> Result<(), BenchError> {
        loop {
            let mut frames = Vec::new();
            reader.read(|frame| frames.push(frame)).await?;
            let mut answer = ClientFrame::default();
            for frame in &frames {
                self.take(frame, &mut answer)?;
            }
            let mut writer = self.writer.lock().await;
            let writer = writer.as_mut().ok_or(BenchError::Closed(None))?;
            if answer.acknowledged > 0 {
                write(writer, &answer).await?;
            }
            if let Some(ping) = reader.ping() {
                writer.pong(&ping).await?;
            }
        }
    }

    /// Takes what came; what is to be said to it.
    fn take(&self, frame: &ServerFrame, answer: &mut ClientFrame) -> Result<(), BenchError> {
        self.got.borrow_mut().refused += frame.refusals.len() as u64;
        let mut arrived = Vec::new();
        for Delivery { number, envelope } in &frame.deliveries {
            answer.acknowledged = *number;
            let Some(envelope) = envelope else { continue };
            let content = match self.open(envelope) {
                Ok(Some(content)) => content,
                Err(DecryptError::Duplicate) => {
                    self.got.borrow_mut().repeated += 1;
                    continue;
                }
                Ok(None) | Err(_) => {
                    self.got.borrow_mut().unreadable += 1;
                    continue;
                }
            };
            if let Some(Body::Text(text)) = &content.body {
                arrived.push(content.timestamp);
                match Label::read(&text.body).filter(|label| label.customer == self.index) {
                    Some(label) => self.got.borrow_mut().take(label.round, label.number),
                    None => self.got.borrow_mut().unreadable += 1,
                }
            }
        }
        if !arrived.is_empty() {
            let receipt = Receipt { r#type: ReceiptType::Delivered.into(), timestamps: arrived };
            answer.sends.push(self.seal(Body::Receipt(receipt))?);
        }
        Ok(())
    }

    fn open(&self, envelope: &Envelope) -> Result<Option<Content>, DecryptError> {
        let (mut session, rng) = (self.session.borrow_mut(), &mut *self.keys.rng.borrow_mut());
        let opened = match envelope.kind() {
            Kind::Signal => {
                let Ok(message) = SignalMessage::parse(&envelope.body) else { return Ok(None) };
                session.decrypt(&message, Trust::FirstUse, rng)?
            }
            Kind::PreKey => {
                let Ok(message) = PreKeySignalMessage::parse(&envelope.body) else { return Ok(None) };
                let keys = ResponderKeys { one_time: None, signed: &self.keys.signed, kem: &self.keys.kem };
                session.decrypt_first(&message, Some(keys), Trust::FirstUse, rng)?
            }
            _ => return Ok(None),
        };
        Ok(padding::unpad(&opened.plaintext).and_then(|content| Content::decode(content).ok()))
    }

    /// Encrypts for the business's device.
    fn seal(&self, body: Body) -> Result<Send, BenchError> {
        let now = u64::try_from(clock::since_1970().as_millis()).unwrap_or(0);
        let timestamp = now.max(self.last_timestamp.get() + 1);
        self.last_timestamp.set(timestamp);
        let mut content = Content { timestamp, body: Some(body), ..Content::default() }.encode_to_vec();
        padding::pad(&mut content);
        let rng = &mut *self.keys.rng.borrow_mut();
        let message = self.session.borrow_mut().encrypt(&content, Trust::FirstUse, Timestamp(now), rng);
        let message = message.map_err(|error| BenchError::Failed(error.to_string()))?;
        let part = Part {
            device: 1,
            registration_id: self.registration_id.0,
            kind: i32::from(message.kind as u8),
            body: message.bytes.into(),
        };
        let mut id = *self.own.account.as_bytes();
        self.sends.set(self.sends.get() + 1);
        id[8..].copy_from_slice(&self.sends.get().to_be_bytes());
        Ok(Send {
            id: id.to_vec().into(),
            to: self.business.as_bytes().to_vec().into(),
            timestamp,
            transient: false,
            parts: vec![part],
        })
    }

    /// Writes to the business: all of it in one frame.
    pub(super) async fn say(&self, texts: impl IntoIterator<Item = String>) -> Result<(), BenchError> {
        // Encrypted and written under one lock: the order of one is that of the other.
        let mut writer = self.writer.lock().await;
        let sends = texts.into_iter().map(|body| self.seal(Body::Text(Text { body })));
        let frame = ClientFrame { sends: sends.collect::<Result<_, _>>()?, acknowledged: 0 };
        write(writer.as_mut().ok_or(BenchError::Closed(None))?, &frame).await
    }
}

async fn write(writer: &mut Writer, frame: &ClientFrame) -> Result<(), BenchError> {
    let mut bytes = Frame::default();
    bytes.payload().extend(frame.encode_to_vec());
    writer.write(&mut bytes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_checked_off() {
        let mut got = Got { round: 2, asked: vec![0; 4], ..Got::default() };
        for (round, number) in [(2, 0), (2, 1), (2, 1), (2, 3), (1, 0), (2, 2), (2, 4)] {
            got.take(round, number);
        }
        assert_eq!((got.in_order, got.twice, got.out_of_order), (4, 4, 1));
    }

    #[test]
    fn what_was_never_answered_may_be_missing() {
        let room = Rc::new(Semaphore::new(0));
        let unanswered = [1, 2, 5].into();
        let mut got = Got { asked: vec![0; 6], unanswered, room: Some(room.clone()), ..Got::default() };
        for number in [0, 2, 3, 4] {
            got.take(0, number);
        }
        assert_eq!((got.in_order, got.out_of_order, got.left_out, got.twice), (5, 0, 1, 0));
        assert_eq!(room.available_permits(), 3);
    }
}
