//! Messages that came in.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{contact, digits, error, of_number, put, seconds};
use crate::{
    codes::{Code, Refusal},
    content::{Card, Content, Context, File, Identity, Inbound, InteractiveReply, Profile, System},
};

/// The value of field `messages` for a message that came in.
#[must_use]
pub fn message(inbound: &Inbound) -> Value {
    let content = &inbound.content;
    let mut message = json!({
        "from_user_id": inbound.from.user_id,
        "id": inbound.id,
        "timestamp": seconds(inbound.at).to_string(),
        "type": content.kind(),
    });
    put(&mut message, "from", inbound.from.wa_id.clone());
    put(&mut message, "context", context(&inbound.context, &inbound.display_number));
    if let Some(said) = said(content, &inbound.from) {
        put(&mut message, content.kind(), Some(said));
    }
    if let Content::Unsupported { .. } | Content::Interactive(_) | Content::Template(_) = content {
        put(&mut message, "errors", Some(json!([unknown_type()])));
        put(&mut message, "type", Some("unsupported"));
    }
    if let Some(file) = content.file()
        && file.sha256.is_none()
    {
        put(&mut message, "errors", Some(json!([file_lost()])));
    }
    let mut contact = contact(&inbound.from);
    if let Some(identity) = &inbound.identity {
        let Identity { hash, since, acknowledged } = identity;
        let known = json!({"acknowledged": acknowledged, "created_timestamp": seconds(*since).to_string(), "hash": hash});
        put(&mut message, "identity", Some(known));
        put(&mut contact, "identity_key_hash", Some(hash.clone()));
    }
    let mut value = of_number(&inbound.display_number, inbound.number);
    put(&mut value, "contacts", Some(json!([contact])));
    put(&mut value, "messages", Some(json!([message])));
    value
}

/// With an id for what is answered, without one for what was passed on.
fn context(context: &Context, ours: &str) -> Option<Value> {
    let mut said = Map::new();
    if let Some(answered) = context.message_id {
        said.insert("from".to_owned(), digits(ours).into());
        said.insert("id".to_owned(), answered.0.to_string().into());
    }
    if context.frequently_forwarded {
        said.insert("frequently_forwarded".to_owned(), true.into());
    } else if context.forwarded {
        said.insert("forwarded".to_owned(), true.into());
    }
    (!said.is_empty()).then_some(Value::Object(said))
}

/// The object that has the name of the type.
fn said(content: &Content, from: &Profile) -> Option<Value> {
    Some(match content {
        Content::Text(text) => json!({"body": text.body}),
        Content::Image(file) | Content::Video(file) => captioned(file),
        Content::Document(file) => {
            let mut said = captioned(file);
            // Consumers take it for granted, and people's devices need not give one.
            let made_up = || {
                format!("document{}", file.mime_type.as_deref().map(crate::media::ending).unwrap_or_default())
            };
            put(&mut said, "filename", Some(file.filename.clone().unwrap_or_else(made_up)));
            said
        }
        Content::Audio(file) => {
            let mut said = stored(file);
            // The type that the API has for voice notes.
            let bare = file.voice && file.mime_type.as_deref() == Some("audio/ogg");
            put(&mut said, "mime_type", bare.then_some("audio/ogg; codecs=opus"));
            put(&mut said, "voice", Some(file.voice));
            said
        }
        Content::Sticker(file) => {
            let mut said = stored(file);
            put(&mut said, "animated", Some(file.animated));
            said
        }
        Content::Location(place) => {
            let mut said = json!({"latitude": place.latitude, "longitude": place.longitude});
            put(&mut said, "name", place.name.clone());
            put(&mut said, "address", place.address.clone());
            said
        }
        Content::Contacts { cards } => cards.iter().map(card).collect(),
        Content::Reaction(reaction) => {
            let mut said = json!({"message_id": reaction.message_id});
            put(&mut said, "emoji", reaction.emoji.clone());
            said
        }
        Content::Button(button) => json!({"payload": button.payload, "text": button.text}),
        Content::InteractiveReply(reply) => chosen(reply),
        Content::Edit { original, body } => {
            json!({"original_message_id": original, "message": {"type": "text", "text": {"body": body}}})
        }
        Content::Revoke { original } => json!({"original_message_id": original}),
        Content::System(system) => happened(system, from),
        Content::Unsupported { what } => json!({"type": what.as_deref().unwrap_or("unknown")}),
        Content::Interactive(_) | Content::Template(_) | Content::RequestWelcome => return None,
    })
}

fn stored(file: &File) -> Value {
    let mut said = json!({});
    put(&mut said, "id", file.id.map(|id| id.to_string()));
    put(&mut said, "mime_type", file.mime_type.clone());
    put(&mut said, "sha256", file.sha256.as_deref().map(in_base64));
    put(&mut said, "url", file.link.clone());
    said
}

fn captioned(file: &File) -> Value {
    let mut said = stored(file);
    put(&mut said, "caption", file.caption.clone());
    said
}

/// Look-ups have it in hexadecimal, messages in base64. What is neither stays.
fn in_base64(hash: &str) -> String {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = hash.as_bytes().chunks(2).map(pair).collect();
    bytes.map_or_else(|| hash.to_owned(), |bytes| STANDARD.encode(bytes))
}

fn card(card: &Card) -> Value {
    // Strings and lists of them: it cannot fail.
    let mut said = serde_json::to_value(card).unwrap_or_default();
    if let Some(said) = said.as_object_mut() {
        said.remove("requested");
    }
    put(&mut said, "origin", Some(if card.requested { "contact_request" } else { "other" }));
    said
}

fn chosen(reply: &InteractiveReply) -> Value {
    match reply {
        InteractiveReply::ButtonReply { id, title } => {
            json!({"type": "button_reply", "button_reply": {"id": id, "title": title}})
        }
        InteractiveReply::ListReply { id, title, description } => {
            let mut row = json!({"id": id, "title": title});
            put(&mut row, "description", description.clone());
            json!({"type": "list_reply", "list_reply": row})
        }
    }
}

fn happened(system: &System, from: &Profile) -> Value {
    let known = from.wa_id.as_deref().unwrap_or_else(|| from.user_id.as_str());
    match system {
        System::UserChangedNumber { wa_id } => json!({
            "type": "user_changed_number",
            "body": format!("User {} changed from {known} to {wa_id}", from.name),
            "wa_id": wa_id,
            "user_id": from.user_id,
        }),
        System::CustomerIdentityChanged { identity } => json!({
            "type": "customer_identity_changed",
            "body": format!("The security code of {known} changed"),
            "identity": identity,
            "customer": known,
        }),
    }
}

fn file_lost() -> Value {
    let refusal = Refusal::new(Code::MediaDownload, "The file could not be taken: too large, or gone.");
    error(&refusal, false)
}

fn unknown_type() -> Value {
    let refusal = Refusal::new(Code::UnsupportedType, "Message type is currently not supported.");
    let mut error = error(&refusal, false);
    put(&mut error, "title", Some("Message type unknown"));
    put(&mut error, "message", Some("Message type unknown"));
    error
}
