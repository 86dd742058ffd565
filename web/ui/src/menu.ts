import type { IconName } from "./icons.ts";

/** Something that a menu offers. */
export interface Entry {
  words: string;
  icon: IconName;
  act: () => void;
  danger?: boolean;
  disabled?: boolean;
  /** Stands apart from those before it. */
  apart?: boolean;
}

const EDGE = 8;

/** Where on the screen a menu goes: below what opened it, or above where there is no room; never over an edge. */
export function place(anchor: HTMLElement | DOMPoint, menu: HTMLElement): { x: number; y: number } {
  const width = menu.offsetWidth;
  const height = menu.offsetHeight;
  const rtl = getComputedStyle(menu).direction === "rtl";
  let x: number;
  let y: number;
  if (anchor instanceof DOMPoint) {
    x = rtl ? anchor.x - width : anchor.x;
    y = anchor.y;
    if (y + height > innerHeight - EDGE) y = anchor.y - height;
  } else {
    const box = anchor.getBoundingClientRect();
    x = rtl ? box.left : box.right - width;
    y = box.bottom + 4;
    if (y + height > innerHeight - EDGE) y = box.top - height - 4;
  }
  return {
    x: Math.max(EDGE, Math.min(x, innerWidth - width - EDGE)),
    y: Math.max(EDGE, Math.min(y, innerHeight - height - EDGE)),
  };
}
