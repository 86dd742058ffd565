//! Numbers that a business says are its, before anybody else agrees.

use http::Method;
use serde_json::{Value, json};

use crate::cloud_api::{Here, business};

#[tokio::test]
async fn a_number_that_nobody_verified_is_nobody_s() {
    let here = Here::new().await;
    let (other, _, theirs) = business(&here.api, 2, "+4915112345699").await;
    let wanted = json!({"cc": "49", "phone_number": "0301234567", "verified_name": "Another name"});
    let path = format!("/v24.0/{}/phone_numbers", other.waba);
    let ask = async |method: Method, path: &str, body: &Value| {
        here.with(theirs.token.expose(), method, path, body.clone()).await
    };
    let (status, squatted) = ask(Method::POST, &path, &wanted).await;
    assert_eq!(status.as_u16(), 200, "{squatted}");
    let (_, again) = ask(Method::POST, &path, &wanted).await;
    assert_eq!(squatted, again);
    let squatted = squatted["id"].as_str().unwrap();
    let (_, shown) = ask(Method::GET, &format!("/v24.0/{squatted}"), &json!({})).await;
    assert_eq!(
        (&shown["code_verification_status"], &shown["display_phone_number"]),
        (&json!("NOT_VERIFIED"), &json!("+49 30 1234567"))
    );

    // Whose it is says so, and has it when the other one did not verify it within an hour; then that is gone.
    let mine = format!("/v24.0/{}/phone_numbers", here.business.waba);
    let (status, early) = here.post(&mine, wanted.clone()).await;
    assert_eq!((status.as_u16(), &early["error"]["code"]), (400, &json!(135_000)), "{early}");
    here.stage.clock.advance(std::time::Duration::from_secs(60 * 60));
    let (status, taken) = here.post(&mine, wanted.clone()).await;
    assert_eq!((status.as_u16(), taken["id"] != squatted), (200, true), "{taken}");
    assert_eq!(ask(Method::GET, &format!("/v24.0/{squatted}"), &json!({})).await.0.as_u16(), 400);
    // One that is verified stays whose it is.
    let (status, theirs) = ask(Method::POST, &path, &json!({"phone_number": "+4915112345678"})).await;
    assert_eq!((status.as_u16(), &theirs["error"]["code"]), (400, &json!(135_000)), "{theirs}");

    let number = taken["id"].as_str().unwrap();
    let refused = async |edge: &str, body: Value| {
        let (status, refused) = here.post(&format!("/v24.0/{number}/{edge}"), body).await;
        (status.as_u16(), refused["error"]["code"].as_i64().unwrap_or_default())
    };
    assert_eq!(
        refused("register", json!({"messaging_product": "whatsapp", "pin": "123456"})).await,
        (400, 133_006)
    );
    assert_eq!(refused("request_code", json!({"language": "en"})).await, (400, 100));
    assert_eq!(refused("request_code", json!({"code_method": "VOICE", "language": "en"})).await, (400, 100));
    assert_eq!(refused("verify_code", json!({"code": "12345"})).await, (400, 100));
    // So many, and no more, wait for that.
    let many = |n: usize| json!({"cc": "49", "phone_number": format!("30123456{n:02}")});
    for n in 0..19 {
        assert_eq!(here.post(&mine, many(n)).await.0.as_u16(), 200);
    }
    let (status, full) = here.post(&mine, many(19)).await;
    assert_eq!((status.as_u16(), &full["error"]["code"]), (400, &json!(100)), "{full}");
    here.stage.writer.close().await;
}
