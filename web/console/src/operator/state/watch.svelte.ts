/** Health and load of the relay, asked every few seconds while a page that shows them is open. */
import { relay } from "../api.ts";
import { buckets, parse, quantile, sum } from "./metrics.ts";

export interface Moment {
  at: number;
  healthy: boolean;
  answered: number;
  connections: number;
  online: number;
  sends: number | null;
  refused: number | null;
  requests: number | null;
  failures: number | null;
  half: number | null;
  slow: number | null;
}

interface Counted {
  at: number;
  sends: number;
  refused: number;
  requests: number;
  failures: number;
  seconds: Map<number, number>;
}

const EVERY = 3_000;
const MOST = 400;

class Watch {
  moments = $state.raw<readonly Moment[]>([]);
  failed = $state.raw<unknown>();
  routes = $state.raw<readonly { route: string; count: number; mean: number }[]>([]);
  refusedConnections = $state(0);
  #before: Counted | undefined;

  begin(): () => void {
    let over = false;
    let timer: ReturnType<typeof setTimeout>;
    const turn = async () => {
      await this.#look();
      if (!over) timer = setTimeout(turn, EVERY);
    };
    void turn();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }

  async #look(): Promise<void> {
    const health = await relay.healthy();
    let text: string;
    try {
      text = await relay.metrics();
      this.failed = undefined;
    } catch (thrown) {
      this.failed = thrown;
      this.#add({ ...blank(), healthy: health.ok, answered: health.millis });
      this.#before = undefined;
      return;
    }
    const samples = parse(text);
    const server = ({ status = "" }: Readonly<Record<string, string>>) => status.startsWith("5");
    const now: Counted = {
      at: Date.now(),
      sends: sum(samples, "relay_sends_accepted"),
      refused: sum(samples, "relay_sends_refused"),
      requests: sum(samples, "relay_http_requests_total"),
      failures: sum(samples, "relay_http_requests_total", server),
      seconds: buckets(samples, "relay_http_seconds"),
    };
    const before = this.#before;
    this.#before = now;
    const seconds = before ? (now.at - before.at) / 1000 : 0;
    const rate = (key: "sends" | "refused" | "requests" | "failures") =>
      before && seconds > 0 ? Math.max(0, now[key] - before[key]) / seconds : null;
    const below = (part: number) => (before ? quantile(before.seconds, now.seconds, part) : null);
    this.refusedConnections = sum(samples, "relay_connections_refused_total");
    const counts = samples.filter(({ name }) => name === "relay_http_seconds_count");
    this.routes = counts
      .map(({ labels, value }) => {
        const route = labels["route"] ?? "";
        const spent = sum(samples, "relay_http_seconds_sum", (of) => of["route"] === route);
        return { route, count: value, mean: value > 0 ? (spent / value) * 1000 : 0 };
      })
      .toSorted((a, b) => b.count - a.count)
      .slice(0, 12);
    this.#add({
      at: now.at,
      healthy: health.ok,
      answered: health.millis,
      connections: sum(samples, "relay_connections"),
      online: sum(samples, "relay_devices_online"),
      sends: rate("sends"),
      refused: rate("refused"),
      requests: rate("requests"),
      failures: rate("failures"),
      half: millis(below(0.5)),
      slow: millis(below(0.99)),
    });
  }

  #add(moment: Moment): void {
    this.moments = [...this.moments, moment].slice(-MOST);
  }
}

function millis(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}

function blank(): Moment {
  const none = { sends: null, refused: null, requests: null, failures: null, half: null, slow: null };
  return { at: Date.now(), healthy: false, answered: 0, connections: 0, online: 0, ...none };
}

export const watch = new Watch();
