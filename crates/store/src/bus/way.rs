//! The way to NATS: which servers, who we are, and what protects it.

use std::path::Path;

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use tokio::fs;

use super::BusConfig;
use crate::{Location, StoreError};

/// What proves who we are.
#[derive(PartialEq, Eq)]
enum Credentials {
    Password(String, String),
    Token(String),
}

/// How to connect to the servers of `location`, and the servers. Those no longer contain credentials, which the
/// client would not use and might log.
pub(super) async fn options(
    location: &Location,
    config: &BusConfig,
) -> Result<(ConnectOptions, Vec<ServerAddr>), StoreError> {
    let mut servers = Vec::new();
    let mut credentials = None;
    for (index, address) in location.expose().split(',').map(str::trim).enumerate() {
        let (server, present) = split(address)?;
        // The client knows only one who we are.
        if index > 0 && present != credentials {
            return invalid("all addresses of NATS must have the same credentials");
        }
        servers.push(server);
        credentials = present;
    }
    if let Some(path) = &config.credentials_file {
        credentials = Some(from_file(path).await?);
    }

    let mut options = ConnectOptions::new();
    options = match credentials {
        Some(Credentials::Password(user, password)) => options.user_and_password(user, password),
        Some(Credentials::Token(token)) => options.token(token),
        None => options,
    };
    let tls = &config.tls;
    let files = [&tls.authorities_file, &tls.certificate_file, &tls.key_file];
    for path in files.into_iter().flatten() {
        fs::metadata(path).await.map_err(|error| unreadable(path, &error))?;
    }
    if let Some(path) = &tls.authorities_file {
        options = options.add_root_certificates(path.clone());
    }
    options = match (&tls.certificate_file, &tls.key_file) {
        (Some(certificate), Some(key)) => options.add_client_certificate(certificate.clone(), key.clone()),
        (None, None) => options,
        _ => return invalid("a certificate for NATS needs both certificate_file and key_file"),
    };
    // Also for servers that the first one names, which have no scheme of their own.
    let wanted = tls.required || files.iter().any(|file| file.is_some());
    options = options.require_tls(wanted || servers.iter().any(ServerAddr::tls_required));
    Ok((options, servers))
}

/// An address without its credentials, and those.
fn split(address: &str) -> Result<(ServerAddr, Option<Credentials>), StoreError> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("nats", address));
    let (credentials, host) = match rest.rsplit_once('@') {
        Some((credentials, host)) => (Some(credentials), host),
        None => (None, rest),
    };
    let server = format!("{scheme}://{host}");
    let server = server.parse().map_err(|error| StoreError::Invalid(format!("{server}: {error}")))?;
    let credentials = match credentials.map(|text| text.split_once(':').ok_or(text)) {
        Some(Ok((user, password))) => Some(Credentials::Password(decoded(user)?, decoded(password)?)),
        Some(Err(token)) => Some(Credentials::Token(decoded(token)?)),
        None => None,
    };
    Ok((server, credentials))
}

fn decoded(text: &str) -> Result<String, StoreError> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => invalid("the credentials in the address of NATS are not UTF-8"),
    }
}

async fn from_file(path: &Path) -> Result<Credentials, StoreError> {
    let text = fs::read_to_string(path).await.map_err(|error| unreadable(path, &error))?;
    let text = text.trim_end_matches(['\r', '\n']);
    // What NATS itself calls a credentials file. Its signatures would bring a second generation of the curve with them.
    if text.is_empty() || text.contains('\n') || text.starts_with("-----BEGIN") {
        let shown = path.display();
        return invalid(format!("{shown}: one line with USER:PASSWORD or TOKEN is wanted, no JWT or nkey"));
    }
    Ok(match text.split_once(':') {
        Some((user, password)) => Credentials::Password(user.to_owned(), password.to_owned()),
        None => Credentials::Token(text.to_owned()),
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Invalid(format!("{}: {error}", path.display()))
}

fn invalid<T>(text: impl Into<String>) -> Result<T, StoreError> {
    Err(StoreError::Invalid(text.into()))
}
