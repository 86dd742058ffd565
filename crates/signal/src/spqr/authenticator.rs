use keys::Secret;

use super::kem::{Ct1, Ct2, Header};
use crate::kdf;

/// Proves that headers and ciphertexts come from the peer of the handshake: without it whoever is between the two
/// could put keys of its own in their place (SPQR, section 5.1). The secret of every epoch moves it on.
#[derive(Clone)]
pub(super) struct Authenticator {
    pub(super) root: Secret<32>,
    pub(super) mac: Secret<32>,
}

impl Authenticator {
    pub(super) fn new(auth_key: &Secret<32>) -> Self {
        let mut authenticator = Self { root: Secret::new([0; 32]), mac: Secret::new([0; 32]) };
        authenticator.update(1, auth_key);
        authenticator
    }

    pub(super) fn update(&mut self, epoch: u64, secret: &Secret<32>) {
        let mut input = Secret::new([0; 64]);
        let (root, end) = input.expose_mut().split_at_mut(32);
        root.copy_from_slice(self.root.expose());
        end.copy_from_slice(secret.expose());
        let label = b"Signal_PQCKA_V1_MLKEM768:Authenticator Update";
        let output = kdf::hkdf::<64>(None, input.expose(), &[label, &epoch.to_be_bytes()]);
        self.root = kdf::part(&output, 0);
        self.mac = kdf::part(&output, 32);
    }

    /// The MAC of a header. It is taken before the update of the header's epoch.
    pub(super) fn header_mac(&self, epoch: u64, header: &Header) -> Secret<32> {
        let label = b"Signal_PQCKA_V1_MLKEM768:ekheader";
        kdf::hmac(self.mac.expose(), &[label, &epoch.to_be_bytes(), header.0.as_flattened()])
    }

    /// The MAC of a ciphertext. It is taken after the update of the ciphertext's epoch.
    pub(super) fn ciphertext_mac(&self, epoch: u64, ct1: &Ct1, ct2: &Ct2) -> Secret<32> {
        let label = b"Signal_PQCKA_V1_MLKEM768:ciphertext";
        let parts: [&[u8]; 4] = [label, &epoch.to_be_bytes(), ct1.as_flattened(), ct2.as_flattened()];
        kdf::hmac(self.mac.expose(), &parts)
    }
}
