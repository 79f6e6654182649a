import type { Result } from "./drive.ts";
import type { Verdict } from "./verdict.ts";

const COLUMNS: readonly Verdict[] = [
  "complete",
  "marked",
  "lost",
  "refused",
  "false alarm",
  "silent loss",
  "duplicate",
  "hang",
  "other",
];

/** The results of all runs, one line for each fault, in Markdown. */
export function tableOf(results: readonly Result[]): string {
  const faults = [...new Set(results.map(({ plan }) => plan.fault))];
  const lines = faults.map((fault) =>
    line(
      fault,
      results.filter(({ plan }) => plan.fault === fault),
    ),
  );
  return [
    row("Fault", "Runs", "Hit", ...COLUMNS.map(capitalised), "Longest"),
    row("---", "---:", "---:", ...COLUMNS.map(() => "---:"), "---:"),
    ...lines,
    line("all", results),
  ].join("\n");
}

/** Why runs were lost or refused, and how often; and how many are marked of which nothing is missing. */
export function reasonsOf(results: readonly Result[]): string {
  const counts = new Map<string, number>();
  for (const { verdict, answer, plan } of results) {
    if (verdict !== "lost" && verdict !== "refused") continue;
    const reason = /^Lost: .*/m.exec(answer)?.[0] ?? answer.split("\n")[0] ?? "";
    // Kernels and ports differ in each.
    const general = reason.replaceAll(/\b[0-9a-f]{8}\b|:\d+/g, "…");
    const named = `${plan.fault}: ${verdict === "lost" ? general : `Refused: ${general}`}`;
    counts.set(named, (counts.get(named) ?? 0) + 1);
  }
  const cautious = results.filter(
    ({ verdict, reading }) => verdict === "complete" && reading.isMarked,
  );
  return [
    ...[...counts].map(([reason, count]) => `${count} × ${reason}`),
    `${cautious.length} complete ones are marked all the same`,
  ].join("\n");
}

function line(name: string, results: readonly Result[]): string {
  const counts = COLUMNS.map((verdict) =>
    String(results.filter((result) => result.verdict === verdict).length),
  );
  const longestMs = Math.max(0, ...results.map(({ settledAfterMs }) => settledAfterMs));
  return row(
    name,
    String(results.length),
    hitsOf(results),
    ...counts,
    `${(longestMs / 1000).toFixed(0)} s`,
  );
}

/** What happens to all at once happens to whatever runs. */
function hitsOf(results: readonly Result[]): string {
  const aimed = results.filter(({ plan }) => plan.moments.length > 0);
  return aimed.length === 0 ? "–" : String(aimed.filter(({ isHit }) => isHit).length);
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
