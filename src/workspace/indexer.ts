/**
 * Fills the search index from a server: one listing of all folders, then one
 * notebook after the other. Whatever stops it, it goes on from what is stored.
 *
 * Notebooks of up to 1 MB are fetched several at a time and wait as they came, at
 * most {@link MAX_HELD_BYTES} of them, those that were asked for and are not here
 * yet included. One at a time becomes texts, and is stored before the next does.
 * A larger one is read as it arrives, and no other one is fetched or here
 * meanwhile.
 */

import { ExpectedError } from "../errors.ts";
import { MAX_OUTLINE_BYTES } from "../notebook/document.ts";
import { NotebookFormatError, OldNotebookError } from "../notebook/notebook.ts";
import type { SearchIndex } from "../search/index-store.ts";
import { readTexts, textsOf, type SearchableNotebook } from "../search/text.ts";
import type { NotebookSource } from "./notebook-source.ts";
import { ByteBudget } from "./byte-budget.ts";
import type { RunWatch } from "./run-watch.ts";

/** Bytes of notebooks that are held, or were asked for, at a time. */
export const MAX_HELD_BYTES = 4_000_000;
/** While one part is taken in, the next is on its way. */
const MAX_BATCH_BYTES = MAX_HELD_BYTES / 2;
/** What is larger is read alone. */
const MAX_SMALL_BYTES = 1_000_000;
/** Held for one whose size is not known; most have less. */
const UNKNOWN_BYTES = 250_000;
/** The runtime lets six requests wait for an answer at a time. */
const BATCH = 12;
/** While somebody runs code, whose messages go the same way as what is asked for. */
const BATCH_BESIDE_RUNS = 2;

/** What no later attempt would mend. */
const FINAL: ReadonlySet<string> = new Set([
  "file_too_large",
  "not_notebook",
  "is_folder",
]);
/** What is not about one notebook. */
const STOPPING: ReadonlySet<string> = new Set([
  "jupyter_unreachable",
  "token_rejected",
  "rate_limited",
  "signed_out",
  "server_stopped",
  "not_jupyter",
]);

type Pending = ReturnType<SearchIndex["pending"]>[number];

/** A notebook that has come, as bytes or as what goes into the index; null where there is none any more. */
interface Arrived {
  readonly path: string;
  readonly content: Uint8Array | SearchableNotebook | null;
  readonly error: unknown;
}

/** Notebooks that were fetched together. Their room is theirs until it is disposed of. */
interface Batch extends Disposable {
  readonly all: readonly Arrived[];
}

/** See the head of this file. */
export class Indexer {
  readonly #index: SearchIndex;
  readonly #source: NotebookSource;
  readonly #runs: RunWatch;
  readonly #budget = new ByteBudget(MAX_HELD_BYTES);
  /** Notebooks that have turned out to be no small ones, or have to be upgraded. */
  readonly #alone = new Set<string>();

  constructor(index: SearchIndex, source: NotebookSource, runs: RunWatch) {
    this.#index = index;
    this.#source = source;
    this.#runs = runs;
  }

  /**
   * Looks at what the server has.
   *
   * @throws {ExpectedError} where it cannot be listed
   */
  async list(): Promise<void> {
    const startedAt = Date.now();
    const { notebooks, unknown } = await this.#source.list(() => this.#runs.passed());
    this.#index.takeListing(
      notebooks,
      (path) => unknown.some((folder) => path.startsWith(`${folder}/`)),
      {
        at: Date.now(),
        tookMs: Date.now() - startedAt,
        isPartial: unknown.length > 0,
      },
    );
  }

  /**
   * Reads what is to be read, until there is nothing or it is `until`. While
   * somebody runs code it reads little at a time, and between their runs.
   *
   * @param isOnlyChanged whether to read only what was written here
   * @throws {ExpectedError} where the server cannot be reached
   */
  async read(until: number, isOnlyChanged = false): Promise<void> {
    let fetching = this.#fetchNext(isOnlyChanged);
    while (fetching !== null) {
      using batch = await fetching;
      const stopped = batch.all.find(({ error }) => isStopping(error));
      const isGoingOn = stopped === undefined && Date.now() < until;
      // Asked for first, so that the server is busy while these are taken in.
      const isAhead = isGoingOn && !this.#runs.isRecent;
      const next = isAhead ? this.#fetchNext(isOnlyChanged) : null;
      if (next !== null) await scheduler.wait(0);
      try {
        // In one go, for each write holds up the requests behind it.
        for (const one of batch.all) this.#take(one, isOnlyChanged);
      } catch (error) {
        void next?.then((unwanted) => unwanted[Symbol.dispose]());
        throw error;
      }
      if (stopped !== undefined) throw stopped.error;
      if (isGoingOn && next === null && !isOnlyChanged) await this.#runs.passed();
      fetching = next ?? (isGoingOn ? this.#fetchNext(isOnlyChanged) : null);
    }
  }

  /** Begins to fetch the next ones, and never fails; null where there are none. */
  #fetchNext(isOnlyChanged: boolean): Promise<Batch> | null {
    const most = this.#runs.isRecent ? BATCH_BESIDE_RUNS : BATCH;
    const pending = this.#index.pending(most, isOnlyChanged);
    const [first] = pending;
    if (first === undefined) return null;
    if (this.#isForAlone(first)) {
      this.#alone.add(first.path);
      this.#index.beginReading([first.path], true);
      return this.#fetch([first], MAX_HELD_BYTES, (one) => this.#texts(one));
    }
    const small = fitting(pending.filter((one) => !this.#isForAlone(one)));
    const bytes = small.reduce((sum, one) => sum + bytesFor(one), 0);
    this.#index.beginReading(small.map(({ path }) => path));
    return this.#fetch(small, bytes, (one) =>
      this.#source.bytes(one.path, bytesFor(one)),
    );
  }

  #isForAlone({ path, size }: Pending): boolean {
    return size > MAX_SMALL_BYTES || this.#alone.has(path);
  }

  async #fetch(
    wanted: readonly Pending[],
    bytes: number,
    read: (one: Pending) => Promise<Arrived["content"]>,
  ): Promise<Batch> {
    const room = await this.#budget.take(bytes);
    const all = await Promise.all(
      wanted.map(async (one) => {
        const { path } = one;
        try {
          return { path, content: await read(one), error: null };
        } catch (error) {
          return { path, content: null, error };
        }
      }),
    );
    return { all, [Symbol.dispose]: () => room[Symbol.dispose]() };
  }

  /** What can be searched of a notebook that is read as it arrives. */
  async #texts({ path, size }: Pending): Promise<SearchableNotebook | null> {
    throwIfTooLarge(path, size);
    try {
      const chunks = await this.#source.stream(path);
      return chunks === null ? null : await readTexts(bounded(chunks, path));
    } catch (error) {
      if (!(error instanceof OldNotebookError)) throw error;
      const chunks = await this.#source.streamUpgraded(path);
      if (chunks === null) return null;
      return readTexts(bounded(chunks, path), ["content"], false);
    }
  }

  /** Puts one into the index, or notes why not. */
  #take({ path, content, error }: Arrived, isOnlyChanged: boolean): void {
    const wasAlone = this.#alone.delete(path);
    try {
      if (error !== null) throw error;
      if (content === null) this.#index.remove(path);
      else
        this.#index.put(path, content instanceof Uint8Array ? textsOf(content) : content);
    } catch (cause) {
      if (!wasAlone && isForAlone(cause)) {
        this.#alone.add(path);
        this.#index.postpone(path, isOnlyChanged);
      } else if (cause instanceof NotebookFormatError) {
        this.#index.fail(path, true);
      } else if (!(cause instanceof ExpectedError)) {
        // A bug that one notebook meets must not keep the others out.
        this.#index.fail(path, false);
        throw cause;
      } else if (!isStopping(cause)) {
        this.#index.fail(path, FINAL.has(cause.failure.code));
      }
    }
  }
}

/** The first of them that may be held together. */
function fitting(pending: readonly Pending[]): Pending[] {
  let bytes = 0;
  return pending.filter((one) => {
    if (bytes + bytesFor(one) > MAX_BATCH_BYTES) return false;
    bytes += bytesFor(one);
    return true;
  });
}

/** What a small notebook may have. */
function bytesFor({ size }: Pending): number {
  return size > 0 ? size : UNKNOWN_BYTES;
}

async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    throwIfTooLarge(path, bytes);
    yield chunk;
  }
}

function throwIfTooLarge(path: string, bytes: number): void {
  const limit = MAX_OUTLINE_BYTES;
  if (bytes > limit)
    throw new ExpectedError({ code: "file_too_large", path, bytes, limit });
}

/** Whether a notebook has more than it was listed with, or has to be upgraded. */
function isForAlone(error: unknown): boolean {
  if (error instanceof OldNotebookError) return true;
  return error instanceof ExpectedError && error.failure.code === "file_too_large";
}

function isStopping(error: unknown): boolean {
  return error instanceof ExpectedError && STOPPING.has(error.failure.code);
}
