import { z } from "zod";
import { valueOf } from "../../errors.ts";
import type { ConversationSummary } from "../../workspace/workspace.ts";
import { quotedPath } from "../quoting.ts";
import { defineTool, text } from "../tool.ts";
import { codeLine, duration, kernelName } from "../words.ts";
import { conversationHandle } from "./arguments.ts";
import { conversationOf } from "./execution.ts";

const listConversations = defineTool({
  name: "list_conversations",
  title: "List conversations",
  description:
    "The user's conversations, newest first: what ran last, their kernels, what still runs.",
  scopes: ["code:execute"],
  input: z.strictObject({ limit: z.number().int().min(1).max(200).default(20) }),
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  worksWhileStopped: true,
  async run({ limit }, { workspace }) {
    const { conversations, total } = await workspace.list(limit);
    if (total === 0) {
      return text("No conversation yet.\nNext: run_code starts one.", {
        "jupyter-edge/conversations": [],
      });
    }
    const now = Date.now();
    const lines = conversations.map((summary) => lineOf(summary, now));
    if (total > conversations.length)
      lines.push(`${total - conversations.length} older ones: raise limit.`);
    return text(lines.join("\n"), {
      "jupyter-edge/conversations": conversations.map(
        ({ handle, usedAt, kernels, unfinished }) => ({
          conversation: handle,
          usedAt: new Date(usedAt).toISOString(),
          kernels: kernels.map(({ id }) => id),
          unfinished,
        }),
      ),
    });
  },
});

function lineOf(summary: ConversationSummary, now: number): string {
  const kernels = summary.kernels.map(kernelName).join(", ") || "no kernel";
  const running =
    summary.unfinished.length > 0
      ? ` · unfinished: ${summary.unfinished.join(", ")}`
      : "";
  const last =
    summary.lastExecution === ""
      ? ""
      : `\n    ${summary.lastExecution} ${summary.lastState}: ${codeLine(summary.lastCode)}`;
  return `${summary.handle} · used ${duration(now - summary.usedAt)} ago · ${kernels}${running}${last}`;
}

const endConversation = defineTool({
  name: "end_conversation",
  title: "End conversation",
  description:
    "Forget a conversation and the output kept for it. Its kernels stay, with their variables, unless shutdown_kernels is true.",
  scopes: ["code:execute"],
  input: z.strictObject({
    conversation: conversationHandle,
    shutdown_kernels: z
      .boolean()
      .default(false)
      .describe("Also shut down the kernels that this conversation started"),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  worksWhileStopped: true,
  async run({ conversation, shutdown_kernels }, context) {
    const ended = valueOf(
      await conversationOf(conversation, context).end(shutdown_kernels),
    );
    const lines = [`Ended ${conversation}; its journal is gone.`];
    if (ended.shutDown.length > 0)
      lines.push(`Shut down: ${ended.shutDown.map(kernelName).join(", ")}.`);
    if (ended.left.length > 0) {
      lines.push(
        `Still running: ${ended.left.map(kernelName).join(", ")}; run_code with kernel attaches to one.`,
      );
    }
    if (ended.unfinished.length > 0) {
      lines.push(
        `Was unfinished: ${ended.unfinished.join(", ")}; the output of it is not kept any more.`,
      );
    }
    for (const { execution, cells } of ended.notRun)
      lines.push(
        cells === null
          ? `${execution} had not begun, and will not run.`
          : `${execution}: ${cells} ${cells === 1 ? "cell" : "cells"} had not run, and will not.`,
      );
    for (const { execution, path, trouble } of ended.unsaved)
      lines.push(`Outputs of ${execution} are not in ${quotedPath(path)} (${trouble}).`);
    return text(lines.join("\n"));
  },
});

/** What can be done with conversations as a whole. */
export const conversationTools = [listConversations, endConversation];
