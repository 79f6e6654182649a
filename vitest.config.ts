import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const wrangler = { configPath: "./wrangler.toml" };

/** The Worker in local use, with the Jupyter server behind the gateway. */
function behindGateway() {
  return cloudflareTest(({ inject }) => ({
    wrangler,
    miniflare: {
      bindings: {
        LOCAL_USE: "1",
        JUPYTER_HOST: "127.0.0.1",
        JUPYTER_PORT: String(inject("gateway").port),
        JUPYTER_TOKEN: inject("jupyter").token,
        KERNEL_LINGER_SECONDS: "1",
        LOG_LEVEL: "info",
      },
    },
  }));
}

/** For tests with real servers, kernels and browsers. */
const WITH_REAL_PARTS = {
  // One gateway serves all files of a project, and a test that takes Jupyter down must be alone.
  fileParallelism: false,
  // They all share a few processors. What fails is tried once more, and named at the end.
  retry: 1,
};

export default defineConfig({
  test: {
    // What the Worker logs is looked at where a test is about it.
    onConsoleLog: (text) => !text.startsWith('{"time":'),
    projects: [
      {
        plugins: [cloudflareTest({ wrangler })],
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.{ts,tsx}"],
          // Some try thousands of inputs, and a busy machine takes its time for that.
          testTimeout: 30_000,
        },
      },
      {
        plugins: [behindGateway()],
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/integration-setup.ts"],
          setupFiles: ["test/integration/leave-no-kernels.ts"],
          ...WITH_REAL_PARTS,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The tests of notebooks once more, where jupyter-collaboration is.
        plugins: [behindGateway()],
        test: {
          name: "live",
          include: [
            "test/live/**/*.test.ts",
            "test/integration/{notebook,run-cells}*.test.ts",
            "test/integration/from-conversation.test.ts",
          ],
          globalSetup: ["test/support/live-setup.ts"],
          setupFiles: ["test/integration/leave-no-kernels.ts"],
          ...WITH_REAL_PARTS,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [behindGateway()],
        test: {
          name: "languages",
          include: ["test/languages/**/*.test.ts"],
          globalSetup: ["test/support/languages-setup.ts"],
          setupFiles: ["test/integration/leave-no-kernels.ts"],
          ...WITH_REAL_PARTS,
          // A kernel that compiles takes its time, and several files share two cores.
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler,
            miniflare: {
              bindings: {
                // A person's own server may be on this machine then.
                LOCAL_USE: "1",
                SIGN_IN: "jupyter",
                PUBLIC_URL: "https://edge.example.com",
                SEALING_KEY: "a sealing key of more than thirty-two characters",
                ALLOW_USER_SERVERS: "true",
                JUPYTER_HOST: "127.0.0.1",
                JUPYTER_PORT: String(inject("teamServer").port),
                JUPYTER_HEADERS: '{"X-Team-Secret": "canary-team-header"}',
                CF_ACCESS_CLIENT_ID: "canary-access-id",
                CF_ACCESS_CLIENT_SECRET: "canary-access-secret",
                KERNEL_LINGER_SECONDS: "1",
                AUDIT_DAYS: "30",
                LOG_LEVEL: "debug",
                HEALTH_TOKEN: "canary-health-token-of-more-than-32-characters",
                MAX_REQUESTS_PER_MINUTE: "200",
                MAX_CONVERSATIONS: "8",
                MAX_RUNNING_EXECUTIONS: "4",
                MAX_STORED_MB: "5",
              },
            },
          })),
        ],
        test: {
          name: "hosted",
          include: ["test/hosted/**/*.test.ts"],
          globalSetup: ["test/support/hosted-setup.ts"],
          ...WITH_REAL_PARTS,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler,
            miniflare: {
              bindings: {
                SIGN_IN: "jupyterhub",
                PUBLIC_URL: "https://edge.example.com",
                SEALING_KEY: "a sealing key of more than thirty-two characters",
                JUPYTERHUB_URL: inject("hub").url,
                JUPYTERHUB_CLIENT_ID: inject("hub").clientId,
                JUPYTERHUB_CLIENT_SECRET: inject("hub").clientSecret,
                KERNEL_LINGER_SECONDS: "1",
              },
            },
          })),
        ],
        test: {
          name: "hub",
          include: ["test/hub/**/*.test.ts"],
          globalSetup: ["test/support/hub-setup.ts"],
          ...WITH_REAL_PARTS,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler,
            miniflare: {
              bindings: {
                // A person's own server may be on this machine then.
                LOCAL_USE: "1",
                SIGN_IN: "oidc",
                PUBLIC_URL: "https://edge.example.com",
                SEALING_KEY: "a sealing key of more than thirty-two characters",
                OIDC_ISSUER: inject("issuer").url,
                OIDC_CLIENT_ID: inject("issuer").clientId,
                OIDC_CLIENT_SECRET: inject("issuer").clientSecret,
                OIDC_ALLOWED: "ada@example.com, @team.example.org @work.example.org",
                ALLOW_USER_SERVERS: "true",
                JUPYTER_HOST: "127.0.0.1",
                JUPYTER_PORT: String(inject("teamServer").port),
                JUPYTER_TOKEN: inject("teamServer").token,
                KERNEL_LINGER_SECONDS: "1",
              },
            },
          })),
        ],
        test: {
          name: "oidc",
          include: ["test/oidc/**/*.test.ts"],
          globalSetup: ["test/support/oidc-setup.ts"],
          ...WITH_REAL_PARTS,
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
          ...WITH_REAL_PARTS,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
