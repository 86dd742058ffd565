use signal::DeviceId;
use wasm_bindgen::prelude::*;

use crate::{FaceError, Thrown};

/// One device of one account.
#[wasm_bindgen]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address(pub(crate) signal::Address);

#[wasm_bindgen]
impl Address {
    /// `name` is a UUID for an account; `device` is from 1 to 127.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, device: u32) -> Result<Self, Thrown> {
        let device = DeviceId::new(device).ok_or(FaceError::NoSuchDevice(device))?;
        Ok(Self(signal::Address::new(name, device)))
    }

    /// Name of the account.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.0.name().to_owned()
    }

    /// Number of the device.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> u8 {
        self.0.device().get()
    }
}
