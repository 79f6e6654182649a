/**
 * What the runtime keeps of objects that do nothing: the memory of its process, in
 * rounds of objects, as a baseline for what a soak leaves.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openInspector } from "../bench/inspector.ts";
import { openWorker } from "../bench/stack.ts";

const ROUNDS = 12;
const CALLS = 25;
/** The runtime lets go of objects that have not been called for ten seconds or more. */
const PAUSE_MS = 15_000;

/** Prints the process's memory after each twelfth of so many objects. */
export async function measureEmpty(objects: number): Promise<void> {
  if (process.platform !== "linux") {
    console.log("\nEmpty objects: measured on Linux alone, by means of /proc.");
    return;
  }
  // Nobody asks this Jupyter for anything.
  const jupyter = { port: 1, token: "none" };
  await using worker = await openWorker(jupyter, {
    main: "load/empty-worker.ts",
    inspect: true,
  });
  using inspector = await openInspector(worker);
  const atOnce = Math.ceil(objects / ROUNDS / CALLS);
  const perRound = atOnce * CALLS;
  console.log(`\n${perRound * ROUNDS} objects that do nothing, ${atOnce} at a time`);
  let before = (await inspector.resident()).now;
  console.log(`  at the beginning: process ${megabytes(before)} MB`);
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (let call = 0; call < CALLS; call += 1)
      await (await fetch(new URL(`/?objects=${atOnce}`, worker.url))).arrayBuffer();
    await sleep(PAUSE_MS);
    const now = (await inspector.resident()).now;
    const each = (now - before) / perRound / 1_000;
    before = now;
    console.log(
      `  after ${round * perRound} objects: process ${megabytes(now)} MB, ${each.toFixed(0)} KB for each of the last ${perRound}`,
    );
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(0);
}
