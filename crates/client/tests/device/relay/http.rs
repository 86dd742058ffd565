//! Its HTTP.
#![expect(clippy::result_large_err, reason = "a relay in a test may be slow")]

use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use client::{
    Clock as _, LinkError,
    link::{HttpRequest, HttpResponse, ResponseBody},
};
use serde::{Serialize, de::DeserializeOwned};
use wire::{AccountId, Base64, DeviceId, ErrorCode, Token, api::*};

use super::{Account, Blob, Device, Relay, State};
use crate::world::TestClock;

type Answer = Result<(u16, Vec<(String, String)>, Bytes), ErrorDetail>;

fn ok(body: &impl Serialize) -> Answer {
    Ok((200, Vec::new(), serde_json::to_vec(body).unwrap().into()))
}

fn done() -> Answer {
    Ok((204, Vec::new(), Bytes::new()))
}

fn no(code: ErrorCode) -> ErrorDetail {
    ErrorDetail::new(code, "no")
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ErrorDetail> {
    serde_json::from_slice(body).map_err(|_| no(ErrorCode::InvalidRequest))
}

/// A body that breaks off.
struct Cut(Option<Bytes>);

#[async_trait]
impl ResponseBody for Cut {
    async fn next(&mut self) -> Result<Option<Bytes>, LinkError> {
        self.0.take().map(Some).ok_or(LinkError::Unreachable("cut".into()))
    }
}

impl Relay {
    pub(crate) async fn answer(&self, request: HttpRequest, clock: &TestClock, cut: u64) -> HttpResponse {
        let path = request.path.clone();
        if let Some(id) = path.strip_prefix("/v1/provisioning/").filter(|_| request.method == "GET") {
            let id = id.split('?').next().unwrap();
            let waited = tokio::time::timeout(Duration::from_secs(25), async {
                while matches!(self.state().provisioning.get(id), Some(None)) {
                    self.provisioned.notified().await;
                }
            });
            if waited.await.is_err() {
                return HttpResponse { status: 204, headers: Vec::new(), body: Box::new(None) };
            }
        }
        let is_blob = path.starts_with("/v1/blobs/") && request.method == "GET";
        let (status, headers, body) = match self.state().answer(&request, clock.now()) {
            Ok(answer) => answer,
            Err(error) => {
                let status = error.code.status();
                (status, Vec::new(), serde_json::to_vec(&ErrorBody { error }).unwrap().into())
            }
        };
        self.provisioned.notify_waiters();
        if is_blob && cut > 0 && body.len() as u64 > cut {
            let body = body.slice(..usize::try_from(cut).unwrap());
            return HttpResponse { status, headers, body: Box::new(Cut(Some(body))) };
        }
        HttpResponse { status, headers, body: Box::new(Some(body)) }
    }
}

impl State {
    fn answer(&mut self, request: &HttpRequest, now: u64) -> Answer {
        let path = request.path.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let body = &request.body[..];
        let who = request.token.as_deref().and_then(|token| self.by_token(token));
        if request.token.is_some() && who.is_none() {
            return Err(no(ErrorCode::Unauthorized));
        }
        match (request.method, &parts[..]) {
            ("POST", ["registration", "codes"]) => {
                read::<RequestCode>(body)?;
                ok(&CodeRequested { expires_in_ms: 600_000, retry_after_ms: 60_000 })
            }
            ("GET", ["dev", "codes", _]) => ok(&DevCode { code: "123456".into() }),
            ("POST", ["registration"]) => self.register(read(body)?),
            ("POST", ["provisioning"]) => {
                let id = format!("channel-{}", self.next());
                self.provisioning.insert(id.clone(), None);
                ok(&Provisioning { id, expires_in_ms: 600_000 })
            }
            ("GET", ["provisioning", id]) => match self.provisioning.remove(*id) {
                Some(Some(message)) => ok(&ProvisioningMessage { message }),
                Some(None) => unreachable!("it was waited for"),
                None => Err(no(ErrorCode::NotFound)),
            },
            ("POST", ["devices"]) => self.link(read(body)?),
            (method, parts) => {
                let (account, device) = who.ok_or(no(ErrorCode::Unauthorized))?;
                self.answer_device(method, parts, request, account, device, now)
            }
        }
    }

    fn register(&mut self, request: Register) -> Answer {
        if request.code != "123456" {
            return Err(ErrorDetail { tries_left: Some(4), ..no(ErrorCode::CodeWrong) });
        }
        let number = request.number.to_string();
        let found = self.accounts.iter().find(|(_, account)| account.number == number);
        if let Some((_, account)) = found
            && account.pin.is_some()
            && account.pin != request.pin
        {
            return Err(ErrorDetail { tries_left: Some(9), ..no(ErrorCode::RegistrationLocked) });
        }
        let found = found.map(|(id, _)| *id);
        let n = self.next();
        let account = found.unwrap_or_else(|| AccountId::from_random([n.to_be_bytes()[7]; 16]));
        if let Some(old) = self.accounts.get_mut(&account) {
            old.devices.values_mut().for_each(|device| device.close(4004));
        }
        let identity = request.device.identity_key.clone();
        let (token, device) = new_device(account, DeviceId::PRIMARY, request.device, n);
        let devices = [(DeviceId::PRIMARY, device)].into();
        let blocked = Default::default();
        let new = Account { number, identity, devices, profile: None, blocked, pin: None };
        self.accounts.insert(account, new);
        ok(&Registered { account, device: DeviceId::PRIMARY, token, number: request.number })
    }

    fn link(&mut self, request: LinkDevice) -> Answer {
        let account = self.linking_codes.remove(&request.code).ok_or(no(ErrorCode::CodeWrong))?;
        let n = self.next();
        let found = self.accounts.get_mut(&account).unwrap();
        assert_eq!(found.identity, request.device.identity_key);
        let free = (2..).find(|id| !found.devices.contains_key(&DeviceId::try_from(*id).unwrap())).unwrap();
        let id = DeviceId::try_from(free).unwrap();
        let (token, device) = new_device(account, id, request.device, n);
        found.devices.insert(id, device);
        ok(&Registered { account, device: id, token, number: found.number.parse().unwrap() })
    }

    fn answer_device(
        &mut self,
        method: &str,
        parts: &[&str],
        request: &HttpRequest,
        account: AccountId,
        device: DeviceId,
        now: u64,
    ) -> Answer {
        let body = &request.body[..];
        let own = self.accounts.get_mut(&account).unwrap();
        match (method, parts) {
            ("POST", ["devices", "codes"]) => {
                let code = format!("link-{}", self.next());
                self.linking_codes.insert(code.clone(), account);
                ok(&LinkingCode { code, expires_in_ms: 120_000 })
            }
            ("PUT", ["provisioning", id]) => {
                let channel = self.provisioning.get_mut(*id).ok_or(no(ErrorCode::NotFound))?;
                *channel = Some(read::<Provision>(body)?.message);
                done()
            }
            ("GET", ["devices"]) => {
                let devices = own.devices.iter().map(|(id, device)| wire::api::Device {
                    id: *id,
                    name: device.name.clone(),
                    created: 1,
                    last_seen: 1,
                });
                ok(&Devices { devices: devices.collect() })
            }
            ("DELETE", ["devices", id]) => {
                let mut removed = own.devices.remove(&id.parse().unwrap()).ok_or(no(ErrorCode::NotFound))?;
                removed.close(4004);
                done()
            }
            ("PUT", ["account", "registration-lock"]) => {
                own.pin = Some(read::<SetRegistrationLock>(body)?.pin);
                done()
            }
            ("DELETE", ["account", "registration-lock"]) => {
                own.pin = None;
                done()
            }
            ("DELETE", ["account"]) => {
                own.devices.values_mut().for_each(|device| device.close(4004));
                self.accounts.remove(&account);
                done()
            }
            ("PUT", ["profile"]) => {
                own.profile = Some(read::<SetProfile>(body)?.profile);
                done()
            }
            ("GET", ["accounts", other, "profile"]) => {
                let found = self.accounts.get(&other.parse().unwrap()).ok_or(no(ErrorCode::NotFound))?;
                ok(&Profile { profile: found.profile.clone().ok_or(no(ErrorCode::NotFound))? })
            }
            ("POST", ["accounts", "lookup"]) => {
                let asked: Lookup = read(body)?;
                let found = self.accounts.iter().filter_map(|(id, account)| {
                    let number = asked.numbers.iter().find(|number| number.as_str() == account.number)?;
                    Some(FoundAccount { number: number.clone(), account: *id })
                });
                ok(&Found { accounts: found.collect() })
            }
            ("GET", ["blocks"]) => ok(&Blocks { accounts: own.blocked.iter().copied().collect() }),
            ("PUT", ["blocks", other]) => {
                own.blocked.insert(other.parse().unwrap());
                done()
            }
            ("DELETE", ["blocks", other]) => {
                own.blocked.remove(&other.parse().unwrap());
                done()
            }
            ("GET", ["keys"]) => {
                let device = &own.devices[&device];
                let count = |count: usize| u32::try_from(count).unwrap();
                ok(&KeyCounts {
                    one_time_prekeys: count(device.one_time.len()),
                    one_time_kem_prekeys: count(device.one_time_kem.len()),
                })
            }
            ("PUT", ["keys"]) => {
                let keys: UploadKeys = read(body)?;
                let device = own.devices.get_mut(&device).unwrap();
                device.one_time.extend(keys.one_time_prekeys);
                device.one_time_kem.extend(keys.one_time_kem_prekeys);
                keys.signed_prekey.into_iter().for_each(|key| device.signed = key);
                keys.last_resort_kem_prekey.into_iter().for_each(|key| device.last_resort = key);
                done()
            }
            ("GET", ["accounts", other, "keys"]) => {
                let found = self.accounts.get_mut(&other.parse().unwrap()).ok_or(no(ErrorCode::NotFound))?;
                let devices = found.devices.iter_mut().map(|(id, device)| bundle(*id, device)).collect();
                let declaration = self.labels.served.get(&other.parse().unwrap()).cloned();
                ok(&Bundles { identity_key: found.identity.clone(), devices, declaration })
            }
            ("GET", ["labels", "key"]) => ok(&self.labels.key().ok_or(no(ErrorCode::NotFound))?),
            ("GET", ["accounts", other, "declaration"]) => {
                self.labels.asked += 1;
                let served = self.labels.served.get(&other.parse().unwrap()).cloned();
                ok(&DeclarationOf { declaration: served.ok_or(no(ErrorCode::NotFound))? })
            }
            ("POST", ["account", "number-proof"]) => {
                let asked: ProveNumber = read(body)?;
                if !self.labels.served.contains_key(&asked.account) {
                    return Err(no(ErrorCode::NotFound));
                }
                ok(&NumberShown { proof: Base64(asked.account.as_bytes().repeat(4)) })
            }
            ("GET", ["accounts", other, "keys", id]) => {
                let found = self.accounts.get_mut(&other.parse().unwrap()).ok_or(no(ErrorCode::NotFound))?;
                let id: DeviceId = id.parse().unwrap();
                let device = found.devices.get_mut(&id).ok_or(no(ErrorCode::NotFound))?;
                ok(&Bundles {
                    identity_key: found.identity.clone(),
                    devices: vec![bundle(id, device)],
                    declaration: self.labels.served.get(&other.parse().unwrap()).cloned(),
                })
            }
            ("POST", ["blobs"]) => {
                let begun: BeginBlob = read(body)?;
                let id = format!("blob-{}", self.next());
                self.blobs.insert(id.clone(), Blob { size: begun.size, bytes: Vec::new() });
                let answer = BlobBegun { id, expires: now + 1 };
                Ok((201, Vec::new(), serde_json::to_vec(&answer).unwrap().into()))
            }
            (_, ["blobs", id]) => self.blob(method, id, request),
            other => panic!("no route for {other:?}"),
        }
    }

    fn blob(&mut self, method: &str, id: &str, request: &HttpRequest) -> Answer {
        let header =
            |name: &str| request.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value);
        let blob = self.blobs.get_mut(id).ok_or(no(ErrorCode::NotFound))?;
        let offset = vec![("upload-offset".to_owned(), blob.bytes.len().to_string())];
        match method {
            "HEAD" => Ok((200, offset, Bytes::new())),
            "PATCH" if self.busy > 0 => {
                self.busy -= 1;
                Err(no(ErrorCode::Conflict))
            }
            "PATCH" => {
                if header("upload-offset").unwrap() != &blob.bytes.len().to_string() {
                    return Err(ErrorDetail {
                        offset: Some(blob.bytes.len() as u64),
                        ..no(ErrorCode::WrongOffset)
                    });
                }
                blob.bytes.extend_from_slice(&request.body);
                assert!(blob.bytes.len() as u64 <= blob.size);
                let offset = vec![("upload-offset".to_owned(), blob.bytes.len().to_string())];
                Ok((204, offset, Bytes::new()))
            }
            "GET" => match header("range") {
                Some(range) => {
                    let from: usize =
                        range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
                    Ok((206, Vec::new(), Bytes::copy_from_slice(&blob.bytes[from..])))
                }
                None => Ok((200, Vec::new(), Bytes::copy_from_slice(&blob.bytes))),
            },
            "DELETE" => {
                self.blobs.remove(id);
                done()
            }
            other => panic!("no method {other}"),
        }
    }
}

fn new_device(account: AccountId, id: DeviceId, new: NewDevice, n: u64) -> (String, Device) {
    let token = Token { account, device: id, secret: [n.to_be_bytes()[7]; 32] }.expose();
    let identity = keys::PublicKey::from_bytes(&new.identity_key.0).unwrap();
    let signed = |key: &SignedKey| {
        let signature = keys::Signature::from_bytes(&key.signature.0).unwrap();
        identity.verify(&key.public_key.0, &signature).unwrap();
    };
    signed(&new.signed_prekey);
    signed(&new.last_resort_kem_prekey);
    new.one_time_kem_prekeys.iter().for_each(signed);
    let device = Device {
        name: new.name,
        registration_id: new.registration_id,
        token: token.clone(),
        signed: new.signed_prekey,
        last_resort: new.last_resort_kem_prekey,
        one_time: VecDeque::from(new.one_time_prekeys),
        one_time_kem: VecDeque::from(new.one_time_kem_prekeys),
        queue: VecDeque::new(),
        accepted: Default::default(),
        socket: None,
    };
    (token, device)
}

fn bundle(id: DeviceId, device: &mut Device) -> Bundle {
    Bundle {
        device: id,
        registration_id: device.registration_id,
        signed_prekey: device.signed.clone(),
        one_time_prekey: device.one_time.pop_front(),
        kem_prekey: device.one_time_kem.pop_front().unwrap_or_else(|| device.last_resort.clone()),
    }
}
