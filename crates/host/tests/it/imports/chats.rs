//! Imported chats beside live ones.

use std::time::Duration;

use client::Draft;
use host::{
    HostError,
    content::Content,
    imports::{ImportError, WhoError},
    messages::Recipient,
    purposes::{Access, Instructions, Purpose},
};

use super::{ago, found, history, import, request, text, zipped};
use crate::world::{World, code, on_both, until};

const CUSTOMER: &str = "+4915112345678";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on, with a Zanzibar in it";

fn bodies(history: &[(host::messages::About, host::messages::Document)]) -> Vec<String> {
    let body = |content: &Content| match content {
        Content::Text(text) => text.body.clone(),
        other => other.kind().to_owned(),
    };
    history.iter().map(|(_, document)| body(&document.content)).collect()
}

fn chat() -> String {
    [
        ago(9, 8, 0) + "Messages and calls are end-to-end encrypted.\n",
        ago(9, 8, 1) + "Ada: My Zanzibar voucher is lost\n",
        ago(9, 8, 1) + "Ada: hello\n",
        ago(9, 8, 1) + "Ada: hello\n",
        ago(8, 9, 0) + "Bank: We send\nanother voucher\n",
        ago(7, 9, 0) + "Ada: <Media omitted>\n",
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_becomes_a_chat_among_the_others_once() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        let first = text(folder.path(), "chat.txt", &chat());
        let report = import(&host, request(&first, &number, CUSTOMER)).await.unwrap();
        assert_eq!(
            (report.imported, report.of_the_app, report.files_left_out, report.problems),
            (5, 1, 1, 0)
        );
        // Old messages open no window, and nobody was told.
        assert_eq!(code(host.messages.send(crate::world::text(&number, &ada.number, "hi")).await), 131_047);
        assert!(world.told().await.is_empty());

        ada.device.send(business, Draft::text("a live one")).await.unwrap();
        until("it came", async || !world.told().await.is_empty()).await;
        let all = history(&host, &number).await;
        let expected = [
            "My Zanzibar voucher is lost",
            "hello",
            "hello",
            "We send\nanother voucher",
            "unsupported",
            "a live one",
        ];
        assert_eq!(bodies(&all), expected);
        let person = all[5].0.person;
        for (index, (about, _)) in all.iter().enumerate() {
            // What the business said itself is never marked as read by it.
            assert_eq!((about.imported, about.read), (index < 5, index < 5 && index != 3));
            assert_eq!((about.outbound, about.status, about.person), (index == 3, None, person));
        }
        let day = 24 * 60 * 60 * 1000;
        assert!((all[5].0.at.0 - all[0].0.at.0) / day >= 8);
        assert_eq!((found(&host, &number, "zanzibar").await, found(&host, &number, "voucher").await), (1, 2));

        // The same again; and a newer export, which begins later and goes on.
        let again = import(&host, request(&first, &number, CUSTOMER)).await.unwrap();
        assert_eq!((again.imported, again.already_there), (0, 5));
        let newer = chat().split_once("hello\n").unwrap().1.to_owned() + &ago(1, 9, 0) + "Ada: thanks\n";
        let newer = text(folder.path(), "newer.txt", &newer);
        let newer = import(&host, request(&newer, &number, CUSTOMER)).await.unwrap();
        assert_eq!((newer.imported, newer.already_there), (1, 3));
        let all = bodies(&history(&host, &number).await);
        assert_eq!(all[4..], ["unsupported", "thanks", "a live one"]);
        for secret in ["Zanzibar", "zanzibar", "voucher", "4915112345678"] {
            world.scan(secret.as_bytes());
        }
        assert!(world.told().await.len() == 1, "still nobody was told");
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_come_in_encrypted_and_may_follow_later() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let host = world.host().await;
        let number = world.settle(&host).await;
        let card = "BEGIN:VCARD\nFN:Grace\nTEL:+1 202 456 1111\nEND:VCARD\n";
        let with = |file: &str| {
            [
                ago(3, 8, 0),
                format!("Ada: {file}\n"),
                ago(3, 8, 5),
                "Bank: Grace.vcf (file attached)\n".to_owned(),
            ]
            .concat()
        };
        let without = text(folder.path(), "without.txt", &with("<Media omitted>"));
        let report = import(&host, request(&without, &number, CUSTOMER)).await.unwrap();
        assert_eq!((report.imported, report.files), (2, 0));
        let chat = with("IMG-20231231-WA0001.png (file attached)\na caption");
        let files: &[(&str, &[u8])] = &[
            ("WhatsApp Chat with Ada.txt", chat.as_bytes()),
            ("IMG-20231231-WA0001.png", PNG),
            ("Grace.vcf", card.as_bytes()),
        ];
        let zip = zipped(folder.path(), "chat.zip", files);
        let report = import(&host, request(&zip, &number, CUSTOMER)).await.unwrap();
        assert_eq!((report.imported, report.already_there, report.files), (0, 2, 1), "{report:?}");
        let again = import(&host, request(&zip, &number, CUSTOMER)).await.unwrap();
        assert_eq!((again.imported, again.already_there, again.files), (0, 2, 0));
        assert_eq!(world.count("media").await, 1);
        let all = history(&host, &number).await;
        let Content::Image(file) = &all[0].1.content else { panic!("{:?}", all[0]) };
        assert_eq!(
            (file.caption.as_deref(), file.mime_type.as_deref()),
            (Some("a caption"), Some("image/png"))
        );
        let access = Access::by("test", number.business, Purpose::Store);
        let mut bytes = host.media.open(file.id.unwrap(), &access).await.unwrap();
        let mut whole = Vec::new();
        while let Some(more) = futures_util::StreamExt::next(&mut bytes).await {
            whole.extend_from_slice(&more.unwrap());
        }
        assert_eq!(whole, PNG);
        let Content::Contacts { cards } = &all[1].1.content else { panic!("{:?}", all[1]) };
        assert_eq!(cards[0].name.formatted_name.as_deref(), Some("Grace"));
        world.scan(b"Zanzibar");
        host.close().await;
        world.close().await;
    })
    .await;
}

/// A long chat.
fn long(messages: i64) -> String {
    (0..messages)
        .map(|index| {
            let name = if index % 3 == 0 { "Bank" } else { "Ada" };
            // Five in a minute, some of them the same words.
            let minute = i8::try_from(index / 5 % 60).unwrap();
            let hour = i8::try_from(index / 300 % 24).unwrap();
            format!(
                "{}{name}: message about the voucher {}\n",
                ago(30 - index / 7200, hour, minute),
                index % 2
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_the_same_again_makes_it_whole() {
    const MESSAGES: i64 = 12_000;
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let mut host = world.host().await;
        let number = world.settle(&host).await;
        let path = text(folder.path(), "chat.txt", &long(MESSAGES));
        let mut cut = 0;
        for round in 1..=4_u64 {
            let imports = super::imports(&host);
            let request = request(&path, &number, CUSTOMER);
            let running =
                tokio::spawn(async move { imports.run(request, std::sync::Arc::new(super::Silent)).await });
            // Until something of it is there, and then a little more.
            let before = world.count("messages").await;
            until("something was written", async || {
                running.is_finished() || world.count("messages").await > before
            })
            .await;
            tokio::time::sleep(Duration::from_millis(10 * round)).await;
            cut += i64::from(!running.is_finished());
            running.abort();
            let _ = running.await;
            host.kill().await;
            world.free_leases().await;
            host = world.host().await;
        }
        assert!(cut > 0, "it was never killed in the middle");
        let report = import(&host, request(&path, &number, CUSTOMER)).await.unwrap();
        assert_eq!(i64::try_from(report.imported + report.already_there).unwrap(), MESSAGES);
        assert_eq!(world.count("messages").await, MESSAGES);
        let words = world.count("message_words").await;
        assert_eq!(words, MESSAGES * 5, "each message has its five words");
        let again = import(&host, request(&path, &number, CUSTOMER)).await.unwrap();
        assert_eq!(again.imported, 0);
        assert_eq!((world.count("messages").await, world.count("message_words").await), (MESSAGES, words));
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_comes_later_finds_the_chat_that_was_brought() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let host = world.host().await;
        let number = world.settle(&host).await;
        let path = text(folder.path(), "chat.txt", &chat());
        let report = import(&host, request(&path, &number, CUSTOMER)).await.unwrap();
        assert_eq!(report.imported, 5);
        let awaited = history(&host, &number).await[0].0.person;
        // Whoever is only awaited cannot be written to.
        let customer = Recipient::Number(CUSTOMER.parse().unwrap());
        assert_eq!(code(host.people.resolve(&number, &customer).await), 131_026);
        let user_id = Recipient::User(report.customer.unwrap().parse().unwrap());
        assert_eq!(code(host.people.resolve(&number, &user_id).await), 131_026);

        let _ada = world.customer().await;
        let known = host.people.resolve(&number, &customer).await.unwrap();
        assert_ne!(known.person.id, awaited);
        let all = history(&host, &number).await;
        assert!(all.len() == 5 && all.iter().all(|(about, _)| about.person == known.person.id));
        assert_eq!((world.count("people").await, world.count("chats").await), (1, 1));
        // And the same export is still the same.
        let again = import(&host, request(&path, &number, CUSTOMER)).await.unwrap();
        assert_eq!((again.imported, again.already_there), (0, 5));
        assert_eq!((world.count("people").await, world.count("chats").await), (1, 1));
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_imported_without_leave_or_longer_than_is_kept() {
    on_both(async |world: World| {
        let folder = tempfile::tempdir().unwrap();
        let host = world.host().await;
        let number = world.settle(&host).await;
        let path = text(folder.path(), "chat.txt", &chat());
        let no = Instructions::default();
        host.gate.instruct(number.business, no, "test").await.unwrap();
        let refused = import(&host, request(&path, &number, CUSTOMER)).await;
        assert!(
            matches!(refused, Err(ImportError::Host(HostError::NotAllowed(Purpose::Store)))),
            "{refused:?}"
        );
        assert_eq!((world.count("messages").await, world.count("people").await), (0, 0));
        let entries = host.gate.entries(number.business, 0, 1000).await.unwrap();
        let last = entries.last().unwrap();
        assert_eq!((last.reader.as_str(), last.refused), ("import", true));

        let week = Instructions { store_days: Some(8), ..Instructions::default() };
        host.gate.instruct(number.business, week, "test").await.unwrap();
        let dry = host::imports::Request { dry_run: true, ..request(&path, &number, CUSTOMER) };
        let dry = import(&host, dry).await.unwrap();
        assert!(dry.imported > 0 && world.count("messages").await == 0 && world.count("people").await == 0);
        let report = import(&host, request(&path, &number, CUSTOMER)).await.unwrap();
        assert_eq!((report.imported, dry.imported), (dry.imported, 5 - report.too_old));
        assert!(report.too_old >= 3);
        assert_eq!(world.count("message_words").await, 0, "it may not be searched");
        let entries = host.gate.entries(number.business, 0, 1000).await.unwrap();
        let taken = entries
            .iter()
            .find(|entry| entry.reader == "import" && entry.subject == "chat" && !entry.refused);
        assert_eq!(taken.unwrap().names, [report.customer.unwrap()]);
        host.messages.sweep().await.unwrap();
        assert_eq!(world.count("messages").await, i64::try_from(report.imported).unwrap());

        let group = text(folder.path(), "group.txt", &(chat() + &chat().replace("Ada", "Ben")));
        let refused = import(&host, request(&group, &number, CUSTOMER)).await;
        assert!(matches!(refused, Err(ImportError::Who(WhoError::Several { .. }))), "{refused:?}");
        let unknown = host::imports::Request { customer: None, ..request(&path, &number, CUSTOMER) };
        let refused = import(&host, unknown).await;
        assert!(matches!(refused, Err(ImportError::Who(WhoError::NoNumber))), "{refused:?}");
        host.close().await;
        world.close().await;
    })
    .await;
}
