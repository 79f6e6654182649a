import { isLowSurrogate } from "./surrogates.ts";

/** The middle that is missing from a text. */
export interface Omitted {
  readonly chars: number;
  readonly lines: number;
  /** Reading on after this position shows the missing part from its start. */
  readonly after: number;
}

/** A piece of text that {@link HeadTail} holds, to be given back to it for a replacement. */
export interface PieceHandle {
  readonly position: number;
}

interface Piece extends PieceHandle {
  text: string;
  isHeld: boolean;
  /** What of the piece fell into the middle. */
  lostChars: number;
  lostLines: number;
  /** The tail of a piece whose middle was cut out. */
  rest: Piece | null;
}

/**
 * Keeps the beginning and the end of a text that arrives in pieces, within a
 * number of characters, and counts the middle. Up to twice as much is held
 * before the middle is dropped, so a piece can still be replaced for a while.
 */
export class HeadTail {
  readonly #maxChars: number;
  readonly #describeOmitted: (omitted: Omitted) => string;
  #pieces: Piece[] = [];
  /** Where in `#pieces` the tail begins once something was dropped. */
  #tailStart: number | null = null;
  #chars = 0;
  #omittedChars = 0;
  #omittedLines = 0;
  #firstOmitted = Infinity;

  constructor(maxChars: number, describeOmitted: (omitted: Omitted) => string) {
    this.#maxChars = maxChars;
    this.#describeOmitted = describeOmitted;
  }

  /** Appends `text`, which came at `position`. */
  add(text: string, position: number): PieceHandle {
    const piece = newPiece(text, position);
    this.#pieces.push(piece);
    this.#chars += text.length;
    this.#dropExcess();
    return piece;
  }

  /** Changes the text of a piece where it stands. False, and no change, when it was dropped or cleared. */
  replace(handle: PieceHandle, text: string): boolean {
    // Handles are made by `add` alone, which makes them as pieces.
    const piece = handle as Piece;
    if (!piece.isHeld) return false;
    for (let part: Piece | null = piece; part !== null; part = part.rest) {
      this.#chars -= part.text.length;
      this.#omittedChars -= part.lostChars;
      this.#omittedLines -= part.lostLines;
      part.text = "";
      part.lostChars = 0;
      part.lostLines = 0;
    }
    piece.rest = null;
    piece.text = text;
    this.#chars += text.length;
    this.#dropExcess();
    return true;
  }

  /** Forgets everything so far. */
  clear(): void {
    for (const piece of this.#pieces) piece.isHeld = false;
    this.#pieces = [];
    this.#tailStart = null;
    this.#chars = 0;
    this.#omittedChars = 0;
    this.#omittedLines = 0;
    this.#firstOmitted = Infinity;
  }

  /** The text, at most `maxChars` of it, and what of it is missing. Nothing can be added after it. */
  finish(): { text: string; omitted: Omitted | null } {
    let omitted = this.#omitted();
    if (omitted === null && this.#chars <= this.#maxChars) {
      return { text: joined(this.#pieces), omitted };
    }
    // The description grows with its numbers, and dropping makes room for it.
    let line = "";
    do {
      this.#dropTo(this.#maxChars - line.length - 1);
      omitted = this.#omitted();
      line = omitted === null ? "" : `${this.#describeOmitted(omitted)}\n`;
    } while (this.#chars > 0 && this.#chars + line.length + 1 > this.#maxChars);
    const head = joined(this.#pieces.slice(0, this.#tailStart ?? undefined));
    const tail =
      this.#tailStart === null ? "" : joined(this.#pieces.slice(this.#tailStart));
    const separator = head === "" || head.endsWith("\n") ? "" : "\n";
    const text = head + separator + line + tail;
    return { text: text.slice(0, cutBefore(text, this.#maxChars)), omitted };
  }

  #omitted(): Omitted | null {
    if (this.#omittedChars === 0) return null;
    return {
      chars: this.#omittedChars,
      lines: this.#omittedLines,
      after: this.#firstOmitted - 1,
    };
  }

  #dropExcess(): void {
    if (this.#chars > 2 * this.#maxChars) this.#dropTo(this.#maxChars);
  }

  /** Drops from the middle until at most `limit` characters are left, half of them in front. */
  #dropTo(limit: number): void {
    if (this.#chars <= limit) return;
    const head = this.#takeHead(Math.max(0, Math.floor(limit / 2)));
    const headChars = head.reduce((chars, piece) => chars + piece.text.length, 0);
    const tail = this.#takeTail(head, Math.max(0, limit - headChars));
    for (const piece of this.#pieces.slice(
      head.length,
      this.#pieces.length - tail.length,
    )) {
      this.#lose(piece, piece.text.length);
      piece.isHeld = false;
    }
    this.#pieces = [...head, ...tail];
    this.#tailStart = head.length;
  }

  /** The pieces that stay in front. One that is cut becomes two in `#pieces`. */
  #takeHead(limit: number): Piece[] {
    let left = limit;
    const end = this.#tailStart ?? this.#pieces.length;
    for (const [index, piece] of this.#pieces.slice(0, end).entries()) {
      if (piece.text.length <= left) {
        left -= piece.text.length;
        continue;
      }
      const startsLine =
        index === 0 || this.#pieces[index - 1]?.text.endsWith("\n") === true;
      const cut = headCut(piece.text, left, limit / 2, startsLine);
      if (cut === 0) return this.#pieces.slice(0, index);
      this.#split(index, cut);
      return this.#pieces.slice(0, index + 1);
    }
    return this.#pieces.slice(0, end);
  }

  #takeTail(head: readonly Piece[], limit: number): Piece[] {
    let left = limit;
    for (let index = this.#pieces.length - 1; index >= head.length; index--) {
      const piece = this.#pieces[index];
      if (piece === undefined) break;
      if (piece.text.length <= left) {
        left -= piece.text.length;
        continue;
      }
      const start = tailCut(piece.text, piece.text.length - left, limit / 2);
      if (start === piece.text.length) return this.#pieces.slice(index + 1);
      this.#lose(piece, start);
      return this.#pieces.slice(index);
    }
    return this.#pieces.slice(head.length);
  }

  #split(index: number, at: number): void {
    const piece = this.#pieces[index];
    if (piece === undefined) return;
    const rest = newPiece(piece.text.slice(at), piece.position);
    rest.rest = piece.rest;
    piece.rest = rest;
    piece.text = piece.text.slice(0, at);
    this.#pieces.splice(index + 1, 0, rest);
    if (this.#tailStart !== null) this.#tailStart++;
  }

  /** Takes `chars` off the front of a piece. */
  #lose(piece: Piece, chars: number): void {
    if (chars === 0) return;
    const lost = piece.text.slice(0, chars);
    const lines = countNewlines(lost);
    piece.text = piece.text.slice(chars);
    piece.lostChars += chars;
    piece.lostLines += lines;
    this.#chars -= chars;
    this.#omittedChars += chars;
    this.#omittedLines += lines;
    this.#firstOmitted = Math.min(this.#firstOmitted, piece.position);
  }
}

function newPiece(text: string, position: number): Piece {
  return { text, position, isHeld: true, lostChars: 0, lostLines: 0, rest: null };
}

/** After a line's end if that costs no more than `maxLoss`, else between two characters. */
function headCut(
  text: string,
  limit: number,
  maxLoss: number,
  startsLine: boolean,
): number {
  const lineEnd = limit === 0 ? 0 : text.lastIndexOf("\n", limit - 1) + 1;
  const isLineEnd = lineEnd > 0 || startsLine;
  return isLineEnd && limit - lineEnd <= maxLoss ? lineEnd : cutBefore(text, limit);
}

/** At a line's start if that costs no more than `maxLoss`, else between two characters. */
function tailCut(text: string, start: number, maxLoss: number): number {
  const lineStart = text.indexOf("\n", start - 1) + 1;
  if (lineStart > 0 && lineStart - start <= maxLoss) return lineStart;
  return isLowSurrogate(text, start) ? start + 1 : start;
}

function cutBefore(text: string, limit: number): number {
  return limit > 0 && isLowSurrogate(text, limit) ? limit - 1 : limit;
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function joined(pieces: readonly Piece[]): string {
  return pieces.map((piece) => piece.text).join("");
}
