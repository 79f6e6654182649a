/**
 * `npm run bench`: measures what docs/performance.md claims, in less than an hour. Each of the
 * parts below is one of it; `cells` is in `peers`.
 *
 *     npm run bench [-- bundle | cells | latency | memory | notebooks | peers | profile | search | start]
 */
import { constants } from "node:os";
import { measureBundle } from "./bundle.ts";
import { measureLatency } from "./latency.ts";
import { measureMemory } from "./memory.ts";
import { measureNotebooks } from "./notebooks.ts";
import { measureCellsInFiles, measureCellsInRooms, measurePeers } from "./peers.ts";
import { measureProfile } from "./profile.ts";
import { measureSearch } from "./search.ts";
import { measureStart } from "./start.ts";
import { endWithin } from "../scripts/time-limit.ts";

// What runs in other processes is ended, and temporary folders are removed, at exit.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

/** What hangs ends as well. */
const LIMIT_MINUTES = 100;

const measurements: Readonly<Record<string, readonly (() => Promise<void>)[]>> = {
  "": [
    measureBundle,
    measureStart,
    measureLatency,
    measureProfile,
    measureMemory,
    measureNotebooks,
    measureSearch,
    measurePeers,
  ],
  bundle: [measureBundle],
  cells: [measureCellsInRooms, measureCellsInFiles],
  latency: [measureLatency],
  memory: [measureMemory],
  notebooks: [measureNotebooks],
  peers: [measurePeers],
  profile: [measureProfile],
  search: [measureSearch],
  start: [measureStart],
};

endWithin(LIMIT_MINUTES);
const [name = ""] = process.argv.slice(2);
const chosen = measurements[name];
if (chosen === undefined) {
  console.error(
    `There is no measurement ${name}. Say bundle, cells, latency, memory, notebooks, peers, profile, search, start or nothing.`,
  );
  process.exitCode = 1;
}
for (const measure of chosen ?? []) await measure();
