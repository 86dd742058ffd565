//! Files, and what is stored.

use client::{Blob, Device, vault::Space};
use js_sys::{Array, Uint8Array};
use serde::Serialize;

use super::{Answered, Outcome, done, shown};
use crate::{
    answer::StorageFigures,
    browser::{FileParts, whole},
    command::Command,
    core::{Inner, internal},
    problem::Problem,
};

/// Messages in one part of an export.
const PAGE: usize = 500;

pub(super) async fn run(core: &Inner, command: Command) -> Outcome {
    match command {
        Command::Download { file, content_type, transfer } => {
            download(core, &core.device()?, &file, &content_type, transfer).await
        }
        Command::Storage => {
            let (files, file_bytes) = core.vault().files().await?;
            let (used, quota, persistent) = core.vault().room().await;
            shown(&StorageFigures {
                chats: core.vault().count(Space::Chat).await?,
                messages: core.vault().count(Space::Message).await?,
                files,
                file_bytes,
                used,
                quota,
                persistent,
            })
        }
        Command::ForgetFiles => {
            core.vault().forget_files().await?;
            done()
        }
        Command::Export => export(core, &core.device()?).await,
        _ => Err(internal("this command is done elsewhere")),
    }
}

async fn download(
    core: &Inner,
    device: &Device,
    file: &Blob,
    content_type: &str,
    transfer: Option<String>,
) -> Result<Answered, Problem> {
    let answered =
        |parts: &Array| Ok(Answered { json: "null".to_owned(), file: Some(whole(parts, content_type)) });
    if let Some(kept) = core.vault().file(file.id.as_bytes()).await {
        return answered(&Array::of1(&kept));
    }
    let mut parts = FileParts(Array::new());
    match transfer {
        None => device.download(file, &mut parts, None).await?,
        Some(transfer) => {
            core.watched(transfer, async |progress| device.download(file, &mut parts, Some(progress)).await)
                .await?;
        }
    }
    core.vault().keep_file(file.id.as_bytes(), &whole(&parts.0, content_type).into()).await;
    answered(&parts.0)
}

/// Everything in one JSON object, made in parts.
async fn export(core: &Inner, device: &Device) -> Result<Answered, Problem> {
    let parts = Array::new();
    let write = |text: &str| {
        parts.push(&Uint8Array::from(text.as_bytes()));
    };
    write(&format!("{{\"own\":{}", json(device.own())?));
    write(&format!(",\"profile\":{}", json(&device.contact(device.own().account).await?.profile)?));
    write(&format!(",\"settings\":{}", json(&device.settings().await?)?));
    write(&format!(",\"contacts\":{}", json(&device.contacts().await?)?));
    write(&format!(",\"chats\":{}", json(&core.overviews(device).await?)?));
    write(",\"messages\":[");
    let mut after = 0;
    loop {
        let page = device.messages(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        let first = after == 0;
        after = last.position;
        for (index, message) in page.iter().enumerate() {
            let comma = if first && index == 0 { "\n" } else { ",\n" };
            write(&format!("{comma}{}", json(message)?));
        }
    }
    write("\n]}\n");
    Ok(Answered { json: "null".to_owned(), file: Some(whole(&parts, "application/json")) })
}

fn json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|_| internal("this is no JSON"))
}
