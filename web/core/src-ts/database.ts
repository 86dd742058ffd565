/**
 * What the core's vault stands on: sealed records and files in IndexedDB. Everything is encrypted with one AES-GCM key that
 * the browser keeps and gives nobody, not even this script; names and owners come as hashes that were made under a key of
 * its own, which is sealed with it.
 */

const KEYS = "keys";
const RECORDS = "records";
const FILES = "files";
const ABOUT = "about";

/** A file over this many bytes is not kept. */
const LARGEST_FILE = 32 << 20;
/** Over this many bytes of files the ones longest unused go. */
const ALL_FILES = 512 << 20;
const DAY = 86_400_000;

interface Row {
  /** The hash of its name. */
  n: Uint8Array<ArrayBuffer>;
  /** What kind. */
  s: number;
  /** The hash of its owner. */
  o: Uint8Array<ArrayBuffer>;
  /** Its place. */
  p: number;
  /** Nonce and sealed value. */
  v: Uint8Array<ArrayBuffer>;
}

interface FileRow {
  n: Uint8Array<ArrayBuffer>;
  /** Its bytes. */
  z: number;
  /** When it was used last. */
  u: number;
  v: Uint8Array<ArrayBuffer>;
}

/** Space, name, owner, position, value; or a name alone, to be deleted. */
type Change =
  | [number, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, number, Uint8Array<ArrayBuffer>]
  | [Uint8Array<ArrayBuffer>];

type Found = [number, Uint8Array];

export class Database {
  readonly #db: IDBDatabase;
  #key: CryptoKey;
  #naming: Uint8Array;
  /** How often everything was erased: what was begun before is not written after. */
  #erasures = 0;

  private constructor(db: IDBDatabase, key: CryptoKey, naming: Uint8Array) {
    this.#db = db;
    this.#key = key;
    this.#naming = naming;
  }

  /** Opens it. Only one tab may at a time. */
  static async open(name: string): Promise<Database> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const db = request.result;
      db.createObjectStore(KEYS);
      db.createObjectStore(ABOUT);
      const records = db.createObjectStore(RECORDS, { keyPath: "n" });
      records.createIndex("place", ["s", "p"]);
      records.createIndex("owned", ["s", "o", "p"]);
      db.createObjectStore(FILES, { keyPath: "n" }).createIndex("used", "u");
    };
    const db = await done(request);
    // A newer version of this script may want to change it.
    db.onversionchange = () => db.close();
    const { key, naming } = await keys(db);
    return new Database(db, key, naming);
  }

  /** Erases one that cannot be opened; what comes after begins anew. */
  static async destroy(name: string): Promise<void> {
    await done(indexedDB.deleteDatabase(name));
  }

  /** Under which names are hashed: 32 bytes. */
  naming(): Uint8Array {
    return this.#naming;
  }

  async load(name: Uint8Array<ArrayBuffer>): Promise<Found | undefined> {
    const row = await done<Row | undefined>(this.#read(RECORDS).get(name));
    return row && this.#opened(row);
  }

  /** At most `limit` in the order of their places: those above `from`, or below it and downwards. */
  async scan(
    space: number,
    owner: Uint8Array<ArrayBuffer> | undefined,
    from: number,
    upwards: boolean,
    limit: number,
  ): Promise<Found[]> {
    const begin = owner ? [space, owner] : [space];
    const range = upwards
      ? IDBKeyRange.bound([...begin, from], [...begin, Infinity], true, true)
      : IDBKeyRange.bound([...begin, -1], [...begin, from], true, true);
    const index = this.#read(RECORDS).index(owner ? "owned" : "place");
    if (upwards) return Promise.all((await done<Row[]>(index.getAll(range, limit))).map((row) => this.#opened(row)));
    const rows: Row[] = [];
    await new Promise<void>((resolve, reject) => {
      const cursor = index.openCursor(range, "prev");
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        if (!cursor.result) return resolve();
        rows.push(cursor.result.value as Row);
        if (rows.length < limit) cursor.result.continue();
        else resolve();
      };
    });
    return Promise.all(rows.map((row) => this.#opened(row)));
  }

  /** Makes all changes in their order, or none; durable when it returns. */
  async save(changes: Change[]): Promise<void> {
    // Encrypted before the transaction begins: one that waits for something else ends by itself.
    const erasures = this.#erasures;
    const rows = await Promise.all(
      changes.map(async (change) => {
        if (change.length === 1) return change[0];
        const [s, n, o, p, value] = change;
        const v = await seal(this.#key, bound(s, n, o, p), value);
        value.fill(0);
        return { n, s, o, p, v } satisfies Row;
      }),
    );
    this.#still(erasures);
    const transaction = this.#db.transaction(RECORDS, "readwrite", { durability: "strict" });
    const records = transaction.objectStore(RECORDS);
    for (const row of rows) {
      if (row instanceof Uint8Array) records.delete(row);
      else records.put(row);
    }
    await finished(transaction);
  }

  /** How many records of a kind there are. */
  count(space: number): Promise<number> {
    const range = IDBKeyRange.bound([space, -1], [space, Infinity]);
    return done(this.#read(RECORDS).index("place").count(range));
  }

  /** A kept file. */
  async file(name: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer | undefined> {
    const erasures = this.#erasures;
    const row = await done<FileRow | undefined>(this.#read(FILES).get(name));
    if (!row) return undefined;
    const opened = await open(this.#key, name, row.v);
    this.#still(erasures);
    // The whole row is written for it: once a day is enough.
    if (Date.now() - row.u > DAY) {
      const transaction = this.#db.transaction(FILES, "readwrite");
      transaction.objectStore(FILES).put({ ...row, u: Date.now() });
      await finished(transaction);
    }
    return opened;
  }

  /** Keeps a file, if it is not too large. That there is no room is no error: it can be downloaded again. */
  async keep(name: Uint8Array<ArrayBuffer>, file: Blob): Promise<void> {
    if (file.size > LARGEST_FILE) return;
    const erasures = this.#erasures;
    try {
      const v = await seal(this.#key, name, new Uint8Array(await file.arrayBuffer()));
      this.#still(erasures);
      const transaction = this.#db.transaction(FILES, "readwrite");
      transaction.objectStore(FILES).put({ n: name, z: file.size, u: Date.now(), v } satisfies FileRow);
      await finished(transaction);
      await this.#makeRoom();
    } catch (error) {
      console.info("a file was not kept", error instanceof Error ? error.name : "");
    }
  }

  async #makeRoom(): Promise<void> {
    let { bytes } = await this.files();
    if (bytes <= ALL_FILES) return;
    const transaction = this.#db.transaction(FILES, "readwrite");
    const cursor = transaction.objectStore(FILES).index("used").openCursor();
    cursor.onsuccess = () => {
      if (!cursor.result || bytes <= ALL_FILES) return;
      bytes -= (cursor.result.value as FileRow).z;
      cursor.result.delete();
      cursor.result.continue();
    };
    await finished(transaction);
  }

  /** How many files are kept, and their bytes. */
  async files(): Promise<{ count: number; bytes: number }> {
    let [count, bytes] = [0, 0];
    await new Promise<void>((resolve, reject) => {
      const cursor = this.#read(FILES).openCursor();
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        if (!cursor.result) return resolve();
        count += 1;
        bytes += (cursor.result.value as FileRow).z;
        cursor.result.continue();
      };
    });
    return { count, bytes };
  }

  async forgetFiles(): Promise<void> {
    const transaction = this.#db.transaction(FILES, "readwrite");
    transaction.objectStore(FILES).clear();
    await finished(transaction);
  }

  /** Erases everything, the key first: what the disk may still hold opens nobody. It is empty and of another key then. */
  async erase(why: string): Promise<void> {
    this.#erasures += 1;
    const transaction = this.#db.transaction([KEYS, RECORDS, FILES, ABOUT], "readwrite", { durability: "strict" });
    for (const store of [KEYS, RECORDS, FILES, ABOUT]) transaction.objectStore(store).clear();
    if (why) transaction.objectStore(ABOUT).put(why, "erased");
    await finished(transaction);
    const { key, naming } = await keys(this.#db);
    this.#key = key;
    this.#naming = naming;
  }

  /** Why everything was erased, if it was. */
  erased(): Promise<string | undefined> {
    return done<string | undefined>(this.#read(ABOUT).get("erased"));
  }

  /** What the browser says of the room that there is: used, allowed, whether it is kept. */
  async room(): Promise<[number, number, boolean]> {
    const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    return [usage, quota, (await navigator.storage?.persisted?.()) ?? false];
  }

  #still(erasures: number): void {
    if (erasures !== this.#erasures) throw new Error("it was erased");
  }

  #read(store: string): IDBObjectStore {
    return this.#db.transaction(store, "readonly").objectStore(store);
  }

  async #opened(row: Row): Promise<Found> {
    return [row.p, new Uint8Array(await open(this.#key, bound(row.s, row.n, row.o, row.p), row.v))];
  }
}

/** The keys, made if there are none. */
async function keys(db: IDBDatabase): Promise<{ key: CryptoKey; naming: Uint8Array }> {
  const store = db.transaction(KEYS, "readonly").objectStore(KEYS);
  const [stored, sealed] = await Promise.all([
    done<CryptoKey | undefined>(store.get("vault")),
    done<Uint8Array<ArrayBuffer> | undefined>(store.get("naming")),
  ]);
  if (stored && sealed) return { key: stored, naming: new Uint8Array(await open(stored, NAMING, sealed)) };
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const naming = crypto.getRandomValues(new Uint8Array(32));
  const sealedNaming = await seal(key, NAMING, naming);
  const transaction = db.transaction(KEYS, "readwrite", { durability: "strict" });
  transaction.objectStore(KEYS).put(key, "vault");
  transaction.objectStore(KEYS).put(sealedNaming, "naming");
  await finished(transaction);
  return { key, naming };
}

const NAMING = new TextEncoder().encode("Tradepost web vault names v1");
const NONCE = 12;

/** What a sealed value is bound to: nobody puts one in another's place. */
function bound(space: number, name: Uint8Array, owner: Uint8Array, position: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + name.length + owner.length + 8);
  bytes[0] = space;
  bytes.set(name, 1);
  bytes.set(owner, 1 + name.length);
  new DataView(bytes.buffer).setFloat64(bytes.length - 8, position);
  return bytes;
}

async function seal(
  key: CryptoKey,
  additionalData: Uint8Array<ArrayBuffer>,
  value: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, value);
  const whole = new Uint8Array(NONCE + sealed.byteLength);
  whole.set(iv);
  whole.set(new Uint8Array(sealed), NONCE);
  return whole;
}

function open(
  key: CryptoKey,
  additionalData: Uint8Array<ArrayBuffer>,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<ArrayBuffer> {
  const iv = sealed.subarray(0, NONCE);
  return crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, sealed.subarray(NONCE));
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}
