/**
 * How large the Worker is as it is deployed, and what it does before it can answer
 * for the first time. Cloudflare takes 10 MB (3 MB without a paid plan), packed,
 * and gives it one second.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { runCommand } from "../scripts/command.mjs";
import { wranglerEnvironment } from "../scripts/pack-worker.ts";
import { openTemporaryFolder } from "./stack.ts";

const ROOT = path.dirname(import.meta.dirname);
const WRANGLER = path.join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
const STARTS = 5;

const profileSchema = z.object({
  nodes: z.array(
    z.object({ id: z.number(), callFrame: z.object({ functionName: z.string() }) }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** Measures both, and prints the figures. */
export async function measureBundle(): Promise<void> {
  await using opening = new AsyncDisposableStack();
  const folder = await openTemporaryFolder(opening);
  const dryRun = ["deploy", "--dry-run", "--outdir", path.join(folder, "out")];
  for (const [name, args] of [
    ["as it is", []],
    ["minified", ["--minify"]],
  ] as const) {
    const output = await wrangler([...dryRun, ...args]);
    console.log(`The bundle, ${name}: ${/Total Upload: .*/.exec(output)?.[0]}`);
  }
  const times: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const outfile = path.join(folder, `start-${start}.cpuprofile`);
    await wrangler(["check", "startup", "--outfile", outfile]);
    times.push(busyMs(profileSchema.parse(JSON.parse(await readFile(outfile, "utf8")))));
  }
  const sorted = times.toSorted((a, b) => a - b).map((time) => time.toFixed(0));
  console.log(`Its start, in ms of the processor, ${STARTS} times: ${sorted.join(", ")}`);
}

async function wrangler(args: readonly string[]): Promise<string> {
  const options = { cwd: ROOT, env: wranglerEnvironment() };
  const result = await runCommand(process.execPath, [WRANGLER, ...args], options);
  if (!result.ok) throw new Error(`wrangler ${args[0]} failed:\n${result.output}`);
  return result.output;
}

function busyMs({ nodes, samples, timeDeltas }: z.infer<typeof profileSchema>): number {
  const idle = nodes.find(({ callFrame }) => callFrame.functionName === "(idle)")?.id;
  const busy = timeDeltas.filter((_, index) => samples[index] !== idle);
  return busy.reduce((sum, time) => sum + time, 0) / 1_000;
}
