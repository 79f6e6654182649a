import { readBytes, streamBytes, type ContentsEntry } from "../jupyter/contents.ts";
import { urlPath } from "../jupyter/paths.ts";
import type { ByteStream, JupyterServer } from "../jupyter/server.ts";
import { ExpectedError } from "../errors.ts";
import {
  asExpected,
  asNotUpgraded,
  notebookEntry,
  unlessHalfWritten,
} from "./contents-notebook.ts";
import { MAX_EDIT_BYTES, MAX_OUTLINE_BYTES } from "./document.ts";
import { JsonScanner } from "./json-scan.ts";
import { asFormatError, cellFrom, OldNotebookError, type Cell } from "./notebook.ts";
import { readOutline, type Outline } from "./outline.ts";

/** An outline with where it came from. */
export interface ReadNotebook {
  readonly outline: Outline;
  readonly entry: ContentsEntry;
  /** 3 or before, where Jupyter upgraded it on the way. */
  readonly upgradedFrom: number | null;
  /** The bytes, of a notebook that is small enough to be held. */
  readonly source: Source;
}

/** A notebook's bytes that can be read again. */
interface Source {
  readonly at: readonly string[];
  chunks(): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>>;
}

/** What reading a notebook may take in all, its cells included: a client waits for 60 s. */
const MAX_READ_MS = 25_000;

/**
 * Reads a notebook's outline: up to 20 MB in one piece, up to 100 MB as it
 * arrives. For a Worker, which may stream.
 *
 * @param deadline when it has to be done, and {@link readCells} of it too
 * @throws {ExpectedError} where there is no such notebook, it is too large, or
 *   comes too slowly
 */
export function readNotebook(
  server: JupyterServer,
  path: string,
  deadline = Date.now() + MAX_READ_MS,
): Promise<ReadNotebook> {
  return unlessHalfWritten(() => readNow(server, path, deadline));
}

async function readNow(
  server: JupyterServer,
  path: string,
  deadline: number,
): Promise<ReadNotebook> {
  const entry = await notebookEntry(server, path, MAX_OUTLINE_BYTES);
  const source = await sourceOf(server, path, entry, deadline);
  try {
    const outline = await readOutline(await source.chunks(), source.at);
    return { outline, entry, upgradedFrom: null, source };
  } catch (error) {
    if (!(error instanceof OldNotebookError)) throw asExpected(error, path);
    return readOld(server, path, entry, error.nbformat, deadline);
  }
}

async function readOld(
  server: JupyterServer,
  path: string,
  entry: ContentsEntry,
  nbformat: number,
  deadline: number,
): Promise<ReadNotebook> {
  const source = oldSource(server, path, deadline);
  try {
    const read = await readOutline(await source.chunks(), source.at, false);
    const outline = { ...read, bytes: entry.size ?? read.bytes };
    return { outline, entry, upgradedFrom: nbformat, source };
  } catch (error) {
    throw asNotUpgraded(error, path, nbformat);
  }
}

/** Members of a cell that a reader gets to see, beside its outputs. */
const SHOWN = ["cell_type", "source", "id", "execution_count"];

/** A cell with what is shown of it. */
export interface WholeCell {
  readonly cell: Cell;
  readonly index: number;
  /** What the outputs have in bytes that were left out; 0 where none were. */
  readonly leftOut: number;
}

/**
 * Whole cells of a notebook by their indexes, in order: as many of the first as
 * may be in memory at a time, which is one at least. Outputs of a cell that are
 * too large for that by themselves are left out, as they are where nobody wants
 * them.
 *
 * @throws {ExpectedError} where it is no notebook any more
 */
export async function readCells(
  { source, outline, entry }: ReadNotebook,
  indexes: readonly number[],
  withOutputs = true,
): Promise<WholeCell[]> {
  const wanted = new Map<number, boolean>();
  let held = 0;
  for (const index of indexes) {
    const { chars, outputBytes } = outline.cells[index] ?? { chars: 0, outputBytes: 0 };
    const isWithOutputs = withOutputs && outputBytes <= MAX_EDIT_BYTES;
    held += chars + (isWithOutputs ? outputBytes : 0);
    if (held > MAX_EDIT_BYTES && wanted.size > 0) break;
    wanted.set(index, isWithOutputs);
  }
  const members = new Map<number, Map<string, Uint8Array>>();
  const { at } = source;
  const scanner = new JsonScanner({
    begin(path) {
      if (path.length <= at.length)
        return path.every((key, i) => key === at[i]) ? "enter" : "skip";
      const [key, index] = path.slice(at.length);
      if (key !== "cells") return "skip";
      if (index === undefined) {
        // Of a name that is there twice, Python takes the last value.
        members.clear();
        return "enter";
      }
      const isWithOutputs = wanted.get(Number(index));
      if (isWithOutputs === undefined) return "skip";
      if (path.length === at.length + 2) return "enter";
      if (path.at(-1) === "outputs") return isWithOutputs ? "take" : "skip";
      return SHOWN.includes(String(path.at(-1))) ? "take" : "skip";
    },
    take(path, bytes) {
      const [, index, member] = path.slice(at.length);
      const cell = members.get(Number(index)) ?? new Map<string, Uint8Array>();
      // A copy: a view would hold all that arrived with it.
      cell.set(String(member), bytes.slice());
      members.set(Number(index), cell);
    },
  });
  try {
    for await (const chunk of await source.chunks()) scanner.push(chunk);
    scanner.finish();
  } catch (error) {
    throw asExpected(asFormatError(error), entry.path);
  }
  return [...wanted].flatMap(([index, isWithOutputs]) => {
    const found = members.get(index);
    const known = outline.cells[index];
    if (found === undefined || known === undefined) return [];
    const leftOut = withOutputs && !isWithOutputs ? known.outputBytes : 0;
    return [{ cell: cellFrom(found, known.id, index), index, leftOut }];
  });
}

async function sourceOf(
  server: JupyterServer,
  path: string,
  entry: ContentsEntry,
  deadline: number,
): Promise<Source> {
  if ((entry.size ?? Infinity) > MAX_EDIT_BYTES)
    return {
      at: [],
      chunks: async () => chunksOf(await streamBytes(server, path), path, deadline),
    };
  const timeoutMs = Math.max(0, deadline - Date.now());
  const bytes = await readBytes(server, path, MAX_EDIT_BYTES, timeoutMs).catch(
    (error: unknown) => {
      throw Date.now() >= deadline ? tooSlow(path) : error;
    },
  );
  if (bytes === null) throw new ExpectedError({ code: "file_not_found", path });
  return { at: [], chunks: () => Promise.resolve([bytes]) };
}

/** Before nbformat 4, Jupyter upgrades what it reads. Its answer has the notebook under "content". */
function oldSource(server: JupyterServer, path: string, deadline: number): Source {
  const url = `/api/contents/${urlPath(path)}?type=notebook&content=1`;
  return {
    at: ["content"],
    chunks: async () => chunksOf(await server.stream(url), path, deadline),
  };
}

async function* chunksOf(
  stream: ByteStream | null,
  path: string,
  deadline: number,
): AsyncGenerator<Uint8Array> {
  if (stream === null) throw new ExpectedError({ code: "file_not_found", path });
  let bytes = 0;
  for await (const chunk of stream.body) {
    bytes += chunk.byteLength;
    if (bytes > 2 * MAX_OUTLINE_BYTES)
      throw new ExpectedError({
        code: "file_too_large",
        path,
        bytes,
        limit: MAX_OUTLINE_BYTES,
      });
    if (Date.now() >= deadline) throw tooSlow(path);
    yield chunk;
  }
}

function tooSlow(path: string): ExpectedError {
  return new ExpectedError({
    code: "notebook_too_slow",
    path,
    seconds: MAX_READ_MS / 1_000,
  });
}
