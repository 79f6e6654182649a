import { expect, inject, test } from "vitest";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { ContentsNotebook } from "../../src/notebook/contents-notebook.ts";
import { applyEdits, mintCellId } from "../../src/notebook/edit.ts";
import { readNotebook } from "../../src/notebook/reading.ts";
import { fileText, putText } from "./notebook-support.ts";

/** A real server; before its nth look at what stands there, somebody else saves. */
class WithSomebodyElse extends JupyterServer {
  readonly #before: number;
  readonly #save: () => Promise<void>;
  looks = 0;

  constructor(before: number, save: () => Promise<void>) {
    const { port, token } = inject("jupyter");
    const address = `127.0.0.1:${port}`;
    super({ httpUrl: `http://${address}`, wsUrl: `ws://${address}`, token, headers: {} });
    this.#before = before;
    this.#save = save;
  }

  override async request(...args: Parameters<JupyterServer["request"]>) {
    if (args[0].endsWith("?content=0")) {
      this.looks += 1;
      if (this.looks === this.#before) await this.#save();
    }
    return super.request(...args);
  }
}

function notebookText(sources: readonly string[]): string {
  const cells = sources.map((source, index) => ({
    cell_type: "markdown",
    id: `cell${index}`,
    metadata: {},
    source,
  }));
  return JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
}

function insertion(source: string) {
  const edit = { op: "insert", after: "end", cell_type: "markdown", source } as const;
  return (now: Parameters<typeof applyEdits>[0]) =>
    applyEdits(now, [edit], mintCellId).notebook;
}

test("a save of somebody else between our read and our save is seen, and kept", async () => {
  const path = "saves-between.ipynb";
  await putText(path, notebookText(["first"]));
  const server = new WithSomebodyElse(2, () =>
    putText(path, notebookText(["first", "theirs"])),
  );
  const saved = await new ContentsNotebook(server, path, (work) => work()).edit(
    insertion("ours"),
  );
  expect(saved.isOvertaken).toBe(false);
  expect(saved.after.cells.map(({ source }) => source)).toEqual([
    "first",
    "theirs",
    "ours",
  ]);
  const text = await fileText(path);
  expect(text).toContain("theirs");
  expect(text).toContain("ours");
});

test("a save of somebody else right after ours is told", async () => {
  const path = "saves-after.ipynb";
  await putText(path, notebookText(["first"]));
  const server = new WithSomebodyElse(3, () =>
    putText(path, notebookText(["only theirs"])),
  );
  const saved = await new ContentsNotebook(server, path, (work) => work()).edit(
    insertion("ours"),
  );
  expect(saved.isOvertaken).toBe(true);
});

test("a notebook that is read while somebody writes it is read again", async () => {
  const path = "saves-half.ipynb";
  const whole = notebookText(["theirs"]);
  await putText(path, whole.slice(0, 40));
  const server = new WithSomebodyElse(2, () => putText(path, whole));
  const { outline } = await readNotebook(server, path);
  expect(outline.cells.map(({ firstLine }) => firstLine)).toEqual(["theirs"]);
  await putText(path, "");
  const again = new WithSomebodyElse(2, () => putText(path, whole));
  const saved = await new ContentsNotebook(again, path, (work) => work()).edit(
    insertion("ours"),
  );
  expect(saved.after.cells.map(({ source }) => source)).toEqual(["theirs", "ours"]);
});
