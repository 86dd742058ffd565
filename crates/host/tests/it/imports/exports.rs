//! All that a business has, in a zip that any library opens.

use std::{collections::BTreeMap, io::Read as _, path::Path};

use client::Draft;
use host::{
    HostError,
    exports::{ExportError, PackError, Request},
    purposes::{Instructions, Purpose, log},
};
use serde_json::Value;
use zip::ZipArchive;

use super::{Silent, ago, exports, import, request, zipped};
use crate::world::{on_both, until};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

fn opened(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut zip = ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..zip.len())
        .map(|index| {
            let mut file = zip.by_index(index).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_has_everything_and_is_written_whole_or_not_at_all() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let chat = [
            ago(3, 8, 0) + "Bank: an old one\n",
            ago(3, 8, 1) + "Ada: IMG-20231231-WA0001.png (file attached)\n",
        ];
        let zip = zipped(
            folder.path(),
            "chat.zip",
            &[("_chat.txt", chat.concat().as_bytes()), ("IMG-20231231-WA0001.png", PNG)],
        );
        import(&host, request(&zip, &number, "+4915112345678")).await.unwrap();
        import(&host, request(&zip, &number, "+12024561111")).await.unwrap();
        ada.device.send(number.account.unwrap(), Draft::text("a live one")).await.unwrap();
        until("it came", async || world.told().await.len() == 1).await;
        host.messages.send(crate::world::text(&number, &ada.number, "an answer")).await.unwrap();
        ada.hears(number.account.unwrap(), 1).await;
        until("it was delivered", async || world.told().await.len() == 3).await;

        let business = host.businesses.get(number.business).await.unwrap();
        let to = folder.path().join("all.zip");
        let all = Request { business: business.clone(), chat: None, to: to.clone(), replace: false };
        let counts = exports(&host).run(&all, &Silent).await.unwrap();
        assert_eq!((counts.people, counts.chats, counts.messages, counts.files), (2, 2, 6, 2));
        let files = opened(&to);
        let head = &lines(&files["export.json"])[0];
        assert_eq!(head["business"]["legal_name"], "Bank AG");
        assert_eq!(
            (&head["hosting"]["mode"], &head["instructions"]["store_days"]),
            (&"self".into(), &365.into())
        );
        assert_eq!(head["numbers"][0]["number"], crate::world::BUSINESS);
        let people = lines(&files["people.jsonl"]);
        let person = people.iter().find(|person| person["wa_id"] == "4915112345678").unwrap();
        let name = format!("chats/{}/{}.jsonl", number.digits(), person["user_id"].as_str().unwrap());
        let messages = lines(&files[&name]);
        let said: Vec<_> = messages
            .iter()
            .map(|message| {
                (
                    message["direction"].as_str().unwrap(),
                    message["type"].as_str().unwrap(),
                    message["imported"].as_bool().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            said,
            [("out", "text", true), ("in", "image", true), ("in", "text", false), ("out", "text", false)]
        );
        assert_eq!(messages[2]["content"]["body"], "a live one");
        assert_eq!(messages[3]["status"], "delivered");
        let known = lines(&files["files-0001.jsonl"]);
        let id = messages[1]["content"]["id"].as_str().unwrap();
        let known = known.iter().find(|file| file["id"] == id).unwrap();
        assert_eq!(files[known["file"].as_str().unwrap()], PNG);
        assert_eq!(known["sha256"], messages[1]["content"]["sha256"]);
        let readings = std::str::from_utf8(&files["readings.jsonl"]).unwrap();
        log::verify(readings.lines(), None).unwrap();
        assert!(readings.contains("\"export\""), "making it stands in the log");
        assert_eq!(lines(&files["counts.json"])[0]["messages"], 6);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        }

        // One chat; not over what is there, unless it is wanted.
        let one = Request { chat: Some("+4915112345678".to_owned()), ..all.clone() };
        let there = exports(&host).run(&one, &Silent).await;
        assert!(matches!(there, Err(ExportError::Pack(PackError::Exists(_)))), "{there:?}");
        let counts = exports(&host).run(&Request { replace: true, ..one }, &Silent).await.unwrap();
        assert_eq!((counts.people, counts.chats, counts.messages, counts.files), (1, 1, 4, 1));
        assert!(!opened(&to).contains_key("readings.jsonl"));
        let nobody =
            Request { chat: Some("+4930901820".to_owned()), to: folder.path().join("no.zip"), ..all.clone() };
        let missing = exports(&host).run(&nobody, &Silent).await;
        assert!(matches!(missing, Err(ExportError::Host(HostError::NotFound(_)))), "{missing:?}");

        host.gate.instruct(number.business, Instructions::default(), "test").await.unwrap();
        let refused = exports(&host).run(&Request { to: folder.path().join("no.zip"), ..all }, &Silent).await;
        assert!(
            matches!(refused, Err(ExportError::Host(HostError::NotAllowed(Purpose::Store)))),
            "{refused:?}"
        );
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        host.close().await;
        world.close().await;
    })
    .await;
}
