//! A real server that takes webhooks, and answers as the test wants.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri},
};

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The text of the message in it.
    pub(crate) fn text(&self) -> String {
        let value = self.json()["entry"][0]["changes"][0]["value"].clone();
        value["messages"][0]["text"]["body"].as_str().unwrap_or_default().to_owned()
    }
}

/// How it answers events.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: usize,
    pub(crate) delay: Duration,
    /// What it answers the handshake with, if not the challenge.
    pub(crate) challenge: Option<String>,
}

impl Default for Manner {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new(), body: 0, delay: Duration::ZERO, challenge: None }
    }
}

#[derive(Debug, Clone, Default)]
struct Shared {
    manner: Arc<Mutex<Manner>>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    token: Arc<Mutex<String>>,
}

/// The server.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Shared,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let shared = Shared::default();
        "verify me".clone_into(&mut shared.token.lock().unwrap());
        let router = Router::new().fallback(take).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?own=1", self.address)
    }

    pub(crate) fn answer(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// Everything that arrived.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.shared.arrived.lock().unwrap().clone()
    }

    /// The events that arrived.
    pub(crate) fn events(&self) -> Vec<Arrived> {
        self.arrived().into_iter().filter(|arrived| arrived.method == Method::POST).collect()
    }

    pub(crate) fn forget(&self) {
        self.shared.arrived.lock().unwrap().clear();
    }

    /// Waits until so many events have arrived.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Arrived> {
        for _ in 0..2000 {
            let events = self.events();
            if events.len() >= count {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} events arrived", self.events().len());
    }
}

async fn take(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let manner = shared.manner.lock().unwrap().clone();
    let asked = Arrived { method: method.clone(), uri: uri.clone(), headers, body };
    shared.arrived.lock().unwrap().push(asked);
    tokio::time::sleep(manner.delay).await;
    if method == Method::GET {
        let query = uri.query().unwrap_or_default();
        let challenge = query.split('&').find_map(|pair| pair.strip_prefix("hub.challenge="));
        let challenge = manner.challenge.clone().unwrap_or_else(|| challenge.unwrap_or_default().to_owned());
        return answered(manner, challenge.into_bytes());
    }
    let body = vec![b'x'; manner.body];
    answered(manner, body)
}

fn answered(manner: Manner, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::builder().status(StatusCode::from_u16(manner.status).unwrap());
    for (name, value) in manner.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}
