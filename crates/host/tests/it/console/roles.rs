//! Who may what: every route, as a stranger, as another business, as too small a role, and without what writes show.

use host::{agents::Role, console::ROUTES};
use serde_json::{Value, json};

use super::{Desk, Page};
use crate::{management::of, world::on_both};

const ROLES: [(&str, Role); 4] =
    [("owner", Role::Owner), ("admin", Role::Admin), ("agent", Role::Agent), ("auditor", Role::Auditor)];

/// A path with ids that are the business's own, as far as there are any.
fn path(desk: &Desk, pattern: &str, own: &Value) -> String {
    let mut path = pattern.to_owned();
    for (name, id) in own.as_object().unwrap() {
        path = path.replace(&format!("{{{name}}}"), id.as_str().unwrap());
    }
    assert!(!path.contains('{'), "{path} of {}", desk.number());
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_opens_for_a_stranger_another_business_or_too_small_a_role() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let ada = desk.world.customer().await;
        let mut pages: Vec<(Role, Page)> = Vec::new();
        for (name, role) in ROLES {
            pages.push((role, desk.hire(name, name).await));
        }
        let owner = pages[0].1.clone();
        let chat = desk.written(&owner, &ada, "hello").await;
        let (_, credential) = desk.world.apply("+4930901821").await;
        let other = desk.bring_in(&credential, json!({ "store_days": 365, "search": true })).await;
        let other = desk.hire_for(&other, "other", "owner").await;

        let label = json!({ "name": "urgent", "colour": "#ff0000" });
        let label = desk.done(&owner, "POST", "labels", label).await;
        let reply = json!({ "shortcut": "hi", "text": "Hello!" });
        let reply = desk.done(&owner, "POST", "replies", reply).await;
        let note = desk.done(&owner, "POST", &format!("{chat}/notes"), json!({ "text": "a note" })).await;
        let links = format!("numbers/{}/links", desk.number());
        let link = desk.done(&owner, "POST", &links, json!({ "message": "Hi" })).await;
        let invite = json!({ "name": "new@bank.example", "display_name": "New", "role": "agent" });
        let invited = desk.done(&owner, "POST", "agents", invite).await;
        let templates = desk.done(&owner, "GET", "templates", Value::Null).await;
        let apps = desk.done(&owner, "GET", "apps", Value::Null).await;
        let sessions = desk.done(&owner, "GET", "sessions", Value::Null).await;
        let upload = desk.request(Some(&owner), "POST", &format!("numbers/{}/media", desk.number()));
        let upload = super::answered(upload.header("content-type", "text/plain").body("words")).await;
        let own = json!({
            "number": desk.number(),
            "user": chat.rsplit('/').next().unwrap(),
            "label": label["label_id"],
            "reply": reply["reply_id"],
            "note": note["note_id"],
            "code": link["code"],
            "invitation": invited["invitation_id"],
            "agent": pages[2].1.agent_id,
            "template": templates["templates"][0]["template_id"],
            "app": apps["apps"][0]["app_id"],
            "token": apps["apps"][0]["tokens"][0]["token_id"],
            "session": sessions["sessions"][0]["session_id"],
            "media": upload.body["media_id"],
            "task": "0123456789abcdef01234567",
        });
        let mut asked = 0;
        for route in ROUTES.iter().filter(|route| !route.right.is_empty()) {
            let (method, path) = (route.method.as_str(), path(&desk, route.path, &own));
            let stranger = desk.ask(None, method, &path, Value::Null).await;
            assert_eq!((stranger.status, stranger.code()), (401, "unauthorized"), "{route:?}");
            let forged = Page { cookie: "tradepost_console=tps1_x".to_owned(), ..owner.clone() };
            assert_eq!(desk.ask(Some(&forged), method, &path, Value::Null).await.status, 401, "{route:?}");
            if method != "GET" {
                // Without what writes have to show, or with what another session shows.
                for csrf in ["", &other.csrf] {
                    let page = Page { csrf: csrf.to_owned(), ..owner.clone() };
                    let refused = desk.ask(Some(&page), method, &path, Value::Null).await;
                    assert_eq!((refused.status, refused.code()), (403, "csrf"), "{route:?}");
                }
                let elsewhere =
                    desk.request(Some(&owner), method, &path).header("origin", "https://evil.example");
                assert_eq!(super::answered(elsewhere).await.code(), "csrf", "{route:?}");
            }
            for (role, page) in &pages {
                if !route.roles.contains(role) {
                    let refused = desk.ask(Some(page), method, &path, Value::Null).await;
                    assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{route:?} {role:?}");
                }
            }
            // What is ours is not there for others.
            if route.path.contains('{') {
                let theirs = desk.ask(Some(&other), method, &path, Value::Null).await;
                // A body that says nothing may be refused before it is looked for.
                let nothing_said = theirs.status == 400 && !route.body.is_empty();
                assert!(theirs.status == 404 || nothing_said, "{route:?} {} {}", theirs.status, theirs.body);
            }
            asked += 1;
        }
        assert!(asked > 70, "{asked}");
        // Nothing came of all that.
        assert_eq!(desk.messages(&owner, &chat).await.len(), 1);
        let notes = desk.done(&owner, "GET", &format!("{chat}/notes"), Value::Null).await;
        assert_eq!(notes["notes"].as_array().unwrap().len(), 1);
        assert_eq!(desk.done(&other, "POST", "chats/list", json!({})).await["chats"], json!([]));

        let document = desk.ask(None, "GET", "openapi.json", Value::Null).await.body;
        let described: usize =
            document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(described, ROUTES.len());
        assert_eq!(of(&document, "openapi"), "3.1.0");

        // A business that is suspended has no console either.
        let path = format!("businesses/{}/suspend", of(&desk.brought, "business_id"));
        desk.managed("POST", &path, json!({ "reason": "complaints" })).await;
        assert_eq!(desk.refused(&owner, "GET", "session", Value::Null).await, (403, "suspended".to_owned()));
        desk.close().await;
    })
    .await;
}
