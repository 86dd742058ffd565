//! Messages of all chats backwards: for whoever looks for something.

use super::Device;
use crate::{
    Error, Message,
    records::{Entry, decode},
    vault::{MAX_POSITION, Order, Space},
};

/// Rows of one page, whatever is asked for.
const PAGE: usize = 1000;

impl Device {
    /// Messages of all chats, the latest first: those before a position, or the last ones. At most 1000.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn latest_messages(&self, before: Option<u64>, limit: usize) -> Result<Vec<Message>, Error> {
        let work = self.work().await?;
        let order = Order::Before(before.unwrap_or(MAX_POSITION));
        let page = work.scan(Space::Message, None, order, limit.min(PAGE)).await?;
        self.save(work).await?;
        page.iter().map(|record| decode::<Entry>(record)?.to_message()).collect()
    }
}
