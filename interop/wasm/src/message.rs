use signal::{EncryptedMessage, MessageKind};
use wasm_bindgen::prelude::*;

use crate::{Thrown, javascript::Uint8Array};

/// A ciphertext and what kind of message it is.
#[wasm_bindgen]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message(pub(crate) EncryptedMessage);

#[wasm_bindgen]
impl Message {
    /// From what travelled: 2 is a message of a session, 3 one that begins a session, 7 one to a group.
    #[wasm_bindgen(constructor)]
    pub fn new(kind: u8, bytes: Vec<u8>) -> Result<Self, Thrown> {
        Ok(Self(EncryptedMessage { kind: MessageKind::try_from(kind)?, bytes }))
    }

    /// The number that travels beside the bytes.
    #[wasm_bindgen(getter)]
    pub fn kind(&self) -> u8 {
        self.0.kind as u8
    }

    /// The serialized message.
    #[wasm_bindgen(getter)]
    pub fn bytes(&self) -> Uint8Array {
        self.0.bytes.as_slice().into()
    }
}
