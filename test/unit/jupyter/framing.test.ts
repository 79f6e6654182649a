import { expect, test } from "vitest";
import {
  encodeMessage,
  FramingError,
  parseFrame,
  readFrame,
} from "../../../src/jupyter/framing.ts";
import { requestMessage } from "../../../src/jupyter/messages.ts";

const REQUEST = requestMessage({
  channel: "shell",
  msg_type: "execute_request",
  msg_id: "m1",
  session: "s1",
  date: new Date(0),
  content: { code: "print('žluťoučký 🐎')" },
});

/** Builds a frame from its parts, as a server would. */
function frameOf(parts: readonly (string | Uint8Array)[]): ArrayBuffer {
  const bytes = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part,
  );
  const offsets = [8 * (bytes.length + 2)];
  for (const part of bytes) offsets.push(offsets.at(-1)! + part.byteLength);
  const frame = new ArrayBuffer(offsets.at(-1)!);
  const view = new DataView(frame);
  view.setBigUint64(0, BigInt(offsets.length), true);
  offsets.forEach((offset, index) =>
    view.setBigUint64(8 * (index + 1), BigInt(offset), true),
  );
  bytes.forEach((part, index) => new Uint8Array(frame).set(part, offsets[index]));
  return frame;
}

const messageIn = (frame: ArrayBuffer) => parseFrame(readFrame(frame));

const HEADER = '{"msg_id":"k1","msg_type":"stream","session":"kernel"}';
const PARENT = '{"msg_id":"m1","msg_type":"execute_request","session":"s1"}';

test("a message survives being packed and unpacked", () => {
  const message = messageIn(encodeMessage(REQUEST));
  expect(message).toMatchObject({
    channel: "shell",
    header: { msg_id: "m1", msg_type: "execute_request", session: "s1" },
    parent_header: null,
    content: { code: "print('žluťoučký 🐎')" },
  });
});

test("the first offset of a packed message points behind the table and the last to the end", () => {
  const frame = encodeMessage(REQUEST);
  const view = new DataView(frame);
  expect(Number(view.getBigUint64(0, true))).toBe(6);
  expect(Number(view.getBigUint64(8, true))).toBe(8 * 7);
  expect(Number(view.getBigUint64(8 * 6, true))).toBe(frame.byteLength);
});

test("buffers behind the content are left out, whatever their number and length", () => {
  for (let length = 0; length < 9; length += 1) {
    const buffers = Array.from({ length: 3 }, () => new Uint8Array(length));
    const frame = frameOf(["iopub", HEADER, PARENT, "{}", '{"text":"x"}', ...buffers]);
    expect(messageIn(frame)).toMatchObject({
      channel: "iopub",
      content: { text: "x" },
    });
  }
});

test("a parent that is no header reads as none", () => {
  const frame = frameOf([
    "iopub",
    HEADER,
    "{}",
    "{}",
    '{"execution_state":"restarting"}',
  ]);
  expect(messageIn(frame).parent_header).toBeNull();
});

test("NaN and Infinity in a content become null and leave texts alone", () => {
  const frame = frameOf([
    "iopub",
    HEADER,
    PARENT,
    "{}",
    '{"a":NaN,"b":[-Infinity,1],"c":"NaN \\" Infinity"}',
  ]);
  expect(messageIn(frame).content).toEqual({
    a: null,
    b: [null, 1],
    c: 'NaN " Infinity',
  });
});

test("a frame cut at any byte is refused instead of misread", () => {
  const whole = frameOf(["iopub", HEADER, PARENT, "{}", '{"text":"x"}']);
  for (let length = 0; length < whole.byteLength; length += 1) {
    expect(() => messageIn(whole.slice(0, length))).toThrow(FramingError);
  }
});

test("offsets that descend, point beyond the end or claim too many are refused", () => {
  for (const [index, value] of [
    [0, 5n],
    [0, 1_000n],
    [2, 1n],
    [3, 100_000n],
  ] as const) {
    const frame = frameOf(["iopub", HEADER, PARENT, "{}", "{}"]);
    new DataView(frame).setBigUint64(8 * index, value, true);
    expect(() => messageIn(frame)).toThrow(FramingError);
  }
});

test("an unknown channel is refused", () => {
  expect(() => messageIn(frameOf(["radio", HEADER, PARENT, "{}", "{}"]))).toThrow(
    FramingError,
  );
});
