//! The relay, in memory.

mod http;
pub(crate) mod labels;
mod link;
mod socket;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use wire::{
    AccountId, Base64, DeviceId, Token,
    api::{Key, SignedKey},
    frames::{Delivery, Envelope, Expired, Kind, Notice, Reason, Refusal, Send, ServerFrame, notice},
};

pub(crate) use link::TestLink;

/// A relay.
#[derive(Default)]
pub(crate) struct Relay {
    state: Mutex<State>,
    provisioned: Notify,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    provisioning: BTreeMap<String, Option<Base64>>,
    linking_codes: BTreeMap<String, AccountId>,
    pub(crate) blobs: BTreeMap<String, Blob>,
    /// How often somebody else is still found to upload the same.
    pub(crate) busy: u32,
    /// Refuses the next sends with this reason.
    pub(crate) refuse: VecDeque<Reason>,
    /// Refuses what devices of one account send each other, for a while.
    pub(crate) refuse_copies: bool,
    counter: u64,
    pub(crate) labels: labels::Labels,
}

pub(crate) struct Blob {
    pub(crate) size: u64,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Account {
    pub(crate) number: String,
    identity: Base64,
    pub(crate) devices: BTreeMap<DeviceId, Device>,
    profile: Option<Base64>,
    blocked: BTreeSet<AccountId>,
    pub(crate) pin: Option<String>,
}

pub(crate) struct Device {
    name: Base64,
    pub(crate) registration_id: u32,
    token: String,
    signed: SignedKey,
    last_resort: SignedKey,
    pub(crate) one_time: VecDeque<Key>,
    pub(crate) one_time_kem: VecDeque<SignedKey>,
    pub(crate) queue: VecDeque<Envelope>,
    accepted: BTreeSet<Bytes>,
    socket: Option<Open>,
}

struct Open {
    sender: mpsc::UnboundedSender<Result<ServerFrame, u16>>,
    /// What was delivered with which number.
    numbers: Vec<(u64, (Bytes, Bytes, u32))>,
    last: u64,
}

fn name_of(envelope: &Envelope) -> (Bytes, Bytes, u32) {
    (envelope.id.clone(), envelope.from.clone(), envelope.from_device)
}

impl Relay {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Closes every socket.
    pub(crate) fn restart(&self) {
        for account in self.state().accounts.values_mut() {
            account.devices.values_mut().for_each(|device| device.close(1001));
        }
    }

    /// What waits for a device.
    pub(crate) fn waiting(&self, account: AccountId, device: DeviceId) -> usize {
        self.state().accounts[&account].devices[&device].queue.len()
    }

    /// Deletes what waits for a device, and tells its senders.
    pub(crate) fn expire(&self, account: AccountId, device: DeviceId) {
        let mut state = self.state();
        let queue = std::mem::take(
            &mut state.accounts.get_mut(&account).unwrap().devices.get_mut(&device).unwrap().queue,
        );
        for envelope in queue {
            let from = AccountId::try_from(&envelope.from[..]).unwrap();
            let expired = Expired {
                id: envelope.id.clone(),
                to: account.to_bytes().to_vec().into(),
                device: device.into(),
                timestamp: envelope.timestamp,
            };
            let notice = Notice { notice: Some(notice::Notice::Expired(expired)) };
            let envelope = Envelope {
                from: vec![0; 16].into(),
                from_device: 0,
                kind: Kind::Notice.into(),
                body: wire::Message::encode_to_vec(&notice).into(),
                ..envelope
            };
            for device in state.accounts.get_mut(&from).unwrap().devices.values_mut() {
                device.push(envelope.clone(), false);
            }
        }
    }

    /// Delivers an envelope as if somebody had sent it.
    pub(crate) fn inject(&self, to: AccountId, device: DeviceId, envelope: Envelope) {
        self.state().accounts.get_mut(&to).unwrap().devices.get_mut(&device).unwrap().push(envelope, false);
    }
}

impl Relay {
    /// Says something on a device's socket.
    pub(crate) fn say(&self, account: AccountId, device: DeviceId, frame: ServerFrame) {
        let state = self.state();
        let open = state.accounts[&account].devices[&device].socket.as_ref().unwrap();
        let _ = open.sender.send(Ok(frame));
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn by_token(&self, token: &str) -> Option<(AccountId, DeviceId)> {
        let parsed: Token = token.parse().ok()?;
        let device = self.accounts.get(&parsed.account)?.devices.get(&parsed.device)?;
        (device.token == token).then_some((parsed.account, parsed.device))
    }

    /// What is said to a send.
    fn accept(&mut self, from: AccountId, device: DeviceId, send: &Send, now: u64) -> Result<(), Refusal> {
        let refuse =
            |reason: Reason| Refusal { id: send.id.clone(), reason: reason.into(), ..Refusal::default() };
        if send.id.len() != 16 || send.parts.iter().any(|part| !part.kind().may_be_sent()) {
            return Err(refuse(Reason::Invalid));
        }
        if self.accounts[&from].devices[&device].accepted.contains(&send.id) {
            return Ok(());
        }
        if !send.transient
            && let Some(reason) = self.refuse.pop_front()
        {
            return Err(Refusal { retry_after: 1000, ..refuse(reason) });
        }
        let to = AccountId::try_from(&send.to[..]).map_err(|_| refuse(Reason::Invalid))?;
        if self.refuse_copies && to == from {
            return Err(Refusal { retry_after: 1000, ..refuse(Reason::RateLimited) });
        }
        let account = self.accounts.get_mut(&to).ok_or(refuse(Reason::NoSuchAccount))?;
        let expected: BTreeSet<u32> = account
            .devices
            .keys()
            .filter(|id| to != from || **id != device)
            .map(|id| u32::from(*id))
            .collect();
        let given: BTreeSet<u32> = send.parts.iter().map(|part| part.device).collect();
        if given.len() != send.parts.len() {
            return Err(refuse(Reason::Invalid));
        }
        if expected != given {
            return Err(Refusal {
                missing: expected.difference(&given).copied().collect(),
                extra: given.difference(&expected).copied().collect(),
                ..refuse(Reason::MismatchedDevices)
            });
        }
        let id = |part: &wire::frames::Part| DeviceId::try_from(part.device).unwrap();
        let stale: Vec<u32> = send
            .parts
            .iter()
            .filter(|part| account.devices[&id(part)].registration_id != part.registration_id)
            .map(|part| part.device)
            .collect();
        if !stale.is_empty() {
            return Err(Refusal { devices: stale, ..refuse(Reason::StaleDevices) });
        }
        if !account.blocked.contains(&from) {
            for part in &send.parts {
                let envelope = Envelope {
                    id: send.id.clone(),
                    from: from.as_bytes().to_vec().into(),
                    from_device: device.into(),
                    timestamp: send.timestamp,
                    received: now,
                    kind: part.kind,
                    body: part.body.clone(),
                };
                account.devices.get_mut(&id(part)).unwrap().push(envelope, send.transient);
            }
        }
        self.accounts
            .get_mut(&from)
            .unwrap()
            .devices
            .get_mut(&device)
            .unwrap()
            .accepted
            .insert(send.id.clone());
        Ok(())
    }
}

impl Device {
    fn push(&mut self, envelope: Envelope, transient: bool) {
        if !transient {
            self.queue.push_back(envelope.clone());
        }
        self.deliver(&[envelope]);
    }

    fn deliver(&mut self, envelopes: &[Envelope]) {
        let Some(open) = &mut self.socket else { return };
        let deliveries = envelopes.iter().map(|envelope| {
            open.last += 1;
            open.numbers.push((open.last, name_of(envelope)));
            Delivery { number: open.last, envelope: Some(envelope.clone()) }
        });
        let frame = ServerFrame { deliveries: deliveries.collect(), ..ServerFrame::default() };
        let _ = open.sender.send(Ok(frame));
    }

    fn acknowledge(&mut self, through: u64) {
        let Some(open) = &mut self.socket else { return };
        assert!(through <= open.last, "what was not delivered is acknowledged");
        for (number, name) in &open.numbers {
            if *number <= through {
                self.queue.retain(|envelope| name_of(envelope) != *name);
            }
        }
        open.numbers.retain(|(number, _)| *number > through);
    }

    fn close(&mut self, code: u16) {
        if let Some(open) = self.socket.take() {
            let _ = open.sender.send(Err(code));
        }
    }
}

/// A shared relay.
pub(crate) fn relay() -> Arc<Relay> {
    Arc::default()
}
