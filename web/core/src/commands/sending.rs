//! What is sent.

use client::{AccountId, Device, Draft, DraftContent, Marketing, Media};

use super::{Answered, Outcome, done, shown};
use crate::{
    answer::Sent,
    browser::{FileSource, Parts, now},
    command::{Command, MediaDraft},
    core::{Inner, internal},
    notice::Notice,
    problem::Problem,
};

/// The longest file: what relays take is less by default.
const FILE: f64 = 1_073_741_824.0;

pub(super) async fn run(core: &Inner, command: Command, file: Option<Parts>) -> Outcome {
    let device = core.device()?;
    match command {
        Command::Send { account, draft } => sent(core, &device, account, *draft).await,
        Command::SendMedia { account, media, quote, reference, transfer } => {
            let reference = reference.map(|bytes| bytes.0[..].try_into());
            let reference =
                reference.transpose().map_err(|_| Problem::invalid("a reference has 16 bytes"))?;
            let media = upload(core, &device, media, file, transfer).await?;
            let draft = Draft { quote, reference, ..DraftContent::Media(media).into() };
            sent(core, &device, account, draft).await
        }
        Command::SendContacts { account, contacts } => {
            sent(core, &device, account, DraftContent::Contacts { contacts }.into()).await
        }
        Command::SendLocation { account, location, quote } => {
            let draft = Draft { quote, ..DraftContent::Location(location).into() };
            sent(core, &device, account, draft).await
        }
        Command::Answer { account, message, choice } => {
            sent(core, &device, account, DraftContent::Choose { message, choice }.into()).await
        }
        Command::Choices { message } => {
            let message = device.message(message).await?.ok_or(client::Error::NoSuchMessage)?;
            shown(&message.body.choices())
        }
        Command::Typing { account, stopped } => {
            device.typing(account, stopped).await?;
            done()
        }
        Command::SetTimer { account, seconds } => {
            sent(core, &device, account, DraftContent::Timer { seconds }.into()).await
        }
        Command::SetMarketing { account, allowed } => {
            let marketing = if allowed { Marketing::Resume } else { Marketing::Stop };
            let answered =
                sent(core, &device, account, DraftContent::Preference { marketing }.into()).await?;
            core.mark(account, |marks| marks.marketing_stopped = (!allowed).then(now)).await?;
            Ok(answered)
        }
        Command::ShareNumber { account } => {
            let draft = device.number_proof(account).await?;
            let answered = sent(core, &device, account, draft).await?;
            core.mark(account, |marks| marks.number_shared = Some(now())).await?;
            Ok(answered)
        }
        Command::HideNumber { account } => {
            core.mark(account, |marks| marks.number_shared = None).await?;
            done()
        }
        Command::AskErasure { account } => {
            let answered = sent(core, &device, account, DraftContent::ErasureRequest.into()).await?;
            core.mark(account, |marks| marks.erasure_asked = Some(now())).await?;
            Ok(answered)
        }
        _ => Err(internal("this command is done elsewhere")),
    }
}

async fn sent(core: &Inner, device: &Device, account: AccountId, draft: Draft) -> Result<Answered, Problem> {
    let id = device.send(account, draft).await?;
    let message = device.message(id).await?;
    // The other tabs have not made it.
    if let Some(message) = &message {
        core.tell(&client::Event::Message { message: Box::new(message.clone()) });
    }
    shown(&Sent { id, message })
}

async fn upload(
    core: &Inner,
    device: &Device,
    media: MediaDraft,
    file: Option<Parts>,
    transfer: Option<String>,
) -> Result<Media, Problem> {
    let file = file.ok_or_else(|| Problem::invalid("there is no file beside the command"))?;
    if file.size() > FILE {
        return Err(Problem::invalid("the file is too large"));
    }
    let whole: wasm_bindgen::JsValue = file.clone().into();
    let blob = match transfer {
        None => device.upload(&mut FileSource(file), None).await?,
        Some(transfer) => {
            core.watched(transfer, async |progress| {
                device.upload(&mut FileSource(file), Some(progress)).await
            })
            .await?
        }
    };
    core.vault().keep_file(blob.id.as_bytes(), &whole).await;
    let MediaDraft { kind, content_type, file_name, caption, width, height, duration, thumbnail, animated } =
        media;
    Ok(Media { kind, blob, content_type, file_name, caption, width, height, duration, thumbnail, animated })
}

impl Inner {
    /// Does something whose progress pages are told.
    pub(super) async fn watched<T>(
        &self,
        transfer: String,
        act: impl AsyncFnOnce(&dyn client::Progress) -> T,
    ) -> T {
        let progress = |done, total| self.tell(&Notice::Transfer { transfer: transfer.clone(), done, total });
        act(&progress).await
    }
}
