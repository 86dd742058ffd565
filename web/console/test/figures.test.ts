import { describe, expect, it } from "vitest";
import type { AuditEntry } from "../src/operator/api.ts";
import { Relay } from "../fake/relay.ts";
import { buckets, parse, quantile, sum } from "../src/operator/state/metrics.ts";
import { broken } from "../src/operator/state/trail.ts";
import { area, line, named, steps } from "../src/shell/chart/scale.ts";

describe("a scale", () => {
  it("has round steps that reach over the highest value", () => {
    expect(steps(97)).toEqual([0, 25, 50, 75, 100]);
    expect(steps(0.81)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(steps(3, true)).toEqual([0, 1, 2, 3]);
    expect(steps(0)).toEqual([0, 1]);
    for (let value = 1; value < 5_000; value += 37) expect(steps(value).at(-1)).toBeGreaterThanOrEqual(value);
  });

  it("names no more moments than fit", () => {
    expect(named(30, 720)).toHaveLength(10);
    expect(named(3, 100)).toHaveLength(2);
  });

  it("breaks a line where nothing is known", () => {
    expect(line([0, 1, 2], [1, null, 3], (value) => value)).toBe("M0.0 1.0M2.0 3.0");
    expect(area([0, 1, 2], [1, null, 3], (value) => value, 9)).toBe(
      "M0.0 9L0.0 1.0L0.0 9ZM2.0 9L2.0 3.0L2.0 9Z",
    );
  });
});

describe("figures of a relay", () => {
  const text = `# HELP x
relay_http_requests_total{method="GET",route="/v1/a",status="200"} 10
relay_http_requests_total{method="GET",route="/v1/\\"b\\"",status="503"} 2
t_bucket{le="0.01"} 90
t_bucket{le="0.1"} 100
t_bucket{le="+Inf"} 100
`;

  it("are read with their labels", () => {
    const samples = parse(text);
    expect(sum(samples, "relay_http_requests_total")).toBe(12);
    expect(sum(samples, "relay_http_requests_total", ({ status = "" }) => status.startsWith("5"))).toBe(2);
    expect(samples[1]?.labels["route"]).toBe('/v1/"b"');
  });

  it("say how long requests take between two readings", () => {
    const after = buckets(parse(text), "t");
    expect(quantile(new Map(), after, 0.45)).toBeCloseTo(0.005);
    expect(quantile(new Map(), after, 0.95)).toBeCloseTo(0.055);
    expect(quantile(after, after, 0.5)).toBeNull();
  });
});

describe("the audit trail", () => {
  it("holds, and shows where it does not", async () => {
    const entries = new Relay().entries as AuditEntry[];
    expect(await broken(entries)).toBeUndefined();
    const changed = entries.map((entry) =>
      entry.number === 7 ? { ...entry, after: '{"state":"approved"}' } : entry,
    );
    expect(await broken(changed)).toBe(7);
    expect(await broken(entries.slice(1))).toBe(2);
  });
});
