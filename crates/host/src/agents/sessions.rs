//! Signing in, and what that gives.

use std::{net::IpAddr, sync::Arc, time::Duration};

use ::store::Timestamp;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    Account, Agents, Password, Role, hash, open, place, seal,
    store::{self, AgentRow, SessionRow},
    totp,
};
use crate::{
    HostError,
    ids::{AgentId, BusinessId},
    purposes::decisions::{self, Decided},
};

/// How long a session lasts, and how long without anything being asked.
const LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// How often is written down that somebody is here.
const SEEN: Duration = Duration::from_secs(60);
/// Sessions of one agent at most; the oldest goes.
const MOST: i64 = 20;
/// How long it takes to be refused, whatever was wrong: longer than anything that is looked at.
const REFUSED: Duration = Duration::from_millis(400);
/// Characters that are kept of what a browser calls itself.
const BROWSER: usize = 200;

/// Where somebody signs in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Browser {
    /// What it calls itself.
    pub browser: String,
    /// From which network.
    pub network: Option<IpAddr>,
}

impl Browser {
    /// As it says; no more of it is kept than is useful.
    #[must_use]
    pub fn new(name: &str, network: Option<IpAddr>) -> Self {
        let browser = name.chars().filter(|c| !c.is_control()).take(BROWSER).collect();
        Self { browser, network: network.map(serve::network) }
    }
}

/// What somebody signs in with.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their password.
    pub password: Password,
    /// The code of their app, or one for recovery.
    pub code: Option<&'a str>,
}

/// Why somebody is not signed in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotSignedIn {
    /// It is not said what.
    #[error("the name, the password or the code is wrong")]
    Wrong,
    /// The password is right.
    #[error("a code is needed too")]
    SecondFactor,
    /// The host.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl From<::store::StoreError> for NotSignedIn {
    fn from(error: ::store::StoreError) -> Self {
        Self::Host(error.into())
    }
}

/// A session that was made. Its secret is for the cookie.
#[derive(Debug)]
pub struct SignedIn {
    /// The secret.
    pub secret: Zeroizing<String>,
    /// The session.
    pub session: Session,
}

/// A session that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Whose.
    pub agent: AgentId,
    /// For which business they work.
    pub business: BusinessId,
    /// What they may do.
    pub role: Role,
    /// What writes have to show.
    pub csrf: String,
    /// Until when it lasts, if nothing is asked.
    pub idle_until: Timestamp,
    /// Until when it lasts.
    pub until: Timestamp,
}

impl Session {
    /// Whether this is what writes have to show.
    #[must_use]
    pub fn is_csrf(&self, shown: &str) -> bool {
        self.csrf.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// A session as its agent sees it.
#[derive(Debug, Clone, Serialize)]
pub struct SessionShown {
    /// Its id.
    pub session_id: String,
    /// Since when.
    pub created: i64,
    /// When something was asked last.
    pub seen: i64,
    /// Where.
    #[serde(flatten)]
    pub at: Browser,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// What a page shows with a write: it follows from the secret, which no page can read.
fn csrf(secret: &str) -> String {
    let digest = Sha256::new().chain_update(b"tradepost console csrf\0").chain_update(secret).finalize();
    URL_SAFE_NO_PAD.encode(digest)
}

impl Agents {
    /// Signs somebody in.
    ///
    /// # Errors
    /// [`NotSignedIn`]; `Wait` after too many attempts.
    pub async fn sign_in(&self, sign_in: SignIn<'_>, at: &Browser) -> Result<SignedIn, NotSignedIn> {
        let began = Instant::now();
        let outcome = self.try_sign_in(sign_in, at).await;
        if matches!(outcome, Err(NotSignedIn::Wrong)) {
            // As long for a name that nobody has as for a wrong password or code.
            tokio::time::sleep_until(began + REFUSED).await;
        }
        outcome
    }

    async fn try_sign_in(&self, sign_in: SignIn<'_>, at: &Browser) -> Result<SignedIn, NotSignedIn> {
        let name = self.name_hash(sign_in.name).await?;
        let taken = self.attempt(&name, at.network).await?;
        let row = store::by_name(&mut self.ground.reader().await?, &name).await?;
        let known = match row.filter(|row| !row.disabled) {
            Some(row) => match self.keys.for_opening(row.business, [&*row.sealed].into_iter()).await {
                Ok(key) => Some((open(&key, &row)?, row)),
                Err(HostError::Erased) => None,
                Err(error) => return Err(error.into()),
            },
            None => None,
        };
        let kept = known.as_ref().map(|(account, _)| account.password.as_str());
        let right = self.passwords.matches(sign_in.password, kept).await?;
        let Some((account, row)) = known else { return Err(NotSignedIn::Wrong) };
        if !right {
            return self.refuse(&row).await;
        }
        let proven = match (&account.totp, sign_in.code) {
            (None, _) => Proven::Password,
            (Some(_), None) => {
                self.succeeded(taken).await?;
                return Err(NotSignedIn::SecondFactor);
            }
            (Some(secret), Some(code)) => {
                match prove(secret, &account, code, self.ground.now(), row.totp_step) {
                    Some(proven) => proven,
                    None => return self.refuse(&row).await,
                }
            }
        };
        match self.begin(row.business, row.id, proven, at).await {
            Ok(signed_in) => {
                self.succeeded(taken).await?;
                Ok(signed_in)
            }
            // The code was used by somebody else meanwhile.
            Err(HostError::Conflict(_)) => self.refuse(&row).await,
            Err(error) => Err(error.into()),
        }
    }

    /// That somebody tried stands in the log; how often is limited.
    async fn refuse(&self, row: &AgentRow) -> Result<SignedIn, NotSignedIn> {
        let (business, by, now) = (row.business, row.id.log_name(), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let by = by.clone();
            Box::pin(async move {
                decisions::write_down(transaction, business, (Decided::AgentNotSignedIn, &by), now, &[])
                    .await?;
                Ok(())
            })
        });
        written.await?;
        Err(NotSignedIn::Wrong)
    }

    /// A session for an agent who proved who they are.
    ///
    /// # Errors
    /// `Conflict` if a code was used already; those of the database.
    pub(super) async fn begin(
        &self,
        business: BusinessId,
        agent: AgentId,
        proven: Proven,
        at: &Browser,
    ) -> Result<SignedIn, HostError> {
        let (secret, now, id) = (self.secret("tps1_"), self.ground.now(), self.ground.random_name());
        let key = self.keys.of(business).await?;
        let session = SessionRow {
            hash: hash(&secret).to_vec(),
            sealed: seal(&self.ground, &key, &session_place(&id), at)?,
            id,
            agent,
            business,
            created: now,
            seen: now,
            until: now.after(LASTS),
        };
        let (row, ground) = (session.clone(), self.ground.clone());
        let written = self.ground.write(business.get(), move |transaction| {
            let (row, key, ground) = (row.clone(), key.clone(), ground.clone());
            Box::pin(async move {
                let rows = store::locked(transaction, business).await?;
                let found = rows.iter().find(|found| found.id == agent && !found.disabled);
                let mut found = found.ok_or(HostError::NotFound("agent"))?.clone();
                let used = HostError::Conflict("this code was used already");
                match proven {
                    Proven::Password => {}
                    Proven::Step(step) if step > found.totp_step => found.totp_step = step,
                    Proven::Step(_) => return Err(used),
                    Proven::Recovery(digest) => {
                        let mut account = open(&key, &found)?;
                        let before = account.recovery.len();
                        account.recovery.retain(|kept| *kept != digest);
                        if account.recovery.len() == before {
                            return Err(used);
                        }
                        found.sealed = seal(&ground, &key, &place(agent), &account)?;
                    }
                }
                found.seen = Some(now);
                store::update(transaction, &found).await?;
                store::insert_session(transaction, &row).await?;
                store::prune_sessions(transaction, agent, (now, idle(now)), MOST).await?;
                let by = agent.log_name();
                let names = [row.id.clone()];
                decisions::write_down(transaction, business, (Decided::AgentSignedIn, &by), now, &names)
                    .await?;
                Ok(found.role)
            })
        });
        let role = written.await?;
        let session = Session {
            id: session.id,
            agent,
            business,
            role,
            csrf: csrf(&secret),
            idle_until: now.after(IDLE),
            until: session.until,
        };
        Ok(SignedIn { secret, session })
    }

    /// Signs in who has just taken an invitation.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sign_in_invited(
        &self,
        (business, agent): (BusinessId, AgentId),
        at: &Browser,
    ) -> Result<SignedIn, HostError> {
        self.begin(business, agent, Proven::Password, at).await
    }

    /// The session that a cookie names, if it is good.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn session(&self, secret: &str) -> Result<Option<Session>, HostError> {
        if secret.len() > 128 {
            return Ok(None);
        }
        let (digest, now) = (hash(secret), self.ground.now());
        let found = store::session(&mut self.ground.reader().await?, &digest, (now, idle(now))).await?;
        let Some(found) = found else { return Ok(None) };
        if found.seen.after(SEEN) < now {
            let agent = found.agent;
            let written = self.ground.write(found.business.get(), move |transaction| {
                Box::pin(async move { Ok(store::seen(transaction, (&digest, agent), now).await?) })
            });
            written.await?;
        }
        Ok(Some(Session {
            id: found.id,
            agent: found.agent,
            business: found.business,
            role: found.role,
            csrf: csrf(secret),
            idle_until: now.after(IDLE).min(found.until),
            until: found.until,
        }))
    }

    /// Whether a session is still good. It does not make it last longer.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn lasts(&self, secret: &str) -> Result<bool, HostError> {
        let now = self.ground.now();
        let mut reader = self.ground.reader().await?;
        Ok(store::session(&mut reader, &hash(secret), (now, idle(now))).await?.is_some())
    }

    /// Sessions of the agent who asks, the newest first.
    ///
    /// # Errors
    /// `Erased`, `Sealed`; those of the database.
    pub async fn sessions(&self, asking: &Session) -> Result<Vec<SessionShown>, HostError> {
        let now = self.ground.now();
        let rows = store::sessions(&mut self.ground.reader().await?, asking.agent, (now, idle(now))).await?;
        let key = self.keys.for_opening(asking.business, rows.iter().map(|row| &*row.sealed)).await?;
        rows.into_iter()
            .map(|row| {
                let text = key.open_own(&session_place(&row.id), &row.sealed)?;
                let at = serde_json::from_slice(&text).map_err(|_| HostError::Sealed("a session"))?;
                let current = row.id == asking.id;
                let (created, seen) = (row.created.0, row.seen.0);
                Ok(SessionShown { session_id: row.id, created, seen, at, current })
            })
            .collect()
    }

    /// Ends one session of an agent.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn end_session(&self, business: BusinessId, agent: AgentId, id: &str) -> Result<(), HostError> {
        let (id, now): (Arc<str>, _) = (id.into(), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let id = id.clone();
            Box::pin(async move {
                if !store::end_session(transaction, agent, &id).await? {
                    return Err(HostError::NotFound("session"));
                }
                let (by, names) = (agent.log_name(), [id.to_string()]);
                decisions::write_down(transaction, business, (Decided::AgentSignedOut, &by), now, &names)
                    .await?;
                Ok(())
            })
        });
        written.await
    }

    /// Ends all sessions of an agent, or all but this one.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn end_sessions(
        &self,
        business: BusinessId,
        agent: AgentId,
        but: Option<&str>,
        by: &str,
    ) -> Result<(), HostError> {
        let (but, by, now) = (but.map(str::to_owned), by.to_owned(), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let (but, by) = (but.clone(), by.clone());
            Box::pin(async move {
                let found = store::get(transaction, business, agent).await?;
                found.ok_or(HostError::NotFound("agent"))?;
                store::end_sessions(transaction, agent, but.as_deref()).await?;
                let names = [agent.to_string()];
                decisions::write_down(transaction, business, (Decided::AgentSignedOut, &by), now, &names)
                    .await?;
                Ok(())
            })
        });
        written.await
    }
}

/// How somebody proved who they are, beside the password.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proven {
    /// No more was needed.
    Password,
    /// By the code of this step.
    Step(i64),
    /// By the recovery code with this digest.
    Recovery([u8; 32]),
}

/// What a code proves.
pub(super) fn prove(
    secret: &[u8],
    account: &Account,
    code: &str,
    now: Timestamp,
    used: i64,
) -> Option<Proven> {
    let code: Zeroizing<String> = Zeroizing::new(
        code.chars().filter(|c| c.is_ascii_alphanumeric()).take(64).collect::<String>().to_ascii_uppercase(),
    );
    if let Some(step) = totp::step_of(secret, &code, now, used) {
        return Some(Proven::Step(step));
    }
    let digest = hash(&code);
    let known = account.recovery.iter().any(|kept| kept.ct_eq(&digest).into());
    known.then_some(Proven::Recovery(digest))
}

fn idle(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - i64::try_from(IDLE.as_millis()).unwrap_or(i64::MAX))
}

fn session_place(id: &str) -> Vec<u8> {
    format!("session {id}").into_bytes()
}
