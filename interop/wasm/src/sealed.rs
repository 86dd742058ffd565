use signal::{
    keys::{KeyPair, PublicKey},
    sealed::{
        CertificateIssuer, Content, ContentHint, Receiver, Sender, SenderCertificate, ServerCertificate,
        ServerKeyId, ServerTrust, open,
    },
};
use wasm_bindgen::prelude::*;

use crate::{Address, Device, Message, Thrown, rng, timestamp};

/// Who vouches for senders: a server's part, here so that sealed messages can be tried out.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Authority {
    trust_root: PublicKey,
    issuer: CertificateIssuer,
}

#[wasm_bindgen]
impl Authority {
    /// One with new keys.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Self, Thrown> {
        let rng = &mut rng();
        let (root, server) = (KeyPair::generate(rng), KeyPair::generate(rng));
        let certificate = ServerCertificate::issue(ServerKeyId(1), server.public, &root.private, rng);
        Ok(Self { trust_root: root.public, issuer: CertificateIssuer::new(certificate, server.private)? })
    }

    /// The key that receivers trust.
    #[wasm_bindgen(getter, js_name = trustRoot)]
    pub fn trust_root(&self) -> Vec<u8> {
        self.trust_root.to_bytes().to_vec()
    }

    /// The statement that `identity` belongs to `address`, good until `expires`.
    pub fn certify(&self, address: &Address, identity: &[u8], expires: f64) -> Result<Vec<u8>, Thrown> {
        let identity = PublicKey::from_bytes(identity)?;
        let sender = Sender { address: address.0.clone(), e164: None, identity };
        Ok(self.issuer.issue(sender, timestamp(expires), &mut rng()).as_bytes().to_vec())
    }
}

/// What a sealed message held.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Opened {
    sender: Address,
    message: Message,
}

#[wasm_bindgen]
impl Opened {
    /// Who sealed it, proven.
    #[wasm_bindgen(getter)]
    pub fn sender(&self) -> Address {
        self.sender.clone()
    }

    /// What is to be decrypted as from that sender.
    #[wasm_bindgen(getter)]
    pub fn message(&self) -> Message {
        self.message.clone()
    }
}

#[wasm_bindgen]
impl Device {
    /// Hides from everybody but `remote` who wrote `message`.
    pub fn seal(&self, remote: &Address, certificate: &[u8], message: &Message) -> Result<Vec<u8>, Thrown> {
        let receiver = self.known_identity(remote)?;
        let certificate = SenderCertificate::parse(certificate)?;
        let content = Content::new(certificate, message.0.clone(), ContentHint::Default, None);
        Ok(content.seal(&self.local.identity, receiver, &mut rng())?)
    }

    /// Opens a sealed message whose sender is vouched for by `trust_root`.
    pub fn open(&self, sealed: &[u8], trust_root: &[u8], now: f64) -> Result<Opened, Thrown> {
        let receiver = Receiver { identity: &self.local.identity, address: &self.local.address, e164: None };
        let roots = [PublicKey::from_bytes(trust_root)?];
        let content = open(sealed, &receiver, &ServerTrust::new(&roots), timestamp(now))?;
        Ok(Opened {
            sender: Address(content.sender().address.clone()),
            message: Message(content.message().clone()),
        })
    }
}
