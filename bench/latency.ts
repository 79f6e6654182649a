/**
 * How long a run takes through MCP, beside the round trip of a minimal client
 * on the same kernel. The ways take turns, so that what else the machine does
 * meets all of them alike.
 *
 * A plain server holds its messages back until the first is acknowledged. Linux
 * delays that by 40 ms for a client that sends soon after it has received, and
 * not for one that was silent. So a turn is several calls in a row and not one:
 * with single turns, each way decides with its own time whether the other waits.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { callForRun, connectFirst, connectModern, runToEnd } from "./mcp-client.ts";
import { connectRaw, startKernel } from "./raw-client.ts";
import { openStack } from "./stack.ts";

/** How the ways take their turns. */
interface Rounds {
  /** Calls before the first turn. */
  readonly warmUp: number;
  readonly turns: number;
  /** Calls at the beginning of a turn that are not counted. */
  readonly leadIn: number;
  /** Calls of a turn that are counted. */
  readonly counted: number;
  /** Before each call. */
  readonly pauseMs: number;
}

const BACK_TO_BACK: Rounds = {
  warmUp: 20,
  turns: 20,
  leadIn: 3,
  counted: 10,
  pauseMs: 0,
};
/** As the calls of a model are: with time in between. */
const APART: Rounds = { warmUp: 5, turns: 40, leadIn: 0, counted: 1, pauseMs: 500 };

const CODE = "x += 1";

const MAX_RATIO_ON_PLAIN = 1.5;
const MAX_EXTRA_MS_ON_EMBEDDED = 25;

/** One way to do something. */
interface Way {
  readonly name: string;
  run(): Promise<unknown>;
}

/** Of the times that a way took, in milliseconds. */
interface Times {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
}

/** Measures on a plain Jupyter server and on the embedded one, and prints the figures. */
export async function measureLatency(): Promise<void> {
  for (const plain of [true, false]) await measureOn(plain);
}

async function measureOn(plain: boolean): Promise<void> {
  const server = plain ? "Plain Jupyter server" : "Embedded Jupyter server";
  await using stack = await openStack({ plain });
  const kernel = await startKernel(stack.jupyter);
  using raw = await connectRaw(stack.jupyter, kernel);
  await using modern = await connectModern(stack.url);
  await using first = await connectFirst(stack.url);
  const { conversation } = await runToEnd(modern, { code: "x = 0", kernel });
  const runCode = { code: CODE, conversation };

  const direct = { name: "raw WebSocket", run: () => raw.run(CODE) };
  const ours = {
    name: "run_code, SDK v2",
    run: () => callForRun(modern, "run_code", runCode),
  };
  const oursFirst = {
    name: "run_code, SDK v1",
    run: () => callForRun(first, "run_code", runCode),
  };
  const withoutKernel = { name: "tools/list, SDK v2", run: () => modern.listTools() };

  const times = await takeTurns([direct, ours, oursFirst, withoutKernel], BACK_TO_BACK);
  print(`${server}, ${countedOf(BACK_TO_BACK)} runs, one right after the other`, times);
  console.log(`  ${verdict(times, plain)}`);
  const apart = await takeTurns([direct, ours], APART);
  print(`${server}, ${countedOf(APART)} runs, ${APART.pauseMs} ms apart`, apart);

  const runs = 3 * callsOf(BACK_TO_BACK) + 2 * callsOf(APART);
  await runToEnd(modern, { code: `assert x == ${runs}, x`, conversation });
}

function callsOf({ warmUp, turns, leadIn, counted }: Rounds): number {
  return warmUp + turns * (leadIn + counted);
}

function countedOf({ turns, counted }: Rounds): number {
  return turns * counted;
}

async function takeTurns(ways: readonly Way[], rounds: Rounds): Promise<Times[]> {
  const taken = ways.map((way) => ({ way, times: [] as number[] }));
  for (const way of ways) {
    for (let call = 0; call < rounds.warmUp; call += 1) await way.run();
  }
  for (let turn = 0; turn < rounds.turns; turn += 1) {
    for (const { way, times } of taken) {
      for (let call = 0; call < rounds.leadIn + rounds.counted; call += 1) {
        if (rounds.pauseMs > 0) await sleep(rounds.pauseMs);
        const startedAt = performance.now();
        await way.run();
        if (call >= rounds.leadIn) times.push(performance.now() - startedAt);
      }
    }
  }
  return taken.map(({ way: { name }, times }) => ({
    name,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
  }));
}

/** By nearest rank: a time that was measured, never one in between. */
function percentile(times: readonly number[], fraction: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? Number.NaN;
}

/** The first line is that which the others are compared with. */
function print(title: string, times: readonly Times[]): void {
  const [floor] = times;
  if (floor === undefined) return;
  console.log(`\n${title}`);
  console.log(row("", "p50 ms", "p99 ms", "p50 / raw", "p99 / raw", "p50 - raw"));
  for (const { name, p50, p99 } of times) {
    const ratios = [p50 / floor.p50, p99 / floor.p99].map((ratio) => ratio.toFixed(2));
    const difference = (p50 - floor.p50).toFixed(1);
    console.log(row(name, p50.toFixed(1), p99.toFixed(1), ...ratios, difference));
  }
}

function row(name: string, ...cells: readonly string[]): string {
  return `  ${name.padEnd(20)}${cells.map((cell) => cell.padStart(11)).join("")}`;
}

function verdict([raw, ours]: readonly Times[], plain: boolean): string {
  if (raw === undefined || ours === undefined) return "";
  const isMet = plain
    ? ours.p50 <= MAX_RATIO_ON_PLAIN * raw.p50
    : ours.p50 <= raw.p50 + MAX_EXTRA_MS_ON_EMBEDDED;
  const aim = plain
    ? `at most ${MAX_RATIO_ON_PLAIN} times raw`
    : `at most ${MAX_EXTRA_MS_ON_EMBEDDED} ms above raw`;
  return `Aim: ${aim} at p50, SDK v2. ${isMet ? "Met." : "Missed."}`;
}
