//! The paths through the states (SPQR, section 6.2), and what is refused on the way.

use super::*;

/// A pair whose ct side has begun: A in `KeysSampled`, B in `Ct1Sampled`.
fn begun(seed: u8) -> Pair {
    let mut pair = Pair::new(seed);
    assert_eq!(pair.states(), ("KeysUnsampled", "NoHeaderReceived"));
    pair.a_to_b();
    pair.a_to_b();
    assert_eq!(pair.states(), ("KeysSampled", "NoHeaderReceived"));
    pair.a_to_b();
    assert_eq!(pair.states(), ("KeysSampled", "HeaderReceived"));
    pair.b_loses(1);
    assert_eq!(pair.states(), ("KeysSampled", "Ct1Sampled"));
    pair
}

/// From `Ct2Sampled` of B into the next epoch, with the roles swapped.
fn swap(pair: &mut Pair) {
    assert_eq!(pair.b.state(), "Ct2Sampled");
    pair.b_to_a();
    assert_eq!(pair.states(), ("EkSentCt1Received", "Ct2Sampled"));
    (0..4).for_each(|_| pair.b_to_a());
    assert_eq!(pair.states(), ("NoHeaderReceived", "Ct2Sampled"));
    assert_eq!((pair.a.machine.epoch, pair.b.machine.epoch), (2, 1));
    pair.a_to_b();
    assert_eq!(pair.states(), ("NoHeaderReceived", "KeysUnsampled"));
    assert_eq!(pair.b.machine.epoch, 2);
    assert_eq!(pair.a.machine.authenticator.mac, pair.b.machine.authenticator.mac);
    assert_eq!(pair.a.chains.root, pair.b.chains.root);
    pair.finish_epoch();
}

#[test]
fn ek_arrives_before_ct1() {
    let mut pair = begun(1);
    pair.b_to_a();
    assert_eq!(pair.states(), ("HeaderSent", "Ct1Sampled"));
    (0..36).for_each(|_| pair.a_to_b());
    assert_eq!(pair.states(), ("HeaderSent", "EkReceivedCt1Sampled"));
    (0..28).for_each(|_| pair.b_to_a());
    assert_eq!(pair.states(), ("HeaderSent", "EkReceivedCt1Sampled"));
    pair.b_to_a();
    assert_eq!(pair.states(), ("Ct1Received", "EkReceivedCt1Sampled"));
    pair.a_to_b();
    assert_eq!(pair.states(), ("Ct1Received", "Ct2Sampled"));
    swap(&mut pair);
}

#[test]
fn ct1_arrives_before_ek() {
    let mut pair = begun(2);
    (0..30).for_each(|_| pair.b_to_a());
    assert_eq!(pair.states(), ("Ct1Received", "Ct1Sampled"));
    pair.a_to_b();
    assert_eq!(pair.states(), ("Ct1Received", "Ct1Acknowledged"));
    pair.b_to_a();
    pair.a_loses(3);
    (0..34).for_each(|_| pair.a_to_b());
    assert_eq!(pair.states(), ("Ct1Received", "Ct1Acknowledged"));
    pair.a_to_b();
    assert_eq!(pair.states(), ("Ct1Received", "Ct2Sampled"));
    swap(&mut pair);
}

#[test]
fn a_late_chunk_of_ek_without_acknowledgement_completes_it_too() {
    let mut pair = begun(3);
    pair.b_to_a();
    let (late, key) = pair.a.send(&mut pair.rng);
    (0..29).for_each(|_| pair.b_to_a());
    (0..35).for_each(|_| pair.a_to_b());
    assert_eq!(pair.states(), ("Ct1Received", "Ct1Acknowledged"));
    assert_eq!(pair.b.receive(&late, MAX_JUMP), Ok(key));
    assert_eq!(pair.states(), ("Ct1Received", "Ct2Sampled"));
    swap(&mut pair);
}

#[test]
fn the_chunk_that_completes_ek_acknowledges_ct1_at_once() {
    let mut pair = begun(4);
    pair.b_to_a();
    (0..35).for_each(|_| pair.a_to_b());
    (0..29).for_each(|_| pair.b_to_a());
    assert_eq!(pair.states(), ("Ct1Received", "Ct1Sampled"));
    pair.a_to_b();
    assert_eq!(pair.states(), ("Ct1Received", "Ct2Sampled"));
    swap(&mut pair);
}

#[test]
fn an_acknowledgement_without_a_chunk_does_as_well() {
    let mut pair = begun(5);
    (0..30).for_each(|_| pair.b_to_a());
    let mut early = pair.b.clone();
    let packet = Packet { epoch: 1, index: 1, payload: Payload::Ct1Ack };
    early.machine = early.machine.receive(&packet).unwrap().0;
    assert_eq!(early.state(), "Ct1Sampled", "it does not count before ek is there");
    let (messages, mut sent) = ((0..36).map(|_| pair.a.send(&mut pair.rng)), Vec::new());
    sent.extend(messages);
    let Machine { state: State::Ct1Sampled(_), .. } = &pair.b.machine else { panic!("{}", pair.b.state()) };
    // As type 2 these would have come before ct1 was complete.
    for (message, _) in &sent {
        let mut packet = Packet::from_bytes(message).unwrap();
        let Payload::EkCt1Ack(chunk) = packet.payload else { panic!("{:?}", packet.payload) };
        packet.payload = Payload::Ek(chunk);
        pair.b.receive(&packet.to_bytes(), MAX_JUMP).unwrap();
    }
    assert_eq!(pair.b.state(), "EkReceivedCt1Sampled");
    let index = Packet::from_bytes(&sent[35].0).unwrap().index + 1;
    let (message, _) = pair.a.send(&mut pair.rng);
    assert_eq!(Packet::from_bytes(&message).unwrap().index, index);
    pair.b.receive(&Packet { index, ..packet }.to_bytes(), MAX_JUMP).unwrap();
    assert_eq!(pair.b.state(), "Ct2Sampled");
    swap(&mut pair);
}

#[test]
fn parity_chunks_alone_complete_every_stream() {
    let mut pair = Pair::new(6);
    pair.a_loses(3);
    (0..3).for_each(|_| pair.a_to_b());
    assert_eq!(pair.states(), ("KeysSampled", "HeaderReceived"));
    pair.b_loses(30);
    (0..30).for_each(|_| pair.b_to_a());
    assert_eq!(pair.states(), ("Ct1Received", "Ct1Sampled"));
    pair.a_loses(36);
    (0..36).for_each(|_| pair.a_to_b());
    assert_eq!(pair.states(), ("Ct1Received", "Ct2Sampled"));
    pair.b_loses(5);
    swap(&mut pair);
}

/// Flips a bit in the last byte, which is one of the chunk.
fn damaged(mut message: Vec<u8>) -> Vec<u8> {
    assert!(message.len() >= 37);
    *message.last_mut().unwrap() ^= 1;
    message
}

/// Damages the last chunk of a stream: that is refused with `error` and nothing else, and the true one still taken.
fn damage(pair: &mut Pair, by_a: bool, error: SpqrError) {
    let Pair { a, b, rng } = pair;
    let (from, to) = if by_a { (a, b) } else { (b, a) };
    let (message, key) = from.send(rng);
    let before = to.to_bytes();
    assert_eq!(to.receive(&damaged(message.clone()), MAX_JUMP), Err(error));
    assert_eq!(to.to_bytes(), before);
    assert_eq!(to.receive(&message, MAX_JUMP), Ok(key));
}

#[test]
fn a_forged_header_is_refused() {
    let mut pair = Pair::new(7);
    pair.a_to_b();
    pair.a_to_b();
    damage(&mut pair, true, SpqrError::HeaderMac);
    assert_eq!(pair.b.state(), "HeaderReceived");
}

#[test]
fn a_forged_ek_is_refused() {
    for acknowledged in [false, true] {
        let mut pair = begun(8);
        (0..if acknowledged { 30 } else { 1 }).for_each(|_| pair.b_to_a());
        (0..35).for_each(|_| pair.a_to_b());
        damage(&mut pair, true, SpqrError::EkMismatch);
    }
}

#[test]
fn a_forged_ciphertext_is_refused() {
    let mut pair = begun(9);
    (0..30).for_each(|_| pair.b_to_a());
    (0..36).for_each(|_| pair.a_to_b());
    (0..4).for_each(|_| pair.b_to_a());
    damage(&mut pair, false, SpqrError::CiphertextMac);
    assert_eq!(pair.a.state(), "NoHeaderReceived");
}
