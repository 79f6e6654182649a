/** A run that prints numbered lines for some seconds, in a project whose Jupyter outlives its Worker. */

import path from "node:path";
import { expect, test as base } from "vitest";
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
  type Started,
  temporaryFolder,
} from "./support.ts";

/** Twenty a second. */
export const LINES = 120;
/** What is on its way when a Worker ends can be missing: those of two seconds, at the very most. */
export const ON_ITS_WAY = 40;
export const COUNTING = [
  "import time",
  `for i in range(${LINES}):`,
  "    print('line', i, flush=True)",
  "    time.sleep(0.05)",
].join("\n");

/** A project whose Jupyter server is not its own, and so outlives its Worker. */
export const test = base.extend<{ $file: { jupyter: JupyterServer; project: Project } }>({
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

/** What `npm start` runs the Worker in: a program of ours, and the runtime below it. */
export function workerOf({ pid }: Started): RunningProcess[] {
  const below = descendantsOf(pid);
  const worker = below.find(({ command }) => command.includes("serve-worker"));
  if (worker === undefined) throw new Error("There is no Worker");
  return [worker, ...descendantsOf(worker.pid)];
}

function linesIn({ text }: Called): number[] {
  return Array.from(text.matchAll(/^line (\d+)$/gm), (match) => Number(match[1]));
}

function placeOf({ execution: { conversation, execution } }: Called) {
  return { conversation, execution };
}

/** Begins to count, and waits until some of it was seen. */
export async function beginCounting(server: Started) {
  await using client = await connectClient("modern", server.url);
  const begun = await client.call("run_code", { code: COUNTING, wait_seconds: 1 });
  const seen = await eventually(
    () => client.call("get_output", { ...placeOf(begun), wait_seconds: 0 }),
    (called) => linesIn(called).length > 0,
  );
  expect(seen.execution.state).toBe("running");
  return placeOf(begun);
}

/** Reads to the end: each line once and in order, and all of them but for so many, of which the result says that they may be missing. */
export async function expectCompleteOrMarked(
  server: Started,
  { conversation, execution }: { conversation: string; execution: string },
  mostMissing = LINES,
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
  expect(LINES - lines.length).toBeLessThanOrEqual(mostMissing);
}
