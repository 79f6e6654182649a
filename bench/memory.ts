/**
 * The memory of the Worker while much more output flows through a conversation
 * than its journal keeps, and while it reads large notebooks. The heap is that of the isolate, in which the Worker
 * and both kinds of Durable Objects live; the resident memory that of the whole
 * process around it, SQLite and its cache included.
 */
import { readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openInspector, type HeapUsage, type Inspector } from "./inspector.ts";
import { connectModern, runToEnd } from "./mcp-client.ts";
import { callOnNotebook, notebookOf } from "./notebooks.ts";
import { openStack } from "./stack.ts";

/** Of 101 characters each, more or less: 50 MB, and two and three times that to see whether the peak grows with it. */
const LINES = [500_000, 1_000_000, 1_500_000];
const TEXT = "y".repeat(94);
const SHOW = "from IPython.display import Image, display";
/** Many messages, a large one, and one that is larger than can be received. */
const FLOODS = [
  [
    "10,000 displays, each updated once",
    `${SHOW}\nfor handle in [display(i, display_id=True) for i in range(10_000)]: handle.update('')`,
  ],
  ["An image of 24 MB", `${SHOW}\ndisplay(Image(data=bytes(24_000_000), format='png'))`],
  ["A message of 40 MB", "print('y' * 40_000_000)\nimport time\ntime.sleep(3)"],
] as const;
/** Below and above what is read in one piece. */
const OUTLINED_MB = [19, 95];
const POLL_EVERY_MS = 50;
/** Time for timers to end and garbage to be collected, as far as V8 sees a reason to. */
const SETTLE_MS = 10_000;

/** Prints that many lines in a kernel of the embedded server, and then the figures. */
export async function measureMemory(): Promise<void> {
  if (process.platform !== "linux") {
    console.log("\nMemory: measured on Linux alone, by means of /proc.");
    return;
  }
  for (const lines of LINES) await measureOutput(lines);
  await measureFloods();
  await measureOutlines();
}

async function measureOutput(lines: number): Promise<void> {
  await using stack = await openStack({ plain: false, inspect: true });
  await using client = await connectModern(stack.url);
  const { conversation } = await runToEnd(client, { code: "pass" });
  using inspector = await openInspector(stack);
  const code = `for i in range(${lines}): print(i, '${TEXT}')`;
  await sampled(
    inspector,
    () => runToEnd(client, { code, conversation }),
    async (run) => {
      if (!run.text.includes(`${lines - 1} ${TEXT}`))
        throw new Error("The end of the output is missing.");
      const journal = megabytes(await journalBytes(stack.stateDir));
      return `${megabytes(printedBytes(lines))} MB of output, ${journal} MB in the journal's file`;
    },
  );
}

/** Output that is large in other ways, one after the other in one conversation. */
async function measureFloods(): Promise<void> {
  await using stack = await openStack({ plain: false, inspect: true });
  await using client = await connectModern(stack.url);
  const { conversation } = await runToEnd(client, { code: "pass" });
  using inspector = await openInspector(stack);
  for (const [title, code] of FLOODS)
    await sampled(
      inspector,
      () => runToEnd(client, { code, conversation }),
      () => title,
    );
}

/** Outlines of notebooks that are held whole, and of one that is read as it arrives. */
async function measureOutlines(): Promise<void> {
  await using stack = await openStack({ plain: false, inspect: true });
  await using client = await connectModern(stack.url);
  await client.call("list_files", {});
  using inspector = await openInspector(stack);
  for (const size of OUTLINED_MB) {
    const name = `${size}.ipynb`;
    await writeFile(path.join(stack.rootDir, name), notebookOf(size));
    await sampled(
      inspector,
      () => callOnNotebook(client, "read_notebook", { path: name }),
      () => `An outline of a notebook of ${size} MB`,
    );
  }
}

/** Watches the memory while `work` is done, and prints it under what `title` makes of the result. */
async function sampled<T>(
  inspector: Inspector,
  work: () => Promise<T>,
  title: (result: T) => string | Promise<string>,
): Promise<void> {
  const before = await observe(inspector);
  const sampler = startSampling(inspector);
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const samples = await sampler.stop();
  await sleep(SETTLE_MS);
  const after = await observe(inspector);

  const heaps = samples.map(({ heap }) => heap);
  const peak = (of: (heap: HeapUsage) => number) => Math.max(...heaps.map(of));
  console.log(
    `\n${await title(result)}, in ${seconds.toFixed(1)} s, ${samples.length} samples`,
  );
  console.log(row("", "before", "peak", `${SETTLE_MS / 1_000} s later`));
  const line = (name: string, of: (heap: HeapUsage) => number) =>
    console.log(
      row(
        name,
        megabytes(of(before.heap)),
        megabytes(peak(of)),
        megabytes(of(after.heap)),
      ),
    );
  line("used heap, MB", ({ used }) => used);
  line("+ buffers, MB", ({ used, buffers }) => used + buffers);
  line("heap taken, MB", ({ total }) => total);
  console.log(
    row(
      "workerd process, MB",
      megabytes(before.resident.now),
      megabytes(after.resident.peak),
      megabytes(after.resident.now),
    ),
  );
}

/** Each line is its number, a space, the text and the line's end. */
function printedBytes(lines: number): number {
  let bytes = lines * (TEXT.length + 2);
  for (let line = 0; line < lines; line += 1) bytes += String(line).length;
  return bytes;
}

interface Sample {
  readonly heap: HeapUsage;
  readonly resident: Awaited<ReturnType<Inspector["resident"]>>;
}

async function observe(inspector: Inspector): Promise<Sample> {
  return { heap: await inspector.heap(), resident: await inspector.resident() };
}

function startSampling(inspector: Inspector): { stop(): Promise<readonly Sample[]> } {
  const stopping = new AbortController();
  const samples: Sample[] = [];
  const sampling = (async () => {
    while (!stopping.signal.aborted) {
      samples.push(await observe(inspector));
      await sleep(POLL_EVERY_MS);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await sampling;
      return samples;
    },
  };
}

async function journalBytes(stateDir: string): Promise<number> {
  const files = await readdir(stateDir, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files
      .filter((file) => file.isFile() && /Conversation/.test(file.parentPath))
      .map(
        async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size,
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

function row(name: string, ...cells: readonly string[]): string {
  return `  ${name.padEnd(20)}${cells.map((cell) => cell.padStart(12)).join("")}`;
}
