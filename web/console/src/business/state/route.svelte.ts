/** Where somebody is, kept behind the `#` of the address: it needs no server, and the browser's own back works. */
export const AREAS = [
  "inbox",
  "contacts",
  "templates",
  "media",
  "figures",
  "profile",
  "links",
  "replies",
  "apps",
  "callbacks",
  "hosting",
  "agents",
  "account",
  "invitation",
] as const;
export type Area = (typeof AREAS)[number];

export interface Place {
  area: Area;
  parts: readonly string[];
}

function read(hash: string): Place {
  const [first = "", ...parts] = hash
    .replace(/^#\/?/u, "")
    .split("/")
    .filter((part) => part !== "")
    .map(decoded);
  const area = AREAS.find((known) => known === first);
  return area ? { area, parts } : { area: "inbox", parts: [] };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function link(area: Area, ...parts: string[]): string {
  return `#/${[area, ...parts.map(encodeURIComponent)].join("/")}`;
}

class Route {
  place = $state.raw<Place>(read(location.hash));

  constructor() {
    addEventListener("hashchange", () => {
      this.place = read(location.hash);
    });
  }

  get area(): Area {
    return this.place.area;
  }

  part(index: number): string | undefined {
    return this.place.parts[index];
  }

  go(area: Area, ...parts: string[]): void {
    const hash = link(area, ...parts);
    if (hash !== location.hash) location.hash = hash;
  }

  /** Without a step to go back to. */
  replace(area: Area, ...parts: string[]): void {
    history.replaceState(null, "", location.pathname + location.search + link(area, ...parts));
    this.place = read(location.hash);
  }
}

export const route = new Route();
