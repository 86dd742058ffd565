//! What the fuzzer of the edge starts from: good frames and bodies of every kind, the same in every run.

use bytes::Bytes;
use serde_json::json;
use wire::{
    AccountId, DeviceId, Message, Token,
    content::{Body, Content, MessageRef, Quote, Receipt, Text},
    frames::{
        ClientFrame, Delivery, Envelope, Expired, Kind, Notice, Part, Reason, Refusal, Send, ServerFrame,
        notice,
    },
    padding,
};

use crate::seed::Seed;

/// All files of all corpora of the edge.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut add = |target, name: &str, bytes: &[u8]| {
        seeds.push(Seed { target, name: name.to_owned(), bytes: bytes.to_vec() });
    };
    frames(&mut add);
    contents(&mut add);
    bodies(&mut add);
    sockets(&mut add);
    texts(&mut add);
    seeds
}

type Add<'a> = &'a mut dyn FnMut(&'static str, &str, &[u8]);

fn send(number: u8) -> Send {
    let part = |device| Part {
        device,
        registration_id: 4711,
        kind: Kind::Signal.into(),
        body: Bytes::copy_from_slice(&[number; 40]),
    };
    Send {
        id: Bytes::copy_from_slice(&[number; 16]),
        to: Bytes::from_static(&[7; 16]),
        timestamp: 1_800_000_000_000,
        transient: number % 2 == 1,
        parts: vec![part(1), part(2)],
    }
}

fn envelope(kind: Kind, body: Vec<u8>) -> Envelope {
    Envelope {
        id: Bytes::from_static(&[1; 16]),
        from: Bytes::from_static(&[2; 16]),
        from_device: 1,
        timestamp: 1_800_000_000_000,
        received: 1_800_000_000_001,
        kind: kind.into(),
        body: body.into(),
    }
}

fn frames(add: Add<'_>) {
    let frame = |sends, acknowledged| ClientFrame { sends, acknowledged }.encode_to_vec();
    add("edge_client_frame", "sends", &frame(vec![send(1), send(2)], 0));
    add("edge_client_frame", "acknowledgement", &frame(Vec::new(), 300));
    add("edge_client_frame", "both", &frame(vec![send(3)], 1));

    let expired = Expired {
        id: Bytes::from_static(&[1; 16]),
        to: Bytes::from_static(&[3; 16]),
        device: 2,
        timestamp: 1_800_000_000_000,
    };
    let notice = Notice { notice: Some(notice::Notice::Expired(expired)) }.encode_to_vec();
    let refusal = |reason: Reason| Refusal {
        id: Bytes::from_static(&[1; 16]),
        reason: reason.into(),
        missing: vec![1, 2],
        extra: vec![3],
        devices: vec![4],
        retry_after: 1000,
    };
    let frame = ServerFrame {
        deliveries: vec![
            Delivery { number: 1, envelope: Some(envelope(Kind::Signal, vec![5; 30])) },
            Delivery { number: 2, envelope: Some(envelope(Kind::Notice, notice.clone())) },
        ],
        sent: vec![Bytes::from_static(&[1; 16]), Bytes::from_static(&[2; 16])],
        refusals: vec![refusal(Reason::MismatchedDevices), refusal(Reason::QueueFull)],
        drained: true,
        prekeys_left: Some(3),
    };
    add("edge_server_frame", "all", &frame.encode_to_vec());
    add("edge_server_frame", "envelope", &envelope(Kind::PreKey, vec![6; 30]).encode_to_vec());
    add("edge_server_frame", "notice", &envelope(Kind::Notice, notice).encode_to_vec());
}

fn contents(add: Add<'_>) {
    let content = |body| Content { timestamp: 1_800_000_000_000, body: Some(body), ..Content::default() };
    let text = Content {
        expires_after: 60,
        profile_key: vec![9; 32],
        quote: Some(Quote {
            message: Some(MessageRef { author: vec![1; 16], timestamp: 5 }),
            ..Quote::default()
        }),
        ..content(Body::Text(Text { body: "Guten Tag".to_owned() }))
    };
    let receipt = content(Body::Receipt(Receipt { timestamps: vec![1, 2, 3], ..Receipt::default() }));
    for (name, content) in [("text", text), ("receipt", receipt)] {
        let mut padded = content.encode_to_vec();
        add("edge_content", name, &padded);
        padding::pad(&mut padded);
        add("edge_content", &format!("{name}-padded"), &padded);
    }
}

fn bodies(add: Add<'_>) {
    let key = json!({ "id": 1, "public_key": "BQECAw==" });
    let signed = json!({ "id": 1, "public_key": "BQECAw==", "signature": "AAAA" });
    let device = json!({
        "name": "AAAA", "registration_id": 4711, "identity_key": "BQECAw==", "signed_prekey": signed,
        "last_resort_kem_prekey": signed, "one_time_prekeys": [key], "one_time_kem_prekeys": [signed],
    });
    let account = AccountId::from_bytes([7; 16]);
    let number = "+4915112345678";
    for (name, body) in [
        ("request-code", json!({ "number": number })),
        ("register", json!({ "number": number, "code": "123456", "pin": "4711", "device": device })),
        ("link", json!({ "code": "abc", "device": device })),
        ("upload-keys", json!({ "signed_prekey": signed, "one_time_prekeys": [key] })),
        ("discoverable", json!({ "discoverable": false })),
        ("lookup", json!({ "numbers": [number, "+493012345678"] })),
        ("profile", json!({ "profile": "AAAA" })),
        ("blob", json!({ "size": 1 })),
        (
            "message",
            json!({ "id": "AAAA", "timestamp": 1, "transient": true, "parts": [
                { "device": 1, "registration_id": 4711, "kind": 3, "body": "AAAA" },
            ] }),
        ),
        (
            "bundles",
            json!({ "identity_key": "BQECAw==", "devices": [{
                "device": 1, "registration_id": 4711, "signed_prekey": signed, "one_time_prekey": null,
                "kem_prekey": signed,
            }] }),
        ),
        ("registered", json!({ "account": account, "device": 1, "token": "tp1_", "number": number })),
        (
            "error",
            json!({ "error": { "code": "mismatched_devices", "message": "no", "missing": [1], "extra": [2] } }),
        ),
    ] {
        add("edge_api", name, body.to_string().as_bytes());
    }
}

/// A client's frame.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            let length = u16::try_from(payload.len()).expect("a seed is short");
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn sockets(add: Add<'_>) {
    let fragments =
        [masked(0x02, b"in "), masked(0x89, b"?"), masked(0x00, b"three "), masked(0x80, b"parts")];
    let frame = ClientFrame { sends: vec![send(1), send(2)], acknowledged: 3 }.encode_to_vec();
    let violation = [masked(0x81, b"text"), masked(0x82, b"for the next one")];
    for (name, size, frames) in [
        ("fragments", 3, fragments.concat()),
        ("frame", 50, masked(0x82, &frame)),
        ("long", 255, masked(0x82, &[9; 300])),
        ("goodbye", 1, [masked(0x8a, b""), masked(0x88, &[0x03, 0xe8, b'x'])].concat()),
        ("violation", 255, violation.concat()),
        ("huge", 2, [vec![0x82, 0xff], (1u64 << 62).to_be_bytes().to_vec()].concat()),
    ] {
        add("edge_websocket", name, &[&[size], &frames[..]].concat());
    }
}

fn texts(add: Add<'_>) {
    for (name, text) in [
        ("e164", "+4915112345678"),
        ("typed", "+49 1511 2345678"),
        ("national", "(202) 456-1111"),
        ("italian", "+39 06 698 12345"),
    ] {
        add("edge_phone_number", name, text.as_bytes());
    }
    let token = Token { account: AccountId::from_bytes([7; 16]), device: DeviceId::PRIMARY, secret: [9; 32] };
    add("edge_token", "token", token.expose().as_bytes());
    add("edge_token", "account", token.account.to_string().as_bytes());
    for (name, header) in [
        ("first", "bytes=0-9"),
        ("from", "bytes=90-"),
        ("last", "bytes=-10"),
        ("outside", "bytes=100-"),
        ("several", "bytes=0-1,5-6"),
    ] {
        add("edge_range", name, &[&100u64.to_be_bytes(), header.as_bytes()].concat());
    }
}
