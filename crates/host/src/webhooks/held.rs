//! One callback, held by this process: what is due there, in order and as fast as it answers.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use ::store::{Timestamp, jobs::Schedule};
use reqwest::{StatusCode, Url};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::{
    Secret, Webhooks,
    caller::{Answer, Trouble},
    place, render,
    store::{self, Callback, Done, Due, Next},
};
use crate::{
    HostError,
    ids::BusinessId,
    purposes::{Access, Plain, Purpose, Subject, SubjectKind},
    sealing::{Domain, Place, Sealed},
};

/// For how long an event is tried.
const TRIED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Events that are read from the table at a time, and bytes of them that are open at a time.
const PAGE: i64 = 64;
const OPEN_BYTES: i64 = 4 << 20;
/// Refusals in a row after which a callback counts as down.
const REFUSALS: u32 = 8;
/// How long a callback is kept when nothing is due any more, since what comes next is often near.
const LINGER: Duration = Duration::from_millis(250);
/// How long to wait when the database or a key cannot be had.
const PAUSE: Duration = Duration::from_secs(1);
/// The least time between two tries where the business does not allow delivery.
const NOT_ALLOWED: Duration = Duration::from_secs(300);

/// Seconds after the first failure, the second, and so on; then the last one again and again.
const DELAYS: [u64; 10] = [0, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600];

/// An event that can be sent.
struct Ready {
    due: Due,
    body: Plain<Vec<u8>>,
}

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
    /// What is ready or on its way.
    taken: BTreeSet<i64>,
    /// Whom requests on their way concern.
    busy: BTreeSet<String>,
    running: JoinSet<Ended>,
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
            callback,
            webhooks,
        })
    }

    async fn work(&mut self, nudge: &Notify, closing: &CancellationToken) -> Result<(), HostError> {
        let end = self.deliver(nudge, closing).await;
        self.ready.clear();
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
            if let Some(resume) = self.finish(vec![ended]).await? {
                down = down.max(Some(resume));
            }
        }
        if let Some(resume) = down {
            self.go_down(resume).await?;
        }
        end.map(drop)
    }

    async fn deliver(&mut self, nudge: &Notify, closing: &CancellationToken) -> Result<End, HostError> {
        let tick = self.webhooks.lease() / 3;
        loop {
            if closing.is_cancelled() {
                return Ok(End::Idle);
            }
            if self.webhooks.ground.now() >= self.until && !self.renew().await? {
                return Ok(End::Lost);
            }
            if self.ready.is_empty() {
                // Before looking, so that what is committed after the look is heard.
                let nudged = nudge.notified();
                let found = self.load().await?;
                if self.ready.is_empty() && self.running.is_empty() && !found {
                    tokio::select! {
                        () = closing.cancelled() => return Ok(End::Idle),
                        () = tokio::time::sleep(LINGER) => return Ok(End::Idle),
                        () = nudged => continue,
                    }
                }
            }
            self.begin();
            if self.running.is_empty() {
                continue;
            }
            let mut ended = Vec::new();
            tokio::select! {
                next = self.running.join_next() => ended.extend(next.and_then(Result::ok)),
                () = tokio::time::sleep(tick) => {}
            }
            while let Some(next) = self.running.try_join_next() {
                ended.extend(next.ok());
            }
            if let Some(resume) = self.finish(ended).await? {
                return Ok(End::Down(resume));
            }
        }
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

    /// Reads what is due and opens it; whether there was anything.
    async fn load(&mut self) -> Result<bool, HostError> {
        let ground = self.webhooks.ground.clone();
        let now = ground.now();
        let most = PAGE + i64::try_from(self.taken.len()).unwrap_or(0);
        let mut due = store::due(&mut ground.reader().await?, self.callback.id, now, most).await?;
        due.retain(|due| !self.taken.contains(&due.event));
        if due.is_empty() {
            return Ok(false);
        }
        let mut bytes = 0;
        let fitting = due.iter().take_while(|due| {
            bytes += due.size;
            bytes <= OPEN_BYTES
        });
        due.truncate(fitting.count().max(1));
        let values = store::values(&mut ground.reader().await?, due.iter().map(|due| due.event)).await?;
        let mut values: BTreeMap<i64, Sealed> =
            values.into_iter().map(|row| (row.id, Sealed::from_stored(row.value))).collect();
        let mut by_business: BTreeMap<BusinessId, Vec<(Due, Sealed)>> = BTreeMap::new();
        let mut done = Vec::new();
        for due in due {
            match values.remove(&due.event) {
                Some(value) => by_business.entry(due.business).or_default().push((due, value)),
                None => done.push(self.unsent(&due, Next::Dead, "erased")),
            }
        }
        let mut opened = Vec::new();
        for (business, due) in by_business {
            self.open(business, due, &mut opened, &mut done).await?;
        }
        opened.sort_by_key(|ready: &Ready| ready.due.event);
        self.taken.extend(opened.iter().map(|ready| ready.due.event));
        self.ready.extend(opened);
        self.write_down(done).await?;
        Ok(true)
    }

    /// Opens what is due of one business, through the gate and with one entry in its log.
    async fn open(
        &self,
        business: BusinessId,
        due: Vec<(Due, Sealed)>,
        opened: &mut Vec<Ready>,
        done: &mut Vec<Done>,
    ) -> Result<(), HostError> {
        let access = Access::by("webhook", business, Purpose::Deliver);
        let subject = |names: Vec<String>| Subject { kind: SubjectKind::Message, names };
        let named: Vec<Vec<u8>> = due.iter().map(|(due, _)| place(due.waba, &due.unique_key)).collect();
        let places: Vec<(Place<'_>, &Sealed)> = due
            .iter()
            .zip(&named)
            .map(|((_, sealed), name)| (Place { domain: Domain::Message, name }, sealed))
            .collect();
        let names = due.iter().map(|(due, _)| due.unique_key.clone()).collect();
        let plain = match self.webhooks.gate.open(&access, subject(names), &places).await {
            Ok(plain) => plain.into_iter().map(Some).collect(),
            // One of them is damaged: the others are not its fault.
            Err(HostError::Sealed(_)) if places.len() > 1 => {
                let mut plain = Vec::with_capacity(places.len());
                for ((due, _), place) in due.iter().zip(&places) {
                    let names = vec![due.unique_key.clone()];
                    match self.webhooks.gate.open(&access, subject(names), &[*place]).await {
                        Ok(one) => plain.extend(one.into_iter().map(Some)),
                        Err(HostError::Sealed(_)) => plain.push(None),
                        Err(error) => return Err(error),
                    }
                }
                plain
            }
            Err(HostError::Sealed(_)) => vec![None],
            Err(HostError::Erased) => {
                done.extend(due.iter().map(|(due, _)| self.unsent(due, Next::Dead, "erased")));
                return Ok(());
            }
            Err(HostError::NotAllowed(_)) => {
                let put_off = |(due, _): &(Due, Sealed)| {
                    let delay = self.delay(due.attempts + 1).max(NOT_ALLOWED);
                    self.unsent(due, self.again(due, delay), "delivery is not allowed")
                };
                done.extend(due.iter().map(put_off));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for ((due, _), plain) in due.into_iter().zip(plain) {
            let Some(plain) = plain else {
                done.push(self.unsent(&due, Next::Dead, "damaged"));
                continue;
            };
            let (waba, field, created) = (due.waba, due.field, due.created);
            let body = plain.map(|value: Zeroizing<Vec<u8>>| render::body(waba, field, created, &value));
            opened.push(Ready { due, body });
        }
        Ok(())
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

    /// Writes down what became of requests; until when the callback is to be left alone, if it is down.
    async fn finish(&mut self, ended: Vec<Ended>) -> Result<Option<Timestamp>, HostError> {
        let mut done = Vec::with_capacity(ended.len());
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
            done.push(Done {
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
        self.write_down(done).await?;
        if delivered && down.is_none() && self.was_down {
            self.was_down = false;
            self.callback.failures = 0;
            self.set_health(0, Timestamp(0)).await?;
        }
        Ok(down)
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
        let now = self.webhooks.ground.now();
        if now >= due.created.after(TRIED) { Next::Dead } else { Next::Again(now.after(delay)) }
    }

    fn delay(&self, failures: i64) -> Duration {
        let schedule = Schedule { delays_s: DELAYS.to_vec(), jitter_percent: 20 };
        let failures = failures.clamp(1, i64::try_from(DELAYS.len()).unwrap_or(1));
        schedule.delay(failures, &*self.webhooks.ground.entropy).unwrap_or_default()
    }

    fn unsent(&self, due: &Due, next: Next, outcome: &'static str) -> Done {
        let at = self.webhooks.ground.now();
        let number = due.attempts + 1;
        Done { event: due.event, field: due.field, next, number, at, millis: 0, status: None, outcome }
    }

    async fn write_down(&mut self, done: Vec<Done>) -> Result<(), HostError> {
        if done.is_empty() {
            return Ok(());
        }
        let (callback, app) = (self.callback.id, self.callback.app);
        let done = Arc::new(done);
        let written = self.webhooks.ground.write(callback.cast_unsigned(), {
            let done = done.clone();
            move |transaction| {
                let done = done.clone();
                Box::pin(async move { Ok(store::finish(transaction, callback, app, &done).await?) })
            }
        });
        let written: Result<(), HostError> = written.await;
        written?;
        // Not before: what is not written down is still due.
        self.taken.retain(|event| !done.iter().any(|done| done.event == *event));
        Ok(())
    }

    /// Leaves the callback alone for a while; what has waited for too long is given up.
    async fn go_down(&mut self, resume: Timestamp) -> Result<(), HostError> {
        self.set_health(self.callback.failures + 1, resume).await?;
        let now = self.webhooks.ground.now();
        let tried = i64::try_from(TRIED.as_millis()).unwrap_or(i64::MAX);
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
