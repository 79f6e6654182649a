import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { cellsOfRuns } from "../../../src/conversation/cells.ts";
import { NO_PROGRESS, type ExecutionState } from "../../../src/kernel/execution.ts";
import type { Item } from "../../../src/kernel/item.ts";
import { Journal } from "../../../src/kernel/journal.ts";
import { KernelSlots } from "../../../src/kernel/slots.ts";
import { jsonValue } from "../../../src/notebook/notebook.ts";
import { countNumbered } from "../../../src/output/render.ts";

interface Parts {
  readonly journal: Journal;
  readonly slots: KernelSlots;
  readonly sql: SqlStorage;
}

/** Runs `work` with an empty conversation's storage. */
async function withParts(work: (parts: Parts) => void): Promise<void> {
  const stub = env.CONVERSATION.getByName(crypto.randomUUID());
  await runInDurableObject(stub, (_instance, { storage: { sql } }) => {
    const journal = new Journal(sql, { countNumbered });
    const slots = new KernelSlots(sql);
    journal.createSchema();
    slots.createSchema();
    work({ journal, slots, sql });
  });
}

function kernel(slots: KernelSlots, kernelspec: string, now = 1): number {
  const kernelId = crypto.randomUUID();
  return slots.add({ kernelId, kernelspec, language: "", startedHere: true, now }).slot;
}

/** Journals an execution that has printed `items` and come to `state`. */
function run(
  journal: Journal,
  slot: number,
  code: string,
  state: ExecutionState = "ok",
  items: readonly Item[] = [],
): number {
  const msgId = crypto.randomUUID();
  const { number } = journal.add({ msgId, code, progress: NO_PROGRESS, now: 1 });
  journal.hold(number, slot, 1);
  journal.append(number, items, [msgId]);
  const progress = { ...NO_PROGRESS, executionCount: number };
  journal.saveProgress(number, state, progress, 2);
  return number;
}

function stdout(text: string): Item {
  return { type: "stream", name: "stdout", text };
}

function failing(chars = 1): Item {
  const traceback = ["x".repeat(chars)];
  return { type: "error", ename: "ValueError", evalue: "no", traceback };
}

test("runs come in their order, those that failed with their error alone, and what is left out is named", async () => {
  await withParts(({ journal, slots }) => {
    const python = kernel(slots, "python3", 2);
    const r = kernel(slots, "ir", 1);
    run(journal, python, "a", "ok", [stdout("1\n"), stdout("2\n")]);
    run(journal, r, "b", "ok", [stdout("of R\n")]);
    run(journal, python, "c", "error", [
      stdout("before\n"),
      failing(),
      stdout("after\n"),
    ]);
    run(journal, python, "d", "aborted");
    run(journal, python, "e", "running");
    const lost = run(journal, python, "f", "running");
    journal.markLost(lost, "gone", 3);
    run(journal, python, "g", "ok", [stdout("3\n")]);
    const { kernelspec, cells, remarks } = cellsOfRuns(journal, slots, undefined);
    expect(kernelspec).toBe("python3");
    expect(
      cells.map(({ source, executionCount, outputs }) => [
        source,
        executionCount,
        jsonValue(outputs),
      ]),
    ).toEqual([
      ["a", 1, [{ output_type: "stream", name: "stdout", text: ["1\n", "2\n"] }]],
      [
        "c",
        3,
        [{ output_type: "error", ename: "ValueError", evalue: "no", traceback: ["x"] }],
      ],
      ["g", 7, [{ output_type: "stream", name: "stdout", text: ["3\n"] }]],
    ]);
    expect(remarks).toEqual([
      { execution: "e2", remark: "of another kernel" },
      { execution: "e4", remark: "never run" },
      { execution: "e5", remark: "unfinished" },
      { execution: "e6", remark: "lost" },
    ]);
    const ofR = cellsOfRuns(journal, slots, "ir");
    expect(ofR.cells.map(({ source }) => source)).toEqual(["b"]);
  });
});

test("a conversation without kernels has no cells", async () => {
  await withParts(({ journal, slots }) => {
    const nothing = { kernelspec: null, cells: [], remarks: [] };
    expect(cellsOfRuns(journal, slots, undefined)).toEqual(nothing);
  });
});

test("output that is not kept, or may not be whole, is told of", async () => {
  await withParts(({ journal, slots, sql }) => {
    const python = kernel(slots, "python3");
    const discarded = run(journal, python, "a");
    sql.exec("UPDATE executions SET discarded = 1 WHERE number = ?", discarded);
    const incomplete = run(journal, python, "b");
    journal.markIncomplete(incomplete, "the connection broke");
    const many = Array.from({ length: 6_000 }, () => stdout("z".repeat(4_000)));
    run(journal, python, "c", "ok", many);
    const { cells, remarks } = cellsOfRuns(journal, slots, undefined);
    expect(remarks).toEqual([
      { execution: "e1", remark: "output not kept" },
      { execution: "e2", remark: "possibly incomplete" },
    ]);
    const outputs = JSON.stringify(jsonValue(cells[2]?.outputs));
    expect(outputs).toMatch(/\[up to \d+ characters of output were not kept\]/);
  });
});

test("all together stays within what can be handed over, whatever was run", async () => {
  await withParts(({ journal, slots }) => {
    const python = kernel(slots, "python3");
    // Each takes six characters in JSON, and text of 2 MB a stream is kept.
    const control = "\u0001".repeat(4_000);
    for (let count = 0; count < 4; count += 1)
      run(
        journal,
        python,
        "'control'",
        "ok",
        Array.from({ length: 500 }, () => stdout(control)),
      );
    for (let count = 0; count < 20; count += 1)
      run(journal, python, "'error'", "error", [failing(1_000_000)]);
    for (let count = 0; count < 3; count += 1)
      run(journal, python, `'${"c".repeat(900_000)}'`);
    const { cells, remarks } = cellsOfRuns(journal, slots, undefined);
    expect(cells.length).toBe(26);
    expect(remarks).toEqual([{ execution: "e27", remark: "no room" }]);
    const sizes = cells.map(({ source, outputs }) => source.length + outputs.byteLength);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(25_000_000);
    expect(jsonValue(cells[3]?.outputs)).toMatchObject([
      { text: [expect.stringContaining("would be too large")] },
    ]);
    expect(jsonValue(cells[4]?.outputs)).toMatchObject([{ traceback: [] }]);
  });
});

test("no more runs than a notebook may begin with become cells", async () => {
  await withParts(({ journal, slots }) => {
    const python = kernel(slots, "python3");
    for (let count = 0; count < 1_005; count += 1) run(journal, python, "1");
    const { cells, remarks } = cellsOfRuns(journal, slots, undefined);
    expect(cells.length).toBe(1_000);
    expect(remarks.map(({ execution }) => execution)).toEqual([
      "e1001",
      "e1002",
      "e1003",
      "e1004",
      "e1005",
    ]);
  });
});
