//! Where an account of the command line lives: a folder with its vault, the key of the vault, and which relay it is at.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::problem::{Answer, Exit, Problem};

/// Which account, where.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Where {
    /// Which of the accounts on this machine
    #[arg(
        long = "as",
        visible_alias = "account",
        value_name = "NAME",
        default_value = "default",
        env = "TRADEPOST_ACCOUNT",
        global = true
    )]
    pub(crate) account: String,
    /// Folder of all accounts [default: tradepost in the user's data folder]
    #[arg(long, value_name = "FOLDER", env = "TRADEPOST_DATA", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// The relay; remembered when an account is registered or linked [default: http://127.0.0.1:8443]
    #[arg(long, value_name = "URL", env = "TRADEPOST_RELAY", global = true)]
    pub(crate) relay: Option<String>,
    /// Trust this certificate too (PEM): for a relay that signed its own; remembered too
    #[arg(long, value_name = "FILE", env = "TRADEPOST_RELAY_CERTIFICATE", global = true)]
    pub(crate) relay_certificate: Option<PathBuf>,
    /// Speak plain HTTP with a relay on another machine; remembered too
    #[arg(long, global = true)]
    pub(crate) plain_beyond_loopback: bool,
    #[command(flatten)]
    pub(crate) secret: Secret,
}

/// What opens the vault, if it is not the file beside it.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Secret {
    /// The passphrase that the vault is encrypted under is in this file; said when the account is made, and then always
    #[arg(long, value_name = "FILE", env = "TRADEPOST_PASSPHRASE_FILE", global = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Encrypt the vault of a new account under a passphrase that is asked for at the terminal
    #[arg(long, global = true, conflicts_with = "passphrase_file")]
    pub(crate) ask_passphrase: bool,
}

/// The relay of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AtRelay {
    pub(crate) url: String,
    /// PEM of a certificate that is trusted too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<String>,
    /// Whether plain HTTP may leave this machine.
    #[serde(default)]
    pub(crate) plain: bool,
}

/// An account's folder, held by this process alone.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) name: String,
    folder: PathBuf,
    /// Locked while it is open.
    _lock: File,
}

const RELAY: &str = "relay.json";
const SHOWN: &str = "shown.json";
const NUMBERS: &str = "numbers.json";
/// Safety numbers that are remembered.
const REMEMBERED: usize = 100;

impl Home {
    /// Opens the folder, which is made if it is not there.
    pub(crate) fn open(flags: &Where, command: &str) -> Answer<Self> {
        let name = flags.account.clone();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
        if name.is_empty() || name.starts_with('.') || name.len() > 64 || !name.bytes().all(plain) {
            return Err(Problem::usage("--as: letters, digits and -_.+, at most 64"));
        }
        let data = match &flags.data {
            Some(data) => data.clone(),
            None => user_data()?,
        };
        let folder = data.join(&name);
        make_private(&folder).map_err(|error| Problem::file(&folder, &error))?;
        let lock = lock(&folder, &name, command)?;
        Ok(Self { name, folder, _lock: lock })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the flags say, else what is remembered, else the default.
    pub(crate) fn relay(&self, flags: &Where) -> Answer<AtRelay> {
        let remembered: Option<AtRelay> = self.read(RELAY)?;
        let certificate = match &flags.relay_certificate {
            Some(path) => Some(fs::read_to_string(path).map_err(|error| Problem::file(path, &error))?),
            None => None,
        };
        let told = flags.relay.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        // What was said of one relay does not count for another.
        let same = remembered.filter(|remembered| told.as_ref().is_none_or(|told| *told == remembered.url));
        let mut relay = same.unwrap_or_else(|| AtRelay {
            url: told.unwrap_or_else(|| super::DEFAULT_RELAY.to_owned()),
            certificate: None,
            plain: false,
        });
        relay.certificate = certificate.or(relay.certificate);
        relay.plain |= flags.plain_beyond_loopback;
        Ok(relay)
    }

    /// Whether an account was made here.
    pub(crate) fn is_registered(&self) -> bool {
        self.path(RELAY).exists()
    }

    pub(crate) fn remember_relay(&self, relay: &AtRelay) -> Answer {
        self.write(RELAY, relay)
    }

    /// The position of the last message that `receive` has shown.
    pub(crate) fn shown(&self) -> Answer<u64> {
        Ok(self.read(SHOWN)?.unwrap_or_default())
    }

    pub(crate) fn remember_shown(&self, position: u64) -> Answer {
        self.write(SHOWN, &position)
    }

    /// Whether the person was shown this safety number.
    pub(crate) fn was_shown(&self, digits: &str) -> Answer<bool> {
        Ok(self.read::<Vec<String>>(NUMBERS)?.unwrap_or_default().iter().any(|shown| shown == digits))
    }

    /// The person was shown this safety number: what they decide now is about it.
    pub(crate) fn remember_number(&self, digits: &str) -> Answer {
        let mut numbers: Vec<String> = self.read(NUMBERS)?.unwrap_or_default();
        numbers.retain(|shown| shown != digits);
        numbers.push(digits.to_owned());
        numbers.drain(..numbers.len().saturating_sub(REMEMBERED));
        self.write(NUMBERS, &numbers)
    }

    /// Takes everything of the account away from this machine.
    pub(crate) fn forget(self) -> Answer {
        fs::remove_dir_all(&self.folder).map_err(|error| Problem::file(&self.folder, &error))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Answer<Option<T>> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| Problem::failed(format!("{}: {error}", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Problem::file(&path, &error)),
        }
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Answer {
        let (path, new) = (self.path(name), self.path(&format!("{name}.new")));
        let bytes = serde_json::to_vec(value).map_err(|error| Problem::failed(error.to_string()))?;
        let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, &path));
        written.map_err(|error| Problem::file(&path, &error))
    }
}

/// `tradepost` in the folder where this system keeps a user's data.
fn user_data() -> Answer<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || folder("HOME").map(|home| home.join(".local").join("share"));
    let data = folder("XDG_DATA_HOME").or_else(home).or_else(|| folder("LOCALAPPDATA"));
    data.map(|data| data.join("tradepost"))
        .ok_or_else(|| Problem::usage("no folder for a user's data is known here: say one with --data"))
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn lock(folder: &Path, name: &str, command: &str) -> Answer<File> {
    let path = folder.join("in-use");
    let failed = |error: &std::io::Error| Problem::file(&path, error);
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(&path).map_err(|e| failed(&e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _unreadable_is_unknown = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
            let message = format!("the account {name:?} is in use by {holder}");
            return Err(Problem::new(Exit::Failed, "in_use", message).hint(
                "One process at a time: end that one, or type into it (tradepost chat with shows and sends; tradepost \
                 chat daemon serves many).",
            ));
        }
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
    }
    let holder = format!("process {} (tradepost chat {command})", std::process::id());
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
    written.map_err(|error| failed(&error))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(data: &Path, account: &str) -> Where {
        Where {
            account: account.into(),
            data: Some(data.into()),
            relay: None,
            relay_certificate: None,
            plain_beyond_loopback: false,
            secret: Secret::default(),
        }
    }

    #[test]
    fn one_process_holds_an_account_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let first = Home::open(&flags(folder.path(), "anna"), "receive").unwrap();
        let problem = Home::open(&flags(folder.path(), "anna"), "send").unwrap_err();
        assert_eq!(problem.code, "in_use");
        let holder = format!("process {} (tradepost chat receive)", std::process::id());
        assert!(problem.message.contains(&holder), "{}", problem.message);
        Home::open(&flags(folder.path(), "bank"), "send").unwrap();
        drop(first);
        Home::open(&flags(folder.path(), "anna"), "send").unwrap();
        for bad in ["", "..", "a/b", ".hidden"] {
            assert_eq!(Home::open(&flags(folder.path(), bad), "send").unwrap_err().exit, Exit::Usage);
        }
    }

    #[test]
    fn the_relay_is_remembered_with_its_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let mut flags = flags(folder.path(), "anna");
        let home = Home::open(&flags, "register").unwrap();
        assert_eq!(home.relay(&flags).unwrap().url, crate::chat::DEFAULT_RELAY);
        let pem = folder.path().join("relay.pem");
        fs::write(&pem, "PEM").unwrap();
        flags.relay = Some("https://relay.example/".into());
        flags.relay_certificate = Some(pem);
        let told = home.relay(&flags).unwrap();
        assert_eq!((told.url.as_str(), told.certificate.as_deref()), ("https://relay.example", Some("PEM")));
        home.remember_relay(&told).unwrap();
        flags.relay_certificate = None;
        assert_eq!(home.relay(&flags).unwrap(), told);
        flags.relay = Some("https://other.example".into());
        assert_eq!(home.relay(&flags).unwrap().certificate, None);
    }
}
