/** A host as docs/console-api.md describes it, in memory: for tests of the console. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Role } from "../src/business/api/types.ts";
import { bank, type Business } from "./business.ts";
import { chatRoutes } from "./chats.ts";
import { answer, called, refuse, Refused, type Answer, type Call } from "./http.ts";
import { officeRoutes } from "./office.ts";

export type Handler = (call: Call, who: string) => Answer | Promise<Answer>;
export type Routes = Record<string, Handler>;

const RIGHTS: Record<Role, readonly string[]> = {
  owner: ["chats", "manage", "integrate", "staff", "audit", "own"],
  admin: ["chats", "manage", "integrate", "staff", "audit"],
  agent: ["chats"],
  auditor: ["audit"],
};
const CSRF = "csrf-of-the-session";
const OPEN = new Set(["POST session", "POST invitation", "POST invitation/accept", "GET openapi.json"]);

export class Host {
  business: Business;
  readonly #streams = new Set<ServerResponse>();
  readonly #routes: [string[], Handler][];
  #event = 0;

  constructor(now = Date.now()) {
    this.business = bank(now);
    const routes: Routes = { ...this.#sessionRoutes(), ...chatRoutes(this), ...officeRoutes(this) };
    this.#routes = Object.entries(routes).map(([pattern, handler]) => [pattern.split(/[ /]/u), handler]);
  }

  /** How many pages hear what happens. */
  get listeners(): number {
    return this.#streams.size;
  }

  tell(event: string, data: object): void {
    this.#event += 1;
    for (const stream of this.#streams) {
      stream.write(`id: ${this.#event}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  session(who: string): object {
    const { agents, hosting, now } = this.business;
    const agent = agents.find(({ agent_id }) => agent_id === who);
    if (!agent) throw new Refused(401, "unauthorized");
    return {
      agent: { ...agent, recovery_codes_left: agent.second_factor ? 7 : 0 },
      business: {
        business_id: hosting.business_id,
        name: hosting.name,
        mode: hosting.mode,
        host_name: hosting.host_name,
      },
      csrf: CSRF,
      rights: RIGHTS[agent.role],
      idle_until: now + 3_600_000,
      until: now + 86_400_000,
    };
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    try {
      const who = /tradepost_console=(\w+)/u.exec(request.headers.cookie ?? "")?.[1];
      const call = await called(request, url, "/console/v1/");
      const name = `${call.method} ${call.path.join("/")}`;
      if (!OPEN.has(name)) {
        if (!who) throw new Refused(401, "unauthorized");
        if (call.method !== "GET" && call.headers["x-csrf-token"] !== CSRF) throw new Refused(403, "csrf");
      }
      if (name === "GET events") {
        this.#stream(response);
        return;
      }
      const handler = this.#find(call);
      if (!handler) throw new Refused(404, "not_found");
      answer(response, await handler(call, who ?? ""));
    } catch (thrown) {
      refuse(response, thrown);
    }
  }

  #find(call: Call): Handler | undefined {
    const asked = [call.method, ...call.path];
    const fits = (pattern: string[]) =>
      pattern.length === asked.length &&
      pattern.every((part, index) => part === "{}" || part === asked[index]);
    // Of two that fit, the one with more words of its own.
    return this.#routes
      .filter(([pattern]) => fits(pattern))
      .toSorted(
        ([a], [b]) => a.filter((part) => part === "{}").length - b.filter((part) => part === "{}").length,
      )[0]?.[1];
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(": hello\n\n");
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
  }

  #sessionRoutes(): Routes {
    const signIn = (who: string): Answer => ({
      json: this.session(who),
      headers: { "Set-Cookie": `tradepost_console=${who}; HttpOnly; SameSite=Strict; Path=/console` },
    });
    const { business } = this;
    return {
      "POST session": ({ body }) => {
        const agent = business.agents.find(({ name }) => name === body["name"]);
        if (!agent || body["password"] !== "correct horse battery")
          throw new Refused(401, "wrong_credentials");
        if (agent.second_factor && body["code"] === undefined) throw new Refused(401, "second_factor");
        if (agent.second_factor && body["code"] !== "123456") throw new Refused(401, "wrong_credentials");
        return signIn(agent.agent_id);
      },
      "GET session": (_, who) => ({ json: this.session(who) }),
      "DELETE session": () => ({ headers: { "Set-Cookie": "tradepost_console=; Max-Age=0; Path=/console" } }),
      "POST invitation": ({ body }) => {
        if (body["secret"] !== "come-in") throw new Refused(404, "not_found");
        const { invitations, hosting } = business;
        const { name = "", display_name = "", role = "agent", expires = 0 } = invitations[0] ?? {};
        return { json: { business_name: hosting.name, name, display_name, role, expires } };
      },
      "POST invitation/accept": () => signIn("jonas"),
      "GET sessions": () => ({ json: { sessions: business.sessions } }),
      "DELETE sessions": () => {
        business.sessions = business.sessions.filter(({ current }) => current);
        return {};
      },
      "DELETE sessions/{}": ({ path }) => {
        business.sessions = business.sessions.filter(({ session_id }) => session_id !== path[1]);
        return {};
      },
      "PUT account": ({ body }, who) => {
        const agent = business.agents.find(({ agent_id }) => agent_id === who);
        if (agent) agent.display_name = String(body["display_name"]);
        return { json: this.session(who) };
      },
      "PUT account/password": ({ body }) => {
        if (body["password"] !== "correct horse battery") throw new Refused(401, "wrong_credentials");
        return {};
      },
      "POST account/totp": () => ({
        json: {
          secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
          uri: "otpauth://totp/Example%20Bank:jonas?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Tradepost",
        },
      }),
      "POST account/totp/confirm": ({ body }) => {
        if (body["code"] !== "123456") throw new Refused(401, "wrong_credentials");
        return { json: { recovery_codes: Array.from({ length: 10 }, (_, index) => `rc${index}-7k2m-94xp`) } };
      },
      "POST account/totp/remove": () => ({}),
    };
  }
}
