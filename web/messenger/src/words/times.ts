/** Times, sizes and places as people write them. */
import { words } from "./index.ts";

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = words.tag + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(words.tag || "en", options);
    formats.set(key, found);
  }
  return found;
}

const QUARTER = 900_000;
const midnights = new Map<number, number>();

/** Midnight before a time. Every clock on earth is a whole number of quarters away from the others. */
export function dayOf(time: number): number {
  const quarter = Math.floor(time / QUARTER);
  let midnight = midnights.get(quarter);
  if (midnight === undefined) {
    midnight = new Date(time).setHours(0, 0, 0, 0);
    midnights.set(quarter, midnight);
  }
  return midnight;
}

export function clock(time: number): string {
  return format({ hour: "numeric", minute: "2-digit" }).format(time);
}

export function date(time: number): string {
  return format({ dateStyle: "long" }).format(time);
}

export function dateAndClock(time: number): string {
  return format({ dateStyle: "medium", timeStyle: "short" }).format(time);
}

function days(count: number): string {
  return capital(new Intl.RelativeTimeFormat(words.tag || "en", { numeric: "auto" }).format(-count, "day"));
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(words.tag || "en") + text.slice(1);
}

function daysAgo(time: number, now: number): number {
  return Math.round((dayOf(now) - dayOf(time)) / DAY);
}

/** In a list: the clock today, then yesterday, the weekday, the date. */
export function listed(time: number, now = Date.now()): string {
  const ago = daysAgo(time, now);
  if (ago <= 0) return clock(time);
  if (ago === 1) return days(1);
  if (ago < 7) return capital(format({ weekday: "short" }).format(time));
  return format({ day: "numeric", month: "numeric", year: "2-digit" }).format(time);
}

/** Between the messages of two days. */
export function day(time: number, now = Date.now()): string {
  const ago = daysAgo(time, now);
  if (ago === 0 || ago === 1) return days(ago);
  if (ago > 1 && ago < 7) return capital(format({ weekday: "long" }).format(time));
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return format({ day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) }).format(time);
}

/** Minutes and seconds. */
export function length(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const two = new Intl.NumberFormat(words.tag || "en", { minimumIntegerDigits: 2 });
  return `${words.number(Math.floor(seconds / 60))}:${two.format(seconds % 60)}`;
}

export function bytes(count: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = count < 1 ? 0 : Math.min(3, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** step;
  return new Intl.NumberFormat(words.tag || "en", {
    style: "unit",
    unit: units[step],
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}

/** A length of time in its largest unit, in words. */
export function span(seconds: number): string {
  const units: [number, string][] = [
    [604_800, "week"],
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const [size, unit] = units.find(([of]) => seconds >= of && seconds % of === 0) ?? [1, "second"];
  return new Intl.NumberFormat(words.tag || "en", { style: "unit", unit, unitDisplay: "long" }).format(
    seconds / size,
  );
}

/** The name of a country in this language. */
export function country(code: string): string {
  try {
    return new Intl.DisplayNames(words.tag || "en", { type: "region" }).of(code) ?? code;
  } catch {
    return code;
  }
}

const TWO_DIGITS = /^(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/u;

/** Digits of the code of a country at the beginning of a number. */
function codeLength(digits: string): number {
  if (/^[17]/u.test(digits)) return 1;
  return TWO_DIGITS.test(digits) ? 2 : 3;
}

/** A number with spaces where they help; its digits stay together where reading goes from right to left. */
export function phone(number: string): string {
  const digits = number.replace(/^\+/u, "");
  const code = codeLength(digits);
  const groups = digits.slice(code).match(/\d{3}(?=\d{2})|\d+/gu) ?? [];
  return `\u2066+${digits.slice(0, code)} ${groups.join(" ")}\u2069`;
}
