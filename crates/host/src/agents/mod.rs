//! People who work for a business: accounts with a role, invited by a link, signed in by password and perhaps a code.
//!
//! ```text
//! token of the business, or an owner ─▶ invitation (a secret, once, 7 days) ─▶ account ─▶ session (a secret in a cookie)
//! ```
//!
//! Secrets are kept as digests: of sessions and invitations by SHA-256, of passwords by argon2id. What says who somebody is,
//! and the secret of their codes, is sealed under the key of the business. Who did what stands in the business's log.

mod factor;
mod limits;
mod password;
mod role;
pub(crate) mod routes;
mod sessions;
mod store;
mod totp;

use std::{sync::Arc, time::Duration};

use ::store::{Timestamp, sql::Transaction};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

pub(crate) use self::store::{MIGRATIONS, erase};
pub use self::{
    password::Password,
    role::Role,
    sessions::{Browser, NotSignedIn, Session, SessionShown, SignIn, SignedIn},
};
use self::{
    password::Passwords,
    store::{AgentRow, InvitationRow},
};
use crate::{
    HostError,
    ground::Ground,
    ids::{AgentId, BusinessId},
    purposes::decisions::{self, Decided},
    sealing::{BusinessKey, Domain, Keys, Place},
};

/// People who work for one business at most, and invitations that wait.
const MOST: usize = 1000;
/// How long an invitation waits.
const INVITED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Characters of a name that somebody is shown under.
const DISPLAY: usize = 80;

/// Somebody who works for a business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// Their id.
    pub agent_id: AgentId,
    /// What they sign in with; like an e-mail address.
    pub name: String,
    /// What colleagues see.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Whether a code is needed beside the password.
    pub second_factor: bool,
    /// Whether they may not sign in at present.
    pub disabled: bool,
    /// Since when they are here.
    pub created: i64,
    /// When they were here last.
    pub seen: Option<i64>,
    /// How many recovery codes are left.
    #[serde(skip)]
    pub recovery_codes: usize,
}

/// An invitation that waits.
#[derive(Debug, Clone, Serialize)]
pub struct Invitation {
    /// Its id.
    pub invitation_id: String,
    /// For whom.
    pub name: String,
    /// What colleagues will see.
    pub display_name: String,
    /// What they will be allowed.
    pub role: Role,
    /// Until when it can be taken.
    pub expires: i64,
    /// Who gets a new password by it, if they are here already.
    pub agent_id: Option<AgentId>,
    /// Whose.
    #[serde(skip)]
    pub business: BusinessId,
}

/// An invitation that was made. Its secret is shown once.
#[derive(Debug)]
pub struct Invited {
    /// Its id.
    pub id: String,
    /// What takes it.
    pub secret: Zeroizing<String>,
    /// Until when.
    pub expires: Timestamp,
}

/// What is to become of an agent; what is not said stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// What they may do.
    pub role: Option<Role>,
    /// What colleagues see.
    pub display_name: Option<String>,
    /// Whether they may not sign in.
    pub disabled: Option<bool>,
}

/// What is sealed of an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Account {
    name: String,
    display_name: String,
    /// What is kept of the password.
    password: String,
    /// The secret of their codes, once it is confirmed.
    #[serde(default)]
    totp: Option<Vec<u8>>,
    /// One that is not confirmed yet.
    #[serde(default)]
    totp_offered: Option<Vec<u8>>,
    /// Digests of recovery codes that are left.
    #[serde(default)]
    recovery: Vec<[u8; 32]>,
}

/// What is sealed of an invitation.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Offer {
    name: String,
    display_name: String,
}

/// Keeps agents, and lets them in.
#[derive(Debug)]
pub struct Agents {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
    passwords: Passwords,
    name_secret: OnceCell<[u8; 32]>,
}

impl Agents {
    /// On these parts.
    #[must_use]
    pub fn new(ground: Arc<Ground>, keys: Arc<Keys>) -> Arc<Self> {
        Arc::new(Self { ground, keys, passwords: Passwords::new(), name_secret: OnceCell::new() })
    }

    /// Who works for a business.
    ///
    /// # Errors
    /// `Erased`, `Sealed`; those of the database.
    pub async fn list(&self, business: BusinessId) -> Result<Vec<Agent>, HostError> {
        let rows = store::of_business(&mut self.ground.reader().await?, business).await?;
        let key = self.keys.for_opening(business, rows.iter().map(|row| &*row.sealed)).await?;
        rows.iter().map(|row| Ok(shown(row, &open(&key, row)?))).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// `NotFound`, `Erased`, `Sealed`; those of the database.
    pub async fn get(&self, business: BusinessId, id: AgentId) -> Result<Agent, HostError> {
        let row = store::get(&mut self.ground.reader().await?, business, id).await?;
        let row = row.ok_or(HostError::NotFound("agent"))?;
        let key = self.keys.for_opening(business, [&*row.sealed].into_iter()).await?;
        Ok(shown(&row, &open(&key, &row)?))
    }

    /// Invites somebody, or (`agent`) lets somebody who is here choose a new password.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` if there are too many; those of the database.
    pub async fn invite(
        &self,
        business: BusinessId,
        (name, display_name): (&str, &str),
        role: Role,
        agent: Option<AgentId>,
        by: &str,
    ) -> Result<Invited, HostError> {
        let (name, display_name) = (named(name)?, displayed(display_name)?);
        let here = store::of_business(&mut self.ground.reader().await?, business).await?.len();
        let waiting = self.invitations(business).await?.len();
        if here + waiting >= MOST {
            return Err(HostError::Conflict("a business has at most 1000 agents and invitations"));
        }
        let secret = self.secret("tpi1_");
        let invited =
            Invited { id: self.ground.random_name(), expires: self.ground.now().after(INVITED), secret };
        let offer = Offer { name, display_name };
        let key = self.keys.of(business).await?;
        let row = InvitationRow {
            hash: hash(&invited.secret).to_vec(),
            sealed: seal(&self.ground, &key, &invitation_place(&invited.id), &offer)?,
            id: invited.id.clone(),
            business,
            agent: agent.map(|agent| agent.get().cast_signed()),
            role,
            expires: invited.expires,
        };
        let (by, now): (Arc<str>, _) = (by.into(), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let (row, by) = (row.clone(), by.clone());
            Box::pin(async move {
                store::invite(transaction, &row, now).await?;
                let names = [row.id, role.as_str().to_owned()];
                decisions::write_down(transaction, business, (Decided::AgentInvited, &by), now, &names)
                    .await?;
                Ok(())
            })
        });
        written.await?;
        Ok(invited)
    }

    /// Invitations of a business that wait.
    ///
    /// # Errors
    /// `Erased`, `Sealed`; those of the database.
    pub async fn invitations(&self, business: BusinessId) -> Result<Vec<Invitation>, HostError> {
        let now = self.ground.now();
        let rows = store::invitations(&mut self.ground.reader().await?, business, now).await?;
        let key = self.keys.for_opening(business, rows.iter().map(|row| &*row.sealed)).await?;
        rows.iter().map(|row| offered(&key, row)).collect()
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn withdraw(&self, business: BusinessId, id: &str) -> Result<(), HostError> {
        let id: Arc<str> = id.into();
        let written = self.ground.write(business.get(), move |transaction| {
            let id = id.clone();
            Box::pin(async move { Ok(store::withdraw(transaction, business, &id).await?) })
        });
        if written.await? { Ok(()) } else { Err(HostError::NotFound("invitation")) }
    }

    /// What an invitation says to who has its secret.
    ///
    /// # Errors
    /// `NotFound` for another, one that was taken or is over; those of the database.
    pub async fn invitation(&self, secret: &str) -> Result<Invitation, HostError> {
        let row = self.invitation_row(secret).await?;
        let key = self.keys.for_opening(row.business, [&*row.sealed].into_iter()).await?;
        offered(&key, &row)
    }

    async fn invitation_row(&self, secret: &str) -> Result<InvitationRow, HostError> {
        let now = self.ground.now();
        let row = store::invitation(&mut self.ground.reader().await?, &hash(secret), now).await?;
        row.ok_or(HostError::NotFound("invitation"))
    }

    /// Takes an invitation: who has its secret is an agent from now on, with this password.
    ///
    /// # Errors
    /// `NotFound` as [`invitation`](Self::invitation); `Invalid`; `Conflict` if the name is taken; those of the database.
    pub async fn accept(
        &self,
        secret: &str,
        (name, display_name): (Option<&str>, Option<&str>),
        password: Password,
    ) -> Result<(BusinessId, AgentId), HostError> {
        let row = self.invitation_row(secret).await?;
        let business = row.business;
        let key = self.keys.for_opening(business, [&*row.sealed].into_iter()).await?;
        let offer = offered(&key, &row)?;
        let kept = self.passwords.hash(password, "password", self.ground.random()).await?;
        let digest = hash(secret);
        let now = self.ground.now();
        if let Some(agent) = row.for_agent() {
            let decided = (Decided::AgentPassword, "invitation");
            let changed = self.change_account(business, agent, decided, move |transaction, row, account| {
                account.password.clone_from(&kept);
                (account.totp, account.totp_offered) = (None, None);
                account.recovery.clear();
                let id = row.id;
                Box::pin(async move {
                    if !store::take_invitation(transaction, &digest).await? {
                        return Err(HostError::NotFound("invitation"));
                    }
                    store::end_sessions(transaction, id, None).await?;
                    Ok(())
                })
            });
            changed.await?;
            return Ok((business, agent));
        }
        let name = named(name.unwrap_or(&offer.name))?;
        let display_name = displayed(display_name.unwrap_or(&offer.display_name))?;
        let id = AgentId::random(&*self.ground.entropy);
        let looked_up = self.name_hash(&name).await?;
        let account = Account {
            name,
            display_name,
            password: kept,
            totp: None,
            totp_offered: None,
            recovery: Vec::new(),
        };
        let agent = AgentRow {
            id,
            business,
            role: row.role,
            disabled: false,
            sealed: seal(&self.ground, &key, &place(id), &account)?,
            totp_step: 0,
            created: now,
            seen: None,
        };
        let written = self.ground.write(business.get(), move |transaction| {
            let agent = agent.clone();
            Box::pin(async move {
                if !store::take_invitation(transaction, &digest).await? {
                    return Err(HostError::NotFound("invitation"));
                }
                if !store::insert(transaction, &agent, &looked_up).await? {
                    return Err(HostError::Conflict(
                        "somebody on this host has this name: choose another one",
                    ));
                }
                let by = id.log_name();
                let names = [agent.role.as_str().to_owned()];
                decisions::write_down(transaction, business, (Decided::AgentJoined, &by), now, &names)
                    .await?;
                Ok(())
            })
        });
        written.await?;
        Ok((business, id))
    }

    /// Changes what an agent may do. `by_owner`: whether an owner says so, without whom owners are not made or changed.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`; `Conflict` for the last owner, and for owners without `by_owner`; those of the database.
    pub async fn change(
        &self,
        business: BusinessId,
        id: AgentId,
        change: Change,
        (by, by_owner): (&str, bool),
    ) -> Result<Agent, HostError> {
        let display_name = change.display_name.as_deref().map(displayed).transpose()?;
        let decided = (Decided::AgentChanged, by);
        let changed = self.change_account(business, id, decided, move |transaction, row, account| {
            if let Some(name) = &display_name {
                account.display_name.clone_from(name);
            }
            let touches_owner = row.role == Role::Owner || change.role == Some(Role::Owner);
            let ends = change.role.is_some_and(|role| role != row.role) || change.disabled == Some(true);
            row.role = change.role.unwrap_or(row.role);
            row.disabled = change.disabled.unwrap_or(row.disabled);
            let id = row.id;
            Box::pin(async move {
                if touches_owner && !by_owner {
                    return Err(HostError::Conflict("only an owner makes or changes owners"));
                }
                if ends {
                    store::end_sessions(transaction, id, None).await?;
                }
                Ok(())
            })
        });
        changed.await?;
        self.get(business, id).await
    }

    /// Removes an agent. The last owner stays.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub async fn remove(
        &self,
        business: BusinessId,
        id: AgentId,
        (by, by_owner): (&str, bool),
    ) -> Result<(), HostError> {
        let (by, now): (Arc<str>, _) = (by.into(), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let by = by.clone();
            Box::pin(async move {
                let rows = store::locked(transaction, business).await?;
                let row = rows.iter().find(|row| row.id == id).ok_or(HostError::NotFound("agent"))?;
                if row.role == Role::Owner && !by_owner {
                    return Err(HostError::Conflict("only an owner makes or changes owners"));
                }
                let left = AgentRow { disabled: true, ..row.clone() };
                an_owner_is_left(&rows, &left)?;
                store::delete(transaction, id).await?;
                let names = [id.to_string()];
                decisions::write_down(transaction, business, (Decided::AgentRemoved, &by), now, &names)
                    .await?;
                Ok(())
            })
        });
        written.await
    }

    /// Changes a row and what is sealed of it, in one transaction with its entry in the log. Two changes never lose one
    /// another, and an owner is always left.
    async fn change_account<F>(
        &self,
        business: BusinessId,
        id: AgentId,
        (decided, by): (Decided, &str),
        change: F,
    ) -> Result<(), HostError>
    where
        F: for<'t> Fn(&'t mut Transaction, &mut AgentRow, &mut Account) -> Changing<'t>
            + Send
            + Sync
            + 'static,
    {
        let key = self.keys.of(business).await?;
        let (ground, change) = (self.ground.clone(), Arc::new(change));
        let (by, now): (Arc<str>, _) = (by.into(), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let (key, ground, change, by) = (key.clone(), ground.clone(), change.clone(), by.clone());
            Box::pin(async move {
                let rows = store::locked(transaction, business).await?;
                let found = rows.iter().find(|row| row.id == id).ok_or(HostError::NotFound("agent"))?;
                let (mut row, mut account) = (found.clone(), open(&key, found)?);
                change(transaction, &mut row, &mut account).await?;
                an_owner_is_left(&rows, &row)?;
                row.sealed = seal(&ground, &key, &place(id), &account)?;
                store::update(transaction, &row).await?;
                let names = [id.to_string(), row.role.as_str().to_owned()];
                decisions::write_down(transaction, business, (decided, &by), now, &names).await?;
                Ok(())
            })
        });
        written.await
    }

    /// What stands for a name in the column that is looked up.
    async fn name_hash(&self, name: &str) -> Result<[u8; 32], HostError> {
        let made = self.name_secret.get_or_try_init(|| async {
            let fresh = self.ground.random::<32>();
            let written = self.ground.write(0, move |transaction| {
                Box::pin(async move { Ok(store::name_secret(transaction, fresh).await?) })
            });
            written.await
        });
        let secret: &[u8; 32] = made.await?;
        let mac = Hmac::<Sha256>::new_from_slice(secret).map_err(HostError::internal)?;
        let name = name.trim().to_lowercase();
        Ok(mac.chain_update(b"agent name").chain_update(name.as_bytes()).finalize().into_bytes().into())
    }

    /// A secret that nobody guesses.
    fn secret(&self, prefix: &str) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.ground.random::<32>());
        Zeroizing::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(*bytes)))
    }
}

/// A change under way.
type Changing<'t> = futures_util::future::BoxFuture<'t, Result<(), HostError>>;

impl AgentId {
    /// As whom they stand in the business's log.
    #[must_use]
    pub fn log_name(self) -> String {
        format!("agent {self}")
    }
}

fn an_owner_is_left(rows: &[AgentRow], changed: &AgentRow) -> Result<(), HostError> {
    let owns = |row: &AgentRow| row.role == Role::Owner && !row.disabled;
    let was = rows.iter().any(owns);
    let is = owns(changed) || rows.iter().any(|row| row.id != changed.id && owns(row));
    if was && !is { Err(HostError::Conflict("a business keeps at least one owner")) } else { Ok(()) }
}

/// A name to sign in with: like an e-mail address, in small letters.
fn named(name: &str) -> Result<String, HostError> {
    let name = name.trim().to_lowercase();
    let (before, after) = name.split_once('@').unwrap_or_default();
    let fits = name.len() <= 254
        && !before.is_empty()
        && !after.is_empty()
        && !after.contains('@')
        && !name.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits { Ok(name) } else { Err(HostError::invalid("name", "like an e-mail address")) }
}

fn displayed(name: &str) -> Result<String, HostError> {
    let name = name.trim();
    let fits = (1..=DISPLAY).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(HostError::invalid("display_name", "from 1 to 80 characters"))
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn place(id: AgentId) -> Vec<u8> {
    format!("agent {id}").into_bytes()
}

fn invitation_place(id: &str) -> Vec<u8> {
    format!("invitation {id}").into_bytes()
}

fn seal(
    ground: &Ground,
    key: &BusinessKey,
    name: &[u8],
    value: &impl Serialize,
) -> Result<Vec<u8>, HostError> {
    let text = Zeroizing::new(serde_json::to_vec(value).map_err(HostError::internal)?);
    let place = Place { domain: Domain::Business, name };
    Ok(key.seal(place, ground.random(), &text)?.into_stored())
}

fn open(key: &BusinessKey, row: &AgentRow) -> Result<Account, HostError> {
    let text = key.open_own(&place(row.id), &row.sealed)?;
    serde_json::from_slice(&text).map_err(|_| HostError::Sealed("an agent"))
}

fn shown(row: &AgentRow, account: &Account) -> Agent {
    Agent {
        agent_id: row.id,
        name: account.name.clone(),
        display_name: account.display_name.clone(),
        role: row.role,
        second_factor: account.totp.is_some(),
        disabled: row.disabled,
        created: row.created.0,
        seen: row.seen.map(|seen| seen.0),
        recovery_codes: account.recovery.len(),
    }
}

fn offered(key: &BusinessKey, row: &InvitationRow) -> Result<Invitation, HostError> {
    let text = key.open_own(&invitation_place(&row.id), &row.sealed)?;
    let offer: Offer = serde_json::from_slice(&text).map_err(|_| HostError::Sealed("an invitation"))?;
    Ok(Invitation {
        invitation_id: row.id.clone(),
        name: offer.name,
        display_name: offer.display_name,
        role: row.role,
        expires: row.expires.0,
        agent_id: row.for_agent(),
        business: row.business,
    })
}
