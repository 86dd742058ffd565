//! Samples of what stands above: a template that is to carry a file shows one when it is made, as a finished upload of its
//! business.

use serde_json::Value;

use super::{Definition, Templates, parts::text};
use crate::{
    HostError,
    codes::{Code, Refusal},
    ids::BusinessId,
};

/// A sample that a definition names.
#[derive(Debug, PartialEq, Eq)]
struct Sample<'a> {
    /// Where in the request.
    at: String,
    handle: &'a str,
    /// Types that fit.
    types: &'static [&'static str],
}

/// The API's subcode for headers that are not as they should be.
fn refuse(details: String) -> Refusal {
    Refusal::new(Code::Parameter, details).with_subcode(2_388_047)
}

/// Types of files that stand above templates of this format; none if it is no file.
fn types(format: &str) -> Option<&'static [&'static str]> {
    match format {
        "IMAGE" => Some(&["image/jpeg", "image/png"]),
        "VIDEO" => Some(&["video/mp4"]),
        "DOCUMENT" => Some(&["application/pdf"]),
        _ => None,
    }
}

/// The samples in these components, those of cards too.
fn samples<'a>(components: &'a [Value], within: &str) -> Result<Vec<Sample<'a>>, Refusal> {
    let mut found = Vec::new();
    for (index, component) in components.iter().enumerate() {
        let at = format!("{within}components[{index}]");
        let word = |field| text(component, field).unwrap_or_default().to_ascii_uppercase();
        match word("type").as_str() {
            "HEADER" => {
                let Some(types) = types(&word("format")) else { continue };
                let at = format!("{at}.example.header_handle");
                let given = component.get("example").and_then(|example| example.get("header_handle"));
                // Some clients give the one handle alone.
                let first = given.and_then(|given| given.as_array().map_or(Some(given), |list| list.first()));
                let handle = first.and_then(Value::as_str).filter(|handle| !handle.trim().is_empty());
                let handle = handle.ok_or_else(|| refuse(format!("{at}: is missing")))?;
                found.push(Sample { at, handle, types });
            }
            "CAROUSEL" => {
                let cards = component.get("cards").and_then(Value::as_array).into_iter().flatten();
                for (index, card) in cards.enumerate() {
                    let parts = card.get("components").and_then(Value::as_array);
                    let within = format!("{at}.cards[{index}].");
                    found.extend(samples(parts.map_or(&[], Vec::as_slice), &within)?);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

impl Templates {
    /// Whether the samples of a definition are finished uploads of its business, of types that fit. Those that it had
    /// `before` were: an upload is over sooner than a template.
    pub(super) async fn check_samples(
        &self,
        business: BusinessId,
        definition: &Definition,
        before: Option<&Definition>,
    ) -> Result<(), HostError> {
        let known = match before {
            Some(before) => samples(&before.components, "").unwrap_or_default(),
            None => Vec::new(),
        };
        for sample in samples(&definition.components, "")? {
            if known.iter().any(|known| known.handle == sample.handle && known.types == sample.types) {
                continue;
            }
            let Sample { at, handle, types } = sample;
            let upload = match self.uploads.of_handle(business, handle).await {
                Err(HostError::NotFound(_)) => {
                    return Err(
                        refuse(format!("{at}: no handle of a finished upload of this business")).into()
                    );
                }
                found => found?,
            };
            if !types.contains(&&*upload.mime_type) {
                return Err(refuse(format!("{at}: a file of type {}", types.join(" or "))).into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn samples_are_found_wherever_they_stand_and_missed_where_they_do_not() {
        let header = |handle: Value| json!({"type": "header", "format": "image", "example": {"header_handle": handle}});
        let card = json!({"components": [header(json!(["4::b"])), {"type": "BODY", "text": "x"}]});
        let components = [
            header(json!(["4::a"])),
            json!({"type": "HEADER", "format": "LOCATION"}),
            json!({"type": "HEADER", "text": "words"}),
            json!({"type": "CAROUSEL", "cards": [card, {"components": [header(json!("4::c"))]}]}),
        ];
        let found = samples(&components, "").unwrap();
        let handles: Vec<_> = found.iter().map(|sample| sample.handle).collect();
        assert_eq!(handles, ["4::a", "4::b", "4::c"]);
        assert_eq!(found[1].at, "components[3].cards[0].components[0].example.header_handle");
        for bad in [Value::Null, json!([]), json!([1]), json!(""), json!({})] {
            let refusal = samples(&[header(bad.clone())], "").unwrap_err();
            assert_eq!(refusal.subcode, Some(2_388_047), "{bad}");
        }
        assert!(samples(&[json!({"type": "HEADER", "format": "VIDEO"})], "").is_err());
    }
}
