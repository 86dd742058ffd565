//! What the environment and the flags say of a host.

use ::host::Config;
use toml::Table;

use super::{RunFlags, place::Place};
use crate::settings::{self, Kind, path, set};

/// `TRADEPOST_HOST__LISTEN__ADDRESS` is `listen.address`.
pub(crate) const KIND: Kind = Kind { name: "host", prefix: "TRADEPOST_HOST__" };

/// Reads and merges them, and checks the whole.
pub(super) fn merged(
    flags: &RunFlags,
    environment: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Config> {
    let file = flags.config.as_deref();
    settings::merged(KIND, file, environment, |table| from_flags(flags, table), Config::validate)
}

/// The same for a command that works on what a host keeps.
pub(super) fn of_place(
    place: &Place,
    environment: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Config> {
    let from_flags = |table: &mut Table| -> anyhow::Result<()> {
        if let Some(data) = &place.data {
            set(table, &["data"], path(data)?)?;
        }
        for (text, to) in [(&place.relay, &["relay"][..]), (&place.database, &["database", "url"])] {
            if let Some(text) = text {
                set(table, to, text.as_str().into())?;
            }
        }
        Ok(())
    };
    settings::merged(KIND, place.config.as_deref(), environment, from_flags, Config::validate)
}

fn from_flags(flags: &RunFlags, table: &mut Table) -> anyhow::Result<()> {
    if let Some(data) = &flags.data {
        set(table, &["data"], path(data)?)?;
    }
    if let Some(address) = flags.listen {
        set(table, &["listen", "address"], address.to_string().into())?;
    }
    flags.listening.set(table, &["listen", "tls"])?;
    if let Some(certificate) = &flags.relay_certificate {
        set(table, &["relay_certificate"], path(certificate)?)?;
    }
    let texts = [
        (&flags.relay, &["relay"][..]),
        (&flags.relay_fingerprint, &["relay_fingerprint"]),
        (&flags.public_url, &["public_url"]),
        (&flags.database, &["database", "url"]),
    ];
    for (text, place) in texts {
        if let Some(text) = text {
            set(table, place, text.as_str().into())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        flags: RunFlags,
    }

    fn merge(flags: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Config> {
        let line = Line::try_parse_from([&["host"], flags].concat())?;
        let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        merged(&line.flags, environment)
    }

    #[test]
    fn flags_beat_the_environment_and_that_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("host.toml");
        std::fs::write(&file, "relay = \"https://f.example\"\n[messaging]\nper_second = 80\npair_ms = 1\n")
            .unwrap();
        let environment = [
            ("TRADEPOST_HOST__RELAY", "https://e.example"),
            ("TRADEPOST_HOST__MESSAGING__PAIR_MS", "0"),
            ("TRADEPOST_HOST__LISTEN__ADDRESS", "127.0.0.1:2"),
            ("TRADEPOST_RELAY__LISTEN__ADDRESS", "another server's"),
        ];
        let config =
            merge(&["--config", file.to_str().unwrap(), "--relay", "https://g.example"], &environment);
        let config = config.unwrap();
        assert_eq!((config.relay.as_str(), config.listen.address.port()), ("https://g.example", 2));
        assert_eq!((config.messaging.per_second, config.messaging.pair_ms), (80, 0));
        let tls =
            merge(&["--tls-certificate", "c.pem", "--tls-key", "k.pem", "--listen", "0.0.0.0:443"], &[]);
        assert_eq!(tls.unwrap().listen.tls.unwrap().key, std::path::Path::new("k.pem"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |flags: &[&str], environment: &[(&str, &str)]| {
            format!("{:#}", merge(flags, environment).unwrap_err())
        };
        assert!(error(&[], &[("TRADEPOST_HOST__LISTEN__ADRESS", "x")]).contains("adress"));
        assert!(error(&["--listen", "0.0.0.0:80"], &[]).contains("plain"));
        assert!(error(&["--relay", "relay.example"], &[]).contains("relay"));
    }
}
