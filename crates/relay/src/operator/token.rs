//! The operator's token, if nobody says one: made once and kept in the data folder.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use store::Entropy;

use crate::config::Hidden;

/// Its name in the data folder.
pub const FILE: &str = "operator.token";

/// Reads the token of this data folder, or makes it.
pub(crate) fn ensure(data: &Path, entropy: &dyn Entropy) -> io::Result<Hidden> {
    let path = data.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(Hidden::from(text.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut secret = [0; 32];
    entropy.fill(&mut secret);
    let token = format!("tpa1_{}", URL_SAFE_NO_PAD.encode(secret));
    // Whoever reads it sees all of it or nothing.
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(format!("{token}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    Ok(Hidden::from(&*token))
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
        let made = ensure(folder.path(), &Sevens).unwrap();
        assert_eq!(made.expose().len(), 48);
        assert_eq!(ensure(folder.path(), &Sevens).unwrap(), made);
        let file = folder.path().join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "  mine\n").unwrap();
        assert_eq!(ensure(folder.path(), &Sevens).unwrap().expose(), "mine");
    }
}
