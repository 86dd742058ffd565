//! Labels: who can read what is written to a business is checked, and shown, before anything is sent to it.

use keys::{PublicKey, Signature};
use prost::Message as _;
use wire::{
    AccountId, DeviceId, ErrorCode, api,
    hosting::{DECLARATION, Declaration, KEY_CERTIFICATE, KeyCertificate, Signed},
};
use zeroize::Zeroizing;

use super::Device;
use crate::{
    Error, Event, LabelState,
    link::relay::NOTHING,
    records::{Entry, EntryState, LabelKeyRecord, LabelNote, LabelRecord, Standing, Work, decode},
    vault::{Order, Space},
};

const HOUR: u64 = 3_600_000;
/// Milliseconds after which the relay is asked again before anything is sent.
const FRESH: u64 = 24 * HOUR;
/// Milliseconds after which the relay is asked again without need, so that a change is shown early.
const RENEW: u64 = 20 * HOUR;
/// Labels that are renewed at once.
const RENEWED: usize = 50;
/// Milliseconds by which the relay's clock may be ahead.
const AHEAD: u64 = 24 * HOUR;
/// The owner of records of businesses.
const BUSINESSES: &[u8] = b"business";

/// Whether something may be sent, as far as the label goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    Open,
    /// The relay is to be asked first.
    Ask,
    /// A person is to be shown it first.
    Held,
}

/// What the relay answered, its signature looked at.
pub(super) enum Declared {
    Nothing,
    Unsigned,
    Signed(Box<Declaration>),
}

impl Device {
    /// How it is with the label of an account, as far as is known here; `None` if it is no business, or was never asked
    /// about.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn label(&self, account: AccountId) -> Result<Option<LabelState>, Error> {
        let record = self.work().await?.load::<LabelRecord>(Space::Label, account.as_bytes()).await?;
        Ok(record.and_then(|record| record.state()))
    }

    /// Asks the relay who hosts an account; `None` if it is no business.
    ///
    /// # Errors
    /// [`Error::NoSuchAccount`], [`Error::Link`].
    pub async fn refresh_label(&self, account: AccountId) -> Result<Option<LabelState>, Error> {
        if account == self.account() {
            return Ok(None);
        }
        // A declaration is about an identity key.
        let known = !self.work().await?.peer(account).await?.identity.is_empty();
        if known {
            self.fetch_label(account).await?;
        } else {
            self.fetch_keys(account, None).await?;
        }
        self.label(account).await
    }

    /// A person was shown the label of a business, or what is wrong with it, in its chat: what waits is sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is another one by now.
    pub async fn label_shown(&self, account: AccountId, digest: &[u8]) -> Result<(), Error> {
        let mut work = self.work().await?;
        let record = work.load::<LabelRecord>(Space::Label, account.as_bytes()).await?;
        let mut record = record.ok_or(Error::Invalid("this account has no label"))?;
        if record.digest() != digest {
            return Err(Error::Invalid("the label is another one by now: show that"));
        }
        record.shown = digest.to_vec();
        Self::put_label(&mut work, account, &record);
        work.lanes.insert(account);
        self.save(work).await?;
        self.0.lanes.release(account);
        Ok(())
    }

    fn put_label(work: &mut Work<'_>, account: AccountId, record: &LabelRecord) {
        let owner = if record.business { BUSINESSES } else { &[] };
        let value = Zeroizing::new(record.encode_to_vec());
        work.put(Space::Label, account.as_bytes().to_vec(), owner, record.checked, value);
    }

    /// Whether something may be sent to an account.
    pub(super) async fn label_gate(&self, work: &mut Work<'_>, to: AccountId) -> Result<Gate, Error> {
        if to == self.account() || work.upkeep().ignore_labels {
            return Ok(Gate::Open);
        }
        let peer = work.peer(to).await?;
        if peer.identity.is_empty() {
            // Nothing can be encrypted for it yet, and the label comes with its keys.
            return Ok(Gate::Open);
        }
        if peer.held() {
            // What is known is about the new key, and nothing leaves before that is accepted.
            return Ok(Gate::Held);
        }
        let Some(record) = work.load::<LabelRecord>(Space::Label, to.as_bytes()).await? else {
            return Ok(Gate::Ask);
        };
        if !record.business {
            return Ok(Gate::Open);
        }
        let fresh = (record.checked..record.checked.saturating_add(FRESH)).contains(&work.now);
        let holds = record.declaration.as_ref().is_some_and(|declaration| {
            declaration.expires > work.now && declaration.identity_key == peer.identity
        });
        Ok(match (fresh, record.standing().is_good() && !holds, record.is_shown()) {
            (false, ..) | (_, true, _) => Gate::Ask,
            (_, _, true) => Gate::Open,
            (_, _, false) => Gate::Held,
        })
    }

    /// Asks the relay for the declaration of an account.
    pub(super) async fn fetch_label(&self, account: AccountId) -> Result<(), Error> {
        let path = format!("/v1/accounts/{account}/declaration");
        let answer = match self.relay().ask::<api::DeclarationOf>("GET", path, NOTHING).await {
            Ok(answer) => Some(answer.declaration.0),
            Err(error) if error.code() == Some(ErrorCode::NotFound) => None,
            Err(error) => return Err(error),
        };
        let declared = self.declared(answer.as_deref()).await?;
        let mut work = self.work().await?;
        self.note_label(&mut work, account, declared).await?;
        self.save(work).await
    }

    /// Looks at the signature of what the relay gave as a declaration.
    pub(super) async fn declared(&self, answer: Option<&[u8]>) -> Result<Declared, Error> {
        let Some(bytes) = answer else { return Ok(Declared::Nothing) };
        let Ok(signed) = Signed::read(bytes) else { return Ok(Declared::Unsigned) };
        let key = match self.label_key().await? {
            Some(key) => key,
            None => match self.follow_label_key(None).await? {
                Some(key) => key,
                None => return Ok(Declared::Unsigned),
            },
        };
        if !is_signed(&key, DECLARATION, &signed) {
            match self.follow_label_key(Some(key)).await? {
                Some(key) if is_signed(&key, DECLARATION, &signed) => {}
                _ => return Ok(Declared::Unsigned),
            }
        }
        let declaration = Declaration::decode(&signed.statement[..]);
        Ok(declaration.map_or(Declared::Unsigned, |declaration| Declared::Signed(Box::new(declaration))))
    }

    /// The label key that is trusted.
    async fn label_key(&self) -> Result<Option<PublicKey>, Error> {
        let record = self.work().await?.load::<LabelKeyRecord>(Space::LabelKey, &[]).await?;
        let key = record.map(|record| PublicKey::from_bytes(&record.key));
        // Taken for none, any key would be trusted as the first.
        key.transpose().map_err(|_| Error::Damaged("the label key"))
    }

    /// Asks the relay for its label key: the first one is trusted, another one only if those before certified it.
    async fn follow_label_key(&self, trusted: Option<PublicKey>) -> Result<Option<PublicKey>, Error> {
        let answer = match self.relay().ask::<api::LabelKey>("GET", "/v1/labels/key", NOTHING).await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some(ErrorCode::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(offered) = PublicKey::from_bytes(&answer.key.0) else { return Ok(None) };
        if let Some(trusted) = trusted {
            let mut key = trusted;
            for certificate in &answer.certificates {
                let next = Signed::read(&certificate.0)
                    .ok()
                    .filter(|signed| is_signed(&key, KEY_CERTIFICATE, signed));
                let next = next.and_then(|signed| KeyCertificate::decode(&signed.statement[..]).ok());
                if let Some(next) = next.and_then(|next| PublicKey::from_bytes(&next.key).ok()) {
                    key = next;
                }
            }
            if key != offered || key == trusted {
                return Ok(None);
            }
        }
        let mut work = self.work().await?;
        let record = LabelKeyRecord { key: offered.to_bytes().to_vec() };
        work.put(Space::LabelKey, Vec::new(), &[], 0, Zeroizing::new(record.encode_to_vec()));
        self.save(work).await?;
        Ok(Some(offered))
    }

    /// Notes what the relay says of who hosts an account; if that is another thing than before it is told, and stands in
    /// the chat.
    pub(super) async fn note_label(
        &self,
        work: &mut Work<'_>,
        account: AccountId,
        declared: Declared,
    ) -> Result<(), Error> {
        let stored = work.load::<LabelRecord>(Space::Label, account.as_bytes()).await?;
        let before = stored.clone().filter(|record| record.business);
        let mut record = stored.unwrap_or_default();
        record.checked = work.now;
        let identity = work.peer(account).await?.latest_identity().map(|key| key.to_bytes().to_vec());
        let standing = match declared {
            Declared::Nothing if !record.business => {
                Self::put_label(work, account, &record);
                return Ok(());
            }
            Declared::Nothing => Standing::Missing,
            Declared::Unsigned => Standing::Unsigned,
            Declared::Signed(new) => {
                let old = record.declaration.as_ref();
                let same = old.is_some_and(|old| old.label() == new.label());
                let rolled_back = old.is_some_and(|old| new.issued < old.issued) && !same;
                if new.account != account.as_bytes() || Some(&new.identity_key) != identity.as_ref() {
                    Standing::Foreign
                } else if new.expires <= work.now || new.issued > work.now + AHEAD || rolled_back {
                    Standing::Stale
                } else {
                    let standing = match (old, same) {
                        (None, _) => Standing::First,
                        (Some(_), true) if record.standing().is_good() => record.standing(),
                        _ => Standing::Changed,
                    };
                    record.declaration = Some(*new);
                    standing
                }
            }
        };
        record.business = true;
        record.set_standing(standing);
        Self::put_label(work, account, &record);
        if before.is_some_and(|before| before.digest() == record.digest()) {
            return Ok(());
        }
        if work.keeps_history() {
            Self::put_label_note(work, account, &record)?;
        }
        work.lanes.insert(account);
        if let Some(state) = record.state() {
            work.events.push(Event::Label { account, state });
        }
        Ok(())
    }

    fn put_label_note(work: &mut Work<'_>, account: AccountId, record: &LabelRecord) -> Result<(), Error> {
        let note = LabelNote { declaration: record.declaration.clone(), standing: record.standing };
        let entry = Entry {
            chat: account.as_bytes().to_vec(),
            // The relay says it.
            author: AccountId::RELAY.as_bytes().to_vec(),
            device: DeviceId::PRIMARY.into(),
            timestamp: work.next_timestamp(),
            received: work.now,
            state: EntryState::Read.into(),
            position: work.next_position(),
            label: Some(note),
            ..Entry::default()
        };
        Self::put_entry(work, &entry)
    }

    /// Renews what is known of businesses' labels, so that changes are shown before somebody writes.
    pub(super) async fn renew_labels(&self) -> Result<(), Error> {
        let mut due = Vec::new();
        {
            let mut work = self.work().await?;
            if work.upkeep().ignore_labels {
                return Ok(());
            }
            for record in work.scan(Space::Label, Some(BUSINESSES), Order::After(0), RENEWED).await? {
                let checked = decode::<LabelRecord>(&record)?.checked;
                if work.now >= checked.saturating_add(RENEW)
                    && let Ok(account) = AccountId::try_from(&record.key[..])
                {
                    due.push(account);
                }
            }
        }
        for account in due {
            self.fetch_label(account).await?;
        }
        if self.label_key().await?.is_none() {
            self.follow_label_key(None).await?;
        }
        Ok(())
    }
}

fn is_signed(key: &PublicKey, context: &str, signed: &Signed) -> bool {
    let signature = Signature::from_bytes(&signed.signature);
    signature.is_ok_and(|signature| key.verify(&signed.signed_bytes(context), &signature).is_ok())
}
