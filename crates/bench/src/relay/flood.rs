//! Bad company: what others notice of it, and what it costs the server.

use std::{
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::{JoinSet, LocalSet, spawn_local},
    time::sleep,
};
use wire::{AccountId, api};

use super::{
    BenchError, clock,
    error::Tried as _,
    garbage,
    http::Http,
    link::{Frame, Link},
    message::{Head, Template},
    place::Place,
    report::Outcome,
    rig::Rig,
    server::Sends,
    traffic::{Measured, Pace, Traffic},
};

/// Connections on which half a request is sent.
pub(super) const HALF_OPEN: usize = 10_000;
/// Uploads at one byte per second.
const UPLOADS: usize = 500;
/// One that floods, one that is flooded, and one for each upload.
pub(super) const ACCOUNTS: usize = 2 + UPLOADS;
/// Messages in a frame of the flood.
const BATCH: u64 = 32;

/// What an attacker does. It does it on another thread, so that the generator's own work delays nobody.
#[derive(Debug, Clone)]
enum Attack {
    /// One account sends as fast as the socket takes it to another that takes it all.
    Flood { from: String, to: String, account: AccountId, body: usize, stage: u32 },
    /// Half the head of a request on each connection, and nothing more.
    HalfOpen,
    /// The bodies of uploads, a byte per second.
    SlowUploads { tokens: Vec<String> },
    /// Nonsense on sockets, with a credential and without.
    Frames { tokens: Vec<String> },
    /// Nonsense in the bodies of requests, and bodies that are too large.
    Bodies { tokens: Vec<String> },
}

#[derive(Debug, Default)]
pub(super) struct Effect {
    /// Sent, opened, begun.
    pub(super) done: AtomicU64,
    /// Refused or closed by the relay.
    pub(super) refused: AtomicU64,
    /// Answered as if it made sense, or with an error of the relay's own.
    pub(super) wrong: AtomicU64,
    stop: AtomicBool,
}

/// Latency of the well-behaved beside each attack, between two times alone: what changes on the machine meanwhile is
/// in both.
pub(super) async fn flood(rig: &mut Rig) -> Result<Vec<Outcome>, BenchError> {
    let [from, to, uploaders @ ..] = rig.others() else {
        return Err(BenchError::Failed("no accounts to flood with".to_owned()));
    };
    let tokens: Vec<String> =
        uploaders.iter().take(UPLOADS).map(|account| account.token.to_string()).collect();
    let attacks = [
        (
            "flood",
            "one account sends as fast as it can",
            Attack::Flood {
                from: from.token.to_string(),
                to: to.token.to_string(),
                account: to.id,
                body: super::rig::count(rig.options.body),
                stage: rig.next_stage(),
            },
        ),
        ("half-open", "10,000 connections with half a request", Attack::HalfOpen),
        ("slow uploads", "500 uploads at 1 byte per second", Attack::SlowUploads { tokens: tokens.clone() }),
        (
            "frames",
            "400 sockets with nonsense, opened anew when closed",
            Attack::Frames { tokens: tokens.clone() },
        ),
        ("bodies", "200 connections with nonsense and oversized bodies", Attack::Bodies { tokens }),
    ];
    rig.servers.restart(Sends::Default).await?;
    let mut outcomes = Vec::new();
    for (test, what, attack) in attacks {
        let setting =
            format!("{what}; beside it {} messages per second, {} s", rig.options.rate, rig.options.seconds);
        let mut outcome = Outcome::new(test, setting);
        let traffic = Traffic::begin(rig, Pace::Rate(rig.options.rate)).await?;
        sleep(Duration::from_secs(rig.options.warm_up.into())).await;
        let alone = traffic.measure(&rig.servers, rig.options.seconds).await?;
        let (beside, [done, refused, wrong]) = attack.measure(rig.servers.first(), &traffic, rig).await?;
        sleep(Duration::from_secs(2)).await;
        let after = traffic.measure(&rig.servers, rig.options.seconds).await?;
        compare(&alone, &beside, &after, &mut outcome);
        if matches!(attack, Attack::HalfOpen) {
            let nobody = Nobody::listen()?;
            let (beside, ..) = attack.measure(&nobody.place, &traffic, rig).await?;
            let p99 = beside.from_sent.quantile(0.99);
            outcome.figure("p99_nobody_ms", "… beside it at a listener that does nothing, p99", p99, 3);
            sleep(Duration::from_secs(2)).await;
        }
        outcome.figure(
            "resident_after_mib",
            "server memory 2 s after, MiB",
            rig.servers.family().resident() / 1024.0,
            1,
        );
        outcome.count("attack_done", attack.done_label(), done);
        outcome.count("attack_refused", attack.refused_label(), refused);
        outcome.none(
            "attack_wrong",
            "nonsense that was taken, or answered with an error of the relay's",
            wrong,
        );
        traffic.finish(&mut outcome).await?;
        outcomes.push(outcome);
    }
    rig.servers.restart(Sends::Unlimited).await?;
    Ok(outcomes)
}

/// Takes connections and does nothing with them: what an attack costs the machine when it is not the relay's.
struct Nobody {
    place: Place,
    stop: Arc<AtomicBool>,
}

impl Nobody {
    fn listen() -> Result<Self, BenchError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).tried("a listener that does nothing")?;
        let address = listener.local_addr().tried("a listener that does nothing")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let take = move || {
            let taken = listener.incoming().take_while(|_| !stopped.load(Relaxed));
            drop(taken.collect::<Vec<_>>());
        };
        thread::Builder::new().name("nobody".to_owned()).spawn(take).tried("a listener that does nothing")?;
        Ok(Self { place: Place::plain(address), stop })
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        // So that it looks.
        let _ = TcpStream::connect(self.place.address());
    }
}

fn compare(alone: &Measured, beside: &Measured, after: &Measured, outcome: &mut Outcome) {
    let quiet = alone.from_sent.joined(&after.from_sent);
    for (share, keys) in [
        (
            0.5,
            [
                ("p50_alone_ms", "ms to delivery alone, before and after, p50"),
                ("p50_ms", "… beside it"),
                ("p50_ratio", "… ratio"),
            ],
        ),
        (
            0.99,
            [
                ("p99_alone_ms", "ms to delivery alone, before and after, p99"),
                ("p99_ms", "… beside it"),
                ("p99_ratio", "… ratio"),
            ],
        ),
    ] {
        let (before, during) = (quiet.quantile(share), beside.from_sent.quantile(share));
        for ((key, label), value) in keys.into_iter().zip([before, during, during / before]) {
            outcome.figure(key, label, value, 3);
        }
    }
    // How much the two times alone differ: a ratio nearer to 1 than this says nothing.
    let (first, last) = (alone.from_sent.quantile(0.99), after.from_sent.quantile(0.99));
    outcome.figure("p99_drift", "ms to delivery alone, p99, after by before", last / first, 2);
    let rate = |measured: &Measured| measured.delivered as f64 / measured.seconds;
    outcome.figure("per_second", "their messages per second, beside it", rate(beside), 0);
    outcome.figure("server_cores_alone", "server CPU alone, cores", alone.usage.server() / alone.seconds, 2);
    outcome.figure("server_cores", "server CPU beside it, cores", beside.usage.server() / beside.seconds, 2);
    outcome.figure("resident_alone_mib", "server memory alone, MiB", alone.resident / 1024.0, 1);
    outcome.figure("resident_mib", "server memory beside it, most, MiB", beside.resident / 1024.0, 1);
}

impl Attack {
    fn done_label(&self) -> &'static str {
        match self {
            Self::Flood { .. } => "flooded: accepted",
            Self::HalfOpen => "half-open: opened",
            Self::SlowUploads { .. } => "uploads begun",
            Self::Frames { .. } => "sockets asked for",
            Self::Bodies { .. } => "requests begun",
        }
    }

    fn refused_label(&self) -> &'static str {
        match self {
            Self::Flood { .. } => "flooded: refused",
            Self::HalfOpen => "half-open: closed by the relay",
            Self::SlowUploads { .. } => "uploads refused or ended by the relay",
            Self::Frames { .. } => "sockets refused or closed by the relay",
            Self::Bodies { .. } => "requests refused or cut off",
        }
    }

    /// Measures the others while it lasts; also how much was done, refused, and answered wrongly.
    async fn measure(
        &self,
        place: &Place,
        traffic: &Traffic,
        rig: &Rig,
    ) -> Result<(Measured, [u64; 3]), BenchError> {
        let effect = Arc::new(Effect::default());
        let attacker = self.start(place.clone(), effect.clone())?;
        let beside = traffic.measure(&rig.servers, rig.options.seconds).await?;
        let counted = [&effect.done, &effect.refused, &effect.wrong].map(|count| count.load(Relaxed));
        effect.stop.store(true, Relaxed);
        // The generator's thread goes on while it waits.
        while !attacker.is_finished() {
            sleep(Duration::from_millis(10)).await;
        }
        attacker.join().map_err(|_| BenchError::Failed("an attacker's thread".to_owned()))??;
        Ok((beside, counted))
    }

    fn start(
        &self,
        place: Place,
        effect: Arc<Effect>,
    ) -> Result<thread::JoinHandle<Result<(), BenchError>>, BenchError> {
        let attack = self.clone();
        let run = move || {
            // In the world it has a machine of its own: what it takes from this one is what nobody else wants.
            let _ = rustix::process::setpriority_process(None, 19);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.tried("starting the attacker's runtime")?;
            LocalSet::new().block_on(&runtime, async {
                let stop = effect.clone();
                let stopped = async move {
                    while !stop.stop.load(Relaxed) {
                        sleep(Duration::from_millis(20)).await;
                    }
                };
                tokio::select! {
                    () = stopped => Ok(()),
                    result = attack.run(place, effect) => result,
                }
            })
        };
        thread::Builder::new().name("attacker".to_owned()).spawn(run).tried("starting the attacker's thread")
    }

    async fn run(self, place: Place, effect: Arc<Effect>) -> Result<(), BenchError> {
        match self {
            Self::Flood { from, to, account, body, stage } => {
                let target = Link::open(&place, &to).await?;
                spawn_local(take_all(target));
                send_all(Link::open(&place, &from).await?, &Template::new(account, body), stage, &effect)
                    .await
            }
            Self::HalfOpen => {
                let mut tasks = JoinSet::new();
                for number in 1..=HALF_OPEN {
                    tasks.spawn_local(half_a_request(place.clone(), effect.clone()));
                    if number.is_multiple_of(64) {
                        sleep(Duration::from_millis(1)).await;
                    }
                }
                while tasks.join_next().await.is_some() {}
                std::future::pending().await
            }
            Self::SlowUploads { tokens } => {
                let mut tasks = JoinSet::new();
                for token in tokens {
                    let (effect, place) = (effect.clone(), place.clone());
                    tasks.spawn_local(async move {
                        if slow_upload(&place, &token, &effect).await.is_err() {
                            effect.refused.fetch_add(1, Relaxed);
                        }
                    });
                }
                while tasks.join_next().await.is_some() {}
                std::future::pending().await
            }
            Self::Frames { tokens } => {
                garbage::frames(&place, &tokens, &effect).await;
                std::future::pending().await
            }
            Self::Bodies { tokens } => {
                garbage::bodies(&place, &tokens, &effect).await;
                std::future::pending().await
            }
        }
    }
}

/// A socket that the relay closes for it is opened no more.
async fn send_all(
    link: Link,
    template: &Template,
    stage: u32,
    effect: &Arc<Effect>,
) -> Result<(), BenchError> {
    let Link { mut reader, mut writer } = link;
    let answers = effect.clone();
    spawn_local(async move {
        let count = |frame: wire::frames::ServerFrame| {
            answers.done.fetch_add(frame.sent.len() as u64, Relaxed);
            answers.refused.fetch_add(frame.refusals.len() as u64, Relaxed);
        };
        while reader.read(count).await.is_ok() {}
    });
    let mut frame = Frame::default();
    let mut next = 0;
    loop {
        frame.clear();
        for sequence in next..next + BATCH {
            let sent = clock::now();
            template.put(Head { stage, sender: u32::MAX, sequence, due: sent, sent }, frame.payload());
        }
        next += BATCH;
        if writer.write(&mut frame).await.is_err() {
            return std::future::pending().await;
        }
        tokio::task::yield_now().await;
    }
}

/// Acknowledges whatever comes.
async fn take_all(link: Link) {
    let Link { mut reader, mut writer } = link;
    let mut frame = Frame::default();
    loop {
        let mut newest = 0;
        let read =
            reader.read(|frame| newest = frame.deliveries.last().map_or(newest, |delivery| delivery.number));
        if read.await.is_err() || (newest > 0 && writer.acknowledge(newest, &mut frame).await.is_err()) {
            return;
        }
    }
}

async fn half_a_request(place: Place, effect: Arc<Effect>) {
    let Ok(mut stream) = place.connect().await else { return };
    effect.done.fetch_add(1, Relaxed);
    let half = format!("GET /v1/socket HTTP/1.1\r\nHost: {place}\r\nAuthori");
    if stream.write_all(half.as_bytes()).await.is_ok() {
        // Until the relay has had enough.
        let mut answer = [0; 64];
        while matches!(stream.read(&mut answer).await, Ok(1..)) {}
    }
    effect.refused.fetch_add(1, Relaxed);
}

async fn slow_upload(place: &Place, token: &str, effect: &Effect) -> Result<(), BenchError> {
    const SIZE: usize = 100_000;
    let mut http = Http::connect(place).await?;
    let begin = api::BeginBlob { size: SIZE as u64 };
    let begun: api::BlobBegun = http.post("/v1/blobs", Some(token), &begin).await?;
    let headers = format!(
        "Authorization: Bearer {token}\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
    );
    http.begin("PATCH", &format!("/v1/blobs/{}", begun.id), &headers, SIZE, &[]).await?;
    effect.done.fetch_add(1, Relaxed);
    loop {
        tokio::select! {
            answer = http.answer() => return Err(answer.err().unwrap_or(BenchError::Closed(None))),
            () = sleep(Duration::from_secs(1)) => {}
        }
        http.more(&[0]).await?;
    }
}
