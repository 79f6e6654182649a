import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { expect } from "vitest";
import { findFreePort } from "../../scripts/ports.ts";
import { openPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { connectClient } from "../support/mcp-client.ts";
import { descendantsOf, listProcesses } from "../support/processes.ts";
import { ask } from "../support/raw-http.ts";
import { expectReadable, VIEWS } from "./readable.ts";
import { begin, copyProject, start, type Started } from "./support.ts";
import { test } from "./with-server.ts";

/** All processes of an `npm start`, itself included. */
function processesOf({ pid }: Started): ReadonlySet<number> {
  return new Set([pid, ...descendantsOf(pid).map((found) => found.pid)]);
}

/** Waits until all of them have ended. */
async function expectGone(pids: ReadonlySet<number>): Promise<void> {
  await eventually(
    () => listProcesses().filter(({ pid }) => pids.has(pid)),
    (left) => left.length === 0,
    5_000,
  );
}

test("npm start prints its address, the command for Claude Code and the settings for other clients", ({
  server,
}) => {
  const { output, url } = server;
  expect(output).toContain(`Ready: ${url}\n`);
  expect(output).toContain(`claude mcp add --transport http jupyter ${url}\n`);
  const settings = /^\s*(\{"mcpServers".*\})$/m.exec(output)?.[1] ?? "";
  expect(JSON.parse(settings)).toEqual({
    mcpServers: { jupyter: { type: "http", url } },
  });
});

test.for(VIEWS)(
  "the first page says here that Jupyter answers, and to others that nothing is open, and can be read by everybody, on a $size in $colorScheme",
  async (view, { server, browser }) => {
    const { origin } = new URL(server.url);
    await using page = await openPage(browser, view);
    await page.goto(origin);
    await page.getByText(/Jupyter Server \S+ answers at/).waitFor();
    await page.getByText(server.url, { exact: true }).first().waitFor();
    await expectReadable(page, "landing-local", view);

    await page.setExtraHTTPHeaders({ "x-forwarded-for": "203.0.113.7" });
    await page.goto(origin);
    await page.getByRole("heading", { name: "This server is not open yet" }).waitFor();
    expect(await page.getByText("answers at").count()).toBe(0);
    await expectReadable(page, "landing-not-open", view);
  },
);

test.for(["connection.json", "worker.log", "server/token"])(
  "only its owner can read .jupyter/%s",
  async (file, { project, server }) => {
    expect(server.hasEnded).toBe(false);
    const { mode } = await stat(path.join(project.root, ".jupyter", file));
    expect((mode & 0o777).toString(8)).toBe("600");
  },
);

test("a second npm start in the same folder says that one runs already, and leaves it alone", async ({
  project,
  server,
}) => {
  await using second = await begin(project);
  expect(await second.end()).toBe(1);
  expect(second.output).toMatch(
    /npm start is running in this folder already \(process \d+\)\. Stop it first\./,
  );
  const health = await ask({
    port: server.port,
    path: "/health",
    headers: { Host: `localhost:${server.port}` },
  });
  expect(health.status).toBe(200);
});

test("npm start on a port that is taken says so and how to choose another, and ends with exit code 1", async () => {
  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  await using opened = new AsyncDisposableStack();
  opened.defer(() => void other.close());
  // A server that listens on a port has an address with one.
  const { port } = other.address() as { port: number };
  const project = opened.use(await copyProject());

  await using started = await begin(project, { port });
  expect(await started.end()).toBe(1);
  expect(started.output).toContain(`Port ${port} is in use by another program.`);
  expect(started.output).toContain(`PORT=${port + 1} npm start`);
  expect(started.output).not.toMatch(/^ +at /m);
});

test("Ctrl-C leaves no process, and the next npm start still has conversations and their output", async () => {
  await using project = await copyProject();
  let conversation: string;
  {
    await using first = await start(project, { inTerminal: true });
    await using client = await connectClient("modern", first.url);
    const run = await client.call("run_code", {
      code: "kept = 1\nprint('before', 'the stop')",
    });
    expect(run.execution.state).toBe("ok");
    conversation = run.execution.conversation;

    const pids = processesOf(first);
    await first.stop("Ctrl-C in a terminal");
    await expectGone(pids);
    expect(first.output).toContain("Stopped.");
  }

  await using second = await start(project);
  await using client = await connectClient("modern", second.url);
  const listed = await client.call("list_conversations", {});
  expect(listed.text).toContain(conversation);
  const output = await client.call("get_output", { conversation, execution: "e1" });
  expect(output.execution.state).toBe("ok");
  expect(output.text).toContain("before the stop");
  // A thread of it could have printed on: nobody can know.
  expect(output.text).toMatch(
    /possibly incomplete.*what a thread of it went on to print/i,
  );

  const next = await client.call("run_code", { conversation, code: "kept" });
  expect(next.text).toMatch(/variables are (gone|lost)/);

  const pids = processesOf(second);
  await second.stop("SIGTERM to npm");
  await expectGone(pids);
});

test("npm start says why the Worker cannot be packed, and ends with exit code 1", async () => {
  await using project = await copyProject();
  await appendFile(path.join(project.root, "src", "index.ts"), 'import "./missing.ts";');
  await using started = await begin(project);
  expect(await started.end()).toBe(1);
  expect(started.output).toMatch(/The Worker cannot be packed .*\n[\s\S]*missing\.ts/);
  expect(started.output).not.toMatch(/^ +at /m);
});

test("Ctrl-C while the Worker is packed ends everything", async () => {
  await using project = await copyProject();
  await using started = await begin(project, { inTerminal: true });
  const pids = await eventually(
    () => processesOf(started),
    (found) =>
      listProcesses().some(
        ({ pid, command }) => found.has(pid) && command.includes("--dry-run"),
      ),
    30_000,
  );
  await started.stop("Ctrl-C in a terminal");
  await expectGone(pids);
  expect(started.output).toContain("Stopped.");
});

test("the first page of a deployment that is set up by half says what is missing", async ({
  browser,
}) => {
  await using project = await copyProject();
  // With the mark that some editors put at the beginning.
  await writeFile(path.join(project.root, ".dev.vars"), "\uFEFFSIGN_IN=jupyter\n");
  await using server = await start(project);
  for (const view of VIEWS) {
    await using page = await openPage(browser, view);
    await page.goto(new URL("/", server.url).href);
    await page.getByText("PUBLIC_URL is not set").waitFor();
    await expectReadable(page, "landing-by-half", view);
  }
});

test("npm start with a Jupyter server in .dev.vars that does not answer says which and what to do, and so does the first page", async ({
  browser,
}) => {
  const port = await findFreePort();
  await using project = await copyProject({
    JUPYTER_HOST: "127.0.0.1",
    JUPYTER_PORT: String(port),
  });
  await using server = await start(project);
  expect(server.output).toContain(
    `No Jupyter server answers at 127.0.0.1:${port} (connection refused). ` +
      "Start it, or correct JUPYTER_HOST and JUPYTER_PORT in .dev.vars.",
  );

  const headers = { Host: `localhost:${server.port}` };
  const health = await ask({ port: server.port, path: "/health", headers });
  expect(health.status).toBe(503);
  expect(JSON.parse(health.body)).toMatchObject({
    status: "failing",
    jupyter: { answers: false, code: "jupyter_unreachable" },
  });
  for (const view of VIEWS) {
    await using page = await openPage(browser, view);
    await page.goto(new URL("/", server.url).href);
    await page.getByText(`Jupyter does not answer at http://127.0.0.1:${port}`).waitFor();
    await expectReadable(page, "landing-silent", view);
  }

  await using client = await connectClient("modern", server.url);
  const run = await client.call("run_code", { code: "1" });
  expect(run.isError).toBe(true);
  expect(run.text).toContain(`127.0.0.1:${port}`);
  expect(run.text).toMatch(/\nNext: /);
  // What the Worker tells of it is in its log, and the terminal stays a reader's.
  const log = path.join(project.root, ".jupyter", "worker.log");
  await eventually(
    () => readFile(log, "utf8"),
    (text) =>
      /\{"time":.*"event":"call".*"name":"run_code","outcome":"jupyter_unreachable"/.test(
        text,
      ),
  );
  expect(server.output).not.toContain('"event"');

  const pids = processesOf(server);
  await server.stop("SIGINT to the group");
  await expectGone(pids);
});
