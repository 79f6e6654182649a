/**
 * What searching takes: the index of a corpus beside the plain requests that
 * nobody who reads it can do without, and a search beside the way of reading all
 * notebooks for each query.
 */
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { connectModern, runToEnd, type McpClient } from "./mcp-client.ts";
import { openStack, type Stack } from "./stack.ts";
import { print, takeTurns, type Rounds } from "./turns.ts";

const NOTEBOOKS = [1_000, 10_000];
const CELLS = 20;
const PER_FOLDER = 7;
const CONNECTIONS = 6;
const ROUNDS: Rounds = { warmUp: 3, turns: 30, leadIn: 0, counted: 1, pauseMs: 0 };
const BESIDE: Rounds = { ...ROUNDS, turns: 100 };
const ONE_BY_ONE: Rounds = { warmUp: 0, turns: 2, leadIn: 0, counted: 1, pauseMs: 0 };
const WORDS =
  "load data frame plot model train loss figure table merge group filter index value total mean sum error sample yearly".split(
    " ",
  );

const answerSchema = z.object({
  _meta: z.object({
    "jupyter-edge/search": z.object({ indexed: z.number(), total: z.number() }),
  }),
});
const listedSchema = z.object({
  content: z.array(z.object({ path: z.string(), type: z.string() })),
});

/** Measures the build of the index and searches in it, on the embedded server, and prints the figures. */
export async function measureSearch(): Promise<void> {
  for (const notebooks of NOTEBOOKS) await measureWith(notebooks);
}

async function measureWith(notebooks: number): Promise<void> {
  await using stack = await openStack({ plain: false });
  await using client = await connectModern(stack.url);
  await makeCorpus(stack.rootDir, notebooks);
  await client.call("list_files", {});

  const plain = await timed(() => readAll(stack));
  const built = await timed(async () => {
    let state = await search(client, "warm", { fresh: true });
    while (state.indexed < state.total) state = await search(client, "warm");
  });
  const { bytes, rows } = await workspaceStorage(stack.stateDir);
  console.log(`\n${notebooks} notebooks of ${CELLS} cells, in folders of ${PER_FOLDER}`);
  console.log(`  listing and reading all, ${CONNECTIONS} connections: ${seconds(plain)}`);
  console.log(
    `  index built: ${seconds(built)}, ${(built / plain).toFixed(2)} times; ` +
      `${(bytes / notebooks / 1_000).toFixed(1)} KB and ${(rows / notebooks).toFixed(1)} rows a notebook`,
  );
  const times = await takeTurns(
    [
      { name: "an identifier", run: () => search(client, "train_model_41") },
      { name: "a word in nearly all", run: () => search(client, "data") },
      { name: "two words, one short", run: () => search(client, "df yearly") },
      {
        name: "regular expression",
        run: () => search(client, String.raw`load_\w+_4[12]`, { regex: true }),
      },
      {
        name: "literal in nearly all",
        run: () => search(client, String.raw`data\w*zz`, { regex: true }),
      },
    ],
    ROUNDS,
  );
  print("search_notebooks, warm", times);
  const first = async () => {
    await using other = await connectModern(stack.url);
    await search(other, "train_model_41");
  };
  print(
    "The first search of a new client, its connection included",
    await takeTurns([{ name: "connect, search", run: first }], ROUNDS),
  );
  if (notebooks > 1_000) return;
  print(
    "The same without an index: one GET for each notebook and query",
    await takeTurns(
      [{ name: "read all, then look", run: () => readAll(stack) }],
      ONE_BY_ONE,
    ),
  );
  await measureBeside(stack, client);
}

/** A run in a kernel while the index is built anew, and while somebody else reads all notebooks, beside the same run in peace. */
async function measureBeside(stack: Stack, client: McpClient): Promise<void> {
  const { conversation } = await runToEnd(client, { code: "x = 0" });
  const run = () => runToEnd(client, { code: "x += 1", conversation });
  const measured = async (title: string) =>
    print(title, await takeTurns([{ name: "run_code", run }], BESIDE));
  await measured("run_code in peace");
  await makeCorpus(stack.rootDir, 1_000, 2);
  const asked = search(client, "data", { fresh: true });
  await measured("run_code while 1,000 notebooks are indexed");
  const { indexed, total } = await asked;
  console.log(`  ${indexed} of ${total} notebooks were indexed by then`);
  const over = new AbortController();
  const reading = (async () => {
    while (!over.signal.aborted) await readAll(stack);
  })();
  await measured(`run_code while ${CONNECTIONS} connections read notebooks`);
  over.abort();
  await reading;
}

async function search(client: McpClient, query: string, more: object = {}) {
  const answer = answerSchema.parse(
    await client.call("search_notebooks", { query, ...more }),
  );
  return answer._meta["jupyter-edge/search"];
}

async function makeCorpus(rootDir: string, notebooks: number, seed = 1): Promise<void> {
  let state = seed;
  const next = (below: number) => {
    state = (state * 16_807) % 2_147_483_647;
    return state % below;
  };
  const word = () => WORDS[next(WORDS.length)] ?? "";
  for (let number = 0; number < notebooks; number += 1) {
    const folder = path.join(rootDir, `f${Math.floor(number / PER_FOLDER)}`);
    await mkdir(folder, { recursive: true });
    const cells = Array.from({ length: CELLS }, (_, index) => {
      const words = Array.from({ length: 60 }, word);
      words.push(`${word()}_${word()}_${next(5_000)}`, next(4) === 0 ? "df" : "data");
      return {
        cell_type: index % 4 === 0 ? "markdown" : "code",
        id: `c${index}`,
        metadata: {},
        source: [`${words.join(" ")}\n`],
        ...(index % 4 !== 0 && { execution_count: null, outputs: [] }),
      };
    });
    const metadata = {
      kernelspec: { name: "python3", display_name: "Python 3", language: "python" },
    };
    const notebook = { cells, metadata, nbformat: 4, nbformat_minor: 5 };
    await writeFile(path.join(folder, `n${number}.ipynb`), JSON.stringify(notebook));
  }
}

/** Lists all folders and reads every notebook, as fast as that many connections do. */
async function readAll(stack: Stack): Promise<void> {
  const files: string[] = [];
  let folders = [""];
  while (folders.length > 0) {
    const below: string[] = [];
    await each(folders, async (folder) => {
      const { content } = listedSchema.parse(
        await (await get(stack, `/api/contents/${folder}?type=directory`)).json(),
      );
      for (const entry of content) {
        if (entry.type === "directory") below.push(entry.path);
        else if (entry.type === "notebook") files.push(entry.path);
      }
    });
    folders = below;
  }
  await each(files, async (file) => {
    await (await get(stack, `/files/${file}`)).arrayBuffer();
  });
}

async function each<T>(
  all: readonly T[],
  work: (one: T) => Promise<void>,
): Promise<void> {
  const left = all.values();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (const one of left) await work(one);
    }),
  );
}

async function get({ jupyter }: Stack, url: string): Promise<Response> {
  const headers = { Authorization: `token ${jupyter.token}` };
  const answer = await fetch(`${jupyter.url}${url}`, { headers });
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return answer;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** What the Workspace has stored: bytes of its file, and rows in all of its tables, those of the trigram index included. */
async function workspaceStorage(
  stateDir: string,
): Promise<{ readonly bytes: number; readonly rows: number }> {
  const files = await readdir(stateDir, { recursive: true, withFileTypes: true });
  const databases = files
    .filter((file) => file.isFile() && /Workspace/.test(file.parentPath))
    .map(({ parentPath, name }) => path.join(parentPath, name));
  const sizes = await Promise.all(databases.map(async (file) => (await stat(file)).size));
  let rows = 0;
  for (const file of databases.filter((name) => name.endsWith(".sqlite"))) {
    using database = new DatabaseSync(file, { readOnly: true });
    for (const table of [
      "notebooks",
      "texts",
      "trigrams_data",
      "trigrams_idx",
      "trigrams_docsize",
    ])
      rows += countRows(database, table);
  }
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), rows };
}

function countRows(database: DatabaseSync, table: string): number {
  try {
    const { n } = z
      .object({ n: z.number() })
      .parse(database.prepare(`SELECT count(*) AS n FROM ${table}`).get());
    return n;
  } catch {
    // Another object's file.
    return 0;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
