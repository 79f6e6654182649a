import { expect, test } from "vitest";
import { fileText, notebookOf } from "../integration/notebook-support.ts";
import { connect, eventually } from "../integration/support.ts";
import { Person } from "./person.ts";

const STEPS = 300;
const WORDS = ["total", "x", "print(y)", "é", "😀", "# note", "\n", " = 1"];

/** Numbers below a limit that look random and are the same for a seed: mulberry32. */
function randomness(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/**
 * What somebody types at a step: characters that nobody else types, of those for private
 * use. A text arrives key by key, so another's may stand within it.
 */
const typedAt = (step: number): string =>
  String.fromCharCode(...[0, 1, 2].map((key) => 0xe000 + 3 * step + key));

/** The same text with numbers of steps for what was typed, for whoever has to read it. */
const readable = (text: string): string =>
  text.replaceAll(/[\ue000-\uf8ff]/g, (key) => {
    const place = key.charCodeAt(0) - 0xe000;
    return `[${Math.floor(place / 3)}.${place % 3}]`;
  });

/** What everybody has to agree on. */
type Cells = readonly (readonly [id: string, type: string, source: string])[];

function cellsOf(person: Person): Cells {
  return person.notebook.cells.map(({ id, cell_type, source }) => [
    id,
    String(cell_type),
    source,
  ]);
}

test.each([1, 2, 3])(
  "two people and an assistant who work on one notebook at random have the same in the end, with all that anybody added (seed %i)",
  async (seed) => {
    const random = randomness(seed);
    const pick = <T>(from: readonly T[]): T | undefined => from[random(from.length)];
    await using client = await connect();
    const path = `random-${seed}.ipynb`;
    const cells = ["a = 1", "b = 2", "c = 3"].map((source) => ({
      cell_type: "code",
      source,
    }));
    let { version, cells: known } = notebookOf(
      await client.call("create_notebook", { path, cells }),
    );
    await using ada = await Person.opens(path);
    await using bob = await Person.opens(path);
    /** Texts that are unique, and that nobody deletes or replaces. */
    const marks: string[] = [];
    /** The same of those that arrived key by key. */
    const typings: string[] = [];
    /** What happened, for whoever has to find out why something is missing. */
    const history: string[] = [];
    /** What the assistant has under way. */
    let working: Promise<void> = Promise.resolve();

    const personDoes = (person: Person, step: number) => {
      const { notebook } = person;
      const index = random(notebook.cells.length);
      const cell = notebook.cells[index];
      const kind = random(10);
      if (cell === undefined || kind === 0) {
        const mark = `mark_person_${step};`;
        marks.push(mark);
        notebook.insertCell(index, { cell_type: "code", source: mark });
      } else if (kind < 3 && cell.source.includes("mark_person")) {
        const typed = typedAt(step);
        typings.push(typed);
        history.push(`${typed} into ${cell.id}: ${JSON.stringify(cell.source)}`);
        person.types(index, typed, random(2) === 0 ? 0 : undefined);
      } else if (kind < 8) {
        // At the ends of marks, so that these stay whole.
        person.types(index, pick(WORDS) ?? "", random(2) === 0 ? 0 : undefined);
      } else if (kind === 8 && cell.source.length > 3 && !cell.source.includes("mark_")) {
        // Whole characters: of half a pair nobody knows what is left.
        const characters = [...cell.source];
        const place = random(characters.length - 1);
        const at = characters.slice(0, place).join("").length;
        cell.updateSource(at, at + (characters[place]?.length ?? 0), "");
      } else cell.setMetadata(`key${random(3)}`, step);
    };

    const assistantDoes = async (step: number) => {
      const mark = `mark_assistant_${step};`;
      // Not the cells in which people type what is looked for: those have the long ids
      // of JupyterLab. Of a cell that moves, what is typed at that very moment is lost.
      const target = pick(known.filter(({ id }) => id.length === 8))?.id ?? "end";
      const other = pick(known)?.id ?? "end";
      const edits = [
        [{ op: "insert", after: target, cell_type: "code", source: mark }],
        [{ op: "move", cell: target, after: other === target ? "end" : other }],
        [{ op: "clear_outputs" }],
        [
          { op: "insert", after: "start", cell_type: "code", source: `${mark}\nx` },
          { op: "move", cell: target, after: "start" },
        ],
      ];
      const chosen = edits[random(edits.length)] ?? [];
      history.push(`step ${step} begins: ${JSON.stringify(chosen)}`);
      const edited = await client.call("edit_notebook", { path, version, edits: chosen });
      history.push(`step ${step}: ${edited.text.slice(0, 200)}`);
      if (edited.isError) {
        // Somebody has typed in the cell meanwhile.
        expect(edited.text).toMatch(/was changed since|no cell/);
        ({ version, cells: known } = notebookOf(
          await client.call("read_notebook", { path }),
        ));
        return;
      }
      if (chosen.some(({ op }) => op === "insert")) marks.push(mark);
      ({ version } = notebookOf(edited));
      const read = notebookOf(await client.call("read_notebook", { path }));
      ({ version, cells: known } = read);
    };

    for (let step = 0; step < STEPS; step += 1) {
      personDoes(random(2) === 0 ? ada : bob, step);
      if (step % 7 === 0) {
        await working;
        working = assistantDoes(step);
      }
      if (step % 10 === 0) await Promise.all([ada.hasSent(), bob.hasSent()]);
    }
    await working;
    await Promise.all([ada.hasSent(), bob.hasSent()]);
    await Promise.all([ada.hasSent(), bob.hasSent()]);
    // An edit that changes nothing but has what is there saved.
    const { version: last, cells: there } = notebookOf(
      await client.call("read_notebook", { path }),
    );
    const first = there[0]?.id ?? "";
    const final = await client.call("edit_notebook", {
      path,
      version: last,
      edits: [{ op: "insert", after: first, cell_type: "raw", source: "the end" }],
    });
    expect(final.isError, final.text).toBe(false);
    await eventually(
      () => [cellsOf(ada), cellsOf(bob)].map((seen) => JSON.stringify(seen)),
      ([one, two]) => one === two && one?.includes("the end") === true,
    );
    const seen = cellsOf(ada);
    const file = JSON.parse(await fileText(path));
    const inFile: Cells = file.cells.map(
      (cell: { id: string; cell_type: string; source: string[] }) =>
        [cell.id, cell.cell_type, cell.source.join("")] as const,
    );
    expect(inFile).toEqual(seen);
    const told = notebookOf(await client.call("read_notebook", { path }));
    expect(told.cells.map(({ id }) => id)).toEqual(seen.map(([id]) => id));
    expect(new Set(seen.map(([id]) => id)).size).toBe(seen.length);
    const text = seen.map(([, , source]) => source).join("\n§\n");
    expect(marks.length + typings.length).toBeGreaterThan(20);
    const where = (missing: string) =>
      readable([missing, ...history, text, missing].join("\n"));
    for (const mark of marks) expect(text.split(mark), where(mark)).toHaveLength(2);
    for (const typed of typings)
      expect([...text].filter((key) => typed.includes(key)).join(""), where(typed)).toBe(
        typed,
      );
  },
  120_000,
);
