//! Files to and from the relay.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wire::{
    Base64, ErrorCode,
    api::{BeginBlob, BlobBegun},
};
use zeroize::Zeroizing;

use super::Device;
use crate::{
    Blob, Error, LinkError, Progress, Sink, Source,
    content::{blob_from_wire, blob_to_wire},
    link::{HttpResponse, relay::NOTHING},
    media::chunks::{Chunks, SEALED},
};

/// Chunks in one piece of an upload: 4 MiB.
const PIECE: u64 = 64;
/// Tries without any progress before a transfer is given up.
const TRIES: u32 = 6;
/// Milliseconds before the second try; doubled with each.
const PAUSE: u64 = 500;

impl Device {
    /// Encrypts a file and uploads it. After a lost connection it goes on where the relay has it. What it gives belongs in a
    /// [`Media`](crate::Media).
    ///
    /// # Errors
    /// [`Error::Refused`] with the code `too_large`; [`Error::Link`] when trying again was of no use; [`Error::Medium`].
    pub async fn upload(
        &self,
        source: &mut dyn Source,
        progress: Option<&dyn Progress>,
    ) -> Result<Blob, Error> {
        let size = source.size().await?;
        let chunks = Chunks::new(size);
        let total = chunks.sealed_size();
        let mut key = Zeroizing::new([0; 32]);
        self.rng().await?.fill_bytes(&mut *key);
        let begun: BlobBegun =
            self.relay().ask("POST", "/v1/blobs", Some(&BeginBlob { size: total })).await?;
        let path = format!("/v1/blobs/{}", begun.id);
        let (mut digest, mut digested) = (Sha256::new(), 0);
        let (mut offset, mut tries) = (0, 0);
        while offset < total {
            // The relay may have kept only a part of a chunk.
            let first = offset / SEALED as u64;
            let mut piece = Vec::new();
            for index in first..chunks.count().min(first + PIECE) {
                let from = index * crate::media::chunks::CHUNK as u64;
                let chunk = source.read_at(from, chunks.len(index)).await?;
                if chunk.len() != chunks.len(index) {
                    return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
                }
                let sealed = chunks.seal(&key, index, &chunk)?;
                if index * SEALED as u64 == digested {
                    digest.update(&sealed);
                    digested += sealed.len() as u64;
                }
                piece.extend_from_slice(&sealed);
            }
            let skip = usize::try_from(offset % SEALED as u64).unwrap_or_default();
            let piece = Bytes::from(piece).slice(skip..);
            let before = offset;
            let end = offset + piece.len() as u64;
            let headers = vec![
                ("upload-offset", offset.to_string()),
                ("content-type", "application/octet-stream".to_owned()),
            ];
            offset = match self.relay().send("PATCH", path.clone(), headers, piece).await {
                Ok(response) => number(&response, "upload-offset").unwrap_or(end),
                Err(error) => self.upload_again(&path, error, &mut tries).await?,
            };
            if offset > end {
                return Err(Error::Answer("more is there than was sent"));
            }
            if offset > before {
                tries = 0;
            }
            if let Some(progress) = progress {
                progress.at(offset.min(total), total);
            }
        }
        let blob = Blob {
            id: begun.id,
            key: Base64(key.to_vec()),
            digest: Base64(digest.finalize().to_vec()),
            size,
        };
        // A reader would refuse it otherwise.
        blob_from_wire(&blob_to_wire(&blob)).ok_or(Error::Answer("the id of a blob is not one"))
    }

    /// After a failure: where to go on.
    async fn upload_again(&self, path: &str, error: Error, tries: &mut u32) -> Result<u64, Error> {
        if error.code() == Some(ErrorCode::WrongOffset)
            && let Error::Refused(detail) = &error
            && let Some(offset) = detail.offset
        {
            self.pause(tries, &error).await?;
            return Ok(offset);
        }
        let mut error = error;
        loop {
            self.pause(tries, &error).await?;
            match self.relay().send("HEAD", path.to_owned(), Vec::new(), Bytes::new()).await {
                Ok(response) => {
                    return number(&response, "upload-offset").ok_or(Error::Answer("no offset"));
                }
                Err(next) => error = next,
            }
        }
    }

    /// Waits before another try, if there may be one.
    async fn pause(&self, tries: &mut u32, error: &Error) -> Result<(), Error> {
        *tries += 1;
        let wait = match error {
            Error::Wait { retry_after_ms } => *retry_after_ms,
            Error::Link(LinkError::Unauthorized) => return Err(LinkError::Unauthorized.into()),
            Error::Link(_) => PAUSE << (*tries).min(7),
            // In conflict it is with what this device sent before, of which the relay has not seen that it broke off.
            Error::Refused(detail)
                if matches!(
                    detail.code,
                    ErrorCode::WrongOffset | ErrorCode::Conflict | ErrorCode::Internal
                ) =>
            {
                PAUSE << (*tries).min(7)
            }
            Error::Refused(detail) => return Err(Error::Refused(detail.clone())),
            _ => return Err(Error::Answer("the transfer makes no sense")),
        };
        if *tries > TRIES {
            return Err(match error {
                Error::Link(error) => error.clone().into(),
                Error::Wait { retry_after_ms } => Error::Wait { retry_after_ms: *retry_after_ms },
                Error::Refused(detail) => Error::Refused(detail.clone()),
                _ => LinkError::TimedOut.into(),
            });
        }
        self.0.clock.sleep(Duration::from_millis(wait)).await;
        Ok(())
    }

    /// Downloads a file and decrypts it. After a lost connection it goes on where it was. The sink is finished only when
    /// everything is right, and emptied otherwise.
    ///
    /// # Errors
    /// [`Error::Tampered`]; [`Error::Refused`] with `not_found` once it has expired; [`Error::Link`]; [`Error::Medium`].
    pub async fn download(
        &self,
        blob: &Blob,
        sink: &mut dyn Sink,
        progress: Option<&dyn Progress>,
    ) -> Result<(), Error> {
        let outcome = self.fetch_blob(blob, sink, progress).await;
        match outcome {
            Ok(()) => sink.finish().await.map_err(Error::from),
            Err(error) => {
                // The first error is the one to tell.
                let _ = sink.abort().await;
                Err(error)
            }
        }
    }

    async fn fetch_blob(
        &self,
        blob: &Blob,
        sink: &mut dyn Sink,
        progress: Option<&dyn Progress>,
    ) -> Result<(), Error> {
        let blob =
            blob_from_wire(&blob_to_wire(blob)).ok_or(Error::Invalid("this is no pointer to a file"))?;
        let key: Zeroizing<[u8; 32]> =
            Zeroizing::new(blob.key.0[..].try_into().map_err(|_| Error::Invalid("this is no key"))?);
        let chunks = Chunks::new(blob.size);
        let total = chunks.sealed_size();
        let path = format!("/v1/blobs/{}", blob.id);
        let (mut digest, mut waiting) = (Sha256::new(), Vec::with_capacity(2 * SEALED));
        let (mut index, mut received, mut tries) = (0, 0_u64, 0);
        while received < total {
            let headers = match received {
                0 => Vec::new(),
                from => vec![("range", format!("bytes={from}-"))],
            };
            let response = self.relay().send("GET", path.clone(), headers, Bytes::new()).await;
            let mut response = match response {
                Ok(response) => response,
                Err(error) => {
                    self.pause(&mut tries, &error).await?;
                    continue;
                }
            };
            // Whoever ignores the range begins again.
            let mut skip = if response.status == 206 { 0 } else { received };
            let error = loop {
                let piece = match response.body.next().await {
                    Ok(Some(piece)) => piece,
                    Ok(None) => break LinkError::Closed(None),
                    Err(error) => break error,
                };
                let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
                skip -= skipped as u64;
                let piece = piece.slice(skipped..);
                received += piece.len() as u64;
                if received > total {
                    return Err(Error::Tampered);
                }
                digest.update(&piece);
                waiting.extend_from_slice(&piece);
                while index < chunks.count() {
                    let len = chunks.len(index) + crate::cipher::TAG;
                    let Some(sealed) = waiting.get(..len) else { break };
                    let chunk = chunks.open(&key, index, sealed)?;
                    sink.write(&chunk).await?;
                    waiting.drain(..len);
                    index += 1;
                }
                if !piece.is_empty() {
                    tries = 0;
                }
                if let Some(progress) = progress {
                    progress.at(received, total);
                }
            };
            if received < total {
                self.pause(&mut tries, &error.into()).await?;
            }
        }
        if digest.finalize()[..] == blob.digest.0[..] { Ok(()) } else { Err(Error::Tampered) }
    }

    /// Deletes a file at the relay that this device uploaded.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Link`].
    pub async fn delete_blob(&self, id: &str) -> Result<(), Error> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || !id.bytes().all(good) {
            return Err(Error::Invalid("this is no id of a file"));
        }
        self.relay().tell("DELETE", format!("/v1/blobs/{id}"), NOTHING).await
    }
}

fn number(response: &HttpResponse, header: &str) -> Option<u64> {
    response.header(header)?.parse().ok()
}
