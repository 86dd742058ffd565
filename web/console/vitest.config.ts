import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Units and components, without a browser. */
export default defineConfig({
  plugins: [svelte()],
  resolve: { conditions: ["browser"] },
  test: {
    root: import.meta.dirname,
    include: ["test/**/*.test.ts"],
    environment: "jsdom",
    setupFiles: ["../ui/src/jsdom.ts", "test/jsdom.ts"],
  },
});
