use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{Method, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{multiplexed::Pool, pinned::Pinned, socket};
use crate::link::{HttpRequest, HttpResponse, Link, LinkError, ResponseBody, Socket};

/// How long a connection may take to be made.
pub(super) const CONNECT: Duration = Duration::from_secs(15);
/// How long the relay may say nothing while an answer is waited for; it holds some back for 25 seconds.
pub(super) const SILENCE: Duration = Duration::from_secs(45);

/// What a link needs to know besides where the relay is.
#[derive(Clone, Default)]
pub struct NativeLinkOptions {
    /// Certificates in PEM that are trusted besides those of the public authorities: of a company's own authority, or the
    /// relay's own if it signed it itself.
    pub trusted: Vec<Vec<u8>>,
    /// SHA-256 of the certificate that the relay must have: then no other is taken, whoever signed it. It is what a relay
    /// prints of a certificate that it signed itself.
    pub fingerprint: Option<[u8; 32]>,
    /// Whether `http` is taken for a relay on another machine too: whoever is on the way can take the credential then.
    pub plain_beyond_loopback: bool,
    /// Whether all that goes over the link, and over its copies, shares connections of HTTP/2: requests, and the sockets of
    /// many devices. For hosts.
    pub multiplexed: bool,
}

impl std::fmt::Debug for NativeLinkOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeLinkOptions")
            .field("trusted", &self.trusted.len())
            .field("fingerprint", &self.fingerprint.is_some())
            .field("plain_beyond_loopback", &self.plain_beyond_loopback)
            .field("multiplexed", &self.multiplexed)
            .finish()
    }
}

/// A link over TCP and TLS.
#[derive(Clone, Debug)]
pub struct NativeLink {
    url: String,
    client: reqwest::Client,
    tls: Arc<ClientConfig>,
    shared: Option<Arc<Pool>>,
}

impl NativeLink {
    /// A link to the relay at `url`, as in `https://relay.example`. Nothing is connected yet. `http` is taken for a
    /// relay on the same machine only, unless [`NativeLinkOptions::plain_beyond_loopback`] says otherwise.
    ///
    /// # Errors
    /// [`LinkError::Unreachable`] if the URL or a certificate is none; [`LinkError::PlainBeyondLoopback`].
    pub fn new(url: &str, options: NativeLinkOptions) -> Result<Self, LinkError> {
        let parsed = reqwest::Url::parse(url).map_err(|_| wrong("this is no URL"))?;
        let plain = matches!(parsed.scheme(), "http" | "https") && parsed.query().is_none();
        if !plain || parsed.host_str().is_none() {
            return Err(wrong("a relay's URL is like https://relay.example"));
        }
        if parsed.scheme() == "http" && !is_loopback(url) && !options.plain_beyond_loopback {
            return Err(LinkError::PlainBeyondLoopback);
        }
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for pem in &options.trusted {
            let mut any = false;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| wrong("this is no certificate in PEM"))?;
                roots.add(certificate).map_err(|_| wrong("this is no certificate"))?;
                any = true;
            }
            if !any {
                return Err(wrong("there is no certificate in this PEM"));
            }
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| LinkError::Unreachable(error.to_string()))?;
        let tls = match options.fingerprint {
            Some(fingerprint) => tls
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned::new(fingerprint, provider)))
                .with_no_client_auth(),
            None => tls.with_root_certificates(roots).with_no_client_auth(),
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // A redirection would take the credential elsewhere.
            .redirect(Policy::none())
            .user_agent(concat!("tradepost/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| LinkError::Unreachable(error.to_string()))?;
        let url = url.trim_end_matches('/').to_owned();
        let shared = if options.multiplexed { Some(Arc::new(Pool::new(&url, &tls)?)) } else { None };
        Ok(Self { url, client, tls: Arc::new(tls), shared })
    }
}

/// Whether a URL leads to this machine.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn wrong(what: &str) -> LinkError {
    LinkError::Unreachable(what.to_owned())
}

pub(super) fn failed(error: &reqwest::Error) -> LinkError {
    if error.is_timeout() {
        return LinkError::TimedOut;
    }
    // The outermost error says only that it failed; the URL in it may name an account.
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    LinkError::Unreachable(cause.to_string())
}

#[async_trait]
impl Link for NativeLink {
    fn url(&self) -> &str {
        &self.url
    }

    async fn request(&self, request: HttpRequest) -> Result<HttpResponse, LinkError> {
        if let Some(shared) = &self.shared {
            return shared.ask(request).await;
        }
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| wrong("this is no method"))?;
        let mut builder = self.client.request(method, format!("{}{}", self.url, request.path));
        if let Some(token) = &request.token {
            builder = builder.bearer_auth(token);
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let response =
            builder.body(request.body).send().await.map_err(|error| failed(&error.without_url()))?;
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        Ok(HttpResponse {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: Box::new(Body(response)),
        })
    }

    async fn open(&self, token: &str) -> Result<Arc<dyn Socket>, LinkError> {
        if let Some(shared) = &self.shared {
            return Ok(Arc::new(shared.open(token).await?));
        }
        let socket = tokio::time::timeout(CONNECT, socket::open(&self.url, token, Arc::clone(&self.tls)));
        Ok(Arc::new(socket.await.map_err(|_| LinkError::TimedOut)??))
    }
}

struct Body(reqwest::Response);

#[async_trait]
impl ResponseBody for Body {
    async fn next(&mut self) -> Result<Option<Bytes>, LinkError> {
        self.0.chunk().await.map_err(|error| failed(&error.without_url()))
    }
}
