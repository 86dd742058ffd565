import type { Key } from "../../words/index.ts";

/** What kinds of businesses there are, as the relay calls them. */
export const CATEGORIES: Readonly<Record<string, Key>> = {
  OTHER: "category.OTHER",
  AUTO: "category.AUTO",
  BEAUTY: "category.BEAUTY",
  APPAREL: "category.APPAREL",
  EDU: "category.EDU",
  ENTERTAIN: "category.ENTERTAIN",
  EVENT_PLAN: "category.EVENT_PLAN",
  FINANCE: "category.FINANCE",
  GROCERY: "category.GROCERY",
  GOVT: "category.GOVT",
  HOTEL: "category.HOTEL",
  HEALTH: "category.HEALTH",
  NONPROFIT: "category.NONPROFIT",
  PROF_SERVICES: "category.PROF_SERVICES",
  RETAIL: "category.RETAIL",
  TRAVEL: "category.TRAVEL",
  RESTAURANT: "category.RESTAURANT",
  ALCOHOL: "category.ALCOHOL",
  ONLINE_GAMBLING: "category.ONLINE_GAMBLING",
  PHYSICAL_GAMBLING: "category.PHYSICAL_GAMBLING",
  OTC_DRUGS: "category.OTC_DRUGS",
  MATRIMONY_SERVICE: "category.MATRIMONY_SERVICE",
};
