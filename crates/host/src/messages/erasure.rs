//! What is to go: a person's chat when they ask for it, what is older than the business keeps, and all of a business that
//! was erased.

use std::{sync::Arc, time::Duration};

use ::store::Timestamp;
use client::{Draft, DraftContent, MessageRef};
use tokio::task::JoinHandle;

use super::{Messages, store};
use crate::{
    HostError, agents, apps,
    ids::{BusinessId, MediaId},
    inbox,
    messages::files_mut,
    numbers::running::Live,
    people::Known,
    purposes::{self, Access, Purpose, Subject, SubjectKind},
    qr_codes, settings, templates, webhooks,
};

/// Messages deleted at once.
const BATCH: i64 = 500;
/// How often to look for what is too old.
const SWEEP: Duration = Duration::from_secs(10 * 60);

impl Messages {
    /// Erases everything that a person and a number said, with its files, and says so to the person.
    pub(super) async fn erase_person(
        &self,
        live: &Live,
        known: &Known,
        request: MessageRef,
    ) -> Result<(), HostError> {
        let number = &live.number;
        let (id, person) = (number.id, known.person.id);
        // It stands in the log that it was asked for, and why nothing is left.
        let access = Access::by("erasure for a person", number.business, Purpose::Deliver);
        let subject = Subject { kind: SubjectKind::Chat, names: vec![known.person.user_id.to_string()] };
        match self.gate.receive(&access, subject, ()).await {
            Ok(_) | Err(HostError::NotAllowed(_)) => {}
            Err(error) => return Err(error),
        }
        let (mut messages, mut media) = (0, 0);
        let counted = self.gate.instructions(number.business).await?.allow(Purpose::Analyse);
        loop {
            let rows = store::of_person(&mut self.ground.reader().await?, id, person, BATCH).await?;
            let count = rows.len();
            if count == 0 {
                break;
            }
            let files = self.files_of(&access, live, &rows).await?;
            media += self.media.remove_ids(&files).await?;
            messages += count as u64;
            let seqs: Arc<[i64]> = rows.iter().map(|row| row.seq).collect();
            let written = self.ground.write(id.get(), move |transaction| {
                let seqs = seqs.clone();
                Box::pin(async move { Ok(store::delete(transaction, &seqs, counted).await?) })
            });
            written.await?;
        }
        let business = number.business;
        let user_id = known.person.user_id.clone();
        let written = self.ground.write(id.get(), move |transaction| {
            let user_id = user_id.clone();
            Box::pin(async move {
                webhooks::erase_person(transaction, business, &user_id).await?;
                inbox::erase_chat(transaction, id, person).await?;
                Ok(store::forget_chat(transaction, business, id, person).await?)
            })
        });
        written.await?;
        self.people.forget(known).await?;
        let done = DraftContent::ErasureDone { request, messages, media };
        let mut reference = [0; 16];
        let name = self.gate.names(business).await?.name("erasure", &request.timestamp.to_be_bytes());
        reference.iter_mut().zip(name).for_each(|(to, from)| *to = from);
        let draft = Draft { reference: Some(reference), ..done.into() };
        for outcome in live.device.send_many(vec![(known.person.account, draft)]).await? {
            if let Err(error) = outcome {
                tracing::info!(%error, "a person could not be told of their erasure");
            }
        }
        Ok(())
    }

    async fn files_of(
        &self,
        access: &Access,
        live: &Live,
        rows: &[store::Stored],
    ) -> Result<Vec<MediaId>, HostError> {
        let documents = match self.open_rows(access, live.number.id, rows).await {
            Ok(documents) => documents,
            // Files that cannot be named go when their time is over.
            Err(HostError::NotAllowed(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for document in documents {
            let mut document = document.hand_over();
            // The business's own files are sent to others too.
            if rows.iter().any(|row| !row.outbound) {
                files.extend(files_mut(&mut document.content).into_iter().filter_map(|file| file.id));
            }
        }
        Ok(files)
    }

    /// Deletes, from time to time, what is older than its business keeps, and everything of businesses that were erased.
    pub fn start_sweeping(self: &Arc<Self>) -> JoinHandle<()> {
        let messages = self.clone();
        tokio::spawn(async move {
            let closing = messages.ground.closing.clone();
            loop {
                if let Err(error) = messages.sweep().await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "what is too old was not deleted"
                    );
                }
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep(SWEEP) => {}
                }
            }
        })
    }

    /// Deletes what is older than its business keeps, and everything of businesses that were erased.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sweep(&self) -> Result<(), HostError> {
        while self.media.sweep().await? {}
        let mut after = 0;
        loop {
            let businesses = store::businesses(&mut self.ground.reader().await?, after, 100).await?;
            let Some(last) = businesses.last() else { break };
            after = last.get().cast_signed();
            for business in businesses {
                let days = self.gate.instructions(business).await?.kept_days();
                let before = self.ground.now().0 - i64::from(days) * 24 * 60 * 60 * 1000;
                self.delete_before(business, before).await?;
                let written = self.ground.write(business.get(), move |transaction| {
                    Box::pin(async move {
                        Ok(inbox::delete_before(transaction, business, Timestamp(before)).await?)
                    })
                });
                written.await?;
            }
        }
        self.forget_names().await?;
        self.finish_erasures().await
    }

    /// Deletes everything of businesses that were erased, but the logs of what was read.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn finish_erasures(&self) -> Result<(), HostError> {
        for business in store::erased(&mut self.ground.reader().await?, self.ground.now()).await? {
            while self.media.remove_of(business).await? {}
            self.delete_before(business, i64::MAX).await?;
            let written = self.ground.write(business.get(), move |transaction| {
                Box::pin(async move {
                    // Callbacks are found by apps, and numbers by businesses: in this order.
                    webhooks::erase_business(transaction, business).await?;
                    templates::erase(transaction, business).await?;
                    settings::erase(transaction, business).await?;
                    qr_codes::erase(transaction, business).await?;
                    inbox::erase(transaction, business).await?;
                    agents::erase(transaction, business).await?;
                    purposes::erase(transaction, business).await?;
                    apps::erase(transaction, business).await?;
                    Ok(store::finish_erasure(transaction, business).await?)
                })
            });
            written.await?;
            self.ground.changed(business).await;
        }
        Ok(())
    }

    async fn delete_before(&self, business: BusinessId, before: i64) -> Result<(), HostError> {
        let counted = match self.gate.instructions(business).await {
            Ok(instructions) => before < i64::MAX && instructions.allow(Purpose::Analyse),
            Err(HostError::Erased) => false,
            Err(error) => return Err(error),
        };
        loop {
            let found = store::older(&mut self.ground.reader().await?, business, before, BATCH).await?;
            let seqs: Arc<[i64]> = found.into();
            let count = i64::try_from(seqs.len()).unwrap_or(BATCH);
            if count > 0 {
                let written = self.ground.write(business.get(), move |transaction| {
                    let seqs = seqs.clone();
                    Box::pin(async move { Ok(store::delete(transaction, &seqs, counted).await?) })
                });
                written.await?;
            }
            if count < BATCH {
                return Ok(());
            }
        }
    }
}
