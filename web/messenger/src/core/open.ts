import { Core as Device } from "@tradepost/core";
import worker from "@tradepost/core/worker?worker&url";
import type { Core } from "./face.ts";

/** Opens the device of this browser. */
export async function openCore(): Promise<Core> {
  return Device.open({ worker });
}
