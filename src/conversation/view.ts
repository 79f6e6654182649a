import type { Failure } from "../errors.ts";
import type { ExecutionState } from "../kernel/execution.ts";
import type { ExecutionRecord, NotebookRun, Step } from "../kernel/journal.ts";
import { promptId } from "./prompt-id.ts";
import type { LateOutput } from "./runs.ts";
import type { KernelSlot } from "../kernel/slots.ts";
import type { RenderedImage } from "../output/render.ts";

/** A kernel as a result names it. */
export interface KernelView {
  readonly id: string;
  readonly kernelspec: string;
  readonly generation: number;
  /** Whether the conversation started it, rather than attached to it. */
  readonly startedHere: boolean;
}

/** A run of a notebook's cells as it stands. */
export interface NotebookView {
  readonly path: string;
  readonly version: string;
  readonly isKernelNew: boolean;
  /** The cells that were asked for, in the order in which they run. */
  readonly steps: readonly Step[];
  /** Why outputs are not in the file. */
  readonly trouble: string | null;
  readonly isGivenUp: boolean;
  /** Ids of cells that were deleted meanwhile, or are no code any more. */
  readonly missing: readonly string[];
  /** What was upgraded when outputs were written, in words; empty where nothing was. */
  readonly upgraded: string;
}

/** An execution as it stands, for the words of a result. Times in milliseconds. */
export interface ExecutionView {
  readonly conversation: string;
  readonly execution: string;
  readonly state: ExecutionState;
  readonly kernel: KernelView | null;
  readonly code: string;
  readonly startedAt: number;
  readonly elapsedMs: number;
  /** Position of its last item. */
  readonly position: number;
  /** Why it was lost. */
  readonly reason: string | null;
  /** What kept it from being sent at all, where that is known. */
  readonly failure: Failure | null;
  /** Why output may be missing. */
  readonly incomplete: string | null;
  readonly prompt: {
    /** Tells this prompt from the others of its execution. */
    readonly id: string;
    readonly prompt: string;
    readonly password: boolean;
  } | null;
  /** An execution of this conversation that has to end on the same kernel first. */
  readonly queuedBehind: {
    readonly execution: string;
    readonly state: ExecutionState;
  } | null;
  /** What it runs of a notebook. */
  readonly notebook: NotebookView | null;
  /** Whether its code left for the kernel. */
  readonly wasSent: boolean;
  /** Why Jupyter cannot be reached at the moment. */
  readonly trouble: Failure | null;
  /** Characters that left from the middle of the output. */
  readonly droppedChars: number;
  /** Whether all output was removed to make room for later executions. */
  readonly discarded: boolean;
}

/** What `run_code`, `get_output` and `send_input` answer with. */
export interface ExecutionResult extends ExecutionView {
  readonly text: string;
  readonly images: readonly RenderedImage[];
  readonly truncated: boolean;
  /** Position up to which the text goes. */
  readonly readTo: number;
  readonly hasMore: boolean;
  /** Whether this is the first result since the kernel's process was replaced. */
  readonly isNewGeneration: boolean;
  /** What is known of output that came after the end. */
  readonly late: LateOutput;
}

/** What is around an execution when it is looked at. */
export interface ViewContext {
  readonly conversation: string;
  readonly slot: KernelSlot | null;
  readonly unfinished: readonly ExecutionRecord[];
  readonly trouble: Failure | null;
  readonly notebook: NotebookRun | null;
  readonly steps: readonly Step[];
  readonly now: number;
}

/** A kernel as a result names it. */
export function kernelView(slot: KernelSlot): KernelView {
  return {
    id: slot.kernelId,
    kernelspec: slot.kernelspec,
    generation: slot.generation,
    startedHere: slot.startedHere,
  };
}

/** Puts together what a result says of an execution. */
export function viewOf(record: ExecutionRecord, context: ViewContext): ExecutionView {
  const { slot, now } = context;
  const startedAt = record.startedAt ?? record.createdAt;
  const isRunning = record.endedAt === null;
  const before = context.unfinished.find(
    (other) => other.slot === record.slot && other.number < record.number,
  );
  const { prompt } = record.progress;
  return {
    conversation: context.conversation,
    execution: `e${record.number}`,
    state: record.state,
    kernel: slot === null ? null : { ...kernelView(slot), generation: record.generation },
    code: record.code,
    startedAt,
    elapsedMs: (record.endedAt ?? now) - startedAt,
    position: record.position,
    reason: record.reason,
    failure: record.failure,
    incomplete: record.incomplete,
    notebook:
      context.notebook === null ? null : notebookView(context.notebook, context.steps),
    wasSent: record.startedAt !== null,
    prompt:
      prompt === null
        ? null
        : {
            id: promptId(prompt.header.msg_id),
            prompt: prompt.prompt,
            password: prompt.password,
          },
    queuedBehind:
      isRunning && before !== undefined
        ? { execution: `e${before.number}`, state: before.state }
        : null,
    trouble: isRunning ? context.trouble : null,
    droppedChars: record.droppedChars,
    discarded: record.discarded,
  };
}

function notebookView(run: NotebookRun, steps: readonly Step[]): NotebookView {
  const { path, version, isKernelNew, trouble, isGivenUp, missing, upgraded } = run;
  return { path, version, isKernelNew, steps, trouble, isGivenUp, missing, upgraded };
}
