//! Files that come with imported chats.

use std::{collections::HashSet, io, sync::Arc};

use ::store::Timestamp;
use bytes::Bytes;
use futures_util::Stream;

use super::{Media, relay::received_id, store};
use crate::{
    HostError,
    ids::{BusinessId, MediaId, MessageId},
    numbers::Number,
    purposes::Access,
};

impl Media {
    /// Which of these messages have a file here.
    pub(crate) async fn with_files(&self, messages: &[MessageId]) -> Result<HashSet<MessageId>, HostError> {
        let ids: Vec<_> = messages.iter().map(|message| received_id(*message)).collect();
        let rows = store::by_ids(&mut self.ground.reader().await?, &ids).await?;
        let there: HashSet<MediaId> = rows.into_iter().map(|row| row.id).collect();
        Ok(messages.iter().copied().filter(|message| there.contains(&received_id(*message))).collect())
    }

    /// Takes in the file of an imported message, encrypted like those that people send; its id and digest. The same
    /// message's again is the one that is there.
    pub(crate) async fn take_imported(
        &self,
        access: &Access,
        number: &Arc<Number>,
        message: MessageId,
        (mime_type, filename): (&str, &str),
        expires: Timestamp,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<(MediaId, String), HostError> {
        let id = received_id(message);
        if let Some(row) = store::by_ids(&mut self.ground.reader().await?, &[id]).await?.pop() {
            let secret = self.secret(access, &row).await?;
            return Ok((id, secret.sha256.clone()));
        }
        let limit = self.ground.config.files.limit;
        let name = Some(filename.to_owned());
        let sha256 = self.store(number, id, mime_type, name, limit, expires, bytes).await?;
        Ok((id, sha256))
    }

    /// Files of a business after this one, in the order of their ids, as far as they are there.
    pub(crate) async fn after(
        &self,
        business: BusinessId,
        after: Option<MediaId>,
        limit: i64,
    ) -> Result<Vec<MediaId>, HostError> {
        let after = after.map_or(0, MediaId::get).cast_signed();
        let now = self.ground.now();
        Ok(store::after(&mut self.ground.reader().await?, business, after, now, limit).await?)
    }
}
