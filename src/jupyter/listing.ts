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
  isWanted(folder: string): boolean;
  /** The time in milliseconds. */
  now(): number;
  /** Called before each few requests, which wait for it. */
  pause?(): Promise<void>;
}

/** What was found, sorted by path, and the folders of interest that were not looked at. */
export interface Listing {
  readonly entries: readonly ContentsEntry[];
  /** What ended it early. */
  readonly bound: "folders" | "time" | "connection" | null;
  /** Folders left out because of `bound`. */
  readonly unseen: readonly string[];
  /** Folders that Jupyter would not list. */
  readonly unreadable: readonly string[];
  /** Folders that are below `depth`. */
  readonly deeper: readonly string[];
}

/**
 * Lists a folder and what is below it, level by level, so that a bound leaves
 * out what is deepest.
 *
 * @throws {ExpectedError} where the folder itself cannot be listed
 */
export async function listTree(
  server: JupyterServer,
  path: string,
  { depth, maxFolders, maxMs, isWanted, now, pause }: ListingBounds,
): Promise<Listing> {
  const deadline = now() + maxMs;
  const entries: ContentsEntry[] = [];
  const unreadable: string[] = [];
  const below: { path: string; level: number }[] = [];
  const add = (found: readonly ContentsEntry[], level: number) => {
    // In the order of their names, so that a bound always leaves out the same ones.
    for (const entry of found.toSorted((a, b) => compare(a.path, b.path))) {
      entries.push(entry);
      if (entry.type === "directory" && isWanted(entry.path))
        below.push({ path: entry.path, level });
    }
  };
  add(await listDirectory(server, path), 2);
  let bound: Listing["bound"] = null;
  let at = 0;
  while (bound === null && (below[at]?.level ?? Infinity) <= depth) {
    await pause?.();
    if (at + 1 >= maxFolders) bound = "folders";
    else if (now() >= deadline) bound = "time";
    if (bound !== null) break;
    const group = below
      .slice(at, at + Math.min(CONCURRENCY, maxFolders - at - 1))
      .filter(({ level }) => level <= depth);
    const lists = await Promise.all(
      group.map((folder) => listFolder(server, folder.path)),
    );
    if (lists.includes("unreachable")) bound = "connection";
    for (const [index, list] of lists.entries()) {
      const folder = group[index];
      if (folder === undefined) continue;
      if (list === "unreadable") unreadable.push(folder.path);
      else if (list !== "unreachable") add(list, folder.level + 1);
      if (bound === "connection" && list === "unreachable") below.push(folder);
    }
    at += group.length;
  }
  const left = below.slice(at);
  return {
    entries: entries.toSorted((a, b) => compare(a.path, b.path)),
    bound,
    unseen: left.filter(({ level }) => level <= depth).map((folder) => folder.path),
    unreadable,
    deeper: left.filter(({ level }) => level > depth).map((folder) => folder.path),
  };
}

/** A folder below that cannot be listed, as one of another user, does not spoil the rest. */
async function listFolder(
  server: JupyterServer,
  path: string,
): Promise<ContentsEntry[] | "unreadable" | "unreachable"> {
  try {
    return await listDirectory(server, path);
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    switch (error.failure.code) {
      case "jupyter_error":
      case "answer_too_large":
      case "file_not_found":
      case "not_folder":
        return "unreadable";
      case "jupyter_unreachable":
      case "rate_limited":
        return "unreachable";
      default:
        throw error;
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
