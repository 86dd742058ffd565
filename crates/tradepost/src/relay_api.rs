//! The APIs of a relay and of a host, as operators and businesses ask them from the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use reqwest::{Certificate, Client, Method, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use wire::api::ErrorBody;

use crate::wrong_call::WrongCall;

/// Which relay.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AtRelay {
    /// The relay
    #[arg(long, value_name = "URL", default_value = crate::chat::DEFAULT_RELAY, env = "TRADEPOST_RELAY", global = true)]
    relay: String,
    /// Trust this certificate too (PEM): for a relay that signed its own
    #[arg(long, value_name = "FILE", env = "TRADEPOST_RELAY_CERTIFICATE", global = true)]
    relay_certificate: Option<PathBuf>,
    /// Speak plain HTTP with a relay on another machine
    #[arg(long, global = true)]
    plain_beyond_loopback: bool,
    /// Answer in JSON, as the relay's API says it
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl AtRelay {
    /// One of this machine.
    pub(crate) fn here(url: &str) -> Self {
        Self { relay: url.to_owned(), relay_certificate: None, plain_beyond_loopback: false, json: false }
    }
}

/// Which server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    /// As in "no relay answers", and its flag.
    pub(crate) name: &'static str,
}

/// A server and a credential to show it.
#[derive(Debug)]
pub(crate) struct RelayApi {
    server: Server,
    http: Client,
    url: String,
    credential: Option<String>,
}

impl RelayApi {
    pub(crate) fn new(at: &AtRelay, credential: Option<String>) -> anyhow::Result<Self> {
        let certificate = at.relay_certificate.as_deref();
        Self::at(Server { name: "relay" }, &at.relay, certificate, at.plain_beyond_loopback, credential)
    }

    /// One of either kind.
    pub(crate) fn at(
        server: Server,
        url: &str,
        certificate: Option<&Path>,
        plain_beyond_loopback: bool,
        credential: Option<String>,
    ) -> anyhow::Result<Self> {
        let (url, flag) = (url.trim_end_matches('/').to_owned(), server.name);
        let wrong = |why: &str| WrongCall(format!("--{flag} {url}: {why}"));
        let parsed = Url::parse(&url).map_err(|error| wrong(&format!("not a URL: {error}")))?;
        let here = parsed.host_str().is_some_and(|host| {
            let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        });
        match parsed.scheme() {
            "https" => {}
            "http" if here || plain_beyond_loopback => {}
            "http" => return Err(wrong("a credential would travel in the clear; use https://").into()),
            _ => return Err(wrong("https://… (or http://… on this machine)").into()),
        }
        let mut http = Client::builder().redirect(reqwest::redirect::Policy::none());
        if let Some(path) = certificate {
            let pem = std::fs::read(path).with_context(|| path.display().to_string())?;
            http = http.add_root_certificate(
                Certificate::from_pem(&pem).with_context(|| path.display().to_string())?,
            );
        }
        let http = http.timeout(std::time::Duration::from_secs(120)).build()?;
        Ok(Self { server, http, url, credential })
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.credential {
            Some(credential) => request.bearer_auth(credential),
            None => request,
        }
    }

    /// Asks, and gives the answer as it comes, success or not.
    pub(crate) async fn send(&self, request: RequestBuilder) -> anyhow::Result<reqwest::Response> {
        let name = self.server.name;
        request.send().await.with_context(|| {
            format!("no {name} answers at {}: does it run, and is --{name} right?", self.url)
        })
    }

    /// Asks, and reads the answer, if there is one to read.
    pub(crate) async fn bytes(&self, request: RequestBuilder) -> anyhow::Result<Vec<u8>> {
        let answer = self.send(request).await?;
        let status = answer.status();
        let bytes = answer.bytes().await.context("the answer broke off")?;
        if status.is_success() {
            return Ok(bytes.into());
        }
        Err(self.refused(status, &bytes))
    }

    /// What a refusal says.
    pub(crate) fn refused(&self, status: reqwest::StatusCode, bytes: &[u8]) -> anyhow::Error {
        let name = self.server.name;
        let Ok(ErrorBody { error }) = serde_json::from_slice(bytes) else {
            return anyhow!("{} answers {status}: is that a {name} of Tradepost?", self.url);
        };
        let field = error.field.map(|field| format!("{field}: ")).unwrap_or_default();
        let reference = error.reference.map(|text| format!(" (reference {text})")).unwrap_or_default();
        anyhow!("the {name} says: {field}{} ({}){reference}", error.message, error.code)
    }

    pub(crate) async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let bytes = self.bytes(request).await?;
        serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "{}: an answer that makes no sense; is that a {} of Tradepost?",
                self.url, self.server.name
            )
        })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.answer(self.request(Method::GET, path)).await
    }
}

/// A secret from the environment: itself, or the name of a file that holds it.
pub(crate) fn secret_of_environment(name: &str) -> anyhow::Result<Option<String>> {
    if let Ok(secret) = std::env::var(name) {
        return Ok(Some(secret.trim().to_owned()));
    }
    match std::env::var(format!("{name}_FILE")) {
        Ok(path) => secret_of_file(Path::new(&path)).map(Some),
        Err(_) => Ok(None),
    }
}

pub(crate) fn secret_of_file(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text.trim().to_owned())
}

/// Writes a secret into a new file that only its owner can read.
pub(crate) fn keep_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.as_mut().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    file.write_all(format!("{secret}\n").as_bytes()).and_then(|()| file.sync_all())?;
    Ok(())
}

/// Writes a secret into a file that only its owner can read, in place of what is there: all of it or nothing.
pub(crate) fn replace_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    if new.exists() {
        std::fs::remove_file(&new).with_context(|| new.display().to_string())?;
    }
    keep_secret(&new, secret)?;
    std::fs::rename(&new, path).with_context(|| path.display().to_string())
}

/// What `--callback` takes.
pub(crate) fn callback_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| format!("no URL: {error}"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(text.to_owned()),
        _ => Err("no URL of a callback, such as https://bank.example/webhook".to_owned()),
    }
}

/// Text of others on a terminal: nothing in it moves the cursor or hides.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// A time, for people.
pub(crate) fn time(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| "?".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Prints an answer as the API says it.
pub(crate) fn print_json(answer: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(answer)?);
    Ok(())
}

/// A business, for people.
pub(crate) fn print_business(business: &wire::api::Business) {
    let line = |what: &str, text: &str| println!("{what:<14}{}", clean(text));
    let some = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    line("business", &business.business.to_string());
    match &business.reason {
        Some(reason) => line("state", &format!("{}: {reason}", business.state)),
        None => line("state", business.state.as_str()),
    }
    let application = &business.application;
    line("name", &some(&application.name));
    line("legal name", &some(&application.legal_name));
    line("country", &some(&application.country));
    line("registration", &some(&application.registration_number));
    line("website", &some(&application.website));
    line("category", &some(&application.category));
    if let Some(contact) = &application.contact {
        line("contact", &format!("{}, {}, {}", contact.name, contact.email, contact.phone));
    }
    for document in &business.documents {
        let text =
            format!("{} {} ({}, {} bytes)", document.id, document.name, document.content_type, document.size);
        line("document", &text);
    }
    for number in &business.numbers {
        let account =
            number.account.map_or_else(|| "no device yet".to_owned(), |account| account.to_string());
        line("number", &format!("{} ({account})", number.number));
    }
    business.testers.iter().for_each(|number| line("tester", number.as_str()));
    match &business.hosting {
        Some(hosting) => {
            let by = hosting.host_name.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
            line("hosting", &format!("{}{by}, since {}", hosting.mode, time(hosting.since)));
        }
        None => line("hosting", "not said yet"),
    }
    line("created", &time(business.created));
    line("changed", &time(business.changed));
}
