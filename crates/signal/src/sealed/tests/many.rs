//! One message for many receivers, and the form in which it is sent.

use super::*;

#[test]
fn each_device_of_each_receiver_is_named_and_each_receiver_opens_its_part() {
    let scene = Scene::new();
    let content = scene.content(b"to all");
    let identities: Vec<_> = (0..4u8).map(|seed| KeyPair::generate(&mut rng(20 + seed))).collect();
    let destinations: Vec<_> = (0u8..)
        .zip(&identities)
        .map(|(account, identity)| Destination {
            service_id: if account == 2 { ServiceId::Pni([2; 16]) } else { ServiceId::Aci([account; 16]) },
            identity: identity.public,
            devices: (1..=account * 42 + 1)
                .map(|device| (DeviceId::new(device).unwrap(), RegistrationId(0x3FFF - u32::from(device))))
                .collect(),
        })
        .collect();
    let excluded = [ServiceId::Aci([0xEE; 16]), ServiceId::Pni([0xEE; 16])];
    let sent = content.seal_for_many(&scene.alice, &destinations, &excluded, &mut rng(3)).unwrap();
    let sent = SentMessage::parse(&sent).unwrap();
    assert_eq!(sent.recipients().len(), 6);
    let address = address(9, 1);
    let roots = [scene.root.public];
    for ((destination, identity), recipient) in destinations.iter().zip(&identities).zip(sent.recipients()) {
        assert_eq!(recipient.service_id, destination.service_id);
        assert_eq!(recipient.devices, destination.devices);
        let received = recipient.received().unwrap();
        let receiver = Receiver { identity, address: &address, e164: None };
        assert_eq!(open(&received, &receiver, &ServerTrust::new(&roots), NOW), Ok(content.clone()));
    }
    for (recipient, id) in sent.recipients()[4..].iter().zip(excluded) {
        assert_eq!((recipient.service_id, recipient.devices.len()), (id, 0));
        assert_eq!(recipient.received(), None);
    }
}

#[test]
fn recipients_that_cannot_be_written_are_refused() {
    let scene = Scene::new();
    let content = scene.content(b"");
    let seal = |destination: Destination, excluded: &[ServiceId]| {
        content.seal_for_many(&scene.alice, &[destination], excluded, &mut rng(3)).unwrap_err()
    };
    let destination = scene.destination();
    let service_id = destination.service_id;
    let with = |devices| Destination { devices, ..destination.clone() };
    assert_eq!(seal(with(vec![]), &[]), SealError::Devices { service_id, actual: 0 });
    let device = (DeviceId::PRIMARY, RegistrationId(0x4000));
    assert_eq!(seal(with(vec![device]), &[]), SealError::RegistrationId(RegistrationId(0x4000)));
    let device = (DeviceId::PRIMARY, RegistrationId(1));
    assert_eq!(seal(with(vec![device; 128]), &[]), SealError::Devices { service_id, actual: 128 });
    let excluded = vec![service_id; MAX_RECIPIENTS];
    assert_eq!(seal(destination.clone(), &excluded), SealError::TooManyRecipients(MAX_RECIPIENTS + 1));
}

/// A sent form with these bytes for its recipients.
fn sent(version: u8, count: &[u8], recipients: &[u8]) -> Vec<u8> {
    [&[version], count, recipients, &[7; 48]].concat()
}

#[test]
fn the_older_form_names_accounts_alone() {
    let recipients = [&[1; 16], &[3, 0xC0, 5, 4, 0, 6][..], &[0x55; 48], &[2; 16], &[0]].concat();
    let bytes = sent(0x22, &[2], &recipients);
    let message = SentMessage::parse(&bytes).unwrap();
    let [first, second] = message.recipients() else { panic!("{message:?}") };
    assert_eq!(first.service_id, ServiceId::Aci([1; 16]));
    let device = |device: u8, id| (DeviceId::new(device).unwrap(), RegistrationId(id));
    // Bit 14 of a registration id has no meaning.
    assert_eq!(first.devices, [device(3, 5), device(4, 6)]);
    assert_eq!(first.received().unwrap(), [&[0x22][..], &[0x55; 48], &[7; 48]].concat());
    assert_eq!((second.service_id, second.devices.len()), (ServiceId::Aci([2; 16]), 0));
}

#[test]
fn sent_forms_that_are_wrong_are_told_apart() {
    let parse = |bytes: &[u8]| SentMessage::parse(bytes).unwrap_err();
    assert!(SentMessage::parse(&sent(0x23, &[0], &[])).is_ok());
    assert_eq!(parse(&[]), ParseError::TooShort { actual: 0 }.into());
    assert_eq!(parse(&sent(0x11, &[0], &[])), ParseError::UnknownVersion(0x11).into());
    assert_eq!(parse(&sent(0x23, &[0], &[])[..49]), ParseError::TooShort { actual: 49 }.into());
    // More recipients are claimed than there are bytes.
    assert_eq!(parse(&sent(0x23, &[0x87, 0x27], &[])), SplitError::ServiceId);
    assert_eq!(parse(&sent(0x23, &[0x89, 0x27], &[])), SplitError::TooManyRecipients(5001));
    let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1];
    assert_eq!(parse(&sent(0x23, &huge, &[])), SplitError::TooManyRecipients(u64::MAX));
    let id = [&[0][..], &[1; 16]].concat();
    let with = |devices: &[u8]| parse(&sent(0x23, &[1], &[&id[..], devices].concat()));
    assert_eq!(with(&[128, 0, 1]), SplitError::Device(128));
    // 0 excludes a recipient only where its devices begin.
    assert_eq!(with(&[1, 0x80, 1, 0]), SplitError::Device(0));
    let many: Vec<u8> = (1..=127).chain([1]).flat_map(|device| [device, 0x80, 1]).collect();
    assert_eq!(with(&many), SplitError::TooManyDevices(ServiceId::Aci([1; 16])));
    assert_eq!(with(&[1, 0]), Malformed::Truncated.into());
    let long = sent(0x23, &[0], &vec![0; MAX_MESSAGE_LEN]);
    assert!(matches!(parse(&long), SplitError::Parse(ParseError::TooLong { .. })));
}
