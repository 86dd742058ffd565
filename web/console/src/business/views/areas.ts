/** The areas of the console: how they are called, who may open them, and what shows them. */
import type { Component } from "svelte";
import type { IconName } from "@tradepost/ui/icons.ts";
import type { Right } from "../api/types.ts";
import type { Area } from "../state/route.svelte.ts";
import type { Key } from "../words/index.ts";

export interface AreaEntry {
  area: Area;
  icon: IconName;
  words: Key;
  right?: Right;
  group?: "business" | "software";
  load?: () => Promise<{ default: Component }>;
}

export const ENTRIES: readonly AreaEntry[] = [
  { area: "inbox", icon: "inbox", words: "nav.inbox", right: "chats" },
  {
    area: "contacts",
    icon: "people",
    words: "nav.contacts",
    right: "chats",
    load: () => import("./office/Contacts.svelte"),
  },
  {
    area: "templates",
    icon: "file",
    words: "nav.templates",
    right: "chats",
    load: () => import("./office/Templates.svelte"),
  },
  {
    area: "media",
    icon: "picture",
    words: "nav.media",
    right: "chats",
    load: () => import("./office/Media.svelte"),
  },
  {
    area: "figures",
    icon: "figures",
    words: "nav.figures",
    right: "audit",
    load: () => import("./keeping/Figures.svelte"),
  },
  {
    area: "profile",
    icon: "store",
    words: "nav.profile",
    group: "business",
    load: () => import("./office/Profile.svelte"),
  },
  {
    area: "links",
    icon: "code",
    words: "nav.links",
    right: "chats",
    group: "business",
    load: () => import("./office/Links.svelte"),
  },
  {
    area: "replies",
    icon: "tag",
    words: "nav.replies",
    right: "chats",
    group: "business",
    load: () => import("./office/Replies.svelte"),
  },
  {
    area: "agents",
    icon: "card",
    words: "nav.agents",
    group: "business",
    load: () => import("./doors/Agents.svelte"),
  },
  {
    area: "hosting",
    icon: "shield",
    words: "nav.hosting",
    group: "business",
    load: () => import("./keeping/Hosting.svelte"),
  },
  {
    area: "apps",
    icon: "key",
    words: "nav.apps",
    right: "integrate",
    group: "software",
    load: () => import("./office/Apps.svelte"),
  },
  {
    area: "callbacks",
    icon: "hook",
    words: "nav.callbacks",
    right: "audit",
    group: "software",
    load: () => import("./office/Callbacks.svelte"),
  },
  { area: "account", icon: "person", words: "nav.account", load: () => import("./doors/Account.svelte") },
];
