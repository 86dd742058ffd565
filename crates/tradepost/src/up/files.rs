//! What `up` keeps besides the databases of relay and host, and what it tells programs.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use store::Entropy as _;

use crate::{relay_api::keep_secret, system::Entropy};

/// What programs need, written when all is there.
pub(super) fn demo(data: &Path) -> PathBuf {
    data.join("demo.json")
}

/// `demo.json`. Names are what programs read: they stay.
#[derive(Debug, Serialize)]
pub(super) struct Demo {
    pub(super) base_url: String,
    pub(super) token: String,
    pub(super) phone_number_id: String,
    pub(super) waba_id: String,
    pub(super) business_id: String,
    pub(super) app_id: String,
    pub(super) app_secret: String,
    pub(super) verify_token: String,
    pub(super) business_number: String,
    pub(super) customer_number: String,
    pub(super) relay_url: String,
    pub(super) relay_business_id: String,
    pub(super) name: String,
    #[serde(skip)]
    pub(super) numbers: Vec<SampleNumber>,
}

/// A number, as `tradepost host business add --save` writes it.
#[derive(Debug, Serialize)]
pub(super) struct SampleNumber {
    pub(super) phone_number_id: String,
    pub(super) number: String,
    pub(super) registered: bool,
}

impl Demo {
    pub(super) fn write(&self, data: &Path) -> anyhow::Result<()> {
        keep(&demo(data), &self.text()?)
    }

    /// Scripts read it line by line: what is above stands in a line of its own, the numbers in one.
    fn text(&self) -> anyhow::Result<String> {
        let text = serde_json::to_string_pretty(self)?;
        let above = text.strip_suffix("\n}").context("demo.json has no end")?;
        Ok(format!("{above},\n  \"numbers\": {}\n}}", serde_json::to_string(&self.numbers)?))
    }
}

/// What is told once, or made up once, and has to be the same the next time.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    pub(super) relay_port: Option<u16>,
    pub(super) app_id: String,
    pub(super) app_secret: String,
    pub(super) token: String,
    pub(super) verify_token: String,
}

impl Kept {
    fn path(data: &Path) -> PathBuf {
        data.join("sample.json")
    }

    pub(super) fn read(data: &Path) -> anyhow::Result<Self> {
        let path = Self::path(data);
        let mut kept: Self = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?,
            Err(error) if error.kind() == ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        if kept.verify_token.is_empty() {
            let mut bytes = [0; 12];
            Entropy.fill(&mut bytes);
            kept.verify_token = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        }
        Ok(kept)
    }

    pub(super) fn write(&self, data: &Path) -> anyhow::Result<()> {
        keep(&Self::path(data), &serde_json::to_string_pretty(self)?)
    }
}

/// Writes a file that only its owner can read: all of it or nothing.
pub(super) fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    remove(&new)?;
    keep_secret(&new, text)?;
    fs::rename(&new, path).with_context(|| path.display().to_string())
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Makes a folder for its owner alone, if it is not there.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_scripts_read_it_and_as_takes_it() {
        let text = || "1000000000000001".to_owned();
        let demo = Demo {
            base_url: text(),
            token: text(),
            phone_number_id: text(),
            waba_id: text(),
            business_id: text(),
            app_id: text(),
            app_secret: text(),
            verify_token: text(),
            business_number: text(),
            customer_number: text(),
            relay_url: text(),
            relay_business_id: text(),
            name: text(),
            numbers: vec![SampleNumber { phone_number_id: text(), number: text(), registered: true }],
        };
        let written = demo.text().unwrap();
        let lines = written.lines().filter(|line| line.trim_start().starts_with("\"phone_number_id\""));
        assert_eq!(lines.count(), 1, "{written}");
        let folder = tempfile::tempdir().unwrap();
        demo.write(folder.path()).unwrap();
        let saved = crate::host::at::Saved::read(&super::demo(folder.path())).unwrap();
        assert_eq!(saved.numbers[0].phone_number_id, text());
    }
}
