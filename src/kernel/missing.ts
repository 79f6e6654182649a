/** What is known to be missing of an execution's output, and how that is told beside other reasons. */

/** @see https://developers.cloudflare.com/workers/platform/limits/ */
const MESSAGE_LIMIT = "the limit is 32 MiB";
const DROPPED = "messages were dropped before they came";
/** A flood of what is left out is told of in a few lines. */
const MAX_REASON_CHARS = 500;
/** Replies to other clients have numbers too, and do not come here. */
const MAX_PASSED_OVER = 20;

/** Adds that a message was too large to be received; its bytes where they are known. */
export function withLeftOut(reason: string | null, bytes: number | null): string {
  const size = bytes === null ? "" : ` of ${Math.round(bytes / 1_000_000)} MB`;
  const what = `a message${size} was left out`;
  if (reason?.includes(MESSAGE_LIMIT) !== true)
    return joined(
      reason,
      `${what} (${MESSAGE_LIMIT}: write to a file what is larger, or print and display it in parts)`,
    );
  return reason.length > MAX_REASON_CHARS ? reason : joined(reason, what);
}

/** Adds that so many messages were dropped, to those that are told of already. */
export function withDropped(reason: string | null, count: number): string {
  const told = new RegExp(`(\\d+) ${DROPPED}`);
  const known = told.exec(reason ?? "")?.[1];
  if (reason === null || known === undefined)
    return joined(
      reason,
      `${count} ${DROPPED}, because more were sent at once than Jupyter passes on`,
    );
  return reason.replace(told, `${Number(known) + count} ${DROPPED}`);
}

/**
 * How many messages a kernel sent between two that came one after the other, as
 * far as their ids tell: ipykernel's end with a number. 0 where they do not tell,
 * and where there are no more than go to others.
 */
export function droppedBetween(previous: string, id: string): number {
  const [before, after] = [numbered(previous), numbered(id)];
  if (before === null || after === null || before.process !== after.process) return 0;
  const between = after.number - before.number - 1;
  return between > MAX_PASSED_OVER ? between : 0;
}

function numbered(id: string): { process: string; number: number } | null {
  const underscore = id.lastIndexOf("_");
  const digits = id.slice(underscore + 1);
  if (underscore === -1 || !/^\d{1,15}$/.test(digits)) return null;
  return { process: id.slice(0, underscore), number: Number(digits) };
}

function joined(reason: string | null, what: string): string {
  return reason === null ? what : `${reason}; ${what}`;
}
