import { messageOf, type Message, type RequestMessage } from "./messages.ts";

/**
 * The name that a client asks for and the server confirms in the handshake. It
 * carries kernel messages as binary frames; without it they are JSON text.
 */
export const KERNEL_SUBPROTOCOL = "v1.kernel.websocket.jupyter.org";

const OFFSET_BYTES = 8;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A frame that is not a kernel message: the other end does not speak this protocol. */
export class FramingError extends Error {
  override readonly name = "FramingError";
}

/**
 * Packs a message for the `v1.kernel.websocket.jupyter.org` subprotocol: a
 * table of little-endian 64-bit offsets, then the channel and the four JSON
 * parts, back to back. The last offset is the frame's length.
 *
 * @see https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html
 */
export function encodeMessage(message: RequestMessage): ArrayBuffer {
  const parts = [
    encoder.encode(message.channel),
    ...[message.header, message.parent_header, message.metadata, message.content].map(
      (part) => encoder.encode(JSON.stringify(part)),
    ),
  ];
  const tableBytes = OFFSET_BYTES * (parts.length + 2);
  const total = parts.reduce((sum, part) => sum + part.byteLength, tableBytes);
  const frame = new ArrayBuffer(total);
  const view = new DataView(frame);
  const bytes = new Uint8Array(frame);
  view.setBigUint64(0, BigInt(parts.length + 1), true);
  let offset = tableBytes;
  parts.forEach((part, index) => {
    view.setBigUint64(OFFSET_BYTES * (index + 1), BigInt(offset), true);
    bytes.set(part, offset);
    offset += part.byteLength;
  });
  view.setBigUint64(OFFSET_BYTES * (parts.length + 1), BigInt(offset), true);
  return frame;
}

/** The channel of a message and its four parts, as JSON. */
export interface FrameParts {
  readonly channel: string;
  readonly header: string;
  readonly parentHeader: string;
  readonly metadata: string;
  readonly content: string;
}

/**
 * Takes a frame of the same format apart; the parts do not refer to it. Buffers
 * (binary parts of widgets) are left out: nothing here shows them.
 *
 * @throws {FramingError} when the offsets in it make no sense
 */
export function readFrame(frame: ArrayBuffer): FrameParts {
  const offsets = readOffsets(new DataView(frame));
  const part = (index: number) =>
    decoder.decode(
      new Uint8Array(frame, offsets[index], offsets[index + 1]! - offsets[index]!),
    );
  return {
    channel: part(0),
    header: part(1),
    parentHeader: part(2),
    metadata: part(3),
    content: part(4),
  };
}

/** The message of which these are the parts. @throws {FramingError} when their JSON makes no sense */
export function parseFrame(parts: FrameParts): Message {
  let message: Message | null;
  try {
    message = messageOf({
      channel: parts.channel,
      header: JSON.parse(parts.header),
      parent_header: JSON.parse(parts.parentHeader),
      metadata: JSON.parse(parts.metadata),
      content: parseContent(parts.content),
    });
  } catch (cause) {
    throw new FramingError("The parts of a kernel message could not be read.", { cause });
  }
  if (message === null) throw new FramingError("A frame is no kernel message.");
  return message;
}

/** Python writes `NaN` and `Infinity` into JSON, which `JSON.parse` refuses: they become `null`. */
function parseContent(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return JSON.parse(withoutBareNumbers(json));
  }
}

/** Replaces the bare words outside of strings, in one pass. */
function withoutBareNumbers(json: string): string {
  const bare = /-?Infinity|NaN/g;
  const parts: string[] = [];
  let from = 0;
  while (from < json.length) {
    const quote = json.indexOf('"', from);
    const outside = quote === -1 ? json.length : quote;
    parts.push(json.slice(from, outside).replace(bare, "null"));
    from = endOfString(json, outside);
    parts.push(json.slice(outside, from));
  }
  return parts.join("");
}

/** Where the string that begins at `quote` ends. */
function endOfString(json: string, quote: number): number {
  for (let index = quote + 1; index < json.length; index += 1) {
    const char = json[index];
    if (char === "\\") index += 1;
    else if (char === '"') return index + 1;
  }
  return json.length;
}

function readOffsets(view: DataView): number[] {
  if (view.byteLength < OFFSET_BYTES)
    throw new FramingError("A frame has no offset table.");
  const count = Number(view.getBigUint64(0, true));
  // Channel, header, parent header, metadata and content, and the end of the last of them.
  if (count < 6 || count > view.byteLength / OFFSET_BYTES - 1) {
    throw new FramingError(
      `A frame claims ${count} offsets in ${view.byteLength} bytes.`,
    );
  }
  const offsets: number[] = [];
  let previous = OFFSET_BYTES * (count + 1);
  for (let index = 1; index <= count; index += 1) {
    const offset = Number(view.getBigUint64(OFFSET_BYTES * index, true));
    if (offset < previous || offset > view.byteLength) {
      throw new FramingError("The offsets of a frame do not ascend within it.");
    }
    offsets.push(offset);
    previous = offset;
  }
  return offsets;
}
