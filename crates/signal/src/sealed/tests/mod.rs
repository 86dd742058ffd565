//! What sealed sender must do, told by recorded messages, by rules and by chance.

mod any;
mod certificates;
mod many;
mod opening;
mod recorded;

use keys::KeyPair;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::{DeviceId, EncryptedMessage, Malformed, MessageKind, RegistrationId, ServiceId};

const EXPIRES: Timestamp = Timestamp(2_000_000_000_000);
const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn address(account: u8, device: u8) -> Address {
    Address::from((ServiceId::Aci([account; 16]), DeviceId::new(device).unwrap()))
}

/// A server with its root, a sender that it certified, and a receiver.
struct Scene {
    root: KeyPair,
    server: KeyPair,
    issuer: CertificateIssuer,
    alice: KeyPair,
    bob: KeyPair,
    bob_address: Address,
}

impl Scene {
    fn new() -> Self {
        let mut rng = rng(1);
        let [root, server, alice, bob] = [(); 4].map(|()| KeyPair::generate(&mut rng));
        let certificate = ServerCertificate::issue(ServerKeyId(5), server.public, &root.private, &mut rng);
        let issuer = CertificateIssuer::new(certificate, server.private.clone()).unwrap();
        Self { root, server, issuer, alice, bob, bob_address: address(2, 1) }
    }

    fn sender(&self) -> Sender {
        Sender { address: address(1, 3), e164: Some("+14155550101".to_owned()), identity: self.alice.public }
    }

    fn certificate(&self) -> SenderCertificate {
        self.issuer.issue(self.sender(), EXPIRES, &mut rng(2))
    }

    fn content(&self, bytes: &[u8]) -> Content {
        let message = EncryptedMessage { kind: MessageKind::Signal, bytes: bytes.to_vec() };
        Content::new(self.certificate(), message, ContentHint::Resendable, Some(b"group".to_vec()))
    }

    fn destination(&self) -> Destination {
        Destination {
            service_id: self.bob_address.service_id().unwrap(),
            identity: self.bob.public,
            devices: vec![(DeviceId::PRIMARY, RegistrationId(77))],
        }
    }

    const fn receiver(&self) -> Receiver<'_> {
        Receiver { identity: &self.bob, address: &self.bob_address, e164: Some("+14155550102") }
    }

    fn open(&self, message: &[u8]) -> Result<Content, OpenError> {
        let roots = [self.root.public];
        open(message, &self.receiver(), &ServerTrust::new(&roots), NOW)
    }

    /// The content sealed by both versions, as the receiver gets it.
    fn sealed(&self, content: &Content) -> [Vec<u8>; 2] {
        let one = content.seal(&self.alice, &self.bob.public, &mut rng(3)).unwrap();
        let sent = content.seal_for_many(&self.alice, &[self.destination()], &[], &mut rng(3)).unwrap();
        let sent = SentMessage::parse(&sent).unwrap();
        [one, sent.recipients()[0].received().unwrap()]
    }
}
