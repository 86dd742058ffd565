//! One configuration from three places: file < environment < flags.

use std::path::Path;

use anyhow::{Context as _, bail};
use relay::Config;
use toml::{Table, Value};

use super::Flags;

/// `TRADEPOST_RELAY__LISTEN__ADDRESS` is `listen.address`.
const PREFIX: &str = "TRADEPOST_RELAY__";
/// `…_FILE` names a file that holds the value: for secrets.
const FROM_FILE: &str = "_FILE";

/// Reads and merges them, and checks the whole.
pub(crate) fn merged(
    flags: &Flags,
    environment: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Config> {
    let mut table = match &flags.config {
        Some(path) => from_file(path)?,
        None => Table::new(),
    };
    for (name, value) in environment {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        let (path, value) = match path.strip_suffix(FROM_FILE) {
            Some(path) => {
                let text = std::fs::read_to_string(&value)
                    .with_context(|| format!("{name} names {value}, which cannot be read"))?;
                (path, Value::String(text.trim_end().to_owned()))
            }
            None => (path, typed(value)),
        };
        let path = path.to_lowercase();
        let path: Vec<&str> = path.split("__").collect();
        set(&mut table, &path, value).with_context(|| format!("environment variable {name}"))?;
    }
    from_flags(flags, &mut table)?;
    let config: Config = table.try_into().context("the relay's configuration")?;
    config.validate().context("the relay's configuration")?;
    Ok(config)
}

fn from_file(path: &Path) -> anyhow::Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    // Alone first: that error knows the line.
    toml::from_str::<Config>(&text).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

/// Numbers, booleans, lists and tables as TOML writes them; anything else is text.
fn typed(text: String) -> Value {
    text.parse::<Value>().unwrap_or(Value::String(text))
}

fn from_flags(flags: &Flags, table: &mut Table) -> anyhow::Result<()> {
    let path = |path: &Path| -> anyhow::Result<Value> {
        let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
        Ok(text.into())
    };
    if let Some(data) = &flags.data {
        set(table, &["data"], path(data)?)?;
    }
    if let Some(address) = flags.listen {
        set(table, &["listen", "address"], address.to_string().into())?;
    }
    if let (Some(certificate), Some(key)) = (&flags.tls_certificate, &flags.tls_key) {
        let files = section([("certificate", path(certificate)?), ("key", path(key)?)]);
        let files = section([("files", files)]);
        set(table, &["listen", "tls"], files)?;
    }
    if let Some(names) = &flags.tls_self_signed {
        let names = names.iter().cloned().map(Value::String).collect();
        let names = section([("self_signed", Value::Array(names))]);
        set(table, &["listen", "tls"], names)?;
    }
    if flags.plain_beyond_loopback {
        set(table, &["listen", "plain_beyond_loopback"], true.into())?;
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

fn section<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn set(table: &mut Table, path: &[&str], value: Value) -> anyhow::Result<()> {
    match path {
        [] | [""] => bail!("names no setting"),
        [last] => {
            table.insert((*last).to_owned(), value);
            Ok(())
        }
        [section, rest @ ..] => {
            let inner = table.entry(*section).or_insert_with(|| Value::Table(Table::new()));
            match inner {
                Value::Table(inner) => set(inner, rest, value),
                _ => bail!("`{section}` is a value, not a section"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
