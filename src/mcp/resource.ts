import {
  ResourceTemplate,
  UriTemplate,
  type McpServer,
  type ReadResourceResult,
} from "@modelcontextprotocol/server";
import { ExpectedError } from "../errors.ts";
import type { Scope } from "../scopes.ts";
import type { Complete } from "./completion.ts";
import { orProtocolError } from "./error-words.ts";
import { onceServerRuns, throwIfLacking, type CallContext } from "./tool.ts";

/** A part of what is read: text, or bytes as base64. */
export type ResourcePart =
  | { readonly mimeType: string; readonly text: string }
  | { readonly mimeType: string; readonly blob: string };

/** A resource template as its file defines it. */
export interface ResourceDefinition<Variable extends string> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** A URI template (RFC 6570). */
  readonly template: string;
  /** Where it is the same for all of them. */
  readonly mimeType?: string;
  /** What a token needs to read one, and to complete its variables. */
  readonly scopes: readonly Scope[];
  readonly complete: Readonly<Record<Variable, Complete>>;
  /** True where nothing has to be started to read one. */
  readonly worksWhileStopped?: boolean;
  /** The variables come decoded, and not checked in any other way. */
  read(
    variables: Readonly<Record<Variable, string>>,
    context: CallContext,
  ): Promise<readonly ResourcePart[]>;
}

/** A resource template of any variables, ready to be registered. */
export interface Resource {
  readonly name: string;
  readonly template: string;
  readonly scopes: readonly Scope[];
  /** The variables that it completes. */
  readonly variables: readonly string[];
  /** Whether a URI is one of these resources. */
  matches(uri: string): boolean;
  register(server: McpServer, context: CallContext): void;
}

/** Puts a resource template's parts together, so that its handler knows its variables. */
export function defineResource<Variable extends string>(
  definition: ResourceDefinition<Variable>,
): Resource {
  const { name, title, description, template, mimeType, scopes } = definition;
  const uriTemplate = new UriTemplate(template);
  const completes: readonly (readonly [string, Complete])[] = Object.entries(
    definition.complete,
  );
  return {
    name,
    template,
    scopes,
    variables: completes.map(([variable]) => variable),
    matches: (uri) => URL.canParse(uri) && uriTemplate.match(new URL(uri).href) !== null,
    register(server, context) {
      const complete = completes.map(
        ([variable, completing]) =>
          [
            variable,
            (typed: string, others?: { arguments?: Record<string, string> }) =>
              orProtocolError(context.log.with({ kind: "completion", name }), () => {
                throwIfLacking(scopes, context);
                return completing(typed, context, others?.arguments ?? {});
              }),
          ] as const,
      );
      const registered = new ResourceTemplate(uriTemplate, {
        // There are as many as files: a client finds them by completion.
        list: undefined,
        complete: Object.fromEntries(complete),
      });
      const metadata = {
        title,
        description,
        ...(mimeType !== undefined && { mimeType }),
      };
      server.registerResource(name, registered, metadata, ({ href }, variables) =>
        orProtocolError(
          context.log.with({ kind: "resource", name }),
          async (): Promise<ReadResourceResult> => {
            throwIfLacking(scopes, context);
            const decoded = Object.fromEntries(
              Object.entries(variables).map(([key, value]) => [key, decode(value)]),
            );
            // The template has exactly the variables that are completed.
            const known = decoded as Record<Variable, string>;
            const read = () => definition.read(known, context);
            const parts = await (definition.worksWhileStopped === true
              ? read()
              : onceServerRuns(context, read));
            return { contents: parts.map((part) => ({ uri: href, ...part })) };
          },
          href,
        ),
      );
    },
  };
}

/** The one time that a variable is decoded: what is encoded twice stays encoded once. */
function decode(value: string | readonly string[]): string {
  const raw = typeof value === "string" ? value : value.join(",");
  try {
    return decodeURIComponent(raw);
  } catch (cause) {
    const detail = "its percent-encoding is broken";
    throw new ExpectedError(
      { code: "bad_path", path: raw.slice(0, 200), detail },
      { cause },
    );
  }
}
