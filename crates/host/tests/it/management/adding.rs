//! Another number of a business, by the API alone.

use client::{Body, Device, Draft};
use serde_json::{Value, json};
use wire::PhoneNumber;

use super::{Office, of};
use crate::world::{on_both, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_added_verified_registered_and_used_by_the_api() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let brought =
            office.done("POST", "/host/v1/businesses", json!({ "credential": office.world.owner })).await;
        let (token, waba) = (of(&brought, "token"), of(&brought, "waba_id"));
        let ask =
            async |method: &str, path: String, body: Value| office.ask(token, method, &path, body).await;
        let wanted: PhoneNumber = "+493098765432".parse().unwrap();
        let body = json!({ "cc": "49", "phone_number": "3098765432", "verified_name": of(&brought, "name") });
        let (status, added) = ask("POST", format!("/{waba}/phone_numbers"), body).await;
        assert_eq!(status, 200, "{added}");
        let id = of(&added, "id");
        let shown = async || {
            let fields = format!("/{id}?fields=code_verification_status,status");
            let (_, shown) = ask("GET", fields, Value::Null).await;
            (of(&shown, "code_verification_status").to_owned(), of(&shown, "status").to_owned())
        };
        assert_eq!(shown().await, ("NOT_VERIFIED".into(), "PENDING".into()));

        let asked =
            ask("POST", format!("/{id}/request_code?code_method=SMS&language=en_US"), Value::Null).await;
        assert_eq!(asked.1, json!({ "success": true }));
        let code = Device::development_code(&*office.world.link(), &wanted).await.unwrap();
        let wrong = if code == "123456" { "654321" } else { "123456" };
        let (status, refused) = ask("POST", format!("/{id}/verify_code"), json!({ "code": wrong })).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!(135_000)), "{refused}");
        assert!(refused.to_string().contains("tries are left"), "{refused}");
        let dashed = format!("{}-{}", &code[..3], &code[3..]);
        let (status, verified) = ask("POST", format!("/{id}/verify_code"), json!({ "code": dashed })).await;
        assert_eq!((status, verified), (200, json!({ "success": true, "id": id })));
        assert_eq!(shown().await, ("VERIFIED".into(), "DISCONNECTED".into()));
        let (status, again) = ask("POST", format!("/{id}/verify_code"), json!({ "code": code })).await;
        assert_eq!((status, &again["error"]["code"]), (400, &json!(135_000)), "{again}");

        let pin = json!({ "messaging_product": "whatsapp", "pin": "123456" });
        assert_eq!(ask("POST", format!("/{id}/register"), pin).await.1, json!({ "success": true }));
        assert_eq!(shown().await, ("VERIFIED".into(), "CONNECTED".into()));
        let api = &office.host.api;
        let number = id.parse().unwrap();
        until("it runs", async || api.running.live(number).is_some()).await;

        // A customer writes to it, and is answered from it.
        let ada = office.world.customer().await;
        let account = api.numbers.get(number).await.unwrap().account.unwrap();
        ada.device.send(account, Draft::text("Is this the bank?")).await.unwrap();
        let answered = async || {
            let body =
                json!({ "messaging_product": "whatsapp", "to": ada.number, "text": { "body": "It is." } });
            ask("POST", format!("/{id}/messages"), body).await.0 == 200
        };
        until("it is answered", answered).await;
        let heard = ada.hears(account, 1).await;
        assert!(matches!(&heard[0].body, Body::Text { text } if text == "It is."), "{heard:?}");
        office.close().await;
    })
    .await;
}
