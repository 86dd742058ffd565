//! Programs of businesses, their tokens, and where they want to be told what happens.
//!
//! Who asks becomes an [`Authorized`] here and nowhere else. Handlers take objects as [`Owned`], and only an `Authorized`
//! makes one, of what is its business's: a route that forgets to ask who is there does not compile.

mod scopes;
mod store;
mod token;

use std::{fmt, sync::Arc};

use ::store::{Timestamp, sql::Transaction};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

pub(crate) use self::store::{MIGRATIONS, erase};
pub use self::{
    scopes::{Scope, Scopes},
    token::{AppSecret, Secret, Token},
};
use crate::{
    HostError,
    ground::{Ground, Recent},
    ids::{AppId, BusinessId},
    purposes::decisions::{self, Decided},
    sealing::{Domain, Keys, Place},
};

/// How many tokens are kept in memory.
const CACHED: usize = 10_000;

/// A program of a business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Whose.
    pub business: BusinessId,
    /// What it is called.
    pub name: String,
    /// Whether tokens alone do not suffice: `appsecret_proof` has to come with them.
    pub needs_proof: bool,
    /// Since when.
    pub created: Timestamp,
}

/// What is known of a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Of which app.
    pub app: AppId,
    /// Whose things it opens.
    pub business: BusinessId,
    /// What it may do.
    pub scopes: Scopes,
    /// Since when.
    pub issued: Timestamp,
    /// Until when; forever if none.
    pub expires: Option<Timestamp>,
}

/// A token as it is listed.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// What names it in the log: it opens nothing.
    pub(crate) id: String,
    hash: [u8; 32],
    /// What it may do.
    pub(crate) known: Known,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// None came.
    #[error("An access token is required to request this resource.")]
    Missing,
    /// It is none, or was taken back.
    #[error("Invalid OAuth access token - Cannot parse access token")]
    Invalid,
    /// Its time is over.
    #[error("Error validating access token: Session has expired.")]
    Expired,
    /// The proof of the app's secret is wrong.
    #[error("Invalid appsecret_proof provided in the API argument")]
    WrongProof,
    /// The app wants a proof.
    #[error("API calls from the server require an appsecret_proof argument")]
    NoProof,
}

/// Who asks, by a good token.
#[derive(Debug, Clone)]
pub struct Authorized {
    known: Known,
    /// Whether it is the app itself (`APP_ID|APP_SECRET`), which may do what concerns the app alone.
    app_alone: bool,
}

/// Something of the business of who asks, which they may use in the way that the route needs.
#[derive(Debug, Clone)]
pub struct Owned<T> {
    caller: Authorized,
    /// What.
    pub object: T,
}

impl<T> Owned<T> {
    /// Who asks.
    #[must_use]
    pub const fn caller(&self) -> &Authorized {
        &self.caller
    }
}

/// The right to the object is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It is another's, which is as if it were not there.
    NotTheirs,
    /// It is theirs, but the token may not do this.
    Scope(Scope),
}

impl Authorized {
    /// Whose things it opens.
    #[must_use]
    pub const fn business(&self) -> BusinessId {
        self.known.business
    }

    /// The app that asks.
    #[must_use]
    pub const fn app(&self) -> AppId {
        self.known.app
    }

    /// What is known of the token.
    #[must_use]
    pub const fn known(&self) -> &Known {
        &self.known
    }

    /// As whom things are read: it stands in the business's log.
    #[must_use]
    pub fn reader(&self) -> String {
        format!("app {}", self.known.app)
    }

    /// An object of this business, for a use that needs this scope.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn own<T>(self, object: T, business: BusinessId, scope: Scope) -> Result<Owned<T>, Denied> {
        if business != self.known.business {
            return Err(Denied::NotTheirs);
        }
        if self.app_alone && scope != Scope::App || !self.app_alone && !self.known.scopes.has(scope) {
            return Err(Denied::Scope(scope));
        }
        Ok(Owned { caller: self, object })
    }
}

/// What is made for a business once: shown now and never again.
pub struct Issued {
    /// The app.
    pub app: AppId,
    /// Its secret.
    pub secret: AppSecret,
    /// A token for all of the business's things, without end.
    pub token: Token,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("app", &self.app).finish_non_exhaustive()
    }
}

/// All apps and tokens.
#[derive(Debug)]
pub struct Apps {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
    known: Recent<[u8; 32], Known>,
    proofs: Recent<AppId, bool>,
}

impl Apps {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, keys: Arc<Keys>) -> Arc<Self> {
        Arc::new(Self { ground, keys, known: Recent::new(CACHED), proofs: Recent::new(CACHED) })
    }

    /// Makes an app for a business, with a token that does not end. The business's log names it, and who (`by`) made it.
    ///
    /// # Errors
    /// `Erased`; those of the database.
    pub async fn create(&self, business: BusinessId, name: &str, by: &str) -> Result<Issued, HostError> {
        let id = AppId::random(&*self.ground.entropy);
        let secret = AppSecret::random(&*self.ground.entropy);
        let place = id.get().to_be_bytes();
        let place = Place { domain: Domain::Business, name: &place };
        let key = self.keys.of(business).await?;
        let sealed = key.seal(place, self.ground.random(), secret.expose().as_bytes())?;
        let app = App { id, business, name: name.to_owned(), needs_proof: false, created: self.ground.now() };
        let token = Token::random(&*self.ground.entropy);
        let known = Known { app: id, business, scopes: Scopes::ALL, issued: app.created, expires: None };
        let (hash, by): (_, Arc<str>) = (token.hash(), by.into());
        let written = self.ground.write(business.get(), move |transaction| {
            let (app, sealed, known, by) = (app.clone(), sealed.clone(), known.clone(), by.clone());
            Box::pin(async move {
                store::insert_app(transaction, &app, &sealed).await?;
                insert(transaction, &hash, &known, &by).await
            })
        });
        written.await?;
        Ok(Issued { app: id, secret, token })
    }

    /// Makes a token for an app. The business's log names it, and who (`by`) made it.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn issue(
        &self,
        app: AppId,
        scopes: Scopes,
        expires: Option<Timestamp>,
        by: &str,
    ) -> Result<Token, HostError> {
        let app = self.get(app).await?;
        let token = Token::random(&*self.ground.entropy);
        let known = Known { app: app.id, business: app.business, scopes, issued: self.ground.now(), expires };
        let (hash, by): (_, Arc<str>) = (token.hash(), by.into());
        let written = self.ground.write(app.business.get(), move |transaction| {
            let (known, by) = (known.clone(), by.clone());
            Box::pin(async move { insert(transaction, &hash, &known, &by).await })
        });
        written.await?;
        Ok(token)
    }

    /// Tokens of an app, by what names them in the log.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn tokens(&self, app: AppId) -> Result<Vec<Listed>, HostError> {
        let found = store::tokens(&mut self.ground.reader().await?, app).await?;
        Ok(found.into_iter().map(|(hash, known)| Listed { id: log_name(&hash), hash, known }).collect())
    }

    /// Takes back the token of an app that is named so in the log; whether there was one.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn revoke_by_id(&self, app: &App, id: &str, by: &str) -> Result<bool, HostError> {
        let found = self.tokens(app.id).await?.into_iter().find(|token| token.id == id);
        match found {
            Some(token) => self.revoke_hash(app.business, token.hash, by).await,
            None => Ok(false),
        }
    }

    /// Takes a token of a business back; whether there was one. Other processes are told. The business's log names it, and
    /// who (`by`) did so.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn revoke(&self, business: BusinessId, token: &Token, by: &str) -> Result<bool, HostError> {
        self.revoke_hash(business, token.hash(), by).await
    }

    async fn revoke_hash(&self, business: BusinessId, hash: [u8; 32], by: &str) -> Result<bool, HostError> {
        let (by, now): (Arc<str>, _) = (by.into(), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let by = by.clone();
            Box::pin(async move {
                let was_there = store::delete_token(transaction, business, &hash).await?;
                if was_there {
                    let what = (Decided::TokenRevoked, &*by);
                    decisions::write_down(transaction, business, what, now, &[log_name(&hash)]).await?;
                }
                Ok(was_there)
            })
        });
        let was_there = written.await?;
        self.known.forget(&hash);
        self.ground.changed(business).await;
        Ok(was_there)
    }

    /// Forgets all tokens in memory.
    pub fn forget(&self) {
        self.known.forget_all();
        self.proofs.forget_all();
    }

    /// An app.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn get(&self, id: AppId) -> Result<App, HostError> {
        let app = store::app(&mut self.ground.reader().await?, id).await?;
        app.ok_or(HostError::NotFound("app"))
    }

    /// The apps of a business.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_business(&self, business: BusinessId) -> Result<Vec<App>, HostError> {
        Ok(store::of_business(&mut self.ground.reader().await?, business).await?)
    }

    /// An app's secret: for signing what is sent to it.
    ///
    /// # Errors
    /// `NotFound`, `Erased`; those of the database.
    pub async fn secret(&self, id: AppId) -> Result<AppSecret, HostError> {
        let found = store::secret(&mut self.ground.reader().await?, id).await?;
        let (business, sealed) = found.ok_or(HostError::NotFound("app"))?;
        let place = id.get().to_be_bytes();
        let key = self.keys.for_opening(business, [&*sealed].into_iter()).await?;
        let opened = key.open_own(&place, &sealed)?;
        let text = std::str::from_utf8(&opened).map_err(HostError::internal)?;
        Ok(AppSecret::from_stored(text))
    }

    /// Who has this token. `proof`: `appsecret_proof`, if it came.
    ///
    /// # Errors
    /// `Ok(Err(_))`: nobody; those of the database.
    pub async fn authorize(
        &self,
        token: Option<&str>,
        proof: Option<&str>,
    ) -> Result<Result<Authorized, Unknown>, HostError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(Err(Unknown::Missing)) };
        if let Some((id, secret)) = token.split_once('|') {
            return self.app_itself(id, secret).await;
        }
        let known = match self.known(token).await? {
            Ok(known) => known,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let now = self.ground.now();
        let needs_proof = match self.proofs.get(&known.app, now) {
            Some(needs) => needs,
            None => {
                let needs = self.get(known.app).await?.needs_proof;
                self.proofs.keep(known.app, needs, now);
                needs
            }
        };
        match proof.filter(|proof| !proof.is_empty()) {
            None if needs_proof => return Ok(Err(Unknown::NoProof)),
            None => {}
            Some(proof) => {
                let expected = self.secret(known.app).await?.proof(token);
                let given = proof.to_ascii_lowercase();
                if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
                    return Ok(Err(Unknown::WrongProof));
                }
            }
        }
        Ok(Ok(Authorized { known, app_alone: false }))
    }

    /// What is known of a token, for who may ask about it.
    ///
    /// # Errors
    /// As [`authorize`](Self::authorize).
    pub async fn known(&self, token: &str) -> Result<Result<Known, Unknown>, HostError> {
        let Some(token) = Token::parse(token) else { return Ok(Err(Unknown::Invalid)) };
        let hash = token.hash();
        let known = match self.known.get(&hash, self.ground.now()) {
            Some(known) => known,
            None => {
                let found = store::token(&mut self.ground.reader().await?, &hash).await?;
                let Some(known) = found else { return Ok(Err(Unknown::Invalid)) };
                self.known.keep(hash, known.clone(), self.ground.now());
                known
            }
        };
        if known.expires.is_some_and(|expires| expires <= self.ground.now()) {
            return Ok(Err(Unknown::Expired));
        }
        Ok(Ok(known))
    }

    /// The app that shows its own secret.
    ///
    /// # Errors
    /// As [`authorize`](Self::authorize).
    pub async fn app_itself(&self, id: &str, secret: &str) -> Result<Result<Authorized, Unknown>, HostError> {
        let Ok(id) = id.parse::<AppId>() else { return Ok(Err(Unknown::Invalid)) };
        let expected = match self.secret(id).await {
            Ok(expected) => expected,
            Err(HostError::NotFound(_) | HostError::Erased) => return Ok(Err(Unknown::Invalid)),
            Err(error) => return Err(error),
        };
        if !bool::from(expected.expose().as_bytes().ct_eq(secret.as_bytes())) {
            return Ok(Err(Unknown::Invalid));
        }
        let app = self.get(id).await?;
        let scopes = Scopes::NONE;
        let known = Known { app: id, business: app.business, scopes, issued: app.created, expires: None };
        Ok(Ok(Authorized { known, app_alone: true }))
    }
}

/// Writes a token, and that it was made.
async fn insert(
    transaction: &mut Transaction,
    hash: &[u8; 32],
    known: &Known,
    by: &str,
) -> Result<(), HostError> {
    store::insert_token(transaction, hash, known).await?;
    let mut names = vec![log_name(hash), format!("app {}", known.app)];
    names.extend(known.scopes.iter().map(|scope| scope.as_str().to_owned()));
    names.extend(known.expires.map(|until| format!("until {}", until.0)));
    let what = (Decided::TokenIssued, by);
    Ok(decisions::write_down(transaction, known.business, what, known.issued, &names).await?)
}

/// What names a token in the log: of what is kept of it, so little that it opens nothing.
fn log_name(hash: &[u8; 32]) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Lower-case hexadecimal of an HMAC-SHA256.
fn hex_mac(key: &[u8], message: &[u8]) -> Zeroizing<String> {
    let Ok(mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { return Zeroizing::default() };
    let mac = mac.chain_update(message).finalize().into_bytes();
    Zeroizing::new(mac.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What is kept of a secret. It is random, so that one pass suffices.
fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}
