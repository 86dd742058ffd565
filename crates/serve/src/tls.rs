//! Certificates: from files, or one of our own.

use std::{fs, io, path::Path, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};
use sha2::{Digest as _, Sha256};

use super::Tls;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}")]
    File {
        /// Which.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: not the PEM of a certificate or key")]
    Pem {
        /// Which.
        path: String,
        /// Why not.
        #[source]
        source: pem::Error,
    },
    /// No certificate could be made.
    #[error("no certificate could be made")]
    Make(#[from] rcgen::Error),
    /// Certificate and key cannot be used.
    #[error("certificate and key cannot be used")]
    Use(#[from] rustls::Error),
}

/// A certificate that is in use.
#[derive(Clone)]
pub struct Certificate {
    config: ServerConfig,
    /// SHA-256 of the certificate, in hexadecimal: what clients of a self-signed one compare.
    pub fingerprint: String,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads it, or makes one and keeps it in `data`.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(config: &Tls, data: &Path) -> Result<Self, TlsError> {
        match config {
            Tls::Files { certificate, key } => Self::read(certificate, key),
            Tls::SelfSigned(names) => {
                let folder = data.join("tls");
                let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
                if !certificate.exists() || !key.exists() {
                    make(names, &folder, &certificate, &key)?;
                }
                Self::read(&certificate, &key)
            }
        }
    }

    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let pem = |path: &Path| {
            let path = path.display().to_string();
            move |source| TlsError::Pem { path, source }
        };
        let chain = CertificateDer::pem_file_iter(certificate).map_err(pem(certificate))?;
        let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(pem(certificate))?;
        let first = chain.first().ok_or(pem::Error::NoItemsFound).map_err(pem(certificate))?;
        let fingerprint = Sha256::digest(first).iter().map(|byte| format!("{byte:02x}")).collect();
        let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Self { config, fingerprint })
    }

    /// For a server that speaks HTTP/2 too, or only HTTP/1.1.
    pub(super) fn config(mut self, http2: bool) -> Arc<ServerConfig> {
        let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        self.config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Arc::new(self.config)
    }
}

fn make(names: &[String], folder: &Path, certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let made = rcgen::generate_simple_self_signed(names)?;
    let file = |path: &Path| {
        let path = path.display().to_string();
        move |source| TlsError::File { path, source }
    };
    fs::create_dir_all(folder).map_err(file(folder))?;
    write_private(key, made.signing_key.serialize_pem().as_bytes()).map_err(file(key))?;
    fs::write(certificate, made.cert.pem()).map_err(file(certificate))
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
