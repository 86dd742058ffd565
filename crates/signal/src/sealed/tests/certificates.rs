//! Certificates: issued, changed on the way, and as others may write them.

use keys::KeyError;

use super::*;
use crate::protobuf::Writer;

/// As others may write it: the server by number, the sender by UUID.
fn certificate(scene: &Scene, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::with_capacity(0);
    writer.uint(2, 3u32);
    writer.fixed64(3, EXPIRES.0);
    writer.bytes(4, &scene.alice.public.to_bytes());
    write(&mut writer);
    let certificate = writer.finish();
    let signature = scene.server.private.sign(&certificate, &mut rng(4));
    let mut writer = Writer::with_capacity(0);
    writer.bytes(1, &certificate);
    writer.bytes(2, signature.as_bytes());
    writer.finish()
}

#[test]
fn a_server_named_by_number_is_looked_up_among_those_that_are_known() {
    let scene = Scene::new();
    let bytes = certificate(&scene, |writer| {
        writer.bytes(7, &[1; 16]);
        writer.uint(8, 5u32);
    });
    let certificate = SenderCertificate::parse(&bytes).unwrap();
    assert_eq!(certificate.sender().address, address(1, 3));
    let message = scene.content(b"").message().clone();
    let content = Content::new(certificate, message, ContentHint::Default, None);
    let roots = [scene.root.public];
    let trust = ServerTrust::new(&roots);
    let issue =
        |id| ServerCertificate::issue(ServerKeyId(id), scene.server.public, &scene.root.private, &mut rng(5));
    let unsigned =
        ServerCertificate::issue(ServerKeyId(5), scene.server.public, &scene.alice.private, &mut rng(5));
    let unknown = OpenError::Certificate(CertificateError::UnknownServer(ServerKeyId(5)));
    for (known, expected) in [
        (vec![], Err(unknown)),
        (vec![issue(4)], Err(unknown)),
        (vec![issue(4), issue(5)], Ok(())),
        (vec![unsigned], Err(CertificateError::UntrustedServer.into())),
    ] {
        for sealed in scene.sealed(&content) {
            let trust = ServerTrust { known_servers: &known, ..trust };
            assert_eq!(open(&sealed, &scene.receiver(), &trust, NOW).map(drop), expected);
        }
    }
}

#[test]
fn a_service_id_is_spelled_in_one_way_whichever_the_certificate_chose() {
    let scene = Scene::new();
    let id = ServiceId::Aci([0xAB; 16]).to_string();
    for name in [id.clone(), id.to_uppercase()] {
        let bytes = certificate(&scene, |writer| {
            writer.bytes(6, name.as_bytes());
            writer.uint(8, 2u32);
        });
        assert_eq!(SenderCertificate::parse(&bytes).unwrap().sender().address.name(), id);
    }
}

#[test]
fn certificates_with_parts_missing_or_wrong_are_told_apart() {
    let scene = Scene::new();
    let parse =
        |write: &dyn Fn(&mut Writer)| SenderCertificate::parse(&certificate(&scene, write)).unwrap_err();
    assert_eq!(parse(&|writer| writer.uint(8, 5u32)), Malformed::Missing { field: 6 }.into());
    assert_eq!(parse(&|writer| writer.bytes(6, b"x")), Malformed::Missing { field: 5 }.into());
    assert_eq!(parse(&|writer| writer.bytes(6, &[0xFF])), Malformed::Text { field: 6 }.into());
    assert_eq!(parse(&|writer| writer.bytes(7, &[1; 17])), Malformed::Length { field: 7 }.into());
    assert_eq!(
        parse(&|writer| {
            writer.bytes(6, b"x");
            writer.uint(2, 128u32);
        }),
        Malformed::OutOfRange { field: 2 }.into()
    );
    assert_eq!(parse(&|writer| writer.uint(3, 5u32)), Malformed::WireType { field: 3 }.into());
    let low_order = KeyError::LowOrder;
    assert_eq!(
        parse(&|writer| writer.bytes(4, &[&[5][..], &[0; 32]].concat())),
        Malformed::Key { field: 4, source: low_order }.into()
    );
    let actual = MAX_MESSAGE_LEN + 1;
    assert_eq!(SenderCertificate::parse(&vec![0; actual]), Err(ParseError::TooLong { actual }));
    assert_eq!(ServerCertificate::parse(&vec![0; actual]), Err(ParseError::TooLong { actual }));
}

#[test]
fn certificates_are_issued_only_with_the_key_that_they_are_checked_with() {
    let scene = Scene::new();
    let certificate = scene.issuer.certificate().clone();
    let result = CertificateIssuer::new(certificate, scene.root.private.clone());
    assert_eq!(result.unwrap_err(), CertificateError::OtherKey);
}

#[test]
fn a_certificate_with_any_bit_changed_is_not_believed() {
    let scene = Scene::new();
    let roots = [scene.root.public];
    let good = scene.certificate().as_bytes().to_vec();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(certificate) = SenderCertificate::parse(&bytes) {
            assert!(certificate.validate(&ServerTrust::new(&roots), NOW).is_err(), "bit {bit}");
        }
    }
}
