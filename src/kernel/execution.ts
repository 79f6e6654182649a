import { z } from "zod";
import type { Message } from "../jupyter/messages.ts";
import type { Item } from "./item.ts";

/** Where an execution stands. The last four are final. */
export type ExecutionState =
  | "running"
  | "waiting for input"
  | "ok"
  | "error"
  | "aborted"
  | "lost";

/** True once nothing but late output can be added to an execution. */
export function isFinal(state: ExecutionState): boolean {
  return state !== "running" && state !== "waiting for input";
}

const replySchema = z.object({
  status: z.string().catch(""),
  execution_count: z.number().nullable().catch(null),
  ename: z.string().catch(""),
  evalue: z.string().catch(""),
  traceback: z.array(z.string()).catch([]),
  payload: z.array(z.looseObject({ source: z.string() })).catch([]),
});

/** Longer ones are cut: what is kept of an execution beside its output is one row of a database. */
const MAX_PROMPT_CHARS = 2_000;
const MAX_ERROR_CHARS = 100_000;

const promptSchema = z.object({
  prompt: z
    .string()
    .catch("")
    .transform((text) => text.slice(0, MAX_PROMPT_CHARS)),
  password: z.boolean().catch(false),
});

/** The fields of a header that an answer has to repeat. */
const promptHeaderSchema = z.object({
  msg_id: z.string().catch(""),
  msg_type: z.string().catch(""),
  session: z.string().catch(""),
  username: z.string().catch(""),
  date: z.string().catch(""),
  version: z.string().catch(""),
});

/** What a kernel asks for, with the header that its answer must name. */
export interface Prompt extends z.infer<typeof promptSchema> {
  readonly header: z.infer<typeof promptHeaderSchema>;
  readonly isAnswered: boolean;
}

/**
 * What is known of an `execute_request` that is under way. It is done when both
 * the `execute_reply` and the `idle` status of its own request are here; either
 * can come first, and other kernels leave out `busy`, counts or errors.
 *
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute
 */
export interface Progress {
  readonly reply: "ok" | "error" | "aborted" | null;
  readonly idle: boolean;
  readonly executionCount: number | null;
  /**
   * The latest `input_request`. It stays until the kernel goes on, because an
   * answer can be lost with its connection.
   */
  readonly prompt: Prompt | null;
  /** The error of a reply, for kernels that publish none: shown at the end unless one came. */
  readonly replyError: {
    readonly ename: string;
    readonly evalue: string;
    readonly traceback: readonly string[];
  } | null;
  readonly sawError: boolean;
  /** Whether the kernel has shown that it is at it. */
  readonly hasBegun: boolean;
}

/** An execution of which nothing has come back yet. */
export const NO_PROGRESS: Progress = {
  reply: null,
  idle: false,
  executionCount: null,
  prompt: null,
  replyError: null,
  sawError: false,
  hasBegun: false,
};

/** True when an execution has come to its end. */
export function isDone(progress: Progress): boolean {
  return progress.reply !== null && progress.idle;
}

/** The state that `progress` stands for. */
export function stateOf(progress: Progress): ExecutionState {
  if (progress.reply !== null && progress.idle) return progress.reply;
  const { prompt } = progress;
  return prompt === null || prompt.isAnswered ? "running" : "waiting for input";
}

/** What a message made of an execution, and what it adds to its journal. */
export interface Reduced {
  readonly progress: Progress;
  readonly items: readonly Item[];
}

/** Ends an execution as an `idle` would, for one whose `idle` was lost. */
export function withIdle(progress: Progress): Reduced {
  return settle({ ...progress, idle: true }, [], isDone(progress));
}

/**
 * Takes in one message whose parent is this execution's request, and says what
 * it adds to the journal. Messages may come in any order, late and, for requests
 * that are over, after the end; a repeated one changes nothing but its items.
 */
export function reduce(before: Progress, message: Message): Reduced {
  const { content } = message;
  const progress =
    before.prompt?.isAnswered === true ? { ...before, prompt: null } : before;
  switch (message.header.msg_type) {
    case "status":
      return content["execution_state"] === "idle"
        ? withIdle(progress)
        : { progress, items: [] };
    case "execute_reply":
      return takeReply(progress, content);
    case "execute_input":
      return {
        progress: {
          ...progress,
          executionCount: countOf(content) ?? progress.executionCount,
          hasBegun: true,
        },
        items: [],
      };
    case "input_request": {
      const header = promptHeaderSchema.parse(message.header);
      const prompt = { ...promptSchema.parse(content), header, isAnswered: false };
      return { progress: { ...progress, prompt, hasBegun: true }, items: [] };
    }
    case "error": {
      const item = errorItem(content);
      // One that comes after the end was told from the reply already.
      if (isDone(progress) && progress.sawError) return { progress, items: [] };
      return {
        progress: {
          ...progress,
          sawError: true,
          prompt: null,
          replyError: null,
          hasBegun: true,
        },
        items: [...unanswered(progress), item],
      };
    }
    default: {
      const item = outputItem(message);
      if (item === null) return { progress, items: [] };
      return {
        progress: progress.hasBegun ? progress : { ...progress, hasBegun: true },
        items: [item],
      };
    }
  }
}

/** The answer to a prompt, as it goes into the journal. */
export function answered(prompt: NonNullable<Progress["prompt"]>, text: string): Item {
  return {
    type: "input",
    prompt: prompt.prompt,
    password: prompt.password,
    text: prompt.password ? "" : text,
  };
}

function unanswered(progress: Progress): Item[] {
  return progress.prompt === null || progress.prompt.isAnswered
    ? []
    : [answered(progress.prompt, "")];
}

function takeReply(progress: Progress, content: Message["content"]): Reduced {
  const wasDone = isDone(progress);
  const reply = replySchema.parse(content);
  const status = statusOf(reply.status);
  const isTold = status !== "error" || progress.sawError;
  const replyError = isTold ? null : clippedError(reply);
  const next: Progress = {
    ...progress,
    reply: status,
    prompt: null,
    executionCount: reply.execution_count ?? progress.executionCount,
    replyError,
  };
  const items = progress.reply === null ? reply.payload.flatMap(payloadItem) : [];
  return settle(next, [...unanswered(progress), ...items], wasDone);
}

/** IRkernel says `abort` of a run that was interrupted. A word that nobody knows is no success. */
function statusOf(status: string): "ok" | "error" | "aborted" {
  if (status === "abort") return "aborted";
  return status === "ok" || status === "aborted" ? status : "error";
}

/** What is said of a run that the kernel aborted in its midst. */
const INTERRUPTED = {
  ename: "Interrupted",
  evalue: "the kernel stopped this run before its end",
  traceback: [],
};

/**
 * At the end, an error that only the reply told becomes an output like any other,
 * and a run that had begun when it was aborted has failed: only one that had not
 * can be run as if nothing had happened.
 */
function settle(progress: Progress, items: readonly Item[], wasDone: boolean): Reduced {
  if (wasDone || !isDone(progress)) return { progress, items };
  const isInterrupted = progress.reply === "aborted" && progress.hasBegun;
  const settled: Progress = isInterrupted ? { ...progress, reply: "error" } : progress;
  const error = isInterrupted ? INTERRUPTED : progress.replyError;
  if (error === null || progress.sawError) return { progress: settled, items };
  return {
    progress: { ...settled, sawError: true, replyError: null },
    items: [...items, { type: "error" as const, ...error }],
  };
}

function clippedError(error: {
  readonly status: string;
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}) {
  const { status, ename, evalue } = error;
  const traceback = error.traceback.join("\n").slice(-MAX_ERROR_CHARS);
  const said = ename + evalue + traceback;
  const unsaid = `the kernel ended the run with status ${JSON.stringify(status.slice(0, 100))} and said no more`;
  return {
    ename: ename.slice(0, 200),
    evalue: said === "" ? unsaid : evalue.slice(0, MAX_ERROR_CHARS / 10),
    traceback: traceback === "" ? [] : [traceback],
  };
}

/** Payloads carry what a front end would open in a pager, or put into the next cell. */
function payloadItem(payload: { source: string; [key: string]: unknown }): Item[] {
  if (payload.source === "page" && isRecord(payload["data"])) {
    return [{ type: "display_data", data: payload["data"], metadata: {} }];
  }
  if (payload.source === "set_next_input" && typeof payload["text"] === "string") {
    const text = `Suggested next input:\n${payload["text"]}`;
    const data = { "text/plain": text };
    return [{ type: "display_data", data, metadata: {}, isSuggestion: true }];
  }
  return [];
}

/** Whether messages of this type show what code printed, displayed or raised. */
export function isOutput(msgType: string): boolean {
  return OUTPUT_TYPES.has(msgType);
}

const OUTPUT_TYPES: ReadonlySet<string> = new Set([
  "stream",
  "display_data",
  "execute_result",
  "update_display_data",
  "clear_output",
  "error",
]);

function outputItem(message: Message): Item | null {
  const { content } = message;
  switch (message.header.msg_type) {
    case "stream":
      return {
        type: "stream",
        name: content["name"] === "stderr" ? "stderr" : "stdout",
        text: typeof content["text"] === "string" ? content["text"] : "",
      };
    case "display_data":
    case "execute_result":
    case "update_display_data":
      return displayItem(message.header.msg_type, content);
    case "clear_output":
      return { type: "clear_output", wait: content["wait"] === true };
    default:
      return null;
  }
}

function displayItem(
  type: "display_data" | "execute_result" | "update_display_data",
  content: Message["content"],
): Item {
  const transient = content["transient"];
  const displayId = isRecord(transient) ? transient["display_id"] : undefined;
  const count = countOf(content);
  return {
    type,
    data: isRecord(content["data"]) ? content["data"] : {},
    metadata: isRecord(content["metadata"]) ? content["metadata"] : {},
    ...(typeof displayId === "string" && { display_id: displayId }),
    ...(type === "execute_result" && count !== null && { execution_count: count }),
  };
}

function errorItem(content: Message["content"]): Item {
  const { ename, evalue, traceback } = replySchema.parse(content);
  return { type: "error", ename, evalue, traceback };
}

function countOf(content: Message["content"]): number | null {
  const count = content["execution_count"];
  return typeof count === "number" ? count : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
