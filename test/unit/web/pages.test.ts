import { expect, test } from "vitest";
import packageJson from "../../../package.json";
import type { JupyterHealth } from "../../../src/jupyter/health.ts";
import { Log } from "../../../src/log.ts";
import { pages } from "../../../src/web/pages.tsx";

const ANSWERING: JupyterHealth = {
  is: "Jupyter Server",
  checkedAt: 0,
  answers: true,
  version: "2.17.0",
  latencyMs: 3,
  token: "accepted",
  failure: null,
  kernels: 2,
  collaboration: true,
};
const URL_OF_IT = "http://localhost:8888/secret-path";
const HEALTH_TOKEN = "a token of more than thirty-two characters";

function app(options: { localUse?: boolean; health?: JupyterHealth } = {}) {
  const asked = { count: 0 };
  const site = pages({
    config: {
      localUse: options.localUse ?? true,
      healthToken: HEALTH_TOKEN.replaceAll(" ", "-"),
      jupyter: { httpUrl: URL_OF_IT },
    },
    log: new Log("error"),
    checkJupyter: async () => {
      asked.count += 1;
      return options.health ?? ANSWERING;
    },
  });
  return { site, asked };
}

function local(path: string, init: RequestInit = {}) {
  return new Request(`http://localhost:8787${path}`, {
    ...init,
    headers: { Host: "localhost:8787", "CF-Connecting-IP": "127.0.0.1" },
  });
}

function stranger(path: string, further: Readonly<Record<string, string>> = {}) {
  const headers = { Host: "jupyter.example.com", "CF-Connecting-IP": "203.0.113.9" };
  return new Request(`https://jupyter.example.com${path}`, {
    headers: { ...headers, ...further },
  });
}

test("/health tells a local caller the version and how Jupyter is", async () => {
  const response = await app().site.fetch(local("/health"));
  expect(response.status).toBe(200);
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  expect(await response.json()).toEqual({
    status: "ok",
    version: packageJson.version,
    jupyter: {
      is: "Jupyter Server",
      answers: true,
      version: "2.17.0",
      latencyMs: 3,
      token: "accepted",
      kernels: 2,
      collaboration: true,
      checkedAt: "1970-01-01T00:00:00.000Z",
      url: URL_OF_IT,
    },
    counters: expect.objectContaining({ since: expect.any(String) }),
  });
});

const FAILING: readonly (readonly [what: string, health: JupyterHealth])[] = [
  [
    "jupyter_unreachable",
    {
      is: "Jupyter Server",
      checkedAt: 0,
      answers: false,
      failure: { code: "jupyter_unreachable", host: "localhost:8888", reason: "timeout" },
    },
  ],
  [
    "token_rejected",
    {
      ...ANSWERING,
      token: "rejected",
      failure: {
        code: "token_rejected",
        host: "localhost:8888",
        status: 403,
        loginPage: false,
      },
    },
  ],
];

test.for(FAILING)(
  "/health answers 503 with the reason for %s, and /health/live says that the Worker is up",
  async ([code, health]) => {
    const { site } = app({ health });
    const response = await site.fetch(local("/health"));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: "failing",
      jupyter: { code, reason: expect.stringContaining("localhost:8888") },
    });
    const live = await site.fetch(local("/health/live"));
    expect(live.status).toBe(200);
    expect(await live.json()).toEqual({ status: "ok", version: packageJson.version });
  },
);

test("/health is told by whom it is asked by HEALTH_TOKEN, and a wrong one is refused", async () => {
  const { site, asked } = app();
  const token = HEALTH_TOKEN.replaceAll(" ", "-");
  const right = await site.fetch(
    stranger("/health", { Authorization: `Bearer ${token}` }),
  );
  expect(right.headers.get("Cache-Control")).toBe("no-store");
  const told = await right.text();
  expect(JSON.parse(told)).toMatchObject({ jupyter: { answers: true, kernels: 2 } });
  // Where it is, its owner knows, and whoever reads an uptime checker's log need not.
  expect(told).not.toContain("secret-path");
  expect(asked.count).toBe(1);
  for (const wrong of [`Bearer ${token}x`, "Bearer", `Basic ${token}`, ""]) {
    const response = await site.fetch(stranger("/health", { Authorization: wrong }));
    expect(response.status, wrong).toBe(401);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(await response.text()).not.toMatch(/answers|2\.17/);
  }
  expect(asked.count).toBe(1);
});

test("/health tells a stranger nothing of Jupyter, does not ask it, and may be cached", async () => {
  for (const localUse of [true, false]) {
    const { site, asked } = app({ localUse });
    const response = await site.fetch(stranger("/health"));
    expect(response.headers.get("Cache-Control")).toMatch(/^public, max-age=\d+$/);
    expect(await response.json()).toEqual({ status: "ok", version: packageJson.version });
    expect(asked.count).toBe(0);
  }
});

test("/ shows a local reader Jupyter's state and is not cached", async () => {
  const response = await app().site.fetch(local("/"));
  expect(response.headers.get("Content-Type")).toMatch(/^text\/html/);
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  const page = await response.text();
  expect(page).toContain("2.17.0");
  expect(page).toContain("http://localhost:8787/mcp");
  expect(page).not.toContain("not open");
});

test("/ shows a stranger what is missing and no word about Jupyter's address or state", async () => {
  const { site, asked } = app();
  const response = await site.fetch(stranger("/"));
  expect(response.headers.get("Cache-Control")).toMatch(/^public, max-age=\d+$/);
  const page = await response.text();
  expect(page).toContain("SIGN_IN is not set");
  expect(page).toContain("https://jupyter.example.com/mcp");
  expect(page).not.toMatch(/2\.17\.0|8888|secret-path/);
  expect(asked.count).toBe(0);
});

test("on loopback a deployment without local use is still closed", async () => {
  const page = await (await app({ localUse: false }).site.fetch(local("/"))).text();
  expect(page).toContain("SIGN_IN is not set");
  expect(page).not.toMatch(/2\.17\.0|8888/);
});

test("every page forbids framing, sniffing, referrers elsewhere, scripts and all sources but its style", async () => {
  const { site } = app();
  for (const path of ["/", "/health", "/nowhere"]) {
    const { headers } = await site.fetch(stranger(path));
    expect(headers.get("Content-Security-Policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("X-Frame-Options")).toBe("DENY");
    expect(headers.get("Referrer-Policy")).toBe("same-origin");
  }
});

test("the policy allows the style that is in the page, by its hash", async () => {
  const response = await app().site.fetch(stranger("/"));
  const style = /<style>([\s\S]*?)<\/style>/.exec(await response.text())?.[1] ?? "";
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  expect(response.headers.get("Content-Security-Policy")).toContain(`'sha256-${hash}'`);
});

test("HEAD answers as GET does, without a body", async () => {
  const response = await app().site.fetch(local("/", { method: "HEAD" }));
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
});

test.for(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
  "a page answers %s with 405 and what it allows",
  async (method) => {
    for (const path of ["/", "/health"]) {
      const response = await app().site.fetch(local(path, { method }));
      expect(response.status).toBe(405);
      expect(response.headers.get("Allow")).toBe("GET, HEAD");
    }
  },
);

test("any other path is a page that says so and leads back", async () => {
  const response = await app().site.fetch(stranger("/nowhere"));
  expect(response.status).toBe(404);
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  const page = await response.text();
  expect(page).toContain("There is nothing at this address.");
  expect(page).toContain('<a href="/">');
});

test("in local use nobody signs in, and there is no page of what was run", async () => {
  for (const path of ["/account", "/account/activity", "/account/live.js"])
    expect((await app().site.fetch(local(path))).status).toBe(404);
});
