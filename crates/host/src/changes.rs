//! What another process changed is read again here: revoked tokens, erased keys, other instructions.

use std::sync::Arc;

use ::store::bus::{Signal, Subscription};
use tokio::task::JoinHandle;

use crate::{
    apps::Apps, businesses::Businesses, ground::Ground, ids::BusinessId, numbers::Numbers, people::People,
    purposes::Gate, sealing::Keys,
};

/// How long until a lost bus is listened to again. What was read lasts only seconds meanwhile.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Everything in memory that another process may have changed.
#[derive(Debug)]
pub struct Changes {
    /// Where it is told.
    pub ground: Arc<Ground>,
    /// Tokens.
    pub apps: Arc<Apps>,
    /// Keys.
    pub keys: Arc<Keys>,
    /// Instructions.
    pub gate: Arc<Gate>,
    /// Businesses.
    pub businesses: Arc<Businesses>,
    /// Numbers.
    pub numbers: Arc<Numbers>,
    /// People, who are read for a purpose.
    pub people: Arc<People>,
}

impl Changes {
    /// Follows until the host goes down. When this returns, nothing that is changed from then on is missed.
    pub async fn follow(self) -> JoinHandle<()> {
        let mut subscription = self.ground.changes().await.ok();
        tokio::spawn(async move {
            let closing = self.ground.closing.clone();
            let following = async {
                loop {
                    match &mut subscription {
                        Some(subscription) => self.hear(subscription).await,
                        None => {
                            tokio::time::sleep(AGAIN).await;
                            subscription = self.ground.changes().await.ok();
                            self.forget_all();
                        }
                    }
                }
            };
            tokio::select! {
                () = closing.cancelled() => {}
                () = following => {}
            }
        })
    }

    async fn hear(&self, subscription: &mut Subscription) {
        let business = match subscription.next().await {
            Signal::Message(bytes) => std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()),
            Signal::Lagged => None,
        };
        match business {
            Some(business) => self.forget(business),
            None => self.forget_all(),
        }
    }

    fn forget(&self, business: BusinessId) {
        self.keys.forget(business);
        self.gate.forget(business);
        self.businesses.forget(business);
        // Whose they are is known only by reading them.
        self.apps.forget();
        self.numbers.forget_all();
        self.people.forget_all();
    }

    fn forget_all(&self) {
        self.keys.forget_all();
        self.gate.forget_all();
        self.businesses.forget_all();
        self.apps.forget();
        self.numbers.forget_all();
        self.people.forget_all();
    }
}
