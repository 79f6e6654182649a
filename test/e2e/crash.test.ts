import path from "node:path";
import { expect, test as base } from "vitest";
import { z } from "zod";
import { type JupyterServer, startJupyter } from "../../scripts/jupyter-server.ts";
import {
  preparePythonEnvironment,
  startEnvironment,
} from "../../scripts/python-environment.mjs";
import { eventually } from "../support/eventually.ts";
import { type Called, connectClient } from "../support/mcp-client.ts";
import { descendantsOf, type RunningProcess } from "../support/processes.ts";
import {
  copyProject,
  type Project,
  removeFolder,
  start,
  type Started,
  temporaryFolder,
} from "./support.ts";

const LINES = 120;
const COUNTING = [
  "import time",
  `for i in range(${LINES}):`,
  "    print('line', i, flush=True)",
  "    time.sleep(0.05)",
].join("\n");

/** A project whose Jupyter server is not its own, and so outlives its Worker. */
const test = base.extend<{ $file: { jupyter: JupyterServer; project: Project } }>({
  jupyter: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      const { python } = await preparePythonEnvironment(startEnvironment);
      await using opened = new AsyncDisposableStack();
      const folder = await temporaryFolder();
      opened.defer(() => removeFolder(folder));
      const jupyter = await startJupyter({
        python,
        rootDir: path.join(folder, "notebooks"),
        runtimeDir: path.join(folder, "runtime"),
      });
      opened.use(jupyter);
      await use(jupyter);
    },
    { scope: "file" },
  ],
  project: [
    async ({ jupyter }, use) => {
      await using project = await copyProject({
        JUPYTER_HOST: "127.0.0.1",
        JUPYTER_PORT: String(jupyter.port),
        JUPYTER_TOKEN: jupyter.token,
      });
      await use(project);
    },
    { scope: "file" },
  ],
});

/** Wrangler and what it runs: the Worker as `npm start` owns it. */
function workerOf({ pid }: Started): RunningProcess[] {
  const below = descendantsOf(pid);
  const wrangler = below.find(({ command }) => command.includes("wrangler-dist"));
  if (wrangler === undefined) throw new Error("There is no Worker");
  return [wrangler, ...descendantsOf(wrangler.pid)];
}

/** The runtime with the Worker in it. The other one only passes requests on to it. */
function runtimeOf(server: Started): RunningProcess {
  const runtimes = workerOf(server).filter(({ command }) =>
    command.includes("workerd serve"),
  );
  const found = runtimes.filter(
    ({ command }) => !command.includes(`entry=127.0.0.1:${server.port}`),
  );
  const [runtime, ...others] = found;
  if (runtime === undefined || others.length > 0) {
    throw new Error(`Not one runtime but ${found.length}`);
  }
  return runtime;
}

/** Whether the runtime was started again and answers. */
async function isAnotherOne(server: Started, earlier: number): Promise<boolean> {
  if (workerOf(server).some(({ pid }) => pid === earlier)) return false;
  const answer = await fetch(`http://localhost:${server.port}/health`);
  await answer.text();
  return answer.ok;
}

function linesIn({ text }: Called): number[] {
  return Array.from(text.matchAll(/^line (\d+)$/gm), (match) => Number(match[1]));
}

/** Begins to count, and waits until some of it was seen. */
async function beginCounting(server: Started) {
  await using client = await connectClient("modern", server.url);
  const begun = await client.call("run_code", { code: COUNTING, wait_seconds: 1 });
  expect(begun.execution.state).toBe("running");
  expect(linesIn(begun).length).toBeGreaterThan(0);
  return begun.execution;
}

/** Reads to the end: each line once and in order, and all of them unless the result says that some may be missing. */
async function expectCompleteOrMarked(
  server: Started,
  { conversation, execution }: { conversation: string; execution: string },
): Promise<void> {
  await using client = await connectClient("modern", server.url);
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 50,
  });
  expect(ended.execution.state).toBe("ok");
  const lines = linesIn(ended);
  expect(lines).toEqual([...new Set(lines)].toSorted((a, b) => a - b));
  expect(lines.at(0)).toBe(0);
  expect(lines.at(-1)).toBe(LINES - 1);
  console.log(
    `${lines.length} of ${LINES} lines, possiblyIncomplete: ${ended.execution.possiblyIncomplete}`,
  );
  if (lines.length < LINES) expect(ended.execution.possiblyIncomplete).toBe(true);
}

test("a run goes through a SIGKILL of the Worker and the next npm start: its output is complete or marked", async ({
  project,
}) => {
  let counting: { conversation: string; execution: string };
  {
    await using first = await start(project);
    counting = await beginCounting(first);
    for (const { pid } of workerOf(first)) process.kill(pid, "SIGKILL");
    expect(await first.end()).toBe(1);
    expect(first.output).toContain("The Worker ended by itself (signal SIGKILL)");
  }
  await using second = await start(project);
  await expectCompleteOrMarked(second, counting);
});

test("a run goes through a SIGKILL of the runtime alone, which wrangler starts again: its output is complete or marked", async ({
  project,
}) => {
  await using server = await start(project);
  const counting = await beginCounting(server);
  const { pid } = runtimeOf(server);
  process.kill(pid, "SIGKILL");
  await eventually(
    () => isAnotherOne(server, pid),
    (is) => is,
  );
  await expectCompleteOrMarked(server, counting);
});

test("a run of a notebook's cells goes through a SIGKILL of the Worker: every cell runs, and the file is complete or the gap is told", async ({
  project,
  jupyter,
}) => {
  const notebook = "counting.ipynb";
  let run: { conversation: string; execution: string };
  {
    await using first = await start(project);
    await using client = await connectClient("modern", first.url);
    const sources = [COUNTING, "print('and more')"];
    const cells = sources.map((source) => ({ cell_type: "code", source }));
    await client.call("create_notebook", { path: notebook, cells });
    const begun = await client.call("run_cells", {
      path: notebook,
      cells: "all",
      wait_seconds: 2,
    });
    expect(begun.execution.state, begun.text).toBe("running");
    run = begun.execution;
    for (const { pid } of workerOf(first)) process.kill(pid, "SIGKILL");
    expect(await first.end()).toBe(1);
  }
  await using second = await start(project);
  await expectCompleteOrMarked(second, run);
  const answer = await fetch(`${jupyter.url}/files/${notebook}`, {
    headers: { authorization: `token ${jupyter.token}` },
  });
  const cell = z.object({
    outputs: z.array(z.object({ text: z.array(z.string()) })),
    execution_count: z.number(),
  });
  const stored = z.object({ cells: z.array(cell) }).parse(await answer.json());
  const texts = stored.cells.map(({ outputs }) =>
    outputs.flatMap(({ text }) => text).join(""),
  );
  expect(texts[0]).toContain(`line ${LINES - 1}\n`);
  expect(texts[1]).toBe("and more\n");
  expect(stored.cells.map(({ execution_count }) => execution_count)).toEqual([1, 2]);
});
