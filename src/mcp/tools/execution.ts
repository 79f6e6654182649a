import { z } from "zod";
import type { RunRequest } from "../../conversation/conversation.ts";
import type { ExecutionResult } from "../../conversation/view.ts";
import { ExpectedError, valueOf, type Outcome } from "../../errors.ts";
import { HANDLE_PATTERN } from "../../identity.ts";
import { defineTool, text, type CallContext, type ToolContext } from "../tool.ts";
import { codeLine, executionMeta, executionResult, statusLine } from "../words.ts";
import {
  conversationHandle,
  executionId,
  kernelName,
  outputBudget,
  waitSeconds,
} from "./arguments.ts";

/** More than any program a model writes, and half of what a row of the journal may hold. */
const MAX_CODE_BYTES = 1_000_000;
const MAX_INPUT_BYTES = 100_000;
/** `send_input` has no `wait_seconds`: what follows an answer is usually there soon. */
const INPUT_WAIT_MS = 30_000;
const LISTED_EXECUTIONS = 20;

/**
 * The conversation that a handle names.
 *
 * @throws {ExpectedError} for what is no handle, before any object is asked
 */
export function conversationOf(handle: string, { conversations }: CallContext) {
  if (!HANDLE_PATTERN.test(handle)) {
    throw new ExpectedError({
      code: "conversation_not_found",
      conversation: handle.slice(0, 40),
    });
  }
  return conversations.get(handle);
}

type ConversationStub = ReturnType<ToolContext["conversations"]["get"]>;

const runCode = defineTool({
  name: "run_code",
  title: "Run code",
  description:
    "Run code in a Jupyter kernel and show its output. Variables persist between calls of the same conversation. " +
    "Without conversation a new one starts. A run that takes longer than wait_seconds goes on; get_output fetches the rest.",
  scopes: ["code:execute"],
  input: z.strictObject({
    code: z.string(),
    conversation: conversationHandle.optional(),
    kernel: kernelName
      .describe(
        "Kernel id or its first 4+ characters, kernelspec name or language (python, r, …); new:python starts another one. Default: the one used last",
      )
      .optional(),
    wait_seconds: waitSeconds.default(30),
    max_output_chars: outputBudget,
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: true,
  },
  async run({ code, conversation, kernel, wait_seconds, max_output_chars }, context) {
    if (code.trim() === "") throw new ExpectedError({ code: "code_empty" });
    throwIfTooLong("code_too_long", code, MAX_CODE_BYTES);
    const isNew = conversation === undefined;
    const identity = isNew
      ? context.conversations.mint()
      : context.conversations.identity(conversation);
    const request = {
      identity,
      isNew,
      msgId: crypto.randomUUID(),
      code,
      kernel,
      waitMs: wait_seconds * 1000,
      maxOutputChars: max_output_chars,
      request: context.log.request,
    };
    const outcome = await runOrResume(request, context, (stub) =>
      stub.run(request, context.onProgress),
    );
    return executionResult(valueOf(outcome), isNew, context.pagesAt);
  },
});

/**
 * Runs code, and where the object is interrupted meanwhile, as by a deploy, asks
 * the one that takes its place for the same run: calling again would run it twice.
 */
export async function runOrResume(
  request: Omit<RunRequest, "code" | "kernel">,
  context: ToolContext,
  run: (stub: ConversationStub) => Promise<Outcome<ExecutionResult>>,
): Promise<Outcome<ExecutionResult>> {
  const { handle } = request.identity;
  const begunAt = Date.now();
  try {
    return await run(conversationOf(handle, context));
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error;
    context.log.warn("interrupted", { conversation: handle, error: name });
  }
  const waitMs = Math.max(0, request.waitMs - (Date.now() - begunAt));
  const { msgId, maxOutputChars } = request;
  const resumed = await conversationOf(handle, context)
    .resumeRun({ msgId, waitMs, maxOutputChars, request: request.request })
    .catch((): Outcome<ExecutionResult> => {
      return { failure: { code: "conversation_interrupted", conversation: handle } };
    });
  const isUnknown =
    "failure" in resumed &&
    /^(execution|conversation)_not_found$/.test(resumed.failure.code);
  return isUnknown ? { failure: { code: "run_not_begun" } } : resumed;
}

const getOutput = defineTool({
  name: "get_output",
  title: "Get output",
  description:
    "Read the output of an execution, waiting while it runs. after reads on from a position; find searches the full output; " +
    "image fetches one image. Without execution, lists the latest ones.",
  scopes: ["code:execute"],
  input: z.strictObject({
    conversation: conversationHandle,
    execution: executionId.optional(),
    after: z.number().int().min(0).describe("Position from an earlier result").optional(),
    wait_seconds: waitSeconds.default(30),
    find: z.string().min(1).max(1_000).describe("Regular expression (RE2)").optional(),
    image: z
      .number()
      .int()
      .min(1)
      .describe("Number of an image in the output")
      .optional(),
    max_output_chars: outputBudget,
  }),
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  worksWhileStopped: true,
  async run(input, context) {
    const {
      conversation,
      execution,
      after,
      wait_seconds,
      find,
      image,
      max_output_chars,
    } = input;
    const stub = conversationOf(conversation, context);
    const maxOutputChars = max_output_chars;
    if (execution === undefined) return listExecutions(stub);
    if (find !== undefined) {
      const found = valueOf(
        await stub.find({ execution, pattern: find, maxOutputChars }),
      );
      const meta = executionMeta(found.view, found.view.position, false);
      return text(`${statusLine(found.view)}\n${found.text}`, meta);
    }
    if (image !== undefined) {
      const shown = valueOf(await stub.image({ execution, image, maxOutputChars }));
      const line = `${statusLine(shown.view)}\n[image ${image}: ${shown.mime}]`;
      const meta = executionMeta(shown.view, shown.view.position, false);
      if (shown.base64 === null) return text(`${line}\n${shown.text}`, meta);
      return {
        content: [
          { type: "text", text: line },
          { type: "image", data: shown.base64, mimeType: shown.mime },
        ],
        meta,
      };
    }
    const outcome = await stub.read(
      { execution, after, waitMs: wait_seconds * 1000, maxOutputChars },
      context.onProgress,
    );
    return executionResult(valueOf(outcome), false, context.pagesAt);
  },
});

async function listExecutions(stub: ReturnType<ToolContext["conversations"]["get"]>) {
  const views = valueOf(await stub.executions(LISTED_EXECUTIONS));
  const lines = views.map((view) => `${statusLine(view)}\n    ${codeLine(view.code)}`);
  return text(lines.join("\n") || "Nothing was run in this conversation yet.");
}

const sendInput = defineTool({
  name: "send_input",
  title: "Send input",
  description:
    "Answer the input() or getpass() that an execution waits for, and show what follows.",
  scopes: ["code:execute"],
  input: z.strictObject({
    conversation: conversationHandle,
    execution: executionId,
    text: z.string().describe("The answer, without a line end"),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: true,
  },
  worksWhileStopped: true,
  async run({ conversation, execution, text: answer }, context) {
    throwIfTooLong("text_too_long", answer, MAX_INPUT_BYTES);
    const outcome = await conversationOf(conversation, context).input(
      { execution, text: answer, waitMs: INPUT_WAIT_MS, maxOutputChars: 10_000 },
      context.onProgress,
    );
    return executionResult(valueOf(outcome), false, context.pagesAt);
  },
});

function throwIfTooLong(
  code: "code_too_long" | "text_too_long",
  value: string,
  limit: number,
) {
  const { byteLength } = new TextEncoder().encode(value);
  if (byteLength > limit) throw new ExpectedError({ code, bytes: byteLength, limit });
}

/** Running code and reading what came of it. */
export const executionTools = [runCode, getOutput, sendInput];
