//! Files that come in pieces, on both engines.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use host::{
    HostError,
    ids::BusinessId,
    sealing::{Keys, MasterKey},
    uploads::Uploads,
};
use store::blobs::BlobError;

use crate::stage::on_both;

type Piece = Result<Bytes, HostError>;

fn pieces(bytes: &[u8]) -> Vec<Piece> {
    bytes.chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

fn broken() -> Piece {
    Err(BlobError::Interrupted(io::Error::from(io::ErrorKind::ConnectionReset).into()).into())
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke_off_and_only_its_business_can_use_it() {
    on_both(async |stage| {
        let ground = stage.ground.clone();
        let keys = Keys::new(ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
        let (own, other) = (BusinessId::random(&*ground.entropy), BusinessId::random(&*ground.entropy));
        keys.create(own).await.unwrap();
        let uploads = Uploads::new(ground.clone(), keys);
        let file = [&b"%PDF-1.7\n"[..], &b"a long document ".repeat(160_000)].concat();
        for (kind, size) in [("text/html", 10), ("image/png", 0), ("image/png", 6 << 20)] {
            let outcome = uploads.begin(own, kind, size).await;
            assert!(matches!(outcome, Err(HostError::Invalid { .. })), "{kind} {size}");
        }
        let begun = uploads.begin(own, "application/PDF", file.len() as u64).await.unwrap();
        assert_eq!((begun.handle(), begun.received), (None, 0));

        // The connection breaks: what came is here.
        let mut first = pieces(&file[..1_500_000]);
        first.push(broken());
        assert!(uploads.append(begun.id, 0, stream::iter(first)).await.is_err());
        let there = uploads.get(begun.id).await.unwrap();
        assert_eq!(there.received, 1_500_000);
        for wrong in [0, 1_499_999, 1_500_001, u64::MAX] {
            let outcome = uploads.append(begun.id, wrong, stream::iter(pieces(b"x"))).await;
            assert!(matches!(outcome, Err(HostError::Refused(_))), "{wrong}");
        }
        let too_much = pieces(&[&file[1_500_000..], b"more"].concat());
        assert!(uploads.append(begun.id, 1_500_000, stream::iter(too_much)).await.is_err());
        let there = uploads.get(begun.id).await.unwrap();
        let rest = pieces(&file[usize::try_from(there.received).unwrap()..]);
        let whole = uploads.append(begun.id, there.received, stream::iter(rest)).await.unwrap();
        let handle = whole.handle().unwrap();
        assert_eq!(uploads.open(&whole).await.unwrap(), file);

        assert_eq!(uploads.of_handle(own, &handle).await.unwrap(), whole);
        assert_eq!(uploads.of_handle(own, &format!("{handle}\n4::x:y")).await.unwrap(), whole);
        for bad in [handle.replace("4::", "4::AA"), String::new(), "4::".to_owned(), handle[..20].to_owned()]
        {
            assert!(matches!(uploads.of_handle(own, &bad).await, Err(HostError::NotFound(_))), "{bad}");
        }
        assert!(matches!(uploads.of_handle(other, &handle).await, Err(HostError::NotFound(_))));

        // Something else than it says: nothing of it stays.
        let lie = uploads.begin(own, "image/png", 4).await.unwrap();
        assert!(uploads.append(lie.id, 0, stream::iter(pieces(b"%PDF"))).await.is_err());
        assert!(matches!(uploads.get(lie.id).await, Err(HostError::NotFound(_))));
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_over_goes_and_there_are_not_too_many_at_once() {
    on_both(async |stage| {
        let ground = stage.ground.clone();
        let keys = Keys::new(ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
        let own = BusinessId::random(&*ground.entropy);
        keys.create(own).await.unwrap();
        let uploads = Uploads::new(ground.clone(), keys);
        let mut last = None;
        for _ in 0..100 {
            last = Some(uploads.begin(own, "image/png", 1000).await.unwrap());
        }
        let more = uploads.begin(own, "image/png", 1000).await;
        assert!(matches!(more, Err(HostError::Wait { .. })), "{more:?}");
        let last = last.unwrap();
        uploads.append(last.id, 0, stream::iter(pieces(b"\x89PNG"))).await.unwrap();
        stage.clock.advance(Duration::from_secs(25 * 60 * 60));
        assert!(matches!(uploads.get(last.id).await, Err(HostError::NotFound(_))));
        // The business was never written down: all of it belongs to nobody.
        uploads.sweep().await.unwrap();
        uploads.begin(own, "image/png", 1000).await.unwrap();
        stage.writer.close().await;
    })
    .await;
}
