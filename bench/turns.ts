/** Several ways to do something, measured in turns, so that what else the machine does meets all alike. */
import { setTimeout as sleep } from "node:timers/promises";

/** How the ways take their turns. */
export interface Rounds {
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

/** One way to do something. */
export interface Way {
  readonly name: string;
  run(): Promise<unknown>;
  /** Waits for what a run has left, which is no part of its time. */
  settle?(): Promise<unknown>;
}

/** Of the times that a way took, in milliseconds. */
export interface Times {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
}

/** How often each way is called. */
export function callsOf({ warmUp, turns, leadIn, counted }: Rounds): number {
  return warmUp + turns * (leadIn + counted);
}

/** How many calls of each way are counted. */
export function countedOf({ turns, counted }: Rounds): number {
  return turns * counted;
}

/** Lets the ways take their turns. */
export async function takeTurns(ways: readonly Way[], rounds: Rounds): Promise<Times[]> {
  const taken = ways.map((way) => ({ way, times: [] as number[] }));
  for (const way of ways) {
    for (let call = 0; call < rounds.warmUp; call += 1) {
      await way.run();
      await way.settle?.();
    }
  }
  for (let turn = 0; turn < rounds.turns; turn += 1) {
    // What a way leaves behind meets another one each time.
    const inOrder = turn % 2 === 0 ? taken : taken.toReversed();
    for (const { way, times } of inOrder) {
      for (let call = 0; call < rounds.leadIn + rounds.counted; call += 1) {
        if (rounds.pauseMs > 0) await sleep(rounds.pauseMs);
        const startedAt = performance.now();
        await way.run();
        if (call >= rounds.leadIn) times.push(performance.now() - startedAt);
        await way.settle?.();
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
export function percentile(times: readonly number[], fraction: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? Number.NaN;
}

/** The first line is that which the others are compared with. */
export function print(title: string, times: readonly Times[]): void {
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
