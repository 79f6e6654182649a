/**
 * How a text became another one, as few and as small changes: what somebody
 * else writes beside them at the same moment is not touched.
 */

/** One change. `at` counts in the text as it is after the changes before this one. */
export interface TextChange {
  readonly at: number;
  readonly deleted: number;
  readonly inserted: string;
}

/** Where texts differ more than this, looking for what they share is not worth the time. */
const MAX_DISTANCE = 300;
/** Words, runs of spaces, and each other character by itself. */
const TOKENS = /\n|[^\S\n]+|[\p{L}\p{N}_]+|[\s\S]/gu;

/** The changes that make `after` of `before`, in their order. Surrogate pairs stay whole. */
export function textChanges(before: string, after: string): TextChange[] {
  const a = before.match(TOKENS) ?? [];
  const b = after.match(TOKENS) ?? [];
  const start = sharedStart(a, b);
  const end = sharedEnd(a, b, start);
  const changes: TextChange[] = [];
  let at = lengthOf(a, 0, start);
  const shared = sharedRuns(
    a.slice(start, a.length - end),
    b.slice(start, b.length - end),
  );
  let [fromA, fromB] = [start, start];
  for (const { inA, inB, length } of shared) {
    const deleted = a.slice(fromA, start + inA).join("");
    const inserted = b.slice(fromB, start + inB).join("");
    if (deleted !== "" || inserted !== "") changes.push(trimmed(at, deleted, inserted));
    fromA = start + inA + length;
    fromB = start + inB + length;
    at += inserted.length + lengthOf(a, start + inA, fromA);
  }
  return changes;
}

/** A change without what the texts have in common at its ends. */
function trimmed(at: number, deleted: string, inserted: string): TextChange {
  const most = Math.min(deleted.length, inserted.length);
  let start = 0;
  while (start < most && deleted[start] === inserted[start]) start += 1;
  if (isInPair(deleted, start) || isInPair(inserted, start)) start -= 1;
  let end = 0;
  while (
    end < most - start &&
    deleted[deleted.length - 1 - end] === inserted[inserted.length - 1 - end]
  )
    end += 1;
  if (
    isInPair(deleted, deleted.length - end) ||
    isInPair(inserted, inserted.length - end)
  )
    end -= 1;
  return {
    at: at + start,
    deleted: deleted.length - start - end,
    inserted: inserted.slice(start, inserted.length - end),
  };
}

/** Whether a place is between the halves of a surrogate pair. */
function isInPair(text: string, at: number): boolean {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(Math.max(0, at - 1), at + 1));
}

interface Run {
  readonly inA: number;
  readonly inB: number;
  readonly length: number;
}

/**
 * The runs that both have in the same order, by Myers's algorithm, and an empty
 * one at the end of both.
 *
 * @see http://www.xmailserver.org/diff2.pdf
 */
function sharedRuns(a: readonly string[], b: readonly string[]): Run[] {
  const end: Run = { inA: a.length, inB: b.length, length: 0 };
  const reached = reachedByDistance(a, b);
  if (reached === null) return [end];
  const runs: Run[] = [end];
  let [x, y] = [a.length, b.length];
  for (let distance = reached.length - 1; distance >= 0; distance -= 1) {
    const before = reached[distance - 1];
    const diagonal = x - y;
    const isDown = before !== undefined && comesDown(before, diagonal, distance);
    const fromDiagonal = isDown ? diagonal + 1 : diagonal - 1;
    const fromX = before === undefined ? 0 : (before.get(fromDiagonal) ?? 0);
    // The step from there, and then all that is equal.
    const startX = before === undefined || isDown ? fromX : fromX + 1;
    if (x > startX)
      runs.push({ inA: startX, inB: startX - diagonal, length: x - startX });
    x = fromX;
    y = fromX - fromDiagonal;
  }
  return runs.toReversed();
}

/** How far each diagonal gets with so many changes; null where too many would be needed. */
function reachedByDistance(
  a: readonly string[],
  b: readonly string[],
): Map<number, number>[] | null {
  const reached: Map<number, number>[] = [];
  for (let distance = 0; distance <= MAX_DISTANCE; distance += 1) {
    const before = reached.at(-1);
    const now = new Map<number, number>();
    reached.push(now);
    for (let diagonal = -distance; diagonal <= distance; diagonal += 2) {
      let x = 0;
      if (before !== undefined)
        x = comesDown(before, diagonal, distance)
          ? (before.get(diagonal + 1) ?? 0)
          : (before.get(diagonal - 1) ?? 0) + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x += 1;
      now.set(diagonal, x);
      if (x >= a.length && x - diagonal >= b.length) return reached;
    }
  }
  return null;
}

/** Whether the way to a diagonal inserts rather than deletes. */
function comesDown(
  before: ReadonlyMap<number, number>,
  diagonal: number,
  distance: number,
): boolean {
  if (diagonal === -distance) return true;
  if (diagonal === distance) return false;
  return (before.get(diagonal - 1) ?? -1) < (before.get(diagonal + 1) ?? -1);
}

function sharedStart(a: readonly string[], b: readonly string[]): number {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  return start;
}

function sharedEnd(a: readonly string[], b: readonly string[], start: number): number {
  const most = Math.min(a.length, b.length) - start;
  let end = 0;
  while (end < most && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return end;
}

function lengthOf(tokens: readonly string[], from: number, to: number): number {
  let length = 0;
  for (let at = from; at < to; at += 1) length += tokens[at]?.length ?? 0;
  return length;
}
