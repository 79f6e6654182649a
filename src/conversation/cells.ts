/**
 * The code that was run in a conversation as the cells of a notebook, with the
 * outputs that JupyterLab would have saved. All of it together is bounded: it is
 * handed over in one piece.
 */

import { isFinal } from "../kernel/execution.ts";
import type { Item } from "../kernel/item.ts";
import type { ExecutionRecord, Journal } from "../kernel/journal.ts";
import type { KernelSlots } from "../kernel/slots.ts";
import { rawJson } from "../notebook/notebook.ts";
import { RunOutputs, TOO_LARGE } from "../notebook/outputs.ts";

/** Code that was run, and what came of it. */
export interface RunCell {
  readonly source: string;
  readonly executionCount: number | null;
  /** The outputs as nbformat has them, in raw JSON. */
  readonly outputs: Uint8Array;
}

/** What is to be said of an execution: why it is no cell, or what its cell lacks. */
export type Remark =
  | "lost"
  | "never run"
  | "unfinished"
  | "of another kernel"
  | "no room"
  | "output not kept"
  | "possibly incomplete";

/** See the head of this file. */
export interface ConversationCells {
  /** Of the cells' kernel; null where the conversation has none. */
  readonly kernelspec: string | null;
  readonly cells: readonly RunCell[];
  readonly remarks: readonly { readonly execution: string; readonly remark: Remark }[];
}

/** What all code may have, in characters. Outputs are much the larger part. */
const MAX_SOURCES_CHARS = 2_000_000;
/** What all outputs may have: with the code, what a run of a notebook's cells may put into its file. */
const MAX_OUTPUTS_CHARS = 6_000_000;
/** What they may take as JSON: as much as a notebook may have, and less than a call between objects. */
const MAX_OUTPUTS_BYTES = 20_000_000;
/** A program's work is better kept in another form. */
const MAX_CELLS = 1_000;
/** What of an error is kept; tracebacks are shorter. */
const MAX_ERROR_CHARS = 100_000;

/**
 * The runs of code in their order; those of a notebook's cells have their place
 * already. Of one that failed there is only its error.
 *
 * @param wanted the kernelspec whose runs are wanted. Default: that of the kernel used last
 */
export function cellsOfRuns(
  journal: Journal,
  slots: KernelSlots,
  wanted: string | undefined,
): ConversationCells {
  const kernelspec = wanted ?? slots.all()[0]?.kernelspec ?? null;
  const outputs = new RunOutputs(MAX_OUTPUTS_CHARS);
  const taken: ExecutionRecord[] = [];
  const remarks: { execution: string; remark: Remark }[] = [];
  let sourcesChars = 0;
  const last = journal.latest(1)[0]?.number ?? 0;
  for (let number = 1; number <= last; number += 1) {
    const record = journal.get(number);
    if (record === null || record.step !== null) continue;
    const note = (remark: Remark) => remarks.push({ execution: `e${number}`, remark });
    const slot = record.slot === null ? null : slots.get(record.slot);
    const reason = reasonToLeaveOut(record, slot?.kernelspec ?? kernelspec, kernelspec);
    if (reason !== null) {
      note(reason);
      continue;
    }
    sourcesChars += record.code.length;
    if (taken.length >= MAX_CELLS || sourcesChars > MAX_SOURCES_CHARS) {
      note("no room");
      continue;
    }
    addOutputs(outputs, taken.length, record, journal);
    taken.push(record);
    if (record.discarded) note("output not kept");
    else if (record.incomplete !== null) note("possibly incomplete");
  }
  let bytes = 0;
  const cells = taken.map(({ code, progress }, index) => {
    let made = rawJson(outputs.outputs(index));
    if (bytes + made.byteLength > MAX_OUTPUTS_BYTES) made = rawJson([TOO_LARGE.output]);
    bytes += made.byteLength;
    return {
      source: code.toWellFormed(),
      executionCount: progress.executionCount,
      outputs: made,
    };
  });
  return { kernelspec, cells, remarks };
}

function reasonToLeaveOut(
  { state }: ExecutionRecord,
  kernelspec: string | null,
  wanted: string | null,
): Remark | null {
  if (!isFinal(state)) return "unfinished";
  if (state === "lost") return "lost";
  if (state === "aborted") return "never run";
  return kernelspec === wanted ? null : "of another kernel";
}

function addOutputs(
  outputs: RunOutputs,
  cell: number,
  { number, state, droppedChars }: ExecutionRecord,
  journal: Journal,
): void {
  let before = 0;
  for (const { position, item } of journal.items(number)) {
    if (state === "error") {
      if (item.type === "error") outputs.add(cell, shortened(item));
      continue;
    }
    if (position > before + 1) outputs.addGap(cell, droppedChars);
    before = position;
    outputs.add(cell, item);
  }
}

/** Errors stay however little room there is, so that each has a bound of its own. */
function shortened(item: Extract<Item, { type: "error" }>): Item {
  const chars = item.traceback.reduce((sum, line) => sum + line.length, 0);
  return {
    ...item,
    ename: item.ename.slice(0, MAX_ERROR_CHARS),
    evalue: item.evalue.slice(0, MAX_ERROR_CHARS),
    traceback: chars > MAX_ERROR_CHARS ? [] : item.traceback,
  };
}
