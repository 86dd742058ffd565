//! Cards of people.

use wire::content as w;

use super::{WORDS, cut};
use crate::{Card, NameParts, PostalAddress, Website};

/// Cards in a message.
const CARDS: usize = 257;
/// Numbers or addresses on a card.
const LINES: usize = 50;

/// Puts cards within their limits.
pub(super) fn good(cards: &mut w::Contacts) -> bool {
    cards.contacts.truncate(CARDS);
    for card in &mut cards.contacts {
        let lists = [
            &mut card.phone_numbers,
            &mut card.email_addresses,
            &mut card.phone_labels,
            &mut card.email_labels,
        ];
        for list in lists {
            list.truncate(LINES);
            list.iter_mut().for_each(|line| cut(line, WORDS));
        }
        // A label without what it is for says nothing.
        card.phone_labels.truncate(card.phone_numbers.len());
        card.email_labels.truncate(card.email_addresses.len());
        card.addresses.truncate(LINES);
        card.websites.truncate(LINES);
        let addresses = card.addresses.iter_mut().flat_map(|address| {
            [
                &mut address.street,
                &mut address.city,
                &mut address.state,
                &mut address.postal_code,
                &mut address.country,
                &mut address.country_code,
                &mut address.label,
            ]
        });
        let websites = card.websites.iter_mut().flat_map(|site| [&mut site.url, &mut site.label]);
        let parts = card.name_parts.iter_mut().flat_map(|name| {
            [&mut name.first, &mut name.last, &mut name.middle, &mut name.prefix, &mut name.suffix]
        });
        let plain = [&mut card.name, &mut card.organization, &mut card.department, &mut card.title];
        addresses.chain(websites).chain(parts).chain(plain).for_each(|words| cut(words, WORDS));
        if !card.birthday.is_empty() && !is_date(&card.birthday) {
            card.birthday.clear();
        }
    }
    true
}

/// `YYYY-MM-DD`; whether there was such a day does not matter here.
fn is_date(date: &str) -> bool {
    let digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = date.split('-');
    let mut next = |len| parts.next().is_some_and(|part| digits(part, len));
    next(4) && next(2) && next(2) && parts.next().is_none()
}

pub(super) fn from_wire(card: &w::Contact) -> Card {
    let address = |address: &w::PostalAddress| PostalAddress {
        street: address.street.clone(),
        city: address.city.clone(),
        state: address.state.clone(),
        postal_code: address.postal_code.clone(),
        country: address.country.clone(),
        country_code: address.country_code.clone(),
        label: address.label.clone(),
    };
    let website = |site: &w::Website| Website { url: site.url.clone(), label: site.label.clone() };
    Card {
        name: card.name.clone(),
        phone_numbers: card.phone_numbers.clone(),
        email_addresses: card.email_addresses.clone(),
        organization: card.organization.clone(),
        name_parts: card.name_parts.as_ref().map(|name| NameParts {
            first: name.first.clone(),
            last: name.last.clone(),
            middle: name.middle.clone(),
            prefix: name.prefix.clone(),
            suffix: name.suffix.clone(),
        }),
        phone_labels: card.phone_labels.clone(),
        email_labels: card.email_labels.clone(),
        addresses: card.addresses.iter().map(address).collect(),
        department: card.department.clone(),
        title: card.title.clone(),
        websites: card.websites.iter().map(website).collect(),
        birthday: card.birthday.clone(),
    }
}

pub(super) fn to_wire(card: Card) -> w::Contact {
    let address = |address: PostalAddress| w::PostalAddress {
        street: address.street,
        city: address.city,
        state: address.state,
        postal_code: address.postal_code,
        country: address.country,
        country_code: address.country_code,
        label: address.label,
    };
    w::Contact {
        name: card.name,
        phone_numbers: card.phone_numbers,
        email_addresses: card.email_addresses,
        organization: card.organization,
        name_parts: card.name_parts.map(|name| w::NameParts {
            first: name.first,
            last: name.last,
            middle: name.middle,
            prefix: name.prefix,
            suffix: name.suffix,
        }),
        phone_labels: card.phone_labels,
        email_labels: card.email_labels,
        addresses: card.addresses.into_iter().map(address).collect(),
        department: card.department,
        title: card.title,
        websites: card
            .websites
            .into_iter()
            .map(|site| w::Website { url: site.url, label: site.label })
            .collect(),
        birthday: card.birthday,
    }
}
