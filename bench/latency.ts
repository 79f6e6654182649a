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
import { callForRun, connectFirst, connectModern, runToEnd } from "./mcp-client.ts";
import { connectRaw, startKernel } from "./raw-client.ts";
import { openStack } from "./stack.ts";
import {
  callsOf,
  countedOf,
  print,
  takeTurns,
  type Rounds,
  type Times,
} from "./turns.ts";

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
