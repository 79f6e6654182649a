/**
 * A notebook's version is a short hash over ids, types and sources of its cells:
 * running cells leaves it as it is, editing changes it.
 */

import type { Cell, CellType } from "./notebook.ts";

/** A cell as a version knows it. */
export interface CellMark {
  readonly id: string;
  /** {@link cellHash} of it. */
  readonly hash: string;
}

/** How the cells of two versions differ, by their ids. */
export interface Difference {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
  /** Whether cells that both have stand in another order. */
  readonly isReordered: boolean;
}

/** What versions and derived ids know of a source, so that nobody need hold it: 53 bits, in base 36. */
export function sourceHash(source: string): string {
  return hash(source).toString(36);
}

/** The hash of a cell's id, type and {@link sourceHash}: 53 bits, in base 36. */
export function cellHash(id: string, type: string, hashed: string): string {
  return hash(`${id}\0${type}\0${hashed}`).toString(36);
}

/** The version of a notebook that has these cells in this order. */
export function versionOf(marks: readonly CellMark[]): string {
  return `v${hash(marks.map((mark) => `${mark.id}:${mark.hash}`).join("\n")).toString(36)}`;
}

/** What versions know of cells. */
export function marksOf(
  cells: readonly Pick<Cell, "id" | "type" | "source">[],
): CellMark[] {
  return cells.map(({ id, type, source }) => ({
    id,
    hash: cellHash(id, type, sourceHash(source)),
  }));
}

/** How `after` differs from `before`. */
export function difference(
  before: readonly CellMark[],
  after: readonly CellMark[],
): Difference {
  const old = new Map(before.map(({ id, hash: value }) => [id, value]));
  const now = new Map(after.map(({ id, hash: value }) => [id, value]));
  const kept = before.filter(({ id }) => now.has(id)).map(({ id }) => id);
  const keptNow = after.filter(({ id }) => old.has(id)).map(({ id }) => id);
  return {
    added: after.filter(({ id }) => !old.has(id)).map(({ id }) => id),
    changed: keptNow.filter((id) => old.get(id) !== now.get(id)),
    deleted: before.filter(({ id }) => !now.has(id)).map(({ id }) => id),
    isReordered: kept.some((id, index) => id !== keptNow[index]),
  };
}

/**
 * Ids for cells that have none, as before nbformat 4.5: the same for the same
 * cell each time, wherever it stands, as long as its source is the same.
 */
export class DerivedIds {
  readonly #taken = new Set<string>();

  /** Notes an id that a cell has of its own. False where another cell has it already. */
  claim(id: string): boolean {
    if (this.#taken.has(id)) return false;
    this.#taken.add(id);
    return true;
  }

  /** The id of a cell that has none. */
  derive(type: CellType, source: string): string {
    return this.deriveFrom(type, sourceHash(source));
  }

  /** The same, from the {@link sourceHash} of it. */
  deriveFrom(type: CellType, hashed: string): string {
    for (let occurrence = 0; ; occurrence += 1) {
      const value = hash(`${occurrence}\0${type}\0${hashed}`)
        .toString(16)
        .padStart(14, "0");
      const id = `d${value.slice(-9)}`;
      if (this.claim(id)) return id;
    }
  }
}

/**
 * The ids of a notebook's cells, in order: `own` where a cell has one, of several
 * that have the same the first; and derived ones for the rest, none of which
 * another cell has of its own.
 */
export function cellIds(
  cells: readonly {
    readonly own: string | null;
    readonly type: CellType;
    readonly sourceHash: string;
  }[],
): { readonly id: string; readonly isOwn: boolean }[] {
  const ids = new DerivedIds();
  const owned = cells.map(({ own }) => own !== null && ids.claim(own));
  return cells.map(({ own, type, sourceHash: hashed }, index) =>
    own !== null && owned[index] === true
      ? { id: own, isOwn: true }
      : { id: ids.deriveFrom(type, hashed), isOwn: false },
  );
}

/**
 * cyrb53: 53 bits, well mixed and quick. It tells versions of one person's
 * notebook apart; nobody gains anything by a collision.
 */
function hash(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high =
    Math.imul(high ^ (high >>> 16), 2_246_822_507) ^
    Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low =
    Math.imul(low ^ (low >>> 16), 2_246_822_507) ^
    Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0);
}
