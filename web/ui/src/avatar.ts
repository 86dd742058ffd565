/** The first letters of the first and last word of a name; nothing of a number. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/\s+/u)
    .filter((word) => /^\p{L}/u.test(word));
  const first = words[0];
  const last = words.length > 1 ? words.at(-1) : undefined;
  // Letters of Arabic script join where they stand together: one is enough.
  if (first && /^\p{Script=Arabic}/u.test(first)) return firstLetter(first);
  return firstLetter(first) + firstLetter(last);
}

function firstLetter(word: string | undefined): string {
  return word ? (Array.from(word)[0] ?? "").toLocaleUpperCase() : "";
}

/** A hue from 0 to 359, always the same for the same text. */
export function hueOf(text: string): number {
  let hash = 2166136261;
  for (const character of text) {
    hash ^= character.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 16777619);
  }
  // Steps, so that two neighbours differ or are the same.
  return ((hash >>> 0) % 18) * 20;
}
