import { z } from "zod";
import { valueOf, type Outcome } from "../../errors.ts";
import type {
  SearchAnswer,
  SearchMatch,
  SearchRequest,
} from "../../workspace/workspace.ts";
import { adviceFor } from "../advice.ts";
import { quotedPath } from "../quoting.ts";
import { defineTool, text, type CallContext } from "../tool.ts";

const WHERE = ["source", "markdown", "outputs"] as const;
/** Clients wait for 60 s. */
const MAX_WAIT_MS = 40_000;

/** Finds code, text and outputs in all notebooks. */
const searchNotebooks = defineTool({
  name: "search_notebooks",
  title: "Search notebooks",
  description:
    'Find code, text and outputs in all notebooks, in subfolders too. All words have to occur in a cell, in any case, also inside longer names; "in quotes" an exact phrase. Gives paths and cell ids for read_notebook.',
  scopes: ["notebooks:read"],
  input: z.strictObject({
    query: z.string().max(1_000),
    regex: z
      .boolean()
      .describe("query is a regular expression (RE2, case-sensitive; (?i) for any case)")
      .default(false),
    in: z
      .array(z.enum(WHERE))
      .min(1)
      .describe("Where to look. Default: everywhere")
      .default([...WHERE]),
    path: z
      .string()
      .min(1)
      .max(200)
      .describe('Glob over paths, as "models/**"; without "/" over names')
      .optional(),
    language: z.string().min(1).max(100).describe("As python or r").optional(),
    fresh: z
      .boolean()
      .describe("Look for changes by others first, which may take a while")
      .default(false),
    limit: z.number().int().min(1).max(100).default(20),
    cursor: z.string().max(100).optional(),
  }),
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  async run(input, context) {
    const { path, language } = input;
    const isName = path?.includes("/") === false;
    const request = {
      query: input.query,
      isRegex: input.regex,
      kinds: [...new Set(input.in)],
      path: path === undefined ? null : isName ? `**/${path}` : path,
      language: language?.toLowerCase() ?? null,
      isFresh: input.fresh,
      waitMs: MAX_WAIT_MS,
      limit: input.limit,
      cursor: input.cursor ?? null,
    };
    const answer = valueOf(await searchOrAgain(request, context));
    const { matches, cursor, state } = answer;
    const lines = [headLine(answer), ...troubleLines(answer)];
    for (const match of matches) lines.push(...matchLines(match));
    if (cursor !== null)
      lines.push(`Next: search_notebooks cursor: ${JSON.stringify(cursor)} shows more.`);
    else if (matches.length > 0)
      lines.push("Next: read_notebook with a path and cells shows whole cells.");
    return text(lines.join("\n"), {
      "jupyter-edge/search": {
        matches: matches.map((match) => ({
          path: match.path,
          cell: match.cellId,
          line: match.line,
        })),
        indexed: state.indexed,
        total: state.total,
        checkedAt:
          state.listedAt === null ? null : new Date(state.listedAt).toISOString(),
      },
      ...(cursor !== null && { "jupyter-edge/page": { cursor } }),
    });
  },
});

/**
 * Searches, and where the object is interrupted meanwhile, as by a deploy, asks
 * the one that takes its place: a search changes nothing.
 */
async function searchOrAgain(
  request: SearchRequest,
  { workspace, reopenWorkspace, log }: CallContext,
): Promise<Outcome<SearchAnswer>> {
  const begunAt = Date.now();
  try {
    return await workspace.search(request);
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error;
    log.warn("interrupted", { error: name });
  }
  const waitMs = Math.max(0, request.waitMs - (Date.now() - begunAt));
  return reopenWorkspace().search({ ...request, waitMs });
}

/** The tools of searching. */
export const searchTools = [searchNotebooks];

function headLine({ matches, found, hasMore, state }: SearchAnswer): string {
  const count =
    matches.length === found && !hasMore
      ? `${found} ${found === 1 ? "match" : "matches"}`
      : `${matches.length} of ${hasMore ? "more than " : ""}${found} matches`;
  const { indexed, total, unreadable, listedAt } = state;
  const left = unreadable > 0 ? ` (${unreadable} cannot be read)` : "";
  const checked =
    listedAt === null
      ? "not checked for changes yet"
      : `checked ${Math.max(0, Math.round((Date.now() - listedAt) / 1_000))} s ago`;
  return `${count} · ${indexed} of ${total} notebooks searched${left} · ${checked}`;
}

function troubleLines({ state, trouble, hasMore, matches }: SearchAnswer): string[] {
  const lines: string[] = [];
  if (state.indexed + state.unreadable < state.total)
    lines.push("The index is still being built: call again for the rest.");
  if (state.isPartial) lines.push("Some folders could not be listed.");
  if (trouble !== null)
    lines.push(`Changes by others may be missing: ${adviceFor(trouble).message}`);
  if (hasMore && matches.length === 0)
    lines.push(
      "Only a part was looked at so far; a path or longer words narrow it down.",
    );
  return lines;
}

function matchLines(match: SearchMatch): string[] {
  const { path, cellId, position, kind, lines, more } = match;
  const place = `── ${quotedPath(path)} · cell ${position + 1} ${cellId} ${kind === "source" ? "code" : kind}`;
  const shown = lines.map(
    ({ number, text: line, isMatch }) => `${isMatch ? ">" : " "} ${number}\t${line}`,
  );
  if (more > 0) shown.push(`  … ${more} more ${more === 1 ? "line" : "lines"}`);
  return [place, ...shown];
}
