/** How an execution ended, as the trail tells it: never its code, nor what it printed. */
export interface ExecutionEvent {
  readonly event: "execution";
  readonly conversation: string;
  readonly execution: string;
  /** Jupyter's id of the kernel, and the name of its kernelspec; null where it never reached one. */
  readonly kernel: string | null;
  readonly kernelspec: string | null;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** A final state; or `forgotten`, where its conversation was ended while it ran. */
  readonly state: string;
}

/** Something that a person, or a client of theirs, did. */
export type AuditEvent =
  | { readonly event: "signed_in" | "signed_out" }
  | {
      readonly event: "client_connected";
      readonly client: string;
      readonly scopes: readonly string[];
    }
  /** By its person; or because whoever vouched for them does so no more. */
  | { readonly event: "client_revoked" | "client_signed_out"; readonly client: string }
  | {
      readonly event: "input_answered";
      readonly conversation: string;
      readonly execution: string;
    }
  | ExecutionEvent;

/** An event in its place. */
export interface AuditEntry {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly what: AuditEvent;
}

/**
 * An entry as a line of JSON Lines, without the line end.
 *
 * @see https://jsonlines.org
 */
export function auditLine(principal: string, { id, at, what }: AuditEntry): string {
  return JSON.stringify({ at: new Date(at).toISOString(), principal, id, ...what });
}
