/**
 * Where the time of a run goes: a trivial one cut short at several places; and what
 * the Worker's thread does in it, in a run that prints much and for a client that is
 * new, sampled and told by source folder and package.
 */
import { readFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import path from "node:path";
import { openInspector, type Profile } from "./inspector.ts";
import { callForRun, connectModern, runToEnd } from "./mcp-client.ts";
import { connectRaw, startKernel } from "./raw-client.ts";
import { openStack, type Stack } from "./stack.ts";
import { print, takeTurns, type Rounds } from "./turns.ts";
import { openWranglerDev } from "./wrangler-dev.ts";

const ROUNDS: Rounds = { warmUp: 20, turns: 20, leadIn: 1, counted: 10, pauseMs: 0 };
/** The runs that are sampled, and how often each is done before and meanwhile. Each new client leaves a connection to the kernel for half a minute. */
const SAMPLED = {
  trivial: { warmUp: 20, count: 300 },
  printing: { warmUp: 2, count: 20 },
  "of a new client": { warmUp: 4, count: 6 },
};
const PRINTING = "for i in range(20_000): print('line', i)";
/** Groups that take less are not worth a line. */
const MIN_SHARE = 0.02;

/** Measures on the embedded server, and prints the figures. */
export async function measureProfile(): Promise<void> {
  await measureParts();
  await sampleThread();
}

async function measureParts(): Promise<void> {
  await using stack = await openStack({ plain: false });
  const kernel = await startKernel(stack.jupyter);
  using raw = await connectRaw(stack.jupyter, kernel);
  await using client = await connectModern(stack.url);
  const { conversation, execution } = await runToEnd(client, { code: "x = 0", kernel });
  await using wranglerDev = await openWranglerDev(stack.jupyter);
  await using other = await connectModern(wranglerDev.url);
  const there = await runToEnd(other, { code: "x = 0" });
  const times = await takeTurns(
    [
      { name: "raw WebSocket", run: () => raw.run("x += 1") },
      { name: "a page", run: page(stack.url) },
      { name: "  wrangler dev", run: page(wranglerDev.url) },
      { name: "tools/list", run: () => client.listTools() },
      {
        name: "get_output",
        run: () => callForRun(client, "get_output", { conversation, execution }),
      },
      {
        name: "run_code",
        run: () => callForRun(client, "run_code", { code: "x += 1", conversation }),
      },
      {
        name: "  wrangler dev",
        run: () =>
          callForRun(other, "run_code", {
            code: "x += 1",
            conversation: there.conversation,
          }),
      },
    ],
    ROUNDS,
  );
  print("A run, and what ends before the kernel", times);
}

async function sampleThread(): Promise<void> {
  await using stack = await openStack({ plain: false, inspect: true });
  await using client = await connectModern(stack.url);
  const kernel = await startKernel(stack.jupyter);
  const { conversation } = await runToEnd(client, { code: "x = 0", kernel });
  const ways: Readonly<Record<keyof typeof SAMPLED, () => Promise<unknown>>> = {
    trivial: () => callForRun(client, "run_code", { code: "x += 1", conversation }),
    printing: () => runToEnd(client, { code: PRINTING, conversation }),
    "of a new client": async () => {
      await using other = await connectModern(stack.url);
      await callForRun(other, "run_code", { code: "x", kernel });
    },
  };
  const map = await sourceMapOf(stack);
  using inspector = await openInspector(stack);
  for (const [name, run] of Object.entries(ways)) {
    const { warmUp, count } = SAMPLED[name as keyof typeof SAMPLED];
    for (let call = 0; call < warmUp; call += 1) await run();
    const profile = await inspector.profile(async () => {
      for (let call = 0; call < count; call += 1) await run();
    });
    printProfile(name, count, profile, map);
  }
}

function page(base: URL) {
  return async () => (await fetch(new URL("/health", base))).arrayBuffer();
}

function printProfile(
  name: string,
  count: number,
  profile: Profile,
  map: SourceMap,
): void {
  const groups = new Map(profile.nodes.map((node) => [node.id, groupOf(node, map)]));
  const times = new Map<string, number>();
  for (const [index, id] of profile.samples.entries()) {
    const group = groups.get(id) ?? "?";
    times.set(group, (times.get(group) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  const perRun = (microseconds: number) => microseconds / count / 1_000;
  const wall = perRun(profile.endTime - profile.startTime);
  console.log(
    `\nThe Worker's thread, ${name}: ${count} runs of ${wall.toFixed(1)} ms each`,
  );
  const sorted = [...times].toSorted(([, a], [, b]) => b - a);
  for (const [group, time] of sorted)
    if (perRun(time) >= MIN_SHARE * wall)
      console.log(`  ${group.padEnd(44)}${perRun(time).toFixed(2).padStart(8)} ms`);
}

/** A folder of ours, a package, or what the engine calls it. */
function groupOf({ callFrame }: Profile["nodes"][number], map: SourceMap): string {
  const { functionName, url, lineNumber, columnNumber } = callFrame;
  if (url === "") return functionName;
  const entry = map.findEntry(lineNumber, columnNumber);
  const source = "originalSource" in entry ? entry.originalSource : url;
  const parts = source.split("/");
  const modules = parts.lastIndexOf("node_modules");
  if (modules >= 0) {
    const [first = "", second = ""] = parts.slice(modules + 1);
    return first.startsWith("@") ? `${first}/${second}` : first;
  }
  const own = parts.lastIndexOf("src");
  return own >= 0 ? parts.slice(own, own + 2).join("/") : source;
}

/** Of the packed Worker. */
async function sourceMapOf({ stateDir }: Stack): Promise<SourceMap> {
  const file = path.join(path.dirname(stateDir), "bundle", "index.js.map");
  return new SourceMap(JSON.parse(await readFile(file, "utf8")));
}
