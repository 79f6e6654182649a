import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const wrangler = { configPath: "./wrangler.toml" };

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [cloudflareTest({ wrangler })],
        test: { name: "unit", include: ["test/unit/**/*.test.{ts,tsx}"] },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler,
            miniflare: {
              bindings: {
                LOCAL_USE: "1",
                JUPYTER_HOST: "127.0.0.1",
                JUPYTER_PORT: String(inject("gateway").port),
                JUPYTER_TOKEN: inject("jupyter").token,
                KERNEL_LINGER_SECONDS: "1",
              },
            },
          })),
        ],
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/integration-setup.ts"],
          // One gateway serves all files, and a test that takes Jupyter down must be alone.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/support/e2e-setup.ts"],
          // Each file starts real processes. Such a project runs beside no other one either.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
