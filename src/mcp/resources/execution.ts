import { valueOf } from "../../errors.ts";
import { completeConversation, completeExecution } from "../completion.ts";
import { defineResource, type ResourcePart } from "../resource.ts";
import { conversationOf } from "../tools/execution.ts";
import { executionResult } from "../words.ts";

/** What a client can show, and far more than a model reads. */
const MAX_CHARS = 1_000_000;

/** What an execution has printed and shown by now. */
export const executionResource = defineResource({
  name: "execution",
  title: "Output of an execution",
  description:
    "The output of an execution: its status, then up to 1,000,000 characters, and small images.",
  template: "jupyter://conversations/{conversation}/executions/{execution}",
  scopes: ["code:execute"],
  worksWhileStopped: true,
  complete: { conversation: completeConversation, execution: completeExecution },
  async read({ conversation, execution }, context) {
    const outcome = await conversationOf(conversation, context).read({
      execution,
      waitMs: 0,
      maxOutputChars: MAX_CHARS,
    });
    const { content } = executionResult(valueOf(outcome), false, context.pagesAt);
    return content.flatMap((block): ResourcePart[] => {
      if (block.type === "text") return [{ mimeType: "text/plain", text: block.text }];
      return block.type === "image"
        ? [{ mimeType: block.mimeType, blob: block.data }]
        : [];
    });
  },
});
