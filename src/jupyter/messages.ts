/** The channels of a kernel that travel over Jupyter's WebSocket. */
export type Channel = "shell" | "control" | "iopub" | "stdin";

/** The `header` of a message, as far as anything here reads it. */
export interface MessageHeader {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly [name: string]: unknown;
}

/**
 * One kernel message. `content` stays unparsed until the reducer knows the
 * `msg_type`; a parent that is not a header (`{}` in a server's own `status`
 * messages) reads as `null`.
 *
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html#general-message-format
 */
export interface Message {
  readonly channel: Channel;
  readonly header: MessageHeader;
  readonly parent_header: MessageHeader | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly content: Readonly<Record<string, unknown>>;
}

const CHANNELS: ReadonlySet<string> = new Set<Channel>([
  "shell",
  "control",
  "iopub",
  "stdin",
]);

/**
 * Makes a message of what a kernel sent, or null where that is none. Thousands
 * come in a second, so it is done by hand: a schema takes ten times as long.
 */
export function messageOf(parts: {
  readonly channel: string;
  readonly header: unknown;
  readonly parent_header: unknown;
  readonly metadata: unknown;
  readonly content: unknown;
}): Message | null {
  const header = headerOf(parts.header);
  if (header === null || !isChannel(parts.channel)) return null;
  return {
    channel: parts.channel,
    header,
    parent_header: headerOf(parts.parent_header),
    metadata: isObject(parts.metadata) ? parts.metadata : {},
    content: isObject(parts.content) ? parts.content : {},
  };
}

function headerOf(value: unknown): MessageHeader | null {
  if (!isObject(value)) return null;
  const { msg_id, msg_type, session } = value;
  if (typeof msg_id !== "string" || typeof msg_type !== "string") return null;
  const isWhole = typeof session === "string";
  return { ...value, msg_id, msg_type, session: isWhole ? session : "" };
}

function isChannel(name: string): name is Channel {
  return CHANNELS.has(name);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The `data` of an output by mime type. Text, base64, or JSON for `+json` and `application/json`. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** Builds a message of ours. `session` is the id that the kernel's buffer is kept under. */
export function requestMessage(request: {
  readonly channel: Channel;
  readonly msg_type: string;
  readonly msg_id: string;
  readonly session: string;
  readonly date: Date;
  readonly content: Readonly<Record<string, unknown>>;
  readonly parent_header?: Readonly<Record<string, unknown>>;
}) {
  return {
    channel: request.channel,
    header: {
      msg_id: request.msg_id,
      msg_type: request.msg_type,
      username: "jupyter-edge-mcp",
      session: request.session,
      date: request.date.toISOString(),
      version: "5.3",
    },
    parent_header: request.parent_header ?? {},
    metadata: {},
    content: request.content,
  };
}

/** A message as {@link requestMessage} builds it. */
export type RequestMessage = ReturnType<typeof requestMessage>;
