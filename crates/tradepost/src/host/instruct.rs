//! What a host may do with a business's chats, said anew: with what that takes away and adds.

use ::host::purposes::Instructions;
use reqwest::Method;
use serde_json::Value;

use super::business::{line, shown};
use crate::{relay_api::RelayApi, wrong_call::WrongCall};

/// What a business's answer says that it allows.
pub(super) fn of(business: &Value) -> Option<Instructions> {
    business.get("instructions").and_then(|value| serde_json::from_value(value.clone()).ok())
}

/// Each purpose that is allowed.
pub(super) fn words(instructions: &Instructions) -> Vec<String> {
    let Instructions { deliver, store_days, search, reply, analyse, market, advertise } = instructions;
    let purposes = [
        (*deliver, "deliver"),
        (*search, "search"),
        (*reply, "reply"),
        (*analyse, "analyse"),
        (*market, "market"),
        (*advertise, "advertise"),
    ];
    let mut words: Vec<String> =
        purposes.into_iter().filter(|(allowed, _)| *allowed).map(|(_, word)| word.to_owned()).collect();
    if let Some(days) = store_days {
        words.push(format!("store {days} days"));
    }
    words
}

/// What is lost of chats that are kept now.
fn lost(before: &Instructions, after: &Instructions) -> Option<String> {
    let days = after.kept_days();
    match (before.store_days, after.store_days) {
        (Some(_), None) => Some(format!(
            "chats would not be stored any more, and every message be deleted {days} days after it came"
        )),
        _ if days < before.kept_days() => Some(format!(
            "messages older than {days} days would be deleted, instead of {}",
            before.kept_days()
        )),
        _ => None,
    }
}

/// Says it anew. `business`: its path.
pub(super) async fn run(
    api: &RelayApi,
    business: &str,
    wanted: Instructions,
    yes: bool,
    json: bool,
) -> anyhow::Result<()> {
    let before = of(&api.get(business).await?);
    let changes = before.as_ref().map(|before| changes(before, &wanted));
    if let (Some(before), false) = (&before, yes)
        && let Some(lost) = lost(before, &wanted)
    {
        let (was, is) = (words(before).join(", "), words(&wanted).join(", "));
        return Err(WrongCall(format!(
            "nothing was changed: {lost}; say --yes if that is meant. Allowed is: {was}. It would be: {is}"
        ))
        .into());
    }
    if before.is_none() && !yes {
        // A newer host may know more than this program.
        let unknown = "nothing was changed: what is allowed now could not be read, nor what would be lost; say --yes if that is meant";
        return Err(WrongCall(unknown.to_owned()).into());
    }
    let request = api.request(Method::PUT, &format!("{business}/instructions")).json(&wanted);
    let answer: Value = api.answer(request).await?;
    shown(&answer, json)?;
    if let (Some(changes), false) = (changes, json) {
        changes.iter().for_each(|(what, words)| line(what, words));
    }
    Ok(())
}

/// What was allowed before, and what of it is taken away or comes new.
fn changes(before: &Instructions, after: &Instructions) -> Vec<(&'static str, String)> {
    let (before, after) = (words(before), words(after));
    let without = |from: &[String], other: &[String]| {
        let left = from.iter().filter(|word| !other.contains(word)).cloned();
        Some(left.collect::<Vec<_>>()).filter(|left| !left.is_empty()).map(|left| left.join(", "))
    };
    let (taken, added) = (without(&before, &after), without(&after, &before));
    let rows = [("before", Some(before.join(", "))), ("taken away", taken), ("added", added)];
    rows.into_iter().filter_map(|(what, words)| Some((what, words?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(days: u32, search: bool) -> Instructions {
        Instructions { store_days: Some(days), search, ..Instructions::default() }
    }

    #[test]
    fn what_is_taken_away_is_said_and_what_is_lost_by_it() {
        let said = changes(&stored(365, true), &stored(90, false));
        let said: Vec<(&str, &str)> = said.iter().map(|(what, words)| (*what, words.as_str())).collect();
        assert_eq!(
            said,
            [
                ("before", "deliver, search, store 365 days"),
                ("taken away", "search, store 365 days"),
                ("added", "store 90 days")
            ]
        );
        assert!(lost(&stored(365, true), &stored(90, true)).unwrap().contains("older than 90 days"));
        for days in [1, 365] {
            assert!(lost(&stored(days, true), &Instructions::default()).unwrap().contains("not be stored"));
        }
        assert_eq!(lost(&stored(90, true), &stored(365, false)), None);
        assert_eq!(lost(&Instructions::default(), &stored(365, false)), None);
        assert!(lost(&Instructions::default(), &stored(1, false)).is_some());
    }
}
