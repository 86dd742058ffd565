/** A relay, a host and a sample business of their own, for one test. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const BINARY = resolve(import.meta.dirname, "../../../target/debug/tradepost");

export interface Demo {
  base_url: string;
  relay_url: string;
  token: string;
  phone_number_id: string;
  business_number: string;
}

export interface Platform {
  demo: Demo;
  /** Lets a vendor of this name host the sample business from now on. */
  moveTo: (vendor: string) => Promise<void>;
  close: () => Promise<void>;
}

export async function platform(): Promise<Platform> {
  const data = await mkdtemp(join(tmpdir(), "tradepost-up-"));
  const child = spawn(BINARY, ["up", "--data", data, "--listen", "127.0.0.1:0", "--log", "warn"], {
    stdio: "ignore",
  });
  const close = async () => {
    await ended(child);
    await rm(data, { recursive: true, force: true });
  };
  const file = join(data, "demo.json");
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) break;
    if (existsSync(file)) {
      const demo = JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as Demo;
      if (demo.relay_url) return { demo, moveTo: (vendor) => move(data, demo, vendor), close };
    }
    await new Promise((later) => setTimeout(later, 100));
  }
  await close();
  throw new Error("the platform did not start");
}

async function move(data: string, demo: Demo, name: string): Promise<void> {
  const token = (await readFile(join(data, "relay/operator.token"), "utf8")).trim();
  const made = await fetch(`${demo.relay_url}/v1/operator/vendors`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ name }),
  });
  const { vendor, credential } = (await made.json()) as { vendor: string; credential: string };
  const file = join(data, "vendor.credential");
  await writeFile(file, credential, { mode: 0o600 });
  const at = ["--as", join(data, "demo.json"), "--credential", join(data, "business.credential")];
  await run(BINARY, [
    "host",
    "business",
    "hosting",
    "vendor",
    "--vendor",
    vendor,
    "--host-credential",
    file,
    ...at,
  ]);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(late);
}
