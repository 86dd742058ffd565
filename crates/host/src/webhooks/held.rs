//! One callback, held by this process: what is due there, in order and as fast as it answers.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use ::store::Timestamp;
use reqwest::{StatusCode, Url};
use tokio::{
    sync::Notify,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    Secret, Webhooks,
    caller::{Answer, Trouble},
    load::{Load, Loaded, Ready},
    store::{self, Callback, Done, Due, Next},
};
use crate::HostError;

/// With so many events ready to be sent no more are read, and with so many whose outcome is not committed.
const READY: usize = 128;
const TAKEN: usize = 1024;
/// Refusals in a row after which a callback counts as down.
const REFUSALS: u32 = 8;
/// How long a callback is kept when nothing is due any more, since what comes next is often near.
const LINGER: Duration = Duration::from_millis(250);
/// How long to wait when the database or a key cannot be had.
const PAUSE: Duration = Duration::from_secs(1);

/// A request that ended.
struct Ended {
    due: Due,
    at: Timestamp,
    millis: i64,
    answer: Result<Answer, Trouble>,
}

/// Why the holding ends.
enum End {
    /// Nothing is due, or the host closes.
    Idle,
    /// It is left alone until this.
    Down(Timestamp),
    /// Another process has it, or it has another address.
    Lost,
}

pub(super) struct Held {
    webhooks: Arc<Webhooks>,
    callback: Callback,
    token: [u8; 16],
    until: Timestamp,
    url: Url,
    secret: Arc<Secret>,
    /// Requests at the same time: one for a callback that was down, more with each success.
    window: usize,
    refusals: u32,
    was_down: bool,
    ready: VecDeque<Ready>,
    /// What is ready, on its way, or not yet written down.
    taken: BTreeSet<i64>,
    /// Whom requests on their way concern.
    busy: BTreeSet<String>,
    running: JoinSet<Ended>,
    /// Reading what is due, one at a time, beside the requests.
    loading: JoinSet<Result<Loaded, HostError>>,
    /// What became of requests and is not on its way to the database yet.
    outcomes: Vec<Done>,
    /// Committing outcomes, one at a time, beside the requests; which events those were.
    writing: JoinSet<Result<Vec<i64>, HostError>>,
}

impl Held {
    pub(super) async fn run(
        webhooks: Arc<Webhooks>,
        callback: Callback,
        token: [u8; 16],
        nudge: Arc<Notify>,
        closing: CancellationToken,
    ) {
        let (id, ground) = (callback.id, webhooks.ground.clone());
        let worked = async {
            let mut held = Self::new(webhooks, callback, token).await?;
            held.work(&nudge, &closing).await
        };
        if let Err(error) = worked.await {
            tracing::warn!(
                callback = id,
                error = &error as &dyn std::error::Error,
                "deliveries to a callback stopped"
            );
            tokio::select! {
                () = closing.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        let now = ground.now();
        let released = ground.write(id.cast_unsigned(), move |transaction| {
            Box::pin(async move { Ok(store::release(transaction, id, &token, now).await?) })
        });
        if let Err::<(), HostError>(error) = released.await {
            tracing::debug!(
                callback = id,
                error = &error as &dyn std::error::Error,
                "a callback was not given back; its lease runs out"
            );
        }
    }

    async fn new(webhooks: Arc<Webhooks>, callback: Callback, token: [u8; 16]) -> Result<Self, HostError> {
        let until = webhooks.ground.now();
        let url = Url::parse(&webhooks.url(&callback).await?);
        let url = url.map_err(|_| HostError::Sealed("the address of a callback"))?;
        let secret = Arc::new(webhooks.secrets.of(callback.app).await?);
        let parallel = webhooks.ground.config.webhooks.parallel.max(1);
        Ok(Self {
            token,
            until,
            url,
            secret,
            window: if callback.failures == 0 { parallel } else { 1 },
            refusals: 0,
            was_down: callback.failures > 0,
            ready: VecDeque::new(),
            taken: BTreeSet::new(),
            busy: BTreeSet::new(),
            running: JoinSet::new(),
            loading: JoinSet::new(),
            outcomes: Vec::new(),
            writing: JoinSet::new(),
            callback,
            webhooks,
        })
    }

    async fn work(&mut self, nudge: &Notify, closing: &CancellationToken) -> Result<(), HostError> {
        let end = self.deliver(nudge, closing).await;
        self.ready.clear();
        self.loading.abort_all();
        if matches!(end, Ok(End::Lost)) {
            self.running.abort_all();
        }
        // What is on its way is waited for, whatever happened.
        let mut down = match end {
            Ok(End::Down(resume)) => Some(resume),
            _ => None,
        };
        while let Some(ended) = self.running.join_next().await {
            let Ok(ended) = ended else { continue };
            down = down.max(self.finish(vec![ended]));
        }
        while !self.outcomes.is_empty() || !self.writing.is_empty() {
            self.write_down();
            if let Some(written) = self.writing.join_next().await {
                self.written(written)?;
            }
        }
        if let Some(resume) = down {
            self.go_down(resume).await?;
        }
        end.map(drop)
    }

    /// Reading, requests and commits go on beside each other.
    async fn deliver(&mut self, nudge: &Notify, closing: &CancellationToken) -> Result<End, HostError> {
        let tick = self.webhooks.lease() / 3;
        // Before looking, so that what is committed after the look is heard.
        let mut nudged = Box::pin(nudge.notified());
        let mut look = true;
        loop {
            if closing.is_cancelled() {
                return Ok(End::Idle);
            }
            if self.webhooks.ground.now() >= self.until && !self.renew().await? {
                return Ok(End::Lost);
            }
            if look && self.loading.is_empty() && self.ready.len() < READY && self.taken.len() < TAKEN {
                look = false;
                self.load();
            }
            self.begin();
            self.write_down();
            let idle = self.running.is_empty() && self.loading.is_empty() && self.writing.is_empty();
            tokio::select! {
                () = &mut nudged => {
                    nudged = Box::pin(nudge.notified());
                    look = true;
                }
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                    let mut ended = vec![ended.map_err(HostError::internal)?];
                    while let Some(next) = self.running.try_join_next() {
                        ended.push(next.map_err(HostError::internal)?);
                    }
                    let recovers = self.was_down;
                    if let Some(resume) = self.finish(ended) {
                        return Ok(End::Down(resume));
                    }
                    if recovers && !self.was_down {
                        self.set_health(0, Timestamp(0)).await?;
                    }
                }
                Some(loaded) = self.loading.join_next(), if !self.loading.is_empty() => {
                    let loaded = loaded.map_err(HostError::internal)??;
                    // There may be more.
                    look |= loaded.found;
                    self.taken.extend(loaded.ready.iter().map(|ready| ready.due.event));
                    self.taken.extend(loaded.done.iter().map(|done| done.event));
                    self.ready.extend(loaded.ready);
                    self.outcomes.extend(loaded.done);
                }
                Some(written) = self.writing.join_next(), if !self.writing.is_empty() => {
                    self.written(written)?;
                    // Among them may be some that are due again.
                    look = true;
                }
                () = closing.cancelled() => return Ok(End::Idle),
                () = tokio::time::sleep(LINGER), if idle => {
                    if !look {
                        return Ok(End::Idle);
                    }
                }
                () = tokio::time::sleep(tick) => look = true,
            }
        }
    }

    fn load(&mut self) {
        let load =
            Load { webhooks: self.webhooks.clone(), callback: self.callback.id, taken: self.taken.clone() };
        self.loading.spawn(load.run());
    }

    /// Holds the callback for another lease; asked again after a third of it.
    async fn renew(&mut self) -> Result<bool, HostError> {
        let lease = self.webhooks.lease();
        let now = self.webhooks.ground.now();
        let (callback, token, until) = (self.callback.clone(), self.token, now.after(lease));
        let written = self.webhooks.ground.write(callback.id.cast_unsigned(), move |transaction| {
            let callback = callback.clone();
            Box::pin(async move { Ok(store::renew(transaction, &callback, &token, until).await?) })
        });
        let renewed: Result<bool, HostError> = written.await;
        self.until = now.after(lease / 3);
        renewed
    }

    /// Begins as many requests as may run: in order, and one at a time for each person.
    fn begin(&mut self) {
        let mut place = 0;
        while self.running.len() < self.window {
            let Some(ready) = self.ready.get(place) else { return };
            let whom = ready.due.about.clone().unwrap_or_default();
            if self.busy.contains(&whom) {
                place += 1;
                continue;
            }
            let Some(Ready { due, body }) = self.ready.remove(place) else { return };
            self.busy.insert(whom);
            let (webhooks, url, secret) = (self.webhooks.clone(), self.url.clone(), self.secret.clone());
            self.running.spawn(async move {
                let begun = tokio::time::Instant::now();
                let now = webhooks.ground.now();
                let answer = webhooks.caller.post(&url, body.hand_over(), &secret, now).await;
                let millis = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
                Ended { due, at: webhooks.ground.now(), millis, answer }
            });
        }
    }

    /// Takes what became of requests; until when the callback is to be left alone, if it is down.
    fn finish(&mut self, ended: Vec<Ended>) -> Option<Timestamp> {
        let (mut down, mut delivered) = (None, false);
        for ended in ended {
            self.busy.remove(ended.due.about.as_deref().unwrap_or_default());
            let (next, outcome, resume) = self.judge(&ended);
            if next == Next::Nothing {
                delivered = true;
                self.refusals = 0;
                self.window = (self.window * 2).min(self.webhooks.ground.config.webhooks.parallel.max(1));
            }
            down = down.max(resume);
            self.outcomes.push(Done {
                event: ended.due.event,
                field: ended.due.field,
                next,
                number: ended.due.attempts + 1,
                at: ended.at,
                millis: ended.millis,
                status: ended.answer.ok().map(|answer| answer.status.as_u16().into()),
                outcome,
            });
        }
        if delivered && down.is_none() && self.was_down {
            self.was_down = false;
            self.callback.failures = 0;
        }
        down
    }

    /// What comes after a request, in words, and whether the callback itself is down.
    fn judge(&mut self, ended: &Ended) -> (Next, &'static str, Option<Timestamp>) {
        let (due, now) = (&ended.due, ended.at);
        let resume =
            |held: &Self, least: Duration| now.after(held.delay(held.callback.failures + 1).max(least));
        let answer = match ended.answer {
            Ok(answer) => answer,
            Err(trouble) => {
                return (
                    self.again(due, Duration::ZERO),
                    trouble.as_str(),
                    Some(resume(self, Duration::ZERO)),
                );
            }
        };
        let least = answer.retry_after.unwrap_or_default();
        match answer.status {
            StatusCode::OK => (Next::Nothing, "delivered", None),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                (self.again(due, Duration::ZERO), "busy", Some(resume(self, least)))
            }
            status => {
                let outcome = if status.is_redirection() { "redirect" } else { "refused" };
                self.refusals += 1;
                let down = (self.refusals >= REFUSALS).then(|| resume(self, least));
                (self.again(due, self.delay(due.attempts + 1).max(least)), outcome, down)
            }
        }
    }

    /// Another try after this, if there is time left.
    fn again(&self, due: &Due, delay: Duration) -> Next {
        self.webhooks.again(due, delay)
    }

    fn delay(&self, failures: i64) -> Duration {
        self.webhooks.delay(failures)
    }

    /// Commits what became of requests: all that came together while the last commit was under way.
    fn write_down(&mut self) {
        if self.outcomes.is_empty() || !self.writing.is_empty() {
            return;
        }
        let (callback, app) = (self.callback.id, self.callback.app);
        let (done, webhooks) = (Arc::new(std::mem::take(&mut self.outcomes)), self.webhooks.clone());
        self.writing.spawn(async move {
            let events = done.iter().map(|done| done.event).collect();
            let written = webhooks.ground.write(callback.cast_unsigned(), move |transaction| {
                let done = done.clone();
                Box::pin(async move { Ok(store::finish(transaction, callback, app, &done).await?) })
            });
            let written: Result<(), HostError> = written.await;
            written.map(|()| events)
        });
    }

    /// Not before it is committed: what is not written down is still due.
    fn written(&mut self, written: Result<Result<Vec<i64>, HostError>, JoinError>) -> Result<(), HostError> {
        for event in written.map_err(HostError::internal)?? {
            self.taken.remove(&event);
        }
        Ok(())
    }

    /// Leaves the callback alone for a while; what has waited for too long is given up.
    async fn go_down(&mut self, resume: Timestamp) -> Result<(), HostError> {
        self.set_health(self.callback.failures + 1, resume).await?;
        let now = self.webhooks.ground.now();
        let tried = i64::try_from(super::load::TRIED.as_millis()).unwrap_or(i64::MAX);
        let (callback, before) = (self.callback.id, Timestamp(now.0.saturating_sub(tried)));
        let written = self.webhooks.ground.write(callback.cast_unsigned(), move |transaction| {
            Box::pin(
                async move { Ok(store::give_up(transaction, callback, before, now, "never reached").await?) },
            )
        });
        written.await.map(|_: u64| ())
    }

    async fn set_health(&self, failures: i64, resume: Timestamp) -> Result<(), HostError> {
        let (callback, token) = (self.callback.id, self.token);
        let written = self.webhooks.ground.write(callback.cast_unsigned(), move |transaction| {
            Box::pin(
                async move { Ok(store::set_health(transaction, callback, &token, failures, resume).await?) },
            )
        });
        written.await
    }
}
