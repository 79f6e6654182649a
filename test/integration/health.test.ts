import { inject, expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { healthOf, isHealthy } from "../../src/jupyter/health.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { connect, fetchWorker, whileJupyterIs } from "./support.ts";

/** How the server behind the gateway is, with this token. */
function ask(token: string) {
  const { jupyter } = parseConfig({
    JUPYTER_HOST: "127.0.0.1",
    JUPYTER_PORT: String(inject("gateway").port),
    JUPYTER_TOKEN: token,
  });
  return healthOf(new JupyterServer(jupyter), token !== "");
}

test("a server that is up is told with its version, its kernels and that the token is accepted", async () => {
  await using client = await connect();
  await client.call("run_code", { code: "1" });
  const health = await ask(inject("jupyter").token);
  expect(health).toMatchObject({
    answers: true,
    version: expect.stringMatching(/^2\./),
    latencyMs: expect.any(Number),
    token: "accepted",
    failure: null,
    kernels: expect.any(Number),
    collaboration: false,
  });
  expect(isHealthy(health)).toBe(true);
});

test("a wrong token is told apart from none and from a server that is not there", async () => {
  const wrong = await ask("wrong");
  expect(wrong).toMatchObject({
    answers: true,
    token: "rejected",
    failure: { code: "token_rejected" },
    kernels: null,
  });
  expect(isHealthy(wrong)).toBe(false);
  expect(await ask("")).toMatchObject({ answers: true, token: "not configured" });
  const down = await whileJupyterIs("down", () => ask("any"));
  expect(down).toMatchObject({
    answers: false,
    failure: { code: "jupyter_unreachable" },
  });
  expect(isHealthy(down)).toBe(false);
});

test("what stands in front of a server or in its place is told for what it is", async () => {
  const { token } = inject("jupyter");
  expect(await whileJupyterIs("login", () => ask(token))).toMatchObject({
    answers: false,
    failure: { code: "token_rejected", loginPage: true },
  });
  expect(await whileJupyterIs("html", () => ask(token))).toMatchObject({
    answers: false,
    failure: { code: "not_jupyter" },
  });
  const failing = await whileJupyterIs("error", () => ask(token), "GET /api/status");
  expect(failing).toMatchObject({ answers: true, token: "unknown" });
  expect(isHealthy(failing)).toBe(false);
});

test("a server that hangs is given up, whatever else it does not answer", async () => {
  const hanging = await whileJupyterIs("slow", () => ask(inject("jupyter").token));
  expect(hanging).toMatchObject({
    answers: false,
    failure: { code: "jupyter_unreachable", reason: "timeout" },
  });
});

test("/health of local use tells the state, the address and what was counted", async () => {
  await using client = await connect();
  await client.call("run_code", { code: "1" });
  const answer = await fetchWorker("http://localhost:8787/health");
  expect(answer.status).toBe(200);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({
    status: "ok",
    jupyter: {
      answers: true,
      token: "accepted",
      url: `http://127.0.0.1:${inject("gateway").port}`,
    },
    counters: { events: { "call ok": expect.any(Number) } },
  });
  expect(text).not.toContain(inject("jupyter").token);
});
