//! Two agents at once: only one is first, and the other knows.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Desk, said};
use crate::{
    management::of,
    world::{on_both, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_agents_take_a_chat_or_answer_it_unawares() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let ada = desk.world.customer().await;
        let mut pages = Vec::new();
        for name in ["a", "b", "c", "d"] {
            pages.push(desk.hire(name, "agent").await);
        }
        let chat = desk.written(&pages[0], &ada, "is anybody there?").await;
        let came = of(&desk.messages(&pages[0], &chat).await[0], "id").to_owned();

        // All want it at once: one has it, the others are told.
        let wanted = pages.iter().map(|page| {
            let body = json!({ "assigned_to": page.agent_id, "expected": null });
            desk.ask(Some(page), "PUT", &chat, body)
        });
        let answers = join_all(wanted).await;
        let won: Vec<usize> = (0..4).filter(|at| answers[*at].status == 200).collect();
        assert_eq!(won.len(), 1);
        assert!(
            answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.code() == "conflict")
        );
        let winner = &pages[won[0]];
        let shown = desk.done(winner, "GET", &chat, Value::Null).await;
        assert_eq!(shown["assigned_to"], winner.agent_id.as_str());
        // Given on, by who knows whose it was.
        let body = json!({ "assigned_to": null, "expected": winner.agent_id });
        assert_eq!(desk.done(winner, "PUT", &chat, body).await["assigned_to"], Value::Null);

        // All answer what all have seen: one message goes out.
        let path = format!("{chat}/messages");
        let sends = pages.iter().map(|page| {
            let body = json!({ "message": said(&format!("I am {}", page.name)), "seen": came });
            desk.ask(Some(page), "POST", &path, body)
        });
        let answers = join_all(sends).await;
        let won: Vec<usize> = (0..4).filter(|at| answers[*at].status == 200).collect();
        assert_eq!(won.len(), 1, "{:?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
        assert!(
            answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.code() == "answered")
        );
        let (first, other) = (&pages[won[0]], &pages[(won[0] + 1) % 4]);
        // Whoever has seen the answer answers further; whoever insists, too; and the first goes on without asking.
        let seen = answers[won[0]].body["id"].clone();
        let further = json!({ "message": said("and I too"), "seen": seen });
        desk.done(other, "POST", &path, further).await;
        let stale = json!({ "message": said("I still think"), "seen": came });
        assert_eq!(desk.refused(first, "POST", &path, stale.clone()).await, (409, "answered".to_owned()));
        let mut forced = stale;
        forced["force"] = json!(true);
        desk.done(first, "POST", &path, forced).await;

        // Who is answering is seen, and in the way of others only.
        let path = format!("{chat}/answering");
        let answering = desk.done(other, "PUT", &path, Value::Null).await;
        assert_eq!(answering["answering"][0]["agent_id"], other.agent_id.as_str());
        let newest = of(&desk.messages(first, &chat).await[0], "id").to_owned();
        let send = json!({ "message": said("me first"), "seen": newest });
        let messages = format!("{chat}/messages");
        assert_eq!(desk.refused(first, "POST", &messages, send.clone()).await.1, "answered");
        let shown = desk.done(first, "GET", &chat, Value::Null).await;
        assert_eq!(shown["answering"][0]["agent_id"], other.agent_id.as_str());
        desk.done(other, "POST", &messages, send).await;
        let shown = desk.done(first, "GET", &chat, Value::Null).await;
        assert_eq!(shown["answering"], json!([]), "it was sent");
        desk.done(other, "PUT", &path, Value::Null).await;
        desk.done(other, "DELETE", &path, Value::Null).await;
        assert_eq!(desk.done(first, "GET", &chat, Value::Null).await["answering"], json!([]));
        desk.done(other, "PUT", &path, Value::Null).await;
        desk.clock.advance(std::time::Duration::from_secs(16));
        assert_eq!(desk.done(first, "GET", &chat, Value::Null).await["answering"], json!([]), "it passes");

        // What was refused is in nobody's way.
        let bob = desk.world.customer_at("+4915112345699").await;
        let chat = desk.written(first, &bob, "and me?").await;
        let came = of(&desk.messages(first, &chat).await[0], "id").to_owned();
        let path = format!("{chat}/messages");
        let nonsense =
            json!({ "message": { "type": "image", "image": { "id": "6000000000000001" } }, "seen": came });
        let refused = desk.ask(Some(first), "POST", &path, nonsense).await;
        if refused.status != 200 {
            let send = json!({ "message": said("here"), "seen": came });
            desk.done(other, "POST", &path, send).await;
        }
        until("figures are there", async || {
            let now = store::Clock::now(&*desk.clock).0;
            let path = format!("figures?start={}&end={}&granularity=day", now - 86_400_000, now + 86_400_000);
            let owner = desk.hire(&format!("o{now}"), "auditor").await;
            let figures = desk.done(&owner, "GET", &path, Value::Null).await;
            let sent: i64 =
                figures["messages"].as_array().unwrap().iter().map(|row| row["sent"].as_i64().unwrap()).sum();
            let answers = figures["answers"].as_array().unwrap();
            let answered: i64 = answers.iter().map(|row| row["answers"].as_i64().unwrap()).sum();
            answered >= 1
                && sent >= 4
                && answers.iter().all(|row| row["mean_ms"].as_i64() <= row["longest_ms"].as_i64())
        })
        .await;
        desk.close().await;
    })
    .await;
}
