//! Linking: how another device joins an account (`docs/relay-api.md`, "Linking").

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use keys::{KeyPair, PrivateKey, PublicKey};
use wire::{
    AccountId, Base64, DeviceId, Message as _, PhoneNumber,
    api::{self, LinkDevice, LinkingCode, Provisioning, ProvisioningMessage},
    content::Provision,
    limits,
};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Device, register::settle_in};
use crate::{
    Edges, Error, OwnDevice, cipher,
    link::relay::{NOTHING, Relay},
};

/// Milliseconds for which the relay is asked to hold an answer back.
const WAIT: u64 = 25_000;
/// Milliseconds between looks whether the new device has joined.
const LOOK: u64 = 1000;
/// Ids of channels are not longer.
const ID: usize = 128;

/// A device that wants to join an account: shows a code, and waits for the primary to scan it.
pub struct Linking {
    edges: Edges,
    id: String,
    pair: KeyPair,
    url: String,
    expires: u64,
}

impl fmt::Debug for Linking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linking").finish_non_exhaustive()
    }
}

impl Linking {
    /// Opens a channel at the relay.
    ///
    /// # Errors
    /// [`Error::Link`], [`Error::Wait`].
    pub async fn begin(mut edges: Edges) -> Result<Self, Error> {
        let pair = KeyPair::generate(&mut edges.rng);
        let relay = Relay { link: &*edges.link, token: None };
        let channel: Provisioning = relay.ask("POST", "/v1/provisioning", NOTHING).await?;
        let request = LinkingRequest {
            relay: edges.link.url().to_owned(),
            id: checked(channel.id).ok_or(Error::Answer("the id of a channel is not one"))?,
            key: pair.public,
        };
        let expires = edges.clock.now().saturating_add(channel.expires_in_ms);
        Ok(Self { url: request.to_string(), id: request.id, edges, pair, expires })
    }

    /// What to show as a QR code, and to accept as typed text: `tradepost://link?…`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the primary has answered, and joins the account.
    ///
    /// # Errors
    /// [`Error::LinkingExpired`]; [`Error::LinkingCode`] if the answer does not open; those of [`Device::register`].
    pub async fn finish(self, device_name: &str) -> Result<Device, Error> {
        let message = self.wait().await?;
        let provision = open(&self.pair, &message).ok_or(Error::LinkingCode)?;
        let private = PrivateKey::from_slice(&provision.identity_private_key);
        let private = private.map_err(|_| Error::LinkingCode)?;
        let identity = KeyPair { public: private.public_key(), private };
        let account = AccountId::try_from(&provision.account[..]).map_err(|_| Error::LinkingCode)?;
        let number: PhoneNumber = provision.number.parse().map_err(|_| Error::LinkingCode)?;
        let whole = identity.public.to_bytes()[..] == provision.identity_public_key[..]
            && provision.profile_key.len() == 32;
        if !whole {
            return Err(Error::LinkingCode);
        }
        let code = provision.linking_code.clone();
        settle_in(self.edges, &identity, &provision.profile_key, device_name, async |relay, device| {
            let request = LinkDevice { code, device };
            let joined: api::Registered = relay.ask("POST", "/v1/devices", Some(&request)).await?;
            if joined.account != account {
                return Err(Error::Answer("another account than the primary named"));
            }
            if joined.number != number {
                return Err(Error::Answer("another number than the primary named"));
            }
            if joined.device == DeviceId::PRIMARY {
                return Err(Error::Answer("the linked device would be the primary"));
            }
            Ok(joined)
        })
        .await
    }

    async fn wait(&self) -> Result<Vec<u8>, Error> {
        let relay = Relay { link: &*self.edges.link, token: None };
        while self.edges.clock.now() < self.expires {
            let path = format!("/v1/provisioning/{}?wait_ms={WAIT}", self.id);
            match relay.exchange("GET", path, NOTHING).await {
                Ok((204, _)) => {}
                Ok((_, body)) => {
                    let answer: ProvisioningMessage =
                        serde_json::from_slice(&body).map_err(|_| Error::Answer("no message"))?;
                    return Ok(answer.message.0);
                }
                Err(Error::Wait { retry_after_ms }) => {
                    self.edges.clock.sleep(Duration::from_millis(retry_after_ms)).await;
                }
                Err(Error::Link(error)) => {
                    tracing::info!(%error, "the relay is asked again");
                    self.edges.clock.sleep(Duration::from_millis(LOOK)).await;
                }
                Err(error) if error.code() == Some(wire::ErrorCode::NotFound) => {
                    return Err(Error::LinkingExpired);
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::LinkingExpired)
    }
}

/// What a linking code says: which device wants to join.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkingRequest {
    /// The relay that it speaks to.
    pub relay: String,
    id: String,
    key: PublicKey,
}

fn checked(id: String) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (!id.is_empty() && id.len() <= ID && id.bytes().all(good)).then_some(id)
}

impl fmt::Display for LinkingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tradepost://link?relay=")?;
        for byte in self.relay.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    write!(f, "{}", char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        write!(f, "&id={}&key={}", self.id, URL_SAFE_NO_PAD.encode(self.key.to_bytes()))
    }
}

impl std::str::FromStr for LinkingRequest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let query = text.trim().strip_prefix("tradepost://link?").ok_or(Error::LinkingCode)?;
        let part = |name: &str| {
            query
                .split('&')
                .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
                .ok_or(Error::LinkingCode)
        };
        let key = URL_SAFE_NO_PAD.decode(part("key")?).map_err(|_| Error::LinkingCode)?;
        Ok(Self {
            relay: unescaped(part("relay")?).ok_or(Error::LinkingCode)?,
            id: checked(part("id")?.to_owned()).ok_or(Error::LinkingCode)?,
            key: PublicKey::from_bytes(&key).map_err(|_| Error::LinkingCode)?,
        })
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The key that both sides agree on.
fn agreed(
    own: &PrivateKey,
    theirs: &PublicKey,
    scanned: &PublicKey,
    sender: &PublicKey,
) -> Option<Zeroizing<[u8; 32]>> {
    let secret = own.agree(theirs).ok()?;
    let info: [&[u8]; 3] = [b"Tradepost provisioning v1", &scanned.to_bytes(), &sender.to_bytes()];
    Some(cipher::derive(secret.expose(), &info))
}

fn open(pair: &KeyPair, message: &[u8]) -> Option<Secrets> {
    let (sender, sealed) = message.split_at_checked(PublicKey::LEN)?;
    let sender = PublicKey::from_bytes(sender).ok()?;
    let key = agreed(&pair.private, &sender, &pair.public, &sender)?;
    let provision = cipher::open(&key, [0; cipher::NONCE], &[], sealed)?;
    Provision::decode(provision.as_slice()).ok().map(Secrets)
}

/// A [`Provision`], wiped when it is dropped.
struct Secrets(Provision);

impl Drop for Secrets {
    fn drop(&mut self) {
        self.0.identity_private_key.zeroize();
        self.0.profile_key.zeroize();
        self.0.linking_code.zeroize();
    }
}

impl std::ops::Deref for Secrets {
    type Target = Provision;

    fn deref(&self) -> &Provision {
        &self.0
    }
}

impl Device {
    /// Lets a device join this account, and returns when it has. The person was asked: whoever shows the code reads
    /// everything from then on.
    ///
    /// # Errors
    /// [`Error::PrimaryOnly`]; [`Error::LinkingExpired`] if it does not join in time.
    pub async fn link(&self, request: &LinkingRequest) -> Result<OwnDevice, Error> {
        self.primary_only()?;
        let before = self.devices().await?;
        let code: LinkingCode = self.relay().ask("POST", "/v1/devices/codes", NOTHING).await?;
        let expires = self.now().saturating_add(code.expires_in_ms);
        let identity = &self.0.local.identity;
        let provision = Secrets(Provision {
            account: self.account().as_bytes().to_vec(),
            number: self.own().number.to_string(),
            identity_private_key: identity.private.expose().to_vec(),
            identity_public_key: identity.public.to_bytes().to_vec(),
            profile_key: self.0.profile_key.to_vec(),
            linking_code: code.code,
        });
        let pair = KeyPair::generate(&mut *self.rng().await?);
        let key =
            agreed(&pair.private, &request.key, &request.key, &pair.public).ok_or(Error::LinkingCode)?;
        let plain = Zeroizing::new(provision.0.encode_to_vec());
        // The key is used for this message alone.
        let sealed = cipher::seal(&key, [0; cipher::NONCE], &[], &plain)?;
        let message = [&pair.public.to_bytes()[..], &sealed].concat();
        if message.len() > limits::PROVISION {
            return Err(Error::Invalid("too much to hand over"));
        }
        let path = format!("/v1/provisioning/{}", request.id);
        let body = api::Provision { message: Base64(message) };
        match self.relay().tell("PUT", path, Some(&body)).await {
            Err(error) if error.code() == Some(wire::ErrorCode::NotFound) => {
                return Err(Error::LinkingExpired);
            }
            other => other?,
        }
        while self.now() < expires {
            let joined = self.refresh_devices().await?;
            if let Some(new) = joined.into_iter().find(|device| before.iter().all(|old| old.id != device.id))
            {
                self.introduce().await?;
                return Ok(new);
            }
            self.0.clock.sleep(Duration::from_millis(LOOK)).await;
        }
        Err(Error::LinkingExpired)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;

    #[test]
    fn a_code_says_what_was_put_into_it() {
        let pair = KeyPair::generate(&mut ChaCha20Rng::from_seed([1; 32]));
        let relay = "https://relay.example:8443/a b?ü".to_owned();
        let request = LinkingRequest { relay, id: "abc-1_".into(), key: pair.public };
        let text = request.to_string();
        assert!(text.starts_with("tradepost://link?relay=https%3A%2F%2Frelay.example%3A8443"), "{text}");
        assert_eq!(text.parse::<LinkingRequest>().unwrap(), request);
        for bad in [
            "",
            "tradepost://link?",
            &text.replace("abc", "../"),
            &text[..text.len() - 4],
            &text.replace("%2F", "%2"),
        ] {
            assert!(bad.parse::<LinkingRequest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_scanned_key_opens_a_provision() {
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let [new, primary, other] = std::array::from_fn(|_| KeyPair::generate(&mut rng));
        let key = agreed(&primary.private, &new.public, &new.public, &primary.public).unwrap();
        let provision = Provision { linking_code: "code".into(), ..Provision::default() };
        let sealed = cipher::seal(&key, [0; 12], &[], &provision.encode_to_vec()).unwrap();
        let message = [&primary.public.to_bytes()[..], &sealed].concat();
        assert_eq!(open(&new, &message).unwrap().linking_code, "code");
        assert!(open(&other, &message).is_none());
        let mut forged = message.clone();
        forged[..33].copy_from_slice(&other.public.to_bytes());
        assert!(open(&new, &forged).is_none());
        assert!(open(&new, &message[..32]).is_none());
    }
}
