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
  /** Whether it was said why the run is lost. */
  readonly hasReason: boolean;
  /** Whether the kernel has begun with its code. */
  readonly wasBegun: boolean;
}

/** What a run was to print, and whether anything of it can get lost. */
export interface Expected {
  readonly lines: number;
  readonly isHarmless: boolean;
}

/** The last five are what must not be. */
export type Verdict =
  | "complete"
  | "marked"
  | "lost"
  | "refused"
  | "false alarm"
  | "silent loss"
  | "duplicate"
  | "hang"
  | "other";

/** Which verdicts make a run of the bench fail. */
export const BAD: ReadonlySet<Verdict> = new Set([
  "false alarm",
  "silent loss",
  "duplicate",
  "hang",
  "other",
]);

/** Judges a run. Where nothing can get lost, whatever says that it may have is a false alarm. */
export function judge(reading: Reading, { lines, isHarmless }: Expected): Verdict {
  const verdict = verdictOf(reading, lines);
  const isAlarm = reading.isMarked || verdict === "lost" || verdict === "refused";
  return isHarmless && isAlarm && !BAD.has(verdict) ? "false alarm" : verdict;
}

function verdictOf(reading: Reading, lines: number): Verdict {
  const { state, isMarked, readOn, readWhole } = reading;
  if (!isAscending(readOn) || !isAscending(readWhole)) return "duplicate";
  // What was refused must not have been run.
  if (state === null) return reading.wasBegun ? "other" : "refused";
  if (state === "running" || state === "waiting for input") return "hang";
  if (state === "lost") return reading.hasReason ? "lost" : "other";
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
