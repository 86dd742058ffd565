import { beforeAll, describe, expect, it } from "vitest";
import { words } from "./index.ts";
import { bytes, day, length, listed, phone, span } from "./times.ts";

const NOW = new Date(2026, 10, 28, 14, 5).getTime();
const HOUR = 3_600_000;

beforeAll(() => words.choose("en"));

describe("times", () => {
  it("are a clock today, then yesterday, a weekday, a date", () => {
    expect(listed(NOW - HOUR, NOW)).toMatch(/1:05/u);
    expect(listed(NOW - 20 * HOUR, NOW)).toBe("Yesterday");
    expect(listed(NOW - 3 * 24 * HOUR, NOW)).toBe("Wed");
    expect(listed(NOW - 30 * 24 * HOUR, NOW)).toBe("10/29/26");
  });

  it("name days between messages", () => {
    expect(day(NOW, NOW)).toBe("Today");
    expect(day(NOW - 24 * HOUR, NOW)).toBe("Yesterday");
    expect(day(NOW - 4 * 24 * HOUR, NOW)).toBe("Tuesday");
    expect(day(NOW - 400 * 24 * HOUR, NOW)).toBe("October 24, 2025");
  });

  it("are written for people", () => {
    expect(length(7_400)).toBe("0:07");
    expect(length(3_661_000)).toBe("61:01");
    expect(span(86_400)).toBe("1 day");
    expect(span(2_419_200)).toBe("4 weeks");
    expect(bytes(184_320)).toBe("184 kB");
    expect(bytes(0)).toBe("0 bytes");
  });

  it("keep the digits of a number in their order", () => {
    expect(phone("+4915112345678")).toBe("\u2066+49 151 123 456 78\u2069");
    expect(phone("+14155550123")).toBe("\u2066+1 415 555 0123\u2069");
    expect(phone("+351912345678")).toBe("\u2066+351 912 345 678\u2069");
  });

  it("count as Arabic counts", async () => {
    await words.choose("ar");
    expect(words.say("chat.unread", { count: 2 })).toBe("رسالتان جديدتان");
    expect(words.say("chat.unread", { count: 3 })).toContain("رسائل جديدة");
    await words.choose("en");
    expect(words.say("chat.unread", { count: 1 })).toBe("1 new message");
  });
});
