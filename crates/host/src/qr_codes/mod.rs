//! Short links, which open a chat with words already written; as pictures too.

mod store;

use std::sync::Arc;

use ::store::Timestamp;

pub(crate) use self::store::{MIGRATIONS, erase};
use crate::{
    HostError,
    ground::Ground,
    ids::NumberId,
    numbers::Number,
    sealing::{BusinessKey, Domain, Keys, Place, Sealed},
};

/// Links of one number at most.
const MOST: u32 = 2_000;
/// Without those that look alike.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A short link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrCode {
    /// Fourteen letters and digits.
    pub code: String,
    /// What the person finds written.
    pub message: String,
    /// Since when.
    pub created: Timestamp,
}

/// Keeps short links.
#[derive(Debug)]
pub struct QrCodes {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
}

impl QrCodes {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, keys: Arc<Keys>) -> Arc<Self> {
        Arc::new(Self { ground, keys })
    }

    /// Makes one.
    ///
    /// # Errors
    /// `Conflict` if there are 2,000; `Erased`; those of the database.
    pub async fn create(&self, number: &Number, message: &str) -> Result<QrCode, HostError> {
        let letter = |byte: u8| LETTERS.get(usize::from(byte % 32)).copied().map_or('A', char::from);
        let code: String = self.ground.random::<14>().into_iter().map(letter).collect();
        let made = QrCode { code, message: message.to_owned(), created: self.ground.now() };
        let sealed = self.seal(number, &made).await?;
        let (id, business, row) = (number.id, number.business, made.clone());
        let written = self.ground.write(id.get(), move |transaction| {
            let (row, sealed) = (row.clone(), sealed.clone());
            Box::pin(async move {
                if store::count(transaction, id).await? >= i64::from(MOST) {
                    return Err(HostError::Conflict("a number has at most 2000 short links"));
                }
                Ok(store::insert(transaction, (business, id), &row, sealed.stored()).await?)
            })
        });
        written.await?;
        Ok(made)
    }

    /// Gives one other words.
    ///
    /// # Errors
    /// `NotFound`; `Erased`; those of the database.
    pub async fn change(&self, number: &Number, code: &str, message: &str) -> Result<QrCode, HostError> {
        let mut changed = self.get(number, code).await?;
        message.clone_into(&mut changed.message);
        let sealed = self.seal(number, &changed).await?;
        let (id, code) = (number.id, changed.code.clone());
        let written = self.ground.write(id.get(), move |transaction| {
            let (code, sealed) = (code.clone(), sealed.clone());
            Box::pin(async move { Ok(store::change(transaction, id, &code, sealed.stored()).await?) })
        });
        written.await?;
        Ok(changed)
    }

    /// One of a number.
    ///
    /// # Errors
    /// `NotFound`, `Erased`, `Sealed`; those of the database.
    pub async fn get(&self, number: &Number, code: &str) -> Result<QrCode, HostError> {
        let found = store::get(&mut self.ground.reader().await?, number.id, code).await?;
        let found = found.ok_or(HostError::NotFound("short link"))?;
        let key = self.keys.for_opening(number.business, [&*found.sealed].into_iter()).await?;
        open(&key, number, found)
    }

    /// Into whose chat a link leads.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn number_of(&self, code: &str) -> Result<NumberId, HostError> {
        let found = store::number_of(&mut self.ground.reader().await?, code).await?;
        found.ok_or(HostError::NotFound("short link"))
    }

    /// All of a number, the newest first.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn list(&self, number: &Number) -> Result<Vec<QrCode>, HostError> {
        let rows = store::list(&mut self.ground.reader().await?, number.id).await?;
        let key = self.keys.for_opening(number.business, rows.iter().map(|row| &*row.sealed)).await?;
        rows.into_iter().map(|row| open(&key, number, row)).collect()
    }

    /// Deletes one; it opens nothing any more.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn delete(&self, number: &Number, code: &str) -> Result<(), HostError> {
        let (id, code) = (number.id, code.to_owned());
        let written = self.ground.write(id.get(), move |transaction| {
            let code = code.clone();
            Box::pin(async move { Ok(store::delete(transaction, id, &code).await?) })
        });
        if written.await? { Ok(()) } else { Err(HostError::NotFound("short link")) }
    }

    async fn seal(&self, number: &Number, code: &QrCode) -> Result<Sealed, HostError> {
        let name = name(number, &code.code);
        let place = Place { domain: Domain::Business, name: &name };
        let key = self.keys.of(number.business).await?;
        key.seal(place, self.ground.random(), code.message.as_bytes())
    }
}

fn name(number: &Number, code: &str) -> Vec<u8> {
    format!("short link {} {code}", number.id).into_bytes()
}

fn open(key: &BusinessKey, number: &Number, row: store::Stored) -> Result<QrCode, HostError> {
    let name = name(number, &row.code);
    let message = key.open_own(&name, &row.sealed)?;
    let message = String::from_utf8(message.to_vec()).map_err(|_| HostError::Sealed("a short link"))?;
    Ok(QrCode { code: row.code, message, created: row.created })
}
