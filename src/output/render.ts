/**
 * Turns the items of an execution into the text and the images of a result. An
 * image keeps its number whatever becomes of it: numbers count every image and
 * every other representation of the journal, also of displays that were updated
 * or cleared away.
 */

import type { Item, PlacedItem } from "../kernel/item.ts";
import { HeadTail, type Omitted, type PieceHandle } from "./budget.ts";
import { decodedBytes, formatBytes, imageSize } from "./image.ts";
import { errorText, inputText } from "./item-words.ts";
import { joinedValue, representationOf, type Representation } from "./mime.ts";
import { TerminalText } from "./terminal.ts";

/** Clients count base64 as text, and give up on results above 25,000 tokens. */
const DEFAULT_MAX_IMAGE_CHARS = 60_000;

/** What a rendering may hold and how it goes on from an earlier one. */
export interface RenderOptions {
  /** Of the text. */
  readonly maxChars: number;
  /** Of the base64 of all images together. */
  readonly maxImageChars?: number;
  /** The line above what belongs to a step of an execution that has several. */
  readonly describeStep?: (step: number) => string;
  /** How to get what comes with a number and not with the result. Default: through `get_output`. */
  readonly describeFetch?: (number: number, isImage: boolean) => string;
  /** The line that stands where the middle was left out. */
  readonly describeOmitted: (omitted: Omitted) => string;
}

/** An image that comes with a result. */
export interface RenderedImage {
  readonly number: number;
  readonly mime: string;
  readonly base64: string;
}

/** What a {@link Renderer} made of its items. */
export interface Rendering {
  /** Without a newline at its end. */
  readonly text: string;
  /** In the order of their numbers. */
  readonly images: readonly RenderedImage[];
  readonly omitted: Omitted | null;
}

/** A representation with a number of its own. */
export interface NumberedRepresentation {
  readonly mime: string;
  /** Base64 without line breaks for an image that is shown, else the value of the bundle. */
  readonly value: unknown;
}

type DisplayItem = Extract<Item, { readonly data: unknown }>;

/** Every place that shows a display, and the number of the image it shows. */
interface Display {
  pieces: PieceHandle[];
  image: number | null;
}

/** What of an item gets numbers, in their order: the image that is shown, then what is listed beside. */
export function numberedRepresentations(item: Item): NumberedRepresentation[] {
  if (!("data" in item)) return [];
  const representation = representationOf(item.data);
  const others = representation.others.map(({ mime }) => ({
    mime,
    value: joinedValue(mime, item.data[mime]),
  }));
  if (representation.kind === "text") return others;
  return [{ mime: representation.mime, value: representation.base64 }, ...others];
}

/** How many numbers an item takes. */
export function countNumbered(item: Item): number {
  return numberedRepresentations(item).length;
}

/** Renders items in the order of their positions; memory stays within the budgets. */
export class Renderer {
  readonly #text: HeadTail;
  readonly #maxImageChars: number;
  readonly #describeFetch: (number: number, isImage: boolean) => string;
  readonly #describeStep: ((step: number) => string) | undefined;
  readonly #terminal = new TerminalText();
  readonly #displays = new Map<string, Display>();
  readonly #images = new Map<number, RenderedImage>();
  #imageChars = 0;
  #lastNumber = 0;
  #clearsNext = false;
  #lastPosition: number | null = null;
  #lastStep: number | null = null;
  /** What the present step shows so far; null where there are no steps. */
  #stepPieces: PieceHandle[] | null = null;
  #stepFirstNumber = 1;
  /** Where the line began that the terminal has not given out. */
  #openPosition: number | null = null;

  constructor(options: RenderOptions) {
    this.#text = new HeadTail(options.maxChars, options.describeOmitted);
    this.#maxImageChars = options.maxImageChars ?? DEFAULT_MAX_IMAGE_CHARS;
    this.#describeStep = options.describeStep;
    this.#describeFetch =
      options.describeFetch ?? ((number) => `get_output image: ${number} shows it`);
  }

  /** Takes the next item. A gap before it, where output was not kept, becomes a line. */
  add({ position, item, numberedBefore }: PlacedItem): void {
    if (numberedBefore !== undefined) this.#lastNumber = numberedBefore;
    if (this.#lastPosition !== null && position > this.#lastPosition + 1) {
      this.#endLine();
      this.#text.add("[… output in between was not kept …]\n", position);
    }
    this.#lastPosition = position;
    if (item.step !== undefined && item.step !== this.#lastStep)
      this.#beginStep(item.step, position);
    switch (item.type) {
      case "stream":
        this.#clearIfDue();
        this.#print(item.text, position);
        break;
      case "input":
        this.#print(inputText(item), position);
        break;
      case "display_data":
      case "execute_result":
        this.#clearIfDue();
        this.#show(item, position);
        break;
      case "update_display_data":
        this.#show(item, position);
        break;
      case "error":
        this.#clearIfDue();
        this.#endLine();
        this.#put(asLines(errorText(item)), position);
        break;
      case "clear_output":
        if (item.wait) this.#clearsNext = true;
        else this.#clear();
        break;
    }
  }

  /** The result. Nothing can be added after it. */
  finish(): Rendering {
    this.#endLine();
    const { text, omitted } = this.#text.finish();
    const images = [...this.#images.values()].toSorted((a, b) => a.number - b.number);
    return { text: withoutNewlinesAtEnd(text), images, omitted };
  }

  #beginStep(step: number, position: number): void {
    this.#lastStep = step;
    if (this.#describeStep === undefined) return;
    this.#endLine();
    // Each step has a screen of its own: clearing one leaves the others.
    this.#clearsNext = false;
    this.#text.add(`${this.#describeStep(step)}\n`, position);
    this.#stepPieces = [];
    this.#stepFirstNumber = this.#lastNumber + 1;
  }

  #put(text: string, position: number): PieceHandle {
    const piece = this.#text.add(text, position);
    this.#stepPieces?.push(piece);
    return piece;
  }

  #print(text: string, position: number): void {
    let final = this.#terminal.push(text);
    if (final !== "" && this.#openPosition !== null) {
      // The line began earlier, and reading on from there has to show its start.
      const lineEnd = final.indexOf("\n") + 1 || final.length;
      this.#put(final.slice(0, lineEnd), this.#openPosition);
      final = final.slice(lineEnd);
      this.#openPosition = null;
    }
    if (final !== "") this.#put(final, position);
    if (!text.endsWith("\n")) this.#openPosition ??= position;
  }

  #endLine(): void {
    const line = this.#terminal.end();
    if (line !== "" && this.#openPosition !== null) {
      this.#put(`${line}\n`, this.#openPosition);
    }
    this.#openPosition = null;
  }

  #show(item: DisplayItem, position: number): void {
    const id = item.display_id;
    const known = id === undefined ? undefined : this.#displays.get(id);
    // First, so that the image that takes its place finds room.
    if (known !== undefined) this.#dropImage(known.image);
    const { text, image } = this.#take(representationOf(item.data));
    if (known !== undefined) {
      known.pieces = known.pieces.filter((piece) => this.#text.replace(piece, text));
      known.image = image;
      if (item.type === "update_display_data") {
        if (known.pieces.length === 0) this.#dropImage(image);
        return;
      }
    }
    if (text === "" && id === undefined) return;
    this.#endLine();
    const piece = this.#put(text, position);
    if (known !== undefined) known.pieces.push(piece);
    else if (id !== undefined) this.#displays.set(id, { pieces: [piece], image });
  }

  /** Gives numbers to a representation, keeps its image if there is room, and puts it in words. */
  #take(representation: Representation): { text: string; image: number | null } {
    let text = "";
    let image: number | null = null;
    if (representation.kind === "text") {
      text = asLines(representation.text);
    } else {
      const { mime, base64 } = representation;
      const number = ++this.#lastNumber;
      const fits = this.#imageChars + base64.length <= this.#maxImageChars;
      if (fits) {
        image = number;
        this.#images.set(number, { number, mime, base64 });
        this.#imageChars += base64.length;
      }
      text = `[image ${number}: ${describeImage(mime, base64)}${fits ? "" : `; ${this.#describeFetch(number, true)}`}]\n`;
    }
    for (const { mime, chars } of representation.others) {
      const number = ++this.#lastNumber;
      text += `[also ${mime}, ${formatBytes(chars)}: ${this.#describeFetch(number, false)}]\n`;
    }
    return { text, image };
  }

  #dropImage(number: number | null): void {
    const image = number === null ? undefined : this.#images.get(number);
    if (image === undefined) return;
    this.#images.delete(image.number);
    this.#imageChars -= image.base64.length;
  }

  #clearIfDue(): void {
    if (this.#clearsNext) this.#clear();
  }

  #clear(): void {
    this.#clearsNext = false;
    this.#terminal.end();
    this.#openPosition = null;
    if (this.#stepPieces === null) this.#text.clear();
    else for (const piece of this.#stepPieces) this.#text.replace(piece, "");
    for (const number of this.#images.keys())
      if (number >= this.#stepFirstNumber) this.#dropImage(number);
    // Still known: an update of a display that was cleared away shows nowhere, as in Jupyter.
    for (const display of this.#displays.values()) {
      if (
        this.#stepPieces !== null &&
        !display.pieces.some((piece) => this.#stepPieces?.includes(piece))
      )
        continue;
      display.pieces = [];
      display.image = null;
    }
  }
}

function describeImage(mime: string, base64: string): string {
  const size = imageSize(mime, base64);
  const pixels = size === null ? "" : ` ${size.width}×${size.height}`;
  return `${mime}${pixels}, ${formatBytes(decodedBytes(base64.length))}`;
}

function asLines(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function withoutNewlinesAtEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === "\n") end--;
  return text.slice(0, end);
}
