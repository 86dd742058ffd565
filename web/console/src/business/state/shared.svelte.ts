/** What all agents have in common: colleagues, labels, canned replies, the business's numbers. */
import * as api from "../api/client.ts";
import type { Agent, Label, Number_, Reply } from "../api/types.ts";
import { live } from "./live.svelte.ts";
import { signedIn } from "./session.svelte.ts";

class Shared {
  agents = $state.raw<readonly Agent[]>([]);
  labels = $state.raw<readonly Label[]>([]);
  replies = $state.raw<readonly Reply[]>([]);
  numbers = $state.raw<readonly Number_[]>([]);
  readonly #agents = $derived(new Map(this.agents.map((agent) => [agent.agent_id, agent])));
  readonly #labels = $derived(new Map(this.labels.map((label) => [label.label_id, label])));

  begin(): () => void {
    void this.readAll();
    const stop = [
      live.on("changed", ({ what }) => {
        if (what === "agents") void this.readAgents();
        if (what === "labels") void this.readLabels();
        if (what === "replies") void this.readReplies();
      }),
      live.on("resync", () => void this.readAll()),
    ];
    return () => {
      for (const end of stop) end();
    };
  }

  async readAll(): Promise<void> {
    await Promise.all([this.readAgents(), this.readLabels(), this.readReplies(), this.readNumbers()]);
  }

  async readAgents(): Promise<void> {
    await quietly(async () => {
      this.agents = (await api.agents.all()).agents;
    });
  }

  async readLabels(): Promise<void> {
    if (!signedIn.may("chats")) return;
    await quietly(async () => {
      this.labels = (await api.labels.all()).labels;
    });
  }

  async readReplies(): Promise<void> {
    if (!signedIn.may("chats")) return;
    await quietly(async () => {
      this.replies = (await api.replies.all()).replies;
    });
  }

  async readNumbers(): Promise<void> {
    await quietly(async () => {
      this.numbers = (await api.numbers.all()).numbers;
    });
  }

  agent(id: string | null | undefined): Agent | undefined {
    return id ? this.#agents.get(id) : undefined;
  }

  label(id: string): Label | undefined {
    return this.#labels.get(id);
  }

  /** The colleagues who answer, oneself first. */
  get answerers(): readonly Agent[] {
    const mine = signedIn.me.agent_id;
    return this.agents
      .filter((agent) => !agent.disabled && agent.role !== "auditor")
      .toSorted((a, b) =>
        a.agent_id === mine ? -1 : b.agent_id === mine ? 1 : a.display_name.localeCompare(b.display_name),
      );
  }
}

/** What cannot be read now is read when it changes or the connection is back. */
async function quietly(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch {
    // The page that needs it says so.
  }
}

export const shared = new Shared();
