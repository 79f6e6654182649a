/**
 * A notebook as a file behind the Contents API, which has no conditional save:
 * what stands there is looked at right before each save and right after it, so
 * that somebody else's save can be lost only in the moment between.
 */

import { ExpectedError, outcomeOf } from "../errors.ts";
import {
  readBytes,
  saveContents,
  statContents,
  type ContentsEntry,
} from "../jupyter/contents.ts";
import { urlPath } from "../jupyter/paths.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import { TOO_LARGE } from "./outputs.ts";
import {
  MAX_EDIT_BYTES,
  type CellRun,
  type Loaded,
  type NotebookChange,
  type NotebookDocument,
  type Saved,
  type Written,
} from "./document.ts";
import {
  NotebookFormatError,
  OldNotebookError,
  isComplete,
  notebookParts,
  parseNotebook,
  rawJson,
  serializeNotebook,
  upgraded,
  withMembers,
  type Notebook,
} from "./notebook.ts";

/** Somebody who saves at each of these moments in a row is a program that does nothing else. */
const MAX_ATTEMPTS = 5;

/** What is read before cells run is kept for their outputs, where it has no more than this. */
const MAX_KEPT_BYTES = 1_000_000;

/** Why there are no bytes, where that may be because of the file. A folder has none for anybody. */
const MAY_BE_THE_FILE: ReadonlySet<string> = new Set([
  "jupyter_error",
  "file_too_large",
  "token_rejected",
]);

/** How often a notebook that is broken is read in a row, and how long a save may take between. */
const MAX_READS = 3;
const WRITING_MS = 100;

/** Lets one writer of a notebook at a time do its work, among all of one person. */
export type Exclusively = <T>(work: () => Promise<T>) => Promise<T>;

/** A notebook that was loaded, or of which only the bytes were looked at. */
type Now = Omit<Loaded, "entry"> & { readonly entry: ContentsEntry | null };

/** See the head of this file. */
export class ContentsNotebook implements NotebookDocument {
  readonly #server: JupyterServer;
  readonly #path: string;
  readonly #exclusively: Exclusively;
  /** What was read last, where it is small, until it is written. */
  #read: { readonly bytes: Uint8Array; readonly notebook: Notebook } | null = null;

  constructor(server: JupyterServer, path: string, exclusively: Exclusively) {
    this.#server = server;
    this.#path = path;
    this.#exclusively = exclusively;
  }

  load(): Promise<Loaded> {
    return unlessHalfWritten(() => this.#load());
  }

  /**
   * The notebook alone, as its bytes have it. What stands there is asked where they are
   * not those of a notebook, for it tells better why.
   */
  async loadAtOnce(): Promise<Notebook> {
    try {
      const bytes = await readBytes(this.#server, this.#path, MAX_EDIT_BYTES);
      if (bytes !== null) return this.#parsed(bytes);
    } catch (error) {
      if (error instanceof ExpectedError && !MAY_BE_THE_FILE.has(error.failure.code))
        throw error;
    }
    return (await this.load()).notebook;
  }

  async #load(): Promise<Loaded> {
    const entry = await notebookEntry(this.#server, this.#path, MAX_EDIT_BYTES);
    const bytes = await readBytes(this.#server, this.#path, MAX_EDIT_BYTES);
    if (bytes === null) throw notFound(this.#path);
    try {
      return { notebook: this.#parsed(bytes), entry, upgradedFrom: null };
    } catch (error) {
      if (!(error instanceof OldNotebookError)) throw asExpected(error, this.#path);
      const { nbformat } = error;
      const notebook = await this.#loadOld().catch((cause: unknown) => {
        throw asNotUpgraded(cause, this.#path, nbformat);
      });
      return { notebook, entry, upgradedFrom: nbformat };
    }
  }

  #parsed(bytes: Uint8Array): Notebook {
    const notebook = parseNotebook(bytes);
    this.#read = bytes.byteLength <= MAX_KEPT_BYTES ? { bytes, notebook } : null;
    return notebook;
  }

  edit(change: NotebookChange): Promise<Saved> {
    return this.#exclusively(() =>
      this.#save(async (now) => {
        const { notebook: after } = await change(now.notebook);
        throwIfTooLarge(this.#path, now, after);
        return after;
      }),
    );
  }

  /**
   * To be called in a turn.
   *
   * @param whenSaved called before what stands there is looked at again, with what was upgraded
   */
  async #save(
    change: (now: Now) => Notebook | Promise<Notebook>,
    whenSaved?: (upgraded: string | null) => void,
  ): Promise<Saved> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const known = attempt === 1 ? await this.#asRead() : null;
      const loaded: Now = known ?? (await this.load());
      this.#read = null;
      const after = await change(loaded);
      if (after === loaded.notebook) return unchanged(loaded.notebook);
      if (loaded.entry !== null && (await this.#isOther(loaded.entry))) continue;
      const saved = await saveContents(this.#server, this.#path, {
        type: "notebook",
        content: serializeNotebook(after),
      });
      const upgradedWith = upgradeWords(loaded, after);
      whenSaved?.(upgradedWith);
      return {
        before: loaded.notebook,
        after,
        upgraded: upgradedWith,
        warning: saved.message,
        foundAfter: await this.#foundAfter(saved),
        isInFile: true,
      };
    }
    throw new ExpectedError({ code: "saved_meanwhile", path: this.#path });
  }

  async #foundAfter(saved: ContentsEntry): Promise<Saved["foundAfter"]> {
    const now = await outcomeOf(() => statContents(this.#server, this.#path));
    if (!("ok" in now)) return "unknown";
    if (now.ok === null) return "nothing";
    return isSame(now.ok, saved) ? "ours" : "others";
  }

  /** What was read last, if the file has the same bytes now; null where it has not, or nobody knows. */
  async #asRead(): Promise<Now | null> {
    const read = this.#read;
    if (read === null) return null;
    const now = await readBytes(this.#server, this.#path, MAX_KEPT_BYTES).catch(
      () => null,
    );
    const isSameAsRead = now !== null && isEqual(now, read.bytes);
    return isSameAsRead
      ? { notebook: read.notebook, entry: null, upgradedFrom: null }
      : null;
  }

  /**
   * Puts outputs and execution counts into the cells with these ids.
   *
   * @param inFile called as soon as all of it is in the file, with nothing to be said of
   *   that. Whether somebody saves over it in that moment is looked at after it
   */
  async writeOutputs(
    runs: ReadonlyMap<string, CellRun>,
    inFile?: () => void,
  ): Promise<Written> {
    let missing: string[] = [];
    let upgradedWith: string | null = null;
    const change = ({ notebook: now }: Now) => {
      const notebook = upgraded(now);
      const code = notebook.cells.filter(({ type }) => type === "code");
      const there = new Set(code.map(({ id }) => id));
      missing = [...runs.keys()].filter((id) => !there.has(id));
      return missing.length === runs.size ? now : withRuns(notebook, runs);
    };
    const whenSaved = (words: string | null) => {
      if (missing.length === 0 && words === null && upgradedWith === null) inFile?.();
    };
    // In one turn: what another run makes of these cells comes after all of it.
    return this.#exclusively(async () => {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        const saved = await this.#save(change, whenSaved);
        upgradedWith ??= saved.upgraded;
        // Whoever saved right after us had no outputs in what they saved.
        if (saved.foundAfter !== "others")
          return { missing, upgraded: upgradedWith, isLive: false, isInFile: true };
      }
      throw new ExpectedError({ code: "saved_meanwhile", path: this.#path });
    });
  }

  async #isOther(since: ContentsEntry): Promise<boolean> {
    const now = await statContents(this.#server, this.#path);
    return now === null || !isSame(now, since);
  }

  /** Jupyter reads every older format, and upgrades it on the way. The ids that it makes up differ each time. */
  async #loadOld(): Promise<Notebook> {
    const path = `/api/contents/${urlPath(this.#path)}?type=notebook&content=1`;
    const bytes = await this.#server.bytes(path, { maxBytes: 2 * MAX_EDIT_BYTES });
    if (bytes === null) throw notFound(this.#path);
    return withoutIds(parseNotebook(bytes, ["content"]));
  }
}

/**
 * What stands at a notebook's path.
 *
 * @throws {ExpectedError} where it is no notebook, or larger than `maxBytes`
 */
export async function notebookEntry(
  server: JupyterServer,
  path: string,
  maxBytes: number,
): Promise<ContentsEntry> {
  const entry = await statContents(server, path);
  if (entry === null) throw notFound(path);
  if (entry.type === "directory") throw new ExpectedError({ code: "is_folder", path });
  if (entry.type !== "notebook") throw new ExpectedError({ code: "not_notebook", path });
  throwIfBeyond(maxBytes, path, entry.size ?? 0);
  return entry;
}

/** @throws {ExpectedError} `file_too_large` */
export function throwIfBeyond(limit: number, path: string, bytes: number): void {
  if (bytes > limit)
    throw new ExpectedError({ code: "file_too_large", path, bytes, limit });
}

/**
 * Reads a notebook again where it is broken: Jupyter empties a file before it
 * writes it, and somebody may be saving at this very moment.
 */
export async function unlessHalfWritten<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      const isBroken =
        error instanceof ExpectedError && error.failure.code === "bad_notebook";
      if (!isBroken || attempt === MAX_READS) throw error;
      await new Promise((resolve) => setTimeout(resolve, WRITING_MS));
    }
  }
}

/** What is wrong with a notebook's bytes, as a failure; anything else as it is. */
export function asExpected(error: unknown, path: string): unknown {
  if (!(error instanceof NotebookFormatError)) return error;
  const { where } = error;
  return new ExpectedError({ code: "bad_notebook", path, where }, { cause: error });
}

/** Why Jupyter's upgrade of an old notebook cannot be read, as a failure; anything else as it is. */
export function asNotUpgraded(error: unknown, path: string, nbformat: number): unknown {
  const failure = error instanceof ExpectedError ? error.failure : null;
  // What Jupyter answers for a notebook that it cannot read.
  if (failure?.code !== "jupyter_error" || failure.status !== 400)
    return asExpected(error, path);
  const where = `Jupyter cannot upgrade its nbformat ${nbformat}`;
  return new ExpectedError(
    { code: "bad_notebook", path, where, said: failure.detail },
    { cause: error },
  );
}

/**
 * Puts what runs made of cells into them. Where the file would be too large to be
 * edited again, the largest of these outputs are replaced by a line that says so.
 */
export function withRuns(
  notebook: Notebook,
  runs: ReadonlyMap<string, CellRun>,
): Notebook {
  const cells = notebook.cells.map((cell) => withRun(cell, runs.get(cell.id)));
  let excess = sizeOf({ ...notebook, cells }) - MAX_EDIT_BYTES;
  const written = cells.flatMap((cell, index) => {
    const outputs = runs.has(cell.id) ? cell.members.get("outputs") : undefined;
    if (outputs === undefined) return [];
    const bytes = bytesWhenSaved(outputs);
    excess += bytes - outputs.byteLength;
    return [{ cell, index, bytes }];
  });
  const { output } = TOO_LARGE;
  for (const { cell, index, bytes } of written.toSorted((a, b) => b.bytes - a.bytes)) {
    if (excess <= 0) break;
    cells[index] = withMembers(cell, { outputs: rawJson([output]) });
    excess -= bytes;
  }
  return { ...notebook, cells };
}

function withRun(cell: Notebook["cells"][number], run: CellRun | undefined) {
  if (run === undefined || cell.type !== "code") return cell;
  return withMembers(cell, {
    execution_count: rawJson(run.executionCount),
    outputs: rawJson(run.outputs),
  });
}

/**
 * Refuses a change after which the notebook could not be edited any more. What
 * the file would have is what it has, and what the change adds to it.
 *
 * @throws {ExpectedError} `notebook_would_be_too_large`
 */
export function throwIfTooLarge(
  path: string,
  { notebook, entry }: Pick<Now, "notebook" | "entry">,
  after: Notebook,
): void {
  const before = sizeWhenSaved(notebook);
  const added = sizeWhenSaved(after) - before;
  const bytes = (entry?.size ?? before) + added;
  if (added > 0 && bytes > MAX_EDIT_BYTES) throw wouldBeTooLarge(path, bytes);
}

/** @throws {ExpectedError} where a new notebook is too large to be edited */
export function throwIfNewTooLarge(path: string, notebook: Notebook): void {
  const bytes = sizeWhenSaved(notebook);
  if (bytes > MAX_EDIT_BYTES) throw wouldBeTooLarge(path, bytes);
}

function wouldBeTooLarge(path: string, bytes: number): ExpectedError {
  const limit = MAX_EDIT_BYTES;
  return new ExpectedError({ code: "notebook_would_be_too_large", path, bytes, limit });
}

function sizeOf(notebook: Notebook): number {
  return notebookParts(notebook).reduce((sum, part) => sum + part.byteLength, 0);
}

function sizeWhenSaved(notebook: Notebook): number {
  return notebookParts(notebook).reduce((sum, part) => sum + bytesWhenSaved(part), 0);
}

/** What a notebook's JSON takes in its file: Jupyter puts each line of a text onto a line of its own, behind up to six spaces. */
export function bytesWhenSaved(json: Uint8Array): number {
  let lines = 0;
  for (let at = 1; at < json.byteLength; at += 1)
    if (json[at] === 0x2c && json[at - 1] === 0x22) lines += 1;
  return json.byteLength + 7 * lines;
}

/** Ids that are of no use, taken away: derived ones come in their place. */
function withoutIds(notebook: Notebook): Notebook {
  const members = new Map(notebook.members);
  members.set("nbformat_minor", rawJson(4));
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    members: without(cell.members, "id"),
  }));
  return parseNotebook(serializeNotebook({ minor: 4, members, cells }));
}

function without(members: ReadonlyMap<string, Uint8Array>, key: string) {
  return new Map([...members].filter(([name]) => name !== key));
}

/** What was upgraded with a change, in words; null where nothing was. */
export function upgradeWords(
  { notebook, upgradedFrom }: Pick<Loaded, "notebook" | "upgradedFrom">,
  after: Notebook,
): string | null {
  if (upgradedFrom !== null) return `nbformat ${upgradedFrom} to 4.${after.minor}`;
  if (notebook.minor !== after.minor)
    return `nbformat 4.${notebook.minor} to 4.${after.minor}`;
  if (!notebook.cells.every(({ hasOwnId }) => hasOwnId))
    return "cells without a valid id of their own, which have one now";
  return notebook.cells.every(isComplete)
    ? null
    : "cells without metadata, outputs or execution_count, which have them now";
}

/** What came of a change that changes nothing, and is not saved. */
export function unchanged(notebook: Notebook): Saved {
  const nothing = { upgraded: null, warning: "", isInFile: true };
  return { before: notebook, after: notebook, foundAfter: "ours", ...nothing };
}

function isSame(a: ContentsEntry, b: ContentsEntry): boolean {
  return a.last_modified === b.last_modified && a.size === b.size;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let at = 0; at < a.byteLength; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

function notFound(path: string): ExpectedError {
  return new ExpectedError({ code: "file_not_found", path });
}
