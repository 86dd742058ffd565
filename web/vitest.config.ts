import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Tests of what needs no page. */
export default defineConfig({
  plugins: [svelte()],
  test: {
    include: ["ui/src/**/*.test.ts", "messenger/src/**/*.test.ts"],
    environment: "jsdom",
    setupFiles: ["ui/src/jsdom.ts"],
  },
});
