/**
 * Puts finished pages where the binary embeds them from: web/dist into web/pages. Scripts and styles are named with the
 * hash that the browser is to find in them (subresource integrity), and what is worth it is compressed beside itself.
 * What has not changed is not written again, so that the binary is not built again either.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const web = import.meta.dirname;
const APPS = ["app", "console", "operator"];
/** Of these nothing is left to squeeze out. */
const PACKED = /\.(png|jpe?g|webp|woff2|br|gz)$/;

async function files(folder) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const names = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return names.sort();
}

/** Writes a file unless it is there with this content; whether it was written. */
async function put(path, content) {
  const there = await readFile(path).catch(() => undefined);
  if (there?.equals(content)) return false;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return true;
}

/** Adds to every script and style of a page what the browser is to find in it. */
async function sealed(folder, html) {
  const text = html.toString("utf8");
  const tags = [...text.matchAll(/<(?:script|link)\b[^>]*?\b(?:src|href)="([^"]+)"[^>]*>/g)];
  let result = text;
  for (const [tag, address] of tags) {
    if (!/\.(js|css)$/.test(address) || tag.includes("integrity=")) continue;
    const content = await readFile(join(folder, address.replace(/^(\.\/|\/[a-z]+\/)/, "")));
    const hash = createHash("sha384").update(content).digest("base64");
    const attributes = ` integrity="sha384-${hash}"${tag.includes("crossorigin") ? "" : " crossorigin"}`;
    result = result.replace(tag, tag.replace(/\s*\/?>$/, (end) => attributes + end));
  }
  return Buffer.from(result);
}

let written = 0;
for (const app of APPS) {
  const [from, to] = [join(web, "dist", app), join(web, "pages", app)];
  const wanted = new Set();
  for (const path of await files(from)) {
    const name = relative(from, path);
    let content = await readFile(path);
    if (name.endsWith(".html")) content = await sealed(from, content);
    const target = join(to, name);
    wanted.add(target);
    const changed = await put(target, content);
    written += Number(changed);
    if (PACKED.test(name) || content.length < 512) continue;
    for (const end of [".br", ".gz"]) wanted.add(target + end);
    const there = await readFile(`${target}.gz`).catch(() => undefined);
    if (!changed && there) continue;
    const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } };
    await put(`${target}.br`, brotliCompressSync(content, brotli));
    await put(`${target}.gz`, gzipSync(content, { level: 9 }));
  }
  for (const path of await files(to)) if (!wanted.has(path)) await rm(path);
}
if (written > 0) console.log(`web: ${written} files put into web/pages`);
