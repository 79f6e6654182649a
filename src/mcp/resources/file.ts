import { ExpectedError } from "../../errors.ts";
import { base64Of } from "../../jupyter/bytes.ts";
import { fileEntry, readBytes, type ContentsEntry } from "../../jupyter/contents.ts";
import { checkedPath } from "../../jupyter/paths.ts";
import { textOf } from "../../output/file-text.ts";
import { imageType } from "../../output/image.ts";
import { completePath } from "../completion.ts";
import { mimeTypeOf } from "../file-words.ts";
import { defineResource } from "../resource.ts";

/** As base64 it has 5 MB, which is as much as clients take of an image. */
const MAX_BYTES = 3_750_000;

/** A file as it is. One that is cut would be another file: larger ones are refused. */
export const fileResource = defineResource({
  name: "file",
  title: "File",
  description:
    "A file of up to 3.75 MB: text as text, images and other bytes as they are.",
  template: "jupyter://files/{+path}",
  scopes: ["notebooks:read"],
  complete: { path: completePath },
  async read({ path: given }, { jupyter }) {
    const path = checkedPath(given);
    const entry = await fileEntry(jupyter, path);
    const { size } = entry;
    if (size !== null && size > MAX_BYTES)
      throw new ExpectedError({
        code: "file_too_large",
        path,
        bytes: size,
        limit: MAX_BYTES,
      });
    const bytes = await readBytes(jupyter, path, MAX_BYTES);
    if (bytes === null) throw new ExpectedError({ code: "file_not_found", path });
    const image = imageType(bytes);
    const text = image === null ? textOf(bytes) : null;
    if (text !== null) return [{ mimeType: textTypeOf(entry), text }];
    const mimeType = image ?? mimeTypeOf(entry) ?? "application/octet-stream";
    return [{ mimeType, blob: base64Of(bytes) }];
  },
});

/** The type of a text. By names alone, TypeScript would be a video. */
function textTypeOf(entry: ContentsEntry): string {
  if (entry.type === "notebook") return "application/x-ipynb+json";
  const type = mimeTypeOf(entry) ?? "text/plain";
  const isText = /^text\/|^application\/(?!octet-stream$)|\+xml$/.test(type);
  return isText ? type : "text/plain";
}
