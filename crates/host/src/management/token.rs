//! The token of who runs the host, if the configuration says none: made once and kept in the data folder.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use store::Entropy;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Its name in the data folder.
pub const FILE: &str = "operator.token";

/// The operator's token, as it is compared.
#[derive(Clone)]
pub struct OperatorToken([u8; 32]);

impl std::fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperatorToken")
    }
}

impl OperatorToken {
    /// From its text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Reads the token of this data folder, or makes it.
    pub(crate) fn of_folder(data: &Path, entropy: &dyn Entropy) -> io::Result<Self> {
        let path = data.join(FILE);
        match fs::read_to_string(&path).map(Zeroizing::new) {
            Ok(text) if !text.trim().is_empty() => return Ok(Self::new(text.trim())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut secret = Zeroizing::new([0; 32]);
        entropy.fill(&mut *secret);
        let token = Zeroizing::new(format!("tpm1_{}", URL_SAFE_NO_PAD.encode(*secret)));
        // Whoever reads it sees all of it or nothing.
        let new = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(token.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        Ok(Self::new(&token))
    }

    /// Whether this is it. Hashes have one length, whatever was shown.
    pub(super) fn is(&self, shown: &str) -> bool {
        Sha256::digest(shown)[..].ct_eq(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[derive(Debug)]
    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn it_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        OperatorToken::of_folder(folder.path(), &Sevens).unwrap();
        let file = folder.path().join(FILE);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.trim().len(), 48);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let again = OperatorToken::of_folder(folder.path(), &Sevens).unwrap();
        assert!(again.is(text.trim()) && !again.is("") && !again.is(&text));
        fs::write(&file, "  mine\n").unwrap();
        assert!(OperatorToken::of_folder(folder.path(), &Sevens).unwrap().is("mine"));
    }
}
