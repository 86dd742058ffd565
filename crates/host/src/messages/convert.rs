//! Between the words of the API ([`Content`]) and those of devices.

use std::collections::HashMap;

use client::{Body, ButtonAction, DraftContent, MediaKind, MessageRef, ReplyKind};

use crate::{
    codes::{Code, Refusal},
    content::{
        self, Action, ButtonReply, Card, CardAddress, CardEmail, CardName, CardOrg, CardPhone, CardUrl,
        Category, Content, File, Header, Interactive, InteractiveReply, Template, TemplateButton, Text,
    },
    ids::{MediaId, MessageId},
};

/// Files at the relay, by the host's ids.
pub(crate) type Files = HashMap<MediaId, client::Media>;

/// All files in a content.
pub(crate) fn files_mut(content: &mut Content) -> Vec<&mut File> {
    uses_mut(content).into_iter().map(|(_, file)| file).collect()
}

/// All files in a content, each with what it is shown as.
pub(crate) fn uses_mut(content: &mut Content) -> Vec<(MediaKind, &mut File)> {
    match content {
        Content::Image(file) => vec![(MediaKind::Image, file)],
        Content::Video(file) => vec![(MediaKind::Video, file)],
        Content::Audio(file) => {
            vec![(if file.voice { MediaKind::Voice } else { MediaKind::Audio }, file)]
        }
        Content::Document(file) => vec![(MediaKind::Document, file)],
        Content::Sticker(file) => vec![(MediaKind::Sticker, file)],
        Content::Interactive(interactive) => {
            let mut found: Vec<_> = header_file(interactive.header.as_mut()).into_iter().collect();
            if let Action::Carousel { cards } = &mut interactive.action {
                found.extend(cards.iter_mut().filter_map(|card| header_file(card.header.as_mut())));
            }
            found
        }
        Content::Template(template) => {
            let found = header_file(template.header.as_mut()).into_iter();
            let cards = template.cards.iter_mut().filter_map(|card| header_file(card.header.as_mut()));
            found.chain(cards).collect()
        }
        _ => Vec::new(),
    }
}

const fn header_file(header: Option<&mut Header>) -> Option<(MediaKind, &mut File)> {
    match header {
        Some(Header::Image(file)) => Some((MediaKind::Image, file)),
        Some(Header::Video(file)) => Some((MediaKind::Video, file)),
        Some(Header::Document(file)) => Some((MediaKind::Document, file)),
        _ => None,
    }
}

fn unsupported(why: &'static str) -> Refusal {
    Refusal::new(Code::UnsupportedType, why)
}

/// What a device sends for a content.
pub(super) fn draft(
    content: Content,
    at_relay: &Files,
    names: &impl Fn(MessageId) -> Option<MessageRef>,
) -> Result<DraftContent, Refusal> {
    let media = |file: &File, kind| media(file, kind, at_relay);
    let of = |id: MessageId| {
        names(id)
            .ok_or_else(|| Refusal::new(Code::ParameterInvalid, "There is no such message in this chat."))
    };
    Ok(match content {
        Content::Text(text) => DraftContent::Text { text: text.body },
        Content::Image(file) => DraftContent::Media(media(&file, MediaKind::Image)?),
        Content::Video(file) => DraftContent::Media(media(&file, MediaKind::Video)?),
        Content::Audio(file) => {
            let kind = if file.voice { MediaKind::Voice } else { MediaKind::Audio };
            DraftContent::Media(media(&file, kind)?)
        }
        Content::Document(file) => DraftContent::Media(media(&file, MediaKind::Document)?),
        Content::Sticker(file) => DraftContent::Media(media(&file, MediaKind::Sticker)?),
        Content::Location(place) => DraftContent::Location(client::Location {
            latitude: place.latitude,
            longitude: place.longitude,
            accuracy: 0.0,
            name: place.name.unwrap_or_default(),
            address: place.address.unwrap_or_default(),
        }),
        Content::Contacts { cards } => {
            DraftContent::Contacts { contacts: cards.into_iter().map(card_out).collect() }
        }
        Content::Reaction(reaction) => DraftContent::Reaction {
            message: of(reaction.message_id.0)?,
            emoji: reaction.emoji.filter(|emoji| !emoji.is_empty()),
        },
        Content::Edit { original, body } => DraftContent::Edit { message: of(original.0)?, text: body },
        Content::Revoke { original } => DraftContent::Delete { message: of(original.0)? },
        Content::Interactive(interactive) => {
            DraftContent::Interactive(interactive_out(*interactive, at_relay)?)
        }
        Content::Template(template) => DraftContent::Template(template_out(*template, at_relay)?),
        Content::Button(_)
        | Content::InteractiveReply(_)
        | Content::System(_)
        | Content::RequestWelcome
        | Content::Unsupported { .. } => {
            return Err(unsupported("A business cannot send messages of this type."));
        }
    })
}

fn media(file: &File, kind: MediaKind, at_relay: &Files) -> Result<client::Media, Refusal> {
    let there = file.id.and_then(|id| at_relay.get(&id));
    let there = there.ok_or_else(|| Refusal::new(Code::MediaUpload, "There is no such file."))?;
    Ok(client::Media {
        kind,
        file_name: file.filename.clone().unwrap_or_else(|| there.file_name.clone()),
        caption: file.caption.clone().unwrap_or_default(),
        animated: file.animated,
        ..there.clone()
    })
}

fn header_out(header: Option<Header>, at_relay: &Files) -> Result<Option<client::Header>, Refusal> {
    let media = |file: &File, kind| media(file, kind, at_relay).map(client::Header::Media);
    Ok(match header {
        None => None,
        Some(Header::Text { text }) => Some(client::Header::Text { text }),
        Some(Header::Image(file)) => Some(media(&file, MediaKind::Image)?),
        Some(Header::Video(file)) => Some(media(&file, MediaKind::Video)?),
        Some(Header::Document(file)) => Some(media(&file, MediaKind::Document)?),
        Some(Header::Location { latitude, longitude, name, address }) => {
            let degrees = |text: &str| {
                text.parse::<f64>()
                    .map_err(|_| Refusal::new(Code::ParameterInvalid, "A place is two numbers of degrees."))
            };
            Some(client::Header::Location(client::Location {
                latitude: degrees(&latitude)?,
                longitude: degrees(&longitude)?,
                accuracy: 0.0,
                name: name.unwrap_or_default(),
                address: address.unwrap_or_default(),
            }))
        }
    })
}

fn button(title: impl Into<String>, action: ButtonAction) -> client::Button {
    client::Button { title: title.into(), action }
}

fn interactive_out(from: Interactive, at_relay: &Files) -> Result<client::Interactive, Refusal> {
    let mut to = client::Interactive {
        header: header_out(from.header, at_relay)?,
        body: from.body.unwrap_or_default(),
        footer: from.footer.unwrap_or_default(),
        ..client::Interactive::default()
    };
    match from.action {
        Action::Button { buttons } => {
            to.buttons = buttons
                .into_iter()
                .map(|new| button(new.title, ButtonAction::Reply { id: new.id }))
                .collect();
        }
        Action::List { button, sections } => {
            let row = |row: content::ListRow| client::Row {
                id: row.id,
                title: row.title,
                description: row.description.unwrap_or_default(),
            };
            let sections = sections.into_iter().map(|section| client::Section {
                title: section.title,
                rows: section.rows.into_iter().map(row).collect(),
            });
            to.list = Some(client::ChoiceList { button, sections: sections.collect() });
        }
        Action::CtaUrl { display_text, url } => {
            to.buttons = vec![button(display_text, ButtonAction::Url { url })]
        }
        Action::LocationRequest => to.buttons = vec![button("Send location", ButtonAction::LocationRequest)],
        Action::ContactRequest => {
            to.buttons = vec![button("Share contact info", ButtonAction::ContactRequest)]
        }
        Action::Carousel { cards } => {
            for card in cards {
                let card = interactive_out(card, at_relay)?;
                to.slides.push(client::Slide { header: card.header, body: card.body, buttons: card.buttons });
            }
        }
    }
    Ok(to)
}

fn template_button(from: TemplateButton) -> client::Button {
    match from {
        TemplateButton::QuickReply { text, payload } => button(text, ButtonAction::Reply { id: payload }),
        TemplateButton::Url { text, url } => button(text, ButtonAction::Url { url }),
        TemplateButton::PhoneNumber { text, phone_number } => {
            button(text, ButtonAction::Call { number: phone_number })
        }
        TemplateButton::CopyCode { text, code } => button(text, ButtonAction::Copy { text: code }),
        TemplateButton::RequestContactInfo { text } => button(text, ButtonAction::ContactRequest),
    }
}

fn template_out(from: Template, at_relay: &Files) -> Result<client::Template, Refusal> {
    let mut slides = Vec::with_capacity(from.cards.len());
    for card in from.cards {
        slides.push(client::Slide {
            header: header_out(card.header, at_relay)?,
            body: card.body.unwrap_or_default(),
            buttons: card.buttons.into_iter().map(template_button).collect(),
        });
    }
    Ok(client::Template {
        name: from.name,
        language: from.language,
        category: match from.category {
            Category::Service => client::TemplateCategory::Unknown,
            Category::Utility => client::TemplateCategory::Utility,
            Category::Marketing => client::TemplateCategory::Marketing,
            Category::Authentication => client::TemplateCategory::Authentication,
        },
        content: client::Interactive {
            header: header_out(from.header, at_relay)?,
            body: from.body,
            footer: from.footer.unwrap_or_default(),
            buttons: from.buttons.into_iter().map(template_button).collect(),
            list: None,
            slides,
        },
        offer: from.offer.map(|offer| client::Offer { text: offer.text, ends: offer.ends.unwrap_or(0) }),
    })
}

fn card_out(from: Card) -> client::Card {
    let text = Option::unwrap_or_default;
    let (phone_numbers, phone_labels) =
        from.phones.into_iter().map(|phone| (text(phone.phone), text(phone.r#type))).unzip();
    let (email_addresses, email_labels) =
        from.emails.into_iter().map(|email| (text(email.email), text(email.r#type))).unzip();
    let org = from.org.unwrap_or_default();
    let address = |from: CardAddress| client::PostalAddress {
        street: text(from.street),
        city: text(from.city),
        state: text(from.state),
        postal_code: text(from.zip),
        country: text(from.country),
        country_code: text(from.country_code),
        label: text(from.r#type),
    };
    let parts = client::NameParts {
        first: text(from.name.first_name),
        last: text(from.name.last_name),
        middle: text(from.name.middle_name),
        prefix: text(from.name.prefix),
        suffix: text(from.name.suffix),
    };
    client::Card {
        name: text(from.name.formatted_name),
        phone_numbers,
        email_addresses,
        organization: text(org.company),
        name_parts: (parts != client::NameParts::default()).then_some(parts),
        phone_labels,
        email_labels,
        addresses: from.addresses.into_iter().map(address).collect(),
        department: text(org.department),
        title: text(org.title),
        websites: from
            .urls
            .into_iter()
            .map(|url| client::Website { url: text(url.url), label: text(url.r#type) })
            .collect(),
        birthday: text(from.birthday),
    }
}

fn some(text: String) -> Option<String> {
    if text.is_empty() { None } else { Some(text) }
}

fn card_in(from: client::Card) -> Card {
    let parts = from.name_parts.unwrap_or_default();
    let labels = |labels: Vec<String>| labels.into_iter().map(some).chain(std::iter::repeat(None));
    let org = CardOrg {
        company: some(from.organization),
        department: some(from.department),
        title: some(from.title),
    };
    Card {
        name: CardName {
            formatted_name: Some(from.name),
            first_name: some(parts.first),
            last_name: some(parts.last),
            middle_name: some(parts.middle),
            prefix: some(parts.prefix),
            suffix: some(parts.suffix),
        },
        phones: from
            .phone_numbers
            .into_iter()
            .zip(labels(from.phone_labels))
            .map(|(phone, r#type)| CardPhone { phone: Some(phone), r#type, wa_id: None })
            .collect(),
        emails: from
            .email_addresses
            .into_iter()
            .zip(labels(from.email_labels))
            .map(|(email, r#type)| CardEmail { email: Some(email), r#type })
            .collect(),
        addresses: from
            .addresses
            .into_iter()
            .map(|from| CardAddress {
                street: some(from.street),
                city: some(from.city),
                state: some(from.state),
                zip: some(from.postal_code),
                country: some(from.country),
                country_code: some(from.country_code),
                r#type: some(from.label),
            })
            .collect(),
        org: (org != CardOrg::default()).then_some(org),
        urls: from
            .websites
            .into_iter()
            .map(|from| CardUrl { url: Some(from.url), r#type: some(from.label) })
            .collect(),
        birthday: some(from.birthday),
        requested: false,
    }
}

/// What a person's message says, if it is one that the business gets; a file without its id, which the caller has.
pub(super) fn inbound(body: Body) -> Content {
    match body {
        Body::Text { text } => Content::Text(Text { body: text, preview_url: false }),
        Body::Media(media) => {
            let file = File {
                caption: some(media.caption),
                filename: some(media.file_name),
                voice: media.kind == MediaKind::Voice,
                animated: media.animated,
                mime_type: some(media.content_type),
                ..File::default()
            };
            match media.kind {
                MediaKind::Image => Content::Image(file),
                MediaKind::Video => Content::Video(file),
                MediaKind::Audio | MediaKind::Voice => Content::Audio(file),
                MediaKind::Sticker => Content::Sticker(file),
                MediaKind::File | MediaKind::Document => Content::Document(file),
            }
        }
        Body::Location(place) => Content::Location(content::Location {
            latitude: place.latitude,
            longitude: place.longitude,
            name: some(place.name),
            address: some(place.address),
        }),
        Body::Contacts { contacts } => {
            Content::Contacts { cards: contacts.into_iter().map(card_in).collect() }
        }
        Body::Reply(reply) => match reply.kind {
            ReplyKind::Template => Content::Button(ButtonReply { payload: reply.id, text: reply.title }),
            ReplyKind::Button => {
                Content::InteractiveReply(InteractiveReply::ButtonReply { id: reply.id, title: reply.title })
            }
            ReplyKind::Row => Content::InteractiveReply(InteractiveReply::ListReply {
                id: reply.id,
                title: reply.title,
                description: some(reply.description),
            }),
            ReplyKind::Form => Content::Unsupported { what: Some("nfm_reply".to_owned()) },
        },
        Body::Interactive(_) => Content::Unsupported { what: Some("interactive".to_owned()) },
        Body::Template(_) => Content::Unsupported { what: Some("template".to_owned()) },
        _ => Content::Unsupported { what: None },
    }
}

/// The same file, as it is known here.
pub(super) fn with_file(content: Content, id: MediaId, mime_type: String, sha256: Option<String>) -> Content {
    let known = |file: File| File { id: Some(id), mime_type: Some(mime_type), sha256, ..file };
    match content {
        Content::Image(file) => Content::Image(known(file)),
        Content::Video(file) => Content::Video(known(file)),
        Content::Audio(file) => Content::Audio(known(file)),
        Content::Document(file) => Content::Document(known(file)),
        Content::Sticker(file) => Content::Sticker(known(file)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(content: Content) -> Content {
        let draft = draft(content, &Files::new(), &|_| None).unwrap();
        inbound(match draft {
            DraftContent::Text { text } => Body::Text { text },
            DraftContent::Location(place) => Body::Location(place),
            DraftContent::Contacts { contacts } => Body::Contacts { contacts },
            other => panic!("{other:?}"),
        })
    }

    fn word() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[a-zA-Zäöü0-9 +@.-]{1,20}")
    }

    prop_compose! {
        fn card()(
            name in "[a-z]{1,9}", first in word(), phones in prop::collection::vec((".{1,9}", word()), 0..4),
            emails in prop::collection::vec((".{1,9}", word()), 0..4), company in word(), title in word(),
            city in word(), street in word(), url in ".{1,20}", birthday in word(),
        ) -> Card {
            let org = CardOrg { company, department: None, title };
            Card {
                name: CardName { formatted_name: Some(name), first_name: first, ..CardName::default() },
                phones: phones.into_iter()
                    .map(|(phone, r#type)| CardPhone { phone: Some(phone), r#type, wa_id: None }).collect(),
                emails: emails.into_iter()
                    .map(|(email, r#type)| CardEmail { email: Some(email), r#type }).collect(),
                addresses: vec![CardAddress { city, street, ..CardAddress::default() }],
                org: (org != CardOrg::default()).then_some(org),
                urls: vec![CardUrl { url: Some(url), r#type: None }],
                birthday,
                requested: false,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_read(body in ".{1,200}", latitude in -90.0..90.0_f64,
            longitude in -180.0..180.0_f64, name in word(), cards in prop::collection::vec(card(), 1..4))
        {
            let contents = [
                Content::Text(Text { body, preview_url: false }),
                Content::Location(content::Location { latitude, longitude, name, address: None }),
                Content::Contacts { cards },
            ];
            for content in contents {
                prop_assert_eq!(round(content.clone()), content);
            }
        }
    }

    #[test]
    fn what_only_people_send_is_refused() {
        let refused = |content| draft(content, &Files::new(), &|_| None).unwrap_err().code;
        assert_eq!(refused(Content::RequestWelcome), Code::UnsupportedType);
        let file = File { id: None, ..File::default() };
        assert_eq!(refused(Content::Image(file)), Code::MediaUpload);
    }
}
