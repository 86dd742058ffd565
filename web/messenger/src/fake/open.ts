/** In the place of `core/open.ts` in builds for tests. */
import type { Core } from "../core/face.ts";
import { FakeCore } from "./core.ts";

export async function openCore(): Promise<Core> {
  const core = new FakeCore(new URLSearchParams(location.search).get("scene") ?? "home");
  await core.begin();
  Object.assign(globalThis, { fakeCore: core });
  return core;
}
