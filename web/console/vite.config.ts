import { createHash } from "node:crypto";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

/** Says of each script and style of the page what must be in it. */
function integrity(page: string): Plugin {
  return {
    name: "integrity",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const html = bundle[page];
        if (html?.type !== "asset") return;
        html.source = String(html.source).replaceAll(
          /<(?:script|link)[^>]*?(?:src|href)="\.\/([^"]+\.(?:js|css))"/gu,
          (tag, name: string) => {
            const file = bundle[name];
            const content = file?.type === "chunk" ? file.code : file?.source;
            if (content === undefined) return tag;
            const digest = createHash("sha384").update(content).digest("base64");
            return `${tag} integrity="sha384-${digest}"`;
          },
        );
        html.fileName = "index.html";
      },
    },
  };
}

/** One build, two entries: the console of businesses and agents, and the operator's (`--mode operator`). */
export default defineConfig(({ mode }) => {
  const operator = mode === "operator";
  const page = operator ? "operator.html" : "index.html";
  return {
    root: import.meta.dirname,
    base: "./",
    plugins: [svelte(), integrity(page)],
    build: {
      outDir: operator ? "../dist/operator" : "../dist/console",
      emptyOutDir: true,
      target: "es2023",
      assetsInlineLimit: 0,
      cssCodeSplit: false,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: page },
    },
  };
});
