//! What a program may ask for.

use std::path::PathBuf;

use client::{
    AccountId, DeviceId, Draft, DraftContent, MediaKind, MessageRef, PhoneNumber, Profile, Settings,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use wire::Base64;

use super::{Fault, Opened};
use crate::chat::{file, recipient};

/// All of them, with what they take.
const METHODS: &[(&str, &str)] = &[
    ("methods", "what can be called"),
    ("own", "this device and its account"),
    (
        "send",
        "to, and text, or draft (as in docs/using-chat.md); quote; expires_after; reference (16 bytes): is sent once",
    ),
    ("send_file", "to, path; caption; as: voice or sticker"),
    ("save_media", "message, path"),
    ("answer", "to, message, choice: the id of a button or row of the message"),
    ("choices", "message: what can be chosen in it"),
    ("label", "account: who can read the chat with a business; asks the relay"),
    ("label_shown", "account, digest: its label was shown to a person"),
    ("share_number", "to: lets that business know the own number"),
    ("typing", "to; stopped"),
    ("mark_read", "chat, position: all up to it were seen"),
    ("mark_played", "message: this voice note was heard"),
    ("message", "message: one message"),
    ("chats", "all chats"),
    ("history", "chat; before (a position), limit"),
    ("messages", "after (a position); limit: of all chats, in the order in which they came"),
    ("mark_these_read", "chat, messages: these were seen"),
    ("feed", "after (a position); limit: without a history, what happened and was not forgotten yet"),
    ("forget_through", "position: takes all up to it out of the feed"),
    ("forget_message", "message: takes it away here"),
    ("forget_chat", "chat: takes it away here"),
    ("contacts", "everybody who is known"),
    ("contact", "account"),
    ("set_contact", "account, name; number"),
    ("lookup", "numbers: who is at the relay"),
    ("block", "account"),
    ("unblock", "account"),
    ("blocks", "who is blocked"),
    ("safety_number", "account"),
    ("set_verified", "account, verified; digits of the safety number that was compared, if it was"),
    ("accept_identity", "account, digits: sends to its changed identity key, which has this safety number"),
    ("profile", "account"),
    ("set_profile", "name; about"),
    ("devices", "all own devices"),
    ("remove_device", "device"),
    ("link", "url: lets the device join that shows it"),
    ("account", "the account as the relay knows it"),
    ("set_discoverable", "discoverable"),
    ("set_pin", "pin; none takes it away"),
    ("settings", "how this device behaves"),
    ("set_settings", "accept_changed_identities, read_in_silence, keep_history"),
    ("outbox", "how much waits to be sent"),
    ("settled", "answers when nothing waits to be sent"),
];

/// Whether others need not wait for it: it reads only, or takes as long as it takes.
pub(super) fn takes_long(method: &str) -> bool {
    matches!(
        method,
        "settled" | "link" | "label" | "save_media" | "lookup" | "profile" | "devices" | "account" | "blocks"
    )
}

pub(super) async fn call(opened: &Opened, method: &str, params: Value) -> Result<Value, Fault> {
    let device = &opened.device;
    let params = Params(params);
    Ok(match method {
        "methods" => METHODS.iter().map(|(name, takes)| json!({"method": name, "params": takes})).collect(),
        "own" => shown(device.own()),
        "send" => return send(opened, &params).await,
        "send_file" => {
            let to = params.who(opened, "to").await?;
            let path: PathBuf = params.must("path")?;
            let caption: Option<String> = params.may("caption")?;
            let kind: Option<String> = params.may("as")?;
            let kind = match kind.as_deref() {
                None => None,
                Some("voice") => Some(MediaKind::Voice),
                Some("sticker") => Some(MediaKind::Sticker),
                Some(_) => return Err(Fault::params("as: voice or sticker, or leave it out")),
            };
            let media = file::upload_as(opened, &path, kind, caption.unwrap_or_default()).await?;
            sent(opened, to, DraftContent::Media(media).into()).await?
        }
        "save_media" => {
            let id: MessageRef = params.must("message")?;
            let path: PathBuf = params.must("path")?;
            let message = device.message(id).await?.ok_or(client::Error::NoSuchMessage)?;
            let Some(media) = message.body.media() else {
                return Err(Fault::params("this message has no file"));
            };
            file::download(opened, media, &path).await?;
            json!({"saved": path})
        }
        "answer" => {
            let to = params.who(opened, "to").await?;
            let draft =
                DraftContent::Choose { message: params.must("message")?, choice: params.must("choice")? };
            sent(opened, to, draft.into()).await?
        }
        "choices" => {
            let message =
                device.message(params.must("message")?).await?.ok_or(client::Error::NoSuchMessage)?;
            shown(&message.body.choices())
        }
        "share_number" => {
            let to = params.who(opened, "to").await?;
            let draft = device.number_proof(to).await?;
            sent(opened, to, draft).await?
        }
        "typing" => {
            let stopped: Option<bool> = params.may("stopped")?;
            device.typing(params.who(opened, "to").await?, stopped.unwrap_or_default()).await?;
            Value::Null
        }
        "mark_read" => {
            let position = params.must("position")?;
            json!({"read": device.mark_read(params.who(opened, "chat").await?, position).await?})
        }
        "mark_played" => {
            device.mark_played(params.must("message")?).await?;
            Value::Null
        }
        "message" => shown(&device.message(params.must("message")?).await?),
        "chats" => shown(&device.chats().await?),
        "history" => {
            let limit: Option<usize> = params.may("limit")?;
            let chat = params.who(opened, "chat").await?;
            shown(&device.history(chat, params.may("before")?, limit.unwrap_or(50)).await?)
        }
        "messages" | "feed" => {
            let limit: Option<usize> = params.may("limit")?;
            let after: Option<u64> = params.may("after")?;
            let (after, limit) = (after.unwrap_or_default(), limit.unwrap_or(50));
            match method {
                "messages" => shown(&device.messages(after, limit).await?),
                _ => shown(&device.feed(after, limit).await?),
            }
        }
        "forget_through" => {
            let position = params.must("position")?;
            json!({"forgotten": device.forget_through(position).await?})
        }
        "mark_these_read" => {
            let messages: Vec<MessageRef> = params.must("messages")?;
            shown(&device.mark_these_read(params.who(opened, "chat").await?, &messages).await?)
        }
        "forget_message" => shown(&device.forget_message(params.must("message")?).await?),
        "forget_chat" => shown(&device.forget_chat(params.who(opened, "chat").await?).await?),
        _ => return about_people(opened, method, &params).await,
    })
}

async fn about_people(opened: &Opened, method: &str, params: &Params) -> Result<Value, Fault> {
    let device = &opened.device;
    let account = || params.who(opened, "account");
    Ok(match method {
        "label" => shown(&device.refresh_label(account().await?).await?),
        "label_shown" => {
            let digest: Base64 = params.must("digest")?;
            device.label_shown(account().await?, &digest.0).await?;
            Value::Null
        }
        "contacts" => shown(&device.contacts().await?),
        "contact" => shown(&device.contact(account().await?).await?),
        "set_contact" => {
            let (name, number): (String, Option<PhoneNumber>) = (params.must("name")?, params.may("number")?);
            device.set_contact(account().await?, &name, number.as_ref()).await?;
            Value::Null
        }
        "lookup" => {
            let numbers: Vec<PhoneNumber> = params.must("numbers")?;
            shown(&device.lookup(&numbers).await?)
        }
        "block" => shown(&device.block(account().await?).await?),
        "unblock" => shown(&device.unblock(account().await?).await?),
        "blocks" => shown(&device.blocks().await?),
        "safety_number" => {
            let account = account().await?;
            let number = device.safety_number(account).await?;
            json!({"digits": number.digits, "code": number.code, "trust": device.trust(account).await?})
        }
        "set_verified" => {
            let digits: Option<String> =
                if params.must("verified")? { Some(params.must("digits")?) } else { None };
            shown(&device.set_verified(account().await?, digits.as_deref()).await?)
        }
        "accept_identity" => {
            let digits: String = params.must("digits")?;
            shown(&device.accept_identity(account().await?, &digits).await?)
        }
        "profile" => shown(&device.profile_of(account().await?).await?),
        "set_profile" => {
            let about: Option<String> = params.may("about")?;
            let old = device.profile_of(device.own().account).await?.unwrap_or_default();
            let new =
                Profile { name: params.must("name")?, about: about.unwrap_or(old.about), avatar: old.avatar };
            shown(&device.set_profile(&new).await?)
        }
        _ => return about_account(opened, method, params).await,
    })
}

async fn about_account(opened: &Opened, method: &str, params: &Params) -> Result<Value, Fault> {
    let device = &opened.device;
    Ok(match method {
        "devices" => shown(&device.devices().await?),
        "remove_device" => {
            let id: DeviceId = params.must("device")?;
            shown(&device.remove_device(id).await?)
        }
        "link" => {
            let url: String = params.must("url")?;
            shown(&device.link(&url.parse()?).await?)
        }
        "account" => shown(&device.account_at_relay().await?),
        "set_discoverable" => shown(&device.set_discoverable(params.must("discoverable")?).await?),
        "set_pin" => {
            let pin: Option<String> = params.may("pin")?;
            shown(&device.set_pin(pin.as_deref()).await?)
        }
        "settings" => shown(&device.settings().await?),
        "set_settings" => {
            let settings: Settings = params.all()?;
            shown(&device.set_settings(settings).await?)
        }
        "outbox" => json!({"waiting": device.outbox_len().await?}),
        "settled" => shown(&device.settled().await?),
        _ => return Err(Fault::new(-32601, format!("there is no method {method:?}; `methods` lists them"))),
    })
}

async fn send(opened: &Opened, params: &Params) -> Result<Value, Fault> {
    let to = params.who(opened, "to").await?;
    let mut draft = match (params.may::<String>("text")?, params.may::<Draft>("draft")?) {
        (Some(text), None) => Draft::text(text),
        (None, Some(draft)) => draft,
        _ => return Err(Fault::params("one of text and draft")),
    };
    draft.quote = params.may("quote")?.or(draft.quote);
    draft.expires_after = params.may("expires_after")?.or(draft.expires_after);
    if let Some(reference) = params.may::<Base64>("reference")? {
        let bytes = reference.0[..].try_into().map_err(|_| Fault::params("a reference has 16 bytes"))?;
        draft.reference = Some(bytes);
    }
    sent(opened, to, draft).await
}

async fn sent(opened: &Opened, to: AccountId, draft: Draft) -> Result<Value, Fault> {
    let id = opened.device.send(to, draft).await?;
    let message = opened.device.message(id).await?;
    Ok(json!({"id": id, "position": message.map(|message| message.position)}))
}

fn shown(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// What a request says, by name.
struct Params(Value);

impl Params {
    fn may<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Fault> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        Option::<T>::deserialize(value).map_err(|error| Fault::params(format!("{name}: {error}")))
    }

    fn must<T: DeserializeOwned>(&self, name: &str) -> Result<T, Fault> {
        self.may(name)?.ok_or_else(|| Fault::params(format!("{name} is missing")))
    }

    fn all<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        T::deserialize(&self.0).map_err(|error| Fault::params(error.to_string()))
    }

    /// An account, a number or a name.
    async fn who(&self, opened: &Opened, name: &str) -> Result<AccountId, Fault> {
        let words: String = self.must(name)?;
        Ok(recipient::find(&opened.device, &words).await?)
    }
}
