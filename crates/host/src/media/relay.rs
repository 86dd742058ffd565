//! Files to the relay and from it.

use std::{io, time::Duration};

use ::store::{
    Timestamp,
    blobs::{BlobId, Blobs},
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use client::{Blob, MediaKind, Sink, Source};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{
    Media, RECEIVED, chunks,
    kinds::{self, is_type},
    store::{self, Row},
};
use crate::{
    HostError,
    content::{Content, File},
    ids::{MediaId, MessageId},
    messages::{Files, files_mut, uses_mut},
    numbers::{Number, running::Live},
    purposes::{Access, Purpose, Subject, SubjectKind},
    sealing::{Domain, Place, Sealed},
};

/// How long a file stays good at the relay: less than the 30 days for which the relay keeps it.
const AT_RELAY: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A file that a person sent.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) id: MediaId,
    /// None if it could not be had any more.
    pub(crate) sha256: Option<String>,
}

fn relay_name(id: MediaId) -> Vec<u8> {
    [&id.get().to_be_bytes()[..], b"relay"].concat()
}

impl Media {
    /// The files of a content, as they are at the relay.
    pub(crate) async fn at_relay(&self, number: &Number, content: &mut Content) -> Result<Files, HostError> {
        let ids: Vec<_> = files_mut(content).into_iter().filter_map(|file| file.id).collect();
        let mut files = Files::new();
        if ids.is_empty() {
            return Ok(files);
        }
        let access = Access::by("sending", number.business, Purpose::Deliver);
        for row in store::by_ids(&mut self.ground.reader().await?, &ids).await? {
            if row.business != number.business {
                continue;
            }
            let Some(relay) = &row.relay else { continue };
            let subject = Subject { kind: SubjectKind::Media, names: vec![row.id.to_string()] };
            let (name, sealed) = (relay_name(row.id), Sealed::from_stored(relay.clone()));
            let place = Place { domain: Domain::Media, name: &name };
            let opened = self.gate.open(&access, subject, &[(place, &sealed)]).await?.pop();
            let opened = opened.ok_or_else(|| HostError::internal("nothing was opened"))?;
            let media: client::Media = serde_json::from_slice(&opened).map_err(HostError::internal)?;
            files.insert(row.id, media);
        }
        Ok(files)
    }

    /// Brings the files of a content to the relay: fetches those that are addresses, uploads those that are not there.
    pub(crate) async fn bring(&self, live: &Live, content: &mut Content) -> Result<(), HostError> {
        for (kind, file) in uses_mut(content) {
            let id = match (file.id, &file.link) {
                (Some(id), _) => id,
                (None, Some(link)) => {
                    let id = self.linked(&live.number, link).await?;
                    file.id = Some(id);
                    id
                }
                (None, None) => return Err(HostError::NotFound("file")),
            };
            self.upload(live, id, (kind, file)).await?;
        }
        Ok(())
    }

    /// Refuses a content that shows a file as what it is not. What is not known here is left to be found out.
    pub(crate) async fn fit(&self, number: &Number, content: &mut Content) -> Result<(), HostError> {
        let uses = uses_mut(content).into_iter().filter_map(|(kind, file)| Some((kind, file.id?)));
        let uses: Vec<(MediaKind, MediaId)> = uses.collect();
        if uses.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = uses.iter().map(|(_, id)| *id).collect();
        let rows = store::by_ids(&mut self.ground.reader().await?, &ids).await?;
        for (kind, id) in uses {
            let found = rows.iter().find(|row| row.id == id && row.business == number.business);
            if let Some(row) = found.filter(|row| row.expires > self.ground.now()) {
                self.fits(row, kind).await?;
            }
        }
        Ok(())
    }

    /// Refuses a file as this; whether it is a sticker that moves.
    async fn fits(&self, row: &Row, kind: MediaKind) -> Result<bool, HostError> {
        // First by its type, which is known: for the rest it is opened.
        let size = row.size.cast_unsigned();
        kinds::fits(kind, &row.mime_type, size, true)?;
        if kind != MediaKind::Sticker {
            return Ok(false);
        }
        let access = Access::by("sending", row.business, Purpose::Deliver);
        let head = self.stored(&access, row).await?.read_at(0, kinds::HEAD).await;
        let animated = kinds::is_animated(&head.map_err(HostError::internal)?);
        kinds::fits(kind, &row.mime_type, size, animated)?;
        Ok(animated)
    }

    /// A file of ours, to be read in any place.
    async fn stored(&self, access: &Access, row: &Row) -> Result<Stored, HostError> {
        let secret = self.secret(access, row).await?;
        Ok(Stored {
            blobs: self.ground.blobs.clone(),
            blob: row.blob.parse()?,
            key: Zeroizing::new(secret.key),
            size: row.size.cast_unsigned(),
        })
    }

    async fn upload(
        &self,
        live: &Live,
        id: MediaId,
        (kind, file): (MediaKind, &mut File),
    ) -> Result<(), HostError> {
        let row = self.row(id).await?;
        if row.business != live.number.business {
            return Err(HostError::NotFound("file"));
        }
        file.animated = self.fits(&row, kind).await?;
        file.mime_type = Some(row.mime_type.clone());
        if row.relay.is_some() && row.relay_until.is_some_and(|until| until > self.ground.now()) {
            return Ok(());
        }
        let access = Access::by("sending", row.business, Purpose::Deliver);
        let secret = self.secret(&access, &row).await?;
        let mut source = Stored {
            blobs: self.ground.blobs.clone(),
            blob: row.blob.parse()?,
            key: Zeroizing::new(secret.key),
            size: row.size.cast_unsigned(),
        };
        let blob = live.device.upload(&mut source, None).await?;
        let media = client::Media {
            kind: MediaKind::File,
            blob,
            content_type: row.mime_type.clone(),
            file_name: secret.filename.clone().unwrap_or_default(),
            caption: String::new(),
            width: 0,
            height: 0,
            duration: 0,
            thumbnail: wire::Base64(Vec::new()),
            animated: false,
        };
        let plain = Zeroizing::new(serde_json::to_vec(&media).map_err(HostError::internal)?);
        let name = relay_name(id);
        let place = Place { domain: Domain::Media, name: &name };
        let sealed = self.gate.seal(row.business, place, &plain).await?.into_stored();
        let until = self.ground.now().after(AT_RELAY);
        let written = self.ground.write(row.number.get(), move |transaction| {
            let sealed = sealed.clone();
            Box::pin(async move { Ok(store::set_relay(transaction, id, &sealed, until).await?) })
        });
        written.await
    }

    /// Takes in a file that a person sent. The same message's again is the one that is there.
    pub(crate) async fn take_in(
        &self,
        live: &Live,
        message: MessageId,
        media: &client::Media,
    ) -> Result<Fetched, HostError> {
        let id = received_id(message);
        if let Some(row) = store::by_ids(&mut self.ground.reader().await?, &[id]).await?.pop() {
            let access = Access::by("receiving", row.business, Purpose::Deliver);
            let secret = self.secret(&access, &row).await?;
            return Ok(Fetched { id, sha256: Some(secret.sha256.clone()) });
        }
        let limit = self.ground.config.files.limit;
        if media.blob.size > limit {
            return Ok(Fetched { id, sha256: None });
        }
        let number = live.number.clone();
        let days = self.gate.instructions(number.business).await?.store_days.unwrap_or(0);
        let kept = RECEIVED.max(Duration::from_secs(u64::from(days) * 24 * 60 * 60));
        let expires: Timestamp = self.ground.now().after(kept);
        let (to, mut from) = mpsc::channel::<Result<Bytes, io::Error>>(4);
        // What people say of a file is theirs; what stands in a header has to be a type.
        let mime_type =
            if is_type(&media.content_type) { &*media.content_type } else { "application/octet-stream" };
        let arriving = futures_util::stream::poll_fn(move |context| from.poll_recv(context));
        let name = Some(media.file_name.clone()).filter(|name| !name.is_empty());
        let storing = self.store(&number, id, mime_type, name, limit, expires, arriving);
        let mut sink = Arriving { to: Some(to) };
        let blob: &Blob = &media.blob;
        let (fetched, stored) = tokio::join!(
            async {
                let fetched = live.device.download(blob, &mut sink, None).await;
                // The stream ends with it.
                drop(sink);
                fetched
            },
            storing
        );
        match fetched {
            Ok(()) => match stored {
                Ok(sha256) => Ok(Fetched { id, sha256: Some(sha256) }),
                // There is no room for it: the message comes all the same.
                Err(HostError::Refused(refusal)) => {
                    tracing::warn!(%refusal, "a file of a person was not kept");
                    Ok(Fetched { id, sha256: None })
                }
                Err(error) => Err(error),
            },
            Err(error @ (client::Error::Link(_) | client::Error::Wait { .. })) => Err(error.into()),
            Err(error) => {
                tracing::info!(%error, "a file of a person could not be had");
                Ok(Fetched { id, sha256: None })
            }
        }
    }
}

/// The id of a message's file: always the same.
pub(super) fn received_id(message: MessageId) -> MediaId {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(message.name().iter().skip(8)).for_each(|(to, from)| *to = *from);
    MediaId::from_name(u64::from_be_bytes(bytes))
}

/// A file of ours, to be read in any place.
struct Stored {
    blobs: Blobs,
    blob: BlobId,
    key: Zeroizing<[u8; 32]>,
    size: u64,
}

#[async_trait]
impl Source for Stored {
    async fn size(&mut self) -> io::Result<u64> {
        Ok(self.size)
    }

    async fn read_at(&mut self, offset: u64, len: usize) -> io::Result<Bytes> {
        let end = self.size.min(offset.saturating_add(len as u64));
        let (chunk, sealed) = (chunks::CHUNK as u64, chunks::SEALED as u64);
        let count = chunks::count(self.size);
        let mut read = BytesMut::new();
        let mut at = offset;
        while at < end {
            let index = at / chunk;
            let from = index * sealed;
            let to = from + chunks::sealed_len(self.size, index) as u64;
            let mut bytes = BytesMut::new();
            let mut stream = self.blobs.get(self.blob, from..to).await.map_err(io::Error::other)?;
            while let Some(more) = stream.next().await {
                bytes.extend_from_slice(&more.map_err(io::Error::other)?);
            }
            let opened =
                chunks::open(&self.key, index, index + 1 == count, &bytes).map_err(io::Error::other)?;
            let begin = usize::try_from(at - index * chunk).map_err(io::Error::other)?;
            let stop = opened.len().min(usize::try_from(end - index * chunk).map_err(io::Error::other)?);
            read.extend_from_slice(opened.get(begin..stop).ok_or(io::ErrorKind::UnexpectedEof)?);
            at = index * chunk + stop as u64;
        }
        Ok(read.freeze())
    }
}

/// A file that arrives, on its way into the store.
struct Arriving {
    to: Option<mpsc::Sender<Result<Bytes, io::Error>>>,
}

#[async_trait]
impl Sink for Arriving {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let to = self.to.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        to.send(Ok(Bytes::copy_from_slice(bytes))).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.to = None;
        Ok(())
    }

    async fn abort(&mut self) -> io::Result<()> {
        if let Some(to) = self.to.take() {
            // Then nothing of it is kept.
            let _ = to.send(Err(io::ErrorKind::ConnectionAborted.into())).await;
        }
        Ok(())
    }
}
