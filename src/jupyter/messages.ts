import { z } from "zod";

/** The channels of a kernel that travel over Jupyter's WebSocket. */
export type Channel = "shell" | "control" | "iopub" | "stdin";

const headerSchema = z.looseObject({
  msg_id: z.string(),
  msg_type: z.string(),
  session: z.string().catch(""),
});

/** The `header` of a message, as far as anything here reads it. */
export type MessageHeader = z.infer<typeof headerSchema>;

/**
 * What a kernel sends. `content` stays unparsed until the reducer knows the
 * `msg_type`; a parent that is not a header (`{}` in a server's own `status`
 * messages) reads as `null`.
 *
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html#general-message-format
 */
export const messageSchema = z.object({
  channel: z.enum(["shell", "control", "iopub", "stdin"]),
  header: headerSchema,
  parent_header: headerSchema.nullable().catch(null),
  metadata: z.record(z.string(), z.unknown()).catch({}),
  content: z.record(z.string(), z.unknown()).catch({}),
});

/** One parsed kernel message. */
export type Message = z.infer<typeof messageSchema>;

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
