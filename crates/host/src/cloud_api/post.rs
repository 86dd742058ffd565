//! Messages go to `messages`.

use async_trait::async_trait;

use super::Post;
use crate::{
    HostError,
    ids::MessageId,
    messages::{Accepted, Messages, Once, Outgoing, Recipient},
    numbers::Number,
};

#[async_trait]
impl Post for Messages {
    async fn send(&self, outgoing: Outgoing) -> Result<Accepted, HostError> {
        Messages::send(self, outgoing).await
    }

    async fn sent_once(
        &self,
        number: &Number,
        once: &Once,
        to: &Recipient,
    ) -> Result<Option<Accepted>, HostError> {
        Messages::sent_once(self, number, once, to).await
    }

    async fn read(&self, number: &Number, message: MessageId, typing: bool) -> Result<(), HostError> {
        Messages::read(self, number, message, typing).await
    }
}
