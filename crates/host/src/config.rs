//! How a host is told to be: one tree, read once, with a default for everything.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use store::{
    blobs::{BlobConfig, Place},
    bus::BusConfig,
    jobs::WorkerConfig,
    sql::DatabaseConfig,
    writer::WriterConfig,
};

use crate::sealing::MasterKeyConfig;

/// Everything a host is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder for what is not told to be elsewhere: `host.db`, `master.key`, `files/`, `tls/`. Default `data`.
    pub data: PathBuf,
    /// Where and how to listen.
    pub listen: Listen,
    /// The relay that its numbers are registered at. Default `http://127.0.0.1:8443`.
    pub relay: String,
    /// SHA-256 of the relay's certificate in 64 hexadecimal digits, as a relay prints it that signed its own: then no other
    /// certificate is taken. Default: one that a known authority signed.
    pub relay_fingerprint: Option<String>,
    /// A certificate (PEM) that is trusted besides those of the known authorities. Default: none.
    pub relay_certificate: Option<PathBuf>,
    /// Who runs this host.
    pub operator: Operator,
    /// How clients reach this server, as in `https://api.bank.example`: what absolute addresses in answers begin with.
    /// Default: the address it listens on.
    pub public_url: Option<String>,
    /// Master keys: the first wraps what is new, the others open what is old. Default: `master.key` in the data folder,
    /// made if it is not there.
    pub master_keys: Vec<MasterKeyConfig>,
    /// The database. Default: `host.db` in the data folder, SQLite.
    pub database: Option<DatabaseConfig>,
    /// The database of businesses' keys, wrapped: apart, so that no copy of the other one brings back a business that was
    /// erased. Default: beside `host.db` of SQLite `host-keys.db`, and else the database itself.
    pub keys: Option<DatabaseConfig>,
    /// How writes are put together.
    pub writer: WriterConfig,
    /// Signals between processes. Default: within this process.
    pub bus: BusConfig,
    /// How jobs are done.
    pub workers: WorkerConfig,
    /// Files of people and businesses, encrypted.
    pub files: Files,
    /// Callbacks.
    pub webhooks: Webhooks,
    /// How much a number may send.
    pub messaging: Messaging,
    /// What browsers are shown beside the interfaces: the binary brings it.
    #[serde(skip)]
    pub pages: serve::pages::Site,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            listen: Listen::default(),
            relay: "http://127.0.0.1:8443".to_owned(),
            relay_fingerprint: None,
            relay_certificate: None,
            operator: Operator::default(),
            public_url: None,
            master_keys: Vec::new(),
            database: None,
            keys: None,
            writer: WriterConfig::default(),
            bus: BusConfig::default(),
            workers: WorkerConfig::default(),
            files: Files::default(),
            webhooks: Webhooks::default(),
            messaging: Messaging::default(),
            pages: serve::pages::Site::default(),
        }
    }
}

/// Where and how to listen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub address: SocketAddr,
    /// With which certificate. Without one, plain HTTP.
    pub tls: Option<Tls>,
    /// Plain HTTP also beyond loopback: for a host behind a proxy that speaks TLS. Default false.
    pub plain_beyond_loopback: bool,
    /// How many proxies stand in front: behind them all come from few addresses, and no number of connections is too
    /// many from one. Default 0.
    pub proxies: usize,
    /// Connections from one address at most. Default 1024.
    pub connections_per_address: usize,
    /// Connections at most. Default 10000.
    pub connections: usize,
    /// Connections on which nobody has shown a good token yet, at most: over it the oldest of them is closed.
    /// Default 4096.
    pub strangers: usize,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: None,
            plain_beyond_loopback: false,
            proxies: 0,
            connections_per_address: 1024,
            connections: 10_000,
            strangers: 4096,
        }
    }
}

impl Listen {
    /// All of it, as what listens wants to be told.
    #[must_use]
    pub fn whole(&self) -> serve::Listen {
        let tls = self.tls.clone().map(|Tls { certificate, key }| serve::Tls::Files { certificate, key });
        serve::Listen {
            address: self.address,
            tls,
            plain_beyond_loopback: self.plain_beyond_loopback,
            proxies: self.proxies,
            connections_per_address: self.connections_per_address,
            connections: self.connections,
            strangers: self.strangers,
            // A program that sends much has many connections.
            streams: 0,
            head_timeout_ms: 20_000,
            body_idle_ms: 30_000,
            ..serve::Listen::default()
        }
    }
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate, and those that lead to a known authority, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
}

/// Who runs a host, and manages its businesses at `/host/v1`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operator {
    /// Their token; several processes have the same. Default: `operator.token` in the data folder, made if it is not there.
    pub token: Option<Hidden>,
    /// Figures, and the details of health, without the token for requests from this machine: only where no proxy on it
    /// passes on what others ask, for their requests look the same. Default false.
    pub figures_on_loopback: bool,
}

/// Text that is not to be seen: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Files {
    /// Where they are kept. Default: `files` in the data folder.
    pub place: Option<Place>,
    /// Bytes of one at most. Default 104857600 (100 MiB).
    pub limit: u64,
    /// Bytes of all media of one business at most, those that people sent with them; 0 for any number. Default 107374182400
    /// (100 GiB).
    pub media_per_business: u64,
    /// Bytes of all resumable uploads of one business at most, finished or not; 0 for any number. Default 1073741824
    /// (1 GiB).
    pub uploads_per_business: u64,
}

impl Default for Files {
    fn default() -> Self {
        Self { place: None, limit: 100 << 20, media_per_business: 100 << 30, uploads_per_business: 1 << 30 }
    }
}

impl Files {
    /// A bound, where 0 is none.
    pub(crate) const fn bound(bytes: u64) -> u64 {
        if bytes == 0 { u64::MAX } else { bytes }
    }
}

/// Callbacks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Callbacks on this machine, over plain HTTP: for trying and for tests. Default false.
    pub loopback: bool,
    /// Callbacks in private networks: for a host that stands in one with the software it calls. Default false.
    pub private_networks: bool,
    /// How long a callback may take to answer. Default 20000.
    pub timeout_ms: u64,
    /// Deliveries to one callback at the same time. Default 16.
    pub parallel: usize,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { loopback: false, private_networks: false, timeout_ms: 20_000, parallel: 16 }
    }
}

/// How much a number may send.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Messaging {
    /// Messages a second of one number, in one process of the host; 0 for any number. Default 1000.
    pub per_second: u32,
    /// One message to the same person in so many milliseconds, on average; 0 for any number. Default 6000.
    pub pair_ms: u64,
    /// How many messages to the same person may come together. Default 45.
    pub pair_burst: u32,
    /// People a day whom a new number may write to first; none for any number. Default 250.
    pub tier: Option<u32>,
    /// Whether that grows when a number uses it. Default yes.
    pub tiers_grow: bool,
}

impl Default for Messaging {
    fn default() -> Self {
        Self { per_second: 1000, pair_ms: 6000, pair_burst: 45, tier: Some(250), tiers_grow: true }
    }
}

/// A configuration that makes no sense, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ConfigError {
    /// The path to the setting.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl From<serve::Senseless> for ConfigError {
    fn from(serve::Senseless { field, reason }: serve::Senseless) -> Self {
        Self { field, reason }
    }
}

impl Config {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.listen.whole().validate()?;
        let sure = |good: bool, field: &'static str, reason: &'static str| {
            if good { Ok(()) } else { Err(ConfigError { field, reason }) }
        };
        let http = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        sure(http(&self.relay), "relay", "https://… (or http://… on loopback)")?;
        let token = self.operator.token.as_ref();
        sure(
            token.is_none_or(|token| token.expose().len() >= 16),
            "operator.token",
            "at least 16 characters",
        )?;
        sure(
            self.relay_fingerprint.is_none() || self.fingerprint().is_some(),
            "relay_fingerprint",
            "the 64 hexadecimal digits that the relay prints",
        )?;
        sure(self.public_url.as_deref().is_none_or(http), "public_url", "https://… (or http://…)")?;
        sure(self.files.limit > 0, "files.limit", "at least 1")?;
        sure(self.webhooks.timeout_ms > 0, "webhooks.timeout_ms", "at least 1")?;
        sure(self.webhooks.parallel > 0, "webhooks.parallel", "at least 1")
    }

    /// The fingerprint of the relay's certificate, if one is told.
    #[must_use]
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        let text = self.relay_fingerprint.as_deref()?.replace(':', "");
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(bytes)
    }

    /// The database, or the default one.
    #[must_use]
    pub fn database(&self) -> DatabaseConfig {
        self.database.clone().unwrap_or_else(|| {
            DatabaseConfig::at(format!("sqlite:{}", self.data.join("host.db").display()).as_str())
        })
    }

    /// The database of keys, if it is another one.
    #[must_use]
    pub fn keys(&self) -> Option<DatabaseConfig> {
        if let Some(keys) = &self.keys {
            return Some(DatabaseConfig { overwrite: true, ..keys.clone() });
        }
        let database = self.database();
        let file = Path::new(database.url.expose().strip_prefix("sqlite:")?);
        let name = format!("{}-keys.db", file.file_stem()?.to_string_lossy());
        let beside = DatabaseConfig::at(format!("sqlite:{}", file.with_file_name(name).display()).as_str());
        Some(DatabaseConfig { url: beside.url, overwrite: true, ..database })
    }

    /// The place for files, or the default one.
    #[must_use]
    pub fn files(&self) -> BlobConfig {
        let place = self.files.place.clone().unwrap_or_else(|| Place::Folder(self.data.join("files")));
        BlobConfig { place, limit: self.files.limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_makes_sense_and_unknown_keys_do_not() {
        let config: Config = serde_json::from_str("{}").unwrap();
        config.validate().unwrap();
        assert!(serde_json::from_str::<Config>(r#"{"listne": {}}"#).is_err());
    }

    #[test]
    fn a_fingerprint_is_as_the_relay_prints_it_and_a_token_is_not_shown() {
        let with = |text: &str| Config { relay_fingerprint: Some(text.to_owned()), ..Config::default() };
        assert_eq!(with(&"0a".repeat(32)).fingerprint(), Some([10; 32]));
        assert_eq!(with(&["0A"; 32].join(":")).fingerprint(), Some([10; 32]));
        for bad in ["", "0a", &"0g".repeat(32), &"ä".repeat(32)] {
            assert_eq!(with(bad).validate().unwrap_err().field, "relay_fingerprint", "{bad}");
        }
        let mut config = Config::default();
        config.operator.token = Some(Hidden::from("short"));
        assert_eq!(config.validate().unwrap_err().field, "operator.token");
        assert!(!format!("{config:?}").contains("short"));
    }

    #[test]
    fn plain_http_stays_on_loopback_unless_told_otherwise() {
        let mut config = Config::default();
        config.listen.address = SocketAddr::from(([0, 0, 0, 0], 80));
        assert_eq!(config.validate().unwrap_err().field, "listen.tls");
        config.listen.plain_beyond_loopback = true;
        config.validate().unwrap();
        config.listen.strangers = 0;
        assert_eq!(config.validate().unwrap_err().field, "listen.strangers");
    }

    #[test]
    fn where_to_listen_is_said_as_ever() {
        let text = r#"{"listen": {"address": "0.0.0.0:443", "tls": {"certificate": "c.pem", "key": "k.pem"}, "proxies": 1,
            "connections": 7, "connections_per_address": 6, "strangers": 5}}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        config.validate().unwrap();
        let listen = config.listen.whole();
        assert!(matches!(listen.tls, Some(serve::Tls::Files { key, .. }) if key.ends_with("k.pem")));
        assert_eq!((listen.address.port(), listen.proxies, listen.streams), (443, 1, 0));
        assert_eq!((listen.connections, listen.connections_per_address, listen.strangers), (7, 6, 5));
    }
}
