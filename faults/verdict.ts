/** What became of a run, judged by what its client has read. */

/** What a client has of a run in the end. */
export interface Reading {
  /** The state that was read last; null for a run that was refused before it was begun. */
  readonly state: string | null;
  /** Whether any answer has said that output may be missing. */
  readonly isMarked: boolean;
  /** The numbers of the lines, as they were read on from position to position. */
  readonly readOn: readonly number[];
  /** The same from one call at the end. */
  readonly readWhole: readonly number[];
}

/** The last three are what must not be. */
export type Verdict =
  | "complete"
  | "marked"
  | "lost"
  | "refused"
  | "silent loss"
  | "duplicate"
  | "hang"
  | "other";

/** Which verdicts make a run of the bench fail. */
export const BAD: ReadonlySet<Verdict> = new Set([
  "silent loss",
  "duplicate",
  "hang",
  "other",
]);

/** Judges a run that was to print `lines` lines. */
export function judge(reading: Reading, lines: number): Verdict {
  const { state, isMarked, readOn, readWhole } = reading;
  if (!isAscending(readOn) || !isAscending(readWhole)) return "duplicate";
  if (state === null) return "refused";
  if (state === "running" || state === "waiting for input") return "hang";
  if (state === "lost") return "lost";
  if (state !== "ok") return "other";
  if (readOn.length === lines && readWhole.length === lines) return "complete";
  return isMarked ? "marked" : "silent loss";
}

/** The numbers of a run's lines in a text, in their order. */
export function numbersIn(text: string, token: string): number[] {
  const line = new RegExp(`^${token} (\\d+)$`, "gm");
  return Array.from(text.matchAll(line), (match) => Number(match[1]));
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]!);
}
