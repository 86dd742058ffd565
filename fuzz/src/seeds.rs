//! What the fuzzer starts from: real messages, keys and states, the same in every run.

use signal::{
    DecryptionErrorMessage, DeviceId, EncryptedMessage, KemPreKey, KemPreKeyId, MessageKind, OneTimePreKey,
    OneTimePreKeyId, PlaintextContent, RegistrationId, ServiceId, SignedPreKey, SignedPreKeyId,
    sealed::{Content, ContentHint, Destination},
};

use crate::{
    seed::Seed,
    simulation::{Letter, Who, wire},
    targets::{AUTHORITIES, CHAIN, KEM_PAIR, NOW, SAFETY_NUMBERS, STAGES, STRANGERS, rng},
};

/// All files of all corpora.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut add = |target, name: &str, bytes: &[u8]| {
        seeds.push(Seed { target, name: name.to_owned(), bytes: bytes.to_vec() });
    };
    messages(&mut add);
    states(&mut add);
    keys(&mut add);
    groups(&mut add);
    sealed(&mut add);
    scripts(&mut add);
    seeds
}

type Add<'a> = &'a mut dyn FnMut(&'static str, &str, &[u8]);

fn messages(add: Add<'_>) {
    let [missing, next] = STAGES[2].letters.as_slice() else { panic!("two messages") };
    add("signal_message", "missing", &missing.bytes);
    add("signal_message", "next", &next.bytes);
    let [first, .., last] = STRANGERS.letters.as_slice() else { panic!("some messages") };
    add("prekey_message", "first", &first.bytes);
    add("prekey_message", "last", &last.bytes);
    for (number, stage) in (0..).zip(STAGES.iter()) {
        let next = stage.letters.last().expect("there is one");
        let packet = wire::bytes_field(&next.bytes, 5).expect("a post-quantum part");
        add("post_quantum", &format!("stage-{number:02}"), &[&[number, 0], packet].concat());
    }
    add("post_quantum", "one-bit", &[3, 1, 5, 1]);

    let about = |kind, bytes: &[u8]| {
        let error = DecryptionErrorMessage::for_original(kind, bytes, NOW, DeviceId::PRIMARY);
        error.expect("a message")
    };
    let pairwise = about(MessageKind::Signal, &next.bytes);
    add("plaintext_content", "pairwise", &PlaintextContent::from(pairwise).serialize().bytes);
    add("plaintext_content", "pairwise-error", &pairwise.serialize());
    let group = about(MessageKind::SenderKey, &CHAIN.2[0]);
    add("plaintext_content", "group", &PlaintextContent::from(group).serialize().bytes);
}

fn states(add: Add<'_>) {
    // Every second: that is every state of either role.
    for (number, stage) in STAGES.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
        let session = stage.ben.session(Who::Anna);
        add("session_state", &format!("stage-{number:02}"), &session.to_bytes());
    }
    add("session_state", "empty", &STRANGERS.ben.session(Who::Anna).to_bytes());
    add("session_state", "unanswered", &STRANGERS.anna.session(Who::Ben).to_bytes());
    let mut session = STAGES[2].ben.session(Who::Anna).clone();
    session.archive_current();
    add("session_state", "archived", &session.to_bytes());
}

fn keys(add: Add<'_>) {
    let (pair, identity) = (&*KEM_PAIR, &STRANGERS.anna.device.identity);
    let (_, ciphertext) = pair.public().encapsulate(&mut rng(6));
    add("keys", "public", &identity.public.to_bytes());
    add("keys", "signature", identity.private.sign(b"a prekey", &mut rng(6)).as_bytes());
    add("keys", "kem-public", &pair.public().to_bytes());
    add("keys", "kem-pair", &pair.to_bytes());
    add("keys", "kem-ciphertext", &ciphertext.to_bytes());
    let (aci, pni) = (ServiceId::Aci([0xA1; 16]), ServiceId::Pni([0xB2; 16]));
    add("keys", "aci", &aci.to_bytes());
    add("keys", "pni", &pni.to_bytes());
    add("keys", "pni-text", pni.to_string().as_bytes());

    let rng = &mut rng(7);
    add("prekey_records", "one-time", &OneTimePreKey::generate(OneTimePreKeyId(1), rng).to_bytes());
    add(
        "prekey_records",
        "signed",
        &SignedPreKey::generate(SignedPreKeyId(2), identity, NOW, rng).to_bytes(),
    );
    add("prekey_records", "kem", &KemPreKey::generate(KemPreKeyId(3), identity, NOW, rng).to_bytes());
    for (name, number) in ["annas", "bens"].iter().zip(&*SAFETY_NUMBERS) {
        add("safety_number", name, &number.scannable());
    }
}

fn groups(add: Add<'_>) {
    let (sender, reader, messages) = &*CHAIN;
    for (name, message) in ["missing", "read", "next"].iter().zip(messages) {
        add("sender_key_message", name, message);
    }
    add("distribution_message", "next", &sender.distribution().expect("an own chain").serialize());
    add("sender_key_state", "sender", &sender.to_bytes());
    add("sender_key_state", "reader", &reader.to_bytes());
}

fn sealed(add: Add<'_>) {
    add("certificates", "server", AUTHORITIES.server.as_bytes());
    add("certificates", "sender", AUTHORITIES.anna.as_bytes());

    let (anna, ben) = (&STRANGERS.anna.device, &STRANGERS.ben.device);
    let rng = &mut rng(8);
    let content = |letter: &Letter, hint, group: Option<&[u8]>| {
        let message = EncryptedMessage { kind: letter.kind, bytes: letter.bytes.clone() };
        Content::new(AUTHORITIES.anna.clone(), message, hint, group.map(<[u8]>::to_vec))
    };
    let first = content(&STRANGERS.letters[0], ContentHint::Default, None);
    let later = content(&STAGES[2].letters[0], ContentHint::Resendable, Some(b"a group"));
    for (name, content) in [("first", &first), ("later", &later)] {
        let sealed = content.seal(&anna.identity, &ben.identity.public, rng).expect("it is Anna's");
        add("sealed", &format!("v1-{name}"), &sealed);
    }
    let to = |service_id, devices: &[u8]| Destination {
        service_id,
        identity: ben.identity.public,
        devices: devices
            .iter()
            .map(|id| (DeviceId::new(*id).expect("a device"), RegistrationId(7)))
            .collect(),
    };
    let destinations = [to(ServiceId::Aci([1; 16]), &[1, 2]), to(ServiceId::Pni([2; 16]), &[1])];
    let sent = later
        .seal_for_many(&anna.identity, &destinations, &[ServiceId::Aci([3; 16])], rng)
        .expect("it is Anna's");
    add("sent_message", "to-three", &sent);
    let message = signal::sealed::SentMessage::parse(&sent).expect("what is sent is read");
    add("sealed", "v2", &message.recipients()[0].received().expect("it is not excluded"));

    // What is inside, as the specification lays it out: kind, certificate, message, hint, group.
    let letter = &STAGES[2].letters[0];
    let mut inside = vec![0x08, 2];
    for (key, bytes) in [(0x12, AUTHORITIES.anna.as_bytes()), (0x1A, letter.bytes.as_slice())] {
        inside.push(key);
        // Two bytes of length.
        let length = bytes.len().to_le_bytes();
        inside.extend([length[0] | 0x80, length[1] << 1 | length[0] >> 7]);
        inside.extend_from_slice(bytes);
    }
    inside.extend([0x20, 1, 0x2A, 1, b'g']);
    add("sealed_content", "later", &inside);
}

/// Four bytes a step, as the target reads them.
fn scripts(add: Add<'_>) {
    let script = |parties: u8, steps: &[[u8; 4]]| [&[1, parties], steps.as_flattened()].concat();
    add("network", "ping-pong", &script(0, &[[5, 0, 100, 0], [15, 1, 0, 0], [0, 0, 0, 0]]));
    let first_messages = [[15, 0, 0, 0], [15, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0]];
    add("network", "first-messages", &script(0, &first_messages));
    let loss = [[5, 0, 3, 0], [6, 0, 20, 0], [2, 0, 1, 0], [0, 0, 2, 0], [7, 1, 0, 0], [3, 0, 0, 40]];
    add("network", "loss-and-damage", &script(0, &loss));
    let resets = [[8, 0, 6, 0], [11, 0, 0, 0], [10, 1, 0, 0], [9, 0, 0, 0], [8, 1, 43, 1], [4, 0, 0, 1]];
    add("network", "resets", &script(1, &resets));
    let time = [[15, 0, 0, 0], [12, 0, 31, 0], [15, 0, 0, 0], [13, 2, 0, 0], [14, 2, 0, 0], [15, 4, 0, 0]];
    add("network", "time", &script(1, &time));
}
