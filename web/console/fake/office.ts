/** The routes of the pretended host that are about everything but chats. */
import type { FilledTemplate } from "../src/business/api/content.ts";
import type * as t from "../src/business/api/types.ts";
import type { Host, Routes } from "./host.ts";
import { Refused } from "./http.ts";
import { DAY } from "./talk.ts";

const invited = (): t.Invited => ({
  invitation_id: `i${Date.now()}`,
  secret: "come-in",
  path: "/console/#/invitation/come-in",
  url: "https://host.bank.example/console/#/invitation/come-in",
  expires: Date.now() + 3 * DAY,
});

/** Puts samples where the places are. */
function filled(
  draft: Partial<t.Template>,
  parameters: { type?: string; parameters?: { text?: string }[] }[],
): FilledTemplate {
  const part = (kind: string) =>
    draft.components?.find(({ type }) => type === kind) as Record<string, never> | undefined;
  const given = parameters.find(({ type }) => type === "body")?.parameters ?? [];
  const body = String((part("BODY") as { text?: string } | undefined)?.text ?? "");
  const header = part("HEADER") as { format?: string; text?: string } | undefined;
  const buttons =
    (part("BUTTONS") as { buttons?: { type: string; text: string }[] } | undefined)?.buttons ?? [];
  return {
    type: "template",
    id: "0",
    name: draft.name ?? "",
    language: draft.language ?? "en",
    category: draft.category ?? "",
    header:
      header?.format === "TEXT"
        ? { type: "text", text: header.text ?? "" }
        : header
          ? { type: String(header.format).toLowerCase() as "image", id: null }
          : null,
    body: body.replaceAll(/\{\{(\w+)\}\}/gu, (hole, key: string) => given[Number(key) - 1]?.text ?? hole),
    footer: String((part("FOOTER") as { text?: string } | undefined)?.text ?? "") || null,
    buttons: buttons.map(({ type, text }) => ({ type: type.toLowerCase() as "url", text })),
  };
}

export function officeRoutes(host: Host): Routes {
  const { business } = host;
  const item = <T>(found: T | undefined): T => {
    if (!found) throw new Refused(404, "not_found");
    return found;
  };
  const agent = (id: string | undefined) => item(business.agents.find(({ agent_id }) => agent_id === id));
  return {
    "GET agents": () => ({ json: { agents: business.agents } }),
    "POST agents": () => ({ status: 201, json: invited() }),
    "PUT agents/{}": ({ path, body }) => {
      const found = agent(path[1]);
      Object.assign(found, body);
      host.tell("changed", { what: "agents" });
      return { json: found };
    },
    "DELETE agents/{}": ({ path }) => {
      business.agents = business.agents.filter(({ agent_id }) => agent_id !== path[1]);
      host.tell("changed", { what: "agents" });
      return {};
    },
    "POST agents/{}/invite": () => ({ status: 201, json: invited() }),
    "POST agents/{}/sign-out": () => ({}),
    "GET invitations": () => ({ json: { invitations: business.invitations } }),
    "DELETE invitations/{}": ({ path }) => {
      business.invitations = business.invitations.filter(({ invitation_id }) => invitation_id !== path[1]);
      return {};
    },
    "GET labels": () => ({ json: { labels: business.labels } }),
    "POST labels": ({ body }) => {
      const label = { label_id: `l${Date.now()}`, ...body } as t.Label;
      business.labels = [...business.labels, label];
      host.tell("changed", { what: "labels" });
      return { status: 201, json: label };
    },
    "PUT labels/{}": ({ path, body }) => {
      const label = item(business.labels.find(({ label_id }) => label_id === path[1]));
      Object.assign(label, body);
      host.tell("changed", { what: "labels" });
      return { json: label };
    },
    "DELETE labels/{}": ({ path }) => {
      business.labels = business.labels.filter(({ label_id }) => label_id !== path[1]);
      host.tell("changed", { what: "labels" });
      return {};
    },
    "GET replies": () => ({ json: { replies: business.replies } }),
    "POST replies": ({ body }) => {
      const reply = { reply_id: `r${Date.now()}`, ...body } as t.Reply;
      business.replies = [...business.replies, reply];
      host.tell("changed", { what: "replies" });
      return { status: 201, json: reply };
    },
    "PUT replies/{}": ({ path, body }) => {
      const reply = item(business.replies.find(({ reply_id }) => reply_id === path[1]));
      Object.assign(reply, body);
      host.tell("changed", { what: "replies" });
      return { json: reply };
    },
    "DELETE replies/{}": ({ path }) => {
      business.replies = business.replies.filter(({ reply_id }) => reply_id !== path[1]);
      host.tell("changed", { what: "replies" });
      return {};
    },
    "GET numbers": () => ({ json: { numbers: business.numbers } }),
    "GET numbers/{}/profile": () => ({ json: business.profile }),
    "PUT numbers/{}/profile": ({ body }) => {
      Object.assign(business.profile, body);
      return { json: business.profile };
    },
    "GET numbers/{}/links": () => ({ json: { links: business.links } }),
    "POST numbers/{}/links": ({ body }) => {
      const code = `N${Date.now()}`;
      const made = {
        code,
        message: String(body["message"]),
        url: `https://relay.example/m/${code}`,
        created: Date.now(),
      };
      business.links = [made, ...business.links];
      return { status: 201, json: made };
    },
    "PUT numbers/{}/links/{}": ({ path, body }) => {
      const found = item(business.links.find(({ code }) => code === path[3]));
      found.message = String(body["message"]);
      return { json: found };
    },
    "DELETE numbers/{}/links/{}": ({ path }) => {
      business.links = business.links.filter(({ code }) => code !== path[3]);
      return {};
    },
    "GET numbers/{}/links/{}/picture": () => ({
      bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      type: "image/svg+xml",
    }),
    "GET templates": () => ({ json: { templates: business.templates } }),
    "POST templates": ({ body }) => {
      const draft = body as unknown as t.Template;
      if (!/^[a-z0-9_]+$/u.test(draft.name))
        throw new Refused(400, "invalid_request", "lower case, digits and _", "name");
      const made: t.Template = {
        ...draft,
        parameter_format: draft.parameter_format ?? "POSITIONAL",
        message_send_ttl_seconds: null,
        template_id: String(Date.now()),
        status: "PENDING",
        reason: "NONE",
        edited: Date.now(),
      };
      business.templates = [made, ...business.templates];
      return { status: 201, json: made };
    },
    "POST templates/preview": ({ body }) => ({
      json: { content: filled(body as Partial<t.Template>, (body["parameters"] as []) ?? []) },
    }),
    "GET templates/{}": ({ path }) => ({
      json: item(business.templates.find(({ template_id }) => template_id === path[1])),
    }),
    "PUT templates/{}": ({ path, body }) => {
      const found = item(business.templates.find(({ template_id }) => template_id === path[1]));
      Object.assign(found, body, { status: "PENDING", edited: Date.now() });
      return { json: found };
    },
    "DELETE templates/{}": ({ path }) => {
      business.templates = business.templates.filter(({ template_id }) => template_id !== path[1]);
      return {};
    },
    "GET apps": () => ({ json: { apps: business.apps } }),
    "POST apps": ({ body }) => {
      business.apps = [
        ...business.apps,
        { app_id: "7003", name: String(body["name"]), created: Date.now(), callback: null, tokens: [] },
      ];
      return {
        status: 201,
        json: { app_id: "7003", secret: "8c1f0de5a3b2", token: "TPA7003example0token0shown0once" },
      };
    },
    "POST apps/{}/tokens": ({ path, body }) => {
      const app = item(business.apps.find(({ app_id }) => app_id === path[1]));
      const expires = body["days"] ? Date.now() + Number(body["days"]) * DAY : null;
      app.tokens.push({ token_id: "t9", scopes: body["scopes"] as string[], issued: Date.now(), expires });
      return { status: 201, json: { token: "TPA7001example0token0shown0once", token_id: "t9", expires } };
    },
    "DELETE apps/{}/tokens/{}": ({ path }) => {
      const app = item(business.apps.find(({ app_id }) => app_id === path[1]));
      app.tokens = app.tokens.filter(({ token_id }) => token_id !== path[3]);
      return {};
    },
    "PUT apps/{}/callback": ({ path, body }) => {
      const app = item(business.apps.find(({ app_id }) => app_id === path[1]));
      app.callback = { url: String(body["url"]), fields: body["fields"] as string[], failures: 0 };
      return { json: app };
    },
    "DELETE apps/{}/callback": ({ path }) => {
      item(business.apps.find(({ app_id }) => app_id === path[1])).callback = null;
      return {};
    },
    "GET deliveries": ({ query }) => {
      const app = query.get("app");
      return { json: { deliveries: business.deliveries.filter(({ app_id }) => !app || app_id === app) } };
    },
    "GET dead-letters": () => ({ json: { dead_letters: business.deadLetters } }),
    "POST dead-letters/replay": ({ body }) => {
      const before = business.deadLetters.length;
      business.deadLetters = business.deadLetters.filter(
        ({ event }) => body["event"] !== undefined && event !== body["event"],
      );
      return { json: { replayed: before - business.deadLetters.length } };
    },
    "GET hosting": () => ({ json: business.hosting }),
    "PUT hosting/instructions": ({ body }) => {
      business.hosting = { ...business.hosting, instructions: body as unknown as t.Instructions };
      return { json: business.hosting };
    },
    "GET hosting/log": ({ query }) => {
      const before = Number(query.get("before") ?? Infinity);
      return {
        json: { entries: business.log.filter(({ seq }) => seq < before), head: business.hosting.log },
      };
    },
    "GET hosting/log/download": () => ({
      bytes: Buffer.from(business.log.map((entry) => JSON.stringify(entry)).join("\n")),
      type: "application/jsonl",
    }),
    "POST hosting/log/verify": ({ body }) => {
      const wrong = body["hash"] !== undefined && body["hash"] !== business.hosting.log.hash;
      const problem = wrong ? "the entry noted earlier is not in the log any more" : null;
      return { json: { intact: !wrong, problem, head: business.hosting.log } };
    },
    "POST hosting/exports": () => {
      const task: t.Task = {
        task_id: `k${Date.now()}`,
        kind: "export",
        state: "running",
        done: 0,
        total: 17,
        error: null,
        report: null,
        created: Date.now(),
      };
      business.tasks = [task, ...business.tasks];
      return { status: 202, json: task };
    },
    "POST numbers/{}/imports": () => {
      const task: t.Task = {
        task_id: `k${Date.now()}`,
        kind: "import",
        state: "running",
        done: 0,
        total: 5210,
        error: null,
        report: null,
        created: Date.now(),
      };
      business.tasks = [task, ...business.tasks];
      return { status: 202, json: task };
    },
    "GET tasks": () => ({ json: { tasks: business.tasks } }),
    "GET tasks/{}": ({ path }) => ({ json: item(business.tasks.find(({ task_id }) => task_id === path[1])) }),
    "GET tasks/{}/file": () => ({ bytes: Buffer.from("PK"), type: "application/zip" }),
    "GET figures": ({ query }) => {
      const size =
        { half_hour: DAY / 48, day: DAY, month: 30 * DAY }[query.get("granularity") ?? "day"] ?? DAY;
      const messages: t.Figures["messages"] = [];
      const answers: t.Figures["answers"] = [];
      for (let start = Number(query.get("start")); start < Number(query.get("end")); start += size) {
        const wave = 1 + Math.sin(start / size / 2.2) / 2 + ((start / size) % 7) / 9;
        const sent = Math.round(140 * wave);
        messages.push({
          start,
          end: start + size,
          sent,
          delivered: Math.round(sent * 0.97),
          read: Math.round(sent * 0.81),
        });
        answers.push({
          start,
          end: start + size,
          answers: Math.round(60 * wave),
          mean_ms: 240_000 / wave,
          longest_ms: 1_900_000 / wave,
        });
      }
      return { json: { messages, answers } };
    },
  };
}
