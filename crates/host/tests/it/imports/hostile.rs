//! Zips that are made to do harm, and files that are none.

use std::{io::Write as _, path::Path};

use host::imports::{ImportError, SourceError};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{ago, import, request, text, zipped};
use crate::world::{World, on_sqlite};

const CHAT: &str = "_chat.txt";

fn chat() -> String {
    [ago(3, 8, 0) + "Ada: hello\n", ago(3, 8, 1) + "Bank: IMG-20231231-WA0001.jpg (file attached)\n"].concat()
}

async fn refused(world: &World, host: &crate::world::Host, path: &Path) -> String {
    let number = host.numbers.by_display(&crate::world::BUSINESS.parse().unwrap()).await.unwrap();
    let outcome = import(host, request(path, &std::sync::Arc::new(number), "+4915112345678")).await;
    let reason = match outcome {
        Err(ImportError::Source(SourceError::Refused(reason))) => reason,
        Err(ImportError::Source(error)) => error.to_string(),
        Err(ImportError::Broken(error)) => error.to_string(),
        other => panic!("{}: {other:?}", path.display()),
    };
    assert_eq!((world.count("messages").await, world.count("media").await), (0, 0), "{reason}");
    reason
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zips_that_are_made_to_do_harm_are_refused_before_anything_is_written() {
    on_sqlite(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let host = world.host().await;
        world.settle(&host).await;
        let chat = chat();
        let text_in =
            |name, more: &[(&str, &[u8])]| zipped(folder, name, &[&[(CHAT, chat.as_bytes())], more].concat());

        let bomb = vec![b'a'; 64 << 20];
        let reason =
            refused(&world, &host, &text_in("ratio.zip", &[("IMG-20231231-WA0001.jpg", &bomb)])).await;
        assert!(reason.contains("100 times"), "{reason}");
        let reason = refused(&world, &host, &zipped(folder, "text.zip", &[(CHAT, &bomb)])).await;
        assert!(reason.contains("100 times"), "{reason}");

        for name in ["../chat.jpg", "/etc/passwd", "a/b.jpg", "a\\b.jpg"] {
            let reason = refused(&world, &host, &text_in("nested.zip", &[(name, b"x")])).await;
            assert!(reason.contains("folders"), "{name}: {reason}");
        }
        let long = "x".repeat(300);
        let reason = refused(&world, &host, &text_in("long.zip", &[(&long, b"x")])).await;
        assert!(reason.contains("300 bytes"), "{reason}");

        let names: Vec<String> = (0..20_001).map(|index| format!("{index}.jpg")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        let reason = refused(&world, &host, &text_in("many.zip", &many)).await;
        assert!(reason.contains("20002 entries"), "{reason}");

        let path = text_in("overlap.zip", &[]);
        let mut zip =
            ZipWriter::new_append(std::fs::File::options().read(true).write(true).open(&path).unwrap())
                .unwrap();
        zip.shallow_copy_file(CHAT, "IMG-20231231-WA0001.jpg").unwrap();
        zip.finish().unwrap();
        let reason = refused(&world, &host, &path).await;
        assert!(reason.contains("over each other"), "{reason}");

        let two = zipped(folder, "twice.zip", &[("one.txt", b"x"), ("two.txt", b"y")]);
        assert!(refused(&world, &host, &two).await.contains("2 texts"));
        let none = zipped(folder, "none.zip", &[("a.jpg", b"x")]);
        assert!(refused(&world, &host, &none).await.contains("0 texts"));

        let fake = text(folder, "fake.zip", "no zip at all");
        assert!(refused(&world, &host, &fake).await.contains("zip"));
        let cut = text_in("cut.zip", &[]);
        let bytes = std::fs::read(&cut).unwrap();
        std::fs::write(&cut, &bytes[..bytes.len() - 30]).unwrap();
        assert!(refused(&world, &host, &cut).await.contains("zip"));
        host.close().await;
        world.close().await;
    })
    .await;
}

/// Bytes of the local and the central header, changed.
fn patched(path: &Path, find: &[u8], offset: usize, bytes: &[u8]) {
    let mut zip = std::fs::read(path).unwrap();
    let places: Vec<usize> =
        (0..zip.len() - find.len()).filter(|at| &zip[*at..*at + find.len()] == find).collect();
    for place in places {
        zip[place + offset..place + offset + bytes.len()].copy_from_slice(bytes);
    }
    std::fs::write(path, zip).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zips_that_lie_are_found_out() {
    on_sqlite(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let host = world.host().await;
        let number = world.settle(&host).await;
        // Encrypted: the flag is in both headers.
        let locked = zipped(folder, "locked.zip", &[(CHAT, chat().as_bytes())]);
        patched(&locked, b"PK\x01\x02", 8, &[1, 0]);
        patched(&locked, b"PK\x03\x04", 6, &[1, 0]);
        assert!(refused(&world, &host, &locked).await.contains("encrypted"));
        // It says that it is smaller than it is.
        let large = zipped(folder, "large.zip", &[(CHAT, chat().repeat(1000).as_bytes())]);
        patched(&large, b"PK\x01\x02", 24, &[10, 0, 0, 0]);
        let reason = refused(&world, &host, &large).await;
        assert!(!reason.is_empty(), "{reason}");
        // Packed in a way that needs another program.
        let odd = zipped(folder, "odd.zip", &[(CHAT, chat().as_bytes())]);
        patched(&odd, b"PK\x01\x02", 10, &[14, 0]);
        assert!(!refused(&world, &host, &odd).await.is_empty());

        // A damaged file is said, and the chat is taken all the same.
        let jpeg = [b"\xff\xd8\xff".as_slice(), &[7; 5000]].concat();
        let path = folder.join("damaged.zip");
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(CHAT, stored).unwrap();
        zip.write_all(chat().as_bytes()).unwrap();
        zip.start_file("IMG-20231231-WA0001.jpg", stored).unwrap();
        zip.write_all(&jpeg).unwrap();
        zip.finish().unwrap();
        patched(&path, &[7; 100], 0, &[8]);
        let report = import(&host, request(&path, &number, "+4915112345678")).await.unwrap();
        assert_eq!((report.imported, report.files, report.problems), (2, 0, 1));
        assert_eq!(report.problem_lines[0].reason, "its file is damaged in the zip");
        assert_eq!(world.count("media").await, 0);
        host.close().await;
        world.close().await;
    })
    .await;
}
