import type { ContentsEntry } from "../jupyter/contents.ts";
import { formatBytes } from "../output/image.ts";
import { quotedPath } from "./quoting.ts";

/** `1.2 MB · 2026-11-23 10:02Z`: a file's size and the time, in UTC, of its last change. */
export function sizeAndTime({ size, last_modified }: ContentsEntry): string {
  const at = Date.parse(last_modified);
  const time = Number.isNaN(at)
    ? ""
    : ` · ${new Date(at).toISOString().slice(0, 16).replace("T", " ")}Z`;
  return `${size === null ? "size unknown" : formatBytes(size)}${time}`;
}

/** What Jupyter takes a file for, by its name; null where it does not say. */
export function mimeTypeOf({ mimetype }: ContentsEntry): string | null {
  const isType = mimetype !== null && /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(mimetype);
  return isType ? mimetype : null;
}

/** A line of a listing. What is only a slash behind a path is a folder. */
export function entryLine(entry: ContentsEntry): string {
  const path = quotedPath(entry.path);
  return entry.type === "directory" ? `${path}/` : `${path} · ${sizeAndTime(entry)}`;
}
