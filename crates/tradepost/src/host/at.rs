//! Which host is asked, and as whom: who runs it, or a business on it.

use std::path::{Path, PathBuf};

use ::host::ids::BusinessId;
use anyhow::Context as _;
use serde::Deserialize;

use super::which::Which;
use crate::{
    relay_api::{RelayApi, Server, secret_of_environment, secret_of_file},
    wrong_call::WrongCall,
};

/// Where it listens, if nobody says otherwise.
const DEFAULT: &str = "http://127.0.0.1:8080";
const SERVER: Server = Server { name: "host" };

/// Which host.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AtHost {
    /// The host [default: of --as; http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "TRADEPOST_HOST_URL", global = true)]
    host: Option<String>,
    /// Trust this certificate too (PEM): for a host that signed its own
    #[arg(long, value_name = "FILE", env = "TRADEPOST_HOST_CERTIFICATE", global = true)]
    host_certificate: Option<PathBuf>,
    /// Speak plain HTTP with a host on another machine
    #[arg(long, global = true)]
    plain_beyond_loopback: bool,
    /// The host's data folder, in which it keeps the operator's token that it made
    #[arg(long, value_name = "FOLDER", default_value = "data", global = true)]
    data: PathBuf,
    /// Ask as a business: what `tradepost host business add --save` wrote, or demo.json of `tradepost up`
    #[arg(
        long = "as",
        id = "credentials",
        value_name = "FILE",
        env = "TRADEPOST_HOST_BUSINESS",
        global = true
    )]
    credentials: Option<PathBuf>,
    /// Answer in JSON, as the host's API says it
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// What was saved of a business: as much as commands need.
#[derive(Debug, Deserialize)]
pub(crate) struct Saved {
    pub(crate) business_id: BusinessId,
    pub(crate) base_url: String,
    #[serde(default)]
    pub(crate) token: Option<String>,
    pub(crate) numbers: Vec<SavedNumber>,
}

/// One of its numbers.
#[derive(Debug, Deserialize)]
pub(crate) struct SavedNumber {
    pub(crate) phone_number_id: String,
    pub(crate) number: String,
}

impl Saved {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let read = secret_of_file(path).and_then(|text| {
            serde_json::from_str(&text).with_context(|| {
                format!(
                    "{} is neither what `tradepost host business add --save` writes, nor demo.json of `tradepost up`",
                    path.display()
                )
            })
        });
        read.map_err(|error| WrongCall::of(&error))
    }
}

impl AtHost {
    fn api(&self, url: &str, token: String) -> anyhow::Result<RelayApi> {
        let certificate = self.host_certificate.as_deref();
        RelayApi::at(SERVER, url, certificate, self.plain_beyond_loopback, Some(token))
    }

    /// The host, asked by who runs it.
    pub(super) fn operator(&self) -> anyhow::Result<RelayApi> {
        let token = match secret_of_environment("TRADEPOST_HOST_OPERATOR_TOKEN")? {
            Some(token) => token,
            None => secret_of_file(&self.data.join(::host::management::TOKEN_FILE)).context(
                "no operator's token of the host, which this needs: set TRADEPOST_HOST_OPERATOR_TOKEN or \
                 TRADEPOST_HOST_OPERATOR_TOKEN_FILE, or say the host's folder with --data (of `tradepost up` it is \
                 the folder `host` in its own)",
            )?,
        };
        self.api(self.host.as_deref().unwrap_or(DEFAULT), token)
    }

    /// What `--as` says, to be said again.
    pub(super) fn as_file(&self) -> String {
        self.credentials.as_ref().map(|file| format!(" --as {}", file.display())).unwrap_or_default()
    }

    /// The host, asked by a business.
    pub(super) fn business(&self) -> anyhow::Result<(RelayApi, Saved)> {
        let path = self.credentials.as_ref().ok_or_else(|| {
            let which = "as which business? Say the file with --as: `tradepost host business add --save FILE` writes it";
            WrongCall(which.to_owned())
        })?;
        let saved = Saved::read(path)?;
        let Some(token) = saved.token.clone() else {
            let none = format!(
                "{} has no token: `tradepost host business add --new-token --save …` makes another one",
                path.display()
            );
            return Err(WrongCall(none).into());
        };
        let url = self.host.clone().unwrap_or_else(|| saved.base_url.clone());
        Ok((self.api(&url, token)?, saved))
    }

    /// Who asks about a business: itself, or who runs the host; and which.
    pub(super) fn of_business(&self, id: Option<Which>) -> anyhow::Result<(RelayApi, Which)> {
        match (id, &self.credentials) {
            (Some(id), None) => Ok((self.operator()?, id)),
            (id, Some(_)) => {
                let (api, saved) = self.business()?;
                Ok((api, id.unwrap_or(Which::Business(saved.business_id))))
            }
            (None, None) => {
                let which =
                    "which business? Say its id (`tradepost host business list`), or its file with --as";
                Err(WrongCall(which.to_owned()).into())
            }
        }
    }
}
