//! What lists of templates are narrowed to, and how templates compare.

use std::time::Duration;

use host::purposes::Instructions;
use serde_json::{Value, json};

use crate::cloud_api::Here;

async fn make(here: &Here, name: &str) -> String {
    let made = json!({"name": name, "language": "en_US", "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Welcome to our service"}]});
    let (status, answer) = here.post(&format!("/v24.0/{}/message_templates", here.business.waba), made).await;
    assert_eq!(status, 200, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn templates_are_listed_by_when_they_were_changed() {
    let here = Here::new().await;
    // The clock stands at 2027-01-15T08:00:00Z.
    make(&here, "first").await;
    here.stage.clock.advance(Duration::from_secs(24 * 60 * 60));
    make(&here, "second").await;
    let path = format!("/v24.0/{}/message_templates?fields=name", here.business.waba);
    let (first, second) = (1_800_000_000, 1_800_086_400);
    for (query, names) in [
        (format!("&since={first}&until={second}"), &["first", "second"][..]),
        (format!("&since={}", first + 1), &["second"]),
        (format!("&until={}", second - 1), &["first"]),
        (format!("&since={}", second + 1), &[]),
        ("&since=2027-01-16".to_owned(), &["second"]),
        ("&until=2027-01-16T00:00:00Z".to_owned(), &["first"]),
        ("&since=".to_owned(), &["first", "second"]),
        ("&quality_score=UNKNOWN".to_owned(), &["first", "second"]),
        ("&quality_score=GREEN,RED".to_owned(), &[]),
    ] {
        let (status, list) = here.get(&format!("{path}{query}")).await;
        assert_eq!(status, 200, "{list}");
        let rows = list["data"].as_array().unwrap().iter();
        let mut found: Vec<&str> = rows.map(|row| row["name"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, names, "{query}");
    }
    let (status, answer) = here.get(&format!("{path}&since=yesterday")).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(100)), "{answer}");
    here.stage.writer.close().await;
}

#[tokio::test]
async fn templates_compare_in_sends_blocks_and_reasons() {
    let here = Here::new().await;
    let allow = Instructions { analyse: true, ..Instructions::default() };
    here.api.gate.instruct(here.business.id, allow, "test").await.unwrap();
    let (one, two) = (make(&here, "one").await, make(&here, "two").await);
    let span = "start=1799990000&end=1800000000";
    let (status, answer) = here.get(&format!("/v24.0/{one}/compare?template_ids={two}&{span}")).await;
    assert_eq!(status, 200, "{answer}");
    let mut both = [one, two];
    both.sort_unstable();
    let each = |value: Value| -> Value {
        both.iter().map(|id| json!({"key": id, "value": value})).collect::<Vec<_>>().into()
    };
    assert_eq!(
        answer["data"],
        json!([
            {"metric": "BLOCK_RATE", "type": "RELATIVE", "order_by_relative_metric": both},
            {"metric": "MESSAGE_SENDS", "type": "NUMBER_VALUES", "number_values": each(json!(0))},
            {"metric": "TOP_BLOCK_REASON", "type": "STRING_VALUES", "string_values": each(json!("UNKNOWN_BLOCK_REASON"))},
        ])
    );
    here.stage.writer.close().await;
}
