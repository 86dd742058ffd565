//! Where a server is, and how it is spoken to.

use std::{
    fmt,
    io::{self, IoSlice},
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{BenchError, error::Tried as _};

/// What the certificates of servers that are started here are for.
pub(crate) const NAME: &str = "localhost";

/// A server's address and, with TLS, what is trusted there: its own certificate and no other.
#[derive(Clone)]
pub(crate) struct Place {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Place {
    pub(crate) const fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// The server there has the certificate in this PEM file.
    pub(crate) fn with_tls(address: SocketAddr, certificate: &Path) -> Result<Self, BenchError> {
        let failed = |error: &dyn fmt::Display| {
            BenchError::Options(format!("the certificate {}: {error}", certificate.display()))
        };
        let mut trusted = RootCertStore::empty();
        let found = CertificateDer::from_pem_file(certificate).map_err(|error| failed(&error))?;
        trusted.add(found).map_err(|error| failed(&error))?;
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Ok(Self { address, tls: Some(TlsConnector::from(Arc::new(config))) })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn connect(&self) -> Result<Stream, BenchError> {
        let stream = TcpStream::connect(self.address).await.tried(format!("connecting to {self}"))?;
        stream.set_nodelay(true).tried("TCP_NODELAY")?;
        let Some(tls) = &self.tls else { return Ok(Stream::Plain(stream)) };
        let name = ServerName::try_from(NAME).map_err(|error| BenchError::Options(error.to_string()))?;
        let stream = tls.connect(name, stream).await.tried(format!("TLS with {self}"))?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
