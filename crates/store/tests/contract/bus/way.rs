//! The way to a real NATS server: credentials and TLS.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use store::{
    Location, StoreError,
    bus::{Bus as _, BusConfig, BusTls, NatsBus},
    testing::Nats,
};
use tempfile::TempDir;

use super::{hear, message, subject};

/// Connects, and hears itself.
async fn reach(url: &str, config: &BusConfig) -> Result<(), StoreError> {
    let bus = NatsBus::connect(&Location::from(url), config).await?;
    let mut listening = bus.subscribe(&subject("here")).await?;
    bus.publish(&subject("here"), Bytes::from_static(b"hello")).await?;
    assert_eq!(hear(&mut listening).await, message("hello"));
    Ok(())
}

async fn refused(url: &str, config: &BusConfig) {
    let error = reach(url, config).await.expect_err(url);
    assert!(
        matches!(&error, StoreError::Invalid(text) if text == "NATS refuses the credentials"),
        "{error:?}"
    );
}

async fn unsafe_way(url: &str, config: &BusConfig) {
    let error = reach(url, config).await.expect_err(url);
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_in_the_address_or_in_a_file() {
    let nats = Nats::with(&["--user", "ada", "--pass", "p@ss:w/rd,"]);
    let (address, plain) = (nats.address(), BusConfig::default());
    reach(&format!("nats://ada:p%40ss%3Aw%2Frd%2C@{address}"), &plain).await.unwrap();
    refused(&nats.url(), &plain).await;
    refused(&format!("nats://ada:wrong@{address}"), &plain).await;

    let folder = tempfile::tempdir().unwrap();
    let with = |path: &Path| BusConfig { credentials_file: Some(path.to_owned()), ..BusConfig::default() };
    let right = file(&folder, "right", "ada:p@ss:w/rd,\n");
    reach(&nats.url(), &with(&right)).await.unwrap();
    // The file counts, and not the address.
    reach(&format!("nats://ada:wrong@{address}"), &with(&right)).await.unwrap();
    refused(&nats.url(), &with(&file(&folder, "wrong", "ada:wrong"))).await;
    let jwt =
        file(&folder, "jwt", "-----BEGIN NATS USER JWT-----\neyJ0eXAi\n------END NATS USER JWT------\n");
    for bad in [&*jwt, &*file(&folder, "empty", "\n"), Path::new("/nowhere")] {
        let error = reach(&nats.url(), &with(bad)).await.unwrap_err();
        let shown = bad.to_str().unwrap();
        assert!(matches!(&error, StoreError::Invalid(text) if text.starts_with(shown)), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_in_the_address_or_in_a_file() {
    let nats = Nats::with(&["--auth", "sesame"]);
    let address = nats.address();
    reach(&format!("nats://sesame@{address}"), &BusConfig::default()).await.unwrap();
    refused(&nats.url(), &BusConfig::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let credentials_file = Some(file(&folder, "token", "sesame\n"));
    reach(&nats.url(), &BusConfig { credentials_file, ..BusConfig::default() }).await.unwrap();

    let two = format!("nats://sesame@{address}, nats://another@{address}");
    let error = reach(&two, &BusConfig::default()).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
    reach(&format!("nats://sesame@{address}, nats://sesame@{address}"), &BusConfig::default()).await.unwrap();
}

/// An authority, and what it vouches for.
struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut parameters = CertificateParams::new([]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let file = file(&folder, "authority.pem", &issuer.pem());
        Self { folder, issuer, file }
    }

    /// A certificate for `name`, and its key.
    fn certify(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let certificate = file(&self.folder, &format!("{name}.pem"), &certificate.pem());
        (certificate, file(&self.folder, &format!("{name}.key"), &key.serialize_pem()))
    }

    fn trusted(&self) -> BusTls {
        BusTls { authorities_file: Some(self.file.clone()), ..BusTls::default() }
    }
}

fn by(tls: BusTls) -> BusConfig {
    BusConfig { tls, ..BusConfig::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_believed_if_an_authority_vouches_for_it() {
    let authority = Authority::new();
    let (certificate, key) = authority.certify("127.0.0.1");
    let certified = ["--tls", "--tlscert", certificate.to_str().unwrap(), "--tlskey", key.to_str().unwrap()];
    let nats = Nats::with(&certified);
    for scheme in ["nats", "tls"] {
        let url = format!("{scheme}://{}", nats.address());
        reach(&url, &by(authority.trusted())).await.unwrap();
        unsafe_way(&url, &BusConfig::default()).await;
        unsafe_way(&url, &by(Authority::new().trusted())).await;
    }

    let (certificate, key) = authority.certify("elsewhere.example");
    let certified = ["--tls", "--tlscert", certificate.to_str().unwrap(), "--tlskey", key.to_str().unwrap()];
    let other = Nats::with(&certified);
    unsafe_way(&other.url(), &by(authority.trusted())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_said_in_the_clear_if_tls_is_required() {
    let nats = Nats::start();
    reach(&nats.url(), &BusConfig::default()).await.unwrap();
    unsafe_way(&nats.url(), &by(BusTls { required: true, ..BusTls::default() })).await;
    unsafe_way(&nats.url(), &by(Authority::new().trusted())).await;
    unsafe_way(&format!("tls://{}", nats.address()), &BusConfig::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_may_want_our_certificate() {
    let authority = Authority::new();
    let (certificate, key) = authority.certify("127.0.0.1");
    let nats = Nats::with(&[
        "--tlsverify",
        "--tlscacert",
        authority.file.to_str().unwrap(),
        "--tlscert",
        certificate.to_str().unwrap(),
        "--tlskey",
        key.to_str().unwrap(),
    ]);
    unsafe_way(&nats.url(), &by(authority.trusted())).await;
    let (certificate, key) = authority.certify("node.example");
    let ours = BusTls { certificate_file: Some(certificate), key_file: Some(key), ..authority.trusted() };
    reach(&nats.url(), &by(ours.clone())).await.unwrap();
    let error = reach(&nats.url(), &by(BusTls { key_file: None, ..ours })).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
}
