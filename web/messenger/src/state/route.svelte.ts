/** Where somebody is, kept behind the `#` of the address: it needs no server, and the browser's own back works. */
export type Page =
  | { at: "chats" }
  | { at: "archive" }
  | { at: "new" }
  | { at: "chat"; account: string }
  | { at: "about"; account: string }
  | { at: "safety"; account: string }
  | { at: "settings"; part?: string };

function read(hash: string): Page {
  const [first, second, third] = hash.replace(/^#\/?/u, "").split("/").map(decodeURIComponent);
  switch (first) {
    case "chat":
      if (!second) return { at: "chats" };
      if (third === "about") return { at: "about", account: second };
      return third === "safety" ? { at: "safety", account: second } : { at: "chat", account: second };
    case "archive":
      return { at: "archive" };
    case "new":
      return { at: "new" };
    case "settings":
      return second ? { at: "settings", part: second } : { at: "settings" };
    default:
      return { at: "chats" };
  }
}

export function write(page: Page): string {
  switch (page.at) {
    case "chat":
      return `#/chat/${page.account}`;
    case "about":
    case "safety":
      return `#/chat/${page.account}/${page.at}`;
    case "settings":
      return page.part ? `#/settings/${page.part}` : "#/settings";
    case "chats":
      return "#/";
    default:
      return `#/${page.at}`;
  }
}

class Route {
  page = $state.raw<Page>(read(location.hash));

  constructor() {
    addEventListener("hashchange", () => {
      this.page = read(location.hash);
    });
  }

  /** The account whose chat is on the screen. */
  get chat(): string | undefined {
    return "account" in this.page ? this.page.account : undefined;
  }

  go(page: Page): void {
    const hash = write(page);
    if (hash !== location.hash) location.hash = hash;
  }

  /** Without a step to go back to. */
  replace(page: Page): void {
    history.replaceState(null, "", location.pathname + write(page));
    this.page = page;
  }
}

export const route = new Route();
