//! Which callbacks there are, and what for. `apps` calls this.

use std::collections::{BTreeSet, HashMap};

use super::{Field, Target, Webhooks, address, handshake, store};
use crate::{
    HostError,
    codes::{Code, Refusal},
    ids::{AppId, BusinessId, WabaId},
    sealing::{Domain, Place},
};

/// A callback, as the business may read it again. Its verify token is not kept: it has served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// For what.
    pub target: Target,
    /// Where.
    pub url: String,
    /// Failures in a row; 0 for one that is well.
    pub failures: u32,
}

fn url_place(app: AppId, target: Target) -> Vec<u8> {
    format!("callback {app} {}", target.id()).into_bytes()
}

impl Webhooks {
    /// Sets where an app is told, and of what; after the handshake.
    ///
    /// # Errors
    /// Code 2200 if the callback does not answer as it should, or may not be one; those of the database.
    pub async fn set_app_callback(
        &self,
        (business, app): (BusinessId, AppId),
        url: &str,
        verify_token: &str,
        fields: &BTreeSet<Field>,
    ) -> Result<(), HostError> {
        let words: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
        self.set((business, app), Target::App(app), (url, verify_token), Some(words.join(","))).await
    }

    /// Whether an address may be a callback and answers as one should: nothing is set.
    ///
    /// # Errors
    /// As [`set_app_callback`](Self::set_app_callback).
    pub async fn try_callback(&self, url: &str, verify_token: &str) -> Result<(), HostError> {
        let url = self.allowed(url)?;
        handshake::verify(&self.ground, &self.caller, &url, verify_token).await
    }

    fn allowed(&self, url: &str) -> Result<reqwest::Url, HostError> {
        let refused = |error: address::Forbidden| Refusal::new(Code::CallbackFailed, error.to_string());
        Ok(address::read(url, &self.ground.config.webhooks).map_err(refused)?)
    }

    /// Sets where an app is told of one account or number instead; after the handshake.
    ///
    /// # Errors
    /// As [`set_app_callback`](Self::set_app_callback).
    pub async fn set_override(
        &self,
        (business, app): (BusinessId, AppId),
        target: Target,
        url: &str,
        verify_token: &str,
    ) -> Result<(), HostError> {
        self.set((business, app), target, (url, verify_token), None).await
    }

    async fn set(
        &self,
        (business, app): (BusinessId, AppId),
        target: Target,
        (url, verify_token): (&str, &str),
        fields: Option<String>,
    ) -> Result<(), HostError> {
        let url = self.allowed(url)?;
        handshake::verify(&self.ground, &self.caller, &url, verify_token).await?;
        let name = url_place(app, target);
        let place = Place { domain: Domain::Business, name: &name };
        let sealed = self.gate.seal(business, place, url.as_str().as_bytes()).await?;
        let written = self.ground.write(business.get(), move |transaction| {
            let (sealed, fields) = (sealed.clone(), fields.clone());
            Box::pin(async move {
                store::set_callback(transaction, (app, target), business, sealed.stored()).await?;
                if let Some(fields) = fields {
                    store::set_fields(transaction, app, &fields).await?;
                }
                Ok(())
            })
        });
        written.await?;
        self.wake().await;
        Ok(())
    }

    /// Removes the callback of an account or a number; what waits goes to the one that is left. `waba`: the account, or
    /// the number's. Safe to repeat.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remove_override(&self, app: AppId, target: Target, waba: WabaId) -> Result<(), HostError> {
        let written = self.ground.write(app.get(), move |transaction| {
            Box::pin(async move {
                let Some(old) = store::callback(transaction, app, target).await? else { return Ok(()) };
                let mut instead = None;
                for other in [Target::Waba(waba), Target::App(app)] {
                    if instead.is_none() && other != target {
                        instead = store::callback(transaction, app, other).await?.map(|found| found.id);
                    }
                }
                Ok(store::remove_callback(transaction, old.id, instead).await?)
            })
        });
        written.await?;
        self.wake().await;
        Ok(())
    }

    /// Removes an app's callback, its fields and what waits for it. Safe to repeat.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remove_app_callback(&self, app: AppId) -> Result<(), HostError> {
        let written = self.ground.write(app.get(), move |transaction| {
            Box::pin(async move {
                store::forget_fields(transaction, app).await?;
                match store::callback(transaction, app, Target::App(app)).await? {
                    Some(old) => Ok(store::remove_callback(transaction, old.id, None).await?),
                    None => Ok(()),
                }
            })
        });
        written.await
    }

    /// Where the callbacks of an app are, by the numbers that they keep.
    ///
    /// # Errors
    /// `Erased`; those of the database.
    pub async fn urls(&self, app: AppId) -> Result<HashMap<i64, String>, HostError> {
        let found = store::callbacks(&mut self.ground.reader().await?, app).await?;
        let mut urls = HashMap::with_capacity(found.len());
        for callback in &found {
            urls.insert(callback.id, self.url(callback).await?);
        }
        Ok(urls)
    }

    /// Where an app is told of this, if it has a callback for exactly this.
    ///
    /// # Errors
    /// `Erased`; those of the database.
    pub async fn callback(&self, app: AppId, target: Target) -> Result<Option<Callback>, HostError> {
        let found = store::callback(&mut self.ground.reader().await?, app, target).await?;
        let Some(found) = found else { return Ok(None) };
        let url = self.url(&found).await?;
        let failures = u32::try_from(found.failures).unwrap_or(u32::MAX);
        Ok(Some(Callback { target, url, failures }))
    }

    /// The fields that an app wants; `None` if it never said.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn fields(&self, app: AppId) -> Result<Option<BTreeSet<Field>>, HostError> {
        let words = store::fields(&mut self.ground.reader().await?, app).await?;
        Ok(words.map(|words| words.split(',').filter_map(|word| word.parse().ok()).collect()))
    }

    /// Subscribes an app to an account. Safe to repeat.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn subscribe(&self, waba: WabaId, app: AppId) -> Result<(), HostError> {
        let now = self.ground.now();
        let written = self.ground.write(waba.get(), move |transaction| {
            Box::pin(async move { Ok(store::subscribe(transaction, waba, app, now).await?) })
        });
        written.await
    }

    /// Ends it; `false` if there was none. What waits already is still told.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn unsubscribe(&self, waba: WabaId, app: AppId) -> Result<bool, HostError> {
        let written = self.ground.write(waba.get(), move |transaction| {
            Box::pin(async move { Ok(store::unsubscribe(transaction, waba, app).await?) })
        });
        written.await
    }

    /// The apps that are subscribed to an account, in the order in which they came.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn subscribed(&self, waba: WabaId) -> Result<Vec<AppId>, HostError> {
        Ok(store::subscribed(&mut self.ground.reader().await?, waba).await?)
    }

    /// The address of a callback: a setting of the business itself, and nothing that people wrote.
    pub(super) async fn url(&self, callback: &store::Callback) -> Result<String, HostError> {
        let name = url_place(callback.app, callback.target);
        let key = self.keys.for_opening(callback.business, [&*callback.url].into_iter()).await?;
        let url = key.open_own(&name, &callback.url)?;
        String::from_utf8(url.to_vec()).map_err(|_| HostError::Sealed("the address of a callback"))
    }
}
