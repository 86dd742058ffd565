//! Which keys are handed out, and for how long.

use super::*;
use crate::spqr::chain::MAX_BEHIND;

/// A sending and a receiving side, and the first keys that the former sends.
fn chains(keys: usize) -> (Chains, Chains, Vec<Secret<32>>) {
    let auth_key = Secret::new([5; 32]);
    let mut a = Chains::new(Role::Initiator, &auth_key);
    let keys = (0..keys).map(|_| a.send(0).1).collect();
    (a, Chains::new(Role::Responder, &auth_key), keys)
}

#[test]
fn each_key_is_handed_out_once() {
    let (_, mut b, keys) = chains(5);
    for index in [3, 1, 5, 2, 4] {
        assert_eq!(b.receive(0, index, MAX_JUMP).as_ref(), Ok(&keys[index as usize - 1]));
        assert_eq!(b.receive(0, index, MAX_JUMP), Err(SpqrError::KeyUsed(index)));
    }
    assert!(b.receiving[0].skipped.is_empty());
}

#[test]
fn the_last_two_thousand_skipped_keys_are_kept() {
    let (_, mut b, keys) = chains(5000);
    assert!(b.receive(0, 2500, MAX_JUMP).is_ok());
    assert_eq!(b.receiving[0].skipped.len(), 2000);
    assert_eq!(b.receive(0, 499, MAX_JUMP), Err(SpqrError::KeyTooOld(499)));
    assert_eq!(b.receive(0, 500, MAX_JUMP).as_ref(), Ok(&keys[499]));
    // They age with each key that is received after them, and not with those that are not.
    assert!(b.receive(0, 2501, MAX_JUMP).is_ok());
    assert_eq!(b.receive(0, 501, MAX_JUMP).as_ref(), Ok(&keys[500]));
    assert!(b.receive(0, 2503, MAX_JUMP).is_ok());
    assert_eq!(b.receive(0, 502, MAX_JUMP), Err(SpqrError::KeyTooOld(502)));
    assert_eq!(b.receive(0, 503, MAX_JUMP).as_ref(), Ok(&keys[502]));
    // 504 to 2499 of the first jump, 2502 of the second.
    assert_eq!(b.receiving[0].skipped.len(), 1997);
    assert!(b.receive(0, 5000, MAX_JUMP).is_ok());
    assert_eq!(b.receiving[0].skipped.len(), MAX_BEHIND as usize);
    assert_eq!(b.receiving[0].skipped[0].index, 3000);
}

#[test]
fn jumps_up_to_the_limit_are_made_and_longer_ones_refused_at_once() {
    let (_, mut b, _) = chains(0);
    for index in [25_001, u32::MAX] {
        assert_eq!(b.receive(0, index, 25_000), Err(SpqrError::JumpTooFar { jump: index, limit: 25_000 }));
    }
    assert_eq!(b.receiving[0].chain.counter, 0);
    assert!(b.receive(0, 25_000, 25_000).is_ok());
    assert_eq!(b.receiving[0].skipped.len(), 2000);
    assert!(b.receive(0, 50_001, 25_000).is_err());
    assert!(b.receive(0, 50_001, 25_001).is_ok());
}

#[test]
fn chains_go_when_sending_is_one_epoch_past_them() {
    let (mut a, mut b, keys) = chains(9);
    let add = |chains: &mut Chains, byte| chains.add_epoch(&Secret::new([byte; 32]));
    add(&mut b, 1);
    assert_eq!(b.send(0).0, 1, "sending may stay behind by one epoch");
    assert_eq!(b.send(1).0, 1);
    assert_eq!(b.receive(0, 1, MAX_JUMP).as_ref(), Ok(&keys[0]));
    add(&mut b, 2);
    assert_eq!(b.receive(0, 2, MAX_JUMP).as_ref(), Ok(&keys[1]), "nothing was sent in the new epoch yet");
    assert_eq!(b.send(1).0, 2);
    assert_eq!(b.receive(0, 3, MAX_JUMP).as_ref(), Ok(&keys[2]));
    assert_eq!(b.send(2).0, 1);
    assert_eq!(b.receive(0, 4, MAX_JUMP), Err(SpqrError::EpochGone(1)));
    assert_eq!(b.receive(3, 1, MAX_JUMP), Err(SpqrError::EpochOutOfRange { epoch: 4, current: 3 }));

    add(&mut a, 1);
    let (index, key) = a.send(1);
    assert_eq!(b.receive(1, index, MAX_JUMP), Ok(key));
}

#[test]
fn a_refused_message_changes_nothing() {
    let mut pair = Pair::new(8);
    let (first, key) = pair.a.send(&mut pair.rng);
    pair.a_loses(25_000);
    let (far, _) = pair.a.send(&mut pair.rng);
    let before = pair.b.to_bytes();
    assert_eq!(pair.b.receive(&far, MAX_JUMP), Err(SpqrError::JumpTooFar { jump: 25_002, limit: MAX_JUMP }));
    assert_eq!(pair.b.receive(&[], MAX_JUMP), Err(SpqrError::Empty));
    assert_eq!(pair.b.receive(&[2, 1, 1, 0], MAX_JUMP), Err(SpqrError::UnknownVersion(2)));
    assert_eq!(pair.b.to_bytes(), before);
    assert_eq!(pair.b.receive(&first, MAX_JUMP), Ok(key));
    assert_eq!(pair.b.receive(&first, MAX_JUMP), Err(SpqrError::KeyUsed(1)));
}

#[test]
fn messages_of_the_epoch_before_arrive_late_and_older_ones_not_at_all() {
    let mut pair = Pair::new(9);
    let (oldest, key) = pair.b.send(&mut pair.rng);
    pair.finish_epoch();
    let (older, _) = pair.b.send(&mut pair.rng);
    let mut early = pair.a.clone();
    assert_eq!(early.receive(&oldest, MAX_JUMP), Ok(key));
    pair.finish_epoch();
    pair.finish_epoch();
    assert_eq!(pair.a.receive(&oldest, MAX_JUMP), Err(SpqrError::EpochGone(1)));
    assert_eq!(pair.a.receive(&older, MAX_JUMP), Err(SpqrError::EpochGone(2)));
}
