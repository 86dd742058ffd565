use std::{fmt, io, path::Path};

use argon2::{Algorithm, Argon2, Params, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::VaultError;
use crate::Randomness;

/// Bytes of salt.
pub(super) const SALT: usize = 16;
/// What a guess costs: 64 MiB and three passes, half a second.
const MEMORY: u32 = 64 << 10;
const PASSES: u32 = 3;

/// What a vault is encrypted under.
pub struct VaultKey(Inner);

enum Inner {
    Bytes(Zeroizing<[u8; 32]>),
    Passphrase(Zeroizing<String>),
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultKey").finish_non_exhaustive()
    }
}

impl VaultKey {
    /// 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Inner::Bytes(Zeroizing::new(bytes)))
    }

    /// Derived from a passphrase (Argon2id), which is as good a secret as the passphrase is.
    #[must_use]
    pub fn from_passphrase(passphrase: String) -> Self {
        Self(Inner::Passphrase(Zeroizing::new(passphrase)))
    }

    /// 32 random bytes in a file that only its owner may read. It is made if it is not there.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`]; [`VaultError::WrongKey`] if the file holds something else.
    pub async fn from_file(path: &Path, rng: &mut Randomness) -> Result<Self, VaultError> {
        match Self::read(path).await? {
            Some(key) => Ok(key),
            None => Self::make(path, rng).await,
        }
    }

    async fn read(path: &Path) -> Result<Option<Self>, VaultError> {
        let mut file = match tokio::fs::File::open(path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(unavailable)?,
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(33));
        (&mut file).take(33).read_to_end(&mut bytes).await.map_err(unavailable)?;
        let bytes = <[u8; 32]>::try_from(&bytes[..]).map_err(|_| VaultError::WrongKey)?;
        Ok(Some(Self::from_bytes(bytes)))
    }

    async fn make(path: &Path, rng: &mut Randomness) -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        // Complete under another name first: half a key would lock the vault for good.
        let mut suffix = [0; 8];
        rng.fill_bytes(&mut suffix);
        let mut name = path.file_name().ok_or(VaultError::WrongKey)?.to_owned();
        name.push(format!(".{:016x}", u64::from_be_bytes(suffix)));
        let beside = path.with_file_name(name);
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        let mut file = options.open(&beside).await.map_err(unavailable)?;
        file.write_all(&*bytes).await.map_err(unavailable)?;
        file.sync_all().await.map_err(unavailable)?;
        // Unlike a renaming, this fails if another process was faster; its key is the key then.
        let linked = tokio::fs::hard_link(&beside, path).await;
        tokio::fs::remove_file(&beside).await.map_err(unavailable)?;
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Self::read(path).await?.ok_or(VaultError::WrongKey);
            }
            Err(error) => return Err(unavailable(error)),
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let folder = tokio::fs::File::open(folder).await.map_err(unavailable)?;
            folder.sync_all().await.map_err(unavailable)?;
        }
        Ok(Self(Inner::Bytes(bytes)))
    }

    /// The key itself.
    pub(super) async fn derive(self, salt: [u8; SALT]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let passphrase = match self.0 {
            Inner::Bytes(bytes) => return Ok(bytes),
            Inner::Passphrase(passphrase) => passphrase,
        };
        let derived = tokio::task::spawn_blocking(move || {
            let params = Params::new(MEMORY, PASSES, 1, Some(32))?;
            let mut key = Zeroizing::new([0; 32]);
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                passphrase.as_bytes(),
                &salt,
                &mut *key,
            )?;
            Ok::<_, argon2::Error>(key)
        });
        let derived = derived.await.map_err(|error| VaultError::Unavailable(error.to_string()))?;
        derived.map_err(|error| VaultError::Unavailable(error.to_string()))
    }
}

fn unavailable(error: io::Error) -> VaultError {
    VaultError::Unavailable(error.to_string())
}
