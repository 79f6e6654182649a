/**
 * Fills the search index from the server: one listing of all folders, then one
 * notebook after the other. Whatever stops it, it goes on from what is stored.
 */

import { ExpectedError } from "../errors.ts";
import { readBytes, streamBytes } from "../jupyter/contents.ts";
import { listTree } from "../jupyter/listing.ts";
import { urlPath } from "../jupyter/paths.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import { MAX_OUTLINE_BYTES } from "../notebook/document.ts";
import { NotebookFormatError, OldNotebookError } from "../notebook/notebook.ts";
import type { SearchIndex } from "../search/index-store.ts";
import { readTexts, type SearchableNotebook } from "../search/text.ts";

/** What is smaller is read in one piece, and several at a time. */
const SMALL_BYTES = 1_000_000;
/** Of notebooks that are read at a time: a larger one is read alone, as it arrives. */
const MAX_BATCH_BYTES = 4_000_000;
const MAX_DEPTH = 40;
const MAX_FOLDERS = 20_000;
const MAX_LISTING_MS = 5 * 60_000;
/** The runtime lets six requests wait for an answer at a time. */
const BATCH = 12;

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
  "not_jupyter",
]);

type Pending = ReturnType<SearchIndex["pending"]>[number];

/** What came of reading a notebook; null where there is none any more. */
interface Result {
  readonly path: string;
  readonly notebook: SearchableNotebook | null;
  readonly error: unknown;
}

/** See the head of this file. */
export class Indexer {
  readonly #index: SearchIndex;
  readonly #server: JupyterServer;

  constructor(index: SearchIndex, server: JupyterServer) {
    this.#index = index;
    this.#server = server;
  }

  /**
   * Looks at what the server has.
   *
   * @throws {ExpectedError} where it cannot be listed
   */
  async list(): Promise<void> {
    const startedAt = Date.now();
    const listing = await listTree(this.#server, "", {
      depth: MAX_DEPTH,
      maxFolders: MAX_FOLDERS,
      maxMs: MAX_LISTING_MS,
      isWanted: () => true,
      now: Date.now,
    });
    const unknown = [...listing.unseen, ...listing.unreadable, ...listing.deeper];
    this.#index.takeListing(
      listing.entries
        .filter(({ type }) => type === "notebook")
        .map(({ path, last_modified, size }) => ({
          path,
          modified: last_modified ?? "",
          size: size ?? 0,
        })),
      (path) => unknown.some((folder) => path.startsWith(`${folder}/`)),
      {
        at: Date.now(),
        tookMs: Date.now() - startedAt,
        isPartial: unknown.length > 0,
      },
    );
  }

  /**
   * Reads what is to be read, until there is nothing or it is `until`.
   *
   * @param isOnlyChanged whether to read only what was written here
   * @throws {ExpectedError} where the server cannot be reached
   */
  async read(until: number, isOnlyChanged = false): Promise<void> {
    do {
      const batch = fitting(this.#index.pending(BATCH, isOnlyChanged));
      if (batch.length === 0) return;
      this.#index.beginReading(batch.map(({ path }) => path));
      const results = await Promise.all(batch.map((one) => this.#tryTexts(one)));
      // In one go, for each write holds up the requests behind it.
      for (const result of results) this.#take(result);
      const stopped = results.find(({ error }) => isStopping(error));
      if (stopped !== undefined) throw stopped.error;
    } while (Date.now() < until);
  }

  async #tryTexts({ path, size }: Pending): Promise<Result> {
    try {
      return { path, notebook: await this.#texts(path, size), error: null };
    } catch (error) {
      return { path, notebook: null, error };
    }
  }

  #take({ path, notebook, error }: Result): void {
    if (error instanceof NotebookFormatError) {
      this.#index.fail(path, true);
    } else if (error instanceof ExpectedError) {
      if (!isStopping(error)) this.#index.fail(path, FINAL.has(error.failure.code));
    } else if (error !== null) {
      throw error;
    } else if (notebook === null) {
      this.#index.remove(path);
    } else {
      this.#index.put(path, notebook);
    }
  }

  /** What can be searched of a notebook; null where there is none any more. */
  async #texts(path: string, size: number): Promise<SearchableNotebook | null> {
    if (size > MAX_OUTLINE_BYTES) {
      const limit = MAX_OUTLINE_BYTES;
      throw new ExpectedError({ code: "file_too_large", path, bytes: size, limit });
    }
    try {
      if (size <= SMALL_BYTES && size > 0) {
        const bytes = await readBytes(this.#server, path, MAX_OUTLINE_BYTES);
        return bytes === null ? null : await readTexts([bytes]);
      }
      const stream = await streamBytes(this.#server, path);
      return stream === null ? null : await readTexts(stream.body);
    } catch (error) {
      if (!(error instanceof OldNotebookError)) throw error;
      // Before nbformat 4, Jupyter upgrades what it reads, with new ids each time.
      const url = `/api/contents/${urlPath(path)}?type=notebook&content=1`;
      const stream = await this.#server.stream(url);
      return stream === null ? null : readTexts(stream.body, ["content"], false);
    }
  }
}

/** The first of them that fit into memory together. */
function fitting(pending: readonly Pending[]): Pending[] {
  let bytes = 0;
  return pending.filter(({ size }, index) => {
    bytes += size;
    return index === 0 || bytes <= MAX_BATCH_BYTES;
  });
}

function isStopping(error: unknown): boolean {
  return error instanceof ExpectedError && STOPPING.has(error.failure.code);
}
