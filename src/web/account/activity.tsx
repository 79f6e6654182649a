import type { AuditEntry, AuditEvent } from "../../audit.ts";
import { duration } from "../../mcp/words.ts";
import { AccountLayout, Moment } from "./parts.tsx";

/** The page at `/account/activity`: entries, newest first, and where older ones are. */
export function activityPage(props: {
  readonly entries: readonly AuditEntry[];
  /** The entry before which the older ones are; null where there is none. */
  readonly older: number | null;
  readonly auditDays: number;
}) {
  return (
    <AccountLayout
      heading="What was done"
      lead={`In your name, within the last ${props.auditDays} days. Code and outputs are not in it.`}
    >
      <ActivityTable entries={props.entries} />
      {props.older !== null && (
        <p>
          <a href={`/account/activity?before=${props.older}`}>Older</a>
        </p>
      )}
    </AccountLayout>
  );
}

/** Entries of a trail, one in a row. */
export function ActivityTable(props: { readonly entries: readonly AuditEntry[] }) {
  if (props.entries.length === 0) return <p class="soft">Nothing yet.</p>;
  return (
    <dl class="activity">
      {props.entries.map(({ at, what }) => (
        <>
          <dt>
            <Moment at={at} />
          </dt>
          <dd>{wordsFor(what)}</dd>
        </>
      ))}
    </dl>
  );
}

function wordsFor(what: AuditEvent): string {
  switch (what.event) {
    case "signed_in":
      return "Signed in on this page";
    case "signed_out":
      return "Signed out of this page";
    case "client_connected":
      return `Connected ${what.client} (${what.scopes.join(", ")})`;
    case "client_revoked":
      return `Revoked ${what.client}`;
    case "client_signed_out":
      return `Signed out ${what.client}: the sign-in behind it holds no more`;
    case "input_answered":
      return `Answered ${what.execution} of ${what.conversation} on a page`;
    case "execution": {
      const { conversation, execution, kernel, kernelspec, durationMs, state } = what;
      const where = kernel === null ? "no kernel" : `${kernelspec} ${kernel.slice(0, 8)}`;
      return `Ran ${execution} of ${conversation}: ${state} after ${duration(durationMs)}, on ${where}`;
    }
  }
}
