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
}

impl Demo {
    pub(super) fn write(&self, data: &Path) -> anyhow::Result<()> {
        keep(&demo(data), &serde_json::to_string_pretty(self)?)
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
