/**
 * Other ways for an assistant to work in a Jupyter server, beside ours, on the
 * same server at the same time: `jupyter-mcp-server` of datalayer, the way of this
 * project's seed, and a raw WebSocket with nothing in between. They take turns.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { z } from "zod";
import { OwnedProcess } from "../scripts/child-process.ts";
import { findFreePort } from "../scripts/ports.ts";
import {
  callForRun,
  connectFirstOver,
  connectModern,
  runToEnd,
  type McpClient,
} from "./mcp-client.ts";
import { Onlooker } from "./onlooker.ts";
import { connectRaw, startKernel, type RawClient } from "./raw-client.ts";
import { openStack, openTemporaryFolder, type Stack } from "./stack.ts";
import { print, takeTurns, type Rounds, type Times, type Way } from "./turns.ts";

const ROOT = path.dirname(import.meta.dirname);
const peersEnvironment = {
  folder: path.join(ROOT, ".jupyter", "peers"),
  requirements: [path.join(ROOT, "bench", "peers", "requirements.txt")],
};

/**
 * What follows at once takes another time than what comes alone: on a connection over
 * which something was sent within 40 ms the system delays acknowledgements. No
 * assistant is that fast, a program may be.
 */
const AT_ONCE: Rounds = { warmUp: 3, turns: 10, leadIn: 1, counted: 3, pauseMs: 0 };
const ALONE: Rounds = { warmUp: 3, turns: 30, leadIn: 0, counted: 1, pauseMs: 100 };
const MANY: Rounds = { warmUp: 2, turns: 20, leadIn: 0, counted: 1, pauseMs: 100 };
/** What the engine compiles meanwhile is done behind so many; what is level needs more turns to be told apart. */
const WARM: Rounds = { ...MANY, warmUp: 30, turns: 40 };
const LONG: Rounds = { warmUp: 1, turns: 10, leadIn: 0, counted: 1, pauseMs: 100 };

const PRINTING = "for i in range(20_000): print('line', i)";
/** Prints at once, and goes on for two seconds. */
const SLOW =
  "import time\nfor i in range(4): print('tick', i, flush=True); time.sleep(0.5)";
/** Of ours, the seed's way and datalayer. */
const NOTEBOOKS = ["ours", "seeds", "theirs"];
/** Prints something else each time. */
const TELLING_TIME = "import time; print(time.time_ns())";
const SEARCHED = 200;
/** An object with nothing to do is taken out of memory within 140 s. */
const EVICTED_AFTER_MS = 150_000;
const CONVERSATIONS = 10;
const DATALAYER_READY_MS = 60_000;

const textSchema = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.looseObject({ text: z.string().optional() })),
});

interface Clients {
  readonly ours: McpClient;
  readonly seed: McpClient;
  readonly datalayer: McpClient;
}

/** Measures all of them on a plain Jupyter server and on the embedded one, and prints the figures. */
export async function measurePeers(): Promise<void> {
  for (const plain of [true, false]) await measureOn(plain);
  await measureCellsInFiles();
}

/** The part of {@link measurePeers} that is about cells in rooms, with nothing before it. */
export async function measureCellsInRooms(): Promise<void> {
  for (const plain of [true, false]) {
    console.log(`\n${plain ? "Plain" : "Embedded"} Jupyter server with rooms`);
    await using stack = await openStack({ plain, environment: peersEnvironment });
    await makeNotebooks(stack);
    await using ours = await connectModern(stack.url);
    await using seed = await connectSeedsWay(stack, await startKernel(stack.jupyter));
    await using datalayerServer = await startDatalayer(stack);
    await using datalayer = await connectModern(datalayerServer.url);
    await measureCells(stack, { ours, seed, datalayer });
  }
}

/**
 * A cell of a notebook is run, and its output is in the file, on servers without
 * rooms, as `npm start` sets one up. Datalayer needs rooms.
 */
export async function measureCellsInFiles(): Promise<void> {
  for (const plain of [true, false]) {
    console.log(`\n${plain ? "Plain" : "Embedded"} Jupyter server without rooms`);
    await using stack = await openStack({ plain });
    await makeNotebooks(stack);
    await using ours = await connectModern(stack.url);
    await using seed = await connectSeedsWay(stack, await startKernel(stack.jupyter));
    const { conversation } = await callForRun(ours, "run_code", { code: "1" });
    compare(
      "A cell is run, and its output is in the file",
      await takeTurns(cellsOf({ ours, seed }, conversation), WARM),
    );
  }
}

function cellsOf(
  { ours, seed }: Pick<Clients, "ours" | "seed">,
  conversation: string,
): Way[] {
  return [
    {
      name: "ours",
      run: () =>
        call(ours, "run_cells", { path: "ours.ipynb", cells: "all", conversation }),
    },
    {
      name: "seed's way",
      run: () => call(seed, "execute_notebook_cell", { path: "seeds.ipynb", index: 0 }),
    },
  ];
}

async function measureOn(plain: boolean): Promise<void> {
  console.log(`\n${plain ? "Plain" : "Embedded"} Jupyter server`);
  await using stack = await openStack({ plain, environment: peersEnvironment });
  // A kernel tells everybody who is connected: each has one for itself.
  const kernels = {
    raw: await startKernel(stack.jupyter),
    ours: await startKernel(stack.jupyter),
    seed: await startKernel(stack.jupyter),
    datalayer: await startKernel(stack.jupyter),
  };
  await makeNotebooks(stack);

  using raw = await connectRaw(stack.jupyter, kernels.raw);
  await using ours = await connectModern(stack.url);
  await using seed = await connectSeedsWay(stack, kernels.seed);
  await using datalayerServer = await startDatalayer(stack);
  await using datalayer = await connectModern(datalayerServer.url);
  const { conversation } = await runToEnd(ours, { code: "x = 0", kernel: kernels.ours });

  const runs = (code: string): Way[] => [
    { name: "raw WebSocket", run: () => raw.run(code) },
    { name: "ours", run: () => runToEnd(ours, { code, conversation }) },
    { name: "seed's way", run: () => call(seed, "compute", { code }) },
    {
      name: "datalayer",
      run: () => call(datalayer, "execute_code", { code, kernel_id: kernels.datalayer }),
    },
  ];
  compare("A trivial run", await takeTurns(runs("x = 1"), ALONE));
  compare("One at once after another", await takeTurns(runs("x = 1"), AT_ONCE));
  compare("20,000 lines", await takeTurns(runs(PRINTING), MANY));
  compare(
    "The first output of a run of two seconds, as the client sees it",
    await takeTurns(
      [
        firstOutputOf("raw WebSocket", () => raw.begin(SLOW)),
        firstOutputOf("ours", () => begun(ours, "run_code", { conversation })),
        firstOutputOf("seed's way", () => begun(seed, "compute", {})),
        firstOutputOf("datalayer", () =>
          begun(datalayer, "execute_code", {
            kernel_id: kernels.datalayer,
            progress_interval: 1,
          }),
        ),
      ],
      LONG,
    ),
  );
  compare(
    "From a new client to its first result, on a kernel that runs",
    await takeTurns(
      [
        {
          name: "raw WebSocket",
          run: async () => {
            using other = await connectRaw(stack.jupyter, kernels.raw);
            await other.run("x");
          },
        },
        {
          name: "ours",
          run: async () => {
            await using other = await connectModern(stack.url);
            await callForRun(other, "run_code", { code: "x", kernel: kernels.ours });
          },
        },
        {
          name: "seed's way",
          run: async () => {
            await using other = await connectSeedsWay(stack, kernels.seed);
            await call(other, "compute", { code: "x" });
          },
        },
        {
          name: "datalayer",
          run: async () => {
            await using other = await connectModern(datalayerServer.url);
            await call(other, "execute_code", {
              code: "x",
              kernel_id: kernels.datalayer,
            });
          },
        },
      ],
      LONG,
    ),
  );
  await measureCells(stack, { ours, seed, datalayer });
  await measureSearches(ours, seed);
  await measureReattach(stack, { ours, datalayer });
}

/** A cell of a notebook is run: until the call is answered, and until people see its output who have the notebook open. */
async function measureCells(
  { jupyter }: Stack,
  { ours, seed, datalayer }: Clients,
): Promise<void> {
  const { conversation } = await callForRun(ours, "run_code", { code: "1" });
  await call(datalayer, "use_notebook", {
    notebook_name: "theirs",
    notebook_path: "theirs.ipynb",
    mode: "connect",
  });
  const ways: Way[] = [
    ...cellsOf({ ours, seed }, conversation),
    {
      name: "datalayer",
      run: () => call(datalayer, "execute_cell", { cell_index: 0 }),
    },
  ];
  compare("A cell is run, until the call is answered", await takeTurns(ways, WARM));
  using people = new DisposableStack();
  const seen: Way[] = [];
  for (const [index, { name, run }] of ways.entries()) {
    const onlooker = await Onlooker.open(jupyter, `${NOTEBOOKS[index]}.ipynb`);
    people.use(onlooker);
    seen.push({ name, run: () => onlooker.seeing(run) });
  }
  compare(
    "The same, and until whoever has the notebook open sees its output",
    await takeTurns(seen, MANY),
  );
}

/** Datalayer has no search. */
async function measureSearches(ours: McpClient, seed: McpClient): Promise<void> {
  const query = `needle_${SEARCHED - 1}`;
  await call(ours, "search_notebooks", { query, fresh: true });
  const times = await takeTurns(
    [
      { name: "ours", run: () => call(ours, "search_notebooks", { query }) },
      {
        name: "seed's way",
        run: () => call(seed, "search_notebooks", { folder: "searched", query }),
      },
    ],
    LONG,
  );
  compare(`One of ${SEARCHED} notebooks is found`, times);
}

/**
 * Those who were silent for so long that an object with nothing to do is taken out of
 * memory. Peers stay in memory, as long as nobody ends their process; one that is ended
 * is begun anew with its client. Each has a kernel to which nobody else is connected.
 */
async function measureReattach(
  stack: Stack,
  { ours, datalayer }: Pick<Clients, "ours" | "datalayer">,
): Promise<void> {
  const conversations: string[] = [];
  for (let index = 0; index < CONVERSATIONS; index += 1) {
    const kernel = await startKernel(stack.jupyter);
    conversations.push((await runToEnd(ours, { code: "x = 0", kernel })).conversation);
  }
  const [forRaw, forSeed, forDatalayer] = await Promise.all([
    startKernel(stack.jupyter),
    startKernel(stack.jupyter),
    startKernel(stack.jupyter),
  ]);
  await using seed = await connectSeedsWay(stack, forSeed);
  const others: Way[] = [
    {
      name: "raw WebSocket",
      run: async () => {
        using other = await connectRaw(stack.jupyter, forRaw);
        await other.run("x = 0");
      },
    },
    { name: "seed, kept", run: () => call(seed, "compute", { code: "x = 0" }) },
    {
      name: "seed, ended",
      run: async () => {
        await using other = await connectSeedsWay(stack, forSeed);
        await call(other, "compute", { code: "x = 0" });
      },
    },
    {
      name: "datalayer, kept",
      run: () =>
        call(datalayer, "execute_code", { code: "x = 0", kernel_id: forDatalayer }),
    },
  ];
  for (const { run } of others) await run();
  await sleep(EVICTED_AFTER_MS);
  const times = await takeTurns(
    [
      ...others,
      {
        name: "ours",
        run: () =>
          callForRun(ours, "run_code", {
            code: "x = 0",
            conversation: conversations.shift() ?? "",
          }),
      },
    ],
    { warmUp: 0, turns: CONVERSATIONS, leadIn: 0, counted: 1, pauseMs: 0 },
  );
  compare(`The first run after ${EVICTED_AFTER_MS / 1_000} s of silence`, times);
}

/** Prints the times, and who of the others is as fast as ours. */
function compare(title: string, times: readonly Times[]): void {
  print(title, times);
  const ours = times.find(({ name }) => name === "ours")?.p50 ?? Number.NaN;
  const ahead = times.filter(
    ({ name, p50 }) => p50 <= ours && name !== "ours" && name !== "raw WebSocket",
  );
  const names = ahead.map(({ name }) => name).join(", ");
  console.log(ahead.length === 0 ? "  Ours is ahead." : `  Ahead of ours: ${names}.`);
}

async function call(
  client: McpClient,
  name: string,
  args: Record<string, unknown>,
  onProgress?: (message: string) => void,
) {
  const answer = await client.call(name, args, onProgress);
  const { isError, content } = textSchema.parse(answer);
  if (isError === true) throw new Error(`${name} failed: ${content[0]?.text}`);
}

/** A run, of which the time until its first line is measured. */
function firstOutputOf(name: string, begin: () => ReturnType<RawClient["begin"]>): Way {
  let ended: Promise<void> | undefined;
  return {
    name,
    async run() {
      const run = begin();
      ended = run.ended;
      await Promise.race([run.output, run.ended]);
    },
    settle: async () => ended,
  };
}

/** What prints is called, and its first line comes with a notification, or with the result. */
function begun(client: McpClient, tool: string, args: Record<string, unknown>) {
  const { promise: output, resolve } = Promise.withResolvers<void>();
  const onProgress = (message: string) => {
    if (message.includes("tick 0")) resolve();
  };
  const ended = call(client, tool, { code: SLOW, ...args }, onProgress);
  return { output, ended };
}

async function makeNotebooks({ rootDir }: Stack): Promise<void> {
  const kernelspec = { display_name: "Python 3", language: "python", name: "python3" };
  const notebook = (source: string) =>
    JSON.stringify({
      cells: [
        {
          cell_type: "code",
          execution_count: null,
          id: "cell-0",
          metadata: {},
          outputs: [],
          source: [source],
        },
      ],
      metadata: { kernelspec },
      nbformat: 4,
      nbformat_minor: 5,
    });
  for (const name of NOTEBOOKS)
    await writeFile(path.join(rootDir, `${name}.ipynb`), notebook(TELLING_TIME));
  await mkdir(path.join(rootDir, "searched"));
  for (let index = 0; index < SEARCHED; index += 1)
    await writeFile(
      path.join(rootDir, "searched", `n${index}.ipynb`),
      notebook(`needle_${index} = ${index}`),
    );
}

function connectSeedsWay({ jupyter }: Stack, kernel: string): Promise<McpClient> {
  return connectFirstOver(
    new StdioClientTransport({
      command: path.join(peersEnvironment.folder, "bin", "python"),
      args: [path.join(import.meta.dirname, "peers", "seeds_way.py")],
      env: {
        JUPYTER_URL: jupyter.url,
        JUPYTER_TOKEN: jupyter.token,
        JUPYTER_KERNEL: kernel,
      },
    }),
  );
}

/** Starts datalayer's server, as its users do who have a Jupyter server already. */
async function startDatalayer({
  jupyter,
}: Stack): Promise<AsyncDisposable & { readonly url: URL }> {
  await using opening = new AsyncDisposableStack();
  const folder = await openTemporaryFolder(opening);
  const port = await findFreePort();
  const logFile = path.join(folder, "log");
  const log = openSync(logFile, "w", 0o600);
  const settings = {
    transport: "streamable-http",
    host: "127.0.0.1",
    port: port,
    "jupyter-url": jupyter.url,
    "start-new-code-sandbox": "True",
    jupyterlab: "False",
  };
  const child = spawn(
    path.join(peersEnvironment.folder, "bin", "jupyter-mcp-server"),
    [
      "start",
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]),
      "--insecure-mcp-noauth",
    ],
    {
      cwd: folder,
      env: { ...process.env, JUPYTER_TOKEN: jupyter.token },
      stdio: ["ignore", log, log],
      detached: true,
    },
  );
  closeSync(log);
  const server = new OwnedProcess(child);
  opening.defer(async () => {
    server.killAll();
    await server.ended;
  });
  const url = new URL(`http://127.0.0.1:${port}/mcp`);
  const deadline = Date.now() + DATALAYER_READY_MS;
  while (
    !(await fetch(url).then(
      () => true,
      () => false,
    ))
  ) {
    if (!server.isRunning || Date.now() > deadline)
      throw new Error(
        `jupyter-mcp-server did not start:\n${await readFile(logFile, "utf8")}`,
      );
    await sleep(100);
  }
  const opened = opening.move();
  return { url, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
