/**
 * Counts what is billed of five conversations while they do what is typical of
 * them, and multiplies it up to an hour: everything that is counted repeats
 * itself at least every 30 s, and each case is watched for a whole number of
 * such periods, once its beginning is over.
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
import { printing, RESULT, sleeping } from "./codes.ts";
import {
  formatTable,
  SINGLE_RUNS,
  singleRunCost,
  type HourlyCounts,
} from "./cost-model.ts";
import { countedBetween } from "./counts.ts";
import { eventually, untilAtRest } from "./rest.ts";
import { openLoadStack, type LoadStack } from "./stack.ts";

/** An unfinished run is looked after this often. */
const PERIOD_MS = 30_000;
const PERIODS = 3;
const HOUR_MS = 3_600_000;
/** Settings of the linger that docs/cost.md compares, in seconds. */
const LINGERS = [0, 10, 30, 60];
/** Of the chatty conversation. */
const PAUSE_MS = 15_000;
/** Of the noisy one. */
const LINES_PER_SECOND = 50;
const LINE_CHARS = 100;
/** Longer than anything that is watched. */
const LONG_SECONDS = 600;

interface Watched {
  readonly stack: LoadStack;
  readonly inspector: Inspector;
}

/** Prints the table of docs/cost.md. Takes about nine minutes. */
export async function measureCost(): Promise<void> {
  if (process.platform !== "linux") {
    console.log("\nCost: counted on Linux alone, where /proc tells of CPU time.");
    return;
  }
  await using stack = await openLoadStack();
  await using client = await connectModern(stack.url);
  // What is done once for all of them.
  await end(client, await runToEnd(client, { code: RESULT }));
  await untilAtRest(stack);
  using inspector = await openInspector(stack);
  const watched = { stack, inspector };
  const often = await chatty(watched, client);
  // It is polled while it comes to rest, which takes more CPU time than the run.
  const cpuPerRun = often["Worker CPU ms"] / often["Worker requests"];
  const runs = {
    ...(await single(watched, client)),
    "Worker CPU ms": SINGLE_RUNS * cpuPerRun,
  };
  const lines = [
    { name: "idle", counts: await idle(watched, client) },
    { name: "a run every five minutes", counts: runs },
    { name: "chatty", counts: often },
    {
      name: "one long quiet run",
      counts: await unattended(watched, client, sleeping(LONG_SECONDS)),
    },
    {
      name: "one noisy run",
      counts: await unattended(
        watched,
        client,
        printing(LONG_SECONDS * LINES_PER_SECOND, LINES_PER_SECOND, LINE_CHARS),
      ),
    },
  ];
  console.log(`\n${formatTable(lines)}\n\n| linger | US$ for 1,000 single runs |`);
  for (const seconds of LINGERS) {
    const dollars = 1_000 * singleRunCost(runs, seconds);
    console.log(`| ${seconds} | ${dollars.toFixed(4)} |`);
  }
}

/** It has run something, and nobody has come since. */
async function idle(watched: Watched, client: McpClient): Promise<HourlyCounts> {
  const run = await runToEnd(client, { code: RESULT });
  await untilAtRest(watched.stack);
  const counts = await duringAnHour(watched, () => sleep(PERIODS * PERIOD_MS));
  await end(client, run);
  return counts;
}

/** Runs with a result, each when everything has been at rest since the last. */
async function single(watched: Watched, client: McpClient): Promise<HourlyCounts> {
  const first = await runToEnd(client, { code: RESULT });
  const { conversation } = first;
  await untilAtRest(watched.stack);
  const work = async () => {
    for (let run = 0; run < PERIODS; run += 1) {
      await runToEnd(client, { code: RESULT, conversation });
      await untilAtRest(watched.stack);
    }
  };
  const counts = await during(watched, work, SINGLE_RUNS / PERIODS);
  await end(client, first);
  return counts;
}

/** A run with a result, again and again. */
async function chatty(watched: Watched, client: McpClient): Promise<HourlyCounts> {
  const first = await runToEnd(client, { code: RESULT });
  const { conversation } = first;
  const counts = await duringAnHour(watched, async () => {
    const until = performance.now() + PERIODS * PERIOD_MS;
    for (let at = performance.now(); at < until; at += PAUSE_MS) {
      await runToEnd(client, { code: RESULT, conversation });
      await sleep(at + PAUSE_MS - performance.now());
    }
  });
  await end(client, first);
  await untilAtRest(watched.stack);
  return counts;
}

/** A run that goes on by itself. */
async function unattended(
  watched: Watched,
  client: McpClient,
  code: string,
): Promise<HourlyCounts> {
  const run = await callForRun(client, "run_code", { code, wait_seconds: 0 });
  await alarmsLater(watched.stack, 1);
  const counts = await duringAnHour(watched, () => alarmsLater(watched.stack, PERIODS));
  await end(client, run);
  await untilAtRest(watched.stack);
  return counts;
}

/** Resolves when so many more alarms have rung. */
async function alarmsLater(stack: LoadStack, rings: number): Promise<void> {
  const before = await stack.counts();
  await eventually(
    stack,
    async () => countedBetween(before, await stack.counts()).alarms >= rings,
  );
}

function duringAnHour(
  watched: Watched,
  work: () => Promise<void>,
): Promise<HourlyCounts> {
  return during(watched, work, null);
}

/** What is counted while `work` is done, so many times; or as often as that fits into an hour. */
async function during(
  { stack, inspector }: Watched,
  work: () => Promise<void>,
  fixedTimes: number | null,
): Promise<HourlyCounts> {
  const before = await stack.counts();
  const cpuBefore = await inspector.cpuMs();
  const startedAt = performance.now();
  await work();
  const times = fixedTimes ?? HOUR_MS / (performance.now() - startedAt);
  const cpuMs = (await inspector.cpuMs()) - cpuBefore;
  const after = await stack.counts();
  const counted = countedBetween(before, after);
  const requests = after.requests - before.requests;
  return {
    "Worker requests": requests * times,
    // Of everything in the process; without requests, none of it is billed as such.
    "Worker CPU ms": requests === 0 ? 0 : cpuMs * times,
    calls: counted.calls * times,
    alarms: counted.alarms * times,
    messages: counted.messages * times,
    "object-seconds": (counted.heldMs / 1_000) * times,
    "rows written": counted.rowsWritten * times,
    "alarms set": counted.alarmsSet * times,
    "rows read": counted.rowsRead * times,
  };
}

async function end(client: McpClient, { conversation }: Run): Promise<void> {
  await client.call("end_conversation", { conversation, shutdown_kernels: true });
}
