//! Messages without anything to choose.

use std::collections::HashSet;

use super::{Failure, Fields, Sender, message_id};
use crate::content::{
    Card, CardAddress, CardEmail, CardName, CardOrg, CardPhone, CardUrl, Content, File, Location,
    MessageName, Reaction, Text,
};

/// Characters of what the API says no limit for: names, parts of addresses.
const LINE: usize = 1024;
/// Characters of an address on the web.
pub(super) const LINK: usize = 2048;
const CARDS: usize = 257;
/// Numbers, addresses, … of one card.
const PARTS: usize = 50;

pub(super) fn text(fields: &Fields<'_>) -> Result<Content, Failure> {
    let body = fields.need_text("body", 4096)?;
    Ok(Content::Text(Text { body, preview_url: fields.boolean("preview_url")?.unwrap_or_default() }))
}

/// A file by its id or by where it is.
pub(super) fn file(fields: &Fields<'_>) -> Result<File, Failure> {
    let id = fields.text("id", 64)?;
    let link = fields.text("link", LINK)?;
    let mut file = File { filename: fields.text("filename", 255)?.map(name), ..File::default() };
    match (id, link) {
        (Some(id), _) => {
            file.id = Some(id.parse().map_err(|_| fields.invalid("id", "no media of this number"))?);
        }
        (None, Some(link)) => {
            if !is_link(&link) {
                return Err(fields.invalid("link", "must be a URL that begins with https:// or http://"));
            }
            file.link = Some(link);
        }
        (None, None) => return Err(fields.missing("id")),
    }
    Ok(file)
}

/// Only the last part of a path.
fn name(path: String) -> String {
    path.rsplit(['/', '\\']).next().map(str::to_owned).unwrap_or(path)
}

pub(in crate::cloud_api) fn is_link(link: &str) -> bool {
    let parsed = reqwest::Url::parse(link);
    parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

pub(super) fn media(kind: &str, fields: &Fields<'_>) -> Result<Content, Failure> {
    let mut file = file(fields)?;
    if matches!(kind, "image" | "video" | "document") {
        file.caption = fields.text("caption", 1024)?;
    }
    Ok(match kind {
        "image" => Content::Image(file),
        "video" => Content::Video(file),
        "audio" => {
            file.voice = fields.boolean("voice")?.unwrap_or_default();
            Content::Audio(file)
        }
        "document" => Content::Document(file),
        _ => Content::Sticker(file),
    })
}

pub(super) fn location(fields: &Fields<'_>) -> Result<Content, Failure> {
    let degrees = |name: &str, most: f64| {
        let number = fields.number(name)?.ok_or_else(|| fields.missing(name))?;
        if number.abs() <= most { Ok(number) } else { Err(fields.invalid(name, "out of range")) }
    };
    Ok(Content::Location(Location {
        latitude: degrees("latitude", 90.0)?,
        longitude: degrees("longitude", 180.0)?,
        name: fields.text("name", LINE)?,
        address: fields.text("address", LINE)?,
    }))
}

pub(super) fn reaction(sender: Sender<'_>, fields: &Fields<'_>) -> Result<Content, Failure> {
    let message_id = MessageName(message_id(sender, fields)?);
    let emoji = fields.written("emoji")?.ok_or_else(|| fields.missing("emoji"))?;
    // An emoji may be many code points (families, flags); letters are none.
    if emoji.chars().count() > 16 || emoji.chars().any(|c| c.is_ascii_alphabetic() || c.is_control()) {
        return Err(fields.invalid("emoji", "must be one emoji, or empty to take it back"));
    }
    Ok(Content::Reaction(Reaction { message_id, emoji: Some(emoji).filter(|emoji| !emoji.is_empty()) }))
}

pub(super) fn contacts(fields: &Fields<'_>) -> Result<Content, Failure> {
    let cards = fields.objects("contacts", CARDS)?;
    if cards.is_empty() {
        return Err(fields.missing("contacts"));
    }
    let cards: Vec<Card> = cards.iter().map(card).collect::<Result<_, _>>()?;
    Ok(Content::Contacts { cards })
}

macro_rules! texts {
    ($fields:expr, $card:ident { $($field:ident: $name:literal),* }) => {
        $card { $($field: $fields.text($name, LINE)?),* }
    };
}

fn card(fields: &Fields<'_>) -> Result<Card, Failure> {
    let name = fields.need_object("name")?;
    name.need_text("formatted_name", LINE)?;
    let name = texts!(
        name,
        CardName {
            formatted_name: "formatted_name",
            first_name: "first_name",
            last_name: "last_name",
            middle_name: "middle_name",
            prefix: "prefix",
            suffix: "suffix"
        }
    );
    let mut card = Card { name, ..Card::default() };
    for phone in fields.objects("phones", PARTS)? {
        card.phones.push(texts!(phone, CardPhone { phone: "phone", r#type: "type", wa_id: "wa_id" }));
    }
    for email in fields.objects("emails", PARTS)? {
        card.emails.push(texts!(email, CardEmail { email: "email", r#type: "type" }));
    }
    for address in fields.objects("addresses", PARTS)? {
        card.addresses.push(texts!(
            address,
            CardAddress {
                street: "street",
                city: "city",
                state: "state",
                zip: "zip",
                country: "country",
                country_code: "country_code",
                r#type: "type"
            }
        ));
    }
    for url in fields.objects("urls", PARTS)? {
        card.urls.push(texts!(url, CardUrl { url: "url", r#type: "type" }));
    }
    if let Some(org) = fields.object("org")? {
        card.org =
            Some(texts!(org, CardOrg { company: "company", department: "department", title: "title" }));
    }
    card.birthday = fields.text("birthday", 10)?;
    if let Some(birthday) = &card.birthday
        && birthday.parse::<jiff::civil::Date>().is_err()
    {
        return Err(fields.invalid("birthday", "must be YYYY-MM-DD"));
    }
    Ok(card)
}

/// Refuses what stands twice.
pub(super) fn unique<'a>(
    fields: &Fields<'_>,
    name: &str,
    what: &str,
    mut values: impl Iterator<Item = &'a str>,
) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    if values.all(|value| seen.insert(value)) {
        Ok(())
    } else {
        Err(fields.invalid(name, &format!("{what} must be unique")))
    }
}
