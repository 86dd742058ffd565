//! Relays on both engines, and people with devices that speak with them over real sockets.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use keys::{KeyPair, kem};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use relay::{Config, Relay};
use store::{
    Timestamp,
    bus::BusConfig,
    sql::{DatabaseConfig, Sql},
    testing::{HandClock, Nats, Postgres, Scratch, SeededEntropy},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message as Frame, client::IntoClientRequest as _},
};
use wire::{
    AccountId, Message as _,
    api::{Key, NewDevice, Register, Registered, RequestCode, SignedKey},
    frames::{ClientFrame, Delivery, Kind, Part, Send, ServerFrame},
};

/// How many envelopes there are in the tables.
pub(crate) const ENVELOPES: Sql = Sql::each(
    "SELECT (SELECT COUNT(*) FROM envelopes) + (SELECT COUNT(*) FROM arrivals)",
    "SELECT COUNT(*) FROM envelopes",
);
/// How long anything may take that should happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Relays that share a database: one, or two with a bus between them.
pub(crate) struct Stage {
    pub(crate) nodes: Vec<Relay>,
    pub(crate) clock: Arc<HandClock>,
    _folder: tempfile::TempDir,
    scratch: Option<Scratch>,
    servers: Option<(Postgres, Option<Nats>)>,
    next_number: std::sync::atomic::AtomicU32,
}

/// Where a stage stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    Sqlite,
    Postgres,
    /// Two nodes on PostgreSQL and NATS.
    Nodes,
}

impl Stage {
    pub(crate) async fn new(ground: Ground) -> Self {
        Self::with(ground, |_| ()).await
    }

    pub(crate) async fn with(ground: Ground, change: impl Fn(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock::at(Timestamp(1_800_000_000_000)));
        let servers = match ground {
            Ground::Sqlite => None,
            Ground::Postgres => Some((Postgres::start(), None)),
            Ground::Nodes => Some((Postgres::start(), Some(Nats::start()))),
        };
        let scratch = match &servers {
            Some((postgres, _)) => Some(Scratch::postgres(postgres).await.unwrap()),
            None => None,
        };
        let mut nodes = Vec::new();
        for node in 0..if ground == Ground::Nodes { 2 } else { 1 } {
            let mut config = Config { data: folder.path().join(format!("node{node}")), ..Config::default() };
            config.listen.address = ([127, 0, 0, 1], 0).into();
            if let Some(scratch) = &scratch {
                config.database = Some(DatabaseConfig { ..scratch.config.clone() });
            }
            if let Some((_, Some(nats))) = &servers {
                config.bus = BusConfig { nats: Some(nats.url().as_str().into()), ..BusConfig::default() };
            }
            // Who breaks the rules waits in the test that is about it.
            config.limits.held_ms = 10;
            change(&mut config);
            let entropy = Arc::new(SeededEntropy::new(7 + node));
            nodes.push(Relay::start(config, clock.clone(), entropy).await.unwrap());
        }
        Self {
            nodes,
            clock,
            _folder: folder,
            scratch,
            servers,
            next_number: std::sync::atomic::AtomicU32::new(0),
        }
    }

    fn url(&self, node: usize) -> String {
        format!("http://{}", self.nodes[node % self.nodes.len()].address)
    }

    /// Registers somebody new.
    pub(crate) async fn person(&self) -> Person {
        let number = self.next_number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        register(&self.urls(), number).await
    }

    /// Somebody who was registered elsewhere.
    pub(crate) fn somebody(&self, account: AccountId, token: String) -> Person {
        Person { account, token, http: reqwest::Client::new(), urls: self.urls() }
    }

    /// A further device of somebody.
    pub(crate) async fn link(&self, primary: &Person) -> Person {
        let code =
            primary.request("POST", "/v1/devices/codes").json(&serde_json::json!({})).send().await.unwrap();
        let code: wire::api::LinkingCode = code.json().await.unwrap();
        let link = wire::api::LinkDevice { code: code.code, device: device(&KEYS) };
        let answer =
            primary.http.post(format!("{}/v1/devices", self.url(0))).json(&link).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        let linked: Registered = answer.json().await.unwrap();
        Person { token: linked.token, ..primary.clone() }
    }

    fn urls(&self) -> Vec<String> {
        (0..self.nodes.len()).map(|node| self.url(node)).collect()
    }

    /// The server that this stage stores on.
    pub(crate) fn postgres(&mut self) -> &mut Postgres {
        &mut self.servers.as_mut().expect("a stage on PostgreSQL").0
    }

    /// Lets the file grow no more, or again.
    pub(crate) async fn let_grow(&self, grow: bool) {
        // SQLite takes the present size for a smaller limit.
        let limit = if grow { "PRAGMA max_page_count = 1000000000" } else { "PRAGMA max_page_count = 1" };
        let written = self.nodes[0].services.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(store::sql::query(limit).execute(transaction).await?) })
        });
        written.await.unwrap();
    }

    /// How many envelopes the store holds.
    pub(crate) async fn stored(&self) -> i64 {
        let database = &self.nodes[0].services.ground.database;
        let mut reader = database.reader().await.unwrap();
        store::sql::query(ENVELOPES).value(&mut reader).await.unwrap().unwrap()
    }

    /// How many shares are counted in mailboxes.
    pub(crate) async fn shares(&self) -> i64 {
        let mut reader = self.nodes[0].services.ground.database.reader().await.unwrap();
        store::sql::query("SELECT COUNT(*) FROM shares").value(&mut reader).await.unwrap().unwrap()
    }

    /// Removes all devices with this number from the store, and tells nobody.
    pub(crate) async fn remove_in_silence(&self, number: u32) {
        let removed = self.nodes[0].services.ground.write(0, move |transaction| {
            Box::pin(async move {
                for statement in [
                    "DELETE FROM mailboxes WHERE device IN (SELECT key FROM devices WHERE number = $1)",
                    "DELETE FROM current_keys WHERE device_key IN (SELECT key FROM devices WHERE number = $1)",
                    "DELETE FROM one_time_keys WHERE device_key IN (SELECT key FROM devices WHERE number = $1)",
                    "DELETE FROM devices WHERE number = $1",
                ] {
                    store::sql::query(statement).bind(number).execute(transaction).await?;
                }
                Ok(())
            })
        });
        removed.await.unwrap();
    }

    /// Waits until the store holds so many.
    pub(crate) async fn until_stored(&self, wanted: i64) {
        let reached = async {
            while self.stored().await != wanted {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            panic!("{} envelopes are stored and not {wanted}", self.stored().await);
        }
    }

    pub(crate) async fn close(self) {
        for node in self.nodes {
            node.shutdown().await;
        }
        drop(self.scratch);
    }
}

/// Registers somebody by this number at the first of these relays.
pub(crate) async fn register(urls: &[String], number: u32) -> Person {
    let number: wire::PhoneNumber = format!("+491511{:07}", 1_000_000 + number).parse().unwrap();
    let http = reqwest::Client::new();
    let url = &urls[0];
    let asked = RequestCode { number: number.clone() };
    let answer = http.post(format!("{url}/v1/registration/codes")).json(&asked).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let code = http.get(format!("{url}/v1/dev/codes/{number}")).send().await.unwrap();
    let code: wire::api::DevCode = code.json().await.unwrap();
    let register = Register { number, code: code.code, pin: None, device: device(&KEYS) };
    let answer = http.post(format!("{url}/v1/registration")).json(&register).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let registered: Registered = answer.json().await.unwrap();
    Person { account: registered.account, token: registered.token, http, urls: urls.to_vec() }
}

/// One set of keys serves everybody: the relay does not mind.
static KEYS: std::sync::LazyLock<Keys> = std::sync::LazyLock::new(|| {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    Keys {
        identity: KeyPair::generate(&mut rng),
        prekey: KeyPair::generate(&mut rng),
        kem: kem::KeyPair::generate(&mut rng),
    }
});

struct Keys {
    identity: KeyPair,
    prekey: KeyPair,
    kem: kem::KeyPair,
}

/// A device as it is offered.
pub(crate) fn some_device() -> NewDevice {
    device(&KEYS)
}

fn device(keys: &Keys) -> NewDevice {
    let mut rng = ChaCha20Rng::from_seed([10; 32]);
    let mut signed = |bytes: Vec<u8>| SignedKey {
        id: 1,
        signature: keys.identity.private.sign(&bytes, &mut rng).as_bytes().to_vec().into(),
        public_key: bytes.into(),
    };
    NewDevice {
        name: wire::Base64::default(),
        registration_id: 4711,
        identity_key: keys.identity.public.to_bytes().to_vec().into(),
        signed_prekey: signed(keys.prekey.public.to_bytes().to_vec()),
        last_resort_kem_prekey: signed(keys.kem.public().to_bytes().to_vec()),
        one_time_prekeys: vec![Key { id: 7, public_key: keys.prekey.public.to_bytes().to_vec().into() }],
        one_time_kem_prekeys: Vec::new(),
    }
}

/// Somebody with one device.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) token: String,
    pub(crate) http: reqwest::Client,
    urls: Vec<String>,
}

impl Person {
    pub(crate) async fn connect(&self) -> Socket {
        self.connect_to(0).await
    }

    /// Opens a socket at this node.
    pub(crate) async fn connect_to(&self, node: usize) -> Socket {
        self.open(node).await.unwrap()
    }

    /// Opens a socket at one of the nodes, if that is up; else waits a moment.
    pub(crate) async fn try_connect(&self, node: usize) -> Option<Socket> {
        let socket = tokio::time::timeout(Duration::from_secs(5), self.open(node % self.urls.len())).await;
        if let Ok(Ok(socket)) = socket {
            return Some(socket);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        None
    }

    /// The status with which the relay answers who asks for a socket.
    pub(crate) async fn handshake(&self) -> u16 {
        match self.open(0).await {
            Ok(_) => 101,
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => answer.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    }

    async fn open(&self, node: usize) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
        let url = format!("{}/v1/socket", self.urls[node].replace("http", "ws"));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {}", self.token).parse().unwrap());
        let (stream, _) = tokio_tungstenite::connect_async(request).await?;
        let (waiting, sent, refused) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Socket { stream, waiting, sent, refused, drained: false, prekeys: None })
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request_at(0, method, path)
    }

    pub(crate) fn request_at(&self, node: usize, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.urls[node]);
        self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token)
    }

    /// Sends by HTTP; the status.
    pub(crate) async fn put(&self, node: usize, to: &Person, number: u64) -> u16 {
        self.send_by_request(node, to, number).await.status().as_u16()
    }

    /// Sends by HTTP.
    pub(crate) async fn send_by_request(&self, node: usize, to: &Person, number: u64) -> reqwest::Response {
        let send = message(to.account, number);
        let part = &send.parts[0];
        let body = wire::api::SendMessage {
            id: send.id.to_vec().into(),
            timestamp: send.timestamp,
            transient: false,
            parts: vec![wire::api::Part {
                device: wire::DeviceId::PRIMARY,
                registration_id: part.registration_id,
                kind: 2,
                body: part.body.to_vec().into(),
            }],
        };
        let path = format!("/v1/accounts/{}/messages", to.account);
        self.request_at(node, "PUT", &path).json(&body).send().await.unwrap()
    }
}

/// A message whose id and body say which it is.
pub(crate) fn message(to: AccountId, number: u64) -> Send {
    let mut id = [0xab; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Send {
        id: id.to_vec().into(),
        to: to.to_bytes().to_vec().into(),
        timestamp: number,
        transient: false,
        parts: vec![Part {
            device: 1,
            registration_id: 4711,
            kind: Kind::Signal.into(),
            body: number.to_be_bytes().repeat(25).into(),
        }],
    }
}

/// The same for the first two devices of the account.
pub(crate) fn to_both(send: &Send) -> Send {
    let second = Part { device: 2, ..send.parts[0].clone() };
    Send { parts: vec![send.parts[0].clone(), second], ..send.clone() }
}

/// The number of a message.
pub(crate) fn number(delivery: &Delivery) -> u64 {
    delivery.envelope.as_ref().unwrap().timestamp
}

/// An open socket.
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: Vec<Delivery>,
    pub(crate) sent: Vec<u64>,
    pub(crate) refused: Vec<wire::frames::Refusal>,
    pub(crate) drained: bool,
    pub(crate) prekeys: Option<u32>,
}

impl Socket {
    pub(crate) async fn frame(&mut self, frame: ClientFrame) {
        self.stream.send(Frame::Binary(frame.encode_to_vec().into())).await.unwrap();
    }

    pub(crate) async fn send(&mut self, sends: impl IntoIterator<Item = Send>) {
        self.frame(ClientFrame { sends: sends.into_iter().collect(), acknowledged: 0 }).await;
    }

    pub(crate) async fn acknowledge(&mut self, number: u64) {
        self.frame(ClientFrame { sends: Vec::new(), acknowledged: number }).await;
    }

    pub(crate) async fn try_send(&mut self, sends: Vec<Send>) -> Result<(), ()> {
        let frame = ClientFrame { sends, acknowledged: 0 };
        self.stream.send(Frame::Binary(frame.encode_to_vec().into())).await.map_err(drop)
    }

    pub(crate) async fn try_acknowledge(&mut self, acknowledged: u64) -> Result<(), ()> {
        let frame = ClientFrame { sends: Vec::new(), acknowledged };
        self.stream.send(Frame::Binary(frame.encode_to_vec().into())).await.map_err(drop)
    }

    /// Waits until the relay has done what this socket told it so far: frames have one order.
    pub(crate) async fn settle(&mut self, anybody: AccountId) {
        let number = u64::MAX / 4 + u64::try_from(self.sent.len()).unwrap();
        self.send([Send { transient: true, ..message(anybody, number) }]).await;
        self.until_sent(number..number + 1).await;
    }

    /// Takes in a frame if one comes in time; `Err` if the socket is gone.
    pub(crate) async fn try_receive(&mut self, time: Duration) -> Result<(), ()> {
        tokio::time::timeout(time, self.receive()).await.unwrap_or(Ok(())).map_err(drop)
    }

    /// What was delivered.
    pub(crate) fn take(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.waiting)
    }

    /// Takes in one frame; the code if the relay closed.
    async fn receive(&mut self) -> Result<(), Option<u16>> {
        match self.stream.next().await {
            Some(Ok(Frame::Binary(bytes))) => {
                let frame = ServerFrame::decode(bytes).unwrap();
                self.waiting.extend(frame.deliveries);
                self.sent.extend(frame.sent.iter().map(|id| u64::from_be_bytes(id[..8].try_into().unwrap())));
                self.refused.extend(frame.refusals);
                self.drained |= frame.drained;
                self.prekeys = frame.prekeys_left.or(self.prekeys);
                Ok(())
            }
            Some(Ok(Frame::Close(close))) => Err(close.map(|close| close.code.into())),
            Some(Ok(_)) => Ok(()),
            None | Some(Err(_)) => Err(None),
        }
    }

    /// Waits until `done`, taking in what comes.
    pub(crate) async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = async {
            while !done(self) {
                self.receive().await.unwrap_or_else(|code| panic!("closed with {code:?} before {what}"));
            }
        };
        if tokio::time::timeout(PATIENCE, waited).await.is_err() {
            panic!("waited in vain for {what}");
        }
    }

    /// Waits for so many deliveries.
    pub(crate) async fn deliveries(&mut self, count: usize) -> Vec<Delivery> {
        self.until(&format!("{count} deliveries"), |socket| socket.waiting.len() >= count).await;
        self.waiting.drain(..count).collect()
    }

    /// Waits for so many deliveries; their numbers.
    pub(crate) async fn numbers(&mut self, count: usize) -> Vec<u64> {
        self.deliveries(count).await.iter().map(number).collect()
    }

    /// Waits until all these are sent.
    pub(crate) async fn until_sent(&mut self, numbers: std::ops::Range<u64>) {
        self.until("all to be sent", |socket| numbers.clone().all(|number| socket.sent.contains(&number)))
            .await;
    }

    /// Waits for the relay to close; with which code.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        let closed = async {
            loop {
                if let Err(code) = self.receive().await {
                    return code;
                }
            }
        };
        tokio::time::timeout(PATIENCE, closed).await.expect("the relay did not close")
    }
}
