import { z } from "zod";
import { ExpectedError } from "../../errors.ts";
import { base64Of } from "../../jupyter/bytes.ts";
import {
  fileEntry,
  readBytes,
  streamBytes,
  type ContentsEntry,
} from "../../jupyter/contents.ts";
import { checkedPath } from "../../jupyter/paths.ts";
import { readLines, type FileText } from "../../output/file-text.ts";
import { formatBytes, imageSize, imageType } from "../../output/image.ts";
import { mimeTypeOf, sizeAndTime } from "../file-words.ts";
import { quotedPath } from "../quoting.ts";
import { defineTool, text, type ToolContext, type ToolResult } from "../tool.ts";
import { filePath, outputBudget } from "./arguments.ts";

/** As far as a connection of a home brings in the time that a call may take. */
const MAX_READ_BYTES = 64_000_000;
const MAX_READ_MS = 25_000;
/** As `get_output` sends them: clients refuse larger ones. */
const MAX_IMAGE_BYTES = 3_750_000;

/** Reads what is in a file. */
export const readFile = defineTool({
  name: "read_file",
  title: "Read file",
  description:
    "Read a text file with line numbers, or an image. read_notebook is better for notebooks.",
  scopes: ["notebooks:read"],
  input: z.strictObject({
    path: filePath,
    start_line: z.number().int().min(1).default(1),
    line_count: z.number().int().min(1).max(10_000).default(500),
    max_output_chars: outputBudget,
  }),
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  async run({ path: given, start_line, line_count, max_output_chars }, { jupyter }) {
    const path = checkedPath(given);
    const entry = await fileEntry(jupyter, path);
    const stream = await streamBytes(jupyter, path);
    if (stream === null) throw new ExpectedError({ code: "file_not_found", path });
    const deadline = Date.now() + MAX_READ_MS;
    const read = await readLines(stream.body, {
      startLine: start_line,
      lineCount: line_count,
      maxChars: max_output_chars,
      maxBytes: MAX_READ_BYTES,
      isTimeUp: () => Date.now() >= deadline,
    });
    return read.kind === "binary"
      ? binaryResult(path, entry, read.head, jupyter)
      : textResult(path, entry, read, start_line);
  },
});

function textResult(
  path: string,
  entry: ContentsEntry,
  read: Extract<FileText, { kind: "text" }>,
  startLine: number,
): ToolResult {
  const { lines: shown, totalLines, nextLine, givenUp } = read;
  if (givenUp !== null && shown.length === 0)
    throw new ExpectedError({ code: "line_too_far", path, line: startLine, ...givenUp });
  const lines = [headLine(path, entry, totalLines)];
  if (entry.type === "notebook") lines.push("A notebook: read_notebook shows its cells.");
  lines.push(...encodingLines(read));
  lines.push(...shown.map((line, index) => `${startLine + index}\t${line}`));
  if (totalLines === 0) lines.push("(empty)");
  else if (shown.length === 0) lines.push(`There is no line ${startLine}.`);
  if (givenUp !== null)
    lines.push(
      `Reading stopped after ${formatBytes(givenUp.bytes)}.\nNext: run_code reads on, with code that seeks to the part that matters.`,
    );
  if (nextLine === null) return text(lines.join("\n"));
  lines.push(`Next: read_file start_line: ${nextLine} reads on.`);
  return text(lines.join("\n"), { "jupyter-edge/page": { cursor: String(nextLine) } });
}

function headLine(path: string, entry: ContentsEntry, totalLines: number | null): string {
  const head = `${quotedPath(path)} · ${sizeAndTime(entry)}`;
  if (totalLines === null) return head;
  return `${head} · ${totalLines} ${totalLines === 1 ? "line" : "lines"}`;
}

function encodingLines({
  encoding,
  isDamaged,
}: Extract<FileText, { kind: "text" }>): string[] {
  const lines: string[] = [];
  if (encoding === "windows-1252")
    lines.push("Not UTF-8: read as Windows-1252, so that some letters may be wrong.");
  else if (encoding !== "utf-8") lines.push(`In ${encoding.toUpperCase()}.`);
  if (isDamaged)
    lines.push("\uFFFD stands where bytes are no character of the file's encoding.");
  return lines;
}

async function binaryResult(
  path: string,
  entry: ContentsEntry,
  head: Uint8Array,
  jupyter: ToolContext["jupyter"],
): Promise<ToolResult> {
  const line = `${quotedPath(path)} · ${sizeAndTime(entry)}`;
  const mime = imageType(head);
  const given = mimeTypeOf(entry);
  if (mime === null)
    return text(
      `${line}${given === null ? "" : ` · ${given}`}\nNot text.\nNext: run_code reads it with a library for its format.`,
    );
  if ((entry.size ?? 0) > MAX_IMAGE_BYTES)
    return text(
      `${line} · ${mime}\nToo large to send; the limit is ${formatBytes(MAX_IMAGE_BYTES)}.\nNext: run_code makes a smaller one of it.`,
    );
  const image = await readBytes(jupyter, path, MAX_IMAGE_BYTES);
  if (image === null) throw new ExpectedError({ code: "file_not_found", path });
  const data = base64Of(image);
  const size = imageSize(mime, data);
  const pixels = size === null ? "" : ` · ${size.width}×${size.height}`;
  return {
    content: [
      { type: "text", text: `${line} · ${mime}${pixels}` },
      { type: "image", data, mimeType: mime },
    ],
  };
}
