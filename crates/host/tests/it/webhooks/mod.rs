//! Webhooks, taken by a real server.

mod delivery;
mod golden;
pub(crate) mod receiver;
mod refused;

use std::{collections::BTreeSet, io, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use host::{
    HostError,
    ground::Ground,
    ids::{AppId, BusinessId, MessageId, NumberId, UserId, WabaId},
    purposes::Gate,
    sealing::{Keys, MasterKey},
    webhooks::{About, Deliveries, Field, Secret, Secrets, Target, Webhooks, add, address::Lookup},
};
use store::Timestamp;

use self::receiver::Receiver;
use crate::stage::Stage;

#[derive(Debug)]
struct OneSecret;

#[async_trait]
impl Secrets for OneSecret {
    async fn of(&self, _app: AppId) -> Result<Secret, HostError> {
        Ok(Secret::new("the app's secret"))
    }
}

/// Leads every name here.
#[derive(Debug)]
struct Everywhere(IpAddr);

#[async_trait]
impl Lookup for Everywhere {
    async fn lookup(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![self.0])
    }
}

/// A business with a number and an app.
struct Business {
    ground: Arc<Ground>,
    webhooks: Arc<Webhooks>,
    gate: Arc<Gate>,
    business: BusinessId,
    waba: WabaId,
    number: NumberId,
    app: AppId,
}

fn over(ground: &Arc<Ground>, name: &str) -> (Arc<Gate>, Arc<Keys>, Arc<Webhooks>) {
    let keys = Keys::new(ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
    let gate = Gate::new(ground.clone(), keys.clone());
    let lookup = Arc::new(Everywhere(name.parse().unwrap()));
    let webhooks =
        Webhooks::new(ground.clone(), keys.clone(), gate.clone(), Arc::new(OneSecret), lookup).unwrap();
    (gate, keys, webhooks)
}

impl Business {
    async fn on(stage: &Stage) -> Self {
        let ground = stage.ground.clone();
        let (gate, keys, webhooks) = over(&ground, "127.0.0.1");
        let business = BusinessId::random(&*ground.entropy);
        keys.create(business).await.unwrap();
        let (waba, number) = (WabaId::random(&*ground.entropy), NumberId::random(&*ground.entropy));
        let app = AppId::random(&*ground.entropy);
        webhooks.subscribe(waba, app).await.unwrap();
        Self { ground, webhooks, gate, business, waba, number, app }
    }

    /// With a receiver for messages.
    async fn with_receiver(stage: &Stage) -> (Self, Receiver) {
        let business = Self::on(stage).await;
        let receiver = Receiver::start().await;
        business.listen(&receiver).await;
        (business, receiver)
    }

    async fn listen(&self, receiver: &Receiver) {
        let fields = BTreeSet::from([Field::Messages]);
        let of = (self.business, self.app);
        self.webhooks.set_app_callback(of, &receiver.url(), "verify me", &fields).await.unwrap();
        receiver.forget();
    }

    fn person(&self, number: u32) -> UserId {
        format!("DE.{}", 1000 + number).parse().unwrap()
    }

    /// `unique` from this person, saying itself.
    async fn happened(&self, unique: &[String], person: Option<u32>) {
        let mut events = Vec::new();
        for (place, unique) in unique.iter().enumerate() {
            let person = person.unwrap_or(u32::try_from(place).unwrap() % 100);
            let id = MessageId::random(self.number, Timestamp(1_700_000_000_000), &*self.ground.entropy);
            let value = serde_json::json!({"messages": [{"id": id, "text": {"body": unique}}]});
            let about = About {
                business: self.business,
                waba: self.waba,
                number: Some(self.number),
                person: Some(self.person(person)),
                field: Field::Messages,
                unique: unique.clone(),
            };
            events.push(self.webhooks.seal(about, &value).await.unwrap());
        }
        let written = self.ground.write(self.number.get(), move |transaction| {
            let events = events.clone();
            Box::pin(async move { add(transaction, events).await })
        });
        written.await.unwrap();
        self.webhooks.wake().await;
    }

    fn start(&self) -> Deliveries {
        self.webhooks.start()
    }

    /// Lets time pass, as the clock of the host says, and has everybody look again.
    async fn pass(&self, stage: &Stage, time: Duration) {
        stage.clock.advance(time);
        self.webhooks.wake().await;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }

    async fn waiting(&self) -> i64 {
        let mut reader = self.ground.reader().await.unwrap();
        store::sql::query("SELECT COUNT(*) FROM webhook_deliveries WHERE died IS NULL")
            .value(&mut reader)
            .await
            .unwrap()
            .unwrap()
    }

    /// Waits until nothing waits any more.
    async fn settled(&self) {
        for _ in 0..1000 {
            if self.waiting().await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} deliveries still wait", self.waiting().await);
    }

    const fn target(&self) -> Target {
        Target::App(self.app)
    }
}

fn names(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("m{number}")).collect()
}
