//! From one status to another: what the operator decides, what the business puts away, takes out and deletes. The business's
//! software is told of each, once.

use std::sync::Arc;

use super::{
    CHANGED_STATUS, Changed, Decision, NONE, Status, Templates, changed, events, store, store::Stored,
};
use crate::{
    HostError,
    ids::{TemplateId, WabaId},
    webhooks,
};

impl Templates {
    /// What the operator decides.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for one that is not in a status for it; those of the database.
    pub async fn decide(&self, id: TemplateId, decision: Decision) -> Result<Changed, HostError> {
        use events::Told;
        let stored = store::get(&mut self.ground.reader().await?, id).await?.ok_or(NONE)?;
        let (from, to, reason, told) = match decision {
            Decision::Approve => (Status::Pending, Status::Approved, "NONE", Told::Reviewed),
            Decision::Reject(reason) => (Status::Pending, Status::Rejected, reason.as_str(), Told::Reviewed),
            Decision::Pause => (Status::Approved, Status::Paused, "NONE", Told::Paused),
            Decision::Unpause => (Status::Paused, Status::Approved, "NONE", Told::Unpaused),
            Decision::Disable if stored.status == Status::Disabled => {
                return Err(CHANGED_STATUS);
            }
            Decision::Disable => (stored.status, Status::Disabled, "NONE", Told::Disabled),
        };
        self.move_to(stored, (from, to, reason), told).await
    }

    /// Puts a template away, or takes it out again.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`; those of the database.
    pub async fn archive(&self, waba: WabaId, id: TemplateId, away: bool) -> Result<Changed, HostError> {
        let stored = self.stored(waba, id).await?;
        let (from, to, told) = if away {
            (Status::Approved, Status::Archived, events::Told::Archived)
        } else {
            (Status::Archived, Status::Approved, events::Told::Unarchived)
        };
        self.move_to(stored, (from, to, "NONE"), told).await
    }

    async fn move_to(
        &self,
        stored: Stored,
        (from, to, reason): (Status, Status, &'static str),
        told: events::Told,
    ) -> Result<Changed, HostError> {
        let (id, waba) = (stored.id, stored.waba);
        let definition = self.open(&stored).await?;
        let made = changed(id, waba, &definition, to, reason);
        let event = Arc::new(self.event(stored.business, &made, told).await?);
        let moved = self.ground.write(waba.get(), move |transaction| {
            let event = event.clone();
            Box::pin(async move {
                let moved = store::move_to(transaction, id, from, to, reason).await?;
                if moved {
                    webhooks::add(transaction, vec![(*event).clone()]).await?;
                }
                Ok(moved)
            })
        });
        if !moved.await? {
            return Err(CHANGED_STATUS);
        }
        self.webhooks.wake().await;
        Ok(made)
    }

    /// Deletes templates: all languages of a name, or those of these ids. Those that were there.
    ///
    /// # Errors
    /// `NotFound` if there was none; those of the database.
    pub async fn delete(
        &self,
        waba: WabaId,
        name: Option<&str>,
        ids: &[TemplateId],
    ) -> Result<Vec<Changed>, HostError> {
        let mut found = store::all(&mut self.ground.reader().await?, waba).await?;
        found.retain(|stored| {
            let by_id = ids.is_empty() || ids.contains(&stored.id);
            let by_name = name.is_none_or(|name| stored.name == name);
            by_id && by_name && (name.is_some() || !ids.is_empty())
        });
        if found.is_empty() {
            return Err(NONE);
        }
        let (mut gone, mut events) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
        for stored in &found {
            let definition = self.open(stored).await?;
            let deleted = changed(stored.id, waba, &definition, Status::Deleted, "NONE");
            events.push((stored.id, self.event(stored.business, &deleted, events::Told::Reviewed).await?));
            gone.push(deleted);
        }
        let (events, now): (Arc<[_]>, _) = (events.into(), self.ground.now());
        let written = self.ground.write(waba.get(), move |transaction| {
            let events = events.clone();
            Box::pin(async move {
                for (id, event) in events.iter() {
                    if store::delete(transaction, &[*id], now).await? == 1 {
                        webhooks::add(transaction, vec![event.clone()]).await?;
                    }
                }
                Ok(())
            })
        });
        written.await?;
        self.webhooks.wake().await;
        Ok(gone)
    }
}
