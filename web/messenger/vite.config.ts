import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

/** Tells the offline worker which files the page has, and under which version. */
function shell(): Plugin {
  return {
    name: "shell",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const files = Object.keys(bundle).filter((file) => file !== "offline.js" && file !== "index.html");
        const version = createHash("sha256").update(files.toSorted().join("\n"));
        for (const file of Object.values(bundle)) {
          if (file.fileName === "index.html" && file.type === "asset") version.update(file.source);
        }
        const offline = bundle["offline.js"];
        if (offline?.type !== "chunk") return;
        const filled = JSON.stringify({ version: version.digest("hex").slice(0, 12), files });
        offline.code = offline.code.replace("__SHELL__", () => filled);
      },
    },
  };
}

/** Says of each script and style of the page what must be in it. */
function integrity(): Plugin {
  return {
    name: "integrity",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") return;
        page.source = String(page.source).replaceAll(
          /<(?:script|link)[^>]*?(?:src|href)="\.\/([^"]+\.(?:js|css))"/gu,
          (tag, name: string) => {
            const file = bundle[name];
            const content = file?.type === "chunk" ? file.code : file?.source;
            if (content === undefined) return tag;
            const digest = createHash("sha384").update(content).digest("base64");
            return `${tag} integrity="sha384-${digest}"`;
          },
        );
      },
    },
  };
}

/** Builds for tests have a core in memory in the place of the real one. */
function fake(): Plugin {
  return {
    name: "fake",
    enforce: "pre",
    resolveId(source, importer) {
      if (source.endsWith("/core/open.ts") && importer?.endsWith("/src/main.ts")) {
        return resolve(import.meta.dirname, "src/fake/open.ts");
      }
      return undefined;
    },
  };
}

export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  base: "./",
  plugins: [mode === "fake" && fake(), svelte(), integrity(), shell()],
  build: {
    outDir: mode === "fake" ? "../dist/fake" : "../dist/app",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: "index.html", offline: "src/offline/worker.ts" },
      output: {
        entryFileNames: (chunk) => (chunk.name === "offline" ? "offline.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
}));
