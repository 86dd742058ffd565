//! What a host keeps, opened by a command: for imports and exports, beside hosts that run. Without listener, deliveries
//! and devices.

use std::sync::Arc;

use ::store::{
    Clock, Entropy,
    blobs::Blobs,
    bus::{Bus, LocalBus, NatsBus},
    jobs::Jobs,
    sql::{Database, migrations},
    writer::{Writer, WriterTasks},
};
use client::{NativeLink, NativeLinkOptions};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, HostError, MIGRATIONS, StartError,
    apps::Apps,
    businesses::Businesses,
    exports::Exports,
    ground::Ground,
    host::{MASTER_KEY, master_keys},
    imports::Imports,
    media::Media,
    messages::Messages,
    numbers::{Number, Numbers, running::Running},
    people::People,
    purposes::Gate,
    qr_codes::QrCodes,
    sealing::{KeyTasks, Keys, Owning},
    settings::Settings,
    templates::Templates,
    uploads::Uploads,
    webhooks::{Webhooks, address::SystemLookup},
};

/// What a host keeps.
#[derive(Debug)]
#[must_use = "nothing more is written when this is dropped"]
pub struct Offline {
    /// Businesses.
    pub businesses: Arc<Businesses>,
    /// Their numbers.
    pub numbers: Arc<Numbers>,
    /// Bringing chats in.
    pub imports: Arc<Imports>,
    /// Taking everything along.
    pub exports: Arc<Exports>,
    /// The keys under which all of it is sealed.
    pub sealing: Arc<Keys>,
    ground: Arc<Ground>,
    writer: WriterTasks,
    keys: KeyTasks,
}

impl Offline {
    /// Opens it. What is not there is not made: a folder without a host's key is another one than was meant.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        config.validate()?;
        if config.master_keys.is_empty() && !config.data.join(MASTER_KEY).exists() {
            let reason = format!("there is none in {}: no host keeps its data there", config.data.display());
            return Err(HostError::MasterKey(reason).into());
        }
        let options = NativeLinkOptions { multiplexed: true, ..NativeLinkOptions::default() };
        let link = Arc::new(NativeLink::new(&config.relay, options)?);
        let masters = master_keys(&config, &*entropy).await?;
        let database = Database::beside(&config.database()).await?;
        migrations::apply(&database, MIGRATIONS, clock.now()).await?;
        let bus: Arc<dyn Bus> = match &config.bus.nats {
            Some(location) => Arc::new(NatsBus::connect(location, &config.bus).await?),
            None => Arc::new(LocalBus::new(config.bus.capacity)),
        };
        let blobs = Blobs::open(&config.files(), entropy.clone()).await?;
        let (writer, tasks) = Writer::start(&database, &config.writer);
        let jobs = Jobs::new(bus.clone());
        let closing = CancellationToken::new();
        let ground = Arc::new(Ground { database, writer, bus, jobs, blobs, clock, entropy, closing, config });
        let (keys, key_tasks) = Keys::open(&ground, masters, Owning::Beside).await?;
        let gate = Gate::new(ground.clone(), keys.clone());
        let businesses = Businesses::new(ground.clone(), keys.clone(), gate.clone());
        let numbers = Numbers::new(ground.clone());
        let running = Running::new(ground.clone(), keys.clone(), numbers.clone(), businesses.clone(), link);
        let people = People::new(ground.clone(), gate.clone(), running.clone());
        let media = Media::new(ground.clone(), gate.clone());
        // Nothing is told: it is what messages stand on.
        let apps = Apps::new(ground.clone(), keys.clone());
        let webhooks =
            Webhooks::new(ground.clone(), keys.clone(), gate.clone(), apps, Arc::new(SystemLookup))?;
        let settings = Settings::new(ground.clone(), keys.clone());
        let messages = Messages::new(
            ground.clone(),
            gate.clone(),
            numbers.clone(),
            people.clone(),
            media.clone(),
            running,
            settings.clone(),
            webhooks.clone(),
        );
        let qr_codes = QrCodes::new(ground.clone(), keys.clone());
        let uploads = Uploads::new(ground.clone(), keys.clone());
        let sealing = keys.clone();
        let templates = Templates::new(ground.clone(), keys, webhooks, uploads);
        Ok(Self {
            imports: Imports::new(ground.clone(), gate.clone(), people.clone(), media.clone()),
            exports: Exports::new(
                ground.clone(),
                gate,
                numbers.clone(),
                people,
                messages,
                media,
                (settings, qr_codes, templates),
            ),
            businesses,
            numbers,
            ground,
            sealing,
            writer: tasks,
            keys: key_tasks,
        })
    }

    /// The number of a business that an id or the number itself names; without one, its only number.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` if it has several; those of the database.
    pub async fn number(
        &self,
        business: &crate::businesses::Business,
        named: Option<&str>,
    ) -> Result<Arc<Number>, HostError> {
        let mut numbers = self.numbers.of_waba(business.waba).await?;
        if let Some(named) = named {
            numbers.retain(|number| number.id.to_string() == named || number.number.as_str() == named);
        }
        match (numbers.pop(), numbers.is_empty()) {
            (Some(number), true) => Ok(Arc::new(number)),
            (None, _) => Err(HostError::NotFound("number of this business")),
            (Some(_), false) => Err(HostError::invalid("number", "the business has several: say which")),
        }
    }

    /// Writes what is left, and closes.
    pub async fn close(self) {
        self.ground.closing.cancel();
        self.writer.close().await;
        self.ground.database.close().await;
        self.keys.close().await;
    }
}
