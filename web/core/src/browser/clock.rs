use std::{cell::Cell, rc::Rc, time::Duration};

use async_trait::async_trait;
use client::Clock;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, milliseconds: f64) -> f64;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: f64);
}

/// What a browser can wait at once: milliseconds.
const LONGEST: f64 = 2_147_483_647.0;

/// The time of the browser.
#[derive(Debug)]
pub(crate) struct BrowserClock;

/// Milliseconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time after 1970, in whole milliseconds"
)]
pub(crate) fn now() -> u64 {
    js_sys::Date::now() as u64
}

/// A timer that is ended with whoever waits for it.
struct Timer(Rc<Cell<f64>>);

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(self.0.get());
    }
}

#[async_trait(?Send)]
impl Clock for BrowserClock {
    fn now(&self) -> u64 {
        now()
    }

    async fn sleep(&self, time: Duration) {
        let milliseconds = (time.as_secs_f64() * 1000.0).min(LONGEST);
        let id = Rc::new(Cell::new(0.0));
        let timer = Timer(Rc::clone(&id));
        let over = Promise::new(&mut |done, _| id.set(set_timeout(&done, milliseconds)));
        // It cannot fail.
        let _ = JsFuture::from(over).await;
        drop(timer);
    }
}
