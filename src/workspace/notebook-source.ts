import { readBytes, streamBytes } from "../jupyter/contents.ts";
import { listTree } from "../jupyter/listing.ts";
import { urlPath } from "../jupyter/paths.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import type { ListedNotebook } from "../search/index-store.ts";

/** What a look at all folders has found. */
export interface Listing {
  readonly notebooks: readonly ListedNotebook[];
  /** Folders that were not looked into. */
  readonly unknown: readonly string[];
}

/** Where notebooks are read from. What is not there any more is null. */
export interface NotebookSource {
  /** @param pause called before each few requests, which wait for it */
  list(pause: () => Promise<void>): Promise<Listing>;
  /** @throws {ExpectedError} `file_too_large` where it has more than `maxBytes` */
  bytes(path: string, maxBytes: number): Promise<Uint8Array | null>;
  stream(path: string): Promise<AsyncIterable<Uint8Array> | null>;
  /**
   * One of an older format, as an answer of the Contents API: upgraded, in its
   * member `content`, with new cell ids each time.
   */
  streamUpgraded(path: string): Promise<AsyncIterable<Uint8Array> | null>;
}

const MAX_DEPTH = 40;
const MAX_FOLDERS = 20_000;
const MAX_LISTING_MS = 5 * 60_000;

/** The notebooks of a Jupyter server. */
export function notebooksOf(server: JupyterServer): NotebookSource {
  return {
    async list(pause) {
      const listing = await listTree(server, "", {
        depth: MAX_DEPTH,
        maxFolders: MAX_FOLDERS,
        maxMs: MAX_LISTING_MS,
        isWanted: () => true,
        now: Date.now,
        pause,
      });
      const notebooks = listing.entries
        .filter(({ type }) => type === "notebook")
        .map(({ path, last_modified, size }) => ({
          path,
          modified: last_modified ?? "",
          size: size ?? 0,
        }));
      const unknown = [...listing.unseen, ...listing.unreadable, ...listing.deeper];
      return { notebooks, unknown };
    },
    bytes: (path, maxBytes) => readBytes(server, path, maxBytes),
    async stream(path) {
      return (await streamBytes(server, path))?.body ?? null;
    },
    async streamUpgraded(path) {
      const url = `/api/contents/${urlPath(path)}?type=notebook&content=1`;
      return (await server.stream(url))?.body ?? null;
    },
  };
}
