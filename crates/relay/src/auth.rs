//! Who asks. The one place where credentials are read and checked.
//!
//! A handler that takes a [`Caller`] is for devices, one that takes a [`Primary`] for primary devices, an [`Owner`] for
//! businesses, a [`Host`] for who hosts them, an [`Operator`] for the operator; what needs no credential takes none.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::{FromRef, FromRequestParts};
use http::{
    HeaderMap,
    header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, UPGRADE},
    request::Parts,
};
use serve::Peer;
use sha2::{Digest as _, Sha256};
use store::{
    StoreError, Timestamp,
    sql::Transaction,
    writer::{Lane, LaneHandle},
};
use subtle::ConstantTimeEq as _;
use wire::{AccountId, BusinessId, Credential, DeviceId, Party, Token};

use crate::{
    RelayError, businesses,
    devices::{self, DeviceKey},
    edge::Address,
    ground::Ground,
    hosting,
    limits::{Asker, Buckets, Speaker, network},
    operator,
};

/// The subprotocol that the relay's socket speaks.
pub const SUBPROTOCOL: &str = "tradepost.v1";
const TOKEN_SUBPROTOCOL: &str = "tradepost.token.";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A device with a good credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Its account.
    pub account: AccountId,
    /// Its number.
    pub device: DeviceId,
    /// Its row.
    pub key: DeviceKey,
    /// Whether its account is a business's, which may not write to everybody.
    pub hosted: bool,
}

/// The primary device of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Primary(pub Caller);

/// A business, by its own credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(pub BusinessId);

/// Who hosts businesses: one that hosts itself, a vendor, or the operator. What it may is another question.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Who.
    pub party: Party,
    /// The hash of the secret that was shown.
    pub hash: [u8; 32],
}

/// The operator, by the operator's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator;

/// Checks credentials.
#[derive(Debug)]
pub struct Credentials {
    ground: Arc<Ground>,
    seen: LaneHandle<Seen>,
    requests: Buckets<AccountId>,
    parties: Buckets<Party>,
    wrong: Buckets<std::net::IpAddr>,
}

impl Credentials {
    /// Checks them against this ground's devices.
    #[must_use]
    pub fn new(ground: Arc<Ground>) -> Arc<Self> {
        let limits = &ground.config.limits;
        let requests = Buckets::new(limits.requests, limits.remembered, ground.clock.clone());
        let parties = Buckets::new(limits.requests, limits.remembered, ground.clock.clone());
        let wrong = Buckets::new(limits.wrong_credentials, limits.remembered, ground.clock.clone());
        Arc::new(Self { seen: ground.writer.lane(Seen), requests, parties, wrong, ground })
    }

    /// Whose token this is. That its device was online today is noted, without waiting for it.
    ///
    /// # Errors
    /// `Unauthorized`; those of the database.
    pub async fn verify(&self, token: &Token) -> Result<Caller, RelayError> {
        let mut reader = self.ground.reader().await?;
        let known = devices::credential(&mut reader, token.account, token.device).await?;
        drop(reader);
        let Some(known) = known else { return Err(RelayError::Unauthorized) };
        if !bool::from(hash(&token.secret).ct_eq(&known.token_hash)) {
            return Err(RelayError::Unauthorized);
        }
        let key = DeviceKey(known.key);
        let today = day(self.ground.now());
        if known.last_seen_day < today {
            // Not noted now, it is with the next request.
            let _ = self.seen.hand_in((key, today), drop);
        }
        Ok(Caller { account: token.account, device: token.device, key, hosted: known.hosted })
    }

    async fn caller(&self, parts: &Parts) -> Result<Caller, RelayError> {
        let verified = match presented(&parts.headers) {
            Some(token) => self.verify(&token).await,
            None => Err(RelayError::Unauthorized),
        };
        let caller = self.admitted(parts, verified, "the token of a device of an account").await?;
        self.heard(parts, Speaker::Device(caller.key)).await?;
        self.requests.take(&caller.account)?;
        Ok(caller)
    }

    /// Who showed a good credential is no stranger; who showed another one may not do so too often.
    async fn admitted<T>(
        &self,
        parts: &Parts,
        verified: Result<T, RelayError>,
        needed: &'static str,
    ) -> Result<T, RelayError> {
        match verified {
            Ok(good) => {
                if let Some(peer) = parts.extensions.get::<Peer>() {
                    peer.admit();
                }
                Ok(good)
            }
            Err(RelayError::Unauthorized) => {
                let address = parts.extensions.get::<Address>().map(|Address(address)| network(*address));
                let taken = address.map_or(Ok(()), |address| self.wrong.take(&address));
                self.ground.nonsense.held_back(taken).await?;
                let shown = parts.headers.contains_key(AUTHORIZATION) || presented(&parts.headers).is_some();
                let lacking = if shown { RelayError::WrongCredential } else { RelayError::NoCredential };
                Err(lacking(needed))
            }
            Err(error) => Err(error),
        }
    }

    /// Now it is known who asks; who said too much nonsense is not heard.
    async fn heard(&self, parts: &Parts, speaker: Speaker) -> Result<(), RelayError> {
        if let Some(asker) = parts.extensions.get::<Asker>() {
            asker.is(speaker);
        }
        Ok(self.ground.nonsense.hear(speaker).await?)
    }

    /// Whose credential, of a business or a host, a request shows.
    async fn party(
        &self,
        parts: &Parts,
        wanted: fn(Party) -> bool,
        needed: &'static str,
    ) -> Result<Host, RelayError> {
        let verified = match bearer(&parts.headers).and_then(|text| text.parse::<Credential>().ok()) {
            Some(credential) if wanted(credential.party) => self.verify_party(&credential).await,
            _ => Err(RelayError::Unauthorized),
        };
        let host = self.admitted(parts, verified, needed).await?;
        self.heard(parts, Speaker::Party(host.party)).await?;
        self.parties.take(&host.party)?;
        Ok(host)
    }

    async fn verify_party(&self, credential: &Credential) -> Result<Host, RelayError> {
        let mut reader = self.ground.reader().await?;
        let kept = match credential.party {
            Party::Business(business) => businesses::credential_hash(&mut reader, business).await?,
            Party::OwnHost(business) => businesses::host_hash(&mut reader, business).await?,
            Party::Vendor(vendor) => {
                let vendor = operator::store::vendor(&mut reader, vendor).await?;
                vendor.map(|vendor| vendor.credential_hash)
            }
            Party::OperatorHost => hosting::operator_hash(&mut reader).await?,
        };
        let shown = hash(&credential.secret);
        let good = kept.is_some_and(|kept| shown.ct_eq(&kept).into());
        if good { Ok(Host { party: credential.party, hash: shown }) } else { Err(RelayError::Unauthorized) }
    }
}

/// What stands in `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the operator's token is shown.
pub(crate) fn is_operator(ground: &Ground, headers: &HeaderMap) -> bool {
    let Some(wanted) = &ground.config.operator.token else { return false };
    let shown = bearer(headers).unwrap_or_default();
    // Hashes have one length, whatever was shown.
    hash(shown.as_bytes()).ct_eq(&hash(wanted.expose().as_bytes())).into()
}

/// The token that a request shows: in `Authorization`, or, for a socket from a browser, among the subprotocols.
fn presented(headers: &HeaderMap) -> Option<Token> {
    if headers.contains_key(AUTHORIZATION) {
        return bearer(headers)?.parse().ok();
    }
    let upgrade = headers.get(UPGRADE)?.to_str().ok()?;
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return None;
    }
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let mut offered = offered.flat_map(|value| value.split(',')).map(str::trim);
    offered.find_map(|protocol| protocol.strip_prefix(TOKEN_SUBPROTOCOL)?.parse().ok())
}

impl<S> FromRequestParts<S> for Caller
where
    Arc<Credentials>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RelayError> {
        Arc::<Credentials>::from_ref(state).caller(parts).await
    }
}

impl<S> FromRequestParts<S> for Primary
where
    Arc<Credentials>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RelayError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.device != DeviceId::PRIMARY {
            return Err(RelayError::Forbidden("only the primary device may do this"));
        }
        Ok(Self(caller))
    }
}

impl<S> FromRequestParts<S> for Owner
where
    Arc<Credentials>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RelayError> {
        let credentials = Arc::<Credentials>::from_ref(state);
        let needed = "a business's own credential (tpb1_…, from `tradepost business apply`)";
        match credentials.party(parts, |party| matches!(party, Party::Business(_)), needed).await?.party {
            Party::Business(business) => Ok(Self(business)),
            _ => Err(RelayError::Unauthorized),
        }
    }
}

impl<S> FromRequestParts<S> for Host
where
    Arc<Credentials>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RelayError> {
        let credentials = Arc::<Credentials>::from_ref(state);
        let needed = "the credential of who hosts the business (tph1_…, tpv1_… or tpo1_…)";
        credentials.party(parts, |party| !matches!(party, Party::Business(_)), needed).await
    }
}

impl<S> FromRequestParts<S> for Operator
where
    Arc<Credentials>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RelayError> {
        let credentials = Arc::<Credentials>::from_ref(state);
        let good = is_operator(&credentials.ground, &parts.headers);
        let verified = if good { Ok(Self) } else { Err(RelayError::Unauthorized) };
        let needed = "the operator's token (operator.token in the relay's data folder)";
        let operator = credentials.admitted(parts, verified, needed).await?;
        credentials.heard(parts, Speaker::Operator).await?;
        Ok(operator)
    }
}

/// What the relay keeps of a secret. It is random, so that one pass suffices.
#[must_use]
pub fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// The first millisecond of the day.
#[must_use]
pub fn day(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0.rem_euclid(DAY_MS))
}

/// Notes on which day devices were online.
#[derive(Debug)]
struct Seen;

impl Lane for Seen {
    type Item = (DeviceKey, Timestamp);
    type Output = ();

    async fn apply(
        &self,
        transaction: &mut Transaction,
        items: &[(DeviceKey, Timestamp)],
    ) -> Result<Vec<()>, StoreError> {
        let mut days: BTreeMap<Timestamp, Vec<DeviceKey>> = BTreeMap::new();
        for (key, day) in items {
            days.entry(*day).or_default().push(*key);
        }
        for (day, mut keys) in days {
            // In one order on all nodes, so that none waits for another in a circle.
            keys.sort_unstable();
            keys.dedup();
            devices::seen(transaction, &keys, day).await?;
        }
        Ok(items.iter().map(|_| ()).collect())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn token() -> Token {
        Token { account: AccountId::from_bytes([1; 16]), device: DeviceId::PRIMARY, secret: [2; 32] }
    }

    #[test]
    fn a_browser_shows_its_token_among_the_subprotocols_of_a_socket_only() {
        let mut headers = HeaderMap::new();
        let offered = format!("{SUBPROTOCOL}, {TOKEN_SUBPROTOCOL}{}", token().expose());
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_str(&offered).unwrap());
        assert_eq!(presented(&headers), None);
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        assert_eq!(presented(&headers), Some(token()));
    }

    #[test]
    fn anything_but_a_bearer_token_is_nothing() {
        let good = format!("Bearer {}", token().expose());
        for (value, expected) in [
            (&good[..], Some(token())),
            ("Bearer", None),
            ("Basic x", None),
            ("Bearer tp1_x", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            assert_eq!(presented(&headers), expected, "{value}");
        }
    }
}
