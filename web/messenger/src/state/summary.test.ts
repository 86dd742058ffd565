import { expect, it } from "vitest";
import { bars } from "./player.svelte.ts";
import { isShown } from "./files.svelte.ts";
import { oneLine } from "./summary.ts";
import { deviceName } from "../views/welcome/device.ts";

it("puts a message into one line without its marks", () => {
  expect(oneLine("*Two*  o'clock\nat the _old_ jetty")).toBe("Two o'clock at the old jetty");
  expect(oneLine("2*3 snake_case")).toBe("2*3 snake_case");
});

it("shows in the page only what cannot run", () => {
  for (const type of [
    "image/svg+xml",
    "text/html",
    "application/xhtml+xml",
    "image/SVG+xml",
    "",
    "application/pdf",
  ]) {
    expect(isShown(type), type).toBe(false);
  }
  expect(isShown("image/jpeg")).toBe(true);
  expect(isShown("audio/ogg; codecs=opus")).toBe(true);
});

it("measures how loud the parts of a note are", () => {
  const samples = Float32Array.from({ length: 4_400 }, (_, at) => (at < 2_200 ? 0.1 : 0.4));
  const loud = bars(samples);
  expect(loud).toHaveLength(44);
  expect(loud.at(-1)).toBeCloseTo(1);
  expect(loud[0]).toBeCloseTo(0.25);
  expect(bars(new Float32Array(0))).toHaveLength(44);
});

it("calls a browser by what it is", () => {
  expect(deviceName("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe(
    "Firefox, Linux",
  );
  expect(deviceName("something else")).toBe("Browser");
});
