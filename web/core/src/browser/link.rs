use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use client::link::{HttpRequest, HttpResponse, Link, LinkError, ResponseBody, Socket};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use wire::limits;

use super::thrown;

#[wasm_bindgen]
extern "C" {
    /// `Relay` of `relay.ts`.
    pub type Relay;

    #[wasm_bindgen(method)]
    fn url(this: &Relay) -> String;

    #[wasm_bindgen(method, catch)]
    async fn request(
        this: &Relay,
        method: &str,
        path: &str,
        token: Option<String>,
        headers: Array,
        body: Option<Uint8Array>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn open(this: &Relay, token: &str) -> Result<JsValue, JsValue>;

    type Answered;

    #[wasm_bindgen(method)]
    fn status(this: &Answered) -> u16;

    #[wasm_bindgen(method)]
    fn headers(this: &Answered) -> Array;

    #[wasm_bindgen(method, catch)]
    async fn next(this: &Answered) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method)]
    fn end(this: &Answered);

    #[wasm_bindgen(js_name = Socket)]
    type JsSocket;

    #[wasm_bindgen(method)]
    fn take(this: &JsSocket) -> JsValue;

    #[wasm_bindgen(method, catch)]
    async fn filled(this: &JsSocket) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn send(this: &JsSocket, frame: Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method)]
    fn close(this: &JsSocket);
}

/// A link over what a browser has.
pub(crate) struct BrowserLink {
    relay: Relay,
    url: String,
}

impl fmt::Debug for BrowserLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserLink").finish_non_exhaustive()
    }
}

impl BrowserLink {
    pub(crate) fn new(relay: Relay) -> Self {
        let url = relay.url();
        Self { relay, url }
    }
}

fn failed(error: &JsValue) -> LinkError {
    let text = thrown(error);
    if text.ends_with("timed out") { LinkError::TimedOut } else { LinkError::Unreachable(text) }
}

#[async_trait(?Send)]
impl Link for BrowserLink {
    fn url(&self) -> &str {
        &self.url
    }

    async fn request(&self, request: HttpRequest) -> Result<HttpResponse, LinkError> {
        let HttpRequest { method, path, token, headers, body } = request;
        let pairs = Array::new();
        for (name, value) in headers {
            pairs.push(&Array::of2(&name.into(), &value.into()));
        }
        let body = (!body.is_empty()).then(|| Uint8Array::from(&body[..]));
        let answered = self.relay.request(method, &path, token, pairs, body).await;
        let answered: Answered = answered.map_err(|error| failed(&error))?.unchecked_into();
        let headers = answered.headers();
        let headers = headers.iter().filter_map(|pair| {
            let pair = Array::from(&pair);
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        });
        Ok(HttpResponse {
            status: answered.status(),
            headers: headers.collect(),
            body: Box::new(Body(answered)),
        })
    }

    async fn open(&self, token: &str) -> Result<Arc<dyn Socket>, LinkError> {
        match self.relay.open(token).await {
            Ok(socket) => Ok(Arc::new(BrowserSocket(socket.unchecked_into()))),
            Err(error) => Err(self.why_not(token, failed(&error)).await),
        }
    }
}

impl BrowserLink {
    /// A browser does not say with which status a socket was refused; a request does.
    async fn why_not(&self, token: &str, error: LinkError) -> LinkError {
        let request = HttpRequest {
            method: "GET",
            path: "/v1/account".to_owned(),
            token: Some(token.to_owned()),
            headers: Vec::new(),
            body: Bytes::new(),
        };
        match self.request(request).await {
            Ok(response) if response.status == 401 => LinkError::Unauthorized,
            _ => error,
        }
    }
}

struct Body(Answered);

impl Drop for Body {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[async_trait(?Send)]
impl ResponseBody for Body {
    async fn next(&mut self) -> Result<Option<Bytes>, LinkError> {
        let piece = self.0.next().await.map_err(|error| failed(&error))?;
        Ok(piece.dyn_ref::<Uint8Array>().map(|piece| piece.to_vec().into()))
    }
}

struct BrowserSocket(JsSocket);

impl Drop for BrowserSocket {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What the code with which a socket was closed means; -1 is our own, for a relay that sends too much.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "codes are small, and what is not saturates"
)]
fn closed(code: f64) -> LinkError {
    match code {
        ..0.0 => LinkError::TooMuch,
        1.0.. => LinkError::Closed(Some(code as u16)),
        _ => LinkError::Closed(None),
    }
}

#[async_trait(?Send)]
impl Socket for BrowserSocket {
    async fn send(&self, frame: Bytes) -> Result<(), LinkError> {
        let sent = self.0.send(Uint8Array::from(&frame[..])).await.map_err(|error| failed(&error))?;
        sent.as_f64().map_or(Ok(()), |code| Err(closed(code)))
    }

    async fn next(&self) -> Result<Bytes, LinkError> {
        loop {
            let taken = self.0.take();
            if let Some(code) = taken.as_f64() {
                return Err(closed(code));
            }
            if let Some(frame) = taken.dyn_ref::<Uint8Array>() {
                if usize::try_from(frame.length()).is_ok_and(|len| len <= limits::FRAME) {
                    return Ok(frame.to_vec().into());
                }
                return Err(LinkError::TooMuch);
            }
            // Taken only after this, so that dropped here it loses none.
            let _ = self.0.filled().await;
        }
    }

    async fn close(&self) {
        self.0.close();
    }
}
