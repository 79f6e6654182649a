import { completable, type McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import type { Scope } from "../scopes.ts";
import type { Complete } from "./completion.ts";
import { orProtocolError } from "./error-words.ts";
import { throwIfLacking, type CallContext } from "./tool.ts";

/** An argument that a person fills in. */
export interface PromptArgument {
  readonly description: string;
  readonly complete: Complete;
}

/** A prompt as it is defined. Arguments come as they were typed. */
export interface PromptDefinition<Required extends string, Optional extends string> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** What a token needs for what the prompt asks for, and to complete its arguments. */
  readonly scopes: readonly Scope[];
  readonly required: Readonly<Record<Required, PromptArgument>>;
  readonly optional: Readonly<Record<Optional, PromptArgument>>;
  /** What the model is asked. */
  text(
    args: Readonly<Record<Required, string> & Partial<Record<Optional, string>>>,
    context: CallContext,
  ): Promise<string> | string;
}

/** A prompt of any arguments, ready to be registered. */
export interface Prompt {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The arguments that it completes. */
  readonly variables: readonly string[];
  register(server: McpServer, context: CallContext): void;
}

/** Longer than any path or handle. */
const MAX_ARGUMENT_CHARS = 2_000;

/** Puts a prompt's parts together, so that its text knows its arguments. */
export function definePrompt<Required extends string, Optional extends string = never>(
  definition: PromptDefinition<Required, Optional>,
): Prompt {
  const { name, title, description, scopes } = definition;
  const required: [string, PromptArgument][] = Object.entries(definition.required);
  const optional: [string, PromptArgument][] = Object.entries(definition.optional);
  return {
    name,
    scopes,
    variables: [...required, ...optional].map(([argument]) => argument),
    register(server, context) {
      const allowed = <T>(kind: "prompt" | "completion", work: () => Promise<T> | T) =>
        orProtocolError(context.log.with({ kind, name }), () => {
          throwIfLacking(scopes, context);
          return work();
        });
      const schemaOf = ({ description: words, complete }: PromptArgument) =>
        completable(z.string().max(MAX_ARGUMENT_CHARS).describe(words), (typed, others) =>
          allowed("completion", () => complete(typed, context, others?.arguments ?? {})),
        );
      const argsSchema = z.object(
        Object.fromEntries([
          ...required.map(([argument, given]) => [argument, schemaOf(given)] as const),
          ...optional.map(
            ([argument, given]) => [argument, schemaOf(given).optional()] as const,
          ),
        ]),
      );
      server.registerPrompt(name, { title, description, argsSchema }, (args) =>
        allowed("prompt", async () => {
          // Parsed with the schema that was made of these very names.
          const typed = args as Parameters<typeof definition.text>[0];
          const text = await definition.text(typed, context);
          return { messages: [{ role: "user", content: { type: "text", text } }] };
        }),
      );
    },
  };
}
