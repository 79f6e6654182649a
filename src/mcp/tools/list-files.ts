import { z } from "zod";
import { compileGlob } from "../../jupyter/glob.ts";
import { listTree, type Listing } from "../../jupyter/listing.ts";
import { checkedPath } from "../../jupyter/paths.ts";
import { entryLine } from "../file-words.ts";
import { quotedPath } from "../quoting.ts";
import { defineTool, text } from "../tool.ts";

const MAX_DEPTH = 8;
const MAX_FOLDERS = 500;
const MAX_LIST_MS = 20_000;
/** Folders that are named where they were not looked at. */
const NAMED_FOLDERS = 3;

/** Lists folders, and finds files by name. */
export const listFiles = defineTool({
  name: "list_files",
  title: "List files",
  description:
    "List folders, notebooks and files with size and time of their last change.",
  scopes: ["notebooks:read"],
  input: z.strictObject({
    path: z.string().describe("Folder. Default: Jupyter's root").default(""),
    depth: z
      .number()
      .int()
      .min(1)
      .max(MAX_DEPTH)
      .describe("Levels of folders. Default: 1; with pattern as deep as it needs")
      .optional(),
    pattern: z
      .string()
      .min(1)
      .max(200)
      .describe(
        'Glob below path, as "data/*.csv"; without "/" it finds names at any depth',
      )
      .optional(),
    limit: z.number().int().min(1).max(1_000).default(200),
    cursor: z.string().max(2_000).optional(),
  }),
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  async run({ path: given, depth, pattern, limit, cursor }, { jupyter }) {
    const path = checkedPath(given, true);
    const isName = pattern?.includes("/") === false;
    const glob = compileGlob(isName ? `**/${pattern}` : (pattern ?? "**"));
    const below = (entry: string) => (path === "" ? entry : entry.slice(path.length + 1));
    const listing = await listTree(jupyter, path, {
      depth: depth ?? (pattern === undefined ? 1 : MAX_DEPTH),
      maxFolders: MAX_FOLDERS,
      maxMs: MAX_LIST_MS,
      isWanted: (folder) => glob.canMatchBelow(below(folder)),
      now: Date.now,
    });
    const found = listing.entries.filter((entry) => glob.matches(below(entry.path)));
    const rest = found.filter((entry) => cursor === undefined || entry.path > cursor);
    const page = rest.slice(0, limit);
    const lines = [
      `${quotedPath(path === "" ? "/" : path)} · ${found.length} ${found.length === 1 ? "entry" : "entries"}`,
      ...page.map((entry) => entryLine(entry)),
      ...notSeenLines(listing, pattern !== undefined && depth === undefined),
    ];
    const last = rest.length > limit ? page.at(-1)?.path : undefined;
    if (last === undefined) return text(lines.join("\n"));
    lines.push(
      `Next: list_files cursor: ${JSON.stringify(last)} shows ${rest.length - limit} more.`,
    );
    return text(lines.join("\n"), { "jupyter-edge/page": { cursor: last } });
  },
});

const BOUNDS: Readonly<Record<NonNullable<Listing["bound"]>, string>> = {
  folders: `after ${MAX_FOLDERS} folders`,
  time: `after ${MAX_LIST_MS / 1_000} s`,
  connection: "because Jupyter did not answer any more",
};

function notSeenLines(
  { bound, unseen, unreadable, deeper }: Listing,
  isDepthOurs: boolean,
): string[] {
  const lines: string[] = [];
  if (bound !== null && unseen.length > 0)
    lines.push(
      `Stopped ${BOUNDS[bound]}. Not looked at, nor what is below: ${folders(unseen)}.`,
    );
  if (unreadable.length > 0) lines.push(`Could not be listed: ${folders(unreadable)}.`);
  if (isDepthOurs && deeper.length > 0)
    lines.push(
      `More than ${MAX_DEPTH} levels deep, and not looked at: ${folders(deeper)}.`,
    );
  return lines;
}

function folders(paths: readonly string[]): string {
  const named = paths.slice(0, NAMED_FOLDERS).map((path) => `${quotedPath(path)}/`);
  const more = paths.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more folders` : ""}`;
}
