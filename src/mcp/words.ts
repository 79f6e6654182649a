import type { ContentBlock } from "@modelcontextprotocol/server";
import type {
  ExecutionResult,
  ExecutionView,
  KernelView,
  NotebookView,
} from "../conversation/view.ts";
import { adviceFor } from "./advice.ts";
import { oneLine, quoted, quotedPath } from "./quoting.ts";
import type { ToolResult } from "./tool.ts";

/** A prompt is text of the program; longer ones stand in the output. */
const MAX_PROMPT_CHARS = 500;

/** Milliseconds as a reader wants them: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** A kernel in few characters: its kernelspec and the beginning of its id. */
export function kernelName(kernel: Pick<KernelView, "id" | "kernelspec">): string {
  return `${oneLine(kernel.kernelspec).slice(0, 100)} ${kernel.id.slice(0, 8)}`;
}

/** `e3 · ok · 0.4 s · python3 4f1c22aa · c_h2k7…` */
export function statusLine(view: ExecutionView): string {
  const kernel = view.kernel === null ? "starting its kernel" : kernelName(view.kernel);
  return [
    view.execution,
    view.state,
    duration(view.elapsedMs),
    kernel,
    view.conversation,
  ].join(" · ");
}

/** The first line of code, short. */
export function codeLine(code: string, maxChars = 80): string {
  const [start = "", ...rest] = code.trim().split("\n");
  const first = oneLine(start);
  const line = first.length > maxChars ? `${first.slice(0, maxChars)}…` : first;
  return rest.length > 0 && !line.endsWith("…") ? `${line} …` : line;
}

/** What a program may rely on of an execution, under `_meta["jupyter-edge/execution"]`. */
export function executionMeta(
  result: ExecutionView,
  position: number,
  truncated: boolean,
) {
  return {
    "jupyter-edge/execution": {
      conversation: result.conversation,
      execution: result.execution,
      state: result.state,
      kernel: result.kernel?.id ?? null,
      generation: result.kernel?.generation ?? null,
      position,
      truncated,
      possiblyIncomplete: result.incomplete !== null,
    },
  };
}

/** Where the person answers on a page what an execution asks; null where it waits for nothing. */
export function answerPath(view: ExecutionView): string | null {
  if (view.state !== "waiting for input" || view.prompt === null) return null;
  return `/account/answer/${view.conversation}/${view.execution}/${view.prompt.id}`;
}

/** See {@link executionMeta}. */
export type ExecutionMeta = ReturnType<typeof executionMeta>["jupyter-edge/execution"];

/**
 * An execution's result in words: status line, what to know, output, what to do next.
 *
 * @param pagesAt the origin of the pages on which people answer; null where there are none
 */
export function executionResult(
  result: ExecutionResult,
  isNewConversation = false,
  pagesAt: string | null = null,
): ToolResult {
  const lines = [statusLine(result)];
  if (isNewConversation) {
    const variables =
      result.kernel?.startedHere === false && !result.isNewGeneration
        ? "attached to a running kernel, with its variables"
        : "no earlier variables are there";
    lines.push(
      `New conversation ${result.conversation}: ${variables}. Pass it as conversation in the next call.`,
    );
  }
  if (result.notebook !== null)
    lines.push(...notebookLines(result.notebook, result, isNewConversation));
  lines.push(...notices(result));
  if (result.text !== "") lines.push(result.text.replace(/\n$/, ""));
  else if (result.state === "ok" && result.readTo === 0) lines.push("(no output)");
  if (result.state === "waiting for input") {
    const prompt = (result.prompt?.prompt ?? "").slice(0, MAX_PROMPT_CHARS);
    lines.push(`The code asks: ${quoted(prompt)}`);
  }
  const next = nextStep(result, pagesAt);
  if (next !== null) lines.push(`Next: ${next}`);
  const images: ContentBlock[] = result.images.map(({ mime, base64 }) => ({
    type: "image",
    data: base64,
    mimeType: mime,
  }));
  return {
    content: [{ type: "text", text: lines.join("\n") }, ...images],
    isError: isFailed(result),
    meta: {
      ...executionMeta(result, result.readTo, result.truncated),
      ...(result.notebook !== null && notebookRunMeta(result.notebook, result)),
    },
  };
}

function notebookLines(
  notebook: NotebookView,
  result: ExecutionResult,
  isNewConversation: boolean,
): string[] {
  const { path, steps, version, missing } = notebook;
  const done = steps.filter(({ state }) => state === "ok" || state === "error");
  const lost = steps.find(({ state }) => state === "lost" || state === "aborted");
  const failed = steps.filter(({ state }) => state === "error");
  const running = steps.find(
    ({ state }) => state === "running" || state === "waiting for input",
  );
  const parts = [
    `${quotedPath(path)} · version ${version} · ${done.length} of ${steps.length} cells run`,
  ];
  if (running !== undefined) parts.push(`running: cell ${cellName(running)}`);
  if (failed.length > 0) parts.push(`failed: cell ${failed.map(cellName).join(", ")}`);
  if (lost !== undefined) parts.push(`${lost.state} in: cell ${cellName(lost)}`);
  const left = steps.filter(({ state }) => state === "pending");
  if (
    left.length > 0 &&
    result.state !== "running" &&
    result.state !== "waiting for input"
  )
    parts.push(`not run: ${left.length}`);
  const lines = [parts.join(" · ")];
  if (notebook.isKernelNew && !isNewConversation && !result.isNewGeneration)
    lines.push("Its kernel was started for this run: no earlier variables are there.");
  if (missing.length > 0)
    lines.push(
      `No code cells of the notebook any more: ${missing.join(", ")}. Their outputs are kept here only.`,
    );
  if (notebook.upgraded !== "")
    lines.push(`The notebook was upgraded: ${notebook.upgraded}.`);
  if (notebook.trouble !== null) {
    const then = notebook.isGivenUp ? "they are kept here only" : "it is tried again";
    lines.push(`Not all outputs are in the file (${notebook.trouble}): ${then}.`);
  }
  return lines;
}

function cellName({ cellIndex, cellId }: NotebookView["steps"][number]): string {
  return `${cellIndex + 1} (${cellId})`;
}

function notebookRunMeta(notebook: NotebookView, result: ExecutionView) {
  const { path, version, steps } = notebook;
  return {
    "jupyter-edge/notebook": {
      path,
      version,
      kernel: result.kernel?.id ?? null,
      cells: steps.map(({ cellId, executionCount, state }) => ({
        id: cellId,
        cell_type: "code",
        execution_count: executionCount,
        failed: state === "error",
      })),
      failedCell: steps.find(({ state }) => state === "error")?.cellId ?? null,
    },
  };
}

function isFailed({ state }: ExecutionView): boolean {
  return state === "error" || state === "aborted" || state === "lost";
}

function notices(result: ExecutionResult): string[] {
  const lines: string[] = [];
  const generation = result.kernel?.generation;
  if (result.isNewGeneration) {
    lines.push(
      `The kernel was restarted (generation ${generation}): earlier variables are gone.`,
    );
  }
  lines.push(...noticesOf(result));
  if (result.late === "Jupyter not reachable") {
    lines.push("Jupyter could not be asked whether anything was printed after the end.");
  } else if (result.late === "other client attached") {
    lines.push(
      "Another client is attached: what was printed after the end, while nobody listened here, was not kept.",
    );
  }
  return lines;
}

/** What to know of an execution beside its state and its output. */
export function noticesOf(result: ExecutionView): string[] {
  const lines: string[] = [];
  if (result.state === "aborted") {
    lines.push("Not run: a run before it, perhaps another client's, failed.");
  }
  if (result.state === "lost")
    lines.push(`Lost: ${result.reason ?? "its end was never received"}.`);
  if (result.failure !== null) {
    const { message, quoted: said = "" } = adviceFor(result.failure);
    lines.push(message);
    if (said !== "") lines.push(`It said: ${quoted(said)}`);
  }
  if (result.incomplete !== null)
    lines.push(`Output possibly incomplete: ${result.incomplete}.`);
  if (result.discarded)
    lines.push("Its output was removed to make room for later executions.");
  if (result.droppedChars > 0) {
    lines.push(
      `${result.droppedChars} characters from the middle were not kept: the journal holds 20 MB an execution.`,
    );
  }
  if (result.trouble !== null)
    lines.push(
      `${adviceFor(result.trouble).message} Still trying; the run itself may go on.`,
    );
  if (result.queuedBehind !== null) {
    const { execution, state } = result.queuedBehind;
    const waits = state === "waiting for input" ? ", which waits for input" : "";
    lines.push(`Queued behind ${execution} on the same kernel${waits}.`);
  }
  return lines;
}

function nextStep(result: ExecutionResult, pagesAt: string | null): string | null {
  const { execution, conversation, queuedBehind } = result;
  const read = `get_output conversation: "${conversation}", execution: "${execution}", after: ${result.readTo}`;
  if (result.hasMore) return `${read} reads on.`;
  switch (result.state) {
    case "running":
      if (queuedBehind?.state === "waiting for input" && pagesAt !== null)
        return `get_output conversation: "${conversation}", execution: "${queuedBehind.execution}" says how it is answered; then this run begins.`;
      return queuedBehind?.state === "waiting for input"
        ? `send_input conversation: "${conversation}", execution: "${queuedBehind.execution}" answers, and this run begins.`
        : `It goes on running. ${read} waits for more; interrupt_kernel stops it.`;
    case "waiting for input": {
      if (result.prompt?.password === true && pagesAt !== null)
        return `Ask the user to type the password at ${pagesAt}${answerPath(result)}, so that it does not pass through this chat; then ${read} shows what follows.`;
      const password =
        result.prompt?.password === true
          ? " It is a password: the answer will pass through this chat, so ask the user first."
          : "";
      return `send_input conversation: "${conversation}", execution: "${execution}" answers.${password}`;
    }
    case "lost":
      if (result.failure !== null) return adviceFor(result.failure).next;
      return result.wasSent
        ? "Check what of it took effect before running it again; earlier variables may be gone."
        : "Run it again.";
    case "aborted":
      return "Look at what failed before it, then run it again.";
    default:
      return null;
  }
}
