//! Between what travels ([`wire::content`]) and what a person sees. Nothing that comes from outside goes further than
//! here without a limit.

mod cards;
mod interactive;

use wire::{
    AccountId, Base64,
    content::{self, BlobPointer, Content, MediaType},
    limits,
};

use crate::{
    Blob, Body, Change, Draft, DraftContent, Error, LinkPreview, Location, Media, MediaKind, MessageRef,
};

/// Bytes of a text.
const TEXT: usize = 64 << 10;
/// Bytes of a name, a content type, an address.
const WORDS: usize = 1024;
/// Bytes of what is quoted.
const EXCERPT: usize = 512;
/// Bytes of an emoji: families of many code points are long.
const EMOJI: usize = 64;
/// Timestamps in a receipt, messages in a note to own devices.
pub(crate) const NAMED: usize = 1000;
/// Seconds that a message may last before it disappears: ten years.
const TIMER: u32 = 10 * 365 * 86_400;
/// Bytes of an id of a blob.
const BLOB_ID: usize = 128;

/// The message that a reference names, if it can be one.
pub(crate) fn message_ref(reference: &content::MessageRef) -> Option<MessageRef> {
    let author = AccountId::try_from(&reference.author[..]).ok()?;
    Some(MessageRef { author, timestamp: reference.timestamp })
}

pub(crate) fn wire_ref(message: MessageRef) -> content::MessageRef {
    content::MessageRef { author: message.author.as_bytes().to_vec(), timestamp: message.timestamp }
}

/// Which message a content changes, and how, if it is a change. Whoever edits or deletes names only when: it is of
/// their own messages.
pub(crate) fn change_from_wire(by: AccountId, content: Option<&Content>) -> Option<(MessageRef, Change)> {
    use content::Body as Wire;
    let own = |timestamp| MessageRef { author: by, timestamp };
    match content.and_then(|content| content.body.as_ref())? {
        Wire::Reaction(reaction) => {
            let emoji = (!reaction.remove).then(|| reaction.emoji.clone());
            Some((message_ref(reaction.message.as_ref()?)?, Change::Reaction { emoji }))
        }
        Wire::Edit(edit) => Some((own(edit.timestamp), Change::Edit { text: edit.body.clone() })),
        Wire::Delete(delete) => Some((own(delete.timestamp), Change::Delete)),
        _ => None,
    }
}

/// Whether it is something, and no longer than this.
fn fits(text: &str, limit: usize) -> bool {
    !text.is_empty() && text.len() <= limit
}

/// Cuts text to so many bytes, between two characters.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
    }
}

/// Cuts text to so many characters.
pub(crate) fn cut_characters(text: &mut String, limit: usize) {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
    }
}

/// The last part of a path of any system, without what could be taken for one.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut last: String =
        last.chars().filter(|character| !character.is_control() && *character != ':').collect();
    cut(&mut last, 255);
    let bare = last.trim_matches([' ', '.']).is_empty();
    if bare { String::new() } else { last }
}

/// Puts everything within its limits. What cannot be is taken away; without a body the message is shown as not
/// supported.
pub(crate) fn bounded(mut content: Content) -> Content {
    content.expires_after = content.expires_after.min(TIMER);
    if content.profile_key.len() != 32 {
        content.profile_key.clear();
    }
    content.quote =
        content.quote.take().filter(|quote| quote.message.as_ref().and_then(message_ref).is_some());
    if let Some(quote) = &mut content.quote {
        cut(&mut quote.excerpt, EXCERPT);
    }
    content.preview = content.preview.take().filter(|preview| interactive::is_url(&preview.url));
    if let Some(preview) = &mut content.preview {
        cut(&mut preview.title, WORDS);
        cut(&mut preview.description, WORDS);
        if preview.thumbnail.len() > limits::THUMBNAIL {
            preview.thumbnail.clear();
        }
    }
    content.body = content.body.take().and_then(bounded_body);
    content
}

fn bounded_body(mut body: content::Body) -> Option<content::Body> {
    use content::{Body as Wire, SyncEvent};
    let good = match &mut body {
        Wire::Text(text) => {
            cut(&mut text.body, TEXT);
            true
        }
        Wire::Media(media) => good_media(media),
        Wire::Location(place) => good_place(place),
        Wire::Contacts(cards) => cards::good(cards),
        Wire::Interactive(content) => interactive::good_interactive(content),
        Wire::Template(template) => interactive::good_template(template),
        Wire::Reply(reply) => interactive::good_reply(reply),
        Wire::NumberShare(share) => interactive::good_proof(share),
        Wire::ErasureDone(done) => interactive::good_done(done),
        Wire::Reaction(reaction) => {
            let named = reaction.message.as_ref().and_then(message_ref).is_some();
            named && is_emoji(&reaction.emoji, reaction.remove)
        }
        Wire::Edit(edit) => {
            cut(&mut edit.body, TEXT);
            true
        }
        Wire::Receipt(receipt) => {
            receipt.timestamps.truncate(NAMED);
            true
        }
        Wire::Sync(sync) => match &mut sync.event {
            Some(SyncEvent::Read(read)) => {
                read.messages.truncate(NAMED);
                true
            }
            Some(SyncEvent::Contact(contact)) => {
                cut(&mut contact.name, WORDS);
                true
            }
            Some(_) => true,
            None => false,
        },
        Wire::Menu(menu) => {
            crate::menu::bound(menu);
            true
        }
        Wire::Delete(_)
        | Wire::ChatOpened(_)
        | Wire::Typing(_)
        | Wire::TimerChange(_)
        | Wire::Preference(_)
        | Wire::ErasureRequest(_) => true,
    };
    good.then_some(body)
}

/// Puts a medium within its limits; whether it can be had.
fn good_media(media: &mut content::Media) -> bool {
    media.file_name = file_name(&media.file_name);
    cut(&mut media.content_type, WORDS);
    cut(&mut media.caption, TEXT);
    if media.thumbnail.len() > limits::THUMBNAIL {
        media.thumbnail.clear();
    }
    media.blob.as_ref().is_some_and(|blob| blob_from_wire(blob).is_some())
}

fn good_place(place: &mut content::Location) -> bool {
    cut(&mut place.name, WORDS);
    cut(&mut place.address, WORDS);
    on_earth(place.latitude, place.longitude) && place.accuracy.is_finite()
}

fn is_emoji(emoji: &str, remove: bool) -> bool {
    emoji.len() <= EMOJI && (remove || !emoji.is_empty()) && !emoji.contains(char::is_control)
}

fn on_earth(latitude: f64, longitude: f64) -> bool {
    // Ranges hold no NaN.
    (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude)
}

pub(crate) fn blob_from_wire(blob: &BlobPointer) -> Option<Blob> {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let good = blob.key.len() == 32
        && blob.digest.len() == 32
        && !blob.id.is_empty()
        && blob.id.len() <= BLOB_ID
        && blob.id.bytes().all(name)
        && blob.size <= 1 << 40;
    good.then(|| Blob {
        id: blob.id.clone(),
        key: Base64(blob.key.clone()),
        digest: Base64(blob.digest.clone()),
        size: blob.size,
    })
}

pub(crate) fn blob_to_wire(blob: &Blob) -> BlobPointer {
    BlobPointer {
        id: blob.id.clone(),
        key: blob.key.0.clone(),
        digest: blob.digest.0.clone(),
        size: blob.size,
    }
}

/// What a stored message says.
pub(crate) fn body_from_wire(deleted: bool, content: Option<&Content>) -> Body {
    use content::Body as Wire;
    if deleted {
        return Body::Deleted;
    }
    match content.and_then(|content| content.body.as_ref()) {
        Some(Wire::Text(text)) => Body::Text { text: text.body.clone() },
        Some(Wire::Media(media)) => media_from_wire(media).map_or(Body::Unsupported, Body::Media),
        Some(Wire::Location(place)) => Body::Location(place_from_wire(place)),
        Some(Wire::Contacts(cards)) => {
            Body::Contacts { contacts: cards.contacts.iter().map(cards::from_wire).collect() }
        }
        Some(Wire::Interactive(content)) => Body::Interactive(interactive::from_wire(content)),
        Some(Wire::Template(template)) => {
            interactive::template_from_wire(template).map_or(Body::Unsupported, Body::Template)
        }
        Some(Wire::Reply(reply)) => {
            interactive::reply_from_wire(reply).map_or(Body::Unsupported, Body::Reply)
        }
        Some(Wire::NumberShare(share)) => Body::NumberShare { proof: Base64(share.proof.clone()) },
        Some(Wire::Preference(preference)) => {
            Body::Preference { marketing: interactive::marketing_from_wire(*preference) }
        }
        Some(Wire::ErasureRequest(_)) => Body::ErasureRequest,
        Some(Wire::ErasureDone(done)) => {
            done.request.as_ref().and_then(message_ref).map_or(Body::Unsupported, |request| {
                Body::ErasureDone { request, messages: done.messages, media: done.media }
            })
        }
        Some(Wire::TimerChange(_)) => Body::Timer,
        Some(Wire::ChatOpened(_)) => Body::ChatOpened,
        _ => Body::Unsupported,
    }
}

pub(crate) fn preview_from_wire(preview: &content::LinkPreview) -> LinkPreview {
    LinkPreview {
        url: preview.url.clone(),
        title: preview.title.clone(),
        description: preview.description.clone(),
        thumbnail: Base64(preview.thumbnail.clone()),
    }
}

pub(crate) fn preview_to_wire(preview: LinkPreview) -> content::LinkPreview {
    content::LinkPreview {
        url: preview.url,
        title: preview.title,
        description: preview.description,
        thumbnail: preview.thumbnail.0,
    }
}

fn place_from_wire(place: &content::Location) -> Location {
    Location {
        latitude: place.latitude,
        longitude: place.longitude,
        accuracy: place.accuracy,
        name: place.name.clone(),
        address: place.address.clone(),
    }
}

fn place_to_wire(place: Location) -> content::Location {
    content::Location {
        latitude: place.latitude,
        longitude: place.longitude,
        accuracy: place.accuracy,
        name: place.name,
        address: place.address,
    }
}

fn media_from_wire(media: &content::Media) -> Option<Media> {
    Some(Media {
        kind: match media.r#type() {
            MediaType::File => MediaKind::File,
            MediaType::Image => MediaKind::Image,
            MediaType::Audio => MediaKind::Audio,
            MediaType::Voice => MediaKind::Voice,
            MediaType::Video => MediaKind::Video,
            MediaType::Document => MediaKind::Document,
            MediaType::Sticker => MediaKind::Sticker,
        },
        blob: blob_from_wire(media.blob.as_ref()?)?,
        content_type: media.content_type.clone(),
        file_name: media.file_name.clone(),
        caption: media.caption.clone(),
        width: media.width,
        height: media.height,
        duration: media.duration,
        thumbnail: Base64(media.thumbnail.clone()),
        animated: media.animated,
    })
}

fn media_to_wire(media: Media) -> content::Media {
    let r#type = match media.kind {
        MediaKind::File => MediaType::File,
        MediaKind::Image => MediaType::Image,
        MediaKind::Audio => MediaType::Audio,
        MediaKind::Voice => MediaType::Voice,
        MediaKind::Video => MediaType::Video,
        MediaKind::Document => MediaType::Document,
        MediaKind::Sticker => MediaType::Sticker,
    };
    content::Media {
        r#type: r#type.into(),
        blob: Some(blob_to_wire(&media.blob)),
        content_type: media.content_type,
        file_name: file_name(&media.file_name),
        caption: media.caption,
        width: media.width,
        height: media.height,
        duration: media.duration,
        thumbnail: media.thumbnail.0,
        animated: media.animated,
    }
}

/// What a draft sends. The caller has looked at the messages that it names.
pub(crate) fn body_to_wire(draft: Draft) -> Result<content::Body, Error> {
    use content::Body as Wire;
    let body = match draft.content {
        DraftContent::Text { text } if text.is_empty() => return Err(Error::Invalid("the text is empty")),
        DraftContent::Text { text } => Wire::Text(content::Text { body: text }),
        DraftContent::Media(media) => Wire::Media(media_to_wire(media)),
        DraftContent::Location(place) => Wire::Location(place_to_wire(place)),
        DraftContent::Contacts { contacts } => {
            Wire::Contacts(content::Contacts { contacts: contacts.into_iter().map(cards::to_wire).collect() })
        }
        DraftContent::Interactive(content) => Wire::Interactive(interactive::to_wire(content)),
        DraftContent::Template(template) => Wire::Template(interactive::template_to_wire(template)),
        // Made a reply by who has the message.
        DraftContent::Choose { .. } => return Err(Error::NoSuchMessage),
        DraftContent::Reply(reply) => Wire::Reply(interactive::reply_to_wire(reply)),
        DraftContent::NumberShare { proof } => Wire::NumberShare(content::NumberShare { proof: proof.0 }),
        DraftContent::Preference { marketing } => Wire::Preference(interactive::marketing_to_wire(marketing)),
        DraftContent::ErasureRequest => Wire::ErasureRequest(content::ErasureRequest {}),
        DraftContent::ErasureDone { request, messages, media } => {
            Wire::ErasureDone(content::ErasureDone { request: Some(wire_ref(request)), messages, media })
        }
        DraftContent::Reaction { message, emoji } => Wire::Reaction(content::Reaction {
            message: Some(wire_ref(message)),
            remove: emoji.is_none(),
            emoji: emoji.unwrap_or_default(),
        }),
        DraftContent::Edit { message, text } => {
            Wire::Edit(content::Edit { timestamp: message.timestamp, body: text })
        }
        DraftContent::Delete { message } => Wire::Delete(content::Delete { timestamp: message.timestamp }),
        DraftContent::Timer { .. } => Wire::TimerChange(content::TimerChange {}),
    };
    // Whatever a reader would cut or refuse is not sent.
    match bounded_body(body.clone()) {
        Some(bounded) if bounded == body => Ok(body),
        _ => Err(Error::Invalid("something in the message is too long, too much or not what it should be")),
    }
}

/// The first words of a message, for whoever does not have it.
pub(crate) fn excerpt(body: Option<&content::Body>) -> String {
    use content::Body as Wire;
    let mut words = match body {
        Some(Wire::Text(text)) => text.body.clone(),
        Some(Wire::Media(media)) if !media.caption.is_empty() => media.caption.clone(),
        Some(Wire::Media(media)) => media.file_name.clone(),
        Some(Wire::Location(place)) => place.name.clone(),
        Some(Wire::Interactive(content)) => content.body.clone(),
        Some(Wire::Template(template)) => {
            template.content.as_ref().map(|content| content.body.clone()).unwrap_or_default()
        }
        Some(Wire::Reply(reply)) => reply.title.clone(),
        _ => String::new(),
    };
    cut(&mut words, EXCERPT);
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::Message as _;

    use super::*;

    #[test]
    fn file_names_lead_nowhere() {
        for (name, kept) in [
            ("report.pdf", "report.pdf"),
            ("/etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("C:evil.txt", "Cevil.txt"),
            ("..", ""),
            ("a/..", ""),
            (" . ", ""),
            ("a\0b\n.txt", "ab.txt"),
            ("Übersicht 1. Mai.txt", "Übersicht 1. Mai.txt"),
        ] {
            assert_eq!(file_name(name), kept, "{name:?}");
        }
        assert_eq!(file_name(&"ü".repeat(200)).len(), 254);
    }

    #[test]
    fn what_is_too_much_is_cut_or_refused() {
        let blob = BlobPointer { id: "a-b_1".into(), key: vec![1; 32], digest: vec![2; 32], size: 3 };
        let media = content::Media {
            blob: Some(blob.clone()),
            thumbnail: vec![0; limits::THUMBNAIL + 1],
            ..Default::default()
        };
        let Some(content::Body::Media(kept)) = bounded_body(content::Body::Media(media)) else { panic!() };
        assert!(kept.thumbnail.is_empty());
        let change = |edit: fn(&mut BlobPointer)| {
            let mut blob = blob.clone();
            edit(&mut blob);
            blob_from_wire(&blob)
        };
        assert!(change(|_| {}).is_some());
        assert!(change(|blob| blob.id = "../keys".into()).is_none());
        assert!(change(|blob| blob.id.clear()).is_none());
        assert!(change(|blob| blob.key.truncate(31)).is_none());
        assert!(change(|blob| blob.digest.truncate(31)).is_none());
        for (latitude, longitude) in [(91.0, 0.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(!on_earth(latitude, longitude));
        }
        let long = Draft::text("x".repeat(TEXT + 1));
        assert!(matches!(body_to_wire(long), Err(Error::Invalid(_))));
        let emoji = |emoji: &str| is_emoji(emoji, false);
        assert!(emoji("👩‍👩‍👧‍👦") && !emoji("") && !emoji(&"👍".repeat(20)) && !emoji("\u{1b}[2J"));
    }

    proptest! {
        #[test]
        fn no_content_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(content) = Content::decode(bytes.as_slice()) {
                let once = bounded(content);
                prop_assert_eq!(bounded(once.clone()), once);
            }
        }
    }
}
