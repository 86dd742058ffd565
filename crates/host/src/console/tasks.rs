//! Exports and imports, which take their time: how far they are, and what came of them. They run in this process and end
//! with it; their files are on its disk for no longer than they are needed.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::store::Timestamp;
use axum::{body::Body, extract::Request, response::IntoResponse as _};
use futures_util::StreamExt as _;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Semaphore,
};

use super::{Console, Kind, May, Outcome, Own, Refused, answer, json};
use crate::{
    HostError,
    cloud_api::Api,
    exports::{self, Exports},
    ground::Ground,
    ids::BusinessId,
    imports::{
        self, Imports,
        text::{DateOrder, Problem},
    },
    management::Call,
    purposes::decisions::Decided,
};

/// The folder of files that are made or brought in, in the host's data.
const FOLDER: &str = "console-tasks";
/// How long what came of one is there.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// Tasks of one business that are remembered at most.
const MOST: usize = 20;
/// Bytes of what is brought in.
const LARGEST: u64 = 1 << 30;
/// How long it may pause on its way.
const PAUSE: Duration = Duration::from_secs(30);
/// Bytes that are read of a file at once.
const PIECE: usize = 64 << 10;

/// Runs them.
#[derive(Debug)]
pub(crate) struct Tasks {
    ground: Arc<Ground>,
    exports: Arc<Exports>,
    imports: Arc<Imports>,
    tasks: Mutex<BTreeMap<String, Arc<Task>>>,
    /// One at a time: each takes disk and time.
    turn: Arc<Semaphore>,
}

/// One of them.
#[derive(Debug)]
struct Task {
    id: String,
    business: BusinessId,
    kind: &'static str,
    created: Timestamp,
    done: AtomicU64,
    total: AtomicU64,
    end: Mutex<Option<Result<Value, String>>>,
    /// What was exported, until somebody has it.
    file: Mutex<Option<PathBuf>>,
}

#[derive(Debug, Serialize)]
struct Shown {
    task_id: String,
    kind: &'static str,
    state: &'static str,
    done: u64,
    total: Option<u64>,
    error: Option<String>,
    report: Option<Value>,
    created: i64,
}

impl Task {
    fn shown(&self) -> Shown {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (state, error, report) = match end {
            None => ("running", None, None),
            Some(Ok(report)) => ("done", None, Some(report)),
            Some(Err(error)) => ("failed", Some(error), None),
        };
        Shown {
            task_id: self.id.clone(),
            kind: self.kind,
            state,
            done: self.done.load(Ordering::Relaxed),
            total: Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0),
            error,
            report,
            created: self.created.0,
        }
    }

    fn end(&self, end: Result<Value, String>) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    fn is_running(&self) -> bool {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn take_file(&self) -> Option<PathBuf> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // Nobody came for it.
        if let Some(file) = self.take_file() {
            drop(std::fs::remove_file(file));
        }
    }
}

impl exports::Watch for Task {
    fn at(&self, counts: &exports::Counts) {
        let done = counts.people + counts.messages + counts.files + counts.readings;
        self.done.store(done, Ordering::Relaxed);
    }
}

impl imports::Watch for Task {
    fn at(&self, surveyed: bool, done: u64, total: u64) {
        // Read twice: once to understand it, once to bring it in.
        let (done, total) = if surveyed { (total + done, 2 * total) } else { (done, 2 * total) };
        self.total.store(total, Ordering::Relaxed);
        self.done.store(done, Ordering::Relaxed);
    }

    fn problem(&self, _: &Problem) {}
}

impl Tasks {
    pub(super) fn new(api: &Api) -> Arc<Self> {
        let (ground, gate) = (api.ground.clone(), api.gate.clone());
        Arc::new(Self {
            exports: Exports::new(
                ground.clone(),
                gate.clone(),
                api.numbers.clone(),
                api.people.clone(),
                api.messages.clone(),
                api.media.clone(),
                (api.settings.clone(), api.qr_codes.clone(), api.templates.clone()),
            ),
            imports: Imports::new(ground.clone(), gate, api.people.clone(), api.media.clone()),
            ground,
            tasks: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
        })
    }

    /// A place for the file of a task, in a folder that is nobody else's on this machine. What is left there from before this
    /// process goes.
    async fn place(&self, id: &str) -> Result<PathBuf, HostError> {
        let folder = self.ground.config.data.join(FOLDER);
        let mut made = tokio::fs::DirBuilder::new();
        #[cfg(unix)]
        made.mode(0o700);
        made.recursive(true).create(&folder).await.map_err(HostError::internal)?;
        let old = folder.clone();
        tokio::task::spawn_blocking(move || forget_old(&old)).await.map_err(HostError::internal)?;
        Ok(folder.join(id))
    }

    /// A new one, unless the business has one running.
    fn begin(&self, business: BusinessId, kind: &'static str) -> Result<Arc<Task>, HostError> {
        let now = self.ground.now();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|_, task| task.is_running() || now < task.created.after(KEPT));
        let own: Vec<&Arc<Task>> = tasks.values().filter(|task| task.business == business).collect();
        if own.iter().any(|task| task.is_running()) {
            return Err(HostError::Conflict("an export or an import of this business is under way"));
        }
        if own.len() >= MOST {
            return Err(HostError::Wait { retry_after: Duration::from_secs(60) });
        }
        let task = Arc::new(Task {
            id: self.ground.random_name(),
            business,
            kind,
            created: now,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            end: Mutex::new(None),
            file: Mutex::new(None),
        });
        tasks.insert(task.id.clone(), task.clone());
        Ok(task)
    }

    fn of(&self, business: BusinessId) -> Vec<Arc<Task>> {
        let now = self.ground.now();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|_, task| task.is_running() || now < task.created.after(KEPT));
        let mut own: Vec<_> = tasks.values().filter(|task| task.business == business).cloned().collect();
        own.sort_by_key(|task| std::cmp::Reverse(task.created));
        own
    }

    fn get(&self, business: BusinessId, id: &str) -> Result<Arc<Task>, Refused> {
        self.of(business).into_iter().find(|task| task.id == id).ok_or_else(Refused::not_found)
    }
}

/// Deletes files that no task can be using any more.
fn forget_old(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|about| about.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > KEPT * 4) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    user_id: Option<String>,
}

pub(super) async fn export(console: Arc<Console>, may: May<Own>, call: Call) -> Outcome {
    call.only(&[])?;
    let wanted: Wanted = call.body()?;
    let tasks = console.tasks.clone();
    let task = tasks.begin(may.business().id, "export")?;
    let noted = wanted.user_id.clone().unwrap_or_else(|| "all".to_owned());
    let place = match console.noted(&may, Decided::Export, vec![noted]).await {
        Ok(()) => tasks.place(&task.id).await,
        Err(error) => Err(error),
    };
    let to = match place {
        Ok(to) => to,
        Err(error) => {
            task.end(Err("it could not begin".to_owned()));
            return Err(error.into());
        }
    };
    let request =
        exports::Request { business: may.business().clone(), chat: wanted.user_id, to, replace: true };
    let shown = task.shown();
    let closing = console.ground.closing.clone();
    tokio::spawn(async move {
        let running = async {
            let _turn = tasks.turn.acquire().await;
            tasks.exports.run(&request, &*task).await
        };
        let end = tokio::select! {
            end = running => end.map_err(|error| told(&error)),
            () = closing.cancelled() => Err("the host went down".to_owned()),
        };
        let end = end.and_then(|counts| serde_json::to_value(counts).map_err(|error| error.to_string()));
        if end.is_ok() {
            *task.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.to);
        }
        task.end(end);
    });
    answer(StatusCode::ACCEPTED, &shown)
}

/// What somebody is told of what failed: what they can mend, and else only that it failed.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = Some(error);
    while let Some(error) = inner {
        if let Some(host) = error.downcast_ref::<HostError>() {
            return match host {
                HostError::NotAllowed(_)
                | HostError::NotFound(_)
                | HostError::Conflict(_)
                | HostError::Invalid { .. } => host.to_string(),
                _ => {
                    tracing::warn!(error = host as &dyn std::error::Error, "a task of the console failed");
                    "the host could not do it".to_owned()
                }
            };
        }
        inner = error.source();
    }
    error.to_string()
}

/// What is said of an import.
struct Asked {
    me: String,
    customer: Option<wire::PhoneNumber>,
    customer_name: Option<String>,
    time_zone: jiff::tz::TimeZone,
    date_order: Option<DateOrder>,
    dry_run: bool,
}

impl Asked {
    fn of(query: &str) -> Result<Self, Refused> {
        let mut asked = Self {
            me: String::new(),
            customer: None,
            customer_name: None,
            time_zone: jiff::tz::TimeZone::UTC,
            date_order: None,
            dry_run: false,
        };
        for (name, said) in form_urlencoded::parse(query.as_bytes()).take(16) {
            let wrong = |what: &'static str| Refused::field(name.clone(), what);
            if said.len() > 300 || said.contains('\0') {
                return Err(wrong("at most 300 bytes"));
            }
            match &*name {
                "me" => asked.me = said.into_owned(),
                "customer" => {
                    let number = said.parse().map_err(|_| wrong("a number such as +4915112345678"))?;
                    asked.customer = Some(number);
                }
                "customer_name" => asked.customer_name = Some(said.into_owned()),
                "time_zone" => {
                    let zone = jiff::tz::TimeZone::get(&said);
                    asked.time_zone = zone.map_err(|_| wrong("a zone such as Europe/Berlin"))?;
                }
                "date_order" => {
                    asked.date_order = Some(match &*said {
                        "dmy" => DateOrder::Dmy,
                        "mdy" => DateOrder::Mdy,
                        "ymd" => DateOrder::Ymd,
                        _ => return Err(wrong("dmy, mdy or ymd")),
                    });
                }
                "dry_run" => asked.dry_run = matches!(&*said, "true" | "1"),
                _ => return Err(Refused::field("query", "there is no such parameter")),
            }
        }
        if asked.me.is_empty() {
            Err(Refused::field("me", "what the business is called in it"))
        } else {
            Ok(asked)
        }
    }
}

pub(super) async fn import(
    console: Arc<Console>,
    may: May<Own>,
    path: Vec<String>,
    request: Request,
) -> Outcome {
    let number = path.first().and_then(|id| id.parse().ok()).ok_or_else(Refused::not_found)?;
    let number = console.inbox.number(may.business().id, number).await?;
    let asked = Asked::of(request.uri().query().unwrap_or_default())?;
    let tasks = console.tasks.clone();
    let task = tasks.begin(may.business().id, "import")?;
    let saved = async {
        let place = tasks.place(&task.id).await?;
        save(request.into_body(), &place).await.map(|()| place)
    };
    let place = match saved.await {
        Ok(place) => place,
        Err(refused) => {
            task.end(Err("it did not come whole".to_owned()));
            return Err(refused);
        }
    };
    let file = Saved(place.clone());
    console.noted(&may, Decided::Import, vec![number.id.to_string()]).await?;
    let request = imports::Request {
        path: place,
        number,
        me: asked.me,
        customer: asked.customer,
        customer_name: asked.customer_name,
        time_zone: asked.time_zone,
        date_order: asked.date_order,
        dry_run: asked.dry_run,
    };
    let shown = task.shown();
    let closing = console.ground.closing.clone();
    tokio::spawn(async move {
        let running = async {
            let _turn = tasks.turn.acquire().await;
            tasks.imports.run(request, task.clone()).await
        };
        let end = tokio::select! {
            end = running => end.map_err(|error| told(&error)),
            () = closing.cancelled() => Err("the host went down".to_owned()),
        };
        // Nobody hears of its end while it is still on the disk.
        drop(file);
        task.end(end.and_then(|report| serde_json::to_value(report).map_err(|error| error.to_string())));
    });
    answer(StatusCode::ACCEPTED, &shown)
}

/// A file that goes when it is not needed any more.
struct Saved(PathBuf);

impl Drop for Saved {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

async fn save(body: Body, place: &Path) -> Result<(), Refused> {
    let saved = Saved(place.to_owned());
    let defect = |error: io::Error| Refused::from(HostError::internal(error));
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(place).await.map_err(defect)?;
    let (mut pieces, mut size) = (body.into_data_stream(), 0u64);
    loop {
        let piece = tokio::time::timeout(PAUSE, pieces.next()).await;
        let piece = piece.map_err(|_| Refused::field("body", "it took too long"))?;
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|_| Refused::field("body", "it broke off"))?;
        size += piece.len() as u64;
        if size > LARGEST {
            return Err(Refused::new(Kind::TooLarge, "at most 1 GiB"));
        }
        file.write_all(&piece).await.map_err(defect)?;
    }
    file.flush().await.map_err(defect)?;
    if size == 0 {
        return Err(Refused::field("body", "it is empty"));
    }
    std::mem::forget(saved);
    Ok(())
}

pub(super) async fn list(console: Arc<Console>, may: May<Own>, call: Call) -> Outcome {
    call.only(&[])?;
    let tasks = console.tasks.of(may.business().id);
    json(&value!({ "tasks": tasks.iter().map(|task| task.shown()).collect::<Vec<_>>() }))
}

pub(super) async fn show(console: Arc<Console>, may: May<Own>, call: Call) -> Outcome {
    call.only(&[])?;
    json(&console.tasks.get(may.business().id, &call.id::<String>(0)?)?.shown())
}

pub(super) async fn file(console: Arc<Console>, may: May<Own>, call: Call) -> Outcome {
    call.only(&[])?;
    let task = console.tasks.get(may.business().id, &call.id::<String>(0)?)?;
    let place = Saved(task.take_file().ok_or_else(Refused::not_found)?);
    let opened = tokio::fs::File::open(&place.0).await.map_err(HostError::internal)?;
    let size = opened.metadata().await.map_err(HostError::internal)?.len();
    // Open, it is read to its end; its name is gone already.
    drop(place);
    let pieces = futures_util::stream::try_unfold(opened, async |mut file| {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, io::Error>((read > 0).then_some((piece, file)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"tradepost-export.zip\"".to_owned()),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(pieces)).into_response())
}
