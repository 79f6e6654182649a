/**
 * `npm run faults`: thousands of runs through faults, and one question to each:
 * is every line there once and in order, or is the run marked?
 *
 *     npm run faults [-- --seed=1 --runs=2400 --minutes=25 --lanes=24 --fault=rst,fin]
 *     npm run faults -- --fault=rst --again=1000042    (that very run, over and over)
 *     npm run faults -- --tell=lost    (each run that was lost as well, not only what must not be)
 */
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { connectClient } from "../test/support/mcp-client.ts";
import { drive, openLane, type Lane, type Result, type World } from "./drive.ts";
import {
  FAULTS,
  planBystander,
  planRun,
  queuesOf,
  type Fault,
  type Plan,
} from "./plan.ts";
import { Random } from "./random.ts";
import { openFaultStack, type FaultStack } from "./stack.ts";
import { reasonsOf, tableOf } from "./table.ts";
import { BAD } from "./verdict.ts";
import { FaultWorld } from "./world.ts";

// What runs in other processes is ended, and temporary folders are removed, at exit.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

/** What happens to all kernels at once: so many rounds of so many runs each. */
const DISASTERS = [
  "Worker killed",
  "runtime killed",
  "Jupyter restarted",
  "Jupyter killed",
] as const;
type Disaster = (typeof DISASTERS)[number];
/** Runs that are begun in each conversation before a disaster; the second waits for the first. */
const QUEUED = 2;
/** Conversations that each disaster meets: few, so that it strikes often. */
const STRUCK = 8;
/** So often connections of these have overtaken each other at least once. */
const REORDERED: Fault = "reordered connections";
const ENOUGH = 20;
/** Of all runs, in percent. */
const SHARE_OF_DISASTERS = 30;
/** These take a minute each, because nobody is told: fewer of them, and first. */
const SLOW: readonly Fault[] = ["half-open", "half-open both ways"];
const SHARE_OF_SLOW = 6;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "2400" },
    minutes: { type: "string", default: "25" },
    lanes: { type: "string", default: "24" },
    fault: { type: "string", default: "" },
    again: { type: "string" },
    tell: { type: "string", default: "" },
  },
});
const seed = Number(values.seed);
const runs = Number(values.runs);
const laneCount = Number(values.lanes);
/** Those that are asked for; all where none is. */
const only = values.fault === "" ? [] : values.fault.split(",");
/** The seed of a single run, which is done over and over. */
const again = values.again === undefined ? null : Number(values.again);
if (![seed, runs, laneCount, Number(values.minutes)].every(Number.isFinite)) {
  console.error("--seed, --runs, --minutes and --lanes are numbers.");
  process.exit(1);
}
const known: readonly string[] = [...FAULTS, ...DISASTERS];
const unknown = only.filter((fault) => !known.includes(fault));
if (unknown.length > 0) {
  console.error(
    `There is no fault ${unknown.join(", ")}. Say one of: ${known.join(", ")}.`,
  );
  process.exit(1);
}
if (again !== null && only.some((fault) => DISASTERS.some((name) => name === fault))) {
  console.error("--again is for a fault of a single kernel.");
  process.exit(1);
}
const endsAt = Date.now() + Number(values.minutes) * 60_000;
/** A bench that does not come to its end says what it has by then. */
const OVERDUE = "It was not done in time.";
const overdue = setTimeout(
  () => finish(OVERDUE),
  Number(values.minutes) * 60_000 + 5 * 60_000,
);
overdue.unref();

const results: Result[] = [];
const strikes = new Map<Disaster, number>();
let overtaken = 0;
const startedAt = Date.now();

async function main(): Promise<void> {
  await using stack = await openFaultStack(seed);
  const faults = FAULTS.filter(isWanted);
  const disasters = DISASTERS.filter(isWanted);
  const onDisasters =
    faults.length === 0 ? 100 : disasters.length === 0 ? 0 : SHARE_OF_DISASTERS;
  const disastrous = Math.round((runs * onDisasters) / 100);
  // On a slow machine each part has its share of the time, and not only the first ones.
  const faultsEndAt = Date.now() + (timeLeft() * (100 - onDisasters)) / 100;
  if (faults.length > 0)
    await runFaults(stack, plansOf(faults, runs - disastrous), faultsEndAt);
  for (const [index, disaster] of disasters.entries()) {
    const disasterEndsAt = Date.now() + timeLeft() / (disasters.length - index);
    const count = Math.ceil(disastrous / disasters.length);
    await runDisaster(stack, disaster, count, disasterEndsAt);
  }
  console.log(await lastLinesOf(stack.workerLog));
  overtaken = stack.proxy.overtaken;
  finish(missing([...faults, ...disasters]));
}

/** What of a bench like this was not tried out, if anything. */
function missing(wanted: readonly string[]): string | null {
  const counts = wanted.map((fault) => ({
    fault,
    count: results.filter(({ plan }) => plan.fault === fault).length,
  }));
  const never = counts.filter(({ count }) => count === 0).map(({ fault }) => fault);
  if (never.length > 0)
    return `There was no time for ${never.join(", ")}. Say more --minutes.`;
  const missed = faultsMissed();
  if (missed.length > 0) return `Nothing was hit by ${missed.join(", ")}.`;
  const reordered = counts.find(({ fault }) => fault === REORDERED)?.count ?? 0;
  return reordered >= ENOUGH && overtaken === 0
    ? "No connection was overtaken by a younger one."
    : null;
}

/** Those of which many had something to hit, and none did. */
function faultsMissed(): string[] {
  return FAULTS.filter((fault) => {
    const aimed = results.filter(
      ({ plan }) => plan.fault === fault && plan.moments.length > 0,
    );
    return aimed.length >= ENOUGH && !aimed.some(({ isHit }) => isHit);
  });
}

/** All kinds in turns, those that take long first. */
function plansOf(faults: readonly Fault[], count: number): Plan[] {
  const slow = faults.filter((fault) => SLOW.includes(fault));
  const fast = faults.filter((fault) => !SLOW.includes(fault));
  const slowCount =
    fast.length === 0 ? count : Math.round((count * SHARE_OF_SLOW * slow.length) / 100);
  return Array.from({ length: count }, (_, index) => {
    const kinds = index < slowCount ? slow : fast;
    const kind = kinds[index % kinds.length] ?? "none";
    const plan = planRun(again ?? seed * 1_000_000 + index, kind);
    // Each repetition has its own token, and its own file.
    return again === null ? plan : { ...plan, repetition: index };
  });
}

function isWanted(fault: string): boolean {
  return only.length === 0 || only.includes(fault);
}

function timeLeft(): number {
  return endsAt - Date.now();
}

async function runFaults(stack: FaultStack, plans: Plan[], until: number): Promise<void> {
  const world = new FaultWorld(stack);
  const lanes = queuesOf(plans, laneCount).map(async (queue) => {
    const next = () => (Date.now() < until ? queue.shift() : undefined);
    let lane = await newLane(stack);
    for (let plan = next(); plan !== undefined; plan = next()) {
      const result = await drive(plan, lane, world);
      note(result, await kernelOf(stack, result));
      if (result.verdict === "refused" || BAD.has(result.verdict))
        lane = await newLane(stack);
    }
    await close(lane);
  });
  await Promise.all(lanes);
}

/** Begins runs in all conversations, lets it happen while they run, and waits for their ends. */
async function runDisaster(
  stack: FaultStack,
  disaster: Disaster,
  count: number,
  until: number,
): Promise<void> {
  const random = new Random(seed * DISASTERS.length + DISASTERS.indexOf(disaster));
  const isDeadly = disaster.startsWith("Jupyter");
  const width = Math.min(laneCount, STRUCK);
  let index = DISASTERS.indexOf(disaster) * 100_000 + 500_000;
  let lanes: Lane[] = [];
  for (let done = 0; done < count && Date.now() < until; done += width * QUEUED) {
    if (lanes.length === 0)
      lanes = await Promise.all(Array.from({ length: width }, () => newLane(stack)));
    let isOver = false;
    const world: World = {
      act: async () => true,
      hasFile: (name) => stack.hasFile(name),
      isCalm: () => isOver,
    };
    const begun = lanes.flatMap((lane) =>
      Array.from({ length: QUEUED }, (_, queued) => {
        index += 1;
        const isLast = queued === QUEUED - 1;
        const plan = planBystander(seed * 1_000_000 + index, disaster, isLast);
        return drive(plan, lane, world);
      }),
    );
    await sleep(random.between(500, 4_000));
    await strike(stack, disaster);
    strikes.set(disaster, (strikes.get(disaster) ?? 0) + 1);
    isOver = true;
    for (const result of await Promise.all(begun))
      note(result, await kernelOf(stack, result));
    if (isDeadly) {
      await Promise.all(lanes.map(close));
      lanes = [];
    }
  }
  await Promise.all(lanes.map(close));
}

function strike(stack: FaultStack, disaster: Disaster): Promise<void> {
  switch (disaster) {
    case "Worker killed":
      return stack.killWorker();
    case "runtime killed":
      return stack.killRuntime();
    case "Jupyter restarted":
      return stack.jupyter.restart();
    case "Jupyter killed":
      return stack.jupyter.kill().then(() => stack.jupyter.start());
  }
}

async function newLane(stack: FaultStack): Promise<Lane> {
  return openLane(await connectClient("modern", stack.url));
}

async function close({ client, conversation }: Lane): Promise<void> {
  await client
    .call("end_conversation", { conversation, shutdown_kernels: true })
    .catch(() => undefined);
  await client[Symbol.asyncDispose]();
}

/** How Jupyter sees the kernel of a run that went wrong. */
async function kernelOf({ jupyter }: FaultStack, result: Result): Promise<string> {
  if (!BAD.has(result.verdict)) return "";
  const answer = await fetch(`${jupyter.url}/api/kernels/${result.lane.kernel}`, {
    headers: { authorization: `token ${jupyter.token}` },
  });
  return answer.text();
}

function note(result: Result, kernel: string): void {
  results.push(result);
  if (results.length % 100 === 0) {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    console.log(`${results.length} runs in ${seconds} s`);
  }
  const isTold = BAD.has(result.verdict) || result.verdict === values.tell;
  if (isTold) console.log(`${describe(result)}\n  kernel: ${kernel}`);
}

/** Enough to look into it. */
function describe({
  verdict,
  plan,
  reading,
  execution,
  lane,
  answer,
  ...rest
}: Result): string {
  const { moments, ...code } = plan;
  return [
    `\n${verdict.toUpperCase()} · ${plan.fault} · seed ${plan.seed}`,
    `  plan: ${JSON.stringify(code)}`,
    `  what happened: ${JSON.stringify(moments)}`,
    `  execution: ${lane.conversation} ${execution ?? "(none)"}, settled after ${rest.settledAfterMs} ms`,
    `  state: ${reading.state}, marked: ${reading.isMarked}`,
    `  read on: ${spans(reading.readOn)}`,
    `  read whole: ${spans(reading.readWhole)}`,
    `  last answer: ${JSON.stringify(answer.slice(0, 600))}`,
  ].join("\n");
}

/** `0-41 43-99` */
function spans(numbers: readonly number[]): string {
  const found: [number, number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(" ");
}

function finish(trouble: string | null): void {
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  console.log(`\n${results.length} runs in ${seconds} s, seed ${seed}\n`);
  console.log(tableOf(results));
  console.log(`\n${reasonsOf(results)}`);
  for (const [disaster, count] of strikes) console.log(`${disaster}: ${count} times`);
  console.log(`${overtaken} connections reached Jupyter behind a younger one`);
  if (trouble !== null) console.error(trouble);
  const isBad = trouble !== null || results.some(({ verdict }) => BAD.has(verdict));
  process.exitCode = isBad ? 1 : 0;
  if (trouble === OVERDUE) process.exit();
}

/** What the Worker itself has said went wrong. */
async function lastLinesOf(file: string): Promise<string> {
  const log = await readFile(file, "utf8");
  const lines = log
    .split("\n")
    .filter((line) => /error|failed/i.test(line) && !line.includes("ProxyWorker"));
  return lines.slice(-10).join("\n");
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

try {
  await main();
} catch (error) {
  finish(String(error));
  process.exit();
}
