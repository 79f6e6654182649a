/**
 * Many conversations on one Worker process, in each of them a kernel that prints
 * all the while, and clients that call at the same time. The kernels are those of
 * a fake (see fake-jupyter.py). Nothing may be lost: at the end each line that
 * was printed is asked for.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openInspector, type Inspector } from "../bench/inspector.ts";
import {
  callForRun,
  connectModern,
  runToEnd,
  type McpClient,
  type Run,
} from "../bench/mcp-client.ts";
import { cpuTime } from "../bench/processes.ts";
import { percentile } from "../bench/turns.ts";
import { printing, RESULT } from "./codes.ts";
import { countedBetween } from "./counts.ts";
import { untilAtRest } from "./rest.ts";
import { openLoadStack, type LoadStack } from "./stack.ts";

const LINES_PER_SECOND = 2;
const LINE_CHARS = 60;
/** That many conversations begin at a time. */
const BEGINNING = 10;
const CALLS_FOR_S = 60;
/** What beginning one may take, on a machine that has other things to do. */
const BEGINS_IN_S = 0.6;
const MARGIN_S = 30;
/** Each conversation is called this often. */
const CALL_EVERY_MS = 10_000;
/** Runs of a single conversation, for comparison and for what one of them writes. */
const RUNS_ALONE = 50;
const MAX_OUTPUT_CHARS = 80_000;

/** A conversation, the run that prints in it, and a kernel beside that. */
interface Talk {
  readonly stream: Run;
  readonly kernel: string;
}

interface Sample {
  readonly heap: number;
  readonly resident: number;
}

/** Prints the figures of docs/load.md. Takes about four minutes with 200 conversations. */
export async function measureLoad(conversations: number): Promise<void> {
  if (process.platform !== "linux") {
    console.log("\nLoad: measured on Linux alone, by means of /proc.");
    return;
  }
  await using stack = await openLoadStack();
  await using client = await connectModern(stack.url);
  console.log(
    `\n${conversations} conversations, each with a kernel (a fake one) that prints ` +
      `${LINES_PER_SECOND} lines of ${LINE_CHARS} characters a second`,
  );
  await alone(stack, client);
  using inspector = await openInspector(stack);
  const before = await sampleOf(inspector);

  const times = new Times();
  const beginsWithinS = conversations * BEGINS_IN_S + MARGIN_S;
  const lines = LINES_PER_SECOND * (beginsWithinS + CALLS_FOR_S);
  const talks = await begin(client, conversations, lines, times);
  const { sockets } = await stack.jupyter.counts();
  console.log(`  open WebSockets: ${sockets}`);
  const countedBefore = await stack.counts();
  const cpuBefore = await cpuOf(stack, inspector);
  await callAll(client, talks, times);
  const cpuAfter = await cpuOf(stack, inspector);
  const { rowsWritten, messages } = countedBetween(countedBefore, await stack.counts());
  const during = await sampleOf(inspector);
  times.print();
  const perMinute = 60 / CALLS_FOR_S / conversations;
  console.log(
    `  each conversation, a minute: ${(messages * perMinute).toFixed(0)} messages, ` +
      `${(rowsWritten * perMinute).toFixed(0)} rows written`,
  );
  const inUse = Object.entries(cpuAfter).map(([name, ms]) => {
    const share = (ms - (cpuBefore[name] ?? 0)) / (CALLS_FOR_S * 1_000);
    return `${name} ${share.toFixed(2)}`;
  });
  console.log(`  processors in use: ${inUse.join(", ")}`);
  const each = (of: (sample: Sample) => number) =>
    `${((of(during) - of(before)) / conversations / 1_000).toFixed(0)} KB`;
  console.log(
    `  memory of each conversation: ${each(({ heap }) => heap)} of heap, ` +
      `${each(({ resident }) => resident)} of the process`,
  );

  await checkAll(client, talks, lines);
  console.log(`  all ${lines} lines of each are there, in order, once`);
  await untilAtRest(stack);
  const atRest = await sampleOf(inspector);
  const line = (name: string, of: (sample: Sample) => number) =>
    console.log(
      `  ${name}: ${megabytes(of(before))} before, ${megabytes(of(during))} during, ${megabytes(of(atRest))} at rest`,
    );
  line("heap, MB", ({ heap }) => heap);
  line("process, MB", ({ resident }) => resident);
  if (times.failures.length > 0)
    throw new Error(`${times.failures.length} calls failed. ${times.failures[0]}`);
}

/** A single conversation with nothing beside it. */
async function alone(stack: LoadStack, client: McpClient): Promise<void> {
  const run = await runToEnd(client, { code: RESULT });
  const { conversation, execution } = run;
  const times = new Times();
  const before = await stack.counts();
  for (let each = 0; each < RUNS_ALONE; each += 1) {
    await times.take("alone: run_code", () =>
      runToEnd(client, { code: RESULT, conversation }),
    );
  }
  const counted = countedBetween(before, await stack.counts());
  for (let each = 0; each < RUNS_ALONE; each += 1) {
    await times.take("alone: get_output", () =>
      callForRun(client, "get_output", { conversation, execution, wait_seconds: 0 }),
    );
  }
  times.print();
  console.log(
    `  a run with a result: ${ofOne(counted.rowsWritten)} rows written, ` +
      `${ofOne(counted.calls)} calls of objects, ${ofOne(counted.messages)} messages`,
  );
  await client.call("end_conversation", { conversation, shutdown_kernels: true });
  await untilAtRest(stack);
}

async function begin(
  client: McpClient,
  conversations: number,
  lines: number,
  times: Times,
): Promise<Talk[]> {
  const code = printing(lines, LINES_PER_SECOND, LINE_CHARS);
  const startedAt = performance.now();
  const talks: Talk[] = [];
  let begun = 0;
  const beginSome = async () => {
    while (begun < conversations) {
      begun += 1;
      const stream = await times.take("run_code in a new conversation", () =>
        callForRun(client, "run_code", { code, wait_seconds: 0 }),
      );
      if (stream === null) continue;
      const { conversation } = stream;
      const args = { code: RESULT, conversation, kernel: "new:python" };
      const second = await times.take("run_code in one more kernel", () =>
        runToEnd(client, args),
      );
      if (second !== null) talks.push({ stream, kernel: second.kernel ?? "" });
    }
  };
  await Promise.all(Array.from({ length: BEGINNING }, beginSome));
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`  begun in ${seconds.toFixed(1)} s`);
  return talks;
}

/** At even intervals, whether or not calls of others were answered by then. */
async function callAll(
  client: McpClient,
  talks: readonly Talk[],
  times: Times,
): Promise<void> {
  const startedAt = performance.now();
  const callOne = async ({ stream, kernel }: Talk, index: number) => {
    const { conversation, execution } = stream;
    const first = startedAt + (CALL_EVERY_MS * index) / talks.length;
    for (let turn = 0; turn * CALL_EVERY_MS < CALLS_FOR_S * 1_000; turn += 1) {
      await sleep(Math.max(0, first + turn * CALL_EVERY_MS - performance.now()));
      if (turn % 2 === 0) {
        await times.take("run_code", () =>
          runToEnd(client, { code: RESULT, conversation, kernel }),
        );
        continue;
      }
      await times.take("get_output of what prints", async () => {
        const args = { conversation, execution, wait_seconds: 0 };
        const { state } = await callForRun(client, "get_output", args);
        if (state !== "running") throw new Error(`A run that prints is ${state}.`);
      });
    }
  };
  await Promise.all(talks.map(callOne));
}

async function checkAll(
  client: McpClient,
  talks: readonly Talk[],
  lines: number,
): Promise<void> {
  const expected = Array.from({ length: lines }, (_, line) => String(line)).join(",");
  for (const { stream } of talks) {
    const { conversation, execution } = stream;
    const args = { conversation, execution, max_output_chars: MAX_OUTPUT_CHARS };
    let run = stream;
    while (run.state === "running")
      run = await callForRun(client, "get_output", { ...args, wait_seconds: 50 });
    const seen = Array.from(run.text.matchAll(/^(\d+) y+$/gm), ([, line]) => line);
    if (run.state !== "ok" || seen.join(",") !== expected)
      throw new Error(`${conversation} is ${run.state} with ${seen.length} lines.`);
  }
}

/** How long calls took, by what they were, and which of them failed. */
class Times {
  readonly failures: string[] = [];
  readonly #taken = new Map<string, number[]>();

  /** Answers with null where it failed. */
  async take<T>(name: string, call: () => Promise<T>): Promise<T | null> {
    const startedAt = performance.now();
    const result = await call().catch((error: unknown) => {
      this.failures.push(`${name}: ${String(error)}`);
      return null;
    });
    const taken = this.#taken.get(name) ?? [];
    taken.push(performance.now() - startedAt);
    this.#taken.set(name, taken);
    return result;
  }

  print(): void {
    for (const [name, taken] of this.#taken) {
      const [p50, p99] = [0.5, 0.99].map((part) => percentile(taken, part).toFixed(1));
      console.log(`  ${name}: p50 ${p50} ms, p99 ${p99} ms, ${taken.length} calls`);
    }
  }
}

/** CPU time by now, in milliseconds: where a processor is full, times are those of the queue before it. */
async function cpuOf(
  stack: LoadStack,
  inspector: Inspector,
): Promise<Readonly<Record<string, number>>> {
  const { user, system } = process.cpuUsage();
  return {
    "the Worker": await inspector.cpuMs(),
    "the fake Jupyter": await cpuTime(stack.jupyter.pid),
    "the clients": (user + system) / 1_000,
  };
}

async function sampleOf(inspector: Inspector): Promise<Sample> {
  // Collecting garbage takes memory of the process for a while.
  const resident = (await inspector.resident()).now;
  await inspector.collectGarbage();
  const { used, buffers } = await inspector.heap();
  return { heap: used + buffers, resident };
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

function ofOne(count: number): string {
  return (count / RUNS_ALONE).toFixed(1);
}
