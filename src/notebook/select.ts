import { ExpectedError } from "../errors.ts";

/** What of a selector comes back in words. Ids have at most 64 characters. */
const MAX_NAMED_CHARS = 100;

/** What a selection can go by. */
export interface SelectableCell {
  readonly id: string;
  readonly executionCount: number | null;
}

/**
 * The indexes of the cells that a `cells` argument means, ascending: `"all"`,
 * ids, positions counted from 1 (`"3"`, `"3-7"`) and execution counts as people
 * see them (`"[12]"`), several of them with commas between. An id wins over a position that looks like it.
 *
 * @throws {ExpectedError} `cell_not_found` for what the notebook does not have,
 *   `bad_cells` for what cannot be read
 */
export function selectCells(
  cells: readonly SelectableCell[],
  wanted: string | readonly string[],
  notebook: { readonly path: string; readonly version: string },
): number[] {
  const selectors = [wanted]
    .flat()
    .flatMap((part) => part.split(","))
    .map((part) => part.trim());
  const byId = new Map(cells.map(({ id }, index) => [id, index]));
  const chosen = new Set<number>();
  for (const selector of selectors) {
    for (const index of select(cells, byId, selector, notebook)) chosen.add(index);
  }
  return [...chosen].toSorted((a, b) => a - b);
}

function select(
  cells: readonly SelectableCell[],
  byId: ReadonlyMap<string, number>,
  selector: string,
  notebook: { readonly path: string; readonly version: string },
): number[] {
  const named = selector.slice(0, MAX_NAMED_CHARS);
  const own = byId.get(selector);
  if (own !== undefined) return [own];
  if (selector === "all") return cells.map((_, index) => index);
  const count = /^\[(\d{1,9})\]$/.exec(selector)?.[1];
  if (count !== undefined) {
    const found = cells.flatMap((cell, index) =>
      cell.executionCount === Number(count) ? [index] : [],
    );
    if (found.length > 0) return found;
    throw new ExpectedError({ code: "cell_not_found", cell: named, ...notebook });
  }
  const range = /^(\d{1,9})(?:\s*-\s*(\d{1,9})?)?$/.exec(selector);
  if (range?.[1] === undefined)
    throw new ExpectedError({ code: "cell_not_found", cell: named, ...notebook });
  const first = Number(range[1]);
  const last = selector.includes("-")
    ? Number(range[2] ?? Math.max(first, cells.length))
    : first;
  if (first < 1 || last < first)
    throw new ExpectedError({
      code: "bad_cells",
      cells: selector,
      detail: "positions count from 1, the smaller first",
    });
  if (last > cells.length)
    throw new ExpectedError({
      code: "bad_cells",
      cells: selector,
      detail: `the notebook has ${cells.length} ${cells.length === 1 ? "cell" : "cells"}`,
    });
  return Array.from({ length: last - first + 1 }, (_, offset) => first - 1 + offset);
}
