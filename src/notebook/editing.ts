import { applyEdits, mintCellId, type Edit, type Edited } from "./edit.ts";
import { checkedAgainst, type EditBase } from "./edit-base.ts";
import type { NotebookDocument, Saved } from "./document.ts";
import { notebookParts } from "./notebook.ts";
import { readOutline, type Outline } from "./outline.ts";
import { marksOf, versionOf, type CellMark } from "./version.ts";

/** What came of a batch of edits, in values that can be handed on. */
export interface EditResult
  extends
    Pick<Saved, "upgraded" | "warning" | "foundAfter" | "isInFile">,
    Pick<Edited, "inserted" | "touched"> {
  /** The notebook before the edits. */
  readonly before: { readonly version: string; readonly marks: readonly CellMark[] };
  /** The notebook since. */
  readonly outline: Outline;
}

/**
 * Makes edits. All that can fail is done before they are saved.
 *
 * @throws {ExpectedError} as `document` does, or where they do not fit the notebook as it is now
 */
export async function editNotebook(
  document: NotebookDocument,
  base: EditBase,
  edits: readonly Edit[],
): Promise<EditResult> {
  let result = null as { made: Edited; outline: Outline } | null;
  const saved = await document.edit(async (now) => {
    checkedAgainst(base, edits, now);
    const made = applyEdits(now, edits, mintCellId);
    result = { made, outline: await readOutline(notebookParts(made.notebook)) };
    return made;
  });
  if (result === null) throw new Error("Edits were saved that were not made.");
  const { made, outline } = result;
  const marks = marksOf(saved.before.cells);
  const { upgraded, warning, foundAfter, isInFile } = saved;
  return {
    upgraded,
    warning,
    foundAfter,
    isInFile,
    inserted: made.inserted,
    touched: made.touched,
    before: { version: versionOf(marks), marks },
    outline,
  };
}
