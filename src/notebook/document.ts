import type { ContentsEntry } from "../jupyter/contents.ts";
import type { NbOutput } from "../jupyter/nbformat.ts";
import type { Notebook } from "./notebook.ts";

/** What is edited and run is read whole; an outline may have more (see `outline.ts`). */
export const MAX_EDIT_BYTES = 20_000_000;
/** What is outlined. */
export const MAX_OUTLINE_BYTES = 100_000_000;

/** A notebook as it was at one moment. */
export interface Loaded {
  readonly notebook: Notebook;
  readonly entry: ContentsEntry;
  /** The nbformat that it is stored in, where Jupyter had to upgrade it to be read: 3 or before. */
  readonly upgradedFrom: number | null;
}

/** Makes what is wanted of a notebook; the very same one where nothing is to be changed. */
export type NotebookChange = (now: Notebook) => Promise<{
  readonly notebook: Notebook;
  /** Ids of the cells that may be elsewhere than before. */
  readonly moved: ReadonlySet<string>;
}>;

/** What came of a change. */
export interface Saved {
  readonly before: Notebook;
  readonly after: Notebook;
  /** What was upgraded with it, in words: `nbformat 4.2 to 4.5`; null where nothing was. */
  readonly upgraded: string | null;
  /** What Jupyter had to say about the notebook's validity; empty where it is valid. */
  readonly warning: string;
  /**
   * What stood there right after the save: where it is what somebody else has saved,
   * ours may be gone; where it is nothing, the file went elsewhere with ours in it.
   */
  readonly foundAfter: "ours" | "others" | "nothing" | "unknown";
  /** Whether it is in the file. A room may have what its server cannot write. */
  readonly isInFile: boolean;
}

/** What a run has made of a cell. */
export interface CellRun {
  readonly executionCount: number | null;
  readonly outputs: readonly NbOutput[];
  /** Whether it still runs. */
  readonly isRunning?: boolean;
}

/** What came of writing outputs. */
export interface Written {
  /** Ids of cells that are not there any more, or are no code cells. */
  readonly missing: readonly string[];
  /** As in {@link Saved}. */
  readonly upgraded: string | null;
  /** Whether people see it at once, and the next may follow soon. */
  readonly isLive: boolean;
  /** Whether it is in the file by now. In a room it may be a while until then. */
  readonly isInFile: boolean;
}

/**
 * A notebook that somebody else may change at any time: a file behind the
 * Contents API, or what is in its collaboration room.
 */
export interface NotebookDocument {
  /**
   * Applies a change to the notebook as it is now. `change` may be called
   * several times, and what it throws changes nothing. Once it is saved nothing
   * fails.
   *
   * @throws {ExpectedError} `save_unanswered` where nobody knows whether it was
   *   saved, `notebook_would_be_too_large` where it could not be edited again
   */
  edit(change: NotebookChange): Promise<Saved>;
}
