/** Where the operator is, behind the `#` of the address. */
const AREAS = ["approvals", "vendors", "audit", "health"] as const;
export type Area = (typeof AREAS)[number];

interface Place {
  area: Area;
  part: string | undefined;
}

function read(hash: string): Place {
  const [first, part] = hash.replace(/^#\/?/u, "").split("/");
  return {
    area: AREAS.find((area) => area === first) ?? "approvals",
    part: part ? decodeURIComponent(part) : undefined,
  };
}

export function link(area: Area, part?: string): string {
  return part ? `#/${area}/${encodeURIComponent(part)}` : `#/${area}`;
}

class Route {
  place = $state.raw<Place>(read(location.hash));

  constructor() {
    addEventListener("hashchange", () => (this.place = read(location.hash)));
  }

  go(area: Area, part?: string): void {
    location.hash = link(area, part);
  }
}

export const route = new Route();
