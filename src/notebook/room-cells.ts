/**
 * Changes of a notebook as changes of its room's document: nothing is touched
 * that did not change, so that what somebody else does there meanwhile stays.
 */

import * as Y from "yjs";
import type { NbOutput } from "../jupyter/nbformat.ts";
import type { CellRun } from "./document.ts";
import { jsonValue, type Cell, type Notebook } from "./notebook.ts";
import { patchOutputs, roomOutputs } from "./room-outputs.ts";
import { cellsOf, EXECUTION_STATE, metaOf } from "./room-json.ts";
import { textChanges } from "./text-diff.ts";

/**
 * Makes `after` of `before`, which is the notebook that the document has now.
 * To be called in a transaction.
 *
 * Yjs cannot move what it holds, and JupyterLab does not take another type for a
 * cell that it shows: such cells are taken out and put in again, as JupyterLab
 * does, with the loss of what is typed into them at that very moment. No other
 * cell is, whatever would be the fewest to take out.
 *
 * @param moved ids of the cells that may be elsewhere in `after`; the others are in the order that they had
 */
export function applyNotebook(
  doc: Y.Doc,
  before: Notebook,
  after: Notebook,
  moved: ReadonlySet<string>,
): void {
  const cells = cellsOf(doc);
  if (after.minor !== before.minor) metaOf(doc).set("nbformat_minor", after.minor);
  const places = new Map(before.cells.map(({ id }, index) => [id, index]));
  const old = cells.toArray();
  const staying = stayingCells(before, after, moved);
  /** What is put in again, as it was. */
  const again = new Map<string, ReadonlyMap<string, unknown>>();
  for (const { id } of after.cells) {
    const place = places.get(id);
    const cell = place === undefined ? undefined : old[place];
    if (!staying.has(id) && cell instanceof Y.Map) again.set(id, clonedMembers(cell));
  }
  for (let place = before.cells.length - 1; place >= 0; place -= 1)
    if (!staying.has(before.cells[place]?.id ?? "")) cells.delete(place, 1);
  for (const [index, cell] of after.cells.entries()) {
    const place = places.get(cell.id);
    const was = place === undefined ? undefined : before.cells[place];
    if (!staying.has(cell.id)) {
      cells.insert(index, [newYCell(cell, was, again.get(cell.id))]);
      continue;
    }
    const there = cells.get(index);
    if (was !== undefined && was !== cell && there instanceof Y.Map)
      updateYCell(there, was, cell);
  }
}

/**
 * Puts what runs have made of cells into them; the ids that no code cell has
 * come back. Each transaction of it is one that JupyterLab shows as it is meant.
 */
export function applyRuns(
  doc: Y.Doc,
  runs: ReadonlyMap<string, CellRun>,
  transact: (change: () => void) => void,
): string[] {
  const missing = new Set(runs.keys());
  for (const cell of cellsOf(doc)) {
    if (!(cell instanceof Y.Map) || cell.get("cell_type") !== "code") continue;
    const id = cell.get("id");
    const run = typeof id === "string" ? runs.get(id) : undefined;
    if (run === undefined || !missing.delete(String(id))) continue;
    const count = shownCount(run);
    const state = stateOfRun(run);
    if (cell.get("execution_count") !== count || cell.get(EXECUTION_STATE) !== state)
      transact(() => {
        cell.set("execution_count", count);
        cell.set(EXECUTION_STATE, state);
      });
    patchOutputs(outputsOf(cell, transact), roomOutputs(run.outputs), transact);
  }
  return [...missing];
}

/** Whether the cells that are there have what runs have made of them. */
export function hasRuns(doc: Y.Doc, runs: ReadonlyMap<string, CellRun>): boolean {
  let isSame = true;
  applyRuns(doc, runs, () => {
    isSame = false;
  });
  return isSame;
}

/** Says which cells run and which do not. To be called in a transaction. */
export function applyStates(doc: Y.Doc, runs: ReadonlyMap<string, CellRun>): void {
  for (const cell of cellsOf(doc)) {
    if (!(cell instanceof Y.Map) || cell.get("cell_type") !== "code") continue;
    const run = runs.get(String(cell.get("id")));
    if (run !== undefined && cell.get(EXECUTION_STATE) !== stateOfRun(run))
      cell.set(EXECUTION_STATE, stateOfRun(run));
  }
}

function stateOfRun({ isRunning }: CellRun): string {
  return isRunning === true ? "running" : "idle";
}

/** JupyterLab takes a cell with a count for one that has ended. */
export function shownCount({ executionCount, isRunning }: CellRun): number | null {
  return isRunning === true ? null : executionCount;
}

function outputsOf(
  cell: Y.Map<unknown>,
  transact: (change: () => void) => void,
): Y.Array<unknown> {
  const there = cell.get("outputs");
  if (there instanceof Y.Array) return there;
  const outputs = new Y.Array<unknown>();
  transact(() => cell.set("outputs", outputs));
  return outputs;
}

/** The ids of the cells that can stay where they are: all that were not moved, and those that came back to where they were. */
function stayingCells(
  before: Notebook,
  after: Notebook,
  moved: ReadonlySet<string>,
): Set<string> {
  const old = new Map(
    before.cells.map(({ id, type }, index) => [
      id,
      { type, follows: before.cells[index - 1]?.id },
    ]),
  );
  const staying = new Set<string>();
  for (const [index, { id, type }] of after.cells.entries()) {
    const was = old.get(id);
    if (was?.type !== type) continue;
    const follows = after.cells[index - 1]?.id;
    const isBack =
      was.follows === follows && (follows === undefined || staying.has(follows));
    if (!moved.has(id) || isBack) staying.add(id);
  }
  return staying;
}

/** Copies of a cell's members, which can be put into another one. */
function clonedMembers(cell: Y.Map<unknown>): ReadonlyMap<string, unknown> {
  return new Map(
    [...cell.entries()].map(([key, value]) => [
      key,
      value instanceof Y.AbstractType ? value.clone() : value,
    ]),
  );
}

/** A cell to be put in. Of one that was there before, what did not change is what it was. */
function newYCell(
  cell: Cell,
  was: Cell | undefined,
  old: ReadonlyMap<string, unknown> | undefined,
): Y.Map<unknown> {
  const made = new Y.Map<unknown>();
  for (const [name, raw] of cell.members) {
    const isKept = old?.has(name) === true && was?.members.get(name) === raw;
    made.set(name, isKept ? old.get(name) : roomValue(name, cell, raw));
  }
  // As JupyterLab and its server have it in each code cell.
  if (cell.type === "code") made.set(EXECUTION_STATE, "idle");
  return made;
}

function updateYCell(there: Y.Map<unknown>, was: Cell, cell: Cell): void {
  if (was.source !== cell.source) updateSource(there, cell);
  for (const name of new Set([...was.members.keys(), ...cell.members.keys()])) {
    const raw = cell.members.get(name);
    if (name === "source" || was.members.get(name) === raw) continue;
    if (raw === undefined) {
      there.delete(name);
      continue;
    }
    const old = there.get(name);
    if (name === "outputs" && old instanceof Y.Array) {
      // Made by us of outputs.
      const outputs = jsonValue(raw) as readonly NbOutput[];
      patchOutputs(old, roomOutputs(outputs), (change) => change());
    } else {
      there.set(name, roomValue(name, cell, raw));
    }
  }
}

function updateSource(there: Y.Map<unknown>, cell: Cell): void {
  const source = there.get("source");
  const wanted = cell.source.toWellFormed();
  if (!(source instanceof Y.Text)) {
    there.set("source", new Y.Text(wanted));
    return;
  }
  for (const { at, deleted, inserted } of textChanges(source.toString(), wanted)) {
    // First what comes in, so that a cursor behind the place stays behind it.
    if (inserted !== "") source.insert(at, inserted);
    if (deleted > 0) source.delete(at + inserted.length, deleted);
  }
}

/** A member of a cell as rooms hold it. */
function roomValue(name: string, cell: Cell, raw: Uint8Array): unknown {
  if (name === "source") return new Y.Text(cell.source.toWellFormed());
  const value = jsonValue(raw);
  if (name === "metadata" && typeof value === "object" && value !== null)
    return new Y.Map(Object.entries(value));
  if (name === "outputs" && Array.isArray(value)) {
    const outputs = new Y.Array<unknown>();
    patchOutputs(outputs, roomOutputs(value), (change) => change());
    return outputs;
  }
  return value;
}
