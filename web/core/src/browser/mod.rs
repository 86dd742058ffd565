//! What a device is given in a browser: a vault on IndexedDB, a link over `fetch` and a WebSocket, the time, randomness.
//! What the browser itself does for them is in `src-ts`.

mod clock;
mod files;
mod link;
mod vault;

use std::sync::Arc;

use client::Edges;
use wasm_bindgen::prelude::*;

pub(crate) use self::{
    clock::{BrowserClock, now},
    files::{FileParts, FileSource, Parts, whole},
    link::{BrowserLink, Relay},
    vault::{BrowserVault, Database},
};

/// Everything outside that a device touches.
pub(crate) fn edges(vault: &Arc<BrowserVault>, link: &Arc<BrowserLink>) -> Edges {
    Edges {
        vault: Arc::clone(vault) as Arc<dyn client::Vault>,
        link: Arc::clone(link) as Arc<dyn client::Link>,
        clock: Arc::new(BrowserClock),
        rng: rng(),
    }
}

#[expect(clippy::disallowed_types, reason = "the browser is the edge at which randomness enters")]
fn rng() -> client::Randomness {
    Box::new(rand_core::UnwrapErr(getrandom::SysRng))
}

/// What JavaScript threw, in words: of errors only the name and message that they were made with.
fn thrown(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => format!("{}: {}", String::from(error.name()), String::from(error.message())),
        None => "it was refused".to_owned(),
    }
}
