import type { IconName } from "@tradepost/ui/icons.ts";
import type { Key } from "../../words/index.ts";

/** The pages of the settings, in their order. */
export const PARTS: readonly { part: string; title: Key; icon: IconName }[] = [
  { part: "profile", title: "settings.profile", icon: "person" },
  { part: "privacy", title: "settings.privacy", icon: "lock" },
  { part: "notifications", title: "settings.notifications", icon: "bell" },
  { part: "devices", title: "settings.devices", icon: "devices" },
  { part: "storage", title: "settings.storage", icon: "chest" },
  { part: "language", title: "settings.language", icon: "globe" },
  { part: "appearance", title: "settings.appearance", icon: "sun" },
  { part: "keys", title: "settings.keys", icon: "list" },
  { part: "account", title: "settings.account", icon: "settings" },
];
