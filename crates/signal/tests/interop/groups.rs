//! Sender keys with the official library.

use serde_json::json;
use signal::{DistributionId, DistributionMessage, SenderKeyError, SenderKeyMessage, SenderKeyRecord};

use crate::{
    ends::{OUR_NAME, Ours, THEIR_NAME, Theirs, location},
    peer::{Peer, decode, encode},
};

const GROUP: &str = "d1d1d1d1-7000-11eb-b32a-33b8a8a487a6";

fn group() -> DistributionId {
    DistributionId(u128::from_str_radix(&GROUP.replace('-', ""), 16).unwrap().to_be_bytes())
}

#[test]
fn we_write_to_their_members_one_of_whom_comes_late() {
    let mut ours = Ours::new(OUR_NAME, 1);
    let mut first = Theirs::new(THEIR_NAME, 2);
    let late_name = "00000000-1111-4222-8333-444444444444";
    let mut record = SenderKeyRecord::create(group(), &mut ours.rng);
    let sender = location(&ours.local.address);
    let admit = |peer: &mut Peer, party: &str, record: &SenderKeyRecord| {
        let message = encode(record.distribution().unwrap().serialize());
        peer.call("distributionProcess", json!({ "party": party, "sender": sender, "message": message }));
    };
    let read = |peer: &mut Peer, party: &str, message: &[u8]| {
        let arguments = json!({ "party": party, "sender": sender, "body": encode(message) });
        peer.try_call("groupDecrypt", arguments).map(|reply| decode(&reply["plaintext"]))
    };
    let mut write = |record: &mut SenderKeyRecord, text: &str| {
        let message = record.encrypt(text.as_bytes(), &mut ours.rng).unwrap();
        // Restored from bytes each time.
        *record = SenderKeyRecord::from_bytes(&record.to_bytes()).unwrap();
        message
    };
    admit(&mut first.peer, &first.party, &record);
    let early: Vec<_> = (0..20).map(|n| write(&mut record, &format!("early {n}"))).collect();

    let mut late = Theirs::inside(Peer::start(), late_name, 1);
    admit(&mut late.peer, &late.party, &record);
    let later: Vec<_> = (0..20).map(|n| write(&mut record, &format!("later {n}"))).collect();

    // The first member gets the later ones before the early ones, and some twice.
    for (n, message) in later.iter().enumerate().rev() {
        assert_eq!(
            read(&mut first.peer, &first.party, &message.bytes).unwrap(),
            format!("later {n}").as_bytes()
        );
        assert_eq!(
            read(&mut late.peer, &late.party, &message.bytes).unwrap(),
            format!("later {n}").as_bytes()
        );
    }
    for (n, message) in early.iter().enumerate() {
        assert_eq!(
            read(&mut first.peer, &first.party, &message.bytes).unwrap(),
            format!("early {n}").as_bytes()
        );
        assert!(
            read(&mut late.peer, &late.party, &message.bytes).is_err(),
            "the late member reads nothing early"
        );
    }
    let twice = read(&mut first.peer, &first.party, &early[0].bytes).unwrap_err();
    assert_eq!(twice.name, "DuplicatedMessage");
}

#[test]
fn we_read_what_they_write_from_when_we_came() {
    let mut theirs = Theirs::new(THEIR_NAME, 2);
    let distribution = |theirs: &mut Theirs| {
        let arguments = json!({ "party": theirs.party, "distributionId": GROUP });
        let reply = theirs.peer.call("distributionCreate", arguments);
        DistributionMessage::parse(&decode(&reply["message"])).unwrap()
    };
    let write = |theirs: &mut Theirs, text: &str| {
        let arguments = json!({ "party": theirs.party, "distributionId": GROUP, "plaintext": encode(text) });
        decode(&theirs.peer.call("groupEncrypt", arguments)["body"])
    };
    let read = |record: &mut SenderKeyRecord, message: &[u8]| {
        let outcome = record.decrypt(&SenderKeyMessage::parse(message).unwrap());
        *record = SenderKeyRecord::from_bytes(&record.to_bytes()).unwrap();
        outcome.map(|plaintext| plaintext.to_vec())
    };
    let mut member = SenderKeyRecord::new(group());
    member.process(&distribution(&mut theirs)).unwrap();
    let early: Vec<_> = (0..20).map(|n| write(&mut theirs, &format!("early {n}"))).collect();
    let mut late = SenderKeyRecord::new(group());
    late.process(&distribution(&mut theirs)).unwrap();
    let later: Vec<_> = (0..20).map(|n| write(&mut theirs, &format!("later {n}"))).collect();

    for (n, message) in later.iter().enumerate().rev() {
        assert_eq!(read(&mut member, message).unwrap(), format!("later {n}").as_bytes());
        assert_eq!(read(&mut late, message).unwrap(), format!("later {n}").as_bytes());
    }
    for (n, message) in early.iter().enumerate() {
        assert_eq!(read(&mut member, message).unwrap(), format!("early {n}").as_bytes());
        let duplicate = Err(SenderKeyError::Duplicate { iteration: u32::try_from(n).unwrap() });
        assert_eq!(read(&mut member, message), duplicate);
        assert_eq!(read(&mut late, message), duplicate, "before the late member's time");
    }
    let mut tampered = later[0].clone();
    tampered[40] ^= 1;
    assert!(read(&mut member, &tampered).is_err());
}
