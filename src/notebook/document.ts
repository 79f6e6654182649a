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

/** What came of a change. */
export interface Saved {
  readonly before: Notebook;
  readonly after: Notebook;
  readonly entry: ContentsEntry;
  /** What was upgraded with it, in words: `nbformat 4.2 to 4.5`; null where nothing was. */
  readonly upgraded: string | null;
  /** What Jupyter had to say about the notebook's validity; empty where it is valid. */
  readonly warning: string;
  /** Whether somebody else saved it right after us, so that ours may be gone. */
  readonly isOvertaken: boolean;
}

/** What a run has made of a cell. */
export interface CellRun {
  readonly executionCount: number | null;
  readonly outputs: readonly NbOutput[];
}

/**
 * A notebook that somebody else may change at any time. Today it is a file
 * behind the Contents API; a live collaboration room fits the same.
 */
export interface NotebookDocument {
  /** @throws {ExpectedError} where it cannot be read */
  load(): Promise<Loaded>;
  /**
   * Applies a change to the notebook as it is now. `change` may be called
   * several times, and what it throws changes nothing.
   */
  edit(change: (now: Notebook) => Notebook): Promise<Saved>;
  /** Puts outputs and execution counts into the cells with these ids. Returns those that are not there any more. */
  writeOutputs(runs: ReadonlyMap<string, CellRun>): Promise<readonly string[]>;
  /** Whether it was changed since it was loaded. */
  hasChanged(since: Loaded): Promise<boolean>;
}
