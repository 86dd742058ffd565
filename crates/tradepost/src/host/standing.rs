//! What to say where a business may not write to everybody.

use serde_json::Value;
use wire::api::BusinessState;

use crate::relay_api::clean;

/// Says on standard error whom its messages reach, unless it is everybody. `as_file`: how the business is named in a command.
pub(super) fn warn(business: &Value, as_file: &str) {
    if let Some(warning) = warning(business, as_file) {
        eprintln!("{warning}");
    }
}

fn warning(business: &Value, as_file: &str) -> Option<String> {
    let text = |name: &str| business.get(name).and_then(Value::as_str).unwrap_or_default();
    let which = if as_file.is_empty() { format!(" {}", text("business_id")) } else { as_file.to_owned() };
    let whom = match text("state").parse() {
        Ok(BusinessState::Approved) | Err(_) => return None,
        Ok(BusinessState::Suspended) => "nobody gets its messages until the relay's operator reinstates it",
        Ok(_) => {
            "until the relay's operator approves it only its testers get its messages (`tradepost business tester add \
             NUMBER`), to anybody else they fail"
        }
    };
    let state = text("state").replace('_', " ");
    Some(clean(&format!(
        "warning: the business is not approved ({state}): {whom}. `tradepost host business show{which}` shows its state."
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_may_not_write_to_everybody_is_told() {
        let of = |state: &str| {
            warning(&json!({ "business_id": "1000000000000001", "state": state }), " --as bank.json")
        };
        assert_eq!(of("approved"), None);
        for state in ["draft", "submitted", "in_review", "rejected"] {
            let said = of(state).unwrap();
            assert!(said.contains("testers") && said.contains("show --as bank.json"), "{said}");
        }
        assert!(of("suspended").unwrap().contains("reinstates"));
        assert!(warning(&json!({ "business_id": "1", "state": "draft" }), "").unwrap().contains("show 1"));
    }
}
