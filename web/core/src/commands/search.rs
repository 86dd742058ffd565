//! Looking for words in what this device has.

use client::{AccountId, Device, Message};

use crate::{problem::Problem, words::has};

/// Bytes of what is looked for.
const TEXT: usize = 256;
/// Messages that are looked through at once, and read together.
const LOOKED_THROUGH: usize = 5000;
const PAGE: usize = 250;

/// Messages that have these words, the latest first, and where to go on.
pub(super) async fn search(
    device: &Device,
    text: &str,
    chat: Option<AccountId>,
    mut before: Option<u64>,
    limit: usize,
) -> Result<(Vec<Message>, Option<u64>), Problem> {
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() || text.len() > TEXT {
        return Err(Problem::invalid("1 to 256 bytes can be looked for"));
    }
    let (mut found, mut seen) = (Vec::new(), 0);
    while seen < LOOKED_THROUGH {
        let page = match chat {
            Some(chat) => device.history(chat, before, PAGE).await?,
            None => device.latest_messages(before, PAGE).await?,
        };
        if page.is_empty() {
            return Ok((found, None));
        }
        seen += page.len();
        for message in page {
            before = Some(message.position);
            if has(&message.body, &wanted) {
                found.push(message);
                if found.len() >= limit {
                    return Ok((found, before));
                }
            }
        }
    }
    Ok((found, before))
}
