/** Times, counts and sizes as people write them. */
import { speaker } from "./words/index.ts";

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function tag(): string {
  return speaker().tag || "en";
}

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = tag() + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(tag(), options);
    formats.set(key, found);
  }
  return found;
}

export function dayOf(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

export function clock(time: number): string {
  return format({ hour: "numeric", minute: "2-digit" }).format(time);
}

export function date(time: number): string {
  return format({ dateStyle: "medium" }).format(time);
}

export function shortDate(time: number): string {
  return format({ day: "numeric", month: "short" }).format(time);
}

export function dateAndClock(time: number): string {
  return format({ dateStyle: "medium", timeStyle: "short" }).format(time);
}

export function exact(time: number): string {
  return format({ dateStyle: "medium", timeStyle: "medium" }).format(time);
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(tag()) + text.slice(1);
}

function daysAgo(time: number, now: number): number {
  return Math.round((dayOf(now) - dayOf(time)) / DAY);
}

/** Between the messages of two days. */
export function day(time: number, now = Date.now()): string {
  const past = daysAgo(time, now);
  if (past === 0 || past === 1) {
    return capital(new Intl.RelativeTimeFormat(tag(), { numeric: "auto" }).format(-past, "day"));
  }
  if (past > 1 && past < 7) return capital(format({ weekday: "long" }).format(time));
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return format({ day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) }).format(time);
}

const UNITS: readonly [number, Intl.RelativeTimeFormatUnit][] = [
  [86_400_000 * 365, "year"],
  [86_400_000 * 30, "month"],
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
];

/** How long ago, in the largest unit, short: for lists. */
export function ago(time: number, now = Date.now()): string {
  const past = now - time;
  const [size, unit] = UNITS.find(([least]) => Math.abs(past) >= least) ?? [60_000, "minute" as const];
  const relative = new Intl.RelativeTimeFormat(tag(), { numeric: "auto", style: "short" });
  return relative.format(-Math.trunc(past / size), unit);
}

/** The age of something in a list, as narrow as it can be said: 5m, 3h, 2d. */
export function age(time: number, now = Date.now()): string {
  const past = Math.max(0, now - time);
  const [size, unit] = UNITS.find(([least]) => past >= least) ?? [60_000, "minute" as const];
  return amount(Math.trunc(past / size), unit, "narrow");
}

function amount(value: number, unit: string, unitDisplay: "narrow" | "short" | "long"): string {
  return new Intl.NumberFormat(tag(), { style: "unit", unit, unitDisplay, maximumFractionDigits: 1 }).format(
    value,
  );
}

/** A length of time in its largest fitting unit, in words. */
export function span(seconds: number, unitDisplay: "narrow" | "short" | "long" = "long"): string {
  const units: [number, string][] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const [size, unit] = units.find(([least]) => seconds >= least) ?? [1, "second"];
  return amount(Math.round((seconds / size) * 10) / 10, unit, unitDisplay);
}

/** Hours and minutes that are left: `5 h 12 min`. */
export function left(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  const hours = Math.floor(minutes / 60);
  const parts = [];
  if (hours > 0) parts.push(amount(hours, "hour", "short"));
  if (hours === 0 || minutes % 60 > 0) parts.push(amount(minutes % 60, "minute", "short"));
  return parts.join(" ");
}

export function bytes(count: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = count < 1 ? 0 : Math.min(3, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** step;
  return new Intl.NumberFormat(tag(), {
    style: "unit",
    unit: units[step],
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}

export function number(value: number): string {
  return speaker().number(value);
}

/** A large count, short: 12.4K. */
export function short(value: number): string {
  return new Intl.NumberFormat(tag(), { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function percent(part: number): string {
  return new Intl.NumberFormat(tag(), { style: "percent", maximumFractionDigits: 1 }).format(part);
}

export function region(code: string): string {
  try {
    return new Intl.DisplayNames(tag(), { type: "region" }).of(code) ?? code;
  } catch {
    return code;
  }
}

export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(tag(), { type: "language" }).of(code.replace("_", "-")) ?? code;
  } catch {
    return code;
  }
}

/** A number that stays together where reading goes from right to left. */
export function phone(written: string): string {
  const digits = written.replace(/^\+/u, "");
  const groups = digits.slice(2).match(/\d{1,4}/gu) ?? [];
  return `\u2066+${digits.slice(0, 2)} ${groups.join(" ")}\u2069`;
}
