/** Figures as Prometheus reads them, read here: lines of a name, labels and a number. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export function parse(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const match = /^(\w+)(?:\{(.*)\})?\s+(\S+)/u.exec(line);
    if (!match || line.startsWith("#")) continue;
    const labels: Record<string, string> = {};
    for (const [, key = "", value = ""] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/gu)) {
      labels[key] = value.replaceAll(/\\(.)/gu, (_, character: string) =>
        character === "n" ? "\n" : character,
      );
    }
    const value = match[3] === "+Inf" ? Infinity : Number(match[3]);
    samples.push({ name: match[1] ?? "", labels, value });
  }
  return samples;
}

export function sum(
  samples: readonly Sample[],
  name: string,
  fits?: (labels: Sample["labels"]) => boolean,
): number {
  let total = 0;
  for (const sample of samples) {
    if (sample.name === name && (!fits || fits(sample.labels)) && Number.isFinite(sample.value))
      total += sample.value;
  }
  return total;
}

/** Counts up to each edge, by edge. */
export function buckets(samples: readonly Sample[], name: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const sample of samples) {
    const edge = sample.labels["le"];
    if (sample.name !== `${name}_bucket` || edge === undefined) continue;
    const at = edge === "+Inf" ? Infinity : Number(edge);
    found.set(at, (found.get(at) ?? 0) + sample.value);
  }
  return found;
}

/** Below which edge a part of what came between two readings lies, evenly spread within its bucket; `null` if nothing came. */
export function quantile(
  before: Map<number, number>,
  after: Map<number, number>,
  part: number,
): number | null {
  const edges = [...after.keys()].toSorted((a, b) => a - b);
  const counts = edges.map((edge) => Math.max(0, (after.get(edge) ?? 0) - (before.get(edge) ?? 0)));
  const total = counts.at(-1) ?? 0;
  if (total <= 0) return null;
  const wanted = total * part;
  let [low, below] = [0, 0];
  for (const [index, edge] of edges.entries()) {
    const upTo = counts[index] ?? 0;
    if (upTo >= wanted) {
      if (edge === Infinity) return low;
      return low + (edge - low) * (upTo === below ? 1 : (wanted - below) / (upTo - below));
    }
    low = edge;
    below = upTo;
  }
  return low;
}
