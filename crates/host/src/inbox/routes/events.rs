//! What happens, as Server-Sent Events.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{StatusCode, header};
use serve::Peer;
use zeroize::Zeroizing;

use crate::{
    agents::Agents,
    console::{Console, Kind, May, Outcome, Refused, Signed, sees_chats},
    inbox::{Event, Stream},
};

/// How often something is said, so that nobody between takes the connection for dead; and how often it is looked whether the
/// session is still good.
const BEAT: Duration = Duration::from_secs(15);
/// Streams of one session at once.
const MOST: usize = 4;

/// How many streams sessions have open.
#[derive(Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// One of them.
struct Place {
    streams: Arc<Mutex<HashMap<String, usize>>>,
    session: String,
}

impl Streams {
    fn take(&self, session: &str) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(session.to_owned()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Place { streams: self.0.clone(), session: session.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.session) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.session);
            }
        }
    }
}

/// A stream under way.
struct Under {
    agents: Arc<Agents>,
    secret: Arc<Zeroizing<String>>,
    sees_chats: bool,
    stream: Stream,
    closing: tokio_util::sync::CancellationToken,
    sending: Option<serve::Sending>,
    beat: tokio::time::Interval,
    ended: bool,
    greeted: bool,
    _place: Place,
}

pub(crate) async fn events(
    console: Arc<Console>,
    may: May<Signed>,
    _: Vec<String>,
    request: Request,
) -> Outcome {
    let place = console.streams.take(&may.session().id);
    let place = place.ok_or_else(|| Refused::new(Kind::RateLimited, "a session has at most 4 streams"))?;
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    beat.reset();
    let under = Under {
        agents: console.agents.clone(),
        secret: may.secret(),
        sees_chats: sees_chats(may.session().role),
        stream: console.inbox.live().stream(may.business().id, last),
        closing: console.ground.closing.clone(),
        sending: request.extensions().get::<Peer>().cloned().map(Peer::sending),
        beat,
        ended: false,
        greeted: false,
        _place: place,
    };
    let pieces = stream::unfold(under, async |mut under| {
        let piece = under.next().await?;
        if let Some(sending) = &under.sending {
            sending.moves();
        }
        Some((Ok::<_, Infallible>(piece), under))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // A proxy that holds it back would make it worth nothing.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let response: Response = (StatusCode::OK, headers, Body::from_stream(pieces.fuse())).into_response();
    Ok(response)
}

impl Under {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            // From here on, what happens is heard: a page reads then.
            return Some(Bytes::from(format!("retry: 2000\nid: {}\n\n", self.stream.id())));
        }
        loop {
            tokio::select! {
                () = self.closing.cancelled() => return None,
                _ = self.beat.tick() => {
                    return match self.agents.lasts(&self.secret).await {
                        Ok(false) => {
                            self.ended = true;
                            Some(written(&self.stream.id(), &Event::Ended {}))
                        }
                        // Whoever cannot be looked up just now is looked up again.
                        Ok(true) | Err(_) => Some(Bytes::from_static(b": beat\n\n")),
                    };
                }
                (id, event) = self.stream.next() => {
                    if self.sees_chats || !event.is_of_chats() {
                        return Some(written(&id, &event));
                    }
                }
            }
        }
    }
}

fn written(id: &str, event: &Event) -> Bytes {
    let data = serde_json::to_string(event).unwrap_or_default();
    Bytes::from(format!("id: {id}\nevent: {}\ndata: {data}\n\n", event.name()))
}
