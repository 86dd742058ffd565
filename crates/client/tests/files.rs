//! Files that come, on a real file system.
#![cfg(feature = "native")]

use std::{fs, io::ErrorKind, path::Path};

use client::{FileSink, Sink as _};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_is_there_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contract.pdf");
    let mut sink = FileSink::create(&path).await.unwrap();
    sink.write(b"signed").await.unwrap();
    assert!(!path.exists());
    sink.finish().await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"signed");
    assert_eq!(names(folder.path()), ["contract.pdf"]);
    let refused = FileSink::create(&path).await.map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    let mut sink = FileSink::create(&folder.path().join("other")).await.unwrap();
    sink.write(b"half").await.unwrap();
    sink.abort().await.unwrap();
    assert_eq!(names(folder.path()), ["contract.pdf"]);
}

#[tokio::test]
async fn what_lies_beside_it_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contract.pdf");
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    fs::write(folder.path().join("contract.pdf.part"), "mine too").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join("contract.pdf.1.part")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("nothing"), folder.path().join("contract.pdf.2.part"))
        .unwrap();
    let (mut first, mut second) =
        (FileSink::create(&path).await.unwrap(), FileSink::create(&path).await.unwrap());
    first.write(b"first").await.unwrap();
    second.write(b"second").await.unwrap();
    first.finish().await.unwrap();
    // Whoever is later replaces nothing, and leaves nothing.
    assert_eq!(second.finish().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(fs::read(&elsewhere).unwrap(), b"mine");
    assert_eq!(fs::read(folder.path().join("contract.pdf.part")).unwrap(), b"mine too");
    let left =
        ["contract.pdf", "contract.pdf.1.part", "contract.pdf.2.part", "contract.pdf.part", "elsewhere"];
    assert_eq!(names(folder.path()), left);

    // A link with the name itself leads nowhere either.
    let linked = folder.path().join("linked");
    std::os::unix::fs::symlink(folder.path().join("nothing"), &linked).unwrap();
    assert_eq!(FileSink::create(&linked).await.map(drop).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(!folder.path().join("nothing").exists());
}
