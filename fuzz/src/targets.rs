//! The targets: each takes any bytes, and panics if something happens that must not.

use std::sync::LazyLock;

use aes_gcm_siv::{
    Aes256GcmSiv, Nonce,
    aead::{AeadInOut, KeyInit},
};
use hkdf::Hkdf;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sha2::Sha256;
use signal::{
    DecryptionErrorMessage, DeviceId, DistributionId, DistributionMessage, KemPreKey, MessageKind,
    OneTimePreKey, PlaintextContent, SafetyNumber, SafetyNumberVersion, SenderKeyMessage, SenderKeyRecord,
    ServiceId, Session, SignedPreKey, Timestamp, Trust,
    keys::{Fingerprint, KeyPair, PrivateKey, PublicKey, Signature, kem},
    sealed::{
        CertificateIssuer, Receiver, Sender, SenderCertificate, SentMessage, ServerCertificate, ServerKeyId,
        ServerTrust, open,
    },
};

use crate::simulation::{Letter, Line, Party, Step, Who, World, wire};

pub(crate) type Target = fn(&[u8]);

pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("certificates", certificates),
    ("distribution_message", distribution_message),
    ("keys", keys),
    ("network", network),
    ("plaintext_content", plaintext_content),
    ("post_quantum", post_quantum),
    ("prekey_message", prekey_message),
    ("prekey_records", prekey_records),
    ("safety_number", safety_number),
    ("sealed", sealed),
    ("sealed_content", sealed_content),
    ("sender_key_message", sender_key_message),
    ("sender_key_state", sender_key_state),
    ("sent_message", sent_message),
    ("session_state", session_state),
    ("signal_message", signal_message),
];

const THERE: Line = Line { from: Who::Anna, to: Who::Ben };
pub(crate) const GROUP: DistributionId = DistributionId([7; 16]);
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// Anna and Ben at some point of their conversation, and what Ben is about to receive.
pub(crate) struct Stage {
    pub(crate) anna: Party,
    pub(crate) ben: Party,
    pub(crate) letters: Vec<Letter>,
}

impl Stage {
    fn after(steps: &[Step]) -> Self {
        let mut world = World::new(1);
        steps.iter().for_each(|step| world.take_step(*step));
        let party = |who| world.party(who).clone();
        let (anna, ben) = (party(Who::Anna), party(Who::Ben));
        let mut letters = std::mem::take(&mut world.under_way);
        letters.push(world.write(THERE, None));
        Self { anna, ben, letters }
    }
}

/// Before anything was received: all that comes carries the handshake.
pub(crate) static STRANGERS: LazyLock<Stage> =
    LazyLock::new(|| Stage::after(&[Step::Send(THERE), Step::Send(THERE)]));

/// In every state of the post-quantum ratchet, with a message missing and one to come.
pub(crate) static STAGES: LazyLock<Vec<Stage>> = LazyLock::new(|| {
    let rounds = [1, 4, 12, 25, 34, 40, 43, 45, 47, 50, 60, 75, 85, 89, 92, 100];
    let steps = |rounds| [Step::Talk(THERE, rounds), Step::Send(THERE), Step::Talk(THERE, 1)];
    rounds.map(|rounds| Stage::after(&steps(rounds))).into()
});

/// Ben receives something as Anna's. Only what she sent is read; [`Party`] sees to it that nothing else changes.
fn receive(stage: &Stage, kind: MessageKind, bytes: &[u8]) {
    if let Ok(decrypted) = stage.ben.clone().receive(Who::Anna, kind, bytes) {
        let sent = stage.letters.iter().any(|letter| letter.plaintext == *decrypted.plaintext);
        assert!(sent, "something was read that was never sent");
        assert_eq!(decrypted.identity, stage.anna.identity());
    }
    if let Ok(error) = DecryptionErrorMessage::for_original(kind, bytes, NOW, DeviceId::PRIMARY) {
        assert_eq!(DecryptionErrorMessage::parse(&error.serialize()), Ok(error));
    }
}

pub(crate) fn signal_message(bytes: &[u8]) {
    receive(&STAGES[2], MessageKind::Signal, bytes);
}

pub(crate) fn prekey_message(bytes: &[u8]) {
    receive(&STRANGERS, MessageKind::PreKey, bytes);
    receive(&STAGES[0], MessageKind::PreKey, bytes);
}

/// A genuine message with another post-quantum part: the ratchet looks at it before any MAC is checked. The first byte
/// chooses where in the exchange, the second whether the others are the part or change it place by place.
pub(crate) fn post_quantum(bytes: &[u8]) {
    let [stage, mode, rest @ ..] = bytes else { return };
    let stage = &STAGES[usize::from(*stage) % STAGES.len()];
    let letter = stage.letters.last().expect("there is one");
    let mut packet = wire::bytes_field(&letter.bytes, 5).expect("a post-quantum part").to_vec();
    if mode % 2 == 0 {
        packet = rest.to_vec();
    } else {
        for [at, change] in rest.as_chunks::<2>().0 {
            let at = usize::from(*at) % packet.len();
            packet[at] ^= change;
        }
    }
    let changed = with_field(&letter.bytes, 5, &packet);
    let outcome = stage.ben.clone().receive(Who::Anna, MessageKind::Signal, &changed);
    assert_eq!(outcome.is_ok(), changed == letter.bytes, "whether a changed message is read");
}

/// The message with other content in field `number`, which it has.
fn with_field(message: &[u8], number: u8, content: &[u8]) -> Vec<u8> {
    let (whole, _) = wire::find(message, 1, u64::from(number)).expect("the field is there");
    let mut field = vec![number << 3 | 2];
    put_length(&mut field, content.len());
    field.extend_from_slice(content);
    let mut changed = message.to_vec();
    changed.splice(whole, field);
    changed
}

fn put_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length > 0x7F {
        bytes.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    bytes.push(length.to_le_bytes()[0]);
}

/// A script for parties and network, four bytes a step.
pub(crate) fn network(bytes: &[u8]) {
    // Making so many keys would take longer than most scripts.
    static STARTS: LazyLock<[World; 4]> = LazyLock::new(|| [0, 1, 2, 3].map(World::new));
    let [seed, parties, script @ ..] = bytes else { return };
    let parties = 2 + usize::from(*parties % 2);
    let mut world = STARTS[usize::from(*seed) % STARTS.len()].clone();
    let mut effort: u32 = 0;
    for step in script.as_chunks().0 {
        let step = read_step(*step, parties);
        effort += match step {
            Step::Talk(_, rounds) => 2 * u32::from(rounds),
            Step::Flood(_, count) => u32::from(count),
            Step::Reset(_, count, _) => 4 * u32::from(count),
            _ => 1,
        };
        // Enough for the third epoch; more would only be slow.
        if effort > 300 {
            break;
        }
        world.take_step(step);
    }
    world.heal(parties);
}

fn read_step([kind, line, one, two]: [u8; 4], parties: usize) -> Step {
    let lines = parties * (parties - 1);
    let line = Line::among(parties).nth(usize::from(line) % lines).expect("one of them");
    let at = usize::from(one);
    match kind % 17 {
        0 => Step::Deliver(at),
        1 => Step::Again(at),
        2 => Step::Lose(at),
        3 => Step::Damage(at, usize::from(two) * 97),
        4 => Step::Stray(at, two),
        5 => Step::Talk(line, one % 110),
        6 => Step::Flood(line, u16::from(one % 48)),
        7 => Step::Restart(line.from),
        8 => Step::Reset(line, one % 44, two % 2 == 0),
        9 => Step::Archive(line),
        10 => Step::Forget(line),
        11 => Step::Cross(line),
        12 => Step::Wait(one % 40),
        13 => Step::Rotate(line.from),
        14 => Step::Stock(line.from),
        _ => Step::Send(line),
    }
}

/// Ben's session with Anna as it was stored: refused, or good for everything that a session is good for.
pub(crate) fn session_state(bytes: &[u8]) {
    let stage = &STAGES[2];
    let (local, remote) = (&stage.ben.device, &stage.anna.device.address);
    let restore = |bytes: &[u8]| Session::from_bytes(local.clone(), remote.clone(), bytes);
    let Ok(mut session) = restore(bytes) else { return };
    let stored = session.to_bytes();
    assert!(restore(&stored).expect("what was stored is read").to_bytes() == stored);

    for letter in stage.letters.iter().chain(&STRANGERS.letters) {
        let mut ben = stage.ben.clone();
        *ben.session_mut(Who::Anna) = session.clone();
        let _ = ben.receive(Who::Anna, letter.kind, &letter.bytes);
        let after = ben.session(Who::Anna).to_bytes();
        assert!(restore(&after).expect("what was stored is read").to_bytes() == after);
    }
    let sent = session.encrypt(b"from a restored state", Trust::FirstUse, NOW, &mut rng(1));
    assert!(sent.is_ok() || session.to_bytes() == stored);
    session.archive_current();
    let stored = session.to_bytes();
    // An archived session is read only when it is tried, so that one that is damaged blocks no other.
    assert!(restore(&stored).expect("what was stored is read").to_bytes() == stored);
}

/// A sender and a reader of a group, with a message missing and one to come.
pub(crate) static CHAIN: LazyLock<(SenderKeyRecord, SenderKeyRecord, [Vec<u8>; 3])> = LazyLock::new(|| {
    let mut sender = SenderKeyRecord::create(GROUP, &mut rng(2));
    let mut reader = SenderKeyRecord::new(GROUP);
    reader.process(&sender.distribution().expect("an own chain")).expect("of the same group");
    let messages =
        [0u8; 3].map(|_| sender.encrypt(b"to all", &mut rng(3)).expect("a chain to send with").bytes);
    reader.decrypt(&SenderKeyMessage::parse(&messages[1]).expect("a message")).expect("a good message");
    (sender, reader, messages)
});

pub(crate) fn sender_key_message(bytes: &[u8]) {
    let Ok(message) = SenderKeyMessage::parse(bytes) else { return };
    let mut reader = CHAIN.1.clone();
    match reader.decrypt(&message) {
        Ok(plaintext) => assert_eq!(*plaintext, b"to all"),
        Err(_) => assert_eq!(reader, CHAIN.1),
    }
}

pub(crate) fn distribution_message(bytes: &[u8]) {
    let Ok(message) = DistributionMessage::parse(bytes) else { return };
    assert_eq!(DistributionMessage::parse(&message.serialize()).as_ref(), Ok(&message));
    let mut record = SenderKeyRecord::new(message.distribution_id());
    record.process(&message).expect("of the same group");
    let mut record = SenderKeyRecord::from_bytes(&record.to_bytes()).expect("what was stored is read");
    for bytes in &CHAIN.2 {
        let _ = record.decrypt(&SenderKeyMessage::parse(bytes).expect("a message"));
    }
}

pub(crate) fn sender_key_state(bytes: &[u8]) {
    let Ok(mut record) = SenderKeyRecord::from_bytes(bytes) else { return };
    assert_eq!(SenderKeyRecord::from_bytes(&record.to_bytes()).as_ref(), Ok(&record));
    for bytes in &CHAIN.2 {
        let before = record.clone();
        let outcome = record.decrypt(&SenderKeyMessage::parse(bytes).expect("a message"));
        assert!(outcome.is_ok() || record == before);
    }
    let before = record.clone();
    let sent = record.encrypt(b"from a restored state", &mut rng(1));
    assert!(sent.is_ok() || record == before);
    if let Ok(message) = record.distribution() {
        assert_eq!(DistributionMessage::parse(&message.serialize()), Ok(message));
    }
    let _ = record.process(&CHAIN.0.distribution().expect("an own chain"));
    assert_eq!(SenderKeyRecord::from_bytes(&record.to_bytes()), Ok(record));
}

/// Those who vouch for Anna.
pub(crate) struct Authorities {
    pub(crate) roots: [PublicKey; 1],
    pub(crate) server: ServerCertificate,
    pub(crate) anna: SenderCertificate,
}

pub(crate) static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(|| {
    let mut rng = rng(4);
    let (root, key) = (KeyPair::generate(&mut rng), KeyPair::generate(&mut rng));
    let server = ServerCertificate::issue(ServerKeyId(1), key.public, &root.private, &mut rng);
    let issuer = CertificateIssuer::new(server.clone(), key.private).expect("the server's own key");
    let device = &STRANGERS.anna.device;
    let sender = Sender {
        address: device.address.clone(),
        e164: Some("+420123456789".to_owned()),
        identity: device.identity.public,
    };
    let anna = issuer.issue(sender, NOW, &mut rng);
    Authorities { roots: [root.public], server, anna }
});

/// Ben opens it. Only what Anna sealed is anybody's.
fn open_as_ben(bytes: &[u8]) {
    let device = &STRANGERS.ben.device;
    let receiver =
        Receiver { identity: &device.identity, address: &device.address, e164: Some("+420987654321") };
    if let Ok(content) = open(bytes, &receiver, &ServerTrust::new(&AUTHORITIES.roots), NOW) {
        assert_eq!(content.sender().identity, STRANGERS.anna.identity());
        let message = content.message();
        match message.kind {
            MessageKind::Signal | MessageKind::PreKey => receive(&STRANGERS, message.kind, &message.bytes),
            MessageKind::SenderKey => sender_key_message(&message.bytes),
            MessageKind::Plaintext => plaintext_content(&message.bytes),
        }
    }
}

pub(crate) fn sealed(bytes: &[u8]) {
    open_as_ben(bytes);
}

/// What is inside a sealed message may be anything too: here Anna seals the very bytes.
pub(crate) fn sealed_content(bytes: &[u8]) {
    static ENVELOPE: LazyLock<(Vec<u8>, Aes256GcmSiv)> = LazyLock::new(|| {
        let (anna, ben) = (&STRANGERS.anna.device.identity, &STRANGERS.ben.device.identity.public);
        let secret = [0x5A; 32];
        let ephemeral = PrivateKey::from_bytes(derive(&secret, b"Sealed Sender v2: r (2023-08)"));
        let ephemeral = KeyPair::from(ephemeral);
        let shared = |key: &PrivateKey| *key.agree(ben).expect("a good key").expose();
        let keys = [ephemeral.public.to_bytes(), ben.to_bytes()].concat();
        let mut masked: [u8; 32] =
            derive(&[&shared(&ephemeral.private)[..], &keys].concat(), b"Sealed Sender v2: DH");
        masked.iter_mut().zip(secret).for_each(|(mask, byte)| *mask ^= byte);
        let input = [
            &shared(&anna.private)[..],
            &ephemeral.public.to_bytes(),
            &masked,
            &anna.public.to_bytes(),
            &ben.to_bytes(),
        ]
        .concat();
        let tag: [u8; 16] = derive(&input, b"Sealed Sender v2: DH-sender");
        let start = [&[0x22][..], &masked, &tag, ephemeral.public.u()].concat();
        let key: [u8; 32] = derive(&secret, b"Sealed Sender v2: K");
        (start, Aes256GcmSiv::new(&key.into()))
    });
    let (start, cipher) = &*ENVELOPE;
    let mut content = bytes.to_vec();
    let tag = cipher.encrypt_inout_detached(&Nonce::default(), &[], content.as_mut_slice().into());
    let sealed = [start.as_slice(), &content, &tag.expect("it is short")].concat();
    open_as_ben(&sealed);
}

fn derive<const N: usize>(input: &[u8], label: &[u8]) -> [u8; N] {
    let mut output = [0; N];
    Hkdf::<Sha256>::new(None, input).expand(label, &mut output).expect("it is short");
    output
}

/// What a relay does with a message for many.
pub(crate) fn sent_message(bytes: &[u8]) {
    let Ok(message) = SentMessage::parse(bytes) else { return };
    for recipient in message.recipients().iter().take(50) {
        assert_eq!(recipient.received().is_some(), !recipient.devices.is_empty());
        if let Some(received) = recipient.received() {
            open_as_ben(&received);
        }
    }
}

pub(crate) fn certificates(bytes: &[u8]) {
    let trust = ServerTrust {
        known_servers: std::slice::from_ref(&AUTHORITIES.server),
        ..ServerTrust::new(&AUTHORITIES.roots)
    };
    if let Ok(certificate) = ServerCertificate::parse(bytes) {
        assert_eq!(certificate.as_bytes(), bytes);
        if certificate.validate(&trust).is_ok() {
            assert_eq!(certificate.key(), AUTHORITIES.server.key());
        }
    }
    if let Ok(certificate) = SenderCertificate::parse(bytes) {
        assert_eq!(certificate.as_bytes(), bytes);
        if certificate.validate(&trust, NOW).is_ok() {
            assert_eq!(certificate.sender(), AUTHORITIES.anna.sender());
        }
    }
}

pub(crate) fn plaintext_content(bytes: &[u8]) {
    if let Ok(content) = PlaintextContent::parse(bytes) {
        assert_eq!(PlaintextContent::parse(&content.serialize().bytes), Ok(content));
    }
    if let Ok(error) = DecryptionErrorMessage::parse(bytes) {
        assert_eq!(DecryptionErrorMessage::parse(&error.serialize()), Ok(error));
    }
}

pub(crate) fn prekey_records(bytes: &[u8]) {
    if let Ok(key) = OneTimePreKey::from_bytes(bytes) {
        assert_eq!(OneTimePreKey::from_bytes(&key.to_bytes()), Ok(key));
    }
    if let Ok(key) = SignedPreKey::from_bytes(bytes) {
        assert_eq!(SignedPreKey::from_bytes(&key.to_bytes()), Ok(key));
    }
    if let Ok(key) = KemPreKey::from_bytes(bytes) {
        assert_eq!(KemPreKey::from_bytes(&key.to_bytes()), Ok(key));
    }
}

pub(crate) static KEM_PAIR: LazyLock<kem::KeyPair> = LazyLock::new(|| kem::KeyPair::generate(&mut rng(5)));

pub(crate) fn keys(bytes: &[u8]) {
    let own = &STRANGERS.ben.device.identity.private;
    if let Ok(key) = PublicKey::from_bytes(bytes) {
        assert_eq!(key.to_bytes(), bytes);
        own.agree(&key).expect("no key is of low order");
        let _ = key.is_canonical();
        assert!(key.verify(bytes, &own.sign(bytes, &mut rng(1))).is_err());
    }
    if let Ok(signature) = Signature::from_bytes(bytes) {
        assert!(own.public_key().verify(bytes, &signature).is_err());
    }
    if let Ok(key) = kem::PublicKey::from_bytes(bytes) {
        assert_eq!(key.to_bytes(), bytes);
        let (_, ciphertext) = key.encapsulate(&mut rng(1));
        assert_eq!(kem::Ciphertext::from_bytes(&ciphertext.to_bytes()), Ok(ciphertext));
    }
    if let Ok(ciphertext) = kem::Ciphertext::from_bytes(bytes) {
        assert_eq!(ciphertext.to_bytes(), bytes);
        let _ = KEM_PAIR.decapsulate(&ciphertext);
    }
    if let Ok(pair) = kem::KeyPair::from_bytes(bytes) {
        assert_eq!(*pair.to_bytes(), bytes);
        let (_, ciphertext) = pair.public().encapsulate(&mut rng(1));
        let _ = pair.decapsulate(&ciphertext);
    }
    if let Some(id) = ServiceId::from_bytes(bytes) {
        assert_eq!(id.to_bytes(), bytes);
        assert_eq!(ServiceId::parse(&id.to_string()), Some(id));
    }
    if let Some(id) = std::str::from_utf8(bytes).ok().and_then(ServiceId::parse) {
        assert!(id.to_string().eq_ignore_ascii_case(std::str::from_utf8(bytes).expect("it was")));
        assert_eq!(ServiceId::from_fixed_width(&id.to_fixed_width()), Some(id));
    }
}

pub(crate) static SAFETY_NUMBERS: LazyLock<[SafetyNumber; 2]> = LazyLock::new(|| {
    let fingerprint =
        |party: &Party| Fingerprint::new(&party.identity(), b"id", 2).expect("2 is not too few");
    let (anna, ben) = (fingerprint(&STRANGERS.anna), fingerprint(&STRANGERS.ben));
    [(anna, ben), (ben, anna)]
        .map(|(local, remote)| SafetyNumber::new(SafetyNumberVersion::Account, local, remote))
});

pub(crate) fn safety_number(bytes: &[u8]) {
    let [annas, bens] = SAFETY_NUMBERS.each_ref().map(|number| number.compare(bytes));
    assert!(annas != Ok(true) || bens != Ok(true), "one code cannot be both sides'");
}
