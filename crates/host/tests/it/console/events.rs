//! What happens, heard over Server-Sent Events, from several processes, and after a pause.

use std::{sync::Arc, time::Duration};

use client::Draft;
use futures_util::StreamExt as _;
use host::inbox::{Event, Live};
use serde_json::{Value, json};

use super::{Desk, Page, said};
use crate::{
    management::of,
    stage::Stage,
    world::{PATIENCE, on_both},
};

/// A stream as a browser has it.
struct Source {
    pieces: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    held: String,
    id: String,
}

impl Source {
    async fn open(desk: &Desk, page: &Page, last: Option<&str>) -> Self {
        let mut request = desk.request(Some(page), "GET", "events");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut source =
            Self { pieces: answer.bytes_stream().boxed(), held: String::new(), id: String::new() };
        let greeting = source.block().await.unwrap();
        assert!(greeting.starts_with("retry:"), "{greeting}");
        source
    }

    /// What stands up to the next empty line; none at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.held.split_once("\n\n") {
                let block = block.to_owned();
                self.held = rest.to_owned();
                for line in block.lines() {
                    if let Some(id) = line.strip_prefix("id: ") {
                        self.id = id.to_owned();
                    }
                }
                return Some(block);
            }
            let piece = tokio::time::timeout(PATIENCE, self.pieces.next()).await.unwrap()?;
            self.held.push_str(std::str::from_utf8(&piece.ok()?).unwrap());
        }
    }

    /// The next event of this name.
    async fn hears(&mut self, name: &str) -> Value {
        loop {
            let block = self.block().await.unwrap();
            let event = block.lines().find_map(|line| line.strip_prefix("event: "));
            if event == Some(name) {
                let data = block.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                return serde_json::from_str(data).unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_hear_what_happens_and_what_they_missed() {
    on_both(async |world| {
        let desk = Desk::open(world).await;
        let ada = desk.world.customer().await;
        let (owner, page) = (desk.hire("ada", "owner").await, desk.hire("bob", "agent").await);
        let auditor = desk.hire("eve", "auditor").await;
        let mut source = Source::open(&desk, &page, None).await;
        let mut audited = Source::open(&desk, &auditor, None).await;
        let chat = desk.written(&owner, &ada, "Zanzibar").await;
        let heard = source.hears("message").await;
        assert!(chat.ends_with(of(&heard, "user_id")));
        assert!(!heard.to_string().contains("Zanzibar"));
        let came = desk.messages(&owner, &chat).await.remove(0);
        assert_eq!(heard["id"], came["id"]);

        desk.done(&owner, "PUT", &format!("{chat}/answering"), Value::Null).await;
        let answering = source.hears("answering").await;
        assert_eq!(answering["agent_id"], owner.agent_id.as_str());
        let send = json!({ "message": said("hello") });
        let sent = desk.done(&owner, "POST", &format!("{chat}/messages"), send).await;
        assert_eq!(source.hears("message").await["id"], sent["id"]);
        assert_eq!(source.hears("answering").await["until"], 0);
        assert_eq!(source.hears("status").await["id"], sent["id"]);
        desk.done(&owner, "PUT", &chat, json!({ "assigned_to": page.agent_id })).await;
        source.hears("chat").await;
        desk.done(&owner, "POST", &format!("{chat}/notes"), json!({ "text": "x" })).await;
        source.hears("note").await;

        // Gone for a while, and back: what was missed comes first.
        let last = source.id.clone();
        drop(source);
        desk.done(&owner, "POST", "labels", json!({ "name": "late", "colour": "#000000" })).await;
        ada.device.send(desk.account().await, Draft::text("still there?")).await.unwrap();
        let mut source = Source::open(&desk, &page, Some(&last)).await;
        assert_eq!(source.hears("changed").await["what"], "labels");
        source.hears("message").await;
        // From where nobody knows, all is to be read again.
        let mut other = Source::open(&desk, &page, Some("0123456789abcdef01234567-7")).await;
        other.hears("resync").await;

        // Who may not see chats hears nothing of them.
        loop {
            let block = audited.block().await.unwrap();
            assert!(!block.contains("user_id"), "{block}");
            if block.contains("event: changed") && block.contains("labels") {
                break;
            }
        }

        // So many at once, and no more.
        let _third = Source::open(&desk, &page, None).await;
        let _fourth = Source::open(&desk, &page, None).await;
        assert_eq!(desk.refused(&page, "GET", "events", Value::Null).await.0, 429);

        // A session that ends is told so.
        desk.done(&owner, "POST", &format!("agents/{}/sign-out", page.agent_id), Value::Null).await;
        source.hears("ended").await;
        assert_eq!(source.block().await, None);
        desk.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_hear_of_each_other_and_nobody_falls_behind_unawares() {
    let stage = Stage::sqlite().await;
    let (ground, _tasks) = stage.another(9).await;
    let (here, there) = (Live::new(stage.ground.clone()), Live::new(ground));
    let (_a, _b) = (here.follow().await, there.follow().await);
    let business = host::ids::BusinessId::random(&*stage.ground.entropy);
    let other = host::ids::BusinessId::random(&*stage.ground.entropy);
    let mut stream = there.stream(business, None);
    let event = |at: usize| Event::Changed { what: at.to_string() };
    let next = async |stream: &mut host::inbox::Stream| {
        let next = tokio::time::timeout(Duration::from_secs(10), stream.next()).await;
        next.unwrap()
    };
    here.tell(other, event(0)).await;
    here.tell(business, event(1)).await;
    let (id, heard) = next(&mut stream).await;
    assert_eq!(heard, Arc::new(event(1)));
    // Behind by more than is kept: it is said, once, and then it goes on.
    for at in 0..700 {
        here.tell(business, event(at)).await;
        if at % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(next(&mut stream).await.1, Arc::new(Event::Resync {}));
    here.tell(business, event(7)).await;
    assert_eq!(next(&mut stream).await.1, Arc::new(event(7)));
    // What is too old is not known any more; what is not, is.
    let mut back = there.stream(business, Some(&id));
    assert_eq!(next(&mut back).await.1, Arc::new(Event::Resync {}));
    let mut back = there.stream(business, Some(&stream.id()));
    here.tell(business, event(8)).await;
    assert_eq!(next(&mut back).await.1, Arc::new(event(8)));
}
