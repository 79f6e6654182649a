import { ExpectedError } from "../errors.ts";
import { conflictsOf, type Edit } from "./edit.ts";
import type { Notebook } from "./notebook.ts";
import { marksOf, versionOf, type CellMark } from "./version.ts";

/** The version that edits were made for. */
export interface EditBase {
  readonly path: string;
  readonly version: string;
  /** The cells that it consisted of; `null` where nobody remembers. */
  readonly known: readonly CellMark[] | null;
}

/**
 * Lets edits pass that were made for the notebook as it is now, or for an
 * earlier version whose edited cells nobody has changed since.
 *
 * @throws {ExpectedError} `edit_conflict` otherwise, with what stands there now;
 *   `version_not_known` where nobody can tell
 */
export function checkedAgainst(
  base: EditBase,
  edits: readonly Edit[],
  now: Notebook,
): void {
  const marks = marksOf(now.cells);
  const version = versionOf(marks);
  if (version === base.version) return;
  const { path, version: since, known } = base;
  if (known === null)
    throw new ExpectedError({ code: "version_not_known", path, version: since });
  const conflicts = conflictsOf(edits, known, marks);
  if (conflicts.length === 0) return;
  const sources = new Map(now.cells.map(({ id, source }) => [id, source]));
  const cells = conflicts.map((id) => ({ id, source: sources.get(id) ?? null }));
  throw new ExpectedError({ code: "edit_conflict", path, since, version, cells });
}
