//! What the environment and the flags say of a relay.

use relay::Config;
use toml::{Table, Value};

use super::Flags;
use crate::settings::{self, Kind, path, section, set};

/// `TRADEPOST_RELAY__LISTEN__ADDRESS` is `listen.address`.
pub(crate) const KIND: Kind = Kind { name: "relay", prefix: "TRADEPOST_RELAY__" };

/// Reads and merges them, and checks the whole.
pub(crate) fn merged(
    flags: &Flags,
    environment: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Config> {
    let file = flags.config.as_deref();
    settings::merged(KIND, file, environment, |table| from_flags(flags, table), Config::validate)
}

fn from_flags(flags: &Flags, table: &mut Table) -> anyhow::Result<()> {
    if let Some(data) = &flags.data {
        set(table, &["data"], path(data)?)?;
    }
    if let Some(address) = flags.listen {
        set(table, &["listen", "address"], address.to_string().into())?;
    }
    flags.listening.set(table, &["listen", "tls", "files"])?;
    if let Some(names) = &flags.tls_self_signed {
        let names = names.iter().cloned().map(Value::String).collect();
        let names = section([("self_signed", Value::Array(names))]);
        set(table, &["listen", "tls"], names)?;
    }
    if let Some(database) = &flags.database {
        set(table, &["database", "url"], database.as_str().into())?;
    }
    if let Some(gateway) = &flags.sms_gateway {
        // An address replaces the console; a token from elsewhere stays.
        if let Some(Value::Table(registration)) = table.get_mut("registration")
            && registration.get("sender").is_some_and(Value::is_str)
        {
            registration.remove("sender");
        }
        set(table, &["registration", "sender", "http", "url"], gateway.as_str().into())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn merge(flags: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Config> {
        let line = Line::try_parse_from([&["relay"], flags].concat())?;
        let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        merged(&line.flags, environment)
    }

    #[test]
    fn flags_beat_the_environment_and_that_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        std::fs::write(&file, "data = \"f\"\n[listen]\naddress = \"127.0.0.1:1\"\nproxies = 1\n").unwrap();
        let secret = folder.path().join("token");
        std::fs::write(&secret, "12345\n").unwrap();
        let environment = [
            ("TRADEPOST_RELAY__LISTEN__ADDRESS", "127.0.0.1:2"),
            ("TRADEPOST_RELAY__LISTEN__CONNECTIONS", "77"),
            ("TRADEPOST_RELAY__DATA", "e"),
            ("TRADEPOST_RELAY__OPERATOR__TOKEN_FILE", secret.to_str().unwrap()),
            ("PATH", "/bin"),
        ];
        let config = merge(&["--config", file.to_str().unwrap(), "--data", "g"], &environment).unwrap();
        assert_eq!(config.listen.address.port(), 2);
        assert_eq!((config.listen.proxies, config.listen.connections), (1, 77));
        assert_eq!(config.data, Path::new("g"));
        assert_eq!(config.operator.token.unwrap().expose(), "12345");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |flags: &[&str], environment: &[(&str, &str)]| {
            format!("{:#}", merge(flags, environment).unwrap_err())
        };
        assert!(error(&[], &[("TRADEPOST_RELAY__LISTEN__ADRESS", "x")]).contains("adress"));
        let both = [("TRADEPOST_RELAY__DATA", "x"), ("TRADEPOST_RELAY__DATA__X", "x")];
        assert!(error(&[], &both).contains("TRADEPOST_RELAY__DATA__X"));
        assert!(error(&["--listen", "0.0.0.0:80"], &[]).contains("plain"));
        assert!(error(&["--config", "/nowhere.toml"], &[]).contains("/nowhere.toml"));
        merge(&["--listen", "0.0.0.0:80", "--tls-self-signed"], &[]).unwrap();
        merge(&["--listen", "0.0.0.0:80", "--plain-beyond-loopback"], &[]).unwrap();
    }

    #[test]
    fn a_bucket_is_chosen_in_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "12345\n").unwrap();
        let config = merge(
            &[],
            &[
                ("TRADEPOST_RELAY__BLOBS__PLACE__S3__BUCKET", "media"),
                ("TRADEPOST_RELAY__BLOBS__PLACE__S3__ENDPOINT", "http://127.0.0.1:9000"),
                ("TRADEPOST_RELAY__BLOBS__PLACE__S3__ACCESS_KEY_ID", "us"),
                ("TRADEPOST_RELAY__BLOBS__PLACE__S3__SECRET_ACCESS_KEY_FILE", secret.to_str().unwrap()),
            ],
        );
        let place = format!("{:?}", config.unwrap().place());
        assert!(place.contains("S3") && place.contains("media") && !place.contains("12345"), "{place}");
    }

    #[test]
    fn a_gateway_replaces_the_console() {
        let config = merge(
            &["--sms-gateway", "https://sms.example/"],
            &[("TRADEPOST_RELAY__REGISTRATION__SENDER", "console")],
        );
        let sender = config.unwrap().registration.sender;
        assert!(matches!(sender, relay::config::Sender::Http(_)));
    }
}
