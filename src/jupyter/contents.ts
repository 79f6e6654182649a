/**
 * Files and folders as the Contents API sees them, and their bytes through
 * `/files/`, which costs the server less and changes nothing about them.
 *
 * @see https://jupyter-server.readthedocs.io/en/latest/developers/contents.html
 */

import { z } from "zod";
import { ExpectedError } from "../errors.ts";
import { joinBytes } from "./bytes.ts";
import { parse } from "./kernels.ts";
import { folderOf, urlPath } from "./paths.ts";
import type { ByteStream, JupyterResponse, JupyterServer } from "./server.ts";

/** Saving 20 MB to a slow disk. */
const SAVE_TIMEOUT_MS = 50_000;
/** Some 50,000 entries. */
const MAX_LISTING_BYTES = 16 * 1024 * 1024;

const entrySchema = z.object({
  name: z.string(),
  path: z.string(),
  type: z.enum(["directory", "file", "notebook"]).catch("file"),
  size: z.number().nullable().catch(null),
  last_modified: z.string().catch(""),
  writable: z.boolean().catch(true),
  mimetype: z.string().nullable().catch(null),
  /** What a save had to say: where the notebook violates nbformat. */
  message: z.string().catch(""),
});

/** A file or folder without its content. `size` in bytes, `last_modified` as ISO 8601. */
export type ContentsEntry = z.infer<typeof entrySchema>;

const directorySchema = entrySchema.extend({
  type: z.string(),
  content: z.array(entrySchema).nullable(),
});

/** What stands at a path, or `null`. */
export async function statContents(
  server: JupyterServer,
  path: string,
): Promise<ContentsEntry | null> {
  try {
    const response = await server.request(`${apiPath(path)}?content=0`);
    return response.status === 404 ? null : parse(server, entrySchema, response.json());
  } catch (error) {
    // Jupyter fails where it is asked for what would be below a file.
    const isTheirs =
      error instanceof ExpectedError && error.failure.code === "jupyter_error";
    const folder = folderOf(path);
    if (!isTheirs || folder === "") throw error;
    const above = await statContents(server, folder);
    if (above?.type === "directory") throw error;
    return null;
  }
}

/**
 * What stands at a file's path.
 *
 * @throws {ExpectedError} `file_not_found`, or `is_folder` for a folder
 */
export async function fileEntry(
  server: JupyterServer,
  path: string,
): Promise<ContentsEntry> {
  const entry = await statContents(server, path);
  if (entry === null) throw new ExpectedError({ code: "file_not_found", path });
  if (entry.type === "directory") throw new ExpectedError({ code: "is_folder", path });
  return entry;
}

/**
 * What is in a folder, as the server lists it: without hidden files unless it is set to show them.
 *
 * @throws {ExpectedError} `file_not_found`, or `not_folder` for a file
 */
export async function listDirectory(
  server: JupyterServer,
  path: string,
): Promise<ContentsEntry[]> {
  const response = await server
    .request(`${apiPath(path)}?content=1&type=directory`, { maxBytes: MAX_LISTING_BYTES })
    .catch((error: unknown) => {
      const isFile =
        error instanceof ExpectedError &&
        error.failure.code === "jupyter_error" &&
        error.failure.status === 400;
      throw isFile
        ? new ExpectedError({ code: "not_folder", path }, { cause: error })
        : error;
    });
  if (response.status === 404) throw new ExpectedError({ code: "file_not_found", path });
  return parse(server, directorySchema, response.json()).content ?? [];
}

/** A file's bytes, read whole; `null` where there is none. */
export function readBytes(
  server: JupyterServer,
  path: string,
  maxBytes: number,
  timeoutMs?: number,
): Promise<Uint8Array | null> {
  const bounds = { maxBytes, ...(timeoutMs !== undefined && { timeoutMs }) };
  return server.bytes(`/files/${urlPath(path)}`, bounds);
}

/** A file's bytes as they arrive; `null` where there is none. */
export function streamBytes(
  server: JupyterServer,
  path: string,
): Promise<ByteStream | null> {
  return server.stream(`/files/${urlPath(path)}`);
}

/** What a save writes: text, bytes as base64, or a notebook's JSON. */
export type NewContent =
  | {
      readonly type: "file";
      readonly format: "text" | "base64";
      readonly content: string;
    }
  | { readonly type: "notebook"; readonly content: Uint8Array };

/**
 * Writes a file, over what is there. Its folder has to exist.
 *
 * @throws {ExpectedError} `write_refused` where Jupyter cannot write there,
 *   `save_unanswered` where nobody knows whether it has
 */
export async function saveContents(
  server: JupyterServer,
  path: string,
  content: NewContent,
): Promise<ContentsEntry> {
  const body = content.type === "notebook" ? notebookBody(content.content) : content;
  const response = await refusedAs(path, () =>
    server.request(apiPath(path), { method: "PUT", body, timeoutMs: SAVE_TIMEOUT_MS }),
  ).catch((error: unknown) => {
    throw asUnanswered(error, path);
  });
  return parse(server, entrySchema, response.json());
}

/** Makes a folder, and those above it that are missing. */
export async function makeFolders(server: JupyterServer, path: string): Promise<void> {
  if (path === "") return;
  const there = await statContents(server, path);
  if (there !== null) {
    if (there.type === "directory") return;
    throw new ExpectedError({ code: "not_folder", path });
  }
  await makeFolders(server, folderOf(path));
  await refusedAs(path, () =>
    server.request(apiPath(path), { method: "PUT", body: { type: "directory" } }),
  );
}

/**
 * Moves a file or a folder. Jupyter refuses a target that exists.
 *
 * @throws {ExpectedError} `file_exists` for a target that exists
 */
export async function moveContents(
  server: JupyterServer,
  from: string,
  to: string,
): Promise<ContentsEntry> {
  const response = await refusedAs(to, () =>
    server.request(apiPath(from), {
      method: "PATCH",
      body: { path: to },
      timeoutMs: SAVE_TIMEOUT_MS,
    }),
  );
  if (response.status === 404)
    throw new ExpectedError({ code: "file_not_found", path: from });
  return parse(server, entrySchema, response.json());
}

/**
 * Copies a file. Jupyter names a copy itself, so that it is renamed then, which
 * is refused where the target exists.
 */
export async function copyContents(
  server: JupyterServer,
  from: string,
  to: string,
): Promise<ContentsEntry> {
  const response = await refusedAs(to, () =>
    server.request(apiPath(folderOf(to)), {
      method: "POST",
      body: { copy_from: from },
      timeoutMs: SAVE_TIMEOUT_MS,
    }),
  );
  if (response.status === 404)
    throw new ExpectedError({ code: "file_not_found", path: from });
  const copy = parse(server, entrySchema, response.json());
  if (copy.path === to) return copy;
  try {
    return await moveContents(server, copy.path, to);
  } catch (error) {
    await deleteContents(server, copy.path).catch(() => false);
    throw error;
  }
}

/** Deletes a file or folder; false where there is none. Jupyter may move it to its trash. */
export async function deleteContents(
  server: JupyterServer,
  path: string,
): Promise<boolean> {
  const response = await refusedAs(path, () =>
    server.request(apiPath(path), { method: "DELETE" }),
  );
  return response.status !== 404;
}

function apiPath(path: string): string {
  return path === "" ? "/api/contents" : `/api/contents/${urlPath(path)}`;
}

/** The notebook's own JSON in the middle of the request's, byte for byte. */
function notebookBody(notebook: Uint8Array): Uint8Array {
  const encoder = new TextEncoder();
  const head = encoder.encode('{"type":"notebook","format":"json","content":');
  return joinBytes([head, notebook, encoder.encode("}")]);
}

/** A server that answers a write with an error cannot write there: a full disk, a read-only folder. */
async function refusedAs(
  path: string,
  request: () => Promise<JupyterResponse>,
): Promise<JupyterResponse> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof ExpectedError) || error.failure.code !== "jupyter_error")
      throw error;
    const { status, detail } = error.failure;
    if (status === 409) {
      throw new ExpectedError({ code: "file_exists", path }, { cause: error });
    }
    throw new ExpectedError({ code: "write_refused", path, detail }, { cause: error });
  }
}

/** A connection that was lost while something was saved, as a failure of its own. */
function asUnanswered(error: unknown, path: string): unknown {
  if (!(error instanceof ExpectedError) || error.failure.code !== "jupyter_unreachable")
    return error;
  const { reason } = error.failure;
  // Nothing was sent to a server that was not found.
  if (reason === "dns" || reason === "tls") return error;
  return new ExpectedError({ code: "save_unanswered", path, reason }, { cause: error });
}
