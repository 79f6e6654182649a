import type { MimeBundle } from "./messages.ts";

/** Text as a notebook file has it: whole, or in pieces that make it when joined. */
export type MultilineString = string | readonly string[];

/** Text that was printed. */
export interface NbStream {
  readonly output_type: "stream";
  readonly name: string;
  readonly text: MultilineString;
}

/** What was displayed. */
export interface NbDisplayData {
  readonly output_type: "display_data";
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The value of a cell's last expression. */
export interface NbExecuteResult {
  readonly output_type: "execute_result";
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly execution_count: number | null;
}

/** An exception raised in the kernel. */
export interface NbError {
  readonly output_type: "error";
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/**
 * An output of a code cell, in the version 4.5 of the notebook format.
 *
 * @see https://nbformat.readthedocs.io/en/latest/format_description.html#code-cell-outputs
 */
export type NbOutput = NbStream | NbDisplayData | NbExecuteResult | NbError;

/** The lines of a text, each with its `\n`, as a notebook file lists them. Joined they are the text. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf("\n", start) + 1 || text.length;
    lines.push(text.slice(start, end));
    start = end;
  }
  return lines;
}
