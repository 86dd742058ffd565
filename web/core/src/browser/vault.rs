use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
};

use async_trait::async_trait;
use client::{
    Vault, VaultError,
    vault::{Change, Order, Record, Space},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use js_sys::{Array, Uint8Array};
use sha2::Sha256;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use super::thrown;

#[wasm_bindgen]
extern "C" {
    /// `Database` of `database.ts`.
    #[derive(Clone)]
    pub type Database;

    #[wasm_bindgen(method)]
    fn naming(this: &Database) -> Uint8Array;

    #[wasm_bindgen(method, catch)]
    async fn load(this: &Database, name: Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn scan(
        this: &Database,
        space: u8,
        owner: Option<Uint8Array>,
        from: f64,
        upwards: bool,
        limit: f64,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn save(this: &Database, changes: Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn count(this: &Database, space: u8) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn erase(this: &Database, why: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn erased(this: &Database) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn file(this: &Database, name: Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn keep(this: &Database, name: Uint8Array, file: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn files(this: &Database) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = forgetFiles)]
    async fn forget_files(this: &Database) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn room(this: &Database) -> Result<JsValue, JsValue>;
}

/// The kind of records that a browser alone keeps: what is said of chats. Those of `client` have lower numbers.
const LOCAL: u8 = 200;
/// What hides the name of a file.
const FILE: u8 = 201;

/// Positions are whole numbers in JavaScript up to this.
const FURTHEST: u64 = (1 << 53) - 1;

/// What is looked at all the time stays here: records of these kinds, while they are together no longer than this.
const REMEMBERED: &[Space] =
    &[Space::Own, Space::Upkeep, Space::Peer, Space::Session, Space::Chat, Space::Label, Space::LabelKey];
const REMEMBERED_BYTES: usize = 8 << 20;

type Name = (Space, Vec<u8>);

#[derive(Default)]
struct Memory {
    records: BTreeMap<Name, Option<(u64, Zeroizing<Vec<u8>>)>>,
    bytes: usize,
}

impl Memory {
    fn remember(&mut self, name: Name, record: Option<(u64, Zeroizing<Vec<u8>>)>) {
        if !REMEMBERED.contains(&name.0) {
            return;
        }
        let room = |record: &Option<(u64, Zeroizing<Vec<u8>>)>| {
            64 + name.1.len() + record.as_ref().map_or(0, |(_, value)| value.len())
        };
        let before = self.records.get(&name).map_or(0, room);
        self.bytes = self.bytes + room(&record) - before;
        if self.bytes > REMEMBERED_BYTES {
            *self = Self::default();
            return;
        }
        self.records.insert(name, record);
    }
}

/// A vault on IndexedDB.
pub(crate) struct BrowserVault {
    database: Database,
    naming: Zeroizing<Vec<u8>>,
    memory: RefCell<Memory>,
    /// Erased: whoever still has it reads and writes nothing any more.
    closed: Cell<bool>,
}

impl fmt::Debug for BrowserVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserVault").finish_non_exhaustive()
    }
}

impl BrowserVault {
    pub(crate) fn new(database: Database) -> Self {
        let naming = Zeroizing::new(database.naming().to_vec());
        Self { database, naming, memory: RefCell::default(), closed: Cell::default() }
    }

    fn hidden(&self, what: u8, space: u8, name: &[u8]) -> Uint8Array {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.naming) else {
            return Uint8Array::new_with_length(0);
        };
        let hidden = mac.chain_update([what, space]).chain_update(name).finalize().into_bytes();
        Uint8Array::from(&hidden[..])
    }

    fn name(&self, space: u8, key: &[u8]) -> Uint8Array {
        self.hidden(1, space, key)
    }

    fn put(
        &self,
        space: u8,
        key: &[u8],
        owner: &[u8],
        position: u64,
        value: &[u8],
    ) -> Result<Array, VaultError> {
        if position > FURTHEST {
            return Err(VaultError::Unavailable("a position is too high".to_owned()));
        }
        let len = u32::try_from(key.len()).map_err(|_| VaultError::Damaged)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(4 + key.len() + value.len()));
        plain.extend_from_slice(&len.to_be_bytes());
        plain.extend_from_slice(key);
        plain.extend_from_slice(value);
        let owner = self.hidden(2, space, owner);
        Ok(Array::of5(
            &JsValue::from(space),
            &self.name(space, key),
            &owner,
            &JsValue::from(number(position)),
            &Uint8Array::from(plain.as_slice()),
        ))
    }

    fn open(&self) -> Result<(), VaultError> {
        if self.closed.get() { Err(VaultError::Unavailable("it was erased".to_owned())) } else { Ok(()) }
    }

    async fn write(&self, changes: Array) -> Result<(), VaultError> {
        self.open()?;
        self.database.save(changes).await.map(drop).map_err(failed)
    }

    async fn read(&self, name: Uint8Array) -> Result<Option<Record>, VaultError> {
        self.open()?;
        let found = self.database.load(name).await.map_err(failed)?;
        if found.is_undefined() { Ok(None) } else { record(&found).map(Some) }
    }

    /// What this browser alone keeps of something.
    pub(crate) async fn local(&self, key: &[u8]) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(self.read(self.name(LOCAL, key)).await?.map(|record| record.value.to_vec()))
    }

    /// All that this browser alone keeps, at most so much.
    pub(crate) async fn locals(&self, limit: u32) -> Result<Vec<Record>, VaultError> {
        let rows = self.database.scan(LOCAL, None, -1.0, true, f64::from(limit)).await.map_err(failed)?;
        records(rows)
    }

    pub(crate) async fn set_local(&self, key: &[u8], value: &[u8]) -> Result<(), VaultError> {
        let row = self.put(LOCAL, key, &[], 0, value)?;
        self.write(Array::of1(&row)).await
    }

    pub(crate) async fn forget_local(&self, key: &[u8]) -> Result<(), VaultError> {
        self.write(Array::of1(&Array::of1(&self.name(LOCAL, key)))).await
    }

    pub(crate) async fn count(&self, space: Space) -> Result<u64, VaultError> {
        let count = self.database.count(space as u8).await.map_err(failed)?;
        Ok(whole_number(count.as_f64().unwrap_or_default()))
    }

    /// Erases everything, and gives the vault that is there now: empty, under another key. It says why to whoever asks; with
    /// nothing to say nothing is said.
    pub(crate) async fn erase(&self, why: &str) -> Result<Self, VaultError> {
        self.closed.set(true);
        *self.memory.borrow_mut() = Memory::default();
        self.database.erase(why).await.map_err(failed)?;
        Ok(Self::new(self.database.clone()))
    }

    pub(crate) async fn erased(&self) -> Result<Option<String>, VaultError> {
        Ok(self.database.erased().await.map_err(failed)?.as_string())
    }

    /// A kept file: its bytes as an `ArrayBuffer`. One that does not open is as good as none.
    pub(crate) async fn file(&self, id: &[u8]) -> Option<JsValue> {
        let found = self.database.file(self.name(FILE, id)).await.ok()?;
        (!found.is_undefined()).then_some(found)
    }

    pub(crate) async fn keep_file(&self, id: &[u8], file: &JsValue) {
        // That it is not kept is no harm.
        let _ = self.database.keep(self.name(FILE, id), file.clone()).await;
    }

    /// How many files are kept, and their bytes.
    pub(crate) async fn files(&self) -> Result<(u64, u64), VaultError> {
        let figures = self.database.files().await.map_err(failed)?;
        let of =
            |name: &str| js_sys::Reflect::get(&figures, &name.into()).ok().and_then(|value| value.as_f64());
        Ok((whole_number(of("count").unwrap_or_default()), whole_number(of("bytes").unwrap_or_default())))
    }

    pub(crate) async fn forget_files(&self) -> Result<(), VaultError> {
        self.database.forget_files().await.map(drop).map_err(failed)
    }

    /// Bytes used and allowed, and whether they are kept when room runs out; as far as the browser says.
    pub(crate) async fn room(&self) -> (u64, u64, bool) {
        let Ok(room) = self.database.room().await else { return (0, 0, false) };
        let room = Array::from(&room);
        let number = |index| whole_number(room.get(index).as_f64().unwrap_or_default());
        (number(0), number(1), room.get(2).is_truthy())
    }
}

#[async_trait(?Send)]
impl Vault for BrowserVault {
    async fn load(&self, space: Space, key: &[u8]) -> Result<Option<Record>, VaultError> {
        self.open()?;
        let name = (space, key.to_vec());
        if let Some(remembered) = self.memory.borrow().records.get(&name) {
            return Ok(remembered.as_ref().map(|(position, value)| Record {
                key: key.to_vec(),
                position: *position,
                value: value.clone(),
            }));
        }
        let found = self.read(self.name(space as u8, key)).await?;
        let known = found.as_ref().map(|record| (record.position, record.value.clone()));
        self.memory.borrow_mut().remember(name, known);
        Ok(found)
    }

    async fn scan(
        &self,
        space: Space,
        owner: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Record>, VaultError> {
        self.open()?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        let owner = owner.map(|owner| self.hidden(2, space as u8, owner));
        let (from, upwards) = match order {
            Order::After(position) => (position, true),
            Order::Before(position) => (position, false),
        };
        let limit = f64::from(u32::try_from(limit).unwrap_or(u32::MAX));
        let from = number(from.min(FURTHEST));
        records(self.database.scan(space as u8, owner, from, upwards, limit).await.map_err(failed)?)
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), VaultError> {
        let rows = Array::new();
        for change in &changes {
            let row = match change {
                Change::Put { space, key, owner, position, value } => {
                    self.put(*space as u8, key, owner, *position, value)?
                }
                Change::Delete { space, key } => Array::of1(&self.name(*space as u8, key)),
            };
            rows.push(&row);
        }
        if let Err(error) = self.write(rows).await {
            // It may have happened or not.
            *self.memory.borrow_mut() = Memory::default();
            return Err(error);
        }
        let mut memory = self.memory.borrow_mut();
        for change in changes {
            match change {
                Change::Put { space, key, position, value, .. } => {
                    memory.remember((space, key), Some((position, value)));
                }
                Change::Delete { space, key } => memory.remember((space, key), None),
            }
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "positions are no higher than what is exact")]
fn number(position: u64) -> f64 {
    position as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a negative one becomes nothing")]
fn whole_number(number: f64) -> u64 {
    number as u64
}

fn records(rows: JsValue) -> Result<Vec<Record>, VaultError> {
    Array::from(&rows).iter().map(|row| record(&row)).collect()
}

fn record(row: &JsValue) -> Result<Record, VaultError> {
    let row = Array::from(row);
    let position = whole_number(row.get(0).as_f64().ok_or(VaultError::Damaged)?);
    let plain =
        Zeroizing::new(row.get(1).dyn_into::<Uint8Array>().map_err(|_| VaultError::Damaged)?.to_vec());
    let (len, rest) = plain.split_first_chunk::<4>().ok_or(VaultError::Damaged)?;
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| VaultError::Damaged)?;
    let (key, value) = rest.split_at_checked(len).ok_or(VaultError::Damaged)?;
    Ok(Record { key: key.to_vec(), position, value: Zeroizing::new(value.to_vec()) })
}

/// What WebCrypto throws for something that the key does not open.
const DOES_NOT_OPEN: &str = "OperationError";

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn failed(error: JsValue) -> VaultError {
    let text = thrown(&error);
    if text.starts_with(DOES_NOT_OPEN) { VaultError::Damaged } else { VaultError::Unavailable(text) }
}
