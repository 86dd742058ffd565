//! Messages on their way into the tables: named, looked for, with their files stored, sealed.

use std::io;

use ::store::{Timestamp, blobs::BlobError};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::{
    Batch, CARDS, DAY, ImportError, Imports, NAMED, Report, Target, Watch,
    convert::{self, Repetitions},
    source::Inside,
    store::{self, New},
    text::{Body, Problem, Said, Speaker},
};
use crate::{
    HostError,
    chats::words,
    content::{Content, Context},
    ids::MessageId,
    messages::{Document, place_name},
    purposes::Purpose,
    sealing::{Domain, Place},
};

impl Imports {
    /// What is written of a batch, with what is stored before it: files.
    pub(super) async fn prepare(
        &self,
        into: &Target,
        report: &mut Report,
        before: &mut Repetitions,
        turns: &mut Turns,
        batch: Batch,
        watch: &dyn Watch,
    ) -> Result<Vec<New>, ImportError> {
        batch.problems.iter().for_each(|problem| note(report, watch, problem.clone()));
        let mut messages = Vec::with_capacity(batch.entries.len());
        for (entry, said) in batch.entries {
            if entry.speaker == Speaker::App {
                report.of_the_app += 1;
                continue;
            }
            let id =
                convert::name_of(&into.key, &into.number, into.customer.as_str(), &entry, &said.body, before);
            let Ok(at) = entry.at.to_zoned(into.zone.clone()) else {
                note(
                    report,
                    watch,
                    Problem { line: entry.line, reason: "there is no such time", lost: true },
                );
                continue;
            };
            let at = Timestamp(at.timestamp().as_millisecond());
            let turn = turns.of(at);
            if at < into.oldest {
                report.too_old += 1;
                continue;
            }
            tally(report, &said);
            messages.push(Message {
                id,
                line: entry.line,
                speaker: entry.speaker,
                at,
                turn,
                body: said.body,
            });
        }
        let names: Vec<_> = messages.iter().map(|message| *message.id.name()).collect();
        let there = store::present(&mut self.ground.reader().await?, into.number.id, &names).await?;
        let filed: Vec<_> = messages
            .iter()
            .filter(|message| message.file(into).is_some())
            .map(|message| message.id)
            .collect();
        let filed = self.media.with_files(&filed).await?;
        let mut new = Vec::with_capacity(messages.len());
        for message in messages {
            let present = there.contains(message.id.name());
            let complete = message.file(into).is_none() || filed.contains(&message.id);
            if present {
                report.already_there += 1;
                if complete {
                    continue;
                }
            }
            new.extend(self.seal(into, report, message, present, watch).await?);
        }
        Ok(new)
    }

    /// What is written of a message, with its file, if it has one, stored.
    async fn seal(
        &self,
        into: &Target,
        report: &mut Report,
        message: Message,
        present: bool,
        watch: &dyn Watch,
    ) -> Result<Option<New>, ImportError> {
        let (id, outbound, at, turn) = (message.id, message.speaker == Speaker::Me, message.at, message.turn);
        let content = match message.file(into) {
            Some(inside) if into.person.is_some() => self.file(into, report, &message, inside, watch).await?,
            Some(_) => {
                report.files += 1;
                None
            }
            None => {
                if into.is_zip && matches!(message.body, Body::Attached { .. }) {
                    let reason = "its file is not in the zip";
                    note(report, watch, Problem { line: message.line, reason, lost: false });
                }
                None
            }
        };
        // It was there, and its file is too large.
        if present && content.is_none() {
            return Ok(None);
        }
        let content = content.unwrap_or_else(|| convert::content(message.body));
        let words = if into.instructions.allow(Purpose::Search) {
            words::hidden(&into.key, &words::text_of(&content))
        } else {
            Vec::new()
        };
        let kind = content.kind();
        let document = Document { content, context: Context::default() };
        let plain = serde_json::to_vec(&document).map_err(HostError::internal)?;
        let place = place_name(into.number.id, id.name());
        let place = Place { domain: Domain::Message, name: &place };
        let sealed = into.key.seal(place, self.ground.random(), &plain)?.into_stored();
        Ok(Some(New { name: *id.name(), outbound, kind, at, turn, sealed, words, with_file: present }))
    }

    /// Takes a file in; what the message then says. Nothing if the file cannot be taken.
    async fn file(
        &self,
        into: &Target,
        report: &mut Report,
        message: &Message,
        inside: Inside,
        watch: &dyn Watch,
    ) -> Result<Option<Content>, ImportError> {
        let Body::Attached { name, caption } = &message.body else { return Ok(None) };
        let limit = self.ground.config.files.limit;
        if inside.size > limit || inside.size == 0 {
            let reason =
                if inside.size == 0 { "its file is empty" } else { "its file is larger than any is taken" };
            note(report, watch, Problem { line: message.line, reason, lost: false });
            return Ok(None);
        }
        let mut bytes = into.reading.open(inside).await;
        let Some(Ok(first)) = bytes.recv().await else {
            note(report, watch, message.damaged());
            return Ok(None);
        };
        let mime = convert::type_of(name, &first);
        if mime == "text/vcard" && inside.size <= CARDS {
            let mut whole = first.to_vec();
            while let Some(Ok(more)) = bytes.recv().await {
                whole.extend_from_slice(&more);
            }
            return Ok(Some(convert::cards(name, &whole)));
        }
        let kept = DAY * into.instructions.kept_days();
        let rest = stream::poll_fn(move |context| bytes.poll_recv(context));
        let whole = stream::iter([Ok::<Bytes, io::Error>(first)]).chain(rest);
        let expires = message.at.after(kept);
        let taken =
            self.media.take_imported(&into.access, &into.number, message.id, (mime, name), expires, whole);
        let (id, sha256) = match taken.await {
            Ok(taken) => taken,
            Err(HostError::Blob(error)) if matches!(*error, BlobError::Interrupted(_)) => {
                note(report, watch, message.damaged());
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        report.files += 1;
        let stored = convert::Stored { id, mime_type: mime, sha256 };
        Ok(Some(convert::with_file(name, caption, Some(stored))))
    }
}

/// A message on its way.
struct Message {
    id: MessageId,
    line: u64,
    speaker: Speaker,
    at: Timestamp,
    turn: u16,
    body: Body,
}

impl Message {
    const fn damaged(&self) -> Problem {
        Problem { line: self.line, reason: "its file is damaged in the zip", lost: false }
    }

    /// Its file, if it is beside the text.
    fn file(&self, into: &Target) -> Option<Inside> {
        match &self.body {
            Body::Attached { name, .. } => into.files.get(name).copied(),
            _ => None,
        }
    }
}

/// The places of messages among those of their second.
#[derive(Default)]
pub(super) struct Turns {
    at: Option<Timestamp>,
    next: u16,
}

impl Turns {
    fn of(&mut self, at: Timestamp) -> u16 {
        if self.at != Some(at) {
            (self.at, self.next) = (Some(at), 0);
        }
        let turn = self.next;
        self.next = self.next.saturating_add(1);
        turn
    }
}

fn note(report: &mut Report, watch: &dyn Watch, problem: Problem) {
    watch.problem(&problem);
    report.problems += 1;
    if report.problem_lines.len() < NAMED {
        report.problem_lines.push(problem);
    }
}

fn tally(report: &mut Report, said: &Said) {
    report.edited += u64::from(said.edited);
    match &said.body {
        Body::Omitted(_) => report.files_left_out += 1,
        Body::Deleted => report.deleted += 1,
        Body::Poll(_) => report.polls += 1,
        _ => {}
    }
}
