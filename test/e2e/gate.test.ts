import { access, readdir } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import path from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import {
  mcpRequest,
  REVISIONS,
  resultOf,
  type Revision,
} from "../support/mcp-requests.ts";
import { ask, type Answer } from "../support/raw-http.ts";
import { listeningPorts } from "../../bench/processes.ts";
import { openTunnel } from "../support/tunnel.ts";
import { workerOf } from "./counting.ts";
import { type Project, readConnection, type Started } from "./support.ts";
import { test } from "./with-server.ts";

/** What MCP asks for where Host or Origin are wrong; other refusals are of a server that is not open. */
function refusedStatus(headers: Readonly<Record<string, string>>): number {
  return "Host" in headers || "Origin" in headers ? 403 : 503;
}

const FOREIGN_HEADERS: readonly [string, Readonly<Record<string, string>>][] = [
  ["a foreign Host", { Host: "evil.example" }],
  ["a Host that begins like this machine's name", { Host: "localhost.evil.example" }],
  ["an address of the local network as Host", { Host: "192.168.1.20:8787" }],
  ["a foreign Origin", { Origin: "https://evil.example" }],
  ["the Origin of a sandboxed page", { Origin: "null" }],
  [
    "an Origin that begins like this machine's name",
    { Origin: "http://localhost.evil.example" },
  ],
  [
    "a rebound page that gives a local address to the runtime",
    {
      Host: "evil.example",
      Origin: "http://evil.example",
      "MF-Original-URL": "http://localhost/mcp",
    },
  ],
  ["the header X-Forwarded-For", { "X-Forwarded-For": "203.0.113.7" }],
  ["the header X-Forwarded-Host", { "X-Forwarded-Host": "evil.example" }],
  ["the header X-Forwarded-Proto", { "X-Forwarded-Proto": "https" }],
  ["the header Forwarded", { Forwarded: "for=203.0.113.7;host=evil.example" }],
  ["the header Via", { Via: "1.1 proxy.example" }],
  ["the header X-Real-IP", { "X-Real-IP": "203.0.113.7" }],
  ["a visitor's address from Cloudflare", { "CF-Connecting-IP": "203.0.113.7" }],
  ["the header Cf-Ray", { "Cf-Ray": "8a1b2c3d4e5f6789-FRA" }],
  ["the header Tailscale-User-Login", { "Tailscale-User-Login": "eve@example.com" }],
];

/** A `tools/call` with which `run_code` leaves a file in the Jupyter server's root. */
function callThatLeaves(
  file: string,
  server: Started,
  project: Project,
  revision: Revision,
) {
  const place = JSON.stringify(path.join(project.root, "notebooks", file));
  return mcpRequest(server, revision, "tools/call", {
    name: "run_code",
    arguments: { code: `open(${place}, "w").close()` },
  });
}

/** What a call that got through would change: the kernels and the files. */
async function tracesIn(project: Project) {
  const { url, token } = await readConnection(project);
  const answer = await fetch(`${url}/api/kernels`, {
    headers: { Authorization: `token ${token}` },
  });
  const kernels = z.array(z.object({ id: z.string() })).parse(await answer.json());
  const files = await readdir(path.join(project.root, "notebooks"));
  return { kernels: kernels.map(({ id }) => id), files };
}

/** Refused, without a word about Jupyter or the tools, and nothing a page of another site could read. */
async function expectRefused(
  answer: Answer,
  project: Project,
  status: number,
): Promise<void> {
  const { url, token } = await readConnection(project);
  expect(answer.status, answer.body).toBe(status);
  for (const secret of [token, new URL(url).port, "run_code", "jupyter-edge/execution"]) {
    expect(answer.body).not.toContain(secret);
  }
  expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
}

test.for(FOREIGN_HEADERS)(
  "a tool call with %s is refused, and no code runs",
  async ([, headers], { project, server }) => {
    const before = await tracesIn(project);
    for (const revision of REVISIONS) {
      const call = callThatLeaves("breach", server, project, revision);
      const request = {
        port: server.port,
        method: "POST",
        path: "/mcp",
        body: call.body,
      };
      const answer = await ask({ ...request, headers: { ...call.headers, ...headers } });
      await expectRefused(answer, project, refusedStatus(headers));
    }
    expect(await tracesIn(project)).toEqual(before);
  },
);

test("a tool call through a tunnel that makes Host local is refused, and no code runs", async ({
  project,
  server,
}) => {
  await using tunnel = await openTunnel(server.port, "evil.example");
  const before = await tracesIn(project);
  for (const revision of REVISIONS) {
    const call = callThatLeaves("breach", server, project, revision);
    const answer = await ask({
      port: tunnel.port,
      method: "POST",
      path: "/mcp",
      headers: { ...call.headers, Host: "evil.example" },
      body: call.body,
    });
    await expectRefused(answer, project, 503);
  }
  expect(await tracesIn(project)).toEqual(before);
});

test.for(["GET", "HEAD", "OPTIONS", "DELETE"])(
  "%s of /mcp runs nothing and shows nothing, neither here nor from elsewhere",
  async (method, { project, server }) => {
    const { url, token } = await readConnection(project);
    const before = await tracesIn(project);
    const call = callThatLeaves("breach", server, project, "2025-11-25");
    const question = { port: server.port, method, path: "/mcp" };
    const local = await ask({ ...question, headers: { ...call.headers } });
    expect([404, 405]).toContain(local.status);
    for (const secret of [token, new URL(url).port, "run_code", project.root]) {
      expect(local.body).not.toContain(secret);
    }
    expect(local.headers).not.toHaveProperty("access-control-allow-origin");

    for (const foreign of [
      { Host: "evil.example" },
      { Origin: "https://evil.example" },
      { "X-Forwarded-For": "203.0.113.7" },
    ]) {
      const answer = await ask({ ...question, headers: { ...call.headers, ...foreign } });
      await expectRefused(answer, project, refusedStatus(foreign));
    }
    expect(await tracesIn(project)).toEqual(before);
  },
);

test("/ and /health tell a stranger nothing about Jupyter", async ({
  project,
  server,
}) => {
  const { url, token } = await readConnection(project);
  await using tunnel = await openTunnel(server.port, "evil.example");
  const foreign = { Host: "evil.example" };
  // Browsers leave the Origin out of these two.
  const rebound = { ...foreign, "MF-Original-URL": "http://localhost/" };
  for (const resource of ["/", "/health"]) {
    const answers = [
      await ask({ port: tunnel.port, path: resource, headers: foreign }),
      await ask({ port: server.port, path: resource, headers: foreign }),
      await ask({ port: server.port, path: resource, headers: rebound }),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      for (const secret of [token, new URL(url).port, "answers", project.root]) {
        expect(body).not.toContain(secret);
      }
    }
  }
});

/** Where the processes of `npm start` listen, but for Jupyter and its kernels. Linux only. */
async function portsOf(server: Started): Promise<number[]> {
  const ports = (
    await Promise.all(workerOf(server).map(({ pid }) => listeningPorts(pid)))
  ).flat();
  expect(ports).toContain(server.port);
  return ports;
}

test.runIf(process.platform === "linux")(
  "what else the runtime listens at lets nobody else in, and is for no debugger",
  async ({ project, server }) => {
    const before = await tracesIn(project);
    const { token } = await readConnection(project);
    const ports = await portsOf(server);
    for (const port of ports.filter((other) => other !== server.port)) {
      const call = callThatLeaves("breach", server, project, "2025-11-25");
      const local = await ask({ port, method: "POST", path: "/mcp", ...call });
      expect(local.status).toBe(403);
      for (const resource of ["/", "/health", "/json", "/json/list", "/cdn-cgi/"]) {
        const { body } = await ask({ port, path: resource });
        for (const secret of [token, "answers", "webSocketDebuggerUrl"])
          expect(body).not.toContain(secret);
      }
    }
    expect(await tracesIn(project)).toEqual(before);
  },
);

test.runIf(process.platform === "linux")(
  "CONNECT opens no way past the Worker",
  async ({ server }) => {
    // Miniflare's other sockets have one under this name.
    const name = "miniflare-unsafe-internal-capnp-connect";
    for (const port of await portsOf(server))
      for (const target of [name, `${name}:80`, `localhost:${server.port}`])
        expect(await statusOfConnect(port, target)).not.toBe(200);
  },
);

function statusOfConnect(port: number, target: string): Promise<number | null> {
  return new Promise((resolve) => {
    const asking = httpRequest({
      host: "127.0.0.1",
      port,
      method: "CONNECT",
      path: target,
    });
    asking.on("connect", ({ statusCode }, socket) => {
      socket.destroy();
      resolve(statusCode ?? null);
    });
    asking.on("response", ({ statusCode }) => resolve(statusCode ?? null));
    asking.on("error", () => resolve(null));
    asking.end();
  });
}

test.for(REVISIONS)(
  "the same call of revision %s without those headers runs the code",
  async (revision, { project, server }) => {
    const file = `arrived-${revision}`;
    const call = callThatLeaves(file, server, project, revision);
    const answer = await ask({
      port: server.port,
      method: "POST",
      path: "/mcp",
      ...call,
    });
    expect(answer.status).toBe(200);
    expect(resultOf(answer.body)).toMatchObject({
      _meta: { "jupyter-edge/execution": { state: "ok" } },
    });
    await access(path.join(project.root, "notebooks", file));
  },
);
