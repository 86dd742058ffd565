//! The two things of JavaScript that are made here; a crate that binds all of it would bring seven more.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Bytes that belong to JavaScript: secrets go there in one copy, and ours are wiped.
    #[wasm_bindgen(typescript_type = "Uint8Array")]
    #[derive(Debug)]
    pub type Uint8Array;

    #[wasm_bindgen(constructor)]
    fn new(bytes: &[u8]) -> Uint8Array;

    #[derive(Debug)]
    pub(crate) type Error;

    #[wasm_bindgen(constructor)]
    pub(crate) fn new(message: &str) -> Error;

    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_name(this: &Error, name: &str);
}

impl From<&[u8]> for Uint8Array {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}
