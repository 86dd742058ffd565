//! Chats that people open: they are shown what the business offers, and, if it wants to know, it is told of the first time.

use std::collections::HashMap;

use client::AccountId;

use super::{Messages, receive::Opening};
use crate::{
    HostError,
    numbers::running::Live,
    purposes::Purpose,
    settings::{self, Automation},
};

/// What is to be done for people who opened a chat.
#[derive(Default)]
pub(super) struct Opened {
    /// Who, each once, and the first that each said of it.
    pub(super) by: HashMap<AccountId, Opening>,
}

impl Messages {
    /// What the business set, if somebody asks for it and it lets its host deliver.
    pub(super) async fn automation(
        &self,
        live: &Live,
        opened: &Opened,
    ) -> Result<Option<Automation>, HostError> {
        let business = live.number.business;
        if opened.by.is_empty() || !self.gate.instructions(business).await?.allow(Purpose::Deliver) {
            return Ok(None);
        }
        let key = self.gate.names(business).await?;
        settings::of(&self.ground, &key, live.number.id).await.map(Some)
    }

    /// Shows people what the business offers. Who misses it asks again the next day.
    pub(super) async fn offer(&self, live: &Live, opened: &Opened, automation: &Automation) {
        let menu = automation.menu();
        for account in opened.by.keys() {
            if let Err(error) = live.device.send_menu(*account, &menu).await {
                tracing::info!(%error, "somebody could not be shown what is offered");
            }
        }
    }
}
