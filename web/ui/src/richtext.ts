/** A message's words, cut into what is shown differently. Nothing here ever becomes HTML: a reader makes nodes of it. */
export type Piece =
  | { kind: "text" | "strong" | "emphasis" | "struck" | "code" | "block"; text: string }
  | { kind: "link"; text: string; href: string };

const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+/giu;
const MAIL = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/giu;
const MARKS = { "*": "strong", _: "emphasis", "~": "struck" } as const;

/** Cuts words into pieces. What is not understood stays as it was written. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  for (const [index, part] of text.split("```").entries()) {
    const closed = index % 2 === 1 && index < text.split("```").length - 1;
    if (closed && part.trim() !== "") found.push({ kind: "block", text: part.replace(/^\n|\n$/gu, "") });
    else if (index % 2 === 1) found.push(...inline(`\`\`\`${part}${closed ? "```" : ""}`));
    else found.push(...inline(part));
  }
  return joined(found);
}

function inline(text: string): Piece[] {
  const found: Piece[] = [];
  let rest = 0;
  for (const match of text.matchAll(/`([^`\n]+)`/gu)) {
    found.push(...linked(text.slice(rest, match.index)));
    found.push({ kind: "code", text: match[1] ?? "" });
    rest = match.index + match[0].length;
  }
  found.push(...linked(text.slice(rest)));
  return found;
}

function linked(text: string): Piece[] {
  const found: Piece[] = [];
  let rest = 0;
  const matches = [...text.matchAll(LINK), ...text.matchAll(MAIL)].toSorted((a, b) => a.index - b.index);
  for (const match of matches) {
    if (match.index < rest) continue;
    const words = trimmed(match[0]);
    const href = address(words);
    if (!href) continue;
    found.push(...marked(text.slice(rest, match.index)), { kind: "link", text: words, href });
    rest = match.index + words.length;
  }
  found.push(...marked(text.slice(rest)));
  return found;
}

/** Without the full stop of the sentence that it stands in, and without a bracket that was opened before it. */
function trimmed(link: string): string {
  let words = link;
  for (;;) {
    const without = words.replace(/[.,;:!?…]+$/u, "");
    const open = without.endsWith(")") && without.split("(").length < without.split(")").length;
    const next = open ? without.slice(0, -1) : without;
    if (next === words) return words;
    words = next;
  }
}

/** Where it leads: only to pages and mail. */
export function address(words: string): string | undefined {
  const mail = /^[\w.+-]+@/u.test(words) && !words.includes("/");
  const whole = mail ? `mailto:${words}` : /^www\./iu.test(words) ? `https://${words}` : words;
  try {
    const url = new URL(whole);
    return ["https:", "http:", "mailto:"].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function marked(text: string): Piece[] {
  const found: Piece[] = [];
  let rest = 0;
  const pattern = /(?<![\p{L}\p{N}])([*_~])(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}])/gu;
  for (const match of text.matchAll(pattern)) {
    const kind = MARKS[match[1] as keyof typeof MARKS];
    found.push({ kind: "text", text: text.slice(rest, match.index) }, { kind, text: match[2] ?? "" });
    rest = match.index + match[0].length;
  }
  found.push({ kind: "text", text: text.slice(rest) });
  return found;
}

function joined(found: Piece[]): Piece[] {
  const all: Piece[] = [];
  for (const piece of found) {
    const last = all.at(-1);
    if (piece.text === "") continue;
    if (piece.kind === "text" && last?.kind === "text") last.text += piece.text;
    else all.push({ ...piece });
  }
  return all;
}

/** How many emoji a text is, if it is nothing else; else 0. Few of them are shown large. */
export function onlyEmoji(text: string): number {
  const bare = text.replaceAll(/\s/gu, "");
  if (bare === "" || bare.length > 40) return 0;
  const parts = [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(bare)];
  const emoji = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2})/u;
  return parts.every((part) => emoji.test(part.segment)) ? parts.length : 0;
}
