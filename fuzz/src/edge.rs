//! The targets for what comes from outside before anybody decrypts anything: frames, bodies, credentials, numbers. Each
//! takes any bytes, and panics if something happens that must not.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use wire::{
    AccountId, DeviceId, Message, MessageId, PhoneNumber, Token, api,
    content::Content,
    frames::{ClientFrame, Envelope, Notice, ServerFrame},
    limits, padding,
};

use crate::{
    range::Part,
    websocket::{self, Decoder, Violation},
};

pub(crate) type Target = fn(&[u8]);

pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("edge_api", edge_api),
    ("edge_client_frame", edge_client_frame),
    ("edge_content", edge_content),
    ("edge_phone_number", edge_phone_number),
    ("edge_range", edge_range),
    ("edge_server_frame", edge_server_frame),
    ("edge_token", edge_token),
    ("edge_websocket", edge_websocket),
];

/// What was read is written as something that is read as the same. Its bytes are compared, since some numbers are none
/// and equal nothing.
fn comes_back<M: Message + Default>(message: &M) {
    let written = message.encode_to_vec();
    let again = M::decode(written.as_slice()).expect("what was written is read");
    assert_eq!(again.encode_to_vec(), written);
}

/// A frame that is read holds no more than it may, and is all that the bytes say.
pub(crate) fn edge_client_frame(bytes: &[u8]) {
    let Ok(frame) = ClientFrame::read(Bytes::copy_from_slice(bytes)) else { return };
    assert!(frame.sends.len() <= limits::SENDS);
    assert!(frame.sends.iter().all(|send| send.parts.len() <= limits::DEVICES));
    assert_eq!(ClientFrame::decode(bytes).as_ref(), Ok(&frame));
    comes_back(&frame);
    let again = ClientFrame::read(frame.encode_to_vec().into());
    assert_eq!(again.as_ref(), Ok(&frame), "what we would send is accepted");
    for send in &frame.sends {
        let _ = (AccountId::try_from(&*send.to), MessageId::try_from(&*send.id));
        for part in &send.parts {
            let _ = DeviceId::try_from(part.device);
        }
    }
}

pub(crate) fn edge_server_frame(bytes: &[u8]) {
    if let Ok(frame) = ServerFrame::decode(bytes) {
        comes_back(&frame);
        let envelopes = frame.deliveries.iter().filter_map(|delivery| delivery.envelope.as_ref());
        envelopes.for_each(comes_back);
    }
    // What a relay stored, and what it says of itself.
    if let Ok(envelope) = Envelope::decode(bytes) {
        comes_back(&envelope);
        if let Ok(notice) = Notice::decode(envelope.body) {
            comes_back(&notice);
        }
    }
}

/// What a peer encrypted: padded content.
pub(crate) fn edge_content(bytes: &[u8]) {
    if let Some(content) = padding::unpad(bytes) {
        assert!(content.len() < bytes.len());
        let mut padded = content.to_vec();
        padding::pad(&mut padded);
        assert_eq!(padding::unpad(&padded), Some(content));
    }
    for bytes in [Some(bytes), padding::unpad(bytes)].into_iter().flatten() {
        if let Ok(content) = Content::decode(bytes) {
            comes_back(&content);
        }
    }
}

/// Every body of the API, asked for and answered.
pub(crate) fn edge_api(bytes: &[u8]) {
    fn read<B: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) {
        let Ok(body) = serde_json::from_slice::<B>(bytes) else { return };
        let written = serde_json::to_vec(&body).expect("a body is written");
        assert_eq!(serde_json::from_slice::<B>(&written).expect("what was written is read"), body);
    }
    // What relays read.
    read::<api::RequestCode>(bytes);
    read::<api::Register>(bytes);
    read::<api::UploadKeys>(bytes);
    read::<api::ChangeAccount>(bytes);
    read::<api::SetRegistrationLock>(bytes);
    read::<api::SetProfile>(bytes);
    read::<api::Lookup>(bytes);
    read::<api::Provision>(bytes);
    read::<api::LinkDevice>(bytes);
    read::<api::SendMessage>(bytes);
    read::<api::BeginBlob>(bytes);
    // What clients read.
    read::<api::CodeRequested>(bytes);
    read::<api::Registered>(bytes);
    read::<api::Account>(bytes);
    read::<api::Devices>(bytes);
    read::<api::Profile>(bytes);
    read::<api::Found>(bytes);
    read::<api::Blocks>(bytes);
    read::<api::Provisioning>(bytes);
    read::<api::ProvisioningMessage>(bytes);
    read::<api::LinkingCode>(bytes);
    read::<api::KeyCounts>(bytes);
    read::<api::Bundles>(bytes);
    read::<api::BlobBegun>(bytes);
    read::<api::ErrorBody>(bytes);
}

/// In pieces of the size that the first byte says: the same messages and the same end as in one, and nothing left in
/// the buffer that all sockets of a thread share.
pub(crate) fn edge_websocket(bytes: &[u8]) {
    let [size, rest @ ..] = bytes else { return };
    let whole = feed(rest, usize::MAX);
    let pieces = feed(rest, usize::from(*size).max(1));
    assert_eq!(whole, pieces);
    for message in &whole.0 {
        if let websocket::Message::Binary(payload) = message {
            assert!(payload.len() <= limits::FRAME);
            let mut written = [&[0; 10], &payload[..]].concat();
            let begin = websocket::put_header(&mut written, 10);
            assert!(begin <= 8 && written.ends_with(payload));
        }
        if let websocket::Message::Ping(payload) = message {
            assert_eq!(websocket::pong(payload).len(), payload.len() + 2);
        }
    }
}

fn feed(bytes: &[u8], size: usize) -> (Vec<websocket::Message>, Option<Violation>) {
    let (mut decoder, mut messages) = (Decoder::default(), Vec::new());
    for piece in bytes.chunks(size) {
        let mut input = BytesMut::from(piece);
        let fed = decoder.feed(&mut input, |message| messages.push(message));
        assert!(input.is_empty(), "the next socket would read it");
        if let Err(violation) = fed {
            return (messages, Some(violation));
        }
    }
    (messages, None)
}

pub(crate) fn edge_phone_number(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let strict = text.parse::<PhoneNumber>();
    if let Ok(number) = &strict {
        assert_eq!(number.as_str(), text, "one number, one spelling");
    }
    for region in [None, Some("DE"), Some("US"), text.get(..2)] {
        let Ok(number) = PhoneNumber::from_typed(text, region) else { continue };
        let digits = number.as_str().strip_prefix('+').expect("E.164 begins with a plus");
        assert!((2..=17).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(number.as_str().parse().as_ref(), Ok(&number));
        let hidden = &digits[..digits.len() - 2];
        assert!(hidden.len() < 3 || !format!("{number:?}").contains(hidden), "it would be logged");
    }
}

pub(crate) fn edge_token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(token) = text.parse::<Token>() {
        assert_eq!(token.expose(), text, "one token, one spelling");
        assert!(!format!("{token:?}").contains(&text[30..]), "it would be logged");
    }
    if let Ok(account) = text.parse::<AccountId>() {
        assert_eq!(account.to_string().parse(), Ok(account));
    }
}

/// The size of the blob in eight bytes, then the header.
pub(crate) fn edge_range(bytes: &[u8]) {
    let Some((size, header)) = bytes.split_first_chunk() else { return };
    let (size, header) = (u64::from_be_bytes(*size), std::str::from_utf8(header).ok());
    match Part::read(header, size) {
        Some(part @ Part::Whole(_)) => assert_eq!(part.bytes(), 0..size),
        Some(part @ Part::Some(_)) => {
            let range = part.bytes();
            assert!(range.start < range.end && range.end <= size, "{range:?} of {size}");
        }
        None => assert!(header.is_some(), "without a header it is all"),
    }
}
