//! What agents change of their own account: password, and the second factor.

use zeroize::Zeroizing;

use super::{
    Agents, NotSignedIn, Password, displayed, hash, open,
    sessions::{Proven, Session, prove},
    store, totp,
};
use crate::{HostError, purposes::decisions::Decided};

/// Recovery codes of one account.
const RECOVERY: usize = 10;

/// What an authenticator app is told.
#[derive(Debug)]
pub struct Offered {
    /// To be typed.
    pub secret: Zeroizing<String>,
    /// To be read as a QR code.
    pub uri: Zeroizing<String>,
}

impl Agents {
    /// Whether this is the password of who asks. Tried too often, they wait as at the sign-in.
    async fn proves(&self, session: &Session, password: Password) -> Result<(), NotSignedIn> {
        let row = store::get(&mut self.ground.reader().await?, session.business, session.agent).await?;
        let row = row.ok_or(HostError::NotFound("agent"))?;
        let key = self.keys.for_opening(session.business, [&*row.sealed].into_iter()).await?;
        let account = open(&key, &row)?;
        let taken = self.attempt(&self.name_hash(&account.name).await?, None).await?;
        if !self.passwords.matches(password, Some(&account.password)).await? {
            return Err(NotSignedIn::Wrong);
        }
        Ok(self.succeeded(taken).await?)
    }

    /// Changes what colleagues see.
    ///
    /// # Errors
    /// `Invalid`; those of the database.
    pub async fn rename(&self, session: &Session, display_name: &str) -> Result<(), HostError> {
        let (name, by) = (displayed(display_name)?, session.agent.log_name());
        let decided = (Decided::AgentChanged, &*by);
        let changed = self.change_account(session.business, session.agent, decided, move |_, _, account| {
            account.display_name.clone_from(&name);
            Box::pin(async { Ok(()) })
        });
        changed.await
    }

    /// Changes a password; all other sessions end.
    ///
    /// # Errors
    /// `Wrong` unless the old one is right; `Invalid` for the new one; those of the database.
    pub async fn change_password(
        &self,
        session: &Session,
        old: Password,
        new: Password,
    ) -> Result<(), NotSignedIn> {
        self.proves(session, old).await?;
        let kept = self.passwords.hash(new, "new_password", self.ground.random()).await?;
        let (by, current) = (session.agent.log_name(), session.id.clone());
        let decided = (Decided::AgentPassword, &*by);
        let changed = self.change_account(
            session.business,
            session.agent,
            decided,
            move |transaction, row, account| {
                account.password.clone_from(&kept);
                let (id, current) = (row.id, current.clone());
                Box::pin(async move {
                    store::end_sessions(transaction, id, Some(&current)).await?;
                    Ok(())
                })
            },
        );
        Ok(changed.await?)
    }

    /// Offers a secret for codes. It counts when a code of it was shown.
    ///
    /// # Errors
    /// `Wrong` unless the password is right; `Conflict` if there is a second factor; those of the database.
    pub async fn offer_totp(
        &self,
        session: &Session,
        password: Password,
        issuer: &str,
    ) -> Result<Offered, NotSignedIn> {
        self.proves(session, password).await?;
        let secret = Zeroizing::new(self.ground.random::<20>());
        let name = self.get(session.business, session.agent).await?.name;
        let (by, kept) = (session.agent.log_name(), secret.clone());
        let decided = (Decided::AgentSecondFactor, &*by);
        let changed = self.change_account(session.business, session.agent, decided, move |_, _, account| {
            let there = account.totp.is_some();
            account.totp_offered = Some(kept.to_vec());
            Box::pin(async move {
                if there {
                    return Err(HostError::Conflict("there is a second factor: remove it first"));
                }
                Ok(())
            })
        });
        changed.await?;
        Ok(Offered {
            uri: Zeroizing::new(totp::uri(&*secret, issuer, &name)),
            secret: Zeroizing::new(totp::base32(&*secret)),
        })
    }

    /// From now on a code is needed; and codes for when the app is lost.
    ///
    /// # Errors
    /// `Wrong` unless the code is one of what was offered; those of the database.
    pub async fn confirm_totp(&self, session: &Session, code: &str) -> Result<Vec<String>, NotSignedIn> {
        let row = store::get(&mut self.ground.reader().await?, session.business, session.agent).await?;
        let row = row.ok_or(HostError::NotFound("agent"))?;
        let key = self.keys.for_opening(session.business, [&*row.sealed].into_iter()).await?;
        let account = open(&key, &row)?;
        let Some(offered) = account.totp_offered.clone() else {
            return Err(HostError::Conflict("nothing was offered: begin again").into());
        };
        let taken = self.attempt(&self.name_hash(&account.name).await?, None).await?;
        let step = match prove(&offered, &account, code, self.ground.now(), row.totp_step) {
            Some(Proven::Step(step)) => step,
            _ => return Err(NotSignedIn::Wrong),
        };
        self.succeeded(taken).await?;
        let codes: Vec<String> = (0..RECOVERY).map(|_| totp::base32(&self.ground.random::<10>())).collect();
        let digests: Vec<[u8; 32]> = codes.iter().map(|code| hash(code)).collect();
        let by = session.agent.log_name();
        let decided = (Decided::AgentSecondFactor, &*by);
        let changed =
            self.change_account(session.business, session.agent, decided, move |_, row, account| {
                let same = account.totp_offered.as_ref() == Some(&offered);
                account.totp = account.totp_offered.take();
                account.recovery.clone_from(&digests);
                row.totp_step = row.totp_step.max(step);
                Box::pin(async move {
                    if same { Ok(()) } else { Err(HostError::Conflict("another one was offered meanwhile")) }
                })
            });
        changed.await?;
        // As people read and type them.
        Ok(codes.iter().map(|code| grouped(code)).collect())
    }

    /// From now on the password is enough.
    ///
    /// # Errors
    /// `Wrong` unless password and code are right; those of the database.
    pub async fn remove_totp(
        &self,
        session: &Session,
        password: Password,
        code: &str,
    ) -> Result<(), NotSignedIn> {
        self.proves(session, password).await?;
        let row = store::get(&mut self.ground.reader().await?, session.business, session.agent).await?;
        let row = row.ok_or(HostError::NotFound("agent"))?;
        let key = self.keys.for_opening(session.business, [&*row.sealed].into_iter()).await?;
        let account = open(&key, &row)?;
        let Some(secret) = &account.totp else {
            return Err(HostError::Conflict("there is no second factor").into());
        };
        let taken = self.attempt(&self.name_hash(&account.name).await?, None).await?;
        if prove(secret, &account, code, self.ground.now(), row.totp_step).is_none() {
            return Err(NotSignedIn::Wrong);
        }
        self.succeeded(taken).await?;
        let by = session.agent.log_name();
        let decided = (Decided::AgentSecondFactor, &*by);
        let changed = self.change_account(session.business, session.agent, decided, move |_, _, account| {
            (account.totp, account.totp_offered) = (None, None);
            account.recovery.clear();
            Box::pin(async { Ok(()) })
        });
        Ok(changed.await?)
    }
}

fn grouped(code: &str) -> String {
    let mut text = String::new();
    for (at, letter) in code.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    text
}
