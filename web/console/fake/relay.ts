/** The operator's part of a relay as docs/relay-api.md describes it, in memory. */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answer, called, refuse, Refused, type Answer, type Call } from "./http.ts";
import { picture } from "./picture.ts";
import { DAY, HOUR } from "./talk.ts";

export const TOKEN = "operator-token-of-the-test";

interface Business {
  business: string;
  state: string;
  reason?: string;
  application: Record<string, unknown>;
  documents: { id: string; name: string; content_type: string; size: number; created: number }[];
  numbers: { number: string; account?: string }[];
  testers: string[];
  hosting?: object;
  created: number;
  changed: number;
}

const chained = (before: Buffer, entry: { number: number; at: number; fields: string[] }): Buffer => {
  const number = Buffer.alloc(16);
  number.writeBigUInt64BE(BigInt(entry.number), 0);
  number.writeBigUInt64BE(BigInt(entry.at), 8);
  const hash = createHash("sha256").update("Tradepost audit v1").update(before).update(number);
  for (const field of entry.fields) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(field));
    hash.update(length).update(field);
  }
  return hash.digest();
};

export class Relay {
  readonly businesses: Business[];
  vendors: { vendor: string; name: string; suspended: boolean; created: number }[];
  readonly entries: object[] = [];
  #head: Buffer = Buffer.alloc(32);
  #sends = 120_000;

  constructor(now = Date.now()) {
    const business = (
      id: number,
      name: string,
      state: string,
      country: string,
      more: Partial<Business> = {},
    ): Business => ({
      business: `0198a3c1-0000-7000-8000-00000000000${id}`,
      state,
      application: {
        legal_name: `${name} ${country === "DE" ? "GmbH" : "Ltd"}`,
        name,
        country,
        registration_number: `HRB ${10_000 + id * 37}`,
        website: `https://${name.toLowerCase().replaceAll(/\W+/gu, "-")}.example`,
        category: id % 2 ? "RETAIL" : "FINANCE",
        contact: { name: "Robin Lang", email: "robin@example.com", phone: "+4915112345678" },
      },
      documents: [
        {
          id: `doc${id}a`,
          name: "Register extract.pdf",
          content_type: "application/pdf",
          size: 184_000,
          created: now - 2 * DAY,
        },
        {
          id: `doc${id}b`,
          name: "Shop front.png",
          content_type: "image/png",
          size: 90_000,
          created: now - 2 * DAY,
        },
      ],
      numbers: [{ number: "+493023125000", account: "0198a3c1-1111-7000-8000-000000000001" }],
      testers: ["+4915112345678"],
      hosting: { mode: "vendor", vendor: "v1", host_name: "Lighthouse Hosting", since: now - DAY },
      created: now - 9 * DAY,
      changed: now - id * 5 * HOUR,
      ...more,
    });
    this.businesses = [
      business(1, "Corner Bakery", "submitted", "DE"),
      business(2, "Nordwind Air", "in_review", "NO"),
      business(3, "Fern & Pot", "submitted", "IE", { hosting: { mode: "self", since: now - DAY } }),
      business(4, "Example Bank", "approved", "DE"),
      business(5, "Lucky Coins", "rejected", "MT", { reason: "The register extract is of another company." }),
      business(6, "Clinic at the Park", "suspended", "ES", {
        reason: "Several people reported messages that they did not ask for.",
      }),
      business(7, "Half Done", "draft", "FR", {
        documents: [],
        numbers: [],
        testers: [],
        hosting: undefined,
      }),
    ];
    this.vendors = [
      { vendor: "v1", name: "Lighthouse Hosting", suspended: false, created: now - 90 * DAY },
      { vendor: "v2", name: "Cheap & Quick", suspended: true, created: now - 30 * DAY },
    ];
    const events: [string, string, string, string, string][] = [
      ["operator", "vendor_added", "v1", "", '{"name":"Lighthouse Hosting"}'],
      [
        "business",
        "business_submitted",
        this.businesses[3]?.business ?? "",
        '{"state":"draft"}',
        '{"state":"submitted"}',
      ],
      [
        "operator",
        "business_approved",
        this.businesses[3]?.business ?? "",
        '{"state":"in_review"}',
        '{"state":"approved"}',
      ],
      ["host", "number_added", this.businesses[3]?.business ?? "", "", '{"number":"+493023125000"}'],
      [
        "operator",
        "business_suspended",
        this.businesses[5]?.business ?? "",
        '{"state":"approved"}',
        '{"state":"suspended"}',
      ],
    ];
    for (let turn = 0; turn < 6; turn++) {
      for (const [index, [who, what, subject, before, after]] of events.entries()) {
        this.#note(now - (30 - turn * 5 - index) * HOUR, who, what, subject, before, after);
      }
    }
  }

  #note(at: number, who: string, what: string, subject: string, before: string, after: string): void {
    const number = this.entries.length + 1;
    this.#head = chained(this.#head, { number, at, fields: [who, what, subject, before, after] });
    this.entries.push({ number, at, who, what, subject, before, after, hash: this.#head.toString("base64") });
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    try {
      if (url.pathname === "/health") {
        answer(response, { bytes: Buffer.from("ok\n"), type: "text/plain" });
        return;
      }
      const asked = request.headers.authorization;
      if (asked !== `Bearer ${TOKEN}`) throw new Refused(401, "unauthorized");
      if (url.pathname === "/metrics") {
        answer(response, { bytes: Buffer.from(this.#figures()), type: "text/plain" });
        return;
      }
      answer(response, this.#answer(await called(request, url, "/v1/operator/")));
    } catch (thrown) {
      refuse(response, thrown);
    }
  }

  #answer(call: Call): Answer {
    const [what, id, more, document] = call.path;
    const found = this.businesses.find(({ business }) => business === id);
    if (what === "businesses" && !id) return { json: { businesses: this.#listed(call.query.get("state")) } };
    if (what === "businesses" && more === "documents") {
      const pdf = document?.endsWith("a");
      return {
        bytes: pdf ? Buffer.from("%PDF-1.4\n") : picture(3),
        type: pdf ? "application/pdf" : "image/png",
      };
    }
    if (what === "businesses" && found && more)
      return { json: this.#decide(found, more, call.body["reason"]) };
    if (what === "businesses" && found) return { json: found };
    if (what === "vendors" && call.method === "GET") return { json: { vendors: this.vendors } };
    if (what === "vendors" && !id) {
      const vendor = {
        vendor: `v${this.vendors.length + 1}`,
        name: String(call.body["name"]),
        suspended: false,
        created: Date.now(),
      };
      this.vendors = [...this.vendors, vendor];
      return {
        status: 201,
        json: { vendor: vendor.vendor, credential: "tpv1_example0credential0shown0once" },
      };
    }
    if (what === "vendors" && more === "credential")
      return { json: { credential: "tpv1_another0credential0shown0once" } };
    if (what === "vendors") {
      const vendor = this.vendors.find((one) => one.vendor === id);
      if (vendor) vendor.suspended = more === "suspend";
      return {};
    }
    if (what === "host-credential") return { json: { credential: "tpo1_example0credential0shown0once" } };
    if (what === "label-key") return { json: { key: "BQ==", certificates: [] } };
    if (what === "audit") {
      const after = Number(call.query.get("after") ?? 0);
      return { json: { entries: this.entries.slice(after, after + 100), more: false } };
    }
    throw new Refused(404, "not_found");
  }

  #listed(state: string | null): object[] {
    const all = this.businesses.filter((one) => !state || one.state === state);
    return all.map(({ business, state: at, application, changed }) => {
      const { name, legal_name, country } = application;
      return { business, state: at, name, legal_name, country, changed };
    });
  }

  #decide(business: Business, decision: string, reason: unknown): Business {
    const next: Record<string, string> = {
      review: "in_review",
      approve: "approved",
      reject: "rejected",
      suspend: "suspended",
      reinstate: "approved",
    };
    const before = business.state;
    business.state = next[decision] ?? before;
    if (typeof reason === "string") business.reason = reason;
    else delete business.reason;
    business.changed = Date.now();
    this.#note(
      Date.now(),
      "operator",
      `business_${business.state}`,
      business.business,
      JSON.stringify({ state: before }),
      JSON.stringify({ state: business.state }),
    );
    return business;
  }

  #figures(): string {
    this.#sends += 180 + Math.round(Math.random() * 90);
    const seconds = (route: string, count: number, sum: number) =>
      [
        ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1].map(
          (edge, index) =>
            `relay_http_seconds_bucket{route="${route}",le="${edge}"} ${Math.round(count * Math.min(1, 0.3 + index * 0.12))}`,
        ),
        `relay_http_seconds_bucket{route="${route}",le="+Inf"} ${count}`,
        `relay_http_seconds_sum{route="${route}"} ${sum}`,
        `relay_http_seconds_count{route="${route}"} ${count}`,
      ].join("\n");
    return `# TYPE relay_connections gauge
relay_connections ${1840 + Math.round(Math.random() * 60)}
relay_devices_online ${1702 + Math.round(Math.random() * 40)}
relay_connections_refused_total 12
relay_sends_accepted ${this.#sends}
relay_sends_refused ${Math.round(this.#sends / 900)}
relay_http_requests_total{method="GET",route="/v1/keys",status="200"} ${Math.round(this.#sends / 3)}
relay_http_requests_total{method="PUT",route="/v1/accounts/{account}/messages",status="200"} ${Math.round(this.#sends / 2)}
relay_http_requests_total{method="PUT",route="/v1/accounts/{account}/messages",status="429"} 31
relay_http_requests_total{method="GET",route="/v1/blobs/{id}",status="500"} 2
${seconds("/v1/keys", Math.round(this.#sends / 3), this.#sends / 900)}
${seconds("/v1/accounts/{account}/messages", Math.round(this.#sends / 2), this.#sends / 500)}
`;
  }
}
