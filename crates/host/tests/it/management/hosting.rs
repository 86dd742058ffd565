//! Who hosts a business is the business's to say, and nobody who hosts appears as it.

use serde_json::{Value, json};

use super::{Office, of};
use crate::world::{on_both, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_vendor_nor_operator_appears_as_the_business_and_customers_see_a_switch() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let operator = office.world.relay_operator();
        let name = json!({ "name": "Host GmbH" });
        let vendor = office.world.ask("POST", "/v1/operator/vendors", &operator, Some(name)).await;
        let made = office.world.ask("POST", "/v1/operator/host-credential", &operator, None).await;
        let (tpv, tpo) = (of(&vendor, "credential"), of(&made, "credential"));
        let (business, owner) = (office.world.business, office.world.owner.clone());

        // The business hosts itself: nobody else brings it in.
        for credential in [tpv, tpo] {
            let body = json!({ "credential": credential, "business": business });
            let refused = office.refused("POST", "/host/v1/businesses", body).await;
            assert_eq!((refused.0, &*refused.1), (403, "forbidden"));
        }
        assert_eq!(office.done("GET", "/host/v1/businesses", Value::Null).await["businesses"], json!([]));
        let ada = office.world.customer().await;
        let brought = office.bring_in(&owner).await;
        office.greet(&brought, &ada).await;
        let account = office.account(&brought).await;
        ada.hears(account, 1).await;
        let label = async || {
            let state = ada.device.refresh_label(account).await.unwrap().unwrap();
            (serde_json::to_value(&state).unwrap(), state.label.unwrap())
        };
        assert_eq!(label().await.1.hosting, client::Hosting::Own);

        let path = format!("/host/v1/businesses/{}/hosting", of(&brought, "business_id"));
        let (_, others) = office.world.apply("+4930901821").await;
        let id = &vendor["vendor"];
        for (body, field) in [
            (json!({ "credential": others, "mode": "operator" }), "credential"),
            (json!({ "credential": tpv, "mode": "vendor", "vendor": id }), "credential"),
            (json!({ "credential": office.world.credential, "mode": "self" }), "credential"),
            (json!({ "credential": owner, "mode": "self", "host_credential": tpv }), "host_credential"),
            (json!({ "credential": owner, "mode": "self", "vendor": id }), "vendor"),
            (json!({ "credential": owner, "mode": "vendor" }), "vendor"),
            (
                json!({ "credential": owner, "mode": "vendor", "vendor": id, "host_credential": tpo }),
                "host_credential",
            ),
            (json!({ "credential": owner, "mode": "sealed" }), "mode"),
        ] {
            let refused = office.refused("PUT", &path, body.clone()).await;
            assert_eq!(refused, (400, "invalid_request".to_owned(), field.to_owned()), "{body}");
        }
        assert_eq!(label().await.1.hosting, client::Hosting::Own, "nothing was half-done");

        // The business says so; this host goes on as the vendor's.
        let body = json!({ "credential": owner, "mode": "vendor", "vendor": id, "host_credential": tpv });
        let shown = office.done("PUT", &path, body).await;
        assert_eq!((of(&shown, "mode"), of(&shown, "host_name")), ("vendor", "Host GmbH"));
        assert_eq!(shown["numbers"][0]["registered"], true);
        // Another host has another identity key: until the customer has met it, its label holds for nobody.
        assert_eq!(label().await.0["change"], "foreign");
        let number = of(&brought["numbers"][0], "phone_number_id").parse().unwrap();
        let runs = async || office.host.running.live(number).is_some();
        until("the number runs", runs).await;
        office.greet(&brought, &ada).await;
        ada.hears(account, 2).await;
        let sees = async |hosting: client::Hosting, name: &str| {
            until("the customer sees who hosts it", async || {
                let seen = label().await.1;
                (seen.hosting, &*seen.host_name) == (hosting, name)
            })
            .await;
        };
        sees(client::Hosting::Vendor, "Host GmbH").await;

        // Who hosts another's business does not say what it may; the business does.
        let instructions = format!("/host/v1/businesses/{}/instructions", of(&brought, "business_id"));
        let wanted = json!({ "store_days": 30, "advertise": true });
        assert_eq!(office.refused("PUT", &instructions, wanted.clone()).await.0, 403);
        let given = json!({ "credential": tpv, "business": business, "instructions": wanted });
        assert_eq!(office.refused("POST", "/host/v1/businesses", given).await.2, "instructions");
        let own = office.ask(of(&brought, "token"), "PUT", &instructions, json!({ "store_days": 30 })).await;
        assert_eq!((own.0, &own.1["kept_days"]), (200, &json!(30)));

        // What it had before is void; back, it is itself again.
        let old = json!({ "credential": office.world.credential });
        assert!(office.refused("POST", "/host/v1/businesses", old).await.0 < 500);
        let hosted = json!({ "credential": owner });
        assert_eq!(office.refused("POST", "/host/v1/businesses", hosted).await.0, 409);
        let shown = office.done("PUT", &path, json!({ "credential": owner, "mode": "self" })).await;
        assert_eq!(of(&shown, "mode"), "self");
        until("the number runs", runs).await;
        office.greet(&brought, &ada).await;
        ada.hears(account, 3).await;
        sees(client::Hosting::Own, "").await;
        office.close().await;
    })
    .await;
}
