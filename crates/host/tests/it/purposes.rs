//! The gate and its log.

use std::sync::Arc;

use host::{
    HostError,
    ids::BusinessId,
    purposes::{
        Access, DECIDE, Entry, Gate, Head, Instructions, Purpose, Subject, SubjectKind,
        log::{Broken, verify},
    },
    sealing::{Domain, Keys, MasterKey, Place},
};

use crate::stage::{Stage, on_both};

const PLACE: Place<'static> = Place { domain: Domain::Message, name: b"1" };

fn subject(names: &[&str]) -> Subject {
    Subject { kind: SubjectKind::Message, names: names.iter().map(|name| (*name).to_owned()).collect() }
}

async fn gate(stage: &Stage) -> (Arc<Gate>, BusinessId) {
    let keys = Keys::new(stage.ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
    let business = BusinessId::random(&*stage.ground.entropy);
    keys.create(business).await.unwrap();
    (Gate::new(stage.ground.clone(), keys), business)
}

async fn lines(gate: &Gate, business: BusinessId) -> Vec<String> {
    let entries = gate.entries(business, 0, 1000).await.unwrap();
    entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect()
}

fn check(lines: &[String], noted: Option<&Head>) -> Result<Head, Broken> {
    verify(lines.iter().map(String::as_str), noted)
}

#[tokio::test]
async fn what_the_business_does_not_allow_is_not_opened_and_stands_in_the_log() {
    on_both(async |stage| {
        let (gate, business) = gate(&stage).await;
        let sealed = gate.seal(business, PLACE, b"hello").await.unwrap();
        let search = Access::by("search", business, Purpose::Search);
        let refused = gate.open(&search, subject(&["m1"]), &[(PLACE, &sealed)]).await;
        assert!(matches!(refused, Err(HostError::NotAllowed(Purpose::Search))));
        let allowed = Instructions { store_days: Some(30), search: true, ..Instructions::default() };
        gate.instruct(business, allowed, "test").await.unwrap();
        let opened = gate.open(&search, subject(&["m1"]), &[(PLACE, &sealed)]).await.unwrap();
        assert_eq!(***opened.first().unwrap(), *b"hello");
        let entries = gate.entries(business, 0, 10).await.unwrap();
        let said = entries.iter().map(|entry| (entry.refused, &*entry.reader, entry.names.join(", ")));
        let expected = [
            (true, "search", "m1".to_owned()),
            (false, "test", "deliver, store 30 days, search".to_owned()),
            (false, "search", "m1".to_owned()),
        ];
        assert_eq!(said.collect::<Vec<_>>(), expected);
        assert_eq!((&*entries[1].purpose, &*entries[1].subject), (DECIDE, "instructions"));
        // The same again decides nothing.
        gate.instruct(business, allowed, "test").await.unwrap();
        assert_eq!(gate.head(business).await.unwrap().seq, 3);
        check(&lines(&gate, business).await, None).unwrap();
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_log_shows_what_was_removed_changed_or_moved() {
    on_both(async |stage| {
        let (gate, business) = gate(&stage).await;
        let deliver = Access::by("webhook", business, Purpose::Deliver);
        // Side by side: they follow one another all the same.
        let readings = (0..20).map(|number| {
            let (gate, deliver) = (gate.clone(), deliver.clone());
            async move { gate.receive(&deliver, subject(&[&format!("m{number}")]), ()).await.unwrap() }
        });
        futures_util::future::join_all(readings).await;
        let whole = lines(&gate, business).await;
        let head = check(&whole, None).unwrap();
        assert_eq!((head.seq, gate.head(business).await.unwrap()), (20, head.clone()));

        let mut removed = whole.clone();
        removed.remove(7);
        assert_eq!(check(&removed, None), Err(Broken::Gap { expected: 8, found: 9 }));
        let mut moved = whole.clone();
        moved.swap(3, 4);
        assert_eq!(check(&moved, None), Err(Broken::Gap { expected: 4, found: 5 }));
        assert_eq!(check(&whole[..15], Some(&head)), Err(Broken::Forked(20)), "cut off at the end");
        for place in 0..whole.len() {
            let mut entry: Entry = serde_json::from_str(&whole[place]).unwrap();
            entry.reader.push('x');
            let mut changed = whole.clone();
            changed[place] = serde_json::to_string(&entry).unwrap();
            let seq = entry.seq;
            assert_eq!(check(&changed, None), Err(Broken::Changed(seq)));
        }
        // Of a log that was written anew from some point on, an earlier head knows.
        gate.receive(&deliver, subject(&["later"]), ()).await.unwrap();
        let longer = lines(&gate, business).await;
        check(&longer, Some(&head)).unwrap();
        let forged = Head { hash: "00".repeat(32), ..head };
        assert_eq!(check(&longer, Some(&forged)), Err(Broken::Forked(20)));
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn many_names_become_more_entries() {
    on_both(async |stage| {
        let (gate, business) = gate(&stage).await;
        let names: Vec<String> = (0..600).map(|number| format!("m{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let deliver = Access::by("inbox", business, Purpose::Deliver);
        gate.receive(&deliver, subject(&names), ()).await.unwrap();
        let entries = gate.entries(business, 0, 10).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.names.len()).collect::<Vec<_>>(), [256, 256, 88]);
        stage.writer.close().await;
    })
    .await;
}
