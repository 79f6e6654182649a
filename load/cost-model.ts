/**
 * What an hour of a conversation costs, from what is counted of it and from
 * Cloudflare's list prices. docs/cost.md tells the formula and has the counts in
 * a table, which is written and read here, so that a test can hold its dollars
 * against the formula.
 */

/**
 * US dollars, beyond what the plan includes.
 *
 * @see https://developers.cloudflare.com/workers/platform/pricing/
 * @see https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
export const PRICES = {
  workerRequest: 0.3 / 1e6,
  workerCpuMs: 0.02 / 1e6,
  /** A call, an alarm that rings, or {@link MESSAGES_PER_REQUEST} messages. */
  objectRequest: 0.15 / 1e6,
  gigabyteSecond: 12.5 / 1e6,
  rowRead: 0.001 / 1e6,
  /** An alarm that is set is one, too. */
  rowWritten: 1 / 1e6,
  gigabyteMonth: 0.2,
} as const;

/** Messages that come over a WebSocket are billed so many to a request. */
const MESSAGES_PER_REQUEST = 20;
/** Every object is billed for 128 MB, whatever it takes. */
const OBJECT_GIGABYTES = 0.128;

/** What is billed, in the order of the table's columns. */
export const COUNTED = [
  "Worker requests",
  "Worker CPU ms",
  "calls",
  "alarms",
  "messages",
  "object-seconds",
  "rows written",
  "alarms set",
  "rows read",
] as const;

/** Of one conversation in an hour, the Workspace's part included. */
export type HourlyCounts = Readonly<Record<(typeof COUNTED)[number], number>>;

/** In US dollars. */
export function costOf(counts: HourlyCounts): number {
  const requests = counts.calls + counts.alarms + counts.messages / MESSAGES_PER_REQUEST;
  return (
    counts["Worker requests"] * PRICES.workerRequest +
    counts["Worker CPU ms"] * PRICES.workerCpuMs +
    requests * PRICES.objectRequest +
    counts["object-seconds"] * OBJECT_GIGABYTES * PRICES.gigabyteSecond +
    (counts["rows written"] + counts["alarms set"]) * PRICES.rowWritten +
    counts["rows read"] * PRICES.rowRead
  );
}

/** One line of the table. */
export interface CostLine {
  readonly name: string;
  readonly counts: HourlyCounts;
  /** As written, in US dollars. */
  readonly dollars: string;
}

/** Six digits: a millionth of a dollar is a row written. */
export function dollarsOf(counts: HourlyCounts): string {
  return costOf(counts).toFixed(6);
}

const HEAD = ["an hour", ...COUNTED, "US$"];

/** The table in Markdown. */
export function formatTable(
  lines: readonly { readonly name: string; readonly counts: HourlyCounts }[],
): string {
  return [
    row(HEAD),
    row(HEAD.map(() => "---")),
    ...lines.map(({ name, counts }) => {
      const shown = rounded(counts);
      return row([name, ...COUNTED.map((each) => String(shown[each])), dollarsOf(shown)]);
    }),
  ].join("\n");
}

/** So that the dollars of a line are those of the counts that it shows. */
function rounded(counts: HourlyCounts): HourlyCounts {
  return Object.fromEntries(
    COUNTED.map((each) => [each, Math.round(counts[each])]),
  ) as HourlyCounts;
}

/** The lines of all such tables in a text. */
export function parseTables(markdown: string): CostLine[] {
  const rows = markdown
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter((cells) => cells.length === HEAD.length && /^[\d,]+$/.test(cells[1] ?? ""));
  return rows.map(([name = "", ...cells]) => ({
    name,
    counts: Object.fromEntries(
      COUNTED.map((each, index) => [each, Number(cells[index]?.replaceAll(",", ""))]),
    ) as HourlyCounts,
    dollars: cells.at(-1) ?? "",
  }));
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** How many single runs an hour of the case `a run every five minutes` has. */
export const SINGLE_RUNS = 12;

/** What one of them costs with another linger, which is as long as the object stays in memory for it. */
export function singleRunCost(hour: HourlyCounts, lingerSeconds: number): number {
  const objectSeconds = SINGLE_RUNS * lingerSeconds;
  return costOf({ ...hour, "object-seconds": objectSeconds }) / SINGLE_RUNS;
}
