/** The core, how it is with this browser's device, and who hears what it tells. */
import type { Answers, CommandName, Core, Said } from "../core/face.ts";
import type { Notice, Own, Standing } from "../core/types.ts";

type Told = (notice: Notice) => void;

class App {
  standing = $state.raw<Standing>();
  #core: Core | undefined;
  readonly #listeners = new Set<Told>();

  get core(): Core {
    if (!this.#core) throw new Error("the core was not opened");
    return this.#core;
  }

  get own(): Own | undefined {
    return this.standing?.phase === "ready" ? this.standing.own : undefined;
  }

  get online(): boolean {
    return this.standing?.phase === "ready" && this.standing.connected === "online";
  }

  /** Gives the core a command. */
  ask<Name extends CommandName>(
    command: Name,
    ...[said, file]: object extends Said<Name> ? [Said<Name>?, Blob?] : [Said<Name>, Blob?]
  ): Promise<Answers[Name]> {
    return this.core.ask(command, said ?? ({} as Said<Name>), file);
  }

  async begin(core: Core): Promise<void> {
    this.#core = core;
    core.listen((notice) => {
      if (notice.event === "standing") this.standing = notice.standing;
      for (const told of this.#listeners) told(notice);
    });
    this.standing = await core.ask("standing", {});
  }

  listen(told: Told): () => void {
    this.#listeners.add(told);
    return () => this.#listeners.delete(told);
  }
}

export const app = new App();
