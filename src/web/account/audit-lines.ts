import { auditLine, type AuditEntry } from "../../audit.ts";

const ENTRIES_AT_ONCE = 1_000;

/** Entries after one, oldest first. */
export type ReadTrail = (after: number, limit: number) => Promise<AuditEntry[]>;

/** The whole trails of some people as JSON lines, read in parts while they are sent. */
export function auditLines(
  people: readonly { readonly principal: string; readonly read: ReadTrail }[],
): ReadableStream<Uint8Array> {
  const lines = linesOf(people);
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await lines.next();
      if (done === true) controller.close();
      else controller.enqueue(new TextEncoder().encode(value));
    },
    async cancel() {
      await lines.return(undefined);
    },
  });
}

async function* linesOf(
  people: Parameters<typeof auditLines>[0],
): AsyncGenerator<string, void, undefined> {
  for (const { principal, read } of people) {
    let after = 0;
    for (;;) {
      const entries = await read(after, ENTRIES_AT_ONCE);
      const last = entries.at(-1);
      if (last === undefined) break;
      after = last.id;
      yield entries.map((entry) => `${auditLine(principal, entry)}\n`).join("");
      if (entries.length < ENTRIES_AT_ONCE) break;
    }
  }
}
