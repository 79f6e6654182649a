import { compile, type FormatCallback } from "html-to-text";

/** More takes long to read, and no result has room for it. */
const MAX_INPUT_CHARS = 500_000;

/** Readable output is never nested deeper; the walk over the tree is recursive. */
const MAX_DEPTH = 100;

/**
 * A table's cells are laid out one by one, those that a `colspan` or `rowspan`
 * covers too, so a few characters could ask for millions of them.
 */
const MAX_SPANNED_CELLS = 50_000;

const addAltText: FormatCallback = (element, _walk, builder) => {
  const alt: unknown = element.attribs?.alt;
  if (typeof alt === "string" && alt !== "") builder.addInline(`[${alt}]`);
};

const convert = compile({
  wordwrap: false,
  limits: { maxDepth: MAX_DEPTH },
  formatters: { addAltText },
  selectors: [
    {
      selector: "table",
      format: "dataTable",
      options: { uppercaseHeaderCells: false, colSpacing: 2 },
    },
    { selector: "a", options: { hideLinkHrefIfSameAsText: true } },
    { selector: 'a[href^="data:"i]', format: "anchor", options: { ignoreHref: true } },
    {
      selector: 'a[href^="javascript:"i]',
      format: "anchor",
      options: { ignoreHref: true },
    },
    { selector: "img", format: "addAltText" },
    { selector: "svg", format: "skip" },
    ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({
      selector,
      options: { uppercase: false },
    })),
  ],
});

/**
 * HTML as text to read: tables in aligned columns, links with their address,
 * images as their description. Empty when there is nothing to read in it, as in
 * HTML that is a script. Of long HTML only the beginning is read; the last line
 * then says so.
 */
export function htmlText(html: string): string {
  const markup = withoutScripts(html);
  const isCut = markup.length > MAX_INPUT_CHARS;
  const text = convert(
    withBoundedSpans(isCut ? markup.slice(0, MAX_INPUT_CHARS) : markup),
  )
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
  if (!isCut || text === "") return text;
  const [read, all] = [MAX_INPUT_CHARS, markup.length].map((n) => n.toLocaleString("en"));
  return `${text}\n[the first ${read} of ${all} characters of HTML]`;
}

/** Cut out before anything is counted: plots come as megabytes of script around one `<div>`. */
function withoutScripts(html: string): string {
  const opening = /<(script|style)\b/gi;
  let text = "";
  let at = 0;
  for (let start = opening.exec(html); start !== null; start = opening.exec(html)) {
    text += html.slice(at, start.index);
    const closing = new RegExp(`</${start[1]}\\b`, "gi");
    closing.lastIndex = opening.lastIndex;
    if (closing.exec(html) === null) return text;
    at = html.indexOf(">", closing.lastIndex) + 1;
    if (at === 0) return text;
    opening.lastIndex = at;
  }
  return text + html.slice(at);
}

function withBoundedSpans(html: string): string {
  const span = /\b(?:col|row)span\b\s*=\s*["']?\s*(\d+)/gi;
  let cells = 0;
  for (const [, count] of html.matchAll(span)) {
    // Half the squares of a cell's two spans are at least their product.
    cells += Number(count) ** 2 / 2;
    if (cells > MAX_SPANNED_CELLS) return html.replaceAll(span, "");
  }
  return html;
}
