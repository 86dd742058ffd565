//! A relay on either engine, and devices that speak with it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use ::keys::{KeyPair, kem};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use relay::{Config, Relay, limits::Rate};
use reqwest::{Client, Method, Response, header::HeaderMap};
use serde_json::{Value, json};
use store::{
    Timestamp,
    blobs::Place,
    sql::Sql,
    testing::{HandClock, Postgres, Scratch, SeededEntropy},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use wire::{Base64, api};

use crate::bucket::{self, Bucket};

/// How many envelopes there are in the tables.
pub(crate) const ENVELOPES: Sql = Sql::each(
    "SELECT (SELECT COUNT(*) FROM envelopes) + (SELECT COUNT(*) FROM arrivals)",
    "SELECT COUNT(*) FROM envelopes",
);
pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a stage stands: an engine, and a place for blobs.
pub(crate) struct Site {
    server: Option<Arc<Postgres>>,
    s3: bool,
}

impl Site {
    pub(crate) fn sqlite() -> Self {
        Self { server: None, s3: false }
    }

    pub(crate) fn postgres(server: Arc<Postgres>) -> Self {
        Self { server: Some(server), s3: false }
    }

    /// SQLite, and blobs in a bucket.
    pub(crate) fn s3() -> Self {
        Self { server: None, s3: true }
    }

    pub(crate) async fn stage(self) -> Stage {
        self.stage_with(|_| ()).await
    }

    pub(crate) async fn stage_with(self, change: impl FnOnce(&mut Config)) -> Stage {
        let scratch = match &self.server {
            Some(server) => Some(Scratch::postgres(server).await.unwrap()),
            None => None,
        };
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data: folder.path().join("data"), ..Config::default() };
        config.listen.address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.database = scratch.as_ref().map(|scratch| scratch.config.clone());
        let bucket = match self.s3.then(bucket::start) {
            Some(started) => {
                let (place, bucket) = started.await;
                config.blobs.place = Some(Place::S3(place));
                Some(bucket)
            }
            None => None,
        };
        config.workers.poll_ms = 20;
        config.limits.codes = Rate::new(10_000, 1);
        config.limits.registrations = Rate::new(10_000, 1);
        config.limits.provisioning = Rate::new(10_000, 1);
        config.limits.wrong_credentials = Rate::new(10_000, 1);
        config.limits.nonsense = Rate::new(10_000, 1);
        config.limits.held_ms = 10;
        change(&mut config);
        let clock = Arc::new(HandClock::at(START));
        let entropy = Arc::new(SeededEntropy::new(1));
        let relay = Relay::start(config.clone(), clock.clone(), entropy).await.unwrap();
        let http = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Stage { relay, clock, http, folder, config, scratch, bucket, numbers: AtomicU32::new(0) }
    }
}

pub(crate) struct Stage {
    pub(crate) relay: Relay,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) http: Client,
    pub(crate) folder: TempDir,
    pub(crate) config: Config,
    pub(crate) scratch: Option<Scratch>,
    /// Where blobs are, if not in the folder.
    bucket: Option<Bucket>,
    numbers: AtomicU32,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of an error.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, &*self.code()), (status, code), "{}", String::from_utf8_lossy(&self.bytes));
        self
    }
}

/// A device as its person holds it.
pub(crate) struct Device {
    pub(crate) url: String,
    pub(crate) http: Client,
    pub(crate) token: String,
    pub(crate) account: String,
    pub(crate) number: u64,
    pub(crate) phone: String,
    pub(crate) identity: KeyPair,
}

impl Device {
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request("GET", path).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request("DELETE", path).send().await.unwrap()).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) fn account_id(&self) -> wire::AccountId {
        self.account.parse().unwrap()
    }
}

impl Stage {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.relay.address)
    }

    /// Another node on the same database; SQLite has but one.
    pub(crate) async fn another(&self) -> Option<Relay> {
        self.scratch.as_ref()?;
        let entropy = Arc::new(SeededEntropy::new(9));
        Some(Relay::start(self.config.clone(), self.clock.clone(), entropy).await.unwrap())
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.http.post(format!("{}{path}", self.url())).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(format!("{}{path}", self.url())).send().await.unwrap()).await
    }

    pub(crate) fn new_number(&self) -> String {
        format!("+491511{:07}", 1_000_000 + self.numbers.fetch_add(1, SeqCst))
    }

    /// Asks for a code and looks into the development mailbox.
    pub(crate) async fn code(&self, number: &str) -> String {
        self.post("/v1/registration/codes", json!({ "number": number })).await.is(200);
        self.mailbox(number).await
    }

    pub(crate) async fn mailbox(&self, number: &str) -> String {
        let answer = self.get(&format!("/v1/dev/codes/{number}")).await;
        answer.is(200).json()["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn try_register(
        &self,
        number: &str,
        code: &str,
        pin: Option<&str>,
        device: &api::NewDevice,
    ) -> Answer {
        let mut body = json!({ "number": number, "code": code, "device": device });
        if let Some(pin) = pin {
            body["pin"] = pin.into();
        }
        self.post("/v1/registration", body).await
    }

    /// Somebody new.
    pub(crate) async fn person(&self) -> Device {
        let number = self.new_number();
        self.register(&number, None).await
    }

    /// Registers a number, whether it is new or not.
    pub(crate) async fn register(&self, number: &str, pin: Option<&str>) -> Device {
        let code = self.code(number).await;
        let identity = identity(&code);
        let answer = self.try_register(number, &code, pin, &offer(&identity, 1, 3)).await;
        self.device(answer.is(200), identity)
    }

    pub(crate) fn device(&self, answer: &Answer, identity: KeyPair) -> Device {
        let body = answer.json();
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        Device {
            url: self.url(),
            http: self.http.clone(),
            token: text("token"),
            account: text("account"),
            number: body["device"].as_u64().unwrap(),
            phone: text("number"),
            identity,
        }
    }

    /// A further device of somebody.
    pub(crate) async fn link(&self, primary: &Device) -> Device {
        let code = primary.send("POST", "/v1/devices/codes", json!({})).await;
        let code = code.is(200).json()["code"].as_str().unwrap().to_owned();
        let device = offer(&primary.identity, 2, 3);
        let answer = self.post("/v1/devices", json!({ "code": code, "device": device })).await;
        self.device(answer.is(200), primary.identity.clone())
    }

    pub(crate) async fn count(&self, sql: impl Into<Sql>) -> i64 {
        let mut reader = self.relay.services.ground.database.reader().await.unwrap();
        store::sql::query(sql).value(&mut reader).await.unwrap().unwrap()
    }

    /// How many blobs and unfinished uploads are kept, whatever the tables say.
    pub(crate) fn blobs(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        match self.bucket.as_ref().map(Bucket::kept) {
            Some((objects, unfinished)) => objects + unfinished,
            None => count(&self.config.data.join("blobs")),
        }
    }

    /// Begins to add so many bytes to an upload; when the relay has asked for the first of them, this returns.
    pub(crate) async fn begin_patch(&self, device: &Device, path: &str, length: usize) -> TcpStream {
        let mut wire = TcpStream::connect(self.relay.address).await.unwrap();
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nupload-offset: 0\r\n\
             content-length: {length}\r\nexpect: 100-continue\r\n\r\n",
            device.token
        );
        wire.write_all(head.as_bytes()).await.unwrap();
        let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut answer = vec![0; expected.len()];
        wire.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, expected, "{}", String::from_utf8_lossy(&answer));
        wire
    }

    /// Waits until it is so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        for _ in 0..1000 {
            if is_so(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("in ten seconds not: {what}");
    }

    pub(crate) async fn close(self) {
        self.relay.shutdown().await;
        drop(self.scratch);
        drop(self.folder);
    }
}

pub(crate) fn rng(seed: &str) -> ChaCha20Rng {
    let mut bytes = [7; 32];
    bytes.iter_mut().zip(seed.bytes()).for_each(|(to, from)| *to = from);
    ChaCha20Rng::from_seed(bytes)
}

pub(crate) fn identity(seed: &str) -> KeyPair {
    KeyPair::generate(&mut rng(seed))
}

pub(crate) fn signed(identity: &KeyPair, id: u32, public_key: Vec<u8>) -> api::SignedKey {
    let signature = identity.private.sign(&public_key, &mut rng("signing")).as_bytes().to_vec();
    api::SignedKey { id, public_key: Base64(public_key), signature: Base64(signature) }
}

pub(crate) fn curve_key(id: u32) -> Vec<u8> {
    KeyPair::generate(&mut rng(&format!("curve{id}"))).public.to_bytes().to_vec()
}

pub(crate) fn kem_key(id: u32) -> Vec<u8> {
    kem::KeyPair::generate(&mut rng(&format!("kem{id}"))).public().to_bytes()
}

/// A device with so many one-time keys of each kind.
pub(crate) fn offer(identity: &KeyPair, registration_id: u32, one_time: u32) -> api::NewDevice {
    let ids = 100..100 + one_time;
    api::NewDevice {
        name: Base64(b"a name".to_vec()),
        registration_id,
        identity_key: Base64(identity.public.to_bytes().to_vec()),
        signed_prekey: signed(identity, 1, curve_key(1)),
        last_resort_kem_prekey: signed(identity, 2, kem_key(2)),
        one_time_prekeys: ids.clone().map(|id| api::Key { id, public_key: Base64(curve_key(id)) }).collect(),
        one_time_kem_prekeys: ids.map(|id| signed(identity, id, kem_key(id))).collect(),
    }
}
