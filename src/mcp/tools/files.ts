import { z } from "zod";
import { ExpectedError, outcomeOf } from "../../errors.ts";
import {
  copyContents,
  deleteContents,
  listDirectory,
  makeFolders,
  moveContents,
  saveContents,
  statContents,
  type ContentsEntry,
} from "../../jupyter/contents.ts";
import { checkedPath, folderOf, isNotebookPath, nameOf } from "../../jupyter/paths.ts";
import { moveSessions } from "../../jupyter/sessions.ts";
import {
  NotebookFormatError,
  OldNotebookError,
  parseNotebook,
} from "../../notebook/notebook.ts";
import { exclusivelyOn } from "../../notebook/turns.ts";
import { sizeAndTime } from "../file-words.ts";
import { quotedPath } from "../quoting.ts";
import { defineTool, text, type ToolContext } from "../tool.ts";
import { filePath } from "./arguments.ts";
import { listFiles } from "./list-files.ts";
import { readFile } from "./read-file.ts";

const MAX_CONTENT_CHARS = 10_000_000;

const writing = { readOnlyHint: false, idempotentHint: false, openWorldHint: false };

const writeFile = defineTool({
  name: "write_file",
  title: "Write file",
  description:
    "Write a file; folders that are missing are made. For notebooks, create_notebook and edit_notebook are better.",
  scopes: ["notebooks:write"],
  input: z.strictObject({
    path: filePath,
    content: z.string().max(MAX_CONTENT_CHARS),
    encoding: z.enum(["text", "base64"]).default("text"),
    overwrite: z.boolean().default(false),
  }),
  annotations: { ...writing, destructiveHint: true },
  async run({ path: given, content, encoding, overwrite }, context) {
    const path = checkedPath(given);
    if (encoding === "base64") throwIfNotBase64(path, content);
    if (isNotebookPath(path)) throwIfNoNotebook(path, content, encoding);
    const { jupyter, workspace } = context;
    return exclusivelyOn(
      workspace,
      path,
    )(async () => {
      await makeFolders(jupyter, folderOf(path));
      const there = await statContents(jupyter, path);
      if (there?.type === "directory")
        throw new ExpectedError({ code: "is_folder", path });
      if (there !== null && !overwrite)
        throw new ExpectedError({ code: "file_exists", path });
      const saved = await saveContents(jupyter, path, {
        type: "file",
        format: encoding,
        // Half of a surrogate pair cannot be written in UTF-8.
        content: content.toWellFormed(),
      });
      const done = there === null ? "Created" : "Replaced";
      return text(`${done} ${quotedPath(path)} · ${sizeAndTime(saved)}`);
    });
  },
});

const fromTo = z.strictObject({ from: filePath, to: filePath });

const copyFile = defineTool({
  name: "copy_file",
  title: "Copy file",
  description: "Copy a file or notebook. Never over an existing file.",
  scopes: ["notebooks:write"],
  input: fromTo,
  annotations: { ...writing, destructiveHint: false },
  async run(given, { jupyter, workspace }) {
    const from = checkedPath(given.from);
    const { type } = await existing(from, jupyter);
    if (type === "directory") throw new ExpectedError({ code: "is_folder", path: from });
    const to = await freePath(given.to, from, jupyter);
    const copy = await copyContents(jupyter, from, to);
    await workspace.fileChanged(to);
    return text(`Copied ${quotedPath(from)} to ${quotedPath(to)} · ${sizeAndTime(copy)}`);
  },
});

const moveFile = defineTool({
  name: "move_file",
  title: "Move file",
  description: "Move or rename a file or folder. Never over an existing file.",
  scopes: ["notebooks:write"],
  input: fromTo,
  annotations: { ...writing, destructiveHint: true },
  async run(given, { jupyter, workspace }) {
    const from = checkedPath(given.from);
    await existing(from, jupyter);
    const to = await freePath(given.to, from, jupyter);
    await moveContents(jupyter, from, to);
    await workspace.fileMoved(from, to);
    const moved = `Moved ${quotedPath(from)} to ${quotedPath(to)}.`;
    const sessions = await outcomeOf(() => moveSessions(jupyter, from, to));
    return text(
      "ok" in sessions
        ? moved
        : `${moved} A kernel of its own, if it has one, still belongs to the old path.`,
    );
  },
});

const deleteFile = defineTool({
  name: "delete_file",
  title: "Delete file",
  description: "Delete a file or an empty folder.",
  scopes: ["notebooks:write"],
  input: z.strictObject({ path: filePath }),
  annotations: { ...writing, destructiveHint: true, idempotentHint: true },
  async run({ path: given }, { jupyter, workspace }) {
    const path = checkedPath(given);
    const { type } = await existing(path, jupyter);
    if (type === "directory") {
      const { length: entries } = await listDirectory(jupyter, path);
      if (entries > 0)
        throw new ExpectedError({ code: "folder_not_empty", path, entries });
    }
    if (!(await deleteContents(jupyter, path)))
      throw new ExpectedError({ code: "file_not_found", path });
    await workspace.fileDeleted(path);
    const hidden = type === "directory" ? ", with the hidden files in it, if any" : "";
    return text(`Deleted ${quotedPath(path)}${hidden}.`);
  },
});

/** Files as they are, through the Contents API. */
export const fileTools = [listFiles, readFile, writeFile, copyFile, moveFile, deleteFile];

async function existing(
  path: string,
  jupyter: ToolContext["jupyter"],
): Promise<ContentsEntry> {
  const entry = await statContents(jupyter, path);
  if (entry === null) throw new ExpectedError({ code: "file_not_found", path });
  return entry;
}

/** The path of something new, in a folder that is there then. */
async function freePath(
  given: string,
  from: string,
  jupyter: ToolContext["jupyter"],
): Promise<string> {
  const to = checkedPath(given);
  if (to.startsWith(`${from}/`)) {
    const detail = "it is inside of what is copied or moved";
    throw new ExpectedError({ code: "bad_path", path: to, detail });
  }
  await makeFolders(jupyter, folderOf(to));
  const there = await statContents(jupyter, to);
  if (there?.type === "directory" && to !== from) {
    const inside = `${to}/${nameOf(from)}`;
    throw new ExpectedError({ code: "target_is_folder", path: to, inside });
  }
  if (there !== null) throw new ExpectedError({ code: "file_exists", path: to });
  return to;
}

function throwIfNotBase64(path: string, content: string): void {
  const compact = content.replaceAll(/\s/g, "");
  const isBase64 = compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
  if (!isBase64) throw new ExpectedError({ code: "not_base64", path });
}

/** What is called a notebook has to be one: JupyterLab would not open it. */
function throwIfNoNotebook(
  path: string,
  content: string,
  encoding: "text" | "base64",
): void {
  const bytes =
    encoding === "text"
      ? new TextEncoder().encode(content)
      : Uint8Array.from(atob(content.replaceAll(/\s/g, "")), (char) =>
          char.charCodeAt(0),
        );
  try {
    parseNotebook(bytes);
  } catch (error) {
    if (error instanceof OldNotebookError) return;
    if (!(error instanceof NotebookFormatError)) throw error;
    const { where } = error;
    throw new ExpectedError(
      { code: "bad_notebook_content", path, where },
      { cause: error },
    );
  }
}
