import { expect } from "vitest";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { connectClient } from "../support/mcp-client.ts";
import type { RunningProcess } from "../support/processes.ts";
import {
  beginCounting,
  COUNTING,
  expectCompleteOrMarked,
  LINES,
  test,
  workerOf,
} from "./counting.ts";
import { start, type Started } from "./support.ts";

/** The runtime with the Worker in it. */
function runtimeOf(server: Started): RunningProcess {
  const [runtime, ...others] = workerOf(server).filter(({ command }) =>
    command.includes("workerd serve"),
  );
  if (runtime === undefined || others.length > 0) throw new Error("Not one runtime");
  return runtime;
}

/** Whether the runtime was started again and answers. */
async function isAnotherOne(server: Started, earlier: number): Promise<boolean> {
  if (workerOf(server).some(({ pid }) => pid === earlier)) return false;
  const health = `http://localhost:${server.port}/health`;
  const answer = await fetch(health).catch(() => null);
  await answer?.text();
  return answer?.ok === true;
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

test("a run goes through a SIGKILL of the runtime alone, which is started again: its output is complete or marked", async ({
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
