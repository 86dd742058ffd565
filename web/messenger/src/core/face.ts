/** What the views talk to: the core of `web/core`, or in tests one in memory. */
import type { Answers, CommandName, CoreEvent } from "@tradepost/core";
import type { Command, FilePointer } from "./types.ts";

/** What a command takes. */
export type Said<Name extends CommandName> = Omit<Extract<Command, { command: Name }>, "command">;

export interface Core {
  /** Answers once, or is refused with a `CoreError`. */
  ask<Name extends CommandName>(command: Name, said: Said<Name>, file?: Blob): Promise<Answers[Name]>;
  download(
    file: FilePointer,
    contentType: string,
    progress?: (done: number, total: number) => void,
  ): Promise<Blob>;
  /** Everything that this device knows, as JSON. */
  export(): Promise<Blob>;
  /** Until what it answers is called. */
  listen(listener: (event: CoreEvent) => void): () => void;
}

export type { Answers, CommandName } from "@tradepost/core";
