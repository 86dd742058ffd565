//! The callback: it checks every signature, answers at once, and checks off what it is told.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use bytes::BytesMut;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::{Label, stand::Demo};
use crate::{
    clock,
    error::{BenchError, Tried as _},
    histogram::Histogram,
};

/// What it was told in one round.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) round: u32,
    /// Of each customer.
    customers: HashMap<u32, Written>,
    /// How far each message of the business has come, and after how many kills it was told so.
    statuses: HashMap<String, (Status, u32)>,
    pub(super) messages_in_order: u64,
    pub(super) statuses_in_order: u64,
    pub(super) delivered: u64,
    pub(super) twice: u64,
    /// What was told again after the host was killed.
    pub(super) again: u64,
    /// How often it was killed.
    kills: u32,
    pub(super) out_of_order: u64,
    pub(super) wrong: u64,
    pub(super) delays: Histogram,
}

/// What a customer wrote.
#[derive(Debug, Default)]
struct Written {
    /// When.
    at: Vec<u64>,
    /// How many of it the software was told of, each the one after that before.
    told: u64,
    /// After how many kills the last of them was told.
    kills: u32,
    all_told: Rc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Sent,
    Delivered,
    Read,
    Failed,
}

#[derive(Deserialize)]
struct Notification {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    value: Value,
}

#[derive(Deserialize)]
struct Value {
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    statuses: Vec<Step>,
}

#[derive(Deserialize)]
struct Message {
    text: Option<Text>,
}

#[derive(Deserialize)]
struct Text {
    body: String,
}

#[derive(Deserialize)]
struct Step {
    id: String,
    status: Status,
}

impl Told {
    /// A customer is about to write its next message: which it is, and who tells when all of its messages were told.
    pub(super) fn write(&mut self, customer: u32) -> (u64, Rc<Notify>) {
        let written = self.customers.entry(customer).or_default();
        written.at.push(clock::now());
        (written.at.len() as u64 - 1, written.all_told.clone())
    }

    /// Whether the software was told of all that a customer wrote.
    pub(super) fn all_of(&self, customer: u32) -> bool {
        self.customers.get(&customer).is_none_or(|written| written.told >= written.at.len() as u64)
    }

    fn take_message(&mut self, label: Label) {
        let written = self.customers.entry(label.customer).or_default();
        match label.number.cmp(&written.told) {
            // Between a request and the commit of its answer.
            std::cmp::Ordering::Less if written.kills < self.kills => self.again += 1,
            std::cmp::Ordering::Less => self.twice += 1,
            std::cmp::Ordering::Equal => self.messages_in_order += 1,
            std::cmp::Ordering::Greater => self.out_of_order += 1,
        }
        if label.number >= written.told {
            written.told = label.number + 1;
            written.kills = self.kills;
        }
        if let Some(at) = usize::try_from(label.number).ok().and_then(|number| written.at.get(number)) {
            self.delays.add(clock::now().saturating_sub(*at));
        }
        if written.told >= written.at.len() as u64 {
            written.all_told.notify_waiters();
        }
    }

    fn take(&mut self, value: Value) {
        for message in value.messages {
            match message.text.as_ref().and_then(|text| Label::read(&text.body)) {
                Some(label) if label.round == self.round => self.take_message(label),
                Some(_) => self.twice += 1,
                None => self.wrong += 1,
            }
        }
        for step in value.statuses {
            self.take_status(step);
        }
    }

    fn take_status(&mut self, step: Step) {
        let before = self.statuses.get(&step.id).copied();
        match (before, step.status) {
            (None, Status::Sent) => self.statuses_in_order += 1,
            (Some((Status::Sent, _)), Status::Delivered) => {
                self.statuses_in_order += 1;
                self.delivered += 1;
            }
            // All of it that was not committed, from its beginning.
            (Some((before, kills)), now) if now <= before && kills < self.kills => {
                self.again += 1;
                return;
            }
            (Some((before, _)), now) if before == now => {
                self.twice += 1;
                return;
            }
            _ => self.out_of_order += 1,
        }
        self.statuses.insert(step.id, (step.status, self.kills));
    }

    /// How many of these messages were not delivered, as far as it was told.
    pub(super) fn undelivered(&self, ids: &[String]) -> u64 {
        let delivered =
            |id: &&String| self.statuses.get(*id).is_some_and(|(status, _)| *status == Status::Delivered);
        (ids.len() - ids.iter().filter(delivered).count()) as u64
    }
}

/// A callback.
pub(super) struct Sink {
    pub(super) url: String,
    pub(super) told: RefCell<Told>,
    pub(super) requests: Cell<u64>,
    secret: Vec<u8>,
}

impl Sink {
    /// Listens, as long as this thread lives.
    pub(super) async fn start(demo: &Demo) -> Result<Rc<Self>, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.tried("listening for webhooks")?;
        let address = listener.local_addr().tried("listening for webhooks")?;
        let sink = Rc::new(Self {
            url: format!("http://{address}/webhook"),
            told: RefCell::default(),
            requests: Cell::new(0),
            secret: demo.app_secret.clone().into_bytes(),
        });
        let listening = sink.clone();
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = listening.clone();
                tokio::task::spawn_local(async move {
                    // The host closes connections that it does not need.
                    let _ = sink.serve(stream).await;
                });
            }
        });
        Ok(sink)
    }

    /// Begins to count anew.
    pub(super) fn begin(&self, round: u32) {
        *self.told.borrow_mut() = Told { round, ..Told::default() };
    }

    /// The host was killed: what it had not committed it may tell again.
    pub(super) fn killed(&self) {
        self.told.borrow_mut().kills += 1;
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut input = BytesMut::new();
        loop {
            let Some((end, length)) = head(&input) else {
                if stream.read_buf(&mut input).await? == 0 {
                    return Ok(());
                }
                continue;
            };
            while input.len() < end + length {
                if stream.read_buf(&mut input).await? == 0 {
                    return Ok(());
                }
            }
            let request = input.split_to(end + length);
            let (head, body) = request.split_at(end);
            let answer = self.answer(&String::from_utf8_lossy(head), body);
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
            stream.write_all(answer.as_bytes()).await?;
        }
    }

    fn answer(&self, head: &str, body: &[u8]) -> String {
        if head.starts_with("GET ") {
            let challenge = head.split(['?', '&', ' ']).find_map(|pair| pair.strip_prefix("hub.challenge="));
            return challenge.unwrap_or_default().to_owned();
        }
        self.requests.set(self.requests.get() + 1);
        let mut told = self.told.borrow_mut();
        match serde_json::from_slice::<Notification>(body) {
            Ok(told_of) if self.signed(head, body) => {
                let changes = told_of.entry.into_iter().flat_map(|entry| entry.changes);
                changes.for_each(|change| told.take(change.value));
            }
            _ => told.wrong += 1,
        }
        String::new()
    }

    fn signed(&self, head: &str, body: &[u8]) -> bool {
        let shown = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("X-Hub-Signature-256").then(|| value.trim().strip_prefix("sha256="))?
        });
        let shown = shown.and_then(|shown| hex::decode(shown).ok()).unwrap_or_default();
        Hmac::<Sha256>::new_from_slice(&self.secret)
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&shown).is_ok())
    }

    /// Waits until it was told enough, or nothing more for a while.
    pub(super) async fn until(&self, enough: impl Fn(&Told) -> bool) {
        let (mut requests, mut since) = (self.requests.get(), clock::now());
        while !enough(&self.told.borrow()) {
            if self.requests.get() > requests {
                (requests, since) = (self.requests.get(), clock::now());
            }
            if clock::seconds_since(since) > super::send::SILENCE {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// Where the body begins and how long it is, once the whole head is there.
fn head(input: &[u8]) -> Option<(usize, usize)> {
    let end = input.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&input[..end]);
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((end + 4, length.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(texts: &[&str]) -> Told {
        let mut told = Told { round: 1, ..Told::default() };
        for text in texts {
            told.take(serde_json::from_str(text).unwrap());
        }
        told
    }

    #[test]
    fn statuses_come_once_and_in_order() {
        let status =
            |id: &str, status: &str| format!(r#"{{"statuses": [{{"id": "{id}", "status": "{status}"}}]}}"#);
        let said = [
            status("a", "sent"),
            status("a", "delivered"),
            status("b", "delivered"),
            status("a", "delivered"),
        ];
        let told = told(&said.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((told.statuses_in_order, told.out_of_order, told.twice), (2, 1, 1));
    }

    #[test]
    fn messages_are_counted_by_customer() {
        let message = |text: &str| format!(r#"{{"messages": [{{"text": {{"body": "{text}"}}}}]}}"#);
        let said = ["1 7 0 .", "1 8 0 .", "1 7 1 .", "1 7 3 .", "0 7 9 ."].map(message);
        let told = told(&said.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((told.messages_in_order, told.out_of_order, told.twice, told.wrong), (3, 1, 1, 0));
    }
}
