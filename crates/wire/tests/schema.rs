//! The published `.proto` files and the types say the same: whatever the types write, a protobuf library reads by the
//! files with no field unknown, writes again, and the types read back.

use std::path::Path;

use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, Value};
use wire::{Message, content as c, frames as f, hosting as h};

fn schema() -> DescriptorPool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let compiled = protox::compile(["socket.proto", "content.proto", "hosting.proto"], [folder])
        .expect("the schemas compile");
    DescriptorPool::from_file_descriptor_set(compiled).expect("the schemas fit together")
}

/// Every field of a full message must be known to the file and set.
fn assert_complete(message: &DynamicMessage, seen: &mut Vec<String>) {
    let name = message.descriptor().full_name().to_owned();
    assert_eq!(message.unknown_fields().count(), 0, "{name} has a field that is not published");
    for field in message.descriptor().fields() {
        if message.has_field(&field) {
            seen.push(field.full_name().to_owned());
        }
    }
    for (_, value) in message.fields() {
        match value {
            Value::Message(inner) => assert_complete(inner, seen),
            Value::List(list) => {
                list.iter().filter_map(Value::as_message).for_each(|inner| assert_complete(inner, seen));
            }
            _ => {}
        }
    }
}

fn round_trip<M: Message + Default + PartialEq + std::fmt::Debug>(
    name: &str,
    message: &M,
    seen: &mut Vec<String>,
) {
    let descriptor = schema().get_message_by_name(name).expect("a published message");
    let dynamic = DynamicMessage::decode(descriptor, &*message.encode_to_vec()).expect("it reads our bytes");
    assert_complete(&dynamic, seen);
    assert_eq!(&M::decode(&*dynamic.encode_to_vec()).expect("we read its bytes"), message);
}

fn bytes(text: &'static str) -> bytes::Bytes {
    bytes::Bytes::from_static(text.as_bytes())
}

/// What businesses send, and what people answer.
fn business_bodies() -> Vec<c::Body> {
    let message = Some(c::MessageRef { author: vec![1; 16], timestamp: 5 });
    let button = |action| c::Button { title: "t".into(), action: Some(action) };
    let other = c::OtherAction { name: "n".into(), parameters: "{}".into() };
    let headers = [
        c::HeaderKind::Text("t".into()),
        c::HeaderKind::Media(c::Media { width: 1, ..Default::default() }),
        c::HeaderKind::Location(c::Location { latitude: 1.0, ..Default::default() }),
    ];
    let slide = |header| c::Slide {
        header: Some(c::Header { header: Some(header) }),
        body: "b".into(),
        buttons: vec![button(c::ButtonAction::Reply("r".into()))],
    };
    let row = c::Row { id: "i".into(), title: "t".into(), description: "d".into() };
    let interactive = c::Interactive {
        header: Some(c::Header { header: Some(c::HeaderKind::Text("h".into())) }),
        body: "b".into(),
        footer: "f".into(),
        buttons: vec![
            button(c::ButtonAction::Url("u".into())),
            button(c::ButtonAction::Call("c".into())),
            button(c::ButtonAction::Copy("c".into())),
            button(c::ButtonAction::LocationRequest(c::LocationRequest {})),
            button(c::ButtonAction::ContactRequest(c::ContactRequest {})),
            button(c::ButtonAction::Other(other)),
        ],
        list: Some(c::ChoiceList {
            button: "b".into(),
            sections: vec![c::Section { title: "t".into(), rows: vec![row] }],
        }),
        slides: headers.map(slide).into(),
    };
    vec![
        c::Body::Interactive(interactive.clone()),
        c::Body::Template(c::Template {
            name: "n".into(),
            language: "l".into(),
            category: c::TemplateCategory::Marketing.into(),
            content: Some(interactive),
            offer: Some(c::Offer { text: "t".into(), ends: 1 }),
        }),
        c::Body::Reply(c::Reply {
            message: message.clone(),
            kind: c::ReplyKind::Form.into(),
            id: "i".into(),
            title: "t".into(),
            description: "d".into(),
            response: "{}".into(),
        }),
        c::Body::NumberShare(c::NumberShare { proof: vec![1] }),
        c::Body::Preference(c::Preference { marketing: c::Marketing::Resume.into() }),
        c::Body::ErasureRequest(c::ErasureRequest {}),
        c::Body::ErasureDone(c::ErasureDone { request: message, messages: 1, media: 2 }),
        c::Body::ChatOpened(c::ChatOpened {}),
        c::Body::Menu(c::Menu {
            prompts: vec!["p".into()],
            commands: vec![c::MenuCommand { name: "n".into(), description: "d".into() }],
        }),
    ]
}

fn all_bodies() -> Vec<c::Body> {
    let message = Some(c::MessageRef { author: vec![1; 16], timestamp: 5 });
    let blob = Some(c::BlobPointer { id: "id".into(), key: vec![2; 32], digest: vec![3; 32], size: 9 });
    let sync = |event| c::Body::Sync(c::Sync { event: Some(event) });
    vec![
        c::Body::Text(c::Text { body: "hello".into() }),
        c::Body::Media(c::Media {
            r#type: c::MediaType::Sticker.into(),
            blob,
            content_type: "image/webp".into(),
            file_name: "a.webp".into(),
            caption: "look".into(),
            width: 1,
            height: 2,
            duration: 3,
            thumbnail: vec![4],
            animated: true,
        }),
        c::Body::Location(c::Location {
            latitude: 1.5,
            longitude: -2.5,
            accuracy: 3.0,
            name: "here".into(),
            address: "street".into(),
        }),
        c::Body::Contacts(c::Contacts {
            contacts: vec![c::Contact {
                name: "Ada".into(),
                phone_numbers: vec!["+1".into()],
                email_addresses: vec!["a@b".into()],
                organization: "o".into(),
                name_parts: Some(c::NameParts {
                    first: "f".into(),
                    last: "l".into(),
                    middle: "m".into(),
                    prefix: "p".into(),
                    suffix: "s".into(),
                }),
                phone_labels: vec!["l".into()],
                email_labels: vec!["l".into()],
                addresses: vec![c::PostalAddress {
                    street: "s".into(),
                    city: "c".into(),
                    state: "s".into(),
                    postal_code: "p".into(),
                    country: "c".into(),
                    country_code: "cc".into(),
                    label: "l".into(),
                }],
                department: "d".into(),
                title: "t".into(),
                websites: vec![c::Website { url: "u".into(), label: "l".into() }],
                birthday: "b".into(),
            }],
        }),
        c::Body::Reaction(c::Reaction { message: message.clone(), emoji: "👍".into(), remove: true }),
        c::Body::Edit(c::Edit { timestamp: 1, body: "b".into() }),
        c::Body::Delete(c::Delete { timestamp: 1 }),
        c::Body::Receipt(c::Receipt { r#type: c::ReceiptType::Read.into(), timestamps: vec![1, 2] }),
        c::Body::Typing(c::Typing { stopped: true }),
        c::Body::TimerChange(c::TimerChange {}),
        sync(c::SyncEvent::Sent(c::Sent { to: vec![1; 16], content: vec![1] })),
        sync(c::SyncEvent::Read(c::ReadHere { messages: message.into_iter().collect() })),
        sync(c::SyncEvent::Blocked(c::Blocked { account: vec![1; 16], unblocked: true })),
        sync(c::SyncEvent::Contact(c::ContactChange {
            account: vec![1; 16],
            name: "n".into(),
            phone_number: "+1".into(),
        })),
    ]
}

#[test]
fn the_files_and_the_types_say_the_same() {
    let mut seen = Vec::new();
    for body in all_bodies().into_iter().chain(business_bodies()) {
        let content = c::Content {
            timestamp: 1,
            expires_after: 2,
            profile_key: vec![3; 32],
            quote: Some(c::Quote {
                message: Some(c::MessageRef { author: vec![1; 16], timestamp: 4 }),
                excerpt: "e".into(),
            }),
            forwarded: 3,
            preview: Some(c::LinkPreview {
                url: "u".into(),
                title: "t".into(),
                description: "d".into(),
                thumbnail: vec![1],
            }),
            deliver_by: 5,
            body: Some(body),
        };
        round_trip("tradepost.content.v1.Content", &content, &mut seen);
    }
    let provision = c::Provision {
        account: vec![1; 16],
        number: "+1".into(),
        identity_private_key: vec![1; 32],
        identity_public_key: vec![1; 33],
        profile_key: vec![1; 32],
        linking_code: "c".into(),
    };
    round_trip("tradepost.content.v1.Provision", &provision, &mut seen);
    let avatar = Some(c::BlobPointer { id: "i".into(), ..Default::default() });
    let profile = c::Profile { name: "n".into(), about: "a".into(), avatar };
    round_trip("tradepost.content.v1.Profile", &profile, &mut seen);

    let part = f::Part { device: 1, registration_id: 2, kind: f::Kind::PreKey.into(), body: bytes("b") };
    let send = f::Send { id: bytes("id"), to: bytes("to"), timestamp: 1, transient: true, parts: vec![part] };
    let frame = f::ClientFrame { sends: vec![send], acknowledged: 7 };
    round_trip("tradepost.wire.v1.ClientFrame", &frame, &mut seen);
    let envelope = f::Envelope {
        id: bytes("id"),
        from: bytes("from"),
        from_device: 1,
        timestamp: 2,
        received: 3,
        kind: f::Kind::Notice.into(),
        body: bytes("b"),
    };
    let refusal = f::Refusal {
        id: bytes("id"),
        reason: f::Reason::QueueFull.into(),
        missing: vec![1],
        extra: vec![2],
        devices: vec![3],
        retry_after: 4,
    };
    let frame = f::ServerFrame {
        deliveries: vec![f::Delivery { number: 1, envelope: Some(envelope) }],
        sent: vec![bytes("id")],
        refusals: vec![refusal],
        drained: true,
        prekeys_left: Some(3),
    };
    round_trip("tradepost.wire.v1.ServerFrame", &frame, &mut seen);
    let expired = f::Expired { id: bytes("id"), to: bytes("to"), device: 1, timestamp: 2 };
    let notice = f::Notice { notice: Some(f::notice::Notice::Expired(expired)) };
    round_trip("tradepost.wire.v1.Notice", &notice, &mut seen);

    let signed = h::Signed { statement: vec![1], signature: vec![2; 64] };
    round_trip("tradepost.hosting.v1.Signed", &signed, &mut seen);
    let declaration = h::Declaration {
        business: vec![1; 16],
        account: vec![2; 16],
        mode: h::Mode::Vendor.into(),
        host: vec![3; 16],
        host_name: "h".into(),
        name: "n".into(),
        legal_name: "l".into(),
        verified: true,
        identity_key: vec![5; 33],
        since: 1,
        issued: 2,
        expires: 3,
        country: "DE".into(),
        category: "FINANCE".into(),
    };
    round_trip("tradepost.hosting.v1.Declaration", &declaration, &mut seen);
    let proof =
        h::NumberProof { account: vec![1; 16], business: vec![2; 16], number: "+1".into(), issued: 1 };
    round_trip("tradepost.hosting.v1.NumberProof", &proof, &mut seen);
    let certificate = h::KeyCertificate { key: vec![5; 33], issued: 1 };
    round_trip("tradepost.hosting.v1.KeyCertificate", &certificate, &mut seen);

    // And nothing is published that the types do not have.
    let published = schema();
    let missing: Vec<_> = published
        .all_messages()
        .filter(|message| message.full_name().starts_with("tradepost."))
        .flat_map(|message| message.fields().map(|field| field.full_name().to_owned()).collect::<Vec<_>>())
        .filter(|field| !seen.contains(field))
        .collect();
    assert!(missing.is_empty(), "published, but not written by the types: {missing:?}");
}

#[test]
fn a_content_from_the_future_is_read_without_its_body() {
    // Field 99, a string: no body that this version knows.
    let future = [8, 5, 0x9a, 6, 2, b'h', b'i'];
    let content = c::Content::decode(&future[..]).unwrap();
    assert_eq!((content.timestamp, content.body), (5, None));
}

mod hostile {
    use proptest::prelude::*;
    use wire::{Message, content::Content, frames::ClientFrame};

    proptest! {
        #[test]
        fn nothing_panics_on_any_bytes(bytes: Vec<u8>) {
            let _ = ClientFrame::read(bytes.clone().into());
            let _ = Content::decode(&*bytes);
            let _ = wire::padding::unpad(&bytes);
            let text = String::from_utf8_lossy(&bytes);
            let _ = text.parse::<wire::Token>();
            let _ = text.parse::<wire::Credential>();
            let _ = wire::hosting::Signed::read(&bytes);
            let _ = text.parse::<wire::PhoneNumber>();
            let _ = wire::PhoneNumber::from_typed(&text, Some("DE"));
        }
    }
}
