//! Accounts: invited, signed in with and without a code, sessions, passwords.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;
use store::Clock as _;

use super::{Desk, PASSWORD};
use crate::{management::of, world::on_both};

/// What an authenticator app does.
fn code(secret: &str, seconds: i64) -> String {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u64, 0);
    for letter in secret.bytes() {
        let at = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        held = (held << 5) | at as u64;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 255).unwrap());
        }
    }
    let mac = Hmac::<Sha1>::new_from_slice(&bytes).unwrap().chain_update((seconds / 30).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_makes_an_account_once_and_its_owner_signs_in_with_a_code() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let path = format!("businesses/{}/agents", of(&desk.brought, "business_id"));
        let invited =
            json!({ "name": "Ada@Bank.example", "display_name": "Ada Secretname", "role": "owner" });
        let invited = desk.managed("POST", &path, invited).await;
        let secret = of(&invited.body, "secret").to_owned();
        assert!(of(&invited.body, "url").ends_with(&format!("/console/#/invitation/{secret}")));
        let looked = desk.ask(None, "POST", "invitation", json!({ "secret": secret })).await;
        assert_eq!((of(&looked.body, "business_name"), of(&looked.body, "role")), ("Bank", "owner"));
        let short = json!({ "secret": secret, "password": "short" });
        assert_eq!(
            desk.ask(None, "POST", "invitation/accept", short).await.body["error"]["field"],
            "password"
        );
        let accept = json!({ "secret": secret, "password": PASSWORD });
        let page = desk.page(&desk.ask(None, "POST", "invitation/accept", accept.clone()).await);
        assert_eq!(desk.ask(None, "POST", "invitation/accept", accept).await.status, 404, "taken once");
        assert_eq!(page.name, "ada@bank.example");

        let session = desk.done(&page, "GET", "session", Value::Null).await;
        let rights = json!(["chats", "manage", "integrate", "staff", "audit", "own"]);
        assert_eq!((&session["rights"], &session["business"]["name"]), (&rights, &json!("Bank")));
        let again = desk.sign_in("ADA@bank.example ", PASSWORD, Value::Null).await;
        let second = desk.page(&again);

        // A code is needed once one was shown.
        let wrong = json!({ "password": "another one, and long" });
        let refused = desk.refused(&page, "POST", "account/totp", wrong).await;
        assert_eq!(refused, (401, "wrong_credentials".to_owned()));
        let offered = desk.done(&page, "POST", "account/totp", json!({ "password": PASSWORD })).await;
        assert!(of(&offered, "uri").starts_with("otpauth://totp/Bank:ada%40bank%2Eexample?secret="));
        assert_eq!(desk.sign_in(&page.name, PASSWORD, Value::Null).await.status, 200, "not confirmed yet");
        let totp = of(&offered, "secret").to_owned();
        let now = || desk.clock.now().0 / 1000;
        let confirm = json!({ "code": "000000" });
        assert_eq!(desk.refused(&page, "POST", "account/totp/confirm", confirm).await.0, 401);
        let used = code(&totp, now());
        let codes = desk.done(&page, "POST", "account/totp/confirm", json!({ "code": used })).await;
        let codes = codes["recovery_codes"].as_array().unwrap().clone();
        assert_eq!(codes.len(), 10);
        assert_eq!(desk.sign_in(&page.name, PASSWORD, Value::Null).await.code(), "second_factor");
        assert_eq!(desk.sign_in(&page.name, PASSWORD, json!(used)).await.code(), "wrong_credentials", "used");
        desk.clock.advance(Duration::from_secs(60));
        let fresh = code(&totp, now());
        assert_eq!(desk.sign_in(&page.name, "another one, and long", json!(fresh)).await.status, 401);
        assert_eq!(desk.sign_in(&page.name, PASSWORD, json!(fresh)).await.status, 200);
        assert_eq!(desk.sign_in(&page.name, PASSWORD, codes[0].clone()).await.status, 200);
        assert_eq!(desk.sign_in(&page.name, PASSWORD, codes[0].clone()).await.status, 401, "each once");
        let session = desk.done(&page, "GET", "session", Value::Null).await;
        assert_eq!(session["agent"]["recovery_codes_left"], 9);
        assert_eq!(session["agent"]["second_factor"], true);

        // Sessions are listed, and ended one by one or all at once.
        let listed = desk.done(&page, "GET", "sessions", Value::Null).await;
        let listed = listed["sessions"].as_array().unwrap();
        assert_eq!(listed.len(), 5, "{listed:?}");
        let current: Vec<_> = listed.iter().filter(|session| session["current"] == true).collect();
        assert_eq!(current.len(), 1);
        let other = listed.iter().rev().find(|session| session["current"] == false).unwrap();
        desk.done(&page, "DELETE", &format!("sessions/{}", of(other, "session_id")), Value::Null).await;
        assert_eq!(desk.ask(Some(&second), "GET", "session", Value::Null).await.code(), "unauthorized");
        let changed = json!({ "password": PASSWORD, "new_password": "a new one of many letters" });
        desk.done(&page, "PUT", "account/password", changed).await;
        let listed = desk.done(&page, "GET", "sessions", Value::Null).await;
        assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(desk.sign_in(&page.name, PASSWORD, codes[1].clone()).await.status, 401);
        desk.clock.advance(Duration::from_secs(60));
        let remove = json!({ "password": "a new one of many letters", "code": code(&totp, now()) });
        desk.done(&page, "POST", "account/totp/remove", remove).await;
        let last = desk.sign_in(&page.name, "a new one of many letters", Value::Null).await;
        let last = desk.page(&last);
        desk.done(&last, "DELETE", "session", Value::Null).await;
        assert_eq!(desk.ask(Some(&last), "GET", "session", Value::Null).await.status, 401);

        // Who did what stands in the log, which is whole.
        let log = desk.done(&page, "GET", "hosting/log?limit=100", Value::Null).await;
        let subjects: Vec<&str> =
            log["entries"].as_array().unwrap().iter().map(|entry| of(entry, "subject")).collect();
        for subject in [
            "agent_invited",
            "agent_joined",
            "agent_signed_in",
            "agent_not_signed_in",
            "agent_signed_out",
            "agent_password",
            "agent_second_factor",
        ] {
            assert!(subjects.contains(&subject), "{subject} is not in {subjects:?}");
        }
        let verified = desk.done(&page, "POST", "hosting/log/verify", json!({})).await;
        assert_eq!((&verified["intact"], &verified["problem"]), (&json!(true), &Value::Null));

        // Nothing of it is in a file in clear.
        let token = page.cookie.split_once('=').unwrap().1;
        for clear in [
            PASSWORD,
            "a new one of many letters",
            &secret,
            token,
            &totp,
            codes[2].as_str().unwrap(),
            "ada@bank.example",
            "Ada Secretname",
        ] {
            desk.world.scan(clear.as_bytes());
        }
        desk.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_when_nothing_is_asked_and_invitations_when_nobody_takes_them() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let page = desk.hire("ada", "owner").await;
        let invite = json!({ "name": "bob@bank.example", "display_name": "Bob", "role": "agent" });
        let invited = desk.done(&page, "POST", "agents", invite.clone()).await;
        desk.clock.advance(Duration::from_secs(11 * 3600));
        desk.done(&page, "GET", "session", Value::Null).await;
        desk.clock.advance(Duration::from_secs(11 * 3600));
        desk.done(&page, "GET", "session", Value::Null).await;
        desk.clock.advance(Duration::from_secs(13 * 3600));
        let idle = desk.ask(Some(&page), "GET", "session", Value::Null).await;
        assert_eq!((idle.status, idle.code()), (401, "unauthorized"));
        assert!(idle.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));

        // However much is asked, after a week it is over.
        let page = desk.page(&desk.sign_in(&page.name, PASSWORD, Value::Null).await);
        for _ in 0..16 {
            desk.clock.advance(Duration::from_secs(10 * 3600));
            desk.done(&page, "GET", "session", Value::Null).await;
        }
        desk.clock.advance(Duration::from_secs(10 * 3600));
        assert_eq!(desk.ask(Some(&page), "GET", "session", Value::Null).await.status, 401);
        let secret = json!({ "secret": invited["secret"], "password": PASSWORD });
        assert_eq!(desk.ask(None, "POST", "invitation/accept", secret).await.status, 404);

        // An invitation that was taken back is none.
        let page = desk.page(&desk.sign_in(&page.name, PASSWORD, Value::Null).await);
        assert_eq!(desk.done(&page, "GET", "invitations", Value::Null).await["invitations"], json!([]));
        let invited = desk.done(&page, "POST", "agents", invite).await;
        let waiting = desk.done(&page, "GET", "invitations", Value::Null).await;
        assert_eq!(waiting["invitations"][0]["name"], "bob@bank.example");
        let path = format!("invitations/{}", of(&invited, "invitation_id"));
        desk.done(&page, "DELETE", &path, Value::Null).await;
        let secret = json!({ "secret": invited["secret"], "password": PASSWORD });
        assert_eq!(desk.ask(None, "POST", "invitation/accept", secret).await.status, 404);
        desk.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_may_changes_at_once_and_an_owner_is_always_left() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let owner = desk.hire("ada", "owner").await;
        let (admin, agent) = (desk.hire("bob", "admin").await, desk.hire("eve", "agent").await);
        let of_id = |page: &super::Page| format!("agents/{}", page.agent_id);
        // Only owners make or change owners.
        let promote = json!({ "role": "owner" });
        assert_eq!(desk.refused(&admin, "PUT", &of_id(&agent), promote.clone()).await.0, 409);
        let made = json!({ "name": "x@bank.example", "display_name": "X", "role": "owner" });
        assert_eq!(desk.refused(&admin, "POST", "agents", made).await.0, 409);
        for (method, path) in [("PUT", of_id(&owner)), ("DELETE", of_id(&owner))] {
            let body = if method == "PUT" { json!({ "disabled": true }) } else { Value::Null };
            assert_eq!(desk.refused(&admin, method, &path, body).await.0, 409, "{method}");
        }
        let path = format!("{}/invite", of_id(&owner));
        assert_eq!(desk.refused(&admin, "POST", &path, Value::Null).await.0, 409);
        // The last one stays.
        for (method, body) in [("PUT", json!({ "role": "agent" })), ("PUT", json!({ "disabled": true }))] {
            assert_eq!(desk.refused(&owner, method, &of_id(&owner), body).await.0, 409);
        }
        assert_eq!(desk.refused(&owner, "DELETE", &of_id(&owner), Value::Null).await.0, 409);

        // Another role, or none at all, ends what there is.
        let changed = desk.done(&admin, "PUT", &of_id(&agent), json!({ "role": "auditor" })).await;
        assert_eq!(changed["role"], "auditor");
        assert_eq!(desk.ask(Some(&agent), "GET", "session", Value::Null).await.status, 401);
        let agent = desk.page(&desk.sign_in(&agent.name, PASSWORD, Value::Null).await);
        assert_eq!(desk.refused(&agent, "POST", "chats/list", json!({})).await.1, "forbidden");
        desk.done(&admin, "PUT", &of_id(&agent), json!({ "disabled": true })).await;
        assert_eq!(desk.ask(Some(&agent), "GET", "session", Value::Null).await.status, 401);
        assert_eq!(desk.sign_in(&agent.name, PASSWORD, Value::Null).await.code(), "wrong_credentials");
        desk.done(&admin, "PUT", &of_id(&agent), json!({ "disabled": false, "display_name": "Eve" })).await;

        // Who forgot a password is let in by a link.
        let invited = desk.done(&admin, "POST", &format!("{}/invite", of_id(&agent)), Value::Null).await;
        let accept = json!({ "secret": invited["secret"], "password": "quite another password" });
        let again = desk.page(&desk.ask(None, "POST", "invitation/accept", accept).await);
        assert_eq!(again.agent_id, agent.agent_id);
        assert_eq!(desk.sign_in(&agent.name, PASSWORD, Value::Null).await.status, 401);
        let listed = desk.done(&again, "GET", "agents", Value::Null).await;
        assert_eq!(listed["agents"].as_array().unwrap().len(), 3);
        desk.done(&admin, "POST", &format!("{}/sign-out", of_id(&agent)), Value::Null).await;
        assert_eq!(desk.ask(Some(&again), "GET", "session", Value::Null).await.status, 401);
        desk.done(&admin, "DELETE", &of_id(&agent), Value::Null).await;
        assert_eq!(desk.sign_in(&agent.name, "quite another password", Value::Null).await.status, 401);

        // Names are one on the host, and nobody works for two businesses by one.
        let (_, credential) = desk.world.apply("+4930901821").await;
        let other = desk.bring_in(&credential, json!({ "store_days": 30 })).await;
        let path = format!("businesses/{}/agents", of(&other, "business_id"));
        let invite = json!({ "name": owner.name, "display_name": "Other", "role": "owner" });
        let invited = desk.managed("POST", &path, invite).await;
        let accept = json!({ "secret": invited.body["secret"], "password": PASSWORD });
        assert_eq!(desk.ask(None, "POST", "invitation/accept", accept).await.code(), "conflict");
        let accept =
            json!({ "secret": invited.body["secret"], "password": PASSWORD, "name": "other@bank.example" });
        let other = desk.page(&desk.ask(None, "POST", "invitation/accept", accept).await);
        assert_eq!(
            desk.done(&other, "GET", "agents", Value::Null).await["agents"].as_array().unwrap().len(),
            1
        );
        // A business that is gone has nobody who works for it.
        let path = format!("businesses/{}?relay=skip", of(&desk.brought, "business_id"));
        assert_eq!(desk.managed("DELETE", &path, Value::Null).await.status, 204);
        assert_eq!(desk.ask(Some(&owner), "GET", "session", Value::Null).await.status, 401);
        assert_eq!(desk.sign_in(&owner.name, PASSWORD, Value::Null).await.status, 401);
        desk.close().await;
    })
    .await;
}
