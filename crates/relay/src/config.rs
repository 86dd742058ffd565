//! How a relay is told to be: one tree, read once, with a default for everything.

use std::{fmt, path::PathBuf};

use serde::Deserialize;
pub use serve::{Listen, Tls};
use store::{
    Location, blobs::Place, bus::BusConfig, jobs::WorkerConfig, sql::DatabaseConfig, writer::WriterConfig,
};

use crate::{businesses::BusinessesConfig, limits::Limits, queue::QueueConfig};

/// Everything a relay is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder for what is not told to be elsewhere: `relay.db`, `blobs/`, `tls/`. Default `data`.
    pub data: PathBuf,
    /// Where and how to listen.
    pub listen: Listen,
    /// The database. Default: `relay.db` in the data folder, SQLite.
    pub database: Option<DatabaseConfig>,
    /// How writes are put together.
    pub writer: WriterConfig,
    /// Signals between nodes. Default: within this process.
    pub bus: BusConfig,
    /// How jobs are done.
    pub workers: WorkerConfig,
    /// Codes by SMS.
    pub registration: Registration,
    /// What waits for devices.
    pub queue: QueueConfig,
    /// Media.
    pub blobs: Blobs,
    /// How much businesses may have.
    pub businesses: BusinessesConfig,
    /// How often what may be asked for.
    pub limits: Limits,
    /// Who the operator is.
    pub operator: Operator,
    /// How many recipients are kept in memory. Default 100000.
    pub recipients_cached: usize,
    /// What browsers are shown beside the interface: the binary brings it.
    #[serde(skip)]
    pub pages: serve::pages::Site,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            listen: Listen::default(),
            database: None,
            writer: WriterConfig::default(),
            bus: BusConfig::default(),
            workers: WorkerConfig::default(),
            registration: Registration::default(),
            queue: QueueConfig::default(),
            blobs: Blobs::default(),
            businesses: BusinessesConfig::default(),
            limits: Limits::default(),
            operator: Operator::default(),
            recipients_cached: 100_000,
            pages: serve::pages::Site::default(),
        }
    }
}

/// Codes by SMS.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// Who brings the code to the number. Default `console`.
    pub sender: Sender,
    /// How long a code is good. Default 600000.
    pub code_ms: u64,
    /// How often one may try a code. Default 5.
    pub tries: u32,
    /// How soon the next code may be asked for. Default 30000.
    pub pause_ms: u64,
    /// Codes for a number in 24 hours. Default 10.
    pub codes_per_day: u32,
    /// How often one may try a PIN in 24 hours. Default 5.
    pub pin_tries: u32,
    /// A registration lock lapses when the account was not online for this many days. Default 7.
    pub lock_days: u32,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            sender: Sender::Console,
            code_ms: 600_000,
            tries: 5,
            pause_ms: 30_000,
            codes_per_day: 10,
            pin_tries: 5,
            lock_days: 7,
        }
    }
}

/// Who brings a code to its number.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// Nobody: it is printed, and offered to who asks on loopback. For development.
    Console,
    /// The operator's SMS gateway.
    Http(Gateway),
}

/// A gateway that is sent `{"number", "text", "code"}` by `POST`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Where it is.
    pub url: Location,
    /// Sent as `Authorization: Bearer …`, if it wants one.
    #[serde(default)]
    pub token: Option<Hidden>,
    /// How long it may take to answer. Default 10000.
    #[serde(default = "gateway_timeout_ms")]
    pub timeout_ms: u64,
}

const fn gateway_timeout_ms() -> u64 {
    10_000
}

/// Media.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Blobs {
    /// Where they are kept. Default: `blobs` in the data folder.
    pub place: Option<Place>,
    /// Bytes of one at most. Default 104857600 (100 MiB).
    pub limit: u64,
    /// Days until one expires, from the begin of its upload. Default 45.
    pub days: u32,
    /// Hours until an unfinished upload expires. Default 24.
    pub unfinished_hours: u32,
    /// Unfinished uploads of an account at most. Default 32.
    pub unfinished: u32,
    /// Uploads at the same time, of all accounts. Default 256.
    pub uploads: usize,
    /// Uploads at the same time, of one account. Default 16.
    pub uploads_of_one: usize,
    /// Downloads at the same time, of all accounts. Default 2048.
    pub downloads: usize,
    /// Downloads at the same time, of one account. Default 64.
    pub downloads_of_one: usize,
    /// Bytes per second under which an upload is too slow and ends, after its first half minute. Default 1024.
    pub slowest: u64,
}

impl Default for Blobs {
    fn default() -> Self {
        Self {
            place: None,
            limit: 100 << 20,
            days: 45,
            unfinished_hours: 24,
            unfinished: 32,
            uploads: 256,
            uploads_of_one: 16,
            downloads: 2048,
            downloads_of_one: 64,
            slowest: 1024,
        }
    }
}

/// Who the operator is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operator {
    /// With it the routes under `/v1/operator` are asked, and `/metrics` from anywhere. Default: one that the relay makes
    /// and keeps in the data folder, in `operator.token`. All nodes of a relay must be told the same.
    pub token: Option<Hidden>,
    /// As customers read it where the operator hosts a business. Default `the operator of this relay`.
    pub name: String,
}

impl Default for Operator {
    fn default() -> Self {
        Self { token: None, name: "the operator of this relay".to_owned() }
    }
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

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
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
        self.listen.validate()?;
        let sure = |good: bool, field: &'static str, reason: &'static str| {
            if good { Ok(()) } else { Err(ConfigError { field, reason }) }
        };
        sure(self.listen.streams > 0, "listen.streams", "at least 1")?;
        let registration = &self.registration;
        sure((1..=20).contains(&registration.tries), "registration.tries", "from 1 to 20")?;
        sure((1..=20).contains(&registration.pin_tries), "registration.pin_tries", "from 1 to 20")?;
        let hour = 60 * 60 * 1000;
        sure(
            (1000..=hour).contains(&registration.code_ms),
            "registration.code_ms",
            "from a second to an hour",
        )?;
        sure(registration.codes_per_day > 0, "registration.codes_per_day", "at least 1")?;
        sure((1..=365).contains(&registration.lock_days), "registration.lock_days", "from 1 to 365")?;
        if let Sender::Http(gateway) = &registration.sender {
            let url = gateway.url.expose();
            let http = url.starts_with("https://") || url.starts_with("http://");
            sure(http, "registration.sender.http.url", "https://… (or http://…)")?;
        }
        let blobs = &self.blobs;
        sure(blobs.limit > 0, "blobs.limit", "at least 1")?;
        sure((1..=3650).contains(&blobs.days), "blobs.days", "from 1 to 3650")?;
        sure((1..=720).contains(&blobs.unfinished_hours), "blobs.unfinished_hours", "from 1 to 720")?;
        let places = [blobs.uploads, blobs.uploads_of_one, blobs.downloads, blobs.downloads_of_one];
        sure(places.iter().all(|count| *count > 0), "blobs.uploads", "at least 1, and of downloads")?;
        let businesses = &self.businesses;
        sure(businesses.document_bytes > 0, "businesses.document_bytes", "at least 1")?;
        let name = self.operator.name.trim();
        let named = !name.is_empty() && name.chars().count() <= 75 && !name.chars().any(char::is_control);
        sure(named, "operator.name", "from 1 to 75 characters on one line")?;
        let token = self.operator.token.as_ref();
        sure(token.is_none_or(|token| !token.expose().is_empty()), "operator.token", "at least 1 character")?;
        sure(self.recipients_cached > 0, "recipients_cached", "at least 1")?;
        self.limits.validate().map_err(|field| ConfigError { field, reason: "at least 1 in every place" })
    }

    /// The database, or the default one.
    #[must_use]
    pub fn database(&self) -> DatabaseConfig {
        self.database.clone().unwrap_or_else(|| {
            DatabaseConfig::at(format!("sqlite:{}", self.data.join("relay.db").display()).as_str())
        })
    }

    /// The place for blobs, or the default one.
    #[must_use]
    pub fn place(&self) -> Place {
        self.blobs.place.clone().unwrap_or_else(|| Place::Folder(self.data.join("blobs")))
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
        assert!(serde_json::from_str::<Config>(r#"{"listen": {"adress": "x"}}"#).is_err());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let mut config = Config::default();
        config.listen.address = ([0, 0, 0, 0], 80).into();
        assert_eq!(config.validate().unwrap_err().field, "listen.tls");
        config.listen.plain_beyond_loopback = true;
        config.validate().unwrap();
        config.listen.streams = 0;
        assert_eq!(config.validate().unwrap_err().field, "listen.streams");
    }

    #[test]
    fn secrets_do_not_show() {
        let text = r#"{"operator": {"token": "hush"}, "registration": {"sender": {"http":
            {"url": "https://sms.example/?key=hush", "token": "hush"}}}}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        config.validate().unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
