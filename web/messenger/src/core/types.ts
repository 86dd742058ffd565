/** What the core speaks of, from its own types. */
import type { CoreEvent, FilePointer, Place } from "@tradepost/core";

export type * from "@tradepost/core";
export type FileRef = FilePointer;
export type Location = Place;
/** Everything that is told unasked. */
export type Notice = CoreEvent;
