//! Public keys from the network: refused or read, and what was read is written the same way.
#![no_main]

use keys::PublicKey;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = PublicKey::from_bytes(bytes) {
        assert_eq!(key.to_bytes(), bytes);
    }
});
