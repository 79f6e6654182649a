/** What the meter of counted-worker.ts counts, as it goes over HTTP. */

/** Of all objects of a class together, since the Worker began. */
export interface ClassCounts {
  /** Calls from outside of the object: of the Worker, or of another object. */
  readonly calls: number;
  /** Alarms that rang. */
  readonly alarms: number;
  readonly alarmsSet: number;
  /** Rows, those of indexes included, as the cursors of SQLite count them. */
  readonly rowsWritten: number;
  readonly rowsRead: number;
  /** Requests to Jupyter, handshakes of WebSockets included. */
  readonly fetches: number;
  /** WebSockets that were opened to Jupyter, and messages that came over them. */
  readonly sockets: number;
  readonly messages: number;
  /** How long objects had something pending, each by itself. */
  readonly heldMs: number;
}

/** What was counted. */
export interface Counts {
  /** To `/mcp`. */
  readonly requests: number;
  readonly objects: Readonly<
    Record<
      "Account" | "Conversation" | "Deployment" | "NotebookRoom" | "Workspace",
      ClassCounts
    >
  >;
  /** The classes of the objects that have something pending now. */
  readonly held: readonly string[];
  /** Alarms that are set now. */
  readonly alarms: readonly { readonly className: string; readonly dueInMs: number }[];
}

/** Nothing yet. */
export const NOTHING_COUNTED: ClassCounts = {
  calls: 0,
  alarms: 0,
  alarmsSet: 0,
  rowsWritten: 0,
  rowsRead: 0,
  fetches: 0,
  sockets: 0,
  messages: 0,
  heldMs: 0,
};

/** What was counted between two looks at a class, or at all of them together. */
export function countedBetween(before: Counts, after: Counts): ClassCounts {
  const sum = { ...NOTHING_COUNTED } as Record<keyof ClassCounts, number>;
  for (const counts of Object.values(after.objects)) add(sum, counts, 1);
  for (const counts of Object.values(before.objects)) add(sum, counts, -1);
  return sum;
}

function add(
  sum: Record<keyof ClassCounts, number>,
  counts: ClassCounts,
  sign: 1 | -1,
): void {
  for (const name of Object.keys(sum) as (keyof ClassCounts)[])
    sum[name] += sign * counts[name];
}
