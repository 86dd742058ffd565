//! The core: whether there is a device, what runs it, and what its page is told.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use client::{AccountId, Clock as _, Connection, Device, Ended, Event, Linking, Profile, Registration};
use futures_util::{FutureExt as _, future::AbortHandle};
use serde::Serialize;
use tokio::sync::mpsc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wire::PhoneNumber;

use crate::{
    browser::{BrowserClock, BrowserLink, BrowserVault, Database, Parts, Relay, edges},
    command::Command,
    commands,
    notice::{Connected, Erased, Notice, Standing},
    problem::{Problem, ProblemCode},
};

/// A device in a browser. Made once, by the tab that leads.
#[wasm_bindgen]
pub struct Core(Rc<Inner>);

pub(crate) struct Inner {
    vault: RefCell<Arc<BrowserVault>>,
    pub(crate) link: Arc<BrowserLink>,
    tell: js_sys::Function,
    state: RefCell<State>,
    /// Counts devices: whoever runs one that is gone notices by it.
    device_number: Cell<u64>,
    /// Whether the device is being removed here: then the relay's word that it was is no news.
    leaving: Cell<bool>,
    /// Whose profiles are to be asked for.
    strangers: RefCell<Option<mpsc::Sender<AccountId>>>,
    /// Held by whoever changes what is kept of a chat.
    pub(crate) marking: futures_util::lock::Mutex<()>,
}

enum State {
    None { erased: Option<Erased>, problem: Option<Problem> },
    Linking { code: String, waiting: AbortHandle },
    Ready { device: Device, connected: Connected },
    Failed { problem: Problem },
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl Core {
    /// Opens what this browser keeps, and runs its device if there is one. `tell` is given every event as JSON.
    ///
    /// # Errors
    /// A `Problem` as JSON: what is stored cannot be read.
    pub async fn open(database: Database, relay: Relay, tell: js_sys::Function) -> Result<Core, JsValue> {
        let inner = Rc::new(Inner {
            vault: RefCell::new(Arc::new(BrowserVault::new(database))),
            link: Arc::new(BrowserLink::new(relay)),
            tell,
            state: RefCell::new(State::None { erased: None, problem: None }),
            device_number: Cell::default(),
            leaving: Cell::default(),
            strangers: RefCell::default(),
            marking: futures_util::lock::Mutex::default(),
        });
        inner.find().await.map_err(|problem| thrown(&problem))?;
        Ok(Self(inner))
    }

    /// Does what a command in JSON says. Gives its answer as JSON, and the file that belongs to it.
    ///
    /// # Errors
    /// A `Problem` as JSON.
    pub async fn ask(&self, command: String, file: Option<Parts>) -> Result<js_sys::Array, JsValue> {
        let inner = Rc::clone(&self.0);
        let command: Result<Command, _> = serde_json::from_str(&command);
        // What serde says of it would repeat what was said in it.
        let command = command.map_err(|_| thrown(&Problem::invalid("there is no such command")))?;
        let answer = commands::run(&inner, command, file).await.map_err(|problem| thrown(&problem))?;
        Ok(js_sys::Array::of2(&answer.json.into(), &answer.file.map_or(JsValue::UNDEFINED, Into::into)))
    }

    /// The network is there again: what waits to connect need not.
    pub fn online(&self) {
        if let State::Ready { device, connected: Connected::Offline } = &*self.0.state.borrow() {
            device.stop();
        }
    }
}

/// Before a vault that failed is opened anew.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Accounts that may wait for being asked for their profile.
const STRANGERS: usize = 500;

/// Asks for the profile of each account once, one after another. What comes of it is told as an event of the device.
async fn meet(device: Device, mut accounts: mpsc::Receiver<AccountId>) {
    let mut met = HashSet::new();
    while let Some(account) = accounts.recv().await {
        if met.insert(account) {
            // Without it they are shown without a name.
            let _ = device.profile_of(account).await;
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn thrown(problem: &Problem) -> JsValue {
    json(problem).into()
}

impl Inner {
    /// Tells every page something.
    pub(crate) fn tell(&self, event: &impl Serialize) {
        // A page that does not listen is no concern of the device's.
        let _ = self.tell.call1(&JsValue::NULL, &json(event).into());
    }

    pub(crate) fn standing(&self) -> Standing {
        match &*self.state.borrow() {
            State::None { erased, problem } => {
                Standing::Unregistered { erased: *erased, problem: problem.clone() }
            }
            State::Linking { code, .. } => Standing::Linking { code: code.clone() },
            State::Ready { device, connected } => {
                Standing::Ready { own: device.own().clone(), connected: *connected }
            }
            State::Failed { problem } => Standing::Failed { problem: problem.clone() },
        }
    }

    /// The device, if there is one.
    pub(crate) fn device(&self) -> Result<Device, Problem> {
        match &*self.state.borrow() {
            State::Ready { device, .. } => Ok(device.clone()),
            State::Failed { problem } => Err(problem.clone()),
            _ => Err(client::Error::NotRegistered.into()),
        }
    }

    pub(crate) fn vault(&self) -> Arc<BrowserVault> {
        Arc::clone(&self.vault.borrow())
    }

    fn edges(&self) -> client::Edges {
        edges(&self.vault(), &self.link)
    }

    /// There is another device now, or none.
    fn next_device(&self) -> u64 {
        self.device_number.set(self.device_number.get() + 1);
        self.device_number.get()
    }

    fn set(&self, state: State) {
        let before = self.state.replace(state);
        if let State::Linking { waiting, .. } = before {
            waiting.abort();
        }
        self.tell(&Notice::Standing { standing: self.standing() });
    }

    /// Looks whether there is a device, and runs it.
    async fn find(self: &Rc<Self>) -> Result<(), Problem> {
        match Device::open(self.edges()).await {
            Ok(device) => self.begin(device),
            Err(client::Error::NotRegistered) => {
                let erased = self.vault().erased().await?.and_then(|why| Erased::named(&why));
                self.set(State::None { erased, problem: None });
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// There is a device: runs it, and tells what happens on it.
    fn begin(self: &Rc<Self>, device: Device) {
        let mut events = device.events();
        let number = self.next_device();
        self.set(State::Ready { device: device.clone(), connected: Connected::Connecting });
        let inner = Rc::clone(self);
        let (listening, stop) = futures_util::future::abortable(async move {
            loop {
                inner.heard(&events.next().await);
            }
        });
        spawn_local(listening.map(drop));
        let (strangers, asked) = mpsc::channel(STRANGERS);
        *self.strangers.borrow_mut() = Some(strangers);
        let (meeting, stop_meeting) = futures_util::future::abortable(meet(device.clone(), asked));
        spawn_local(meeting.map(drop));
        let inner = Rc::clone(self);
        spawn_local(async move {
            inner.run(&device, number).await;
            stop.abort();
            stop_meeting.abort();
        });
    }

    /// Asks what somebody says of themselves, when there is time for it.
    pub(crate) fn meet(&self, account: AccountId) {
        if let Some(strangers) = &*self.strangers.borrow() {
            // With so many waiting, they are asked for when they write again.
            let _ = strangers.try_send(account);
        }
    }

    /// Runs the device until it is gone.
    async fn run(self: &Rc<Self>, device: &Device, number: u64) {
        loop {
            let ended = device.run().await;
            if self.device_number.get() != number {
                return;
            }
            match ended {
                // To connect anew.
                Ok(Ended::Stopped) => {}
                Ok(Ended::Replaced) => return self.connected(Connected::Replaced),
                Ok(Ended::Removed) if self.leaving.get() => return,
                Ok(Ended::Removed) => {
                    // What comes of it the standing says.
                    let _ = self.erase(Some(Erased::Removed)).await;
                    return;
                }
                Err(error) => {
                    self.set(State::Failed { problem: error.into() });
                    return self.try_again(number).await;
                }
            }
        }
    }

    /// What is stored could not be read or written. It may be that only room was missing: it is opened anew from time to time.
    async fn try_again(self: &Rc<Self>, number: u64) {
        let mut pause = FIRST_PAUSE;
        loop {
            BrowserClock.sleep(pause).await;
            if self.device_number.get() != number || self.find().await.is_ok() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn heard(&self, event: &Event) {
        if let Event::Connection { connection } = event {
            match connection {
                Connection::Online => self.connected(Connected::Online),
                Connection::Offline { .. } => self.connected(Connected::Offline),
                // What becomes of it `run` knows.
                Connection::Replaced | Connection::Removed => {}
            }
        }
        if let Event::Message { message } = event
            && message.id.author == message.chat
        {
            self.meet(message.chat);
        }
        self.tell(event);
    }

    fn connected(&self, now: Connected) {
        match &mut *self.state.borrow_mut() {
            State::Ready { connected, .. } if *connected != now => *connected = now,
            _ => return,
        }
        self.tell(&Notice::Standing { standing: self.standing() });
    }

    /// Erases everything here.
    pub(crate) async fn erase(&self, why: Option<Erased>) -> Result<(), Problem> {
        self.next_device();
        if let State::Ready { device, .. } = &*self.state.borrow() {
            device.stop();
        }
        match self.vault().erase(why.map_or("", Erased::name)).await {
            Ok(empty) => {
                *self.vault.borrow_mut() = Arc::new(empty);
                self.set(State::None { erased: why, problem: None });
                Ok(())
            }
            Err(error) => {
                let problem = Problem::from(error);
                self.set(State::Failed { problem: problem.clone() });
                Err(problem)
            }
        }
    }

    /// Takes the device out of its account, as `remove` does at the relay, and erases everything here; nothing if the relay
    /// refuses that.
    pub(crate) async fn leave(
        &self,
        why: Erased,
        remove: impl Future<Output = Result<(), client::Error>>,
    ) -> Result<(), Problem> {
        self.leaving.set(true);
        let removed = remove.await;
        self.leaving.set(false);
        match removed {
            // It was removed before.
            Ok(()) | Err(client::Error::Link(client::LinkError::Unauthorized)) => self.erase(Some(why)).await,
            Err(error) => Err(error.into()),
        }
    }

    fn must_be_empty(&self) -> Result<(), Problem> {
        match &*self.state.borrow() {
            State::None { .. } | State::Linking { .. } => Ok(()),
            State::Ready { .. } => Err(client::Error::AlreadyRegistered.into()),
            State::Failed { problem } => Err(problem.clone()),
        }
    }

    /// Registers a number.
    pub(crate) async fn register(
        self: &Rc<Self>,
        number: PhoneNumber,
        code: String,
        pin: Option<String>,
        device_name: String,
        name: Option<String>,
    ) -> Result<Standing, Problem> {
        self.must_be_empty()?;
        let registration = Registration { number, code, pin, device_name };
        let device = Device::register(self.edges(), registration).await?;
        self.begin(device.clone());
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            // The account is there whether or not this comes about; the name can be set again.
            let _ = device.set_profile(&Profile { name, ..Profile::default() }).await;
        }
        Ok(self.standing())
    }

    /// Shows a linking code, and waits for the primary.
    pub(crate) async fn begin_linking(self: &Rc<Self>, device_name: String) -> Result<Standing, Problem> {
        self.must_be_empty()?;
        let linking = Linking::begin(self.edges()).await?;
        let code = linking.url().to_owned();
        let inner = Rc::clone(self);
        let (joining, waiting) = futures_util::future::abortable(async move {
            let outcome = linking.finish(&device_name).await;
            // It is over: nothing is left to be stopped.
            match outcome {
                Ok(device) => {
                    inner.begin(device.clone());
                    let _ = device.profile_of(device.own().account).await;
                }
                Err(error) => inner.set(State::None { erased: None, problem: Some(error.into()) }),
            }
        });
        self.set(State::Linking { code, waiting });
        spawn_local(joining.map(drop));
        Ok(self.standing())
    }

    pub(crate) fn cancel_linking(&self) -> Standing {
        if matches!(&*self.state.borrow(), State::Linking { .. }) {
            self.set(State::None { erased: None, problem: None });
        }
        self.standing()
    }
}

impl Erased {
    const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Deleted => "deleted",
            Self::SignedOut => "signed_out",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Removed, Self::Deleted, Self::SignedOut].into_iter().find(|erased| erased.name() == name)
    }
}

/// A failure that a command cannot say better.
pub(crate) fn internal(what: &str) -> Problem {
    Problem::new(ProblemCode::Internal, what)
}
