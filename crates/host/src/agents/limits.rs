//! How often may be tried to sign in: per account and per network, counted in the database, so that several processes count
//! together. An attempt is taken before it is made, and given back when it succeeds.

use std::{net::IpAddr, time::Duration};

use ::store::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Agents, store};
use crate::HostError;

/// A budget: so many at once, and then one more each.
#[derive(Debug, Clone, Copy)]
struct Budget {
    burst: i64,
    each: i64,
}

/// For one name, whether or not there is such an account.
const ACCOUNT: Budget = Budget { burst: 10, each: 60_000 };
/// For one network: an address, or what one subscriber has of IPv6.
const NETWORK: Budget = Budget { burst: 40, each: 10_000 };

/// What was taken, to be given back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    account: [u8; 32],
    network: Option<[u8; 32]>,
}

fn subject(kind: &str, bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(kind).chain_update([0]).chain_update(bytes).finalize().into()
}

impl Agents {
    /// Takes one attempt for a name (its hash) from a network.
    ///
    /// # Errors
    /// `Wait` if there are none left, and then none is taken; those of the database.
    pub(super) async fn attempt(&self, name: &[u8; 32], network: Option<IpAddr>) -> Result<Taken, HostError> {
        let taken = Taken {
            account: subject("account", name),
            network: network.map(|address| {
                let address = serve::network(address).to_string();
                subject("network", address.as_bytes())
            }),
        };
        let now = self.ground.now();
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move {
                // In one order, so that no two processes wait for each other.
                let mut subjects = vec![(taken.account, ACCOUNT)];
                subjects.extend(taken.network.map(|network| (network, NETWORK)));
                subjects.sort_unstable_by_key(|(subject, _)| *subject);
                let mut wait = 0;
                let mut next = Vec::new();
                for (subject, budget) in subjects {
                    let due =
                        store::due(transaction, &subject).await?.unwrap_or(now).0.max(now.0) + budget.each;
                    wait = wait.max(due - now.0 - budget.each * budget.burst);
                    next.push((subject, Timestamp(due)));
                }
                if wait > 0 {
                    let retry_after = Duration::from_millis(wait.unsigned_abs());
                    return Ok(Err(retry_after));
                }
                for (subject, due) in next {
                    store::set_due(transaction, &subject, due).await?;
                }
                Ok(Ok(()))
            })
        });
        match written.await? {
            Ok(()) => Ok(taken),
            Err(retry_after) => Err(HostError::Wait { retry_after }),
        }
    }

    /// It succeeded: the account's attempts are forgotten, the network has one back.
    pub(super) async fn succeeded(&self, taken: Taken) -> Result<(), HostError> {
        let now = self.ground.now();
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move {
                store::set_due(transaction, &taken.account, now).await?;
                if let Some(network) = taken.network
                    && let Some(due) = store::due(transaction, &network).await?
                {
                    store::set_due(transaction, &network, Timestamp(due.0 - NETWORK.each)).await?;
                }
                Ok(store::forget_due(transaction, now).await?)
            })
        });
        written.await
    }
}
