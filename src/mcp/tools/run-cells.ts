import { z } from "zod";
import { valueOf } from "../../errors.ts";
import { defineTool } from "../tool.ts";
import { executionResult } from "../words.ts";
import {
  conversationHandle,
  kernelName,
  outputBudget,
  waitSeconds,
} from "./arguments.ts";
import { runOrResume } from "./execution.ts";
import { cellSelection, checkedNotebookPath, notebookPath } from "./notebooks.ts";

const runCells = defineTool({
  name: "run_cells",
  title: "Run cells",
  description:
    "Run cells of a notebook in its own kernel, in their order; outputs go into the file. Stops at the first that fails. A long run goes on; get_output fetches the rest.",
  scopes: ["notebooks:write", "code:execute"],
  input: z.strictObject({
    path: notebookPath,
    cells: cellSelection.describe('"all", or ids and positions ("3", "3-7")'),
    conversation: conversationHandle.optional(),
    kernel: kernelName
      .describe("Kernel for a notebook without a running one: id, kernelspec or language")
      .optional(),
    restart: z.boolean().describe("Restart its kernel first").default(false),
    on_error: z.enum(["stop", "continue"]).default("stop"),
    wait_seconds: waitSeconds.default(30),
    max_output_chars: outputBudget,
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: true,
  },
  async run(input, context) {
    const { cells, conversation, kernel, restart, on_error: onError } = input;
    const path = checkedNotebookPath(input.path);
    const isNew = conversation === undefined;
    const identity = isNew
      ? context.conversations.mint()
      : context.conversations.identity(conversation);
    const request = {
      identity,
      isNew,
      path,
      cells,
      kernel,
      restart,
      onError,
      msgId: crypto.randomUUID(),
      waitMs: input.wait_seconds * 1000,
      maxOutputChars: input.max_output_chars,
      request: context.log.request,
    };
    const outcome = await runOrResume(request, context, (stub) =>
      stub.runCells(request, context.onProgress),
    );
    return executionResult(valueOf(outcome), isNew, context.pagesAt);
  },
});

/** Running what is in notebooks. */
export const runCellsTools = [runCells];
