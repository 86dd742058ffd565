//! Sessions with the official library, in both directions.

use rand_chacha::rand_core::Rng;
use signal::{DecryptError, EncryptedMessage, MessageKind};

use crate::ends::{OUR_NAME, Ours, THEIR_NAME, Theirs};

fn ends() -> (Ours, Theirs) {
    (Ours::new(OUR_NAME, 1), Theirs::new(THEIR_NAME, 2))
}

/// Who begins.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Initiator {
    Ours,
    Theirs,
}

const BOTH: [Initiator; 2] = [Initiator::Ours, Initiator::Theirs];

/// A session in which each side has decrypted a message.
fn established(initiator: Initiator, one_time: bool) -> (Ours, Theirs) {
    let (mut ours, mut theirs) = ends();
    begin(&mut ours, &mut theirs, initiator, one_time);
    match initiator {
        Initiator::Ours => {
            we_say(&mut ours, &mut theirs, b"first", MessageKind::PreKey);
            they_say(&mut ours, &mut theirs, b"answer", MessageKind::Signal);
        }
        Initiator::Theirs => {
            they_say(&mut ours, &mut theirs, b"first", MessageKind::PreKey);
            we_say(&mut ours, &mut theirs, b"answer", MessageKind::Signal);
        }
    }
    (ours, theirs)
}

fn begin(ours: &mut Ours, theirs: &mut Theirs, initiator: Initiator, one_time: bool) {
    match initiator {
        Initiator::Ours => {
            let bundle = theirs.bundle(one_time);
            assert_eq!(bundle.one_time.is_some(), one_time);
            ours.start(&theirs.address.clone(), &bundle);
        }
        Initiator::Theirs => {
            let bundle = ours.bundle(one_time);
            theirs.start(&ours.local.address.clone(), &bundle);
        }
    }
}

fn we_say(ours: &mut Ours, theirs: &mut Theirs, plaintext: &[u8], kind: MessageKind) {
    let message = ours.encrypt(&theirs.address, plaintext);
    assert_eq!(message.kind, kind);
    assert_eq!(theirs.decrypt(&ours.local.address, &message).unwrap(), plaintext);
}

fn they_say(ours: &mut Ours, theirs: &mut Theirs, plaintext: &[u8], kind: MessageKind) {
    let message = theirs.encrypt(&ours.local.address, plaintext);
    assert_eq!(message.kind, kind);
    assert_eq!(ours.decrypt(&theirs.address, &message).unwrap(), plaintext);
}

#[test]
fn a_thousand_messages_in_ping_pong_with_either_initiator() {
    for initiator in BOTH {
        let (mut ours, mut theirs) = established(initiator, true);
        for round in 0..500u32 {
            we_say(&mut ours, &mut theirs, &round.to_be_bytes(), MessageKind::Signal);
            they_say(&mut ours, &mut theirs, format!("answer {round}").as_bytes(), MessageKind::Signal);
            if round % 100 == 50 {
                theirs.restart(&ours.local.address.clone());
            }
        }
    }
}

#[test]
fn a_bundle_without_a_one_time_prekey_is_enough() {
    for initiator in BOTH {
        let (mut ours, mut theirs) = established(initiator, false);
        we_say(&mut ours, &mut theirs, b"and on", MessageKind::Signal);
    }
}

#[test]
fn first_messages_repeat_until_answered() {
    for initiator in BOTH {
        let (mut ours, mut theirs) = ends();
        begin(&mut ours, &mut theirs, initiator, true);
        for round in [0u8, 1, 2] {
            match initiator {
                Initiator::Ours => we_say(&mut ours, &mut theirs, &[round], MessageKind::PreKey),
                Initiator::Theirs => they_say(&mut ours, &mut theirs, &[round], MessageKind::PreKey),
            }
        }
    }
}

#[test]
fn two_thousand_messages_in_one_direction() {
    for initiator in BOTH {
        let (mut ours, mut theirs) = established(initiator, true);
        let (here, there) = (ours.local.address.clone(), theirs.address.clone());
        let plaintexts: Vec<Vec<u8>> = (0..2000u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let messages: Vec<_> = plaintexts.iter().map(|plaintext| ours.encrypt(&there, plaintext)).collect();
        let received: Vec<_> =
            theirs.decrypt_many(&here, &messages).into_iter().map(Result::unwrap).collect();
        assert_eq!(received, plaintexts);

        let messages = theirs.encrypt_many(&here, &plaintexts);
        let received: Vec<_> =
            messages.iter().map(|message| ours.decrypt(&there, message).unwrap()).collect();
        assert_eq!(received, plaintexts);
        we_say(&mut ours, &mut theirs, b"and back", MessageKind::Signal);
    }
}

/// Removes about a third of the messages and shuffles the rest, within windows, so that chains and ratchets mix.
fn lose_and_shuffle(messages: &mut Vec<(usize, EncryptedMessage)>, rng: &mut impl Rng) {
    messages.retain(|_| !rng.next_u32().is_multiple_of(3));
    for position in 0..messages.len() {
        let reach = (messages.len() - position).min(12);
        messages.swap(position, position + rng.next_u32() as usize % reach);
    }
}

#[test]
fn messages_that_are_lost_reordered_or_repeated_in_either_direction() {
    for initiator in BOTH {
        let (mut ours, mut theirs) = established(initiator, true);
        let (here, there) = (ours.local.address.clone(), theirs.address.clone());
        let (mut to_them, mut to_us): (Vec<(usize, EncryptedMessage)>, Vec<_>) = (Vec::new(), Vec::new());
        let mut delivered = 0;
        for round in 0..120usize {
            let text = |n: usize| format!("round {round} message {n}").into_bytes();
            to_them.extend((0..4).map(|n| (round * 4 + n, ours.encrypt(&there, &text(n)))));
            let theirs_sent = theirs.encrypt_many(&here, &(0..4).map(text).collect::<Vec<_>>());
            to_us.extend(theirs_sent.into_iter().enumerate().map(|(n, message)| (round * 4 + n, message)));
            if round % 3 == 2 {
                lose_and_shuffle(&mut to_them, &mut ours.rng);
                lose_and_shuffle(&mut to_us, &mut ours.rng);
                let text = |n: usize| format!("round {} message {}", n / 4, n % 4).into_bytes();
                for (number, message) in to_us.drain(..) {
                    assert_eq!(ours.decrypt(&there, &message).unwrap(), text(number));
                    assert_eq!(ours.decrypt(&there, &message).unwrap_err(), DecryptError::Duplicate);
                    delivered += 1;
                }
                for (number, message) in to_them.drain(..) {
                    let outcomes = theirs.decrypt_many(&here, &[message.clone(), message]);
                    assert_eq!(outcomes[0].as_ref().unwrap(), &text(number));
                    assert_eq!(outcomes[1].as_ref().unwrap_err(), "DuplicatedMessage");
                    delivered += 1;
                }
            }
        }
        assert!(delivered > 400, "{delivered}");
        we_say(&mut ours, &mut theirs, b"all is well", MessageKind::Signal);
        they_say(&mut ours, &mut theirs, b"all is well", MessageKind::Signal);
    }
}

#[test]
fn both_begin_at_the_same_time_and_settle() {
    let (mut ours, mut theirs) = ends();
    let (here, there) = (ours.local.address.clone(), theirs.address.clone());
    begin(&mut ours, &mut theirs, Initiator::Ours, true);
    begin(&mut ours, &mut theirs, Initiator::Theirs, true);
    for round in [0u8, 1, 2, 3] {
        let to_them = ours.encrypt(&there, &[round]);
        let to_us = theirs.encrypt(&here, &[round]);
        assert_eq!(theirs.decrypt(&here, &to_them).unwrap(), [round]);
        assert_eq!(ours.decrypt(&there, &to_us).unwrap(), [round]);
    }
    for _ in 0..10 {
        we_say(&mut ours, &mut theirs, b"settled", MessageKind::Signal);
        they_say(&mut ours, &mut theirs, b"settled", MessageKind::Signal);
    }
}

#[test]
fn a_reset_session_is_replaced_and_late_messages_still_open() {
    for initiator in BOTH {
        let (mut ours, mut theirs) = established(initiator, true);
        let (here, there) = (ours.local.address.clone(), theirs.address.clone());
        let late_to_them = ours.encrypt(&there, b"late");
        let late_to_us = theirs.encrypt(&here, b"late");
        match initiator {
            Initiator::Ours => {
                let archived = ours.with_session(&there, |session, _| {
                    session.archive_current();
                    Ok::<_, ()>(())
                });
                archived.unwrap();
                begin(&mut ours, &mut theirs, Initiator::Ours, true);
                we_say(&mut ours, &mut theirs, b"anew", MessageKind::PreKey);
            }
            Initiator::Theirs => {
                theirs.archive(&here);
                begin(&mut ours, &mut theirs, Initiator::Theirs, true);
                they_say(&mut ours, &mut theirs, b"anew", MessageKind::PreKey);
            }
        }
        assert_eq!(theirs.decrypt(&here, &late_to_them).unwrap(), b"late");
        assert_eq!(ours.decrypt(&there, &late_to_us).unwrap(), b"late");
        for _ in 0..5 {
            we_say(&mut ours, &mut theirs, b"on", MessageKind::Signal);
            they_say(&mut ours, &mut theirs, b"on", MessageKind::Signal);
        }
    }
}

#[test]
fn names_that_are_no_service_ids_interoperate() {
    let (mut ours, mut theirs) = (Ours::new("us", 1), Theirs::new("them", 2));
    begin(&mut ours, &mut theirs, Initiator::Ours, true);
    we_say(&mut ours, &mut theirs, b"first", MessageKind::PreKey);
    they_say(&mut ours, &mut theirs, b"answer", MessageKind::Signal);
}

#[test]
fn a_tampered_message_is_refused_by_both() {
    let (mut ours, mut theirs) = established(Initiator::Ours, true);
    let (here, there) = (ours.local.address.clone(), theirs.address.clone());
    let tampered = |message: &EncryptedMessage| {
        let mut message = message.clone();
        let last = message.bytes.len() - 1;
        message.bytes[last] ^= 1;
        message
    };
    let (to_them, to_us) = (ours.encrypt(&there, b"whole"), theirs.encrypt(&here, b"whole"));
    assert!(theirs.decrypt(&here, &tampered(&to_them)).is_err());
    assert_eq!(ours.decrypt(&there, &tampered(&to_us)).unwrap_err(), DecryptError::BadMac);
    assert_eq!(theirs.decrypt(&here, &to_them).unwrap(), b"whole");
    assert_eq!(ours.decrypt(&there, &to_us).unwrap(), b"whole");
}

#[test]
fn our_state_is_no_larger_than_theirs() {
    let (mut ours, mut theirs) = established(Initiator::Ours, true);
    let (here, there) = (ours.local.address.clone(), theirs.address.clone());
    let mut largest = (0, 0);
    for _ in 0..500 {
        we_say(&mut ours, &mut theirs, b"x", MessageKind::Signal);
        they_say(&mut ours, &mut theirs, b"x", MessageKind::Signal);
        let arguments = serde_json::json!({ "party": theirs.party, "remote": crate::ends::location(&here) });
        let size = theirs.peer.call("recordSize", arguments)["size"].as_u64().unwrap();
        largest = (largest.0.max(ours.state_len(&there)), largest.1.max(usize::try_from(size).unwrap()));
    }
    assert!(largest.0 < largest.1, "ours {} bytes, theirs {} bytes", largest.0, largest.1);
}
