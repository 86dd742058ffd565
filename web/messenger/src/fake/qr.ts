import type { QrModules } from "@tradepost/core";
import encodeQR from "qr";

export function qrModules(text: string): QrModules {
  const rows = encodeQR(text, "raw", { border: 1 })
    .slice(1, -1)
    .map((row) => row.slice(1, -1));
  return {
    width: rows.length,
    modules: rows.map((row) => row.map((dark) => (dark ? "1" : "0")).join("")).join(""),
  };
}
