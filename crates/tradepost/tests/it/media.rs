//! Pictures, sounds, videos, voice notes and stickers.

use std::{io::Cursor, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::Value;

use crate::people::{ANNA, BANK, Relay, file};

/// Red on the left, blue on the right.
fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let halves =
        RgbImage::from_fn(
            width,
            height,
            |x, _| if x < width / 2 { Rgb([220, 0, 0]) } else { Rgb([0, 0, 220]) },
        );
    let mut bytes = Vec::new();
    halves.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn bytes(seed: u32, length: u32) -> Vec<u8> {
    (0..length).map(|at| at.wrapping_mul(seed).to_le_bytes()[1]).collect()
}

#[test]
fn every_kind_of_medium_arrives_as_what_it_is() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    let folder = tempfile::tempdir().unwrap();
    let photo = picture(800, 600, ImageFormat::Png);
    let sticker = picture(96, 96, ImageFormat::Png);
    let sent: [(&str, &str, &[u8], &str, &str); 5] = [
        ("--file", "photo.png", &photo, "image", "image/png"),
        ("--file", "song.mp3", &bytes(3, 200_000), "audio", "audio/mpeg"),
        ("--file", "clip.mp4", &bytes(5, 300_000), "video", "video/mp4"),
        ("--voice", "question.ogg", &bytes(7, 40_000), "voice", "audio/ogg"),
        ("--sticker", "wave.png", &sticker, "sticker", "image/png"),
    ];
    for (flag, name, bytes, ..) in &sent {
        anna.json(&["send", BANK, flag, &file(folder.path(), name, bytes)]);
    }
    let downloads = folder.path().join("downloads");
    let lines = bank.lines(&["receive", "--save-media", downloads.to_str().unwrap()]);
    assert_eq!(lines.len(), sent.len());
    for (line, (_, name, bytes, kind, content_type)) in lines.iter().zip(&sent) {
        let body = &line["message"]["body"];
        assert_eq!(
            (&body["kind"], &body["content_type"]),
            (&Value::from(*kind), &Value::from(*content_type))
        );
        assert_eq!(body["file_name"], *name);
        assert!(std::fs::read(line["saved"].as_str().unwrap()).unwrap() == *bytes, "{name}");
    }
    let body = &lines[0]["message"]["body"];
    assert_eq!((&body["width"], &body["height"]), (&800.into(), &600.into()));
    let preview = STANDARD.decode(body["thumbnail"].as_str().unwrap()).unwrap();
    let preview = image::load_from_memory_with_format(&preview, ImageFormat::Jpeg).unwrap().into_rgb8();
    assert_eq!(preview.dimensions(), (320, 240));
    let near = |at: (u32, u32), [red, _, blue]: [u8; 3]| {
        let Rgb([r, g, b]) = *preview.get_pixel(at.0, at.1);
        r.abs_diff(red) < 30 && g < 30 && b.abs_diff(blue) < 30
    };
    assert!(near((40, 120), [220, 0, 0]) && near((280, 120), [0, 0, 220]), "it shows something else");
    let small = &lines[4]["message"]["body"];
    assert_eq!((&small["width"], &small["thumbnail"]), (&96.into(), &"".into()));

    // Who was asked by voice says when it was heard; of anything else there is nothing to hear.
    let (voice, song) = (&lines[3]["message"]["position"], &lines[1]["message"]["position"]);
    let copy = folder.path().join("copy.ogg");
    bank.lines(&["save", &voice.to_string(), copy.to_str().unwrap(), "--played"]);
    let other = folder.path().join("copy.mp3");
    assert!(!bank.run(&["save", &song.to_string(), other.to_str().unwrap(), "--played"]).status.success());
    anna.lines(&["receive"]);
    assert_eq!(anna.message(BANK, 1)["state"]["state"], "played");
    assert_ne!(anna.message(BANK, 3)["state"]["state"], "played");
    assert!(bank.words(&["history", ANNA]).contains("[voice message question.ogg"));

    let wrong = |flag: &str, path: &Path| anna.fails(2, &["send", BANK, flag, path.to_str().unwrap()]);
    assert_eq!(wrong("--voice", &folder.path().join("photo.png"))["code"], "usage");
    assert_eq!(wrong("--sticker", &folder.path().join("song.mp3"))["code"], "usage");
}

/// The largest file that a relay takes by default is 100 MiB encrypted.
#[test]
fn a_large_file_goes_through_a_relay_that_stays_small() {
    let relay = Relay::start();
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    anna.json(&["send", BANK, "Hello"]);
    bank.received();
    let folder = tempfile::tempdir().unwrap();
    let large = bytes(2_654_435_761, 90 << 20);
    let path = file(folder.path(), "archive.zip", &large);
    let before = relay.memory("VmRSS");
    anna.json(&["send", BANK, "--file", &path]);
    let downloads = folder.path().join("downloads");
    let lines = bank.lines(&["receive", "--save-media", downloads.to_str().unwrap()]);
    assert!(std::fs::read(lines[0]["saved"].as_str().unwrap()).unwrap() == large);
    // The system remembers the most that there ever was.
    let most = relay.memory("VmHWM");
    println!("{before} KiB before, {most} KiB at most");
    assert!(most < before + (48 << 10), "{before} KiB before, {most} KiB at most");
}
