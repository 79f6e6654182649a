import { z } from "zod";
import type { Inspected } from "../../conversation/introspection.ts";
import { ExpectedError, valueOf } from "../../errors.ts";
import { oneLine, quoted } from "../quoting.ts";
import { defineTool, text } from "../tool.ts";
import { variablesText } from "../variable-words.ts";
import { kernelName as nameOf } from "../words.ts";
import { conversationHandle, kernelName } from "./arguments.ts";
import { conversationOf } from "./execution.ts";

const MAX_CODE_CHARS = 100_000;
const MAX_COMPLETIONS = 100;

const READS_ONLY = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

const listVariables = defineTool({
  name: "list_variables",
  title: "List variables",
  description:
    "Variables of an idle kernel: type, shape, size, short value; with name one in detail (columns, range, fields, documentation). " +
    "Leaves history, In, Out and _ untouched. Python, R, TypeScript (Deno), Rust.",
  scopes: ["code:execute"],
  input: z.strictObject({
    conversation: conversationHandle,
    kernel: kernelName.optional(),
    name: z.string().min(1).max(200).describe("One variable, in detail").optional(),
    pattern: z
      .string()
      .min(1)
      .max(200)
      .describe("Glob over names, like df*")
      .default("*"),
  }),
  annotations: READS_ONLY,
  worksWhileStopped: true,
  async run({ conversation, kernel, name, pattern }, context) {
    const outcome = await conversationOf(conversation, context).variables({
      kernel,
      name: name ?? null,
      pattern,
    });
    return text(variablesText(valueOf(outcome), conversation));
  },
});

const inspectCode = defineTool({
  name: "inspect_code",
  title: "Inspect code",
  description:
    "Ask an idle kernel about the name at the cursor of code: its documentation, its source, or what completes it. Nothing is run.",
  scopes: ["code:execute"],
  input: z.strictObject({
    conversation: conversationHandle,
    code: z.string().min(1).max(MAX_CODE_CHARS).describe("Like np.linspace"),
    cursor: z
      .number()
      .int()
      .min(0)
      .describe("Characters before the cursor. Default: the end of the last name")
      .optional(),
    kernel: kernelName.optional(),
    mode: z.enum(["help", "source", "complete"]).default("help"),
  }),
  annotations: READS_ONLY,
  worksWhileStopped: true,
  async run({ conversation, code, cursor: given, kernel, mode }, context) {
    const chars = Array.from(code);
    if (given !== undefined && given > chars.length)
      throw new ExpectedError({
        code: "cursor_outside",
        cursor: given,
        chars: chars.length,
      });
    const cursor = given ?? (mode === "complete" ? chars.length : endOfName(code));
    const outcome = await conversationOf(conversation, context).inspect({
      kernel,
      code,
      cursor,
      mode,
    });
    const inspected = valueOf(outcome);
    const head = [nameOf(inspected.kernel), conversation].join(" · ");
    const lines =
      inspected.completions === null
        ? helpLines(inspected, chars.slice(0, cursor).join(""), mode)
        : completionLines(inspected.completions, chars);
    return text([head, ...lines].join("\n"));
  },
});

/** Where the last name of code ends, in characters: before the arguments of a call, where it is one. */
function endOfName(code: string): number {
  const call = /^([^]*[\p{L}\p{N}_$.!])\s*\([^()]*\)?\s*$/u.exec(code)?.[1];
  return Array.from(call ?? code.trimEnd()).length;
}

function helpLines({ help }: Inspected, before: string, mode: string): string[] {
  const about = quoted(before.slice(-80));
  if (help === null)
    return [
      `The kernel has no ${mode === "source" ? "source" : "help"} for ${about}.`,
      "Next: a name is known once the code that imports or defines it has run; list_variables shows what is there.",
    ];
  const { text: words, omitted } = help;
  return omitted === 0 ? [words] : [words, `[… ${omitted} more characters]`];
}

function completionLines(
  { matches, start, end }: NonNullable<Inspected["completions"]>,
  chars: readonly string[],
): string[] {
  const replaced = quoted(chars.slice(start, end).join("").slice(-80));
  if (matches.length === 0) return [`Nothing completes ${replaced}.`];
  const lines = matches
    .slice(0, MAX_COMPLETIONS)
    .map(({ text: match, type }) => [oneLine(match), oneLine(type)].join("  ").trimEnd());
  const more = matches.length - lines.length;
  return [
    `${matches.length} for ${replaced}:`,
    ...lines,
    ...(more > 0 ? [`… ${more} more: complete a longer beginning.`] : []),
  ];
}

/** Looking into a kernel without running anything. */
export const introspectionTools = [listVariables, inspectCode];
