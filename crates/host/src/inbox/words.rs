//! Words that agents share: labels of chats, and canned replies. They are the business's own, and say nothing of anybody.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Event, Inbox, store};
use crate::{
    HostError,
    ids::BusinessId,
    sealing::{Domain, Place},
};

/// Labels, and replies, of one business.
const MOST: usize = 500;

/// What kind of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Labels.
    Label,
    /// Canned replies.
    Reply,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Reply => "reply",
        }
    }

    const fn event(self) -> &'static str {
        match self {
            Self::Label => "labels",
            Self::Reply => "replies",
        }
    }
}

/// Words of one kind.
pub trait Words: Serialize + DeserializeOwned + Send + Sync {
    /// Which.
    const KIND: Kind;

    /// Whether they are what they may be.
    ///
    /// # Errors
    /// `Invalid`.
    fn validate(&self) -> Result<(), HostError>;
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// What it says.
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
}

/// A canned reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// What is typed for it.
    pub shortcut: String,
    /// What it says.
    pub text: String,
}

fn line(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl Words for Label {
    const KIND: Kind = Kind::Label;

    fn validate(&self) -> Result<(), HostError> {
        if !line(&self.name, 40) {
            return Err(HostError::invalid("name", "from 1 to 40 characters"));
        }
        let digits = self.colour.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(())
        } else {
            Err(HostError::invalid("colour", "#rrggbb"))
        }
    }
}

impl Words for Reply {
    const KIND: Kind = Kind::Reply;

    fn validate(&self) -> Result<(), HostError> {
        if !line(&self.shortcut, 40) || self.shortcut.contains(char::is_whitespace) {
            return Err(HostError::invalid("shortcut", "one word of at most 40 characters"));
        }
        if (1..=4096).contains(&self.text.chars().count()) {
            Ok(())
        } else {
            Err(HostError::invalid("text", "from 1 to 4096 characters"))
        }
    }
}

impl Inbox {
    /// All of a kind, with their ids.
    ///
    /// # Errors
    /// `Sealed`, `Erased`; those of the database.
    pub async fn words<W: Words>(&self, business: BusinessId) -> Result<Vec<(i64, W)>, HostError> {
        let rows = store::words(&mut self.api.ground.reader().await?, business, W::KIND.as_str()).await?;
        let key = self.api.gate.names(business).await?;
        rows.iter()
            .map(|row| {
                let text = key.open_own(&row.name, &row.sealed)?;
                let words = serde_json::from_slice(&text).map_err(|_| HostError::Sealed("shared words"))?;
                Ok((row.id, words))
            })
            .collect()
    }

    /// Makes some; their id.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` if there are too many; those of the database.
    pub async fn add_words<W: Words>(&self, business: BusinessId, words: &W) -> Result<i64, HostError> {
        let (name, sealed) = self.sealed(business, words).await?;
        let kind = W::KIND;
        let written = self.api.ground.write(business.get(), move |transaction| {
            let (name, sealed) = (name.clone(), sealed.clone());
            Box::pin(async move {
                if store::words(transaction, business, kind.as_str()).await?.len() >= MOST {
                    return Err(HostError::Conflict("there are 500 of these: delete some"));
                }
                Ok(store::insert_words(transaction, (business, kind.as_str()), (&name, &sealed)).await?)
            })
        });
        let id = written.await?;
        self.live.tell(business, Event::changed(kind.event())).await;
        Ok(id)
    }

    /// Changes some.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`; those of the database.
    pub async fn change_words<W: Words>(
        &self,
        business: BusinessId,
        id: i64,
        words: &W,
    ) -> Result<(), HostError> {
        let (name, sealed) = self.sealed(business, words).await?;
        let kind = W::KIND;
        let written = self.api.ground.write(business.get(), move |transaction| {
            let (name, sealed) = (name.clone(), sealed.clone());
            Box::pin(async move {
                Ok(store::change_words(transaction, (business, kind.as_str()), id, (&name, &sealed)).await?)
            })
        });
        if !written.await? {
            return Err(HostError::NotFound(kind.as_str()));
        }
        self.live.tell(business, Event::changed(kind.event())).await;
        Ok(())
    }

    /// Deletes some.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn delete_words(&self, business: BusinessId, kind: Kind, id: i64) -> Result<(), HostError> {
        let written = self.api.ground.write(business.get(), move |transaction| {
            Box::pin(
                async move { Ok(store::delete_words(transaction, (business, kind.as_str()), id).await?) },
            )
        });
        if !written.await? {
            return Err(HostError::NotFound(kind.as_str()));
        }
        self.live.tell(business, Event::changed(kind.event())).await;
        Ok(())
    }

    async fn sealed<W: Words>(
        &self,
        business: BusinessId,
        words: &W,
    ) -> Result<(Vec<u8>, Vec<u8>), HostError> {
        words.validate()?;
        let name = self.api.ground.random::<16>();
        let text = serde_json::to_vec(words).map_err(HostError::internal)?;
        let place = Place { domain: Domain::Business, name: &name };
        Ok((name.to_vec(), self.api.gate.seal(business, place, &text).await?.into_stored()))
    }
}
