//! Hosting labels: what the relay states about businesses under its label key, which devices pin.
//!
//! A [`Declaration`] says who hosts an account, as the credential that registered it says, and what the operator has
//! approved. A [`NumberProof`] says that a person has a number, to one business. Both are made when they are asked for.
//! Of people, a business learns an id that no other business sees.

pub mod routes;
mod store;

use std::sync::Arc;

use ::store::sql::Connection;
use hmac::{Hmac, KeyInit as _, Mac as _};
use keys::{KeyPair, PrivateKey};
use sha2::Sha256;
use tokio::sync::OnceCell;
use wire::{
    AccountId, BusinessId, Message as _, PhoneNumber, api,
    api::HostingMode,
    hosting::{
        DECLARATION, Declaration, KEY_CERTIFICATE, KeyCertificate, Mode, NUMBER_PROOF, NumberProof, Signed,
        signed_bytes,
    },
};
use zeroize::Zeroizing;

pub(crate) use self::store::MIGRATIONS;
use self::store::{KeyRow, USER_IDS};
use crate::{
    RelayError, accounts, businesses,
    businesses::State,
    devices::since_1970,
    ground::{Ground, Randomness, shard_of},
    hosting::{self, Hosted},
    limits::Buckets,
    operator::{self, NOBODY, Who, remember},
};

/// How long a declaration is good: 7 days.
const GOOD: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 60 * 60);
/// Under what business-scoped ids are made.
const USER_ID: &[u8] = b"Tradepost user id v1";
/// Accounts in one question.
const PEOPLE: usize = 100;

/// Makes declarations, number proofs and business-scoped ids.
#[derive(Debug)]
pub struct Labels {
    ground: Arc<Ground>,
    /// From which user ids are made. It never changes.
    secret: OnceCell<Zeroizing<[u8; 32]>>,
    declarations: Buckets<AccountId>,
    proofs: Buckets<AccountId>,
    people: Buckets<BusinessId>,
}

impl Labels {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>) -> Arc<Self> {
        let (limits, clock) = (&ground.config.limits, &ground.clock);
        let declarations = Buckets::new(limits.declarations, limits.remembered, clock.clone());
        let proofs = Buckets::new(limits.number_proofs, limits.remembered, clock.clone());
        let people = Buckets::new(limits.people, limits.remembered, clock.clone());
        Arc::new(Self { ground, secret: OnceCell::new(), declarations, proofs, people })
    }

    /// Makes the first label key and the secret of user ids, unless they are there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn prepare(&self) -> Result<(), RelayError> {
        let pair = KeyPair::generate(&mut Randomness(&*self.ground.entropy));
        let (private, public) = (Zeroizing::new(*pair.private.expose()), pair.public.to_bytes());
        let (secret, now) = (Zeroizing::new(self.ground.random::<32>()), self.ground.now());
        let written = self.ground.write(shard_of(&NOBODY), move |transaction| {
            let (private, secret) = (private.clone(), secret.clone());
            Box::pin(async move {
                store::add_first_key(transaction, &private, public, now).await?;
                store::add_secret(transaction, USER_IDS, &secret).await?;
                Ok(())
            })
        });
        written.await
    }

    /// The label key, and how it came to be.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn key(&self) -> Result<api::LabelKey, RelayError> {
        let mut reader = self.ground.reader().await?;
        let current = current(&mut reader).await?;
        let certificates = store::certificates(&mut reader).await?;
        let certificates = certificates.into_iter().map(Into::into).collect();
        Ok(api::LabelKey { key: current.public_key.to_vec().into(), certificates })
    }

    /// Another label key, which the one before it certifies.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn rotate(&self) -> Result<api::LabelKey, RelayError> {
        let pair = KeyPair::generate(&mut Randomness(&*self.ground.entropy));
        let (private, public) = (Zeroizing::new(*pair.private.expose()), pair.public.to_bytes());
        let (now, entropy) = (self.ground.now(), self.ground.entropy.clone());
        let written = self.ground.write(shard_of(&NOBODY), move |transaction| {
            let (private, entropy) = (private.clone(), entropy.clone());
            Box::pin(async move {
                let before = store::hold_current(transaction).await?;
                let before = before.ok_or_else(|| RelayError::internal("there is no label key"))?;
                let certificate = KeyCertificate { key: public.to_vec(), issued: since_1970(now) };
                let signed =
                    sign(&before, KEY_CERTIFICATE, certificate.encode_to_vec(), &mut Randomness(&*entropy));
                let key = (&*private, public);
                store::add_key(transaction, before.number + 1, key, &signed, now).await?;
                remember(transaction, Who::Operator, "label_key_made", String::new(), now).await
            })
        });
        written.await?;
        self.key().await
    }

    /// Who hosts a business's account.
    ///
    /// # Errors
    /// `NotFound` if it is nobody's or a person's, `RateLimited`; those of the database.
    pub async fn declaration(
        &self,
        caller: AccountId,
        account: AccountId,
    ) -> Result<api::DeclarationOf, RelayError> {
        self.declarations.take(&caller)?;
        let mut reader = self.ground.reader().await?;
        let identity = accounts::identity(&mut reader, account).await?;
        let (identity_key, _) = identity.ok_or(RelayError::NotFound)?;
        let declaration = self.declare(&mut reader, account, identity_key).await?;
        Ok(api::DeclarationOf { declaration: declaration.ok_or(RelayError::NotFound)?.into() })
    }

    /// The signed declaration for an account with this identity key; nothing for a person's.
    pub(crate) async fn declare(
        &self,
        reader: &mut Connection,
        account: AccountId,
        identity_key: [u8; 33],
    ) -> Result<Option<Vec<u8>>, RelayError> {
        let Some(hosted) = hosting::hosted(reader, account).await? else { return Ok(None) };
        let business = businesses::business(reader, hosted.business).await?;
        let business = business.ok_or_else(|| RelayError::internal("a hosted account of no business"))?;
        let (mode, host, host_name) = self.host(reader, &hosted).await?;
        let now = self.ground.now();
        let text = |text: Option<String>| text.unwrap_or_default();
        let declaration = Declaration {
            business: hosted.business.to_bytes().to_vec(),
            account: account.to_bytes().to_vec(),
            mode: mode.into(),
            host,
            host_name,
            verified: business.state() == State::Approved,
            name: text(business.name),
            legal_name: text(business.legal_name),
            identity_key: identity_key.to_vec(),
            since: since_1970(hosted.since),
            issued: since_1970(now),
            expires: since_1970(now.after(GOOD)),
            country: text(business.country),
            category: text(business.category),
        };
        let key = current(reader).await?;
        let mut rng = Randomness(&*self.ground.entropy);
        Ok(Some(sign(&key, DECLARATION, declaration.encode_to_vec(), &mut rng)))
    }

    async fn host(
        &self,
        reader: &mut Connection,
        hosted: &Hosted,
    ) -> Result<(Mode, Vec<u8>, String), RelayError> {
        Ok(match (hosted.mode, hosted.vendor) {
            (HostingMode::Own, _) => (Mode::SelfHosted, Vec::new(), String::new()),
            (HostingMode::Operator, _) => {
                (Mode::Operator, NOBODY.to_vec(), self.ground.config.operator.name.clone())
            }
            (HostingMode::Vendor, Some(id)) => {
                let vendor = operator::store::vendor(reader, id).await?;
                let vendor = vendor.ok_or_else(|| RelayError::internal("a vendor that is not there"))?;
                (Mode::Vendor, id.to_bytes().to_vec(), vendor.name)
            }
            (HostingMode::Vendor | HostingMode::Sealed, _) => {
                return Err(RelayError::internal("an account that is hosted in no way there is"));
            }
        })
    }

    /// That a person has their number, for the business that has this account.
    ///
    /// # Errors
    /// `NotFound` if it is no business's, `RateLimited`; those of the database.
    pub async fn prove_number(
        &self,
        caller: AccountId,
        account: AccountId,
    ) -> Result<api::NumberShown, RelayError> {
        self.proofs.take(&caller)?;
        let mut reader = self.ground.reader().await?;
        let hosted = hosting::hosted(&mut reader, account).await?.ok_or(RelayError::NotFound)?;
        let identity = accounts::identity(&mut reader, caller).await?;
        let (_, number) = identity.ok_or(RelayError::Unauthorized)?;
        let proof = NumberProof {
            account: caller.to_bytes().to_vec(),
            business: hosted.business.to_bytes().to_vec(),
            number: number.into(),
            issued: since_1970(self.ground.now()),
        };
        let key = current(&mut reader).await?;
        let mut rng = Randomness(&*self.ground.entropy);
        Ok(api::NumberShown { proof: sign(&key, NUMBER_PROOF, proof.encode_to_vec(), &mut rng).into() })
    }

    /// The business-scoped ids of people, for a device of the business.
    ///
    /// # Errors
    /// `Forbidden` for anybody but a business, `Invalid`, `RateLimited`; those of the database.
    pub async fn people(
        &self,
        caller: AccountId,
        mut accounts: Vec<AccountId>,
    ) -> Result<api::People, RelayError> {
        if accounts.len() > PEOPLE {
            return Err(RelayError::field("accounts", "at most 100"));
        }
        let mut reader = self.ground.reader().await?;
        let hosted = hosting::hosted(&mut reader, caller).await?;
        let business =
            hosted.ok_or(RelayError::Forbidden("only the devices of a business may ask"))?.business;
        self.people.take_many(&business, u32::try_from(accounts.len()).unwrap_or(u32::MAX))?;
        accounts.sort_unstable();
        accounts.dedup();
        let secret = self.secret.get_or_try_init(|| self.load_secret()).await?;
        let numbers = accounts::numbers(&mut reader, &accounts).await?;
        let people = numbers.into_iter().map(|(account, number)| api::PersonId {
            account,
            user_id: user_id(secret, business, account, &number),
        });
        Ok(api::People { people: people.collect() })
    }

    async fn load_secret(&self) -> Result<Zeroizing<[u8; 32]>, RelayError> {
        let secret = store::secret(&mut self.ground.reader().await?, USER_IDS).await?;
        secret.map(Zeroizing::new).ok_or_else(|| RelayError::internal("there is no secret for user ids"))
    }
}

async fn current(reader: &mut Connection) -> Result<KeyRow, RelayError> {
    store::current(reader).await?.ok_or_else(|| RelayError::internal("there is no label key"))
}

fn sign(key: &KeyRow, context: &str, statement: Vec<u8>, rng: &mut Randomness<'_>) -> Vec<u8> {
    let private = PrivateKey::from_bytes(*key.private_key.0);
    let signature = private.sign(&signed_bytes(context, &statement), rng).as_bytes().to_vec();
    Signed { statement, signature }.encode_to_vec()
}

/// The country of a person's number and 20 digits that only this business sees.
fn user_id(secret: &[u8; 32], business: BusinessId, account: AccountId, number: &PhoneNumber) -> String {
    const DIGITS: u128 = 10_u128.pow(20);
    // A key of any length is one; should it ever not be, it is the zeros that say nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(USER_ID);
    mac.update(business.as_bytes());
    mac.update(account.as_bytes());
    let tag = mac.finalize().into_bytes();
    let digits = tag.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte)) % DIGITS;
    // A number that is of no country (satellite, international) has the code that ISO 3166 leaves to its users.
    let country = number.country().unwrap_or_else(|| "XZ".to_owned());
    format!("{country}.{digits:020}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_for_one_business_and_another_for_the_next() {
        let number: PhoneNumber = "+4915112345678".parse().unwrap();
        let business = |byte| BusinessId::from_bytes([byte; 16]);
        let account = AccountId::from_bytes([3; 16]);
        let id = |secret: u8, to, account| user_id(&[secret; 32], to, account, &number);
        let one = id(1, business(1), account);
        assert!(one.starts_with("DE.") && one.len() == 23, "{one}");
        assert!(one[3..].bytes().all(|byte| byte.is_ascii_digit()), "{one}");
        assert_eq!(id(1, business(1), account), one);
        assert_ne!(id(1, business(2), account), one);
        assert_ne!(id(2, business(1), account), one);
        assert_ne!(id(1, business(1), AccountId::from_bytes([4; 16])), one);
    }
}
