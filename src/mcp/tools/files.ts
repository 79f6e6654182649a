import { z } from "zod";
import { ExpectedError } from "../../errors.ts";
import {
  copyContents,
  deleteContents,
  listDirectory,
  makeFolders,
  moveContents,
  readBytes,
  saveContents,
  statContents,
  streamBytes,
  type ContentsEntry,
} from "../../jupyter/contents.ts";
import { compileGlob } from "../../jupyter/glob.ts";
import { listTree } from "../../jupyter/listing.ts";
import { checkedPath, folderOf } from "../../jupyter/paths.ts";
import { asExpected } from "../../notebook/contents-notebook.ts";
import { OldNotebookError, parseNotebook } from "../../notebook/notebook.ts";
import { readLines } from "../../output/file-text.ts";
import { formatBytes } from "../../output/image.ts";
import { quotedPath } from "../quoting.ts";
import { defineTool, text, type ToolContext, type ToolResult } from "../tool.ts";

const MAX_DEPTH = 8;
const MAX_FOLDERS = 500;
const MAX_LIST_MS = 20_000;
const MAX_READ_CHARS = 10_000;
/** As far as a connection of a home brings in the time that a call may take. */
const MAX_READ_BYTES = 64_000_000;
/** As `get_output` sends them: clients refuse larger ones. */
const MAX_IMAGE_BYTES = 3_750_000;
const MAX_CONTENT_CHARS = 10_000_000;

const filePath = z.string().describe("Path relative to Jupyter's root");
const notDestructive = {
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: false,
};
const reading = { ...notDestructive, readOnlyHint: true, idempotentHint: true };

const listFiles = defineTool({
  name: "list_files",
  title: "List files",
  description:
    "List folders, notebooks and files with size and time of their last change.",
  input: z.strictObject({
    path: z.string().describe("Folder. Default: Jupyter's root").default(""),
    depth: z
      .number()
      .int()
      .min(1)
      .max(MAX_DEPTH)
      .describe("Levels of folders")
      .optional(),
    pattern: z
      .string()
      .min(1)
      .max(200)
      .describe(
        'Glob below path, as "data/*.csv"; without "/" it finds names at any depth',
      )
      .optional(),
    limit: z.number().int().min(1).max(1_000).default(200),
    cursor: z.string().max(2_000).optional(),
  }),
  annotations: reading,
  async run({ path: given, depth, pattern, limit, cursor }, { jupyter }) {
    const path = checkedPath(given, true);
    const there = await statContents(jupyter, path);
    if (there === null) throw new ExpectedError({ code: "file_not_found", path });
    if (there.type !== "directory") throw new ExpectedError({ code: "not_folder", path });
    const isName = pattern?.includes("/") === false;
    const glob = compileGlob(isName ? `**/${pattern}` : (pattern ?? "**"));
    const below = (entry: string) => (path === "" ? entry : entry.slice(path.length + 1));
    const { entries, unseen } = await listTree(jupyter, path, {
      depth: depth ?? (pattern === undefined ? 1 : MAX_DEPTH),
      maxFolders: MAX_FOLDERS,
      maxMs: MAX_LIST_MS,
      isWanted: (folder) => glob.canMatchBelow(below(folder)),
    });
    const found = entries.filter((entry) => glob.matches(below(entry.path)));
    const rest = found.filter((entry) => cursor === undefined || entry.path > cursor);
    const page = rest.slice(0, limit);
    const last = rest.length > limit ? page.at(-1)?.path : undefined;
    const lines = [
      `${quotedPath(path === "" ? "/" : path)} · ${found.length} ${found.length === 1 ? "entry" : "entries"}`,
      ...page.map((entry) => entryLine(entry)),
    ];
    if (unseen.length > 0)
      lines.push(
        `Not looked at: ${unseen.length} folders, as ${quotedPath(unseen[0] ?? "")}.`,
      );
    if (last === undefined) return text(lines.join("\n"));
    lines.push(
      `Next: list_files cursor: ${JSON.stringify(last)} shows ${rest.length - limit} more.`,
    );
    return text(lines.join("\n"), { "jupyter-edge/page": { cursor: last } });
  },
});

const readFile = defineTool({
  name: "read_file",
  title: "Read file",
  description:
    "Read a text file with line numbers, or an image. read_notebook is better for notebooks.",
  input: z.strictObject({
    path: filePath,
    start_line: z.number().int().min(1).default(1),
    line_count: z.number().int().min(1).max(10_000).default(500),
  }),
  annotations: reading,
  async run({ path: given, start_line, line_count }, { jupyter }) {
    const path = checkedPath(given);
    const entry = await existing(path, jupyter);
    if (entry.type === "directory") throw new ExpectedError({ code: "is_folder", path });
    const stream = await streamBytes(jupyter, path);
    if (stream === null) throw new ExpectedError({ code: "file_not_found", path });
    const read = await readLines(stream.body, {
      startLine: start_line,
      lineCount: line_count,
      maxChars: MAX_READ_CHARS,
      maxBytes: MAX_READ_BYTES,
    });
    const head = `${quotedPath(path)} · ${sizeAndTime(entry)}`;
    if (read.kind === "binary") return binary(path, head, read.head, entry, jupyter);
    const lines = [
      read.totalLines === null ? head : `${head} · ${lineWord(read.totalLines)}`,
    ];
    if (entry.type === "notebook")
      lines.push("A notebook: read_notebook shows its cells.");
    if (read.isDamaged)
      lines.push("Not valid in its encoding: characters were replaced by \uFFFD.");
    lines.push(...read.lines.map((line, index) => `${start_line + index}\t${line}`));
    if (read.isTooFar && read.lines.length === 0) {
      lines.push(
        `The first ${formatBytes(MAX_READ_BYTES)} have fewer lines than that.\nNext: run_code reads it further on.`,
      );
    } else if (read.lines.length === 0) {
      lines.push(read.totalLines === 0 ? "(empty)" : `There is no line ${start_line}.`);
    }
    if (read.nextLine === null || read.lines.length === 0) return text(lines.join("\n"));
    const cursor = String(start_line + read.lines.length);
    lines.push(`Next: read_file start_line: ${cursor} reads on.`);
    return text(lines.join("\n"), { "jupyter-edge/page": { cursor } });
  },
});

const writeFile = defineTool({
  name: "write_file",
  title: "Write file",
  description: "Write a file; folders that are missing are made.",
  input: z.strictObject({
    path: filePath,
    content: z.string().max(MAX_CONTENT_CHARS),
    encoding: z.enum(["text", "base64"]).default("text"),
    overwrite: z.boolean().default(false),
  }),
  annotations: { ...notDestructive, readOnlyHint: false, destructiveHint: true },
  async run({ path: given, content, encoding, overwrite }, { jupyter }) {
    const path = checkedPath(given);
    if (encoding === "base64") throwIfNotBase64(path, content);
    if (path.toLowerCase().endsWith(".ipynb")) throwIfNoNotebook(path, content, encoding);
    await makeFolders(jupyter, folderOf(path));
    const there = await statContents(jupyter, path);
    if (there?.type === "directory") throw new ExpectedError({ code: "is_folder", path });
    if (there !== null && !overwrite)
      throw new ExpectedError({ code: "file_exists", path });
    const saved = await saveContents(jupyter, path, {
      type: "file",
      format: encoding,
      content,
    });
    const done = there === null ? "Created" : "Replaced";
    return text(`${done} ${quotedPath(path)} · ${sizeAndTime(saved)}`);
  },
});

const fromTo = z.strictObject({ from: filePath, to: filePath });

const copyFile = defineTool({
  name: "copy_file",
  title: "Copy file",
  description: "Copy a file or notebook. Never over an existing file.",
  input: fromTo,
  annotations: { ...notDestructive, readOnlyHint: false },
  async run(given, { jupyter }) {
    const { from, to } = await checkedPair(given, jupyter);
    if (from.type === "directory")
      throw new ExpectedError({ code: "is_folder", path: from.path });
    const copy = await copyContents(jupyter, from.path, to);
    return text(
      `Copied ${quotedPath(from.path)} to ${quotedPath(to)} · ${sizeAndTime(copy)}`,
    );
  },
});

const moveFile = defineTool({
  name: "move_file",
  title: "Move file",
  description: "Move or rename a file or folder. Never over an existing file.",
  input: fromTo,
  annotations: { ...notDestructive, readOnlyHint: false, destructiveHint: true },
  async run(given, { jupyter }) {
    const { from, to } = await checkedPair(given, jupyter);
    await moveContents(jupyter, from.path, to);
    return text(`Moved ${quotedPath(from.path)} to ${quotedPath(to)}.`);
  },
});

const deleteFile = defineTool({
  name: "delete_file",
  title: "Delete file",
  description: "Delete a file or an empty folder.",
  input: z.strictObject({ path: filePath }),
  annotations: {
    ...notDestructive,
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
  },
  async run({ path: given }, { jupyter }) {
    const path = checkedPath(given);
    const { type } = await existing(path, jupyter);
    if (type === "directory") {
      const { length: entries } = await listDirectory(jupyter, path);
      if (entries > 0)
        throw new ExpectedError({ code: "folder_not_empty", path, entries });
    }
    if (!(await deleteContents(jupyter, path)))
      throw new ExpectedError({ code: "file_not_found", path });
    return text(`Deleted ${quotedPath(path)}.`);
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

async function checkedPair(
  given: z.infer<typeof fromTo>,
  jupyter: ToolContext["jupyter"],
) {
  const [fromPath, to] = [checkedPath(given.from), checkedPath(given.to)];
  const from = await existing(fromPath, jupyter);
  if (to.startsWith(`${fromPath}/`)) {
    const detail = "it is inside of what is copied or moved";
    throw new ExpectedError({ code: "bad_path", path: to, detail });
  }
  await makeFolders(jupyter, folderOf(to));
  const there = await statContents(jupyter, to);
  if (there !== null) throw new ExpectedError({ code: "file_exists", path: to });
  return { from: { ...from, path: fromPath }, to };
}

function entryLine(entry: ContentsEntry): string {
  const path = quotedPath(entry.path);
  if (entry.type === "directory") return `${path}/`;
  return `${path} · ${sizeAndTime(entry)}`;
}

function sizeAndTime({ size, last_modified }: ContentsEntry): string {
  const at = Date.parse(last_modified);
  const time = Number.isNaN(at)
    ? ""
    : ` · ${new Date(at).toISOString().slice(0, 16).replace("T", " ")}`;
  return `${size === null ? "size unknown" : formatBytes(size)}${time}`;
}

function lineWord(lines: number): string {
  return lines === 1 ? "1 line" : `${lines} lines`;
}

/** Images as clients show them, by the signatures that their files begin with. */
const SIGNATURES: readonly (readonly [string, RegExp])[] = [
  ["image/png", /^\x89PNG\r\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[\s\S]{4}WEBP/],
];

async function binary(
  path: string,
  head: string,
  bytes: Uint8Array,
  entry: ContentsEntry,
  jupyter: ToolContext["jupyter"],
): Promise<ToolResult> {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  const mime = SIGNATURES.find(([, signature]) => signature.test(start))?.[0];
  if (mime === undefined)
    return text(
      `${head}\nNot text.\nNext: run_code reads it with a library for its format.`,
    );
  if ((entry.size ?? 0) > MAX_IMAGE_BYTES)
    return text(
      `${head} · ${mime}\nToo large to send.\nNext: run_code makes a smaller one of it.`,
    );
  const image = await readBytes(jupyter, path, MAX_IMAGE_BYTES);
  if (image === null) throw new ExpectedError({ code: "file_not_found", path });
  return {
    content: [
      { type: "text", text: `${head} · ${mime}` },
      { type: "image", data: base64Of(image), mimeType: mime },
    ],
  };
}

function base64Of(bytes: Uint8Array): string {
  let binaryText = "";
  for (let at = 0; at < bytes.byteLength; at += 8_192)
    binaryText += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(binaryText);
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
    if (!(error instanceof OldNotebookError)) throw asExpected(error, path);
  }
}
