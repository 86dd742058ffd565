use signal::{DistributionId, DistributionMessage, SenderKeyMessage, SenderKeyRecord};
use wasm_bindgen::prelude::*;

use crate::{FaceError, Message, Thrown, javascript::Uint8Array, rng};

/// What a device keeps of one sender in one group, be it itself.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SenderKey(SenderKeyRecord);

#[wasm_bindgen]
impl SenderKey {
    /// To send with. `distribution_id` is a UUID, as bytes.
    pub fn create(distribution_id: &[u8]) -> Result<Self, Thrown> {
        Ok(Self(SenderKeyRecord::create(read_id(distribution_id)?, &mut rng())))
    }

    /// To receive with, once a distribution message is processed.
    #[wasm_bindgen(constructor)]
    pub fn new(distribution_id: &[u8]) -> Result<Self, Thrown> {
        Ok(Self(SenderKeyRecord::new(read_id(distribution_id)?)))
    }

    /// What to tell each member through the session with it. It is secret.
    pub fn distribution(&self) -> Result<Uint8Array, Thrown> {
        Ok(self.0.distribution()?.serialize().as_slice().into())
    }

    /// Takes in what the sender told.
    pub fn process(&mut self, distribution: &[u8]) -> Result<(), Thrown> {
        Ok(self.0.process(&DistributionMessage::parse(distribution)?)?)
    }

    /// Encrypts for all members at once.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Result<Message, Thrown> {
        Ok(Message(self.0.encrypt(plaintext, &mut rng())?))
    }

    /// Decrypts what the sender wrote.
    pub fn decrypt(&mut self, message: &Message) -> Result<Uint8Array, Thrown> {
        Ok(self.0.decrypt(&SenderKeyMessage::parse(&message.0.bytes)?)?.as_slice().into())
    }
}

fn read_id(bytes: &[u8]) -> Result<DistributionId, FaceError> {
    bytes.try_into().map(DistributionId).map_err(|_| FaceError::NoDistributionId)
}
