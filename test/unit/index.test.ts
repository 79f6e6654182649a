import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import worker from "../../src/index.ts";

/** What the deployment answers with these settings. */
function ask(
  path: string,
  settings: Readonly<Record<string, unknown>>,
  init?: RequestInit<CfProperties>,
) {
  const request = new Request(`https://edge.example.com${path}`, init);
  return worker.fetch(
    request as Parameters<typeof worker.fetch>[0],
    { ...env, ...settings },
    createExecutionContext(),
  );
}

const COMPLETE = {
  SIGN_IN: "jupyter",
  PUBLIC_URL: "https://edge.example.com",
  SEALING_KEY: "a sealing key of more than thirty-two characters",
  JUPYTER_HOST: "jupyter.example.com",
};

const HUB = {
  ...COMPLETE,
  SIGN_IN: "jupyterhub",
  JUPYTER_HOST: "",
  JUPYTERHUB_URL: "https://hub.example.com/hub/",
  JUPYTERHUB_CLIENT_ID: "service-jupyter-edge-mcp",
  JUPYTERHUB_CLIENT_SECRET: "a secret",
};

const OIDC = {
  ...COMPLETE,
  SIGN_IN: "oidc",
  JUPYTER_TOKEN: "a token",
  OIDC_ISSUER: "https://login.example.com",
  OIDC_CLIENT_ID: "jupyter-edge-mcp",
  OIDC_CLIENT_SECRET: "a secret",
  OIDC_ALLOWED: "@example.com",
};

const LACKING: readonly (readonly [name: string, settings: object, says: RegExp])[] = [
  ["PUBLIC_URL", { PUBLIC_URL: "" }, /^PUBLIC_URL is not set$/],
  ["SEALING_KEY", { SEALING_KEY: " " }, /^SEALING_KEY is not set$/],
  ["a long SEALING_KEY", { SEALING_KEY: "short" }, /^SEALING_KEY is shorter than 32/],
  [
    "a long SEALING_KEY_PREVIOUS",
    { SEALING_KEY_PREVIOUS: "short" },
    /_PREVIOUS is shorter/,
  ],
  [
    "a server",
    { JUPYTER_HOST: "" },
    /^Neither JUPYTER_HOST is set nor ALLOW_USER_SERVERS/,
  ],
  ...Object.keys(HUB)
    .filter((name) => name.startsWith("JUPYTERHUB_"))
    .map((name) => [name, { ...HUB, [name]: "" }, notSet(name)] as const),
  ...Object.keys(OIDC)
    .filter((name) => /^OIDC_|^JUPYTER_TOKEN$/.test(name))
    .map((name) => [name, { ...OIDC, [name]: " " }, notSet(name)] as const),
];

function notSet(name: string): RegExp {
  return new RegExp(`^${name} is not set`);
}

test.for(LACKING)(
  "without %s nobody is served, and it is listed",
  async ([, lacks, says]) => {
    const settings = { ...COMPLETE, ...lacks };
    for (const path of [
      "/mcp",
      "/authorize",
      "/oauth/token",
      "/health",
      "/.well-known/x",
    ]) {
      const answer = await ask(path, settings, { method: "POST", body: "{}" });
      expect(answer.status, path).toBe(503);
      const { error } = await answer.json<{ error: { data: { missing: string[] } } }>();
      expect(error.data.missing).toEqual([expect.stringMatching(says)]);
    }
    const page = await ask("/", settings);
    expect(page.status).toBe(503);
    expect(await page.text()).toContain("This server is not open yet");
  },
);

test("with everything there is a way in, and without sign-in there is none", async () => {
  for (const settings of [COMPLETE, HUB, OIDC]) {
    expect((await ask("/", settings)).status).toBe(200);
    expect((await ask("/mcp", settings, { method: "POST" })).status).toBe(401);
  }
  // Where nobody has an account elsewhere, nobody comes back from there.
  expect((await ask("/callback", COMPLETE)).status).toBe(404);
  expect((await ask("/callback", HUB)).status).toBe(400);
  expect((await ask("/mcp", {}, { method: "POST" })).status).toBe(503);
  // Local use does not come back where sign-in is set, on loopback neither.
  const local = { ...COMPLETE, LOCAL_USE: "1", PUBLIC_URL: "http://localhost:8787" };
  const request = new Request("http://localhost:8787/mcp", {
    method: "POST",
    headers: { host: "localhost:8787" },
  });
  const answer = await worker.fetch(
    request as Parameters<typeof worker.fetch>[0],
    { ...env, ...local },
    createExecutionContext(),
  );
  expect(answer.status).toBe(401);
});

test.for([
  [{ SIGN_IN: "everybody" }, "SIGN_IN"],
  [{ PUBLIC_URL: "http://edge.example.com" }, "PUBLIC_URL"],
  [{ PUBLIC_URL: "https://edge.example.com/mcp" }, "PUBLIC_URL"],
  [{ CF_ACCESS_CLIENT_ID: "id" }, "CF_ACCESS_CLIENT_SECRET"],
  [{ JUPYTER_HEADERS: "X-Name: value" }, "JUPYTER_HEADERS"],
  [{ JUPYTER_HEADERS: '{"X Name": "value"}' }, "JUPYTER_HEADERS"],
  [{ JUPYTER_HEADERS: '{"X-Name": "a\\nb"}' }, "JUPYTER_HEADERS"],
  [{ USER_SERVER_PORTS: "443,many" }, "USER_SERVER_PORTS"],
  [{ LOG_LEVEL: "loud" }, "LOG_LEVEL"],
  [{ HEALTH_TOKEN: "short" }, "HEALTH_TOKEN"],
  [{ MAX_CONVERSATIONS: "0" }, "MAX_CONVERSATIONS"],
  [{ JUPYTERHUB_URL: "http://hub.example.com" }, "JUPYTERHUB_URL"],
  [{ JUPYTERHUB_URL: "https://ada:secret@hub.example.com" }, "JUPYTERHUB_URL"],
  [{ JUPYTERHUB_SERVER: "a/b" }, "JUPYTERHUB_SERVER"],
  [{ OIDC_ISSUER: "login.example.com" }, "OIDC_ISSUER"],
  [{ OIDC_ALLOWED: "example.com" }, "OIDC_ALLOWED"],
  [{ OIDC_ALLOWED: "@" }, "OIDC_ALLOWED"],
  [{ OIDC_ALLOWED: "*@example.com, @example.*" }, "OIDC_ALLOWED"],
] as const)(
  "%j cannot be used, which the log says and the answer does not",
  async ([settings, name]) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const answer = await ask("/mcp", { ...COMPLETE, ...settings });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain(name);
    expect(logged.mock.calls.flat().join("\n")).toContain(name);
    logged.mockRestore();
  },
);
