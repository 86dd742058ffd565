//! One configuration from three places: file < environment < flags. For every server of the command line.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use toml::Table;
pub(crate) use toml::Value;

use crate::wrong_call::WrongCall;

/// `…_FILE` names a file that holds the value: for secrets.
const FROM_FILE: &str = "_FILE";

/// A server that is configured like this.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// As in "the relay's configuration".
    pub(crate) name: &'static str,
    /// `TRADEPOST_RELAY__`: then `TRADEPOST_RELAY__LISTEN__ADDRESS` is `listen.address`.
    pub(crate) prefix: &'static str,
}

/// Reads and merges them. `flags` sets what flags say, `validate` checks the whole. What is wrong is a [`WrongCall`].
pub(crate) fn merged<T: DeserializeOwned, E: std::error::Error + Send + Sync + 'static>(
    kind: Kind,
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: impl FnOnce(&mut Table) -> anyhow::Result<()>,
    validate: impl FnOnce(&T) -> Result<(), E>,
) -> anyhow::Result<T> {
    let whole = || format!("the {}'s configuration", kind.name);
    let merged = read::<T>(kind, file, environment, flags)
        .and_then(|table| table.try_into::<T>().with_context(whole))
        .and_then(|config| validate(&config).map(|()| config).with_context(whole));
    merged.map_err(|error| WrongCall::of(&error))
}

fn read<T: DeserializeOwned>(
    kind: Kind,
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: impl FnOnce(&mut Table) -> anyhow::Result<()>,
) -> anyhow::Result<Table> {
    let mut table = match file {
        Some(path) => from_file::<T>(path)?,
        None => Table::new(),
    };
    for (name, value) in environment {
        let Some(path) = name.strip_prefix(kind.prefix) else { continue };
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
    flags(&mut table)?;
    Ok(table)
}

fn from_file<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    // Alone first: that error knows the line.
    toml::from_str::<T>(&text).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

/// Numbers, booleans, lists and tables as TOML writes them; anything else is text.
fn typed(text: String) -> Value {
    text.parse::<Value>().unwrap_or(Value::String(text))
}

/// A path as a value.
pub(crate) fn path(path: &Path) -> anyhow::Result<Value> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(text.into())
}

pub(crate) fn section<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Sets the value at a path.
pub(crate) fn set(table: &mut Table, path: &[&str], value: Value) -> anyhow::Result<()> {
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
