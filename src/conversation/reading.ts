import { ExpectedError } from "../errors.ts";
import type { Item } from "../kernel/item.ts";
import type { ExecutionRecord, Journal } from "../kernel/journal.ts";
import { Finder } from "../output/find.ts";
import { decodedBytes } from "../output/image.ts";
import { representationOf } from "../output/mime.ts";
import {
  numberedRepresentations,
  Renderer,
  type RenderedImage,
} from "../output/render.ts";

/** What a reader gets of an execution's output. */
export interface Reading {
  readonly text: string;
  readonly images: readonly RenderedImage[];
  /** Whether something between the beginning and `position` was left out of the text. */
  readonly truncated: boolean;
  /** Position up to which this reading goes. */
  readonly position: number;
  /** Whether there is more behind `position` already. */
  readonly hasMore: boolean;
}

/** Base64 of images that come along with a result: clients count it as text. */
const MAX_IMAGE_CHARS = 60_000;
/** What an image that is asked for may have; clients refuse larger ones. */
const MAX_SINGLE_IMAGE_CHARS = 5_000_000;
/** Of an execution that goes on, so many items are shown: at most 2 MB of text. */
const GROWING_ITEMS = 400;
/** Lines shown before and after a match. */
const CONTEXT_LINES = 2;
/** A search of 20 MB takes less; this ends one whose pattern makes every line expensive. */
const MAX_FIND_MS = 10_000;

/** The whole output within the budget: its head and its tail. */
export function readWhole(
  journal: Journal,
  execution: ExecutionRecord,
  maxChars: number,
): Reading {
  const renderer = newRenderer(
    maxChars,
    (after) => `get_output execution: "e${execution.number}", after: ${after} shows them`,
    stepNames(journal, execution),
  );
  for (const placed of journal.items(execution.number)) renderer.add(placed);
  const { text, images, omitted } = renderer.finish();
  const truncated = omitted !== null || execution.droppedChars > 0;
  return { text, images, truncated, position: execution.position, hasMore: false };
}

/** What comes after a position, item by item, as far as the budget goes: nothing is skipped. */
export function readOn(
  journal: Journal,
  execution: ExecutionRecord,
  after: number,
  maxChars: number,
): Reading {
  // Only a single item above the budget is cut here, and reading on would cut it again.
  const renderer = newRenderer(
    maxChars,
    () => "find searches them, a larger max_output_chars shows more",
    stepNames(journal, execution),
  );
  let chars = 0;
  let position = after;
  let hasMore = false;
  let skipped = false;
  for (const placed of journal.items(execution.number, after)) {
    const size = renderedChars(placed.item);
    if (position > after && chars + size > maxChars) {
      hasMore = true;
      break;
    }
    skipped ||= placed.position !== position + 1;
    chars += size;
    position = placed.position;
    renderer.add(placed);
  }
  const { text, images, omitted } = renderer.finish();
  if (!hasMore) position = Math.max(position, execution.position);
  return { text, images, truncated: omitted !== null || skipped, position, hasMore };
}

/**
 * The output as a page shows it to a person: head and tail within the budget,
 * without pictures. While it grows, what is long past is left out, so that each
 * look costs the same.
 */
export function readForPage(
  journal: Journal,
  execution: ExecutionRecord,
  maxChars: number,
): string {
  const isGrowing = execution.endedAt === null;
  const after = isGrowing ? Math.max(0, execution.position - GROWING_ITEMS) : 0;
  const describeStep = stepNames(journal, execution);
  const renderer = new Renderer({
    maxChars,
    maxImageChars: 0,
    ...(describeStep !== undefined && { describeStep }),
    describeFetch: () => "an assistant can show it",
    describeOmitted: ({ chars, lines }) =>
      `[… ${chars} characters, ${lines} lines left out …]`,
  });
  for (const placed of journal.items(execution.number, after)) renderer.add(placed);
  const { text } = renderer.finish();
  return after > 0 ? `[… earlier output is left out while it runs …]\n${text}` : text;
}

/** Lines of the full output that match a regular expression, with lines around them. */
export function findInOutput(
  journal: Journal,
  execution: ExecutionRecord,
  pattern: string,
  maxChars: number,
): string {
  const finder = new Finder({
    pattern,
    contextLines: CONTEXT_LINES,
    maxChars,
    now: Date.now,
    maxMs: MAX_FIND_MS,
  });
  for (const placed of journal.items(execution.number)) finder.add(placed);
  const { text, lines } = finder.finish();
  return text === "" ? `No line matches (${lines} searched).` : text;
}

/** One representation by its number: an image, or the source of what no client shows. */
export function readNumbered(
  journal: Journal,
  execution: ExecutionRecord,
  number: number,
  maxChars: number,
): { readonly mime: string; readonly base64: string | null; readonly text: string } {
  let count = 0;
  for (const { item, numberedBefore = 0 } of journal.items(execution.number)) {
    count = numberedBefore;
    for (const { mime, value } of numberedRepresentations(item)) {
      count += 1;
      if (count === number) return shown(number, mime, value, maxChars);
    }
  }
  throw new ExpectedError({ code: "image_not_found", image: number, images: count });
}

function shown(number: number, mime: string, value: unknown, maxChars: number) {
  const source = typeof value === "string" ? value : JSON.stringify(value);
  if (/^image\/(png|jpeg|gif|webp)$/.test(mime)) {
    const base64 = source.replaceAll(/\s/g, "");
    if (base64.length > MAX_SINGLE_IMAGE_CHARS) {
      const bytes = decodedBytes(base64.length);
      throw new ExpectedError({ code: "image_too_large", image: number, mime, bytes });
    }
    return { mime, base64, text: "" };
  }
  const rest = source.length - maxChars;
  const text =
    rest > 0 ? `${source.slice(0, maxChars)}\n[${rest} more characters]` : source;
  return { mime, base64: null, text };
}

/** What stands above the output of each cell of a run of several. */
function stepNames(
  journal: Journal,
  { number, step: present }: ExecutionRecord,
): ((step: number) => string) | undefined {
  if (present === null) return undefined;
  const steps = journal.steps(number);
  return (step) => {
    const cell = steps[step];
    if (cell === undefined) return "──";
    return `── ${cell.cellIndex + 1} ${cell.cellId} [${cell.executionCount ?? "*"}]`;
  };
}

function newRenderer(
  maxChars: number,
  howToSee: (after: number) => string,
  describeStep: ((step: number) => string) | undefined,
): Renderer {
  return new Renderer({
    maxChars,
    ...(describeStep !== undefined && { describeStep }),
    maxImageChars: MAX_IMAGE_CHARS,
    describeOmitted: ({ chars, lines, after }) =>
      `[… ${chars} characters, ${lines} lines left out: ${howToSee(after)} …]`,
  });
}

function renderedChars(item: Item): number {
  switch (item.type) {
    case "stream":
      return item.text.length;
    case "error":
      return item.traceback.reduce((sum, line) => sum + line.length + 1, 0);
    case "clear_output":
    case "input":
      return 0;
    default: {
      const shownAs = representationOf(item.data);
      return shownAs.kind === "text" ? shownAs.text.length : 100;
    }
  }
}
