//! The rules of sessions, one by one.

use super::party::{NOW, Pair, Party, rng};
use crate::{
    Address, DecryptError, DeviceId, EncryptError, EncryptedMessage, KemPreKey, KemPreKeyId,
    MAX_PLAINTEXT_LEN, MessageKind, OneTimePreKeyId, PreKeySignalMessage, ResponderKeys, Session,
    SignalMessage, SignedPreKeyId, SpqrError, StartError, StateError, Timestamp, Trust,
    session::{LocalDevice, ratchet::Ratchet},
    spqr::Spqr,
};

const DAY: u64 = 24 * 60 * 60 * 1000;

#[test]
fn a_session_begins_with_or_without_a_one_time_prekey() {
    for with in [true, false] {
        let mut pair = Pair::strangers(1);
        if !with {
            pair.bob.one_time = None;
        }
        let bundle = pair.bob.bundle();
        pair.alice.start(&mut pair.to_bob, &bundle);
        let message = pair.alice.send(&mut pair.to_bob, b"first").unwrap();
        assert_eq!(message.kind, MessageKind::PreKey);
        let parsed = PreKeySignalMessage::parse(&message.bytes).unwrap();
        assert_eq!(pair.to_alice.wanted_prekeys(&parsed), parsed.prekeys());

        let decrypted = pair.bob.receive(&mut pair.to_alice, &message).unwrap();
        assert_eq!(*decrypted.plaintext, b"first");
        assert_eq!(decrypted.identity, *pair.alice.identity());
        let used = decrypted.used.unwrap();
        assert_eq!(used.ids.one_time, with.then_some(OneTimePreKeyId(1)));
        assert_eq!((used.ids.kem, used.base_key), (KemPreKeyId(3), *parsed.base_key()));
        assert_eq!(pair.to_alice.wanted_prekeys(&parsed), None);
        pair.bob_says(b"answer");
        assert_eq!(pair.alice.send(&mut pair.to_bob, b"x").unwrap().kind, MessageKind::Signal);
    }
}

#[test]
fn first_messages_repeat_in_any_order_and_use_the_prekeys_once() {
    let mut pair = Pair::strangers(1);
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    let messages: Vec<_> = (0..5u8).map(|n| pair.alice.send(&mut pair.to_bob, &[n]).unwrap()).collect();
    for (position, n) in [3u8, 0, 4, 1, 2].into_iter().enumerate() {
        let decrypted = pair.bob.receive(&mut pair.to_alice, &messages[usize::from(n)]).unwrap();
        assert_eq!(*decrypted.plaintext, [n]);
        assert_eq!(decrypted.used.is_some(), position == 0);
    }
    for message in &messages {
        assert_eq!(pair.bob.receive(&mut pair.to_alice, message).unwrap_err(), DecryptError::Duplicate);
    }
}

#[test]
fn a_missing_or_wrong_prekey_is_named_and_nothing_is_kept() {
    let mut pair = Pair::strangers(1);
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    let message = pair.alice.send(&mut pair.to_bob, b"first").unwrap();
    let message = PreKeySignalMessage::parse(&message.bytes).unwrap();
    let before = pair.to_alice.to_bytes();
    let bob = pair.bob.clone();
    let other_signed = crate::SignedPreKey { id: SignedPreKeyId(9), ..bob.signed.clone() };
    let other_kem = KemPreKey { id: KemPreKeyId(9), ..bob.kem.clone() };
    let other_one_time = crate::OneTimePreKey { id: OneTimePreKeyId(9), ..bob.one_time.clone().unwrap() };
    let keys = ResponderKeys { one_time: bob.one_time.as_ref(), signed: &bob.signed, kem: &bob.kem };
    let cases = [
        (None, DecryptError::PreKeysNeeded),
        (
            Some(ResponderKeys { one_time: None, ..keys }),
            DecryptError::UnknownOneTimePreKey(OneTimePreKeyId(1)),
        ),
        (
            Some(ResponderKeys { one_time: Some(&other_one_time), ..keys }),
            DecryptError::UnknownOneTimePreKey(OneTimePreKeyId(1)),
        ),
        (
            Some(ResponderKeys { signed: &other_signed, ..keys }),
            DecryptError::UnknownSignedPreKey(SignedPreKeyId(2)),
        ),
        (Some(ResponderKeys { kem: &other_kem, ..keys }), DecryptError::UnknownKemPreKey(KemPreKeyId(3))),
    ];
    for (keys, expected) in cases {
        let outcome = pair.to_alice.decrypt_first(&message, keys, Trust::FirstUse, &mut rng(7));
        assert_eq!(outcome.unwrap_err(), expected);
        assert_eq!(pair.to_alice.to_bytes(), before);
    }
    assert!(pair.to_alice.decrypt_first(&message, Some(keys), Trust::FirstUse, &mut rng(7)).is_ok());
}

#[test]
fn a_bundle_is_checked_before_anything_is_done() {
    let mut pair = Pair::strangers(1);
    let (good, mut rng) = (pair.bob.bundle(), rng(9));
    let mallory = Party::new(77).bundle();
    let mut start = |bundle: &crate::PreKeyBundle, trust: Trust<'_>| {
        let outcome = pair.to_bob.start(bundle, trust, NOW, &mut rng);
        assert_eq!(pair.to_bob.can_encrypt(NOW), outcome.is_ok());
        outcome
    };
    let foreign = crate::PreKeyBundle { signed: mallory.signed, ..good.clone() };
    assert_eq!(start(&foreign, Trust::FirstUse), Err(StartError::BadSignedPreKey));
    let foreign = crate::PreKeyBundle { kem: mallory.kem.clone(), ..good.clone() };
    assert_eq!(start(&foreign, Trust::FirstUse), Err(StartError::BadKemPreKey));
    let other_device = crate::PreKeyBundle { device: DeviceId::new(2).unwrap(), ..good.clone() };
    assert_eq!(start(&other_device, Trust::FirstUse), Err(StartError::WrongDevice));
    let changed = StartError::UntrustedIdentity(good.identity);
    assert_eq!(start(&good, Trust::Only(&mallory.identity)), Err(changed));
    assert_eq!(start(&good, Trust::Only(&good.identity)), Ok(()));
}

#[test]
fn a_changed_identity_key_is_refused_in_both_directions() {
    let mut pair = Pair::established(1);
    let stranger = *Party::new(50).identity();
    let trust = Trust::Only(&stranger);
    let before = pair.to_alice.to_bytes();
    let refused = pair.to_alice.encrypt(b"x", trust, NOW, &mut rng(1)).unwrap_err();
    assert_eq!(refused, EncryptError::UntrustedIdentity(*pair.alice.identity()));
    let message = pair.alice.send(&mut pair.to_bob, b"later").unwrap();
    let parsed = SignalMessage::parse(&message.bytes).unwrap();
    let refused = pair.to_alice.decrypt(&parsed, trust, &mut rng(1)).unwrap_err();
    assert_eq!(refused, DecryptError::UntrustedIdentity(*pair.alice.identity()));
    assert_eq!(pair.to_alice.to_bytes(), before);

    let mut first = Pair::strangers(3);
    let bundle = first.bob.bundle();
    first.alice.start(&mut first.to_bob, &bundle);
    let message = first.alice.send(&mut first.to_bob, b"first").unwrap();
    let parsed = PreKeySignalMessage::parse(&message.bytes).unwrap();
    let refused = first.to_alice.decrypt_first(&parsed, None, trust, &mut rng(1)).unwrap_err();
    assert_eq!(refused, DecryptError::UntrustedIdentity(*first.alice.identity()));
}

#[test]
fn an_unanswered_session_is_sent_in_for_30_days() {
    let mut pair = Pair::strangers(1);
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    let at = |days: u64| Timestamp(NOW.0 + days * DAY);
    let mut send = |now| pair.to_bob.encrypt(b"anyone?", Trust::FirstUse, now, &mut rng(1));
    assert!(send(at(30)).is_ok());
    assert_eq!(send(Timestamp(at(30).0 + 1)), Err(EncryptError::Unanswered));
    assert!(!pair.to_bob.can_encrypt(at(31)));

    let message = pair.alice.send(&mut pair.to_bob, b"there?").unwrap();
    pair.bob.receive(&mut pair.to_alice, &message).unwrap();
    pair.bob_says(b"here");
    assert!(pair.to_bob.can_encrypt(at(400)));
}

#[test]
fn nothing_is_encrypted_without_a_session_or_beyond_the_limit() {
    let mut pair = Pair::strangers(1);
    assert_eq!(pair.alice.send(&mut pair.to_bob, b"x"), Err(EncryptError::NoSession));
    let mut pair = Pair::established(1);
    let longest = vec![7; MAX_PLAINTEXT_LEN];
    pair.alice_says(&longest);
    pair.alice_says(b"");
    let too_long = pair.alice.send(&mut pair.to_bob, &[&longest[..], &[7]].concat());
    assert_eq!(too_long, Err(EncryptError::TooLong { actual: MAX_PLAINTEXT_LEN + 1 }));
}

#[test]
fn the_longest_plaintext_fits_a_first_message() {
    let mut pair = Pair::strangers(1);
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    pair.alice_says(&vec![7; MAX_PLAINTEXT_LEN]);
}

#[test]
fn messages_arrive_in_any_order_once() {
    let mut pair = Pair::established(1);
    let messages: Vec<_> = (0..50u8).map(|n| pair.alice.send(&mut pair.to_bob, &[n]).unwrap()).collect();
    // A step of 7 visits every number below 50 in a scattered order; every third is lost.
    for n in (0..50u8).map(|n| (u16::from(n) * 7 % 50) as u8).filter(|n| n % 3 != 0) {
        let message = &messages[usize::from(n)];
        assert_eq!(*pair.bob.receive(&mut pair.to_alice, message).unwrap().plaintext, [n]);
        assert_eq!(pair.bob.receive(&mut pair.to_alice, message).unwrap_err(), DecryptError::Duplicate);
    }
    pair.ping_pong(3);
}

#[test]
fn a_chain_jumps_25000_messages_and_keeps_2000_seeds() {
    let mut pair = Pair::established(1);
    let mut messages: Vec<_> =
        (0..=25_001).map(|_| pair.alice.send(&mut pair.to_bob, b"x").unwrap()).collect();
    let before = pair.to_alice.to_bytes();
    let too_far = pair.bob.receive(&mut pair.to_alice, &messages.pop().unwrap()).unwrap_err();
    assert_eq!(too_far, DecryptError::TooFarAhead { ahead: 25_001 });
    assert_eq!(pair.to_alice.to_bytes(), before);
    // The post-quantum chain began with the message before these, and so is one ahead.
    let too_far = pair.bob.receive(&mut pair.to_alice, &messages[25_000]).unwrap_err();
    assert_eq!(too_far, DecryptError::Spqr(SpqrError::JumpTooFar { jump: 25_001, limit: 25_000 }));
    assert_eq!(pair.to_alice.to_bytes(), before);
    let mut receive = |n: usize| pair.bob.receive(&mut pair.to_alice, &messages[n]);
    assert!(receive(24_999).is_ok());
    assert_eq!(receive(22_998).unwrap_err(), DecryptError::Duplicate);
    assert!(receive(22_999).is_ok());
    assert!(receive(24_998).is_ok());
    assert_eq!(receive(24_998).unwrap_err(), DecryptError::Duplicate);
    // 2,000 skipped seeds in each ratchet, and not one more.
    assert!(pair.to_alice.to_bytes().len() < 2 * 2_000 * 42 + 8_000);
}

#[test]
fn a_sixth_chain_drops_the_oldest() {
    let mut pair = Pair::established(1);
    let late: Vec<_> = (0..7)
        .map(|_| {
            let message = pair.alice.send(&mut pair.to_bob, b"late").unwrap();
            pair.ping_pong(1);
            message
        })
        .collect();
    let outcomes: Vec<_> =
        late.iter().map(|message| pair.bob.receive(&mut pair.to_alice, message).is_ok()).collect();
    // The last of them shares its chain with the ping after it, so five chains hold the last five.
    assert_eq!(outcomes, [false, false, true, true, true, true, true]);
}

#[test]
fn devices_that_begin_at_the_same_time_settle() {
    let mut pair = Pair::strangers(1);
    let (to_alice, to_bob) = (pair.alice.bundle(), pair.bob.bundle());
    pair.alice.start(&mut pair.to_bob, &to_bob);
    pair.bob.start(&mut pair.to_alice, &to_alice);
    for round in 0..4u8 {
        // Their messages cross.
        let from_alice = pair.alice.send(&mut pair.to_bob, &[round]).unwrap();
        let from_bob = pair.bob.send(&mut pair.to_alice, &[round]).unwrap();
        assert_eq!(*pair.bob.receive(&mut pair.to_alice, &from_alice).unwrap().plaintext, [round]);
        assert_eq!(*pair.alice.receive(&mut pair.to_bob, &from_bob).unwrap().plaintext, [round]);
    }
    pair.ping_pong(2);
    let base_key = |session: &Session| session.current.as_ref().unwrap().base_key;
    assert_eq!(base_key(&pair.to_bob), base_key(&pair.to_alice));
}

#[test]
fn a_message_of_an_archived_session_opens_and_promotes_it() {
    let mut pair = Pair::established(1);
    let late = pair.alice.send(&mut pair.to_bob, b"late").unwrap();
    pair.bob.one_time = None;
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    pair.alice_says(b"new session");
    assert_eq!(pair.to_alice.archived.len(), 1);
    assert_eq!(*pair.bob.receive(&mut pair.to_alice, &late).unwrap().plaintext, b"late");
    assert_eq!(pair.to_alice.archived.len(), 1);
    pair.bob_says(b"answered in the old one");
    pair.ping_pong(2);
}

#[test]
fn archiving_by_hand_leaves_only_receiving() {
    let mut pair = Pair::established(1);
    let late = pair.bob.send(&mut pair.to_alice, b"late").unwrap();
    let key = pair.to_bob.current.as_ref().unwrap().sending.ratchet.public;
    assert!(pair.to_bob.sends_under(&key));
    pair.to_bob.archive_current();
    assert!(!pair.to_bob.sends_under(&key));
    assert_eq!(pair.alice.send(&mut pair.to_bob, b"x"), Err(EncryptError::NoSession));
    assert_eq!(*pair.alice.receive(&mut pair.to_bob, &late).unwrap().plaintext, b"late");
    pair.ping_pong(1);
}

#[test]
fn the_41st_archived_session_is_dropped() {
    let mut pair = Pair::strangers(1);
    pair.bob.one_time = None;
    let bundle = pair.bob.bundle();
    let mut first_of_each = Vec::new();
    for _ in 0..42 {
        pair.alice.start(&mut pair.to_bob, &bundle);
        pair.alice_says(b"again");
        first_of_each.push(pair.alice.send(&mut pair.to_bob, b"late").unwrap());
    }
    assert_eq!((pair.to_bob.archived.len(), pair.to_alice.archived.len()), (40, 40));
    // What is left of the oldest is gone: it would be answered anew, had its prekeys not been used up.
    let parsed = PreKeySignalMessage::parse(&first_of_each[0].bytes).unwrap();
    assert!(pair.to_alice.wanted_prekeys(&parsed).is_some());
    let parsed = PreKeySignalMessage::parse(&first_of_each[1].bytes).unwrap();
    assert!(pair.to_alice.wanted_prekeys(&parsed).is_none());
    assert!(pair.bob.receive(&mut pair.to_alice, &first_of_each[1]).is_ok());
}

#[test]
fn every_flipped_bit_is_refused_and_changes_nothing() {
    let mut pair = Pair::established(1);
    pair.ping_pong(5);
    let message = pair.alice.send(&mut pair.to_bob, b"sixteen or more bytes").unwrap();
    let before = pair.to_alice.to_bytes();
    for bit in 0..message.bytes.len() * 8 {
        let mut bytes = message.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(parsed) = SignalMessage::parse(&bytes) {
            let outcome = pair.to_alice.decrypt(&parsed, Trust::FirstUse, &mut rng(1));
            assert!(outcome.is_err(), "bit {bit}");
        }
        assert_eq!(pair.to_alice.to_bytes(), before, "bit {bit}");
    }
    assert!(pair.bob.receive(&mut pair.to_alice, &message).is_ok());
}

/// The bits of a first message that no MAC covers and that say nothing: the low half of its version byte, and the
/// sender's registration id, which the receiver is told of and nothing rests on.
fn is_free(bit: usize, original: &PreKeySignalMessage<'_>, tampered: &PreKeySignalMessage<'_>) -> bool {
    let version_byte = bit < 8 && tampered.version() == original.version();
    version_byte || tampered.registration_id() != original.registration_id()
}

#[test]
fn every_flipped_bit_of_a_first_message_is_refused_and_changes_nothing() {
    let mut pair = Pair::strangers(1);
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    let message = pair.alice.send(&mut pair.to_bob, b"first").unwrap();
    let original = PreKeySignalMessage::parse(&message.bytes).unwrap();
    let before = pair.to_alice.to_bytes();
    let bob = pair.bob.clone();
    let keys = ResponderKeys { one_time: bob.one_time.as_ref(), signed: &bob.signed, kem: &bob.kem };
    // Of the KEM ciphertext, which is the last 1,568 bytes, every 7th bit: all of them go the same way.
    let kem_start = (message.bytes.len() - 1568) * 8;
    for bit in (0..message.bytes.len() * 8).filter(|bit| *bit < kem_start || bit % 7 == 0) {
        let mut bytes = message.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(tampered) = PreKeySignalMessage::parse(&bytes) else { continue };
        let mut session = pair.to_alice.clone();
        match session.decrypt_first(&tampered, Some(keys), Trust::FirstUse, &mut rng(1)) {
            Ok(decrypted) => {
                assert!(is_free(bit, &original, &tampered), "bit {bit} of a first message is free");
                assert_eq!(
                    (&**decrypted.plaintext, decrypted.identity),
                    (&b"first"[..], *pair.alice.identity())
                );
            }
            Err(_) => assert_eq!(session.to_bytes(), before, "bit {bit}"),
        }
    }
}

#[test]
fn every_flipped_bit_is_refused_by_archived_sessions_too() {
    let mut pair = Pair::established(1);
    pair.bob.one_time = None;
    let bundle = pair.bob.bundle();
    let late = pair.alice.send(&mut pair.to_bob, b"late").unwrap();
    pair.alice.start(&mut pair.to_bob, &bundle);
    pair.alice_says(b"anew");
    let repeated = pair.alice.send(&mut pair.to_bob, b"unanswered").unwrap();
    assert_eq!((late.kind, repeated.kind), (MessageKind::Signal, MessageKind::PreKey));
    let before = pair.to_alice.to_bytes();
    let original = PreKeySignalMessage::parse(&repeated.bytes).unwrap();
    for message in [&late, &repeated] {
        // The KEM ciphertext at the end of a repeated first message is not looked at again.
        let ignored = if message.kind == MessageKind::PreKey { keys::kem::Ciphertext::LEN } else { 0 };
        for bit in 0..(message.bytes.len() - ignored) * 8 {
            let mut bytes = message.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut session = pair.to_alice.clone();
            let opened = match message.kind {
                MessageKind::PreKey => PreKeySignalMessage::parse(&bytes).ok().and_then(|tampered| {
                    let opened = session.decrypt_first(&tampered, None, Trust::FirstUse, &mut rng(1)).ok()?;
                    // The prekeys of a session that exists are not looked at again.
                    let same = tampered.prekeys() == original.prekeys();
                    (same && !is_free(bit, &original, &tampered)).then_some(opened)
                }),
                _ => SignalMessage::parse(&bytes)
                    .ok()
                    .and_then(|tampered| session.decrypt(&tampered, Trust::FirstUse, &mut rng(1)).ok()),
            };
            assert!(opened.is_none(), "bit {bit} of {:?}", message.kind);
        }
    }
    assert_eq!(pair.to_alice.to_bytes(), before);
    for message in [&late, &repeated] {
        assert!(pair.bob.receive(&mut pair.to_alice, message).is_ok());
    }
}

/// Wraps a message of an established session so that it claims to begin it, from somebody else.
fn wrapped(message: &EncryptedMessage, base_key: &keys::PublicKey, identity: &keys::PublicKey) -> Vec<u8> {
    let parts = crate::message::PreKeyParts {
        prekeys: crate::PreKeyIds { one_time: None, signed: SignedPreKeyId(2), kem: KemPreKeyId(3) },
        kem_ciphertext: &keys::kem::Ciphertext::from_bytes(&[8; keys::kem::Ciphertext::LEN]).unwrap(),
        base_key,
        identity,
        registration_id: crate::RegistrationId(1),
    };
    parts.wrap(&message.bytes)
}

#[test]
fn an_identity_that_is_no_longer_trusted_cannot_hide_behind_another() {
    let mut pair = Pair::established(1);
    let base_key = pair.to_alice.current.as_ref().unwrap().base_key;
    let trusted = *Party::new(50).identity();
    for archived in [false, true] {
        if archived {
            pair.to_alice.archive_current();
        }
        let before = pair.to_alice.to_bytes();
        let message = pair.alice.send(&mut pair.to_bob, b"I am still alice").unwrap();
        let bytes = wrapped(&message, &base_key, &trusted);
        let first = PreKeySignalMessage::parse(&bytes).unwrap();
        let outcome = pair.to_alice.decrypt_first(&first, None, Trust::Only(&trusted), &mut rng(1));
        assert_eq!(outcome.unwrap_err(), DecryptError::OtherIdentity);
        // Under its own name it is refused as what it is.
        let bytes = wrapped(&message, &base_key, pair.alice.identity());
        let first = PreKeySignalMessage::parse(&bytes).unwrap();
        let outcome = pair.to_alice.decrypt_first(&first, None, Trust::Only(&trusted), &mut rng(1));
        assert_eq!(outcome.unwrap_err(), DecryptError::UntrustedIdentity(*pair.alice.identity()));
        assert_eq!(pair.to_alice.to_bytes(), before);
    }
}

#[test]
fn a_message_that_skips_much_is_refused_before_anything_is_derived() {
    let mut pair = Pair::established(1);
    pair.alice_says(b"the chain is there");
    let message = pair.alice.send(&mut pair.to_bob, b"x").unwrap();
    let parsed = SignalMessage::parse(&message.bytes).unwrap();
    let forged = |ratchet_key: &keys::PublicKey, counter: u32, pq_ratchet: &[u8]| {
        let parts = crate::message::SignalParts {
            ratchet_key,
            counter,
            previous_counter: 0,
            ciphertext: &[0; 16],
            pq_ratchet,
            addresses: None,
        };
        let stranger = *Party::new(9).identity();
        parts.serialize(&keys::Secret::new([0; 32]), &stranger, &stranger)
    };
    let mut refused = |bytes: &[u8]| {
        let message = SignalMessage::parse(bytes).unwrap();
        pair.to_alice.decrypt(&message, Trust::FirstUse, &mut rng(1)).unwrap_err()
    };
    // The post-quantum part is looked at before the chain moves, and the counter before either.
    let far = forged(parsed.ratchet_key(), 20_000, b"");
    assert_eq!(refused(&far), DecryptError::Spqr(SpqrError::Empty));
    let further = forged(parsed.ratchet_key(), 25_002, parsed.pq_ratchet());
    assert_eq!(refused(&further), DecryptError::TooFarAhead { ahead: 25_001 });
    let new_chain = forged(Party::new(9).identity(), 25_001, parsed.pq_ratchet());
    assert_eq!(refused(&new_chain), DecryptError::TooFarAhead { ahead: 25_001 });
    // In an archived session only a chain that is there already may move far.
    pair.to_alice.archive_current();
    let mut refused = |bytes: &[u8]| {
        let message = SignalMessage::parse(bytes).unwrap();
        pair.to_alice.decrypt(&message, Trust::FirstUse, &mut rng(1)).unwrap_err()
    };
    let new_chain = forged(Party::new(9).identity(), 2_001, parsed.pq_ratchet());
    assert_eq!(refused(&new_chain), DecryptError::TooFarAhead { ahead: 2_001 });
    assert_eq!(refused(&forged(parsed.ratchet_key(), 2_001, parsed.pq_ratchet())), DecryptError::BadMac);
}

#[test]
fn archived_sessions_full_of_skipped_messages_make_room_for_newer_ones() {
    let mut pair = Pair::strangers(1);
    pair.bob.one_time = None;
    let bundle = pair.bob.bundle();
    for _ in 0..12 {
        pair.alice.start(&mut pair.to_bob, &bundle);
        pair.alice_says(b"anew");
        pair.bob_says(b"answered");
        for _ in 0..2_000 {
            pair.alice.send(&mut pair.to_bob, b"lost").unwrap();
        }
        pair.alice_says(b"found");
    }
    // Each is 2,000 seeds of 36 bytes in either ratchet, and some kilobytes.
    let kept = pair.to_alice.archived.len();
    assert!((5..=8).contains(&kept), "{kept}");
    assert!(pair.to_alice.to_bytes().len() < (1 << 20) + 160_000);
}

#[test]
fn a_message_for_another_device_is_refused_by_its_addresses() {
    let mut pair = Pair::strangers(1);
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    let message = pair.alice.send(&mut pair.to_bob, b"first").unwrap();
    let parsed = PreKeySignalMessage::parse(&message.bytes).unwrap();
    let bob = pair.bob.clone();
    let keys = ResponderKeys { one_time: bob.one_time.as_ref(), signed: &bob.signed, kem: &bob.kem };
    for local in [
        Address::new(bob.device.address.name(), DeviceId::new(2).unwrap()),
        Address::new("no service id", DeviceId::PRIMARY),
    ] {
        let device = LocalDevice { address: local, ..(*bob.device).clone() };
        let mut session = Session::new(device.into(), pair.alice.device.address.clone());
        let refused = session.decrypt_first(&parsed, Some(keys), Trust::FirstUse, &mut rng(1)).unwrap_err();
        assert_eq!(refused, DecryptError::WrongAddresses);
    }
}

#[test]
fn names_that_are_no_service_ids_work_without_addresses() {
    let mut pair = Pair::strangers(1);
    for (party, name) in [(&mut pair.alice, "alice"), (&mut pair.bob, "bob")] {
        let address = Address::new(name, DeviceId::PRIMARY);
        party.device = LocalDevice { address, ..(*party.device).clone() }.into();
    }
    pair.to_bob = pair.alice.session(&pair.bob);
    pair.to_alice = pair.bob.session(&pair.alice);
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    pair.alice_says(b"first");
    pair.ping_pong(1);
}

#[test]
fn devices_of_one_account_may_jump_further() {
    let mut pair = Pair::strangers(1);
    let identity = pair.alice.device.identity.clone();
    let address = Address::new(pair.alice.device.address.name(), DeviceId::new(2).unwrap());
    let mut rng = rng(4);
    pair.bob.signed = crate::SignedPreKey::generate(SignedPreKeyId(2), &identity, NOW, &mut rng);
    pair.bob.kem = KemPreKey::generate(KemPreKeyId(3), &identity, NOW, &mut rng);
    pair.bob.device = LocalDevice { address, identity, ..(*pair.bob.device).clone() }.into();
    pair.to_bob = pair.alice.session(&pair.bob);
    pair.to_alice = pair.bob.session(&pair.alice);
    let bundle = pair.bob.bundle();
    pair.alice.start(&mut pair.to_bob, &bundle);
    pair.alice_says(b"first");
    pair.bob_says(b"second");
    for _ in 0..25_100 {
        pair.alice.send(&mut pair.to_bob, b"lost").unwrap();
    }
    pair.alice_says(b"far ahead");
}

#[test]
fn a_restored_session_goes_on_where_it_was() {
    let mut pair = Pair::established(1);
    for round in 0..60 {
        pair.ping_pong(1);
        let skipped = pair.alice.send(&mut pair.to_bob, b"overtaken").unwrap();
        pair.alice_says(b"overtaking");
        let bytes = pair.to_alice.to_bytes();
        let local = pair.bob.device.clone();
        pair.to_alice = Session::from_bytes(local, pair.alice.device.address.clone(), &bytes).unwrap();
        assert_eq!(pair.to_alice.to_bytes(), bytes, "round {round}");
        let bytes = pair.to_bob.to_bytes();
        let local = pair.alice.device.clone();
        pair.to_bob = Session::from_bytes(local, pair.bob.device.address.clone(), &bytes).unwrap();
        assert_eq!(*pair.bob.receive(&mut pair.to_alice, &skipped).unwrap().plaintext, b"overtaken");
    }
}

#[test]
fn stored_state_that_is_damaged_or_of_another_version_is_refused() {
    let pair = Pair::established(1);
    let restore = |bytes: &[u8]| {
        Session::from_bytes(pair.alice.device.clone(), pair.bob.device.address.clone(), bytes).map(drop)
    };
    let bytes = pair.to_bob.to_bytes();
    assert_eq!(restore(&bytes), Ok(()));
    assert!(matches!(restore(&[]), Err(StateError::Malformed(_))));
    assert_eq!(restore(&[0x08, 0x02]), Err(StateError::Version(2)));
    for length in 1..bytes.len() {
        // The empty record of version 1, two bytes long, is one.
        assert_eq!(restore(&bytes[..length]).is_ok(), length == 2, "{length} bytes");
    }
}

/// Everything that a thief of the device gets.
fn stolen(session: &Session) -> Session {
    session.clone()
}

/// A thief does not mind that a message was received before: it makes the chain of `message` stand where it should,
/// with the secrets that it has now.
fn wind_back(session: &mut Session, message: &SignalMessage<'_>) {
    let ratchet = session.current.as_mut().unwrap();
    let chain = ratchet.receiving.iter_mut().find(|chain| chain.ratchet == *message.ratchet_key());
    chain.expect("the chain of a message that was just received").chain.index = message.counter();
    ratchet.spqr.wind_back();
}

#[test]
fn a_stolen_state_opens_no_earlier_message() {
    let mut pair = Pair::established(1);
    for _ in 0..10 {
        let message = pair.alice.send(&mut pair.to_bob, b"earlier").unwrap();
        let parsed = SignalMessage::parse(&message.bytes).unwrap();
        // Before it is received, the thief could.
        let mut before = stolen(&pair.to_alice);
        assert!(before.decrypt(&parsed, Trust::FirstUse, &mut rng(1)).is_ok());
        pair.bob.receive(&mut pair.to_alice, &message).unwrap();
        let mut thief = stolen(&pair.to_alice);
        wind_back(&mut thief, &parsed);
        assert_eq!(thief.decrypt(&parsed, Trust::FirstUse, &mut rng(1)).unwrap_err(), DecryptError::BadMac);
        // Nor once the ratchet has turned, though the chain is still there.
        pair.bob_says(b"turn");
        pair.alice_says(b"turn");
        let mut thief = stolen(&pair.to_alice);
        wind_back(&mut thief, &parsed);
        assert_eq!(thief.decrypt(&parsed, Trust::FirstUse, &mut rng(1)).unwrap_err(), DecryptError::BadMac);
    }
}

#[test]
fn a_stolen_state_opens_no_later_message_once_the_ratchets_have_turned() {
    let mut pair = Pair::established(1);
    let thief = stolen(&pair.to_alice);
    let next = pair.alice.send(&mut pair.to_bob, b"too early").unwrap();
    assert!(
        pair.bob.receive(&mut thief.clone(), &next).is_ok(),
        "the thief does read what comes before the turn"
    );
    pair.bob.receive(&mut pair.to_alice, &next).unwrap();
    pair.ping_pong(2);
    let later = pair.alice.send(&mut pair.to_bob, b"healed").unwrap();
    assert!(pair.bob.receive(&mut thief.clone(), &later).is_err());
}

#[test]
fn each_ratchet_heals_alone() {
    let mut pair = Pair::established(1);
    // A thief of the state who hears everything, and whose copy of the post-quantum ratchet follows as far as it can.
    let then = stolen(&pair.to_alice).current.unwrap();
    let mut followed = then.spqr.clone();
    // What it reads who, besides, has broken one of the two: the curve, and so knows the classical ratchet of now; or
    // the KEM, and so knows the post-quantum one.
    let breaks = |pair: &mut Pair, spqr: &Spqr, curve: bool| {
        let message = pair.alice.send(&mut pair.to_bob, b"later").unwrap();
        let mut mixed = pair.to_alice.clone();
        let now = mixed.current.as_mut().unwrap();
        *now = match curve {
            true => Ratchet { spqr: spqr.clone(), ..now.clone() },
            false => Ratchet { spqr: now.spqr.clone(), ..then.clone() },
        };
        pair.bob.clone().receive(&mut mixed, &message).map(drop)
    };
    let exchange = |pair: &mut Pair, followed: &mut Spqr| {
        let message = pair.alice.send(&mut pair.to_bob, b"ping").unwrap();
        let heard = SignalMessage::parse(&message.bytes).unwrap();
        let _ = followed.receive(heard.pq_ratchet(), 25_000);
        pair.bob.receive(&mut pair.to_alice, &message).unwrap();
        followed.send(&mut rng(200));
        pair.bob_says(b"pong");
    };
    assert_eq!(breaks(&mut pair, &followed, true), Ok(()), "nothing has turned yet");
    for _ in 0..2 {
        exchange(&mut pair, &mut followed);
    }
    assert_eq!(
        breaks(&mut pair, &followed, true),
        Ok(()),
        "the post-quantum ratchet takes some 45 rounds to turn"
    );
    assert_eq!(
        breaks(&mut pair, &followed, false),
        Err(DecryptError::BadMac),
        "the classical ratchet has turned"
    );
    for _ in 0..150 {
        exchange(&mut pair, &mut followed);
    }
    assert!(breaks(&mut pair, &followed, true).is_err(), "the post-quantum ratchet has turned");
    assert_eq!(breaks(&mut pair, &followed, false), Err(DecryptError::BadMac));
    let root = |spqr: &Spqr| spqr.inspect().chain_root;
    assert_ne!(
        root(&followed),
        root(&pair.to_alice.current.as_ref().unwrap().spqr),
        "the thief has lost the thread"
    );
}
