import { defineConfig } from "vitest/config";

/** Every page in a real browser, against a host and a relay in memory. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["browser/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    environment: "node",
  },
});
