/** Where things lie in a chart. */

/** Something counted over time. */
export interface Series {
  name: string;
  values: readonly (number | null)[];
  tone: Tone;
}

export type Tone = "first" | "second" | "third" | "fourth";

/** Round steps from nothing to at least the highest value: three to five of them. */
export function steps(most: number, whole = false): number[] {
  if (!(most > 0)) return whole ? [0, 1] : [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  if (whole) step = Math.max(1, Math.ceil(step));
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

export function highest(series: readonly Series[]): number {
  let most = 0;
  for (const { values } of series) for (const value of values) most = Math.max(most, value ?? 0);
  return most;
}

/** Which of `count` places along the bottom are named, so that no two names touch. */
export function named(count: number, width: number, each = 72): number[] {
  const room = Math.max(2, Math.floor(width / each));
  const every = Math.max(1, Math.ceil(count / room));
  const all: number[] = [];
  for (let index = 0; index < count; index += every) all.push(index);
  return all;
}

/** A line through the values; where there is none, it breaks off. */
export function line(
  xs: readonly number[],
  values: readonly (number | null)[],
  y: (value: number) => number,
): string {
  let drawn = "";
  let pen = false;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      pen = false;
      continue;
    }
    drawn += `${pen ? "L" : "M"}${(xs[index] ?? 0).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = true;
  }
  return drawn;
}

/** What lies below that line. */
export function area(
  xs: readonly number[],
  values: readonly (number | null)[],
  y: (value: number) => number,
  floor: number,
): string {
  let drawn = "";
  let from: number | undefined;
  for (let index = 0; index <= values.length; index++) {
    const value = values[index];
    if (value !== null && value !== undefined) {
      const x = (xs[index] ?? 0).toFixed(1);
      drawn +=
        from === undefined ? `M${x} ${floor}L${x} ${y(value).toFixed(1)}` : `L${x} ${y(value).toFixed(1)}`;
      from ??= index;
    } else if (from !== undefined) {
      drawn += `L${(xs[index - 1] ?? 0).toFixed(1)} ${floor}Z`;
      from = undefined;
    }
  }
  return drawn;
}
