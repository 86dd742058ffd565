use keys::{KeyError, PrivateKey, PublicKey, Signature};
use rand_core::CryptoRng;

use super::CertificateError;
use crate::{
    Address, DeviceId, MAX_MESSAGE_LEN, Malformed, ParseError, Part, ServiceId, Timestamp,
    protobuf::{Writer, fields},
};

/// Number of a key that a server signs sender certificates with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServerKeyId(pub u32);

/// Server keys that are revoked for everyone. The one number in the list is a test value.
pub const REVOKED_SERVER_KEYS: &[ServerKeyId] = &[ServerKeyId(0xDEAD_C357)];

/// What a receiver believes in.
#[derive(Clone, Copy, Debug)]
pub struct ServerTrust<'a> {
    /// Keys of which any may sign server certificates.
    pub roots: &'a [PublicKey],
    /// Server certificates that senders need not send along. They too must be signed by a root.
    pub known_servers: &'a [ServerCertificate],
    /// Server keys that are believed no more, whoever signed them.
    pub revoked: &'a [ServerKeyId],
}

impl<'a> ServerTrust<'a> {
    /// Believes in these roots, knows no server and refuses [`REVOKED_SERVER_KEYS`].
    pub const fn new(roots: &'a [PublicKey]) -> Self {
        Self { roots, known_servers: &[], revoked: REVOKED_SERVER_KEYS }
    }
}

/// The statement of a trust root that a key belongs to a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerCertificate {
    key_id: ServerKeyId,
    key: PublicKey,
    signed: Signed,
}

impl ServerCertificate {
    /// States that `key` belongs to a server.
    pub fn issue(
        key_id: ServerKeyId,
        key: PublicKey,
        trust_root: &PrivateKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Self {
        let mut writer = Writer::with_capacity(48);
        writer.uint(1, key_id.0);
        writer.bytes(2, &key.to_bytes());
        Self { key_id, key, signed: Signed::sign(writer.finish(), trust_root, rng) }
    }

    /// Reads a serialized certificate. Nothing is verified yet.
    ///
    /// # Errors
    /// [`ParseError`], each defect its own.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let signed = Signed::parse(bytes)?;
        let (mut key_id, mut key) = (None, None);
        for field in fields(&signed.certificate) {
            match field? {
                (1, value) => key_id = Some(ServerKeyId(value.u32()?)),
                (2, value) => key = Some(value.public_key()?),
                _ => {}
            }
        }
        Ok(Self {
            key_id: key_id.ok_or(Malformed::Missing { field: 1 })?,
            key: key.ok_or(Malformed::Missing { field: 2 })?,
            signed,
        })
    }

    /// The certificate as it was read or issued.
    pub fn as_bytes(&self) -> &[u8] {
        &self.signed.bytes
    }

    /// Number of the server's key.
    pub const fn key_id(&self) -> ServerKeyId {
        self.key_id
    }

    /// The server's key.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks that a trust root signed it and that its key is not revoked.
    ///
    /// # Errors
    /// [`CertificateError::UntrustedServer`] or [`CertificateError::RevokedServer`].
    pub fn validate(&self, trust: &ServerTrust<'_>) -> Result<(), CertificateError> {
        if !trust.roots.iter().any(|root| self.signed.verify(root).is_ok()) {
            return Err(CertificateError::UntrustedServer);
        }
        if trust.revoked.contains(&self.key_id) {
            return Err(CertificateError::RevokedServer(self.key_id));
        }
        Ok(())
    }
}

/// Whom a certificate is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sender {
    /// Account and device.
    pub address: Address,
    /// The account's phone number, if it is told.
    pub e164: Option<String>,
    /// The account's identity key.
    pub identity: PublicKey,
}

/// The statement of a server about who a sender is, good for some days.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SenderCertificate {
    sender: Sender,
    expires: Timestamp,
    signer: Signer,
    signed: Signed,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Signer {
    Embedded(ServerCertificate),
    Known(ServerKeyId),
}

impl SenderCertificate {
    /// Reads a serialized certificate. Nothing is verified yet.
    ///
    /// # Errors
    /// [`ParseError`], each defect its own.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let signed = Signed::parse(bytes)?;
        let (mut e164, mut device, mut expires, mut identity) = (None, None, None, None);
        let (mut signer, mut name) = (None, None);
        for field in fields(&signed.certificate) {
            match field? {
                (1, value) => e164 = Some(text(1, value.bytes()?)?),
                (2, value) => device = Some(value.u32()?),
                (3, value) => expires = Some(Timestamp(value.fixed64()?)),
                (4, value) => identity = Some(value.public_key()?),
                (5, value) => {
                    let server = ServerCertificate::parse(value.bytes()?);
                    let server = server.map_err(|error| error.inside(Part::ServerCertificate))?;
                    signer = Some(Signer::Embedded(server));
                }
                (6, value) => name = Some(text(6, value.bytes()?)?.to_owned()),
                (7, value) => name = Some(ServiceId::Aci(*value.array()?).to_string()),
                (8, value) => signer = Some(Signer::Known(ServerKeyId(value.u32()?))),
                _ => {}
            }
        }
        let device = DeviceId::new(device.ok_or(Malformed::Missing { field: 2 })?)
            .ok_or(Malformed::OutOfRange { field: 2 })?;
        let name = name.ok_or(Malformed::Missing { field: 6 })?;
        // A service id is spelled in one way only, whichever the certificate chose.
        let address = match ServiceId::parse(&name) {
            Some(service_id) => Address::from((service_id, device)),
            None => Address::new(name, device),
        };
        let sender = Sender {
            address,
            e164: e164.map(str::to_owned),
            identity: identity.ok_or(Malformed::Missing { field: 4 })?,
        };
        Ok(Self {
            sender,
            expires: expires.ok_or(Malformed::Missing { field: 3 })?,
            signer: signer.ok_or(Malformed::Missing { field: 5 })?,
            signed,
        })
    }

    /// The certificate as it was read or issued.
    pub fn as_bytes(&self) -> &[u8] {
        &self.signed.bytes
    }

    /// Whom it is about. True only once it was validated.
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The last moment at which it is good.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Checks that a trusted server issued it and that it has not expired.
    ///
    /// # Errors
    /// [`CertificateError`], each reason its own.
    pub fn validate(&self, trust: &ServerTrust<'_>, now: Timestamp) -> Result<(), CertificateError> {
        let server = match &self.signer {
            Signer::Embedded(server) => server,
            Signer::Known(id) => trust
                .known_servers
                .iter()
                .find(|server| server.key_id == *id)
                .ok_or(CertificateError::UnknownServer(*id))?,
        };
        server.validate(trust)?;
        self.signed.verify(&server.key).map_err(|_| CertificateError::BadSignature)?;
        if now > self.expires {
            return Err(CertificateError::Expired(self.expires));
        }
        Ok(())
    }
}

/// A server that issues sender certificates.
#[derive(Clone, Debug)]
pub struct CertificateIssuer {
    certificate: ServerCertificate,
    key: PrivateKey,
}

impl CertificateIssuer {
    /// Issues with `key`, which `certificate` is about.
    ///
    /// # Errors
    /// [`CertificateError::OtherKey`].
    pub fn new(certificate: ServerCertificate, key: PrivateKey) -> Result<Self, CertificateError> {
        if key.public_key() != certificate.key {
            return Err(CertificateError::OtherKey);
        }
        Ok(Self { certificate, key })
    }

    /// The certificate that it issues under.
    pub const fn certificate(&self) -> &ServerCertificate {
        &self.certificate
    }

    /// States who `sender` is, up to and including `expires`. The server's certificate is embedded.
    pub fn issue(
        &self,
        sender: Sender,
        expires: Timestamp,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> SenderCertificate {
        let mut writer = Writer::with_capacity(128 + self.certificate.as_bytes().len());
        if let Some(e164) = &sender.e164 {
            writer.bytes(1, e164.as_bytes());
        }
        writer.uint(2, sender.address.device().get());
        writer.fixed64(3, expires.0);
        writer.bytes(4, &sender.identity.to_bytes());
        writer.bytes(5, self.certificate.as_bytes());
        writer.bytes(6, sender.address.name().as_bytes());
        let signed = Signed::sign(writer.finish(), &self.key, rng);
        SenderCertificate { sender, expires, signer: Signer::Embedded(self.certificate.clone()), signed }
    }
}

/// What both kinds of certificate are outside: the certificate proper and a signature over its very bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Signed {
    bytes: Vec<u8>,
    certificate: Vec<u8>,
    signature: Signature,
}

impl Signed {
    fn sign(certificate: Vec<u8>, key: &PrivateKey, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let signature = key.sign(&certificate, rng);
        let mut writer = Writer::with_capacity(certificate.len() + Signature::LEN + 16);
        writer.bytes(1, &certificate);
        writer.bytes(2, signature.as_bytes());
        Self { bytes: writer.finish(), certificate, signature }
    }

    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_MESSAGE_LEN {
            return Err(ParseError::TooLong { actual: bytes.len() });
        }
        let (mut certificate, mut signature) = (None, None);
        for field in fields(bytes) {
            match field? {
                (1, value) => certificate = Some(value.bytes()?),
                (2, value) => signature = Some(value.array::<{ Signature::LEN }>()?),
                _ => {}
            }
        }
        let signature = signature.ok_or(Malformed::Missing { field: 2 })?;
        Ok(Self {
            bytes: bytes.to_vec(),
            certificate: certificate.ok_or(Malformed::Missing { field: 1 })?.to_vec(),
            signature: Signature::from_bytes(signature).map_err(|_| Malformed::Length { field: 2 })?,
        })
    }

    fn verify(&self, key: &PublicKey) -> Result<(), KeyError> {
        key.verify(&self.certificate, &self.signature)
    }
}

fn text(field: u32, bytes: &[u8]) -> Result<&str, Malformed> {
    str::from_utf8(bytes).map_err(|_| Malformed::Text { field })
}
