/** Who is in the chats of tests. */
import type { Contact, Label, LabelState, Profile } from "@tradepost/core";

export const OWN = "00000000-0000-4000-8000-000000000001";
export const OWN_NUMBER = "+4915112345678";

export const OTTO = "10000000-0000-4000-8000-000000000001";
export const LENA = "10000000-0000-4000-8000-000000000002";
export const YUSUF = "10000000-0000-4000-8000-000000000003";
export const MARTA = "10000000-0000-4000-8000-000000000004";
export const MANY = "10000000-0000-4000-8000-000000000005";
export const STRANGER = "10000000-0000-4000-8000-000000000006";
export const BANK = "20000000-0000-4000-8000-000000000001";
export const AIR = "20000000-0000-4000-8000-000000000002";
export const SHOP = "20000000-0000-4000-8000-000000000003";
export const CLINIC = "20000000-0000-4000-8000-000000000004";
export const NEWCOMER = "20000000-0000-4000-8000-000000000005";

const profile = (name: string, about = ""): Profile => ({ name, about, avatar: null });

function person(account: string, name: string, number: string, more: Partial<Contact> = {}): Contact {
  return {
    account,
    name: null,
    number,
    profile: profile(name),
    business: null,
    blocked: false,
    trust: "first_use",
    ...more,
  };
}

function business(account: string, name: string): Contact {
  return {
    account,
    name: null,
    number: null,
    profile: null,
    business: { name, vouched: true },
    blocked: false,
    trust: "first_use",
  };
}

export const CONTACTS: Contact[] = [
  person(OWN, "Anna Berger", OWN_NUMBER, { profile: profile("Anna Berger", "Mostly offline on Sundays") }),
  person(OTTO, "Otto Lindner", "+493012345678", {
    trust: "verified",
    profile: profile("Otto Lindner", "At the lake"),
  }),
  person(LENA, "Lena Hoffmann", "+4915198765432"),
  person(YUSUF, "يوسف الحداد", "+966512345678"),
  person(MARTA, "Marta Sánchez", "+34612345678", { trust: "changed" }),
  person(MANY, "Old Friends' Archive", "+493098765432"),
  person(STRANGER, "", "+14155550123", { profile: null }),
  business(BANK, "Example Bank"),
  business(AIR, "Nordwind Air"),
  business(SHOP, "Fern & Pot"),
  business(CLINIC, "Clinic at the Park"),
  business(NEWCOMER, "Corner Bakery"),
];

const DAY = 86_400_000;

export function label(name: string, more: Partial<Label> = {}): Label {
  return {
    business: "AAAAAAAAAAAAAAAAAAAAAA==",
    hosting: "self",
    host_name: "",
    name,
    legal_name: name,
    verified: true,
    since: Date.now() - 200 * DAY,
    country: "DE",
    category: "FINANCE",
    ...more,
  };
}

function standing(of: Label, more: Partial<LabelState> = {}): LabelState {
  return { label: of, change: "first", digest: btoa(of.name), shown: true, ...more };
}

export function labels(): Map<string, LabelState> {
  return new Map([
    [BANK, standing(label("Example Bank", { legal_name: "Bank of Examples AG" }))],
    [
      AIR,
      standing(
        label("Nordwind Air", {
          hosting: "vendor",
          host_name: "Cloudline Hosting",
          legal_name: "Nordwind Luftverkehr GmbH",
          category: "TRAVEL",
        }),
      ),
    ],
    [
      SHOP,
      standing(
        label("Fern & Pot", {
          hosting: "operator",
          host_name: "Tradepost Europe",
          legal_name: "Fern and Pot Ltd",
          country: "GB",
          category: "RETAIL",
          since: Date.now() - DAY,
        }),
        { change: "changed", shown: false },
      ),
    ],
    [
      CLINIC,
      standing(
        label("Clinic at the Park", {
          hosting: "sealed",
          host_name: "Medivault",
          legal_name: "Parkklinik gGmbH",
          category: "HEALTH",
          verified: false,
        }),
      ),
    ],
    [
      NEWCOMER,
      standing(label("Corner Bakery", { legal_name: "Ecke Backwaren OHG", category: "RESTAURANT" }), {
        shown: false,
      }),
    ],
  ]);
}
