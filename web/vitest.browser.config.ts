import { defineConfig } from "vitest/config";

/** Tests in a real browser: of each page against a core in memory, and of conversations through a real relay. */
export default defineConfig({
  test: {
    include: ["messenger/browser/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    environment: "node",
  },
});
