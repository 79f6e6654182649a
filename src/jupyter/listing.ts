import { ExpectedError } from "../errors.ts";
import { listDirectory, type ContentsEntry } from "./contents.ts";
import type { JupyterServer } from "./server.ts";

/** The runtime lets six requests wait for an answer at a time. */
const CONCURRENCY = 6;

/** How far a listing goes. */
export interface ListingBounds {
  /** Levels of folders; 1 is the folder itself. */
  readonly depth: number;
  readonly maxFolders: number;
  readonly maxMs: number;
  /** Whether what is in a folder below is of interest. */
  readonly isWanted: (folder: string) => boolean;
}

/** What was found, sorted by path, and the folders that were not looked at. */
export interface Listing {
  readonly entries: readonly ContentsEntry[];
  readonly unseen: readonly string[];
}

/**
 * Lists a folder and what is below it.
 *
 * @throws {ExpectedError} where the folder itself cannot be listed
 */
export async function listTree(
  server: JupyterServer,
  path: string,
  { depth, maxFolders, maxMs, isWanted }: ListingBounds,
): Promise<Listing> {
  const deadline = Date.now() + maxMs;
  const entries: ContentsEntry[] = [];
  const unseen: string[] = [];
  let level = [path];
  let folders = 0;
  for (let at = 1; level.length > 0; at += 1) {
    const below: string[] = [];
    for (let start = 0; start < level.length; start += CONCURRENCY) {
      const group = level.slice(start, start + CONCURRENCY);
      if (at > 1 && (folders >= maxFolders || Date.now() > deadline)) {
        unseen.push(...level.slice(start));
        break;
      }
      folders += group.length;
      const lists = await Promise.all(
        group.map((folder) => listFolder(server, folder, at > 1)),
      );
      for (const [index, list] of lists.entries()) {
        if (list === null) {
          unseen.push(group[index] ?? "");
          continue;
        }
        entries.push(...list);
        const wanted = list.filter(
          ({ type, path: folder }) => type === "directory" && isWanted(folder),
        );
        below.push(...wanted.map((entry) => entry.path));
      }
    }
    level = at < depth ? below : [];
  }
  return { entries: entries.toSorted((a, b) => compare(a.path, b.path)), unseen };
}

/** A folder below that cannot be listed, as one of another user, does not spoil the rest. */
async function listFolder(
  server: JupyterServer,
  path: string,
  mayFail: boolean,
): Promise<ContentsEntry[] | null> {
  try {
    return await listDirectory(server, path);
  } catch (error) {
    const isTheirs =
      error instanceof ExpectedError &&
      (error.failure.code === "jupyter_error" || error.failure.code === "file_not_found");
    if (mayFail && isTheirs) return null;
    throw error;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
