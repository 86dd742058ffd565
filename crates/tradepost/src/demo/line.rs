//! What `demo` and `up` say to each other: JSON, one value in each line.

use std::{
    fs::File,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Bytes of the longest line that is read.
pub(crate) const LINE: u64 = 1 << 20;

/// What the customer is to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    Say {
        text: String,
    },
    Read {
        limit: usize,
        #[serde(default)]
        leave_unread: bool,
    },
    Answer {
        /// What is chosen; without it, what can be is told.
        #[serde(default)]
        choice: Option<Choice>,
        /// The position of the message; without one, the latest that offers something.
        #[serde(default)]
        message: Option<u64>,
    },
}

/// Something that a message offers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Choice {
    /// The id of a button or a row.
    Id(String),
    /// Its number on the customer's screen, from 1.
    Number(usize),
}

/// Where they meet.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) path: PathBuf,
    /// The path goes through it.
    _folder: Option<File>,
}

impl Socket {
    pub(crate) const NAME: &str = "demo.sock";
    /// Bytes of an address that every system takes, with room for another ending.
    const LONGEST: usize = 90;

    /// The socket of a data folder. A path that is too long for an address goes by way of the open folder.
    pub(crate) fn in_folder(data: &Path) -> std::io::Result<Self> {
        let path = data.join(Self::NAME);
        if path.as_os_str().len() <= Self::LONGEST {
            return Ok(Self { path, _folder: None });
        }
        let folder = File::open(data)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(Self::NAME);
        Ok(Self { path, _folder: Some(folder) })
    }
}
