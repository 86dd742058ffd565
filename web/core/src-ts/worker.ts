/** The worker of a page: everything but what is shown happens here. */

import start, { Core } from "../../../build/web-core/tradepost_core.js";
import { Database } from "./database.js";
import type { Answer, CoreEvent, ToPage, ToWorker } from "./messages.js";
import { Relay } from "./relay.js";
import { Tabs, type Held } from "./tabs.js";
import type { Command, Problem } from "./types.js";

const say = (said: ToPage) => postMessage(said);
let tabs: Tabs | undefined;

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.say) {
    case "open":
      tabs ??= opened(data.relay, data.database);
      break;
    case "ask":
      void answered(data.id, data.command, data.file);
      break;
  }
});

function opened(relay: string, database: string): Tabs | undefined {
  // Without a secure context there is no key to seal anything with.
  if (!isSecureContext || !navigator.locks) {
    const problem: Problem = { code: "vault", message: "this page is not served securely: https, or this machine" };
    say({ say: "event", event: { event: "standing", standing: { phase: "failed", problem } } });
    return undefined;
  }
  const hear = (event: CoreEvent) => say({ say: "event", event });
  return new Tabs(
    database,
    (tell) => held(relay, database, tell),
    hear,
    () => say({ say: "lead", leads: true }),
  );
}

/** The core itself, in the tab that leads. */
async function held(relay: string, database: string, tell: (event: CoreEvent) => void): Promise<Held> {
  try {
    const [opened] = await Promise.all([
      Database.open(database),
      start({ module_or_path: new URL("../../../build/web-core/tradepost_core_bg.wasm", import.meta.url) }),
    ]);
    const core = await Core.open(opened, new Relay(relay), (event: string) => tell(JSON.parse(event) as CoreEvent));
    addEventListener("online", () => core.online());
    return {
      async ask(command, file) {
        try {
          const [value, result] = (await core.ask(JSON.stringify(command), file)) as [string, Blob | undefined];
          return { value: JSON.parse(value) as unknown, file: result };
        } catch (problem) {
          if (problem instanceof WebAssembly.RuntimeError) say({ say: "broken" });
          throw typeof problem === "string" ? (JSON.parse(problem) as Problem) : defect(problem);
        }
      },
    };
  } catch (error) {
    const problem = typeof error === "string" ? (JSON.parse(error) as Problem) : unusable(error);
    tell({ event: "standing", standing: { phase: "failed", problem } });
    return {
      async ask({ command }) {
        if (command === "standing") return { value: { phase: "failed", problem } };
        if (command !== "erase_here") throw problem;
        await Database.destroy(database);
        return { value: null };
      },
    };
  }
}

async function answered(id: number, command: Command, file: Blob | undefined): Promise<void> {
  try {
    if (!tabs) throw { code: "vault", message: "the core cannot run here" } satisfies Problem;
    const answer: Answer = await tabs.ask(command, file);
    say({ say: "answer", id, answer });
  } catch (problem) {
    say({ say: "refuse", id, problem: problem as Problem });
  }
}

function unusable(error: unknown): Problem {
  return { code: "vault", message: error instanceof Error ? `${error.name}: ${error.message}` : "cannot run" };
}

function defect(error: unknown): Problem {
  return { code: "internal", message: error instanceof Error ? error.name : "a defect" };
}
