/**
 * `npm run load`: many conversations on one Worker, and what they cost. Measures
 * what docs/load.md and docs/cost.md claim, on loopback, and ends by itself.
 *
 *     npm run load [-- load [CONVERSATIONS] | soak [MINUTES] | empty [OBJECTS] | cost]
 */
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { measureCost } from "./cost.ts";
import { measureEmpty } from "./empty.ts";
import { measureLoad } from "./load.ts";
import { endWithin } from "../scripts/time-limit.ts";
import { measureSoak } from "./soak.ts";

// What runs in other processes is ended, and temporary folders are removed, at exit.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

/**
 * Each commit waits for the disk, which other programs write to as well. In
 * memory, what is measured is the Worker. Whoever wants the disk sets TMPDIR.
 */
const IN_MEMORY = "/dev/shm";
if (process.env["TMPDIR"] === undefined && existsSync(IN_MEMORY))
  process.env["TMPDIR"] = IN_MEMORY;

const CONVERSATIONS = 200;
const MINUTES = 10;
const OBJECTS = 6_000;

/** What hangs ends as well: a soak has its own time on top. */
const LIMIT_MINUTES = 30;

const [name = "", size] = process.argv.slice(2);
const number = size === undefined ? undefined : Number(size);
const measurements: Readonly<Record<string, readonly (() => Promise<void>)[]>> = {
  "": [() => measureLoad(CONVERSATIONS), () => measureSoak(MINUTES)],
  load: [() => measureLoad(number ?? CONVERSATIONS)],
  soak: [() => measureSoak(number ?? MINUTES)],
  empty: [() => measureEmpty(number ?? OBJECTS)],
  cost: [measureCost],
};

const chosen = measurements[name];
if (chosen === undefined || (number !== undefined && !(number > 0))) {
  console.error(
    "Say load, soak or empty, perhaps with the number of conversations, minutes or objects, cost, or nothing.",
  );
  process.exitCode = 1;
} else {
  endWithin(LIMIT_MINUTES + (name === "soak" ? (number ?? 0) : 0));
  for (const measure of chosen) await measure();
}
