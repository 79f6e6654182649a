/**
 * What work on notebooks takes through MCP, beside the plain HTTP requests that
 * nobody who does it can do without.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { connectModern, type McpClient } from "./mcp-client.ts";
import { connectRaw, startKernel } from "./raw-client.ts";
import { openStack, type Stack } from "./stack.ts";
import { print, takeTurns, type Rounds } from "./turns.ts";

const SMALL: Rounds = { warmUp: 5, turns: 20, leadIn: 0, counted: 3, pauseMs: 0 };
const LARGE: Rounds = { warmUp: 1, turns: 6, leadIn: 0, counted: 1, pauseMs: 0 };

const resultSchema = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.looseObject({ text: z.string().optional() })),
  _meta: z.looseObject({
    "jupyter-edge/notebook": z.object({
      version: z.string(),
      cells: z.array(z.looseObject({ id: z.string() })),
    }),
    "jupyter-edge/execution": z.looseObject({ conversation: z.string() }).optional(),
  }),
});

/** Measures outlines, an edit and a cell's run on the embedded server, and prints the figures. */
export async function measureNotebooks(): Promise<void> {
  await using stack = await openStack({ plain: false });
  await using client = await connectModern(stack.url);
  for (const [name, megabytes, rounds] of [
    ["small.ipynb", 1, SMALL],
    ["large.ipynb", 50, LARGE],
  ] as const) {
    await writeFile(path.join(stack.rootDir, name), notebookOf(megabytes));
    const times = await takeTurns(
      [
        { name: "GET /files/", run: () => http(stack, `/files/${name}`) },
        { name: "GET /api/contents/", run: () => http(stack, `/api/contents/${name}`) },
        {
          name: "read_notebook",
          run: () => callOnNotebook(client, "read_notebook", { path: name }),
        },
      ],
      rounds,
    );
    print(`Outline of a notebook of ${megabytes} MB`, times);
  }
  await measureEdit(stack, client);
  await measureRun(stack, client);
}

async function measureEdit(stack: Stack, client: McpClient): Promise<void> {
  const name = "small.ipynb";
  const outline = await callOnNotebook(client, "read_notebook", { path: name });
  let { version } = outline._meta["jupyter-edge/notebook"];
  const cell = outline._meta["jupyter-edge/notebook"].cells[0]?.id;
  let count = 0;
  const times = await takeTurns(
    [
      {
        name: "GET, then PUT",
        run: async () => {
          const { content } = z
            .looseObject({ content: z.unknown() })
            .parse(await (await http(stack, `/api/contents/${name}`)).json());
          await http(stack, `/api/contents/${name}`, {
            type: "notebook",
            format: "json",
            content,
          });
        },
      },
      {
        name: "edit_notebook",
        run: async () => {
          count += 1;
          const edits = [{ op: "replace", cell, source: `edit = ${count}` }];
          const edited = await callOnNotebook(client, "edit_notebook", {
            path: name,
            version,
            edits,
          });
          ({ version } = edited._meta["jupyter-edge/notebook"]);
        },
      },
    ],
    SMALL,
  );
  print("One edit of a notebook of 1 MB", times);
}

async function measureRun(stack: Stack, client: McpClient): Promise<void> {
  const kernel = await startKernel(stack.jupyter);
  using raw = await connectRaw(stack.jupyter, kernel);
  const own = "run.ipynb";
  const theirs = "plain.ipynb";
  const cells = [{ cell_type: "code", source: "print(1)" }];
  await callOnNotebook(client, "create_notebook", { path: own, cells });
  await callOnNotebook(client, "create_notebook", { path: theirs, cells });
  const begun = await callOnNotebook(client, "run_cells", { path: own, cells: "all" });
  const conversation = begun._meta["jupyter-edge/execution"]?.conversation;
  const times = await takeTurns(
    [
      {
        name: "GET, run, PUT",
        run: async () => {
          const { content } = z
            .looseObject({ content: z.unknown() })
            .parse(await (await http(stack, `/api/contents/${theirs}`)).json());
          await raw.run("print(1)");
          await http(stack, `/api/contents/${theirs}`, {
            type: "notebook",
            format: "json",
            content,
          });
        },
      },
      {
        name: "run_cells",
        run: () =>
          callOnNotebook(client, "run_cells", { path: own, cells: "all", conversation }),
      },
    ],
    SMALL,
  );
  print("One cell run, with its output saved", times);
}

async function http({ jupyter }: Stack, url: string, body?: unknown): Promise<Response> {
  const answer = await fetch(`${jupyter.url}${url}`, {
    method: body === undefined ? "GET" : "PUT",
    headers: { Authorization: `token ${jupyter.token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  // Whoever asks for bytes takes them.
  const bytes = await answer.arrayBuffer();
  return new Response(bytes);
}

/** Calls a tool whose result is about a notebook, and throws where it failed. */
export async function callOnNotebook(
  client: McpClient,
  name: string,
  args: Record<string, unknown>,
) {
  const result = resultSchema.parse(await client.call(name, args));
  if (result.isError === true) throw new Error(result.content[0]?.text);
  return result;
}

/** A notebook of about that many megabytes: a hundred cells with images for outputs. */
export function notebookOf(megabytes: number): string {
  const image = "iVBORw0K".repeat((megabytes * 1_000_000) / 100 / 8);
  const cells = Array.from({ length: 100 }, (_, index) => ({
    cell_type: "code",
    execution_count: index + 1,
    id: `cell-${index}`,
    metadata: {},
    outputs: [
      {
        output_type: "display_data",
        data: { "image/png": image, "text/plain": ["<Figure>"] },
        metadata: {},
      },
    ],
    source: [`plot(${index})\n`, "show()"],
  }));
  const kernelspec = { display_name: "Python 3", language: "python", name: "python3" };
  return JSON.stringify(
    { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 },
    null,
    1,
  );
}
