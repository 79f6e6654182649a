/**
 * Conversations that begin, run all kinds of things and end, again and again for
 * as long as is asked for. After each round everything has to be at rest, and at
 * the end as it was after the first rounds: memory, storage, WebSockets, alarms.
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openInspector, type Inspector } from "../bench/inspector.ts";
import {
  callForRun,
  connectModern,
  runToEnd,
  type McpClient,
} from "../bench/mcp-client.ts";
import { FAILING, printing, RESULT, sleeping } from "./codes.ts";
import { untilAtRest } from "./rest.ts";
import { openLoadStack, type LoadStack } from "./stack.ts";

/** Conversations of a round, all at the same time. */
const CONVERSATIONS = 20;
/** Short, so that rounds are; what it does is the same. */
const LINGER_SECONDS = 2;
/** Code is compiled, caches and pools are filled. */
const WARM_UP_ROUNDS = 3;
/** What a garbage collector may leave for the next time. */
const HEAP_MARGIN = { part: 0.05, bytes: 1_000_000 };

interface Sample {
  /** After a collection of garbage; null where none was asked for, which takes memory of the process itself. */
  readonly heap: number | null;
  readonly resident: number;
  /** Of all objects, without the pages that SQLite has free. */
  readonly stored: number;
  /** Objects that store anything, and are no conversation. */
  readonly others: number;
  readonly conversations: number;
  readonly sockets: number;
  readonly kernels: number;
  readonly alarms: readonly string[];
}

/** Prints what each round left, and throws where something did not return to where it was. */
export async function measureSoak(minutes: number): Promise<void> {
  if (process.platform !== "linux") {
    console.log("\nSoak: measured on Linux alone, by means of /proc.");
    return;
  }
  await using stack = await openLoadStack({
    KERNEL_LINGER_SECONDS: String(LINGER_SECONDS),
  });
  await using client = await connectModern(stack.url);
  console.log(
    `\nSoak of ${minutes} minutes, rounds of ${CONVERSATIONS} conversations, kernels of a fake`,
  );
  const deadline = performance.now() + minutes * 60_000;
  let inspector: Inspector | null = null;
  let reference: Sample | null = null;
  let last: Sample | null = null;
  let executions = 0;
  try {
    for (let round = 1; last === null; round += 1) {
      const lives = Array.from({ length: CONVERSATIONS }, () => live(client));
      for (const ran of await Promise.all(lives)) executions += ran;
      await untilAtRest(stack);
      inspector ??= await openInspector(stack);
      const isReference = round === WARM_UP_ROUNDS;
      const isLast = round > WARM_UP_ROUNDS && performance.now() > deadline;
      const sample = await sampleOf(stack, inspector, isReference || isLast);
      console.log(`  ${row(round, sample)}`);
      if (isReference) reference = sample;
      if (isLast) last = sample;
    }
  } finally {
    inspector?.[Symbol.dispose]();
  }
  if (reference === null) throw new Error("There was no round to compare with.");
  const trouble = troubleOf(reference, last);
  if (trouble.length > 0) throw new Error(`Not as before: ${trouble.join("; ")}.`);
  console.log(
    `  ${executions} executions; memory, storage, WebSockets and alarms are where they were.`,
  );
}

/** The life of a conversation. Answers how many executions it had. */
async function live(client: McpClient): Promise<number> {
  const { conversation } = await runToEnd(client, { code: RESULT });
  await runToEnd(client, { code: printing(40, 40, 2_000), conversation });
  await client.call("run_code", { code: FAILING, conversation });
  const second = await runToEnd(client, {
    code: RESULT,
    conversation,
    kernel: "new:python",
  });
  const args = { code: sleeping(600), conversation, wait_seconds: 0 };
  const { execution } = await callForRun(client, "run_code", args);
  await client.call("interrupt_kernel", { conversation, kernel: second.kernel });
  await client.call("get_output", { conversation, execution });
  // One that goes on when its conversation ends.
  await callForRun(client, "run_code", args);
  await client.call("end_conversation", { conversation, shutdown_kernels: true });
  return 6;
}

function troubleOf(before: Sample, after: Sample): string[] {
  const trouble: string[] = [];
  const [heapBefore, heapAfter] = [before.heap ?? 0, after.heap ?? 0];
  if (heapAfter > heapBefore * (1 + HEAP_MARGIN.part) + HEAP_MARGIN.bytes)
    trouble.push(`the heap was ${heapBefore} bytes and is ${heapAfter}`);
  for (const name of ["stored", "others", "conversations", "sockets", "kernels"] as const)
    if (after[name] > before[name])
      trouble.push(`${name} was ${before[name]} and is ${after[name]}`);
  for (const name of ["conversations", "sockets", "kernels"] as const)
    if (after[name] > 0) trouble.push(`${name} is ${after[name]}`);
  if (after.alarms.join() !== before.alarms.join())
    trouble.push(`alarms were ${before.alarms.join()} and are ${after.alarms.join()}`);
  return trouble;
}

async function sampleOf(
  stack: LoadStack,
  inspector: Inspector,
  withHeap: boolean,
): Promise<Sample> {
  const { sockets, kernels } = await stack.jupyter.counts();
  const { alarms } = await stack.counts();
  return {
    resident: (await inspector.resident()).now,
    heap: withHeap ? await heapOf(inspector) : null,
    ...(await storedIn(stack.stateDir)),
    sockets,
    kernels,
    alarms: alarms.map(({ className }) => className).toSorted(),
  };
}

async function heapOf(inspector: Inspector): Promise<number> {
  await inspector.collectGarbage();
  const { used, buffers } = await inspector.heap();
  return used + buffers;
}

/** What the objects store: here an object that has deleted all keeps a file without tables. */
async function storedIn(
  stateDir: string,
): Promise<Pick<Sample, "stored" | "others" | "conversations">> {
  const files = await readdir(path.join(stateDir, "v3", "do"), {
    recursive: true,
    withFileTypes: true,
  });
  const sum = { stored: 0, others: 0, conversations: 0 };
  for (const { parentPath, name } of files) {
    if (!/^[0-9a-f]{64}\.sqlite$/.test(name)) continue;
    using database = new DatabaseSync(path.join(parentPath, name), { readOnly: true });
    const pragma = (of: string) =>
      Number(Object.values(database.prepare(`PRAGMA ${of}`).get() ?? {})[0]);
    const { tables } = database
      .prepare(
        "SELECT count(*) AS tables FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
      )
      .get() as { tables: number };
    if (tables === 0) continue;
    sum.stored += (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
    if (parentPath.endsWith("Conversation")) sum.conversations += 1;
    else sum.others += 1;
  }
  return sum;
}

function row(round: number, sample: Sample): string {
  const heap = sample.heap === null ? "" : `heap ${megabytes(sample.heap)} MB, `;
  return (
    `round ${round}: ${heap}process ${megabytes(sample.resident)} MB, ` +
    `stored ${megabytes(sample.stored)} MB, conversations ${sample.conversations}, ` +
    `WebSockets ${sample.sockets}, kernels ${sample.kernels}, alarms ${sample.alarms.join(" ")}`
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(2);
}
