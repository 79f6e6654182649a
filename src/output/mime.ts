import type { MimeBundle } from "../jupyter/messages.ts";
import { htmlText } from "./html.ts";
import { plainText } from "./terminal.ts";

/** The raster images that every client shows, best first. */
const RASTER_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/**
 * A `text/plain` that names an object and tells nothing about it:
 * `<Foo object at 0x7f3a>`, `<IPython.core.display.HTML object>`,
 * `<Figure size 640x480 with 1 Axes>`.
 */
const BARE_REPR =
  /^<(?:[\w.]+(?: object)? at 0x[\da-f]+|[\w.]+ object|Figure size [\d.]+x[\d.]+ with \d+ Axes)>$/i;

/** A representation that was not chosen and carries more than the one that was. */
export interface OtherRepresentation {
  readonly mime: string;
  /** The length of its value; of JSON, of its compact form. */
  readonly chars: number;
}

/** What of a mime bundle is shown. */
export type Representation =
  | {
      readonly kind: "image";
      readonly mime: string;
      /** Without line breaks. */
      readonly base64: string;
      /** A `text/plain` beside the image that says something. */
      readonly alt?: string;
      readonly others: readonly OtherRepresentation[];
    }
  | {
      readonly kind: "text";
      readonly text: string;
      readonly others: readonly OtherRepresentation[];
    };

/**
 * The best representation of a mime bundle: a raster image, else the text that
 * reads best. SVG, plots and widgets read as their plain text. The rest that is
 * worth a call of its own is listed in `others`, in the order of the bundle.
 */
export function representationOf(data: MimeBundle): Representation {
  const plain = plainText(valueText(data, "text/plain") ?? "");
  const isTelling = plain !== "" && !BARE_REPR.test(plain.trim());
  let damaged: string | undefined;
  for (const mime of RASTER_TYPES) {
    const value = valueText(data, mime);
    if (value === undefined) continue;
    const base64 = withoutWhitespace(value);
    if (isPlausibleBase64(base64)) {
      const image = { kind: "image", mime, base64, others: othersOf(data) } as const;
      return isTelling ? { ...image, alt: plain } : image;
    }
    damaged ??= mime;
  }
  const text = bestText(data, isTelling ? plain : undefined);
  if (damaged !== undefined) {
    const note = `[${damaged}: its value is not base64]`;
    return {
      kind: "text",
      text: text === undefined ? note : `${text}\n${note}`,
      others: othersOf(data),
    };
  }
  // HTML that was chosen is shown; HTML that nothing stands in for can only be fetched.
  const listsHtml = text === undefined;
  return { kind: "text", text: text ?? plain, others: othersOf(data, listsHtml) };
}

/**
 * A value as it is handed out: lines joined, as nbformat may split what is not
 * JSON; everything else as it is.
 */
export function joinedValue(mime: string, value: unknown): unknown {
  if (!Array.isArray(value) || isJsonType(mime)) return value;
  return value.every((line) => typeof line === "string") ? value.join("") : value;
}

/** The text that says most, or `undefined` where there is only a bare repr or nothing. */
function bestText(data: MimeBundle, plain: string | undefined): string | undefined {
  const markdown = valueText(data, "text/markdown");
  if (markdown) return plainText(markdown);
  if (plain !== undefined) return plain;
  const html = valueText(data, "text/html");
  const readable = html ? htmlText(html) : "";
  if (readable !== "") return readable;
  return (
    valueText(data, "application/json") ?? (valueText(data, "text/latex") || undefined)
  );
}

/** A value as text: compact JSON unless it is a string. `undefined` when it is absent. */
function valueText(data: MimeBundle, mime: string): string | undefined {
  const value = Object.hasOwn(data, mime) ? joinedValue(mime, data[mime]) : undefined;
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function othersOf(data: MimeBundle, listsHtml = false): OtherRepresentation[] {
  const others: OtherRepresentation[] = [];
  let hasWidget = false;
  for (const mime of Object.keys(data)) {
    if (!(carriesMore(mime) || (listsHtml && mime === "text/html"))) continue;
    const isWidget = mime.startsWith("application/vnd.jupyter.widget-");
    if (isWidget && hasWidget) continue;
    hasWidget ||= isWidget;
    const chars = valueText(data, mime)?.length ?? 0;
    if (chars > 0) others.push({ mime, chars });
  }
  return others;
}

function carriesMore(mime: string): boolean {
  if (RASTER_TYPES.includes(mime)) return false;
  if (/^(?:image|audio|video)\//.test(mime)) return true;
  return (
    mime.startsWith("application/vnd.") ||
    mime === "application/pdf" ||
    mime.endsWith("+json")
  );
}

function isJsonType(mime: string): boolean {
  return mime === "application/json" || mime.endsWith("+json");
}

function withoutWhitespace(text: string): string {
  return /\s/.test(text) ? text.replaceAll(/\s+/g, "") : text;
}

function isPlausibleBase64(text: string): boolean {
  if (text.length < 4 || /[^A-Za-z0-9+/=]/.test(text)) return false;
  const padding = text.indexOf("=");
  return text.length % 4 === 0 && (padding === -1 || padding >= text.length - 2);
}
