//! The master key: where it comes from, and wrapping.

use std::{fmt, path::PathBuf, process::Stdio, time::Duration};

use aes_gcm_siv::{
    Aes256GcmSiv, Key, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use store::Entropy;
use tokio::{io::AsyncReadExt as _, process::Command};
use zeroize::Zeroizing;

use crate::{HostError, ids::BusinessId};

/// How long a command may take that gives the key.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are read of a file or a command: 32 of them in hexadecimal or base64, with white space around.
const MOST: u64 = 256;

/// Where the master key comes from. 32 bytes: as they are (file only), in hexadecimal or in base64.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MasterKeyConfig {
    /// A file; only its owner should be able to read it.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
    /// A program and its arguments, which prints it: of a key service, or of a module of hardware.
    Command(Vec<String>),
}

/// 32 bytes that wrap the keys of businesses.
pub struct MasterKey {
    cipher: Aes256GcmSiv,
    name: [u8; 8],
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").finish_non_exhaustive()
    }
}

impl MasterKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        let name = Sha256::new().chain_update(b"Tradepost master key name v1").chain_update(bytes).finalize();
        let mut short = [0; 8];
        short.iter_mut().zip(name).for_each(|(to, from)| *to = from);
        Self { cipher: Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*bytes)), name: short }
    }

    /// Fetches it.
    ///
    /// # Errors
    /// `MasterKey`, which says what is wrong.
    pub async fn fetch(config: &MasterKeyConfig) -> Result<Self, HostError> {
        let refuse = |reason: String| HostError::MasterKey(reason);
        match config {
            MasterKeyConfig::File(path) => {
                let shown = path.display();
                let mut text = Zeroizing::new(Vec::new());
                let file = tokio::fs::File::open(path).await;
                let file = file.map_err(|error| refuse(format!("{shown} cannot be read: {error}")))?;
                let read = file.take(MOST).read_to_end(&mut text).await;
                read.map_err(|error| refuse(format!("{shown} cannot be read: {error}")))?;
                parse(&text).ok_or_else(|| refuse(format!("{shown} does not hold 32 bytes")))
            }
            MasterKeyConfig::Environment(name) => {
                let text = std::env::var(name).map(Zeroizing::new);
                let text = text.map_err(|_| refuse(format!("the variable {name} is not set")))?;
                parse(text.as_bytes())
                    .ok_or_else(|| refuse(format!("the variable {name} does not hold 32 bytes")))
            }
            MasterKeyConfig::Command(words) => {
                let (program, arguments) =
                    words.split_first().ok_or_else(|| refuse("an empty command".to_owned()))?;
                let mut command = Command::new(program);
                command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
                let output = tokio::time::timeout(PATIENCE, command.output()).await;
                let output = output.map_err(|_| refuse(format!("{program} did not end in time")))?;
                let output = output.map_err(|error| refuse(format!("{program} cannot be run: {error}")))?;
                let text = Zeroizing::new(output.stdout);
                if !output.status.success() {
                    return Err(refuse(format!("{program} ended with {}", output.status)));
                }
                parse(&text).ok_or_else(|| refuse(format!("{program} did not print 32 bytes")))
            }
        }
    }

    /// Reads the key in this file, or makes one there that only its owner may read.
    ///
    /// # Errors
    /// `MasterKey`.
    pub async fn fetch_or_make(path: &std::path::Path, entropy: &dyn Entropy) -> Result<Self, HostError> {
        if tokio::fs::try_exists(path).await.unwrap_or(true) {
            return Self::fetch(&MasterKeyConfig::File(path.to_owned())).await;
        }
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        let text = Zeroizing::new(STANDARD.encode(*bytes) + "\n");
        let made = make_private(path, text.as_bytes()).await;
        made.map_err(|error| HostError::MasterKey(format!("{} cannot be made: {error}", path.display())))?;
        Ok(Self::new(&bytes))
    }

    /// What names this key beside what it wraps; says nothing of it.
    #[must_use]
    pub const fn name(&self) -> [u8; 8] {
        self.name
    }

    pub(super) fn wrap_key(
        &self,
        business: BusinessId,
        version: u8,
        key: &[u8; 32],
        nonce: [u8; 12],
    ) -> Result<Vec<u8>, HostError> {
        let payload = Payload { msg: key, aad: &associated(business, version) };
        let wrapped = self.cipher.encrypt(&Nonce::from(nonce), payload);
        let wrapped = wrapped.map_err(|_| HostError::internal("a key cannot be wrapped"))?;
        Ok([&nonce[..], &wrapped].concat())
    }

    pub(super) fn unwrap_key(
        &self,
        business: BusinessId,
        version: u8,
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, HostError> {
        const DAMAGED: HostError = HostError::Sealed("the key of a business is damaged");
        let (nonce, wrapped) = wrapped.split_first_chunk::<12>().ok_or(DAMAGED)?;
        let payload = Payload { msg: wrapped, aad: &associated(business, version) };
        let opened = self.cipher.decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new);
        let opened = opened.map_err(|_| DAMAGED)?;
        opened.as_slice().try_into().map(Zeroizing::new).map_err(|_| DAMAGED)
    }
}

fn associated(business: BusinessId, version: u8) -> Vec<u8> {
    [b"Tradepost business key v1".as_slice(), &business.get().to_be_bytes(), &[version]].concat()
}

fn parse(text: &[u8]) -> Option<MasterKey> {
    if let Ok(bytes) = <&[u8; 32]>::try_from(text) {
        return Some(MasterKey::new(bytes));
    }
    let text = std::str::from_utf8(text).ok()?.trim();
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).ok()?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        return Some(MasterKey::new(&bytes));
    }
    let decoded = Zeroizing::new(STANDARD.decode(text).ok()?);
    *bytes = decoded.as_slice().try_into().ok()?;
    Some(MasterKey::new(&bytes))
}

/// Writes a file that only its owner may read, durably, and never over another.
async fn make_private(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    use tokio::io::AsyncWriteExt as _;
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::File::open(folder).await?.sync_all().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::testing::SeededEntropy;

    use super::*;

    #[test]
    fn three_spellings_are_one_key() {
        let bytes = [0xa5; 32];
        let name = MasterKey::new(&bytes).name();
        let hex = "a5".repeat(32) + "\n";
        for text in [bytes.to_vec(), hex.into_bytes(), STANDARD.encode(bytes).into_bytes()] {
            assert_eq!(parse(&text).unwrap().name(), name);
        }
        for bad in [&b""[..], b"hush", &[0; 31], &[b'x'; 64]] {
            assert!(parse(bad).is_none());
        }
    }

    #[test]
    fn a_wrapped_key_opens_for_its_business_and_version() {
        let entropy = SeededEntropy::new(3);
        let (business, other) = (BusinessId::random(&entropy), BusinessId::random(&entropy));
        let master = MasterKey::new(&[1; 32]);
        let wrapped = master.wrap_key(business, 1, &[9; 32], [2; 12]).unwrap();
        assert_eq!(*master.unwrap_key(business, 1, &wrapped).unwrap(), [9; 32]);
        assert!(master.unwrap_key(other, 1, &wrapped).is_err());
        assert!(master.unwrap_key(business, 2, &wrapped).is_err());
        assert!(MasterKey::new(&[2; 32]).unwrap_key(business, 1, &wrapped).is_err());
    }

    #[tokio::test]
    async fn comes_from_a_file_or_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::fetch_or_make(&path, &SeededEntropy::new(4)).await.unwrap();
        let again = MasterKey::fetch_or_make(&path, &SeededEntropy::new(5)).await.unwrap();
        assert_eq!(made.name(), again.name());
        let words = ["cat".to_owned(), path.display().to_string()];
        let told = MasterKey::fetch(&MasterKeyConfig::Command(words.to_vec())).await.unwrap();
        assert_eq!(made.name(), told.name());
        let silent = MasterKeyConfig::Command(vec!["true".to_owned()]);
        assert!(matches!(MasterKey::fetch(&silent).await, Err(HostError::MasterKey(_))));
    }
}
